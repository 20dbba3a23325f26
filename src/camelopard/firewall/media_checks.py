"""Checks of what is assumed of texts and pictures, one per code; see `camelopard.stress.media_assumptions` for what is learned of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from camelopard.core.digits import figure, precisely
from camelopard.core.errors import CamelopardError
from camelopard.core.records import Assumption
from camelopard.firewall.contract_languages import LANGUAGES, other_language
from camelopard.modality.image_files import unpacked
from camelopard.modality.text_forms import MOJIBAKE, WORD, scripts_of
from camelopard.stress.media_assumptions import UNWANTED, channels_of

ENCODINGS = ("utf-8", "ascii", "latin-1", "cp1252")
FORMATS = {  # how files of pictures begin, and what stands eight bytes on
    "png": ((b"\x89PNG\r\n\x1a\n", b""),),
    "jpeg": ((b"\xff\xd8\xff", b""),),
    "gif": ((b"GIF87a", b""), (b"GIF89a", b"")),
    "webp": ((b"RIFF", b"WEBP"),),
    "bmp": ((b"BM", b""),),
    "tiff": ((b"II*\x00", b""), (b"MM\x00*", b"")),
    "ppm": tuple((b"P%d" % k + space, b"") for k in range(1, 7) for space in (b"\n", b" ", b"\r", b"\t")),
}
SHOWN = 30  # characters of what is wrong in a text
Broken = Callable[[Any], bool]


@dataclass(frozen=True)
class Picture:
    """What a rule can hold a picture against: its size, its channels, and the smallest, the largest and the mean of its numbers."""

    height: int
    width: int
    channels: int
    low: float
    high: float
    mean: float


def seen(cell: Any) -> Picture | None:
    """Return what a picture is like, an array or an encoded file; None for what is none, or cannot be unpacked.

    >>> seen(np.full((4, 6), 100, dtype=np.uint8))
    Picture(height=4, width=6, channels=1, low=100.0, high=100.0, mean=100.0)
    """
    if isinstance(cell, bytes):
        try:
            cell = unpacked(cell)
        except CamelopardError:  # why it cannot be unpacked is told of the row
            return None
    if not isinstance(cell, np.ndarray) or cell.ndim not in (2, 3) or not cell.size:
        return None
    with np.errstate(over="ignore", invalid="ignore"):  # of huge numbers, which are too bright
        low, high, mean = float(cell.min()), float(cell.max()), float(cell.mean(dtype=np.float64))
    return Picture(int(cell.shape[0]), int(cell.shape[1]), channels_of(cell), low, high, mean)


# Texts


def length(a: Assumption) -> Broken:
    """Return whether a text has another number of characters, spaces around it apart."""
    low, high = _numbers(a, "low", "high")
    return lambda v: isinstance(v, str) and not low <= len(v.strip()) <= high


def language(a: Assumption) -> Broken:
    """Return whether a text holds letters of another alphabet, or is surely in another language."""
    if "languages" in a.limits:
        languages = _texts(a, "languages")
        if not languages or not set(languages) <= set(LANGUAGES):
            raise ValueError(f"languages are {a.limits['languages']!r}; expected some of {', '.join(LANGUAGES)}")
        return lambda v: isinstance(v, str) and other_language(v, languages) is not None
    known = set(_texts(a, "scripts"))
    return lambda v: isinstance(v, str) and not v.isascii() and not scripts_of(v) <= known


def characters(a: Assumption) -> Broken:
    """Return whether a text lacks characters that it must have, or holds some that it must not."""
    if not {"characters", "without"} & set(a.limits):
        raise KeyError("characters")
    required = _texts(a, "characters") if "characters" in a.limits else []
    banned = _texts(a, "without") if "without" in a.limits else []
    unknown = sorted(name for name in banned if len(name) != 1 and name not in UNWANTED)
    if unknown:
        raise ValueError(f"without names {unknown[0]!r}; expected single characters, or some of {', '.join(UNWANTED)}")
    return lambda v: isinstance(v, str) and (any(c not in v for c in required) or any(_found(v, name) is not None for name in banned))


def encoding(a: Assumption) -> Broken:
    """Return whether a text cannot be written in an encoding or shows the debris of a wrong one, or bytes are none in it."""
    name = a.limits["encoding"]
    if name not in ENCODINGS:
        raise ValueError(f"encoding is {name!r}; expected one of {', '.join(ENCODINGS)}")
    return lambda v: isinstance(v, (str, bytes)) and _undecoded(v, name) is not None


# Pictures


def picture(a: Assumption) -> Broken:
    """Return whether a cell is no picture, or one of another type of numbers; where no type is known, clean pictures are files."""
    types = set(_texts(a, "dtypes"))
    if not types:
        return lambda v: not isinstance(v, (np.ndarray, bytes))
    return lambda v: not isinstance(v, np.ndarray) or str(v.dtype) not in types


def size(a: Assumption) -> Callable[[Picture], bool]:
    """Return whether a picture is smaller or larger."""
    (low_h, low_w), (high_h, high_w) = (_two(a, key) for key in ("low", "high"))
    if low_h > high_h or low_w > high_w:
        raise ValueError(f"low is {a.limits['low']!r} and high {a.limits['high']!r}; expected two sizes, low ≤ high")
    return lambda p: not (low_h <= p.height <= high_h and low_w <= p.width <= high_w)


def channels(a: Assumption) -> Callable[[Picture], bool]:
    """Return whether a picture has another number of channels."""
    known = a.limits["channels"]
    if not isinstance(known, (list, tuple)) or not all(type(k) is int for k in known):
        raise ValueError(f"channels are {known!r}; expected a list of whole numbers")
    return lambda p: p.channels not in known


def levels(a: Assumption) -> Callable[[Picture], bool]:
    """Return whether a number of a picture lies outside."""
    low, high = _numbers(a, "low", "high")
    return lambda p: not (low <= p.low and p.high <= high)


def brightness(a: Assumption) -> Callable[[Picture], bool]:
    """Return whether a picture is darker or brighter."""
    low, high = _numbers(a, "low", "high")
    return lambda p: not low <= p.mean <= high


def file_format(a: Assumption) -> Broken:
    """Return whether an encoded file is of another format; an array is of none."""
    known = set(_texts(a, "formats"))
    unknown = sorted(known - set(FORMATS))
    if unknown or not known:
        raise ValueError(f"formats are {a.limits['formats']!r}; expected some of {', '.join(FORMATS)}")
    return lambda v: isinstance(v, bytes) and format_of(v) not in known


def format_of(file: bytes) -> str | None:
    """Return the format of an encoded picture, by how it begins; None for one that is not known.

    >>> format_of(b"GIF89a"), format_of(b"%PDF-1.7")
    ('gif', None)
    """
    return next(
        (name for name, forms in FORMATS.items() for start, inside in forms if file.startswith(start) and file[8:16].startswith(inside)), None
    )


# In words


def told(a: Assumption, cell: Any) -> str | None:
    """Return what about a cell breaks an assumption, in words; None where the cell says it by itself."""
    if a.code == "file-format" and isinstance(cell, bytes):
        return f"the format {format_of(cell) or 'of no known picture'}"
    if isinstance(cell, (str, bytes)) and a.code == "encoding":
        return _undecoded(cell, str(a.limits["encoding"]))
    if isinstance(cell, str):
        return _told_of_text(a, cell)
    found = seen(cell) if a.code in ("size", "channels", "range", "brightness") or isinstance(cell, np.ndarray) else None
    return None if found is None else _told_of_picture(a.code, found, cell)


def _told_of_text(a: Assumption, text: str) -> str | None:
    if a.code == "length":
        return f"{len(text.strip()):,} characters"
    if a.code == "language" and "languages" in a.limits:
        found = other_language(text, a.limits["languages"])
        return None if found is None else f"words in {found[0]}: {', '.join(map(repr, found[1]))}"
    if a.code == "language":
        known = set(a.limits["scripts"])
        other = next((word for word in WORD.findall(text) if not scripts_of(word) <= known), None)
        return None if other is None else f"{' and '.join(sorted(scripts_of(other) - known))} letters: {other[:SHOWN]!r}"
    if a.code == "characters":
        lacking = [c for c in a.limits.get("characters", ()) if c not in text]
        if lacking:
            return f"no {' and no '.join(map(repr, lacking))}"
        return next((_named(name, held) for name in a.limits.get("without", ()) if (held := _found(text, name)) is not None), None)
    return None


def _told_of_picture(code: str, p: Picture, cell: Any) -> str | None:
    if code == "brightness":
        return f"mean brightness {figure(p.mean)}"
    if code == "range":
        return f"numbers from {precisely(p.low)} to {precisely(p.high)}"
    if code == "channels":
        return f"{p.channels} channel{'s' if p.channels != 1 else ''}"
    if code == "size":
        return None if isinstance(cell, np.ndarray) else f"{p.height} × {p.width} pixels"
    return f"numbers of the type {cell.dtype}" if code == "type" else None


def _named(name: str, found: str) -> str:
    return repr(name) if len(name) == 1 else f"{name}: {found[:SHOWN]!r}"


def _found(text: str, name: str) -> str | None:
    """Return where a text holds a character, or something unwanted, as it stands there."""
    if len(name) == 1:
        return name if name in text else None
    match = UNWANTED[name].search(text)
    return None if match is None else match.group()


def _undecoded(cell: str | bytes, name: str) -> str | None:
    """Return what shows that a cell is not in an encoding, in words; None where nothing does."""
    try:
        text = cell.decode(name) if isinstance(cell, bytes) else cell
        text.encode(name)
    except UnicodeDecodeError as error:
        return f"bytes that are not {name}, the first of them {error.object[error.start]:#04x} at byte {error.start + 1}"
    except UnicodeEncodeError as error:
        return f"{error.object[error.start]!r} at character {error.start + 1}, which {name} cannot write"
    match = MOJIBAKE.search(text)
    return None if match is None else f"signs of a broken encoding: {match.group()!r} at character {match.start() + 1}"


# Limits


def _numbers(a: Assumption, *keys: str) -> list[float]:
    found = [a.limits[key] for key in keys]
    if any(type(v) not in (int, float) for v in found) or not found[0] <= found[-1]:
        raise ValueError(f"low is {found[0]!r} and high {found[-1]!r}; expected two numbers, low ≤ high")
    return [float(v) for v in found]


def _two(a: Assumption, key: str) -> list[float]:
    found = a.limits[key]
    if not isinstance(found, (list, tuple)) or len(found) != 2 or any(type(v) not in (int, float) for v in found):
        raise ValueError(f"{key} is {found!r}; expected a height and a width")
    return [float(v) for v in found]


def _texts(a: Assumption, key: str) -> Sequence[str]:
    found = a.limits[key]
    if not isinstance(found, (list, tuple)) or not all(isinstance(v, str) for v in found):
        raise ValueError(f"{key} is {found!r}; expected a list of texts")
    return found
