"""Something before the picture or on it: a box, a border, a watermark, a ruler. It keeps the truth.

Watermarks and rulers are what models are known to take shortcuts by: pictures of one class had them and those of the other had not.
"""

from __future__ import annotations

import numpy as np

from camelopard.core.arrays import Bools
from camelopard.stress.damage import ColumnDamage
from camelopard.stress.damages._images import Colours, on_colours, shorter_side

COVERED = (0.02, 0.05, 0.1, 0.2, 0.4)  # of the area
FRAME = (0.02, 0.05, 0.1, 0.15, 0.25)  # of the shorter side
OPAQUE = (0.1, 0.2, 0.3, 0.45, 0.65)
STRIP = (0.06, 0.1, 0.15, 0.2, 0.3)  # of the height
TICKS = 20  # on a ruler
SAMPLE = (
    "###.###.#...#.###.#...###",
    "#...#.#.##.##.#.#.#...#..",
    "###.###.#.#.#.###.#...##.",
    "..#.#.#.#...#.#...#...#..",
    "###.#.#.#...#.#...###.###",
)


def occlusion(colours: Colours, severity: int, rng: np.random.Generator) -> Colours:
    """Cover a box of 2 % to 40 % of the area, at a random place, with one grey."""
    out = colours.copy()
    share = np.sqrt(COVERED[severity - 1])
    box = [max(1, round(share * size)) for size in colours.shape[:2]]
    top, left = (int(rng.integers(0, size - part + 1)) for size, part in zip(colours.shape[:2], box, strict=True))
    out[top : top + box[0], left : left + box[1]] = np.float32(rng.random())
    return out


def border(colours: Colours, severity: int, rng: np.random.Generator) -> Colours:
    """Draw a black or white frame as wide as 2 % to 25 % of the shorter side, at least a pixel."""
    out = colours.copy()
    wide = max(1, round(FRAME[severity - 1] * shorter_side(colours)))
    shade = np.float32(rng.integers(0, 2))
    out[:wide] = out[-wide:] = shade
    out[:, :wide] = out[:, -wide:] = shade
    return out


def watermark(colours: Colours, severity: int, rng: np.random.Generator) -> Colours:
    """Print a word across the picture, again and again, up to 65 % opaque: white where the picture is dark, black where it is light."""
    share = np.float32(OPAQUE[severity - 1])
    ink = np.float32(colours.mean() < 0.5)
    printed = lettering(colours.shape[0], colours.shape[1], rng)
    return np.asarray(np.where(printed[:, :, None], colours * (1 - share) + ink * share, colours), dtype=np.float32)


def lettering(height: int, width: int, rng: np.random.Generator) -> Bools:
    """Return where the letters of a slanted, repeated word lie, shape (h, w): SAMPLE, as picture agencies print it."""
    word = np.array([[mark == "#" for mark in line] for line in SAMPLE])
    word = np.pad(word, ((2, 2), (2, 2)))
    size = max(1.0, min(height, width) / 40)
    y, x = np.mgrid[0:height, 0:width]
    down, along = (y + 0.4 * x) / size + rng.integers(0, len(word)), (x - 0.4 * y) / size + rng.integers(0, word.shape[1])
    return np.asarray(word[down.astype(np.int64) % len(word), np.floor(along).astype(np.int64) % word.shape[1]])


def ruler(colours: Colours, severity: int, rng: np.random.Generator) -> Colours:
    """Lay a white ruler with black ticks along the top or the bottom: 6 % to 30 % of the height."""
    height, width = colours.shape[:2]
    tall = max(1, round(STRIP[severity - 1] * height))
    strip = np.full((tall, width, 1), 0.95, dtype=np.float32)
    pitch = max(2, width // TICKS)
    strip[: max(1, tall // 2), ::pitch] = 0.05
    strip[:, :: 5 * pitch] = 0.05
    out = colours.copy()
    if rng.random() < 0.5:
        out[:tall] = strip[::-1]
    else:
        out[-tall:] = strip
    return out


DAMAGES = (
    ColumnDamage("occlusion", "occlusion", ("image",), "none", on_colours(occlusion)),
    ColumnDamage("border", "occlusion", ("image",), "none", on_colours(border)),
    ColumnDamage("watermark", "occlusion", ("image",), "none", on_colours(watermark)),
    ColumnDamage("ruler", "occlusion", ("image",), "none", on_colours(ruler)),
)
