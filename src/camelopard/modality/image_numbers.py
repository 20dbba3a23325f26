"""The numbers that say what a single picture is like, all from pixels scaled so that the values of clean pictures lie between 0 and 1.

Every sum is over arrays of one layout in one order, picture by picture: the same pixels give the same bytes alone and in any batch.
"""

from __future__ import annotations

from math import log, log1p

import numpy as np
from numpy.typing import NDArray

from camelopard.core.arrays import Array

NAMES = (
    "height", "width", "channels", "darkest value", "brightest value", "brightness", "contrast", "redness", "blueness", "colourfulness",
    "share at the dark end", "share at the bright end", "sharpness", "noise", "specks", "blocks of eight", "fine detail", "entropy", "edges",
    "left-right asymmetry", "up-down asymmetry", "border brightness", "border variation", "commonest value", "direction",
    "centre across", "centre down", "lit from above", "lit from the left",
)  # fmt: skip
LOGARITHMS = frozenset(("height", "width"))  # of 1 + the number of pixels
SIDE = 256  # pixels a side beyond which a picture is measured on a smaller copy
CROP = 128  # pixels a side of the middle in which noise and sharpness are measured at full size
GRID = 8  # of a thumbnail
FARTHEST = 1_000.0  # scaled value beyond which far is far
ENDS = 0.002  # from the smallest and the largest value of clean pictures
BINS, LEVELS = 64, 256
STEP = 0.1  # of brightness between neighbours that makes an edge
SPECK = 0.15  # of brightness between a pixel and the median around it that makes a speck
TINY = 1e-6

Plane = NDArray[np.float32]


def scaled(pixels: Array, low: float, high: float) -> Plane:
    """Return pixels as (h, w, channels), with low at 0 and high at 1, far values cut.

    >>> scaled(np.array([[0, 51]], dtype=np.uint8), 0, 255)[0, :, 0].round(2).tolist()
    [0.0, 0.2]
    """
    flat = pixels[:, :, None] if pixels.ndim == 2 else pixels
    if flat.dtype == np.uint8 and 0 <= low < high <= 255:
        values: Plane = np.array(flat, dtype=np.float32, order="C")
        values -= np.float32(low)
        values *= np.float32(1 / (high - low))
        return values
    with np.errstate(over="ignore"):
        return np.clip((np.array(flat, dtype=np.float64, order="C") - low) / (high - low), -FARTHEST, FARTHEST).astype(np.float32)


def reduced(pixels: Array, low: float, high: float) -> Plane:
    """Return scaled pixels, at most SIDE a side: of a larger picture, each is the mean of at most 4 × 4 spread over its place."""
    height, width = pixels.shape[:2]
    if max(height, width) <= SIDE:
        return scaled(pixels, low, high)
    times = -(-max(height, width) // SIDE)
    rows, columns = _places(height, times), _places(width, times)
    part = scaled(pixels[np.ix_(rows.ravel(), columns.ravel())], low, high)
    part = part.reshape(*rows.shape, *columns.shape, part.shape[2])
    total: Plane = np.zeros((len(rows), len(columns), part.shape[4]), dtype=np.float32)
    for i in range(rows.shape[1]):  # one after the other: several times faster than a sum over two axes
        for j in range(columns.shape[1]):
            total += part[:, i, :, j]
    total *= np.float32(1 / (rows.shape[1] * columns.shape[1]))
    return total


def grey(planes: Plane) -> Plane:
    """Return the brightness of scaled pixels, shape (h, w): the first channel, or the mean of the first three."""
    if planes.shape[2] < 3:
        return np.ascontiguousarray(planes[:, :, 0])
    total: Plane = planes[:, :, 0] + planes[:, :, 1] + planes[:, :, 2]
    total *= np.float32(1 / 3)
    return total


def thumbnail(light: Plane) -> Plane:
    """Return the mean brightness in each cell of a GRID × GRID division, shape (GRID, GRID); smaller pictures repeat their pixels."""
    for axis in (0, 1):
        n = light.shape[axis]
        starts = np.arange(GRID) * n // GRID
        if n < GRID:
            light = light.take(starts, axis=axis)
            continue
        counts = np.diff(np.append(starts, n)).astype(np.float32)
        total: Plane = np.add.reduceat(light, starts, axis=axis)
        total /= counts[:, None] if axis == 0 else counts
        light = total
    return np.ascontiguousarray(light)


def numbers(pixels: Array, low: float, high: float, planes: Plane | None = None) -> tuple[list[float], Plane]:
    """Return the numbers of a picture, in the order of NAMES, and its thumbnail; `planes`: what `reduced` makes of it, where that is known.

    >>> dict(zip(NAMES, numbers(np.full((9, 9), 51, dtype=np.uint8), 0, 255)[0]))["brightness"]
    0.2
    """
    height, width = pixels.shape[:2]
    planes = reduced(pixels, low, high) if planes is None else planes
    light = grey(planes)
    middle = light if max(height, width) <= CROP else grey(scaled(_middle(pixels), low, high))
    small = thumbnail(light)
    brightness, contrast = float(light.mean()), float(light.std())
    across, down = _steps(light)
    energy_across, energy_down = float((across * across).mean()), float((down * down).mean())
    sharp, noise, specks = _texture(middle)
    found = [
        log1p(height),
        log1p(width),
        float(planes.shape[2]),
        float(planes[:, :, :3].min()),
        float(planes[:, :, :3].max()),
        brightness,
        contrast,
        *_colours(planes, brightness),
        float((light <= ENDS).mean()),
        float((light >= 1 - ENDS).mean()),
        sharp,
        noise,
        specks,
        _blocks(middle),
        _detail(light, energy_across + energy_down),
        _entropy(light),
        (float((np.abs(across) > STEP).mean()) + float((np.abs(down) > STEP).mean())) / 2,
        float(np.abs(light - light[:, ::-1]).mean()) / (contrast + 0.01),
        float(np.abs(light - light[::-1]).mean()) / (contrast + 0.01),
        *_border(light),
        _commonest(light),
        log((energy_across + TINY) / (energy_down + TINY)),
        *_centre(small),
        float(small[: GRID // 2].mean()) - float(small[GRID // 2 :].mean()),
        float(small[:, : GRID // 2].mean()) - float(small[:, GRID // 2 :].mean()),
    ]
    return [round(v, 12) for v in found], small


def _places(n: int, times: int) -> NDArray[np.int64]:
    """Return the places along a side that stand for each smaller pixel, shape (smaller, at most 4)."""
    size = max(1, n // times)
    each = min(4, max(1, n // size))
    places: NDArray[np.int64] = ((np.arange(size * each) + 0.5) * (n / (size * each))).astype(np.int64).reshape(size, each)
    return places


def _middle(pixels: Array) -> Array:
    """Return at most CROP × CROP pixels from the middle, starting at a multiple of eight."""
    top, left = (max(0, (n - CROP) // 2) // 8 * 8 for n in pixels.shape[:2])
    return pixels[top : top + CROP, left : left + CROP]


def _steps(light: Plane) -> tuple[Plane, Plane]:
    """Return the differences between neighbours, across and down; a zero where there are none."""
    nothing = np.zeros((1, 1), dtype=np.float32)
    return (np.diff(light, axis=1) if light.shape[1] > 1 else nothing), (np.diff(light, axis=0) if light.shape[0] > 1 else nothing)


def _colours(planes: Plane, brightness: float) -> tuple[float, float, float]:
    """Return how much brighter red and blue are than the mean, and how far the channels of a pixel lie apart."""
    if planes.shape[2] < 3:
        return 0.0, 0.0, 0.0
    red, green, blue = (np.ascontiguousarray(planes[:, :, k]) for k in range(3))
    apart = np.maximum(np.maximum(red, green), blue) - np.minimum(np.minimum(red, green), blue)
    return float(red.mean()) - brightness, float(blue.mean()) - brightness, float(apart.mean())


def _texture(light: Plane) -> tuple[float, float, float]:
    """Return the variance of the Laplacian against that of the picture, the noise, and the share of specks.

    Noise is the mean of a difference of two Laplacians, blind to edges (Immerkær 1996), as a logarithm of its standard deviation.
    """
    if min(light.shape) < 3:
        return 0.0, log(1e-4), 0.0
    rows = light[:-2] - 2 * light[1:-1] + light[2:]
    both = rows[:, :-2] - 2 * rows[:, 1:-1] + rows[:, 2:]
    laplacian = rows[:, 1:-1] + (light[1:-1, :-2] - 2 * light[1:-1, 1:-1] + light[1:-1, 2:])
    sharp = log((float(laplacian.var()) + TINY) / (float(light.var()) + TINY))
    noise = log(float(np.partition(np.abs(both), both.size // 2, axis=None)[both.size // 2]) / 4.0 + 1e-4)
    specks = float((np.abs(light[1:-1, 1:-1] - median(light)) > SPECK).mean())
    return sharp, noise, specks


def median(light: Plane) -> Plane:
    """Return the median of the 3 × 3 pixels around each inner pixel, shape (h − 2, w − 2).

    By sorting columns of three, then the largest small, the middle middle and the smallest large one of neighbouring columns.
    """
    low, mid, high = _sorted(light[:-2], light[1:-1], light[2:])
    left, here, right = slice(None, -2), slice(1, -1), slice(2, None)
    largest = np.maximum(np.maximum(low[:, left], low[:, here]), low[:, right])
    middle = _sorted(mid[:, left], mid[:, here], mid[:, right])[1]
    smallest = np.minimum(np.minimum(high[:, left], high[:, here]), high[:, right])
    return _sorted(largest, middle, smallest)[1]


def _sorted(a: Plane, b: Plane, c: Plane) -> tuple[Plane, Plane, Plane]:
    small, large = np.minimum(a, b), np.maximum(a, b)
    return np.minimum(small, c), np.maximum(small, np.minimum(large, c)), np.maximum(large, c)


def _blocks(light: Plane) -> float:
    """Return how much larger steps are between blocks of 8 × 8 pixels than inside them, as a logarithm: what JPEG leaves."""
    between = inside = 0.0
    for axis in (0, 1):
        if light.shape[axis] < 2:
            continue
        steps = np.abs(np.diff(light, axis=axis)).mean(axis=1 - axis)
        edge = np.arange(1, len(steps) + 1) % 8 == 0
        if edge.any():
            between += float(steps[edge].mean())
            inside += float(steps[~edge].mean())
    return log((between + 1e-4) / (inside + 1e-4))


def _detail(light: Plane, energy: float) -> float:
    """Return how much of the change over two pixels is there over one already, as a logarithm: little in what was blurred or enlarged."""
    wide = 0.0
    if light.shape[1] > 2:
        wide += float(((light[:, 2:] - light[:, :-2]) ** 2).mean())
    if light.shape[0] > 2:
        wide += float(((light[2:] - light[:-2]) ** 2).mean())
    return log((energy + TINY) / (wide + TINY))


def _entropy(light: Plane) -> float:
    """Return the entropy of the brightness in BINS steps, in bits, of the pixels that are not at the ends."""
    inner = light[(light > ENDS) & (light < 1 - ENDS)]
    counts = np.bincount((inner * BINS).astype(np.int64), minlength=BINS)
    share = counts[counts > 0] / max(len(inner), 1)
    return max(0.0, -float((share * np.log2(share)).sum()))


def _commonest(light: Plane) -> float:
    """Return the share of the commonest of LEVELS levels of brightness between the ends."""
    levels = np.clip(light * (LEVELS - 1) + 0.5, 0, LEVELS - 1).astype(np.int64).ravel()
    return float(np.bincount(levels, minlength=LEVELS)[1:-1].max()) / light.size


def _border(light: Plane) -> tuple[float, float]:
    """Return the mean and the standard deviation of the outermost pixels."""
    rim = np.concatenate([light[0], light[-1], light[:, 0], light[:, -1]])
    return float(rim.mean()), float(rim.std())


def _centre(small: Plane) -> tuple[float, float]:
    """Return where what differs from the border lies, across and down, from −1 to 1; 0 where nothing does."""
    edge = np.concatenate([small[0], small[-1], small[:, 0], small[:, -1]])
    weight = np.abs(small - np.median(edge)).astype(np.float64)
    total = float(weight.sum())
    if total < TINY:
        return 0.0, 0.0
    places = np.linspace(-1.0, 1.0, GRID)
    return float((weight.sum(axis=0) * places).sum()) / total, float((weight.sum(axis=1) * places).sum()) / total
