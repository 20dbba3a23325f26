"""What is assumed of a column of texts or pictures: lengths, alphabets, sizes, channels, the range of their numbers. Read off clean cells."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from camelopard.core.arrays import Array
from camelopard.core.digits import figure, precisely
from camelopard.core.records import Assumption
from camelopard.core.schema import Column
from camelopard.modality.text_forms import INVISIBLE, MARKUP, MOJIBAKE, WORD, scripts_of

MOST_READ = 2000  # cells that are looked at
ROOM = 0.05  # of the range that clean brightness keeps, on either side
UNWANTED = {"invisible characters": INVISIBLE, "signs of a broken encoding": MOJIBAKE, "markup": MARKUP}


def of_media(column: Column, values: Array, seen: Mapping[str, int]) -> Iterator[Assumption]:
    """Yield what the cells of a column of texts or pictures are assumed to be; `seen` says on how many rows that rests."""
    step = max(1, len(values) // MOST_READ)
    cells = values[::step].tolist()
    if column.kind == "text":
        yield from _text(column.name, [cell for cell in cells if isinstance(cell, str) and cell.strip()], seen)
    else:
        yield from _image(column.name, [cell for cell in cells if isinstance(cell, np.ndarray) and cell.size and np.isfinite(cell).all()], seen)


def _text(name: str, texts: Sequence[str], seen: Mapping[str, int]) -> Iterator[Assumption]:
    yield Assumption("type", (name,), f"{name} holds text.", {"kind": "text"}, seen)
    if not texts:
        return
    low, high = min(len(t.strip()) for t in texts), max(len(t.strip()) for t in texts)
    yield Assumption("length", (name,), f"{name} has between {low:,} and {high:,} characters.", {"low": low, "high": high}, seen)
    scripts = sorted({script for t in texts if WORD.search(t) for script in scripts_of(t)})
    if scripts:
        yield Assumption("language", (name,), f"{name} is written in {' and '.join(scripts)} letters.", {"scripts": scripts}, seen)
    clean = [what for what, pattern in UNWANTED.items() if not any(pattern.search(t) for t in texts)]
    if clean:
        yield Assumption("characters", (name,), f"{name} holds no {', no '.join(clean)}.", {"without": clean}, seen)
    if all(t == t.strip() for t in texts):
        yield Assumption("whitespace", (name,), f"{name} has no space before or behind.", {"stripped": True}, seen)


def _image(name: str, images: Sequence[Array], seen: Mapping[str, int]) -> Iterator[Assumption]:
    types = sorted({str(image.dtype) for image in images})
    yield Assumption("type", (name,), f"{name} holds pictures{_listed(' of ', types)}.", {"kind": "image", "dtypes": types}, seen)
    if not images:
        return
    sizes = Counter(image.shape[:2] for image in images)
    least, most = ([int(f(size[k] for size in sizes)) for k in (0, 1)] for f in (min, max))
    words = f"{least[0]} × {least[1]}" if len(sizes) == 1 else f"between {least[0]} × {least[1]} and {most[0]} × {most[1]}"
    yield Assumption("size", (name,), f"{name} is {words} pixels (height × width).", {"low": least, "high": most}, seen)
    channels = sorted({channels_of(image) for image in images})
    spoken = " or ".join(map(str, channels))
    yield Assumption("channels", (name,), f"{name} has {spoken} channel{'s' if channels != [1] else ''}.", {"channels": channels}, seen)
    low, high = min(float(image.min()) for image in images), max(float(image.max()) for image in images)
    levels = f"the numbers of {name} lie between {precisely(low)} and {precisely(high)}."
    yield Assumption("range", (name,), levels, {"low": low, "high": high, "levels": True}, seen)
    light = np.array([float(image.mean(dtype=np.float64)) for image in images])
    room = ROOM * max(high - low, 1e-9)
    dark, bright = float(light.min()) - room, float(light.max()) + room
    statement = f"the mean brightness of {name} lies between {figure(dark)} and {figure(bright)}."
    yield Assumption("brightness", (name,), statement, {"low": dark, "high": bright}, seen)


def channels_of(image: Array) -> int:
    """Return how many numbers a pixel has."""
    return 1 if image.ndim == 2 else int(image.shape[2])


def _listed(words: str, names: Sequence[Any]) -> str:
    return f"{words}{' or '.join(map(str, names))}" if names else ""
