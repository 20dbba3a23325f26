"""What damages to images share: which cells are images, their range of values, and the way from cells to colours and back.

A damage is written once, for colours between 0 and 1, shape (h, w, c). How the image is stored (grey or colour, with alpha or without, whole numbers
or floats, 0–1 or 0–255) is taken off before and put back after. A pixel that the damage leaves alone keeps its very value.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias, TypeGuard

import numpy as np
from numpy.typing import NDArray

from camelopard.core.arrays import Array
from camelopard.core.schema import Column
from camelopard.stress.damage import ON_COLUMN

Image: TypeAlias = NDArray[Any]
Colours: TypeAlias = NDArray[np.float32]
Range: TypeAlias = tuple[float, float]

TOPS = (1.0, 16.0, 255.0, 4095.0, 65535.0)  # where ranges of images end by convention: fractions, 4, 8, 12 and 16 bits
NEARLY = 1.01  # interpolation overshoots a little
SMALL, LARGE = 32, 224  # shorter sides, in pixels, for which doses of the common corruptions were published


def is_image(cell: object) -> TypeGuard[Image]:
    """Return whether a cell is an image: an array of real numbers or truth values of shape (h, w) or (h, w, c), none of these 0.

    >>> is_image(np.zeros((8, 8))), is_image(np.zeros(8)), is_image(b"a file"), is_image(None)
    (True, False, False, False)
    """
    return isinstance(cell, np.ndarray) and cell.ndim in (2, 3) and cell.dtype.kind in "uifb" and cell.size > 0


def value_range(values: Array, dtype: np.dtype[Any]) -> Range:
    """Return between which values black and white lie for the images of this data type in a column, (low, high).

    Truth values and unsigned numbers of 8 and 16 bits: what the type can hold. Others, floats above all: from 0 to the first of 1, 16, 255, 4095 and
    65535 that no image of the column exceeds; where values are negative, from −1 to 1, or from the smallest to the largest.

    >>> column = np.empty(1, dtype=object)
    >>> column[0] = np.array([[0.0, 15.0]])
    >>> value_range(column, np.dtype(float)), value_range(column, np.dtype(np.uint8))
    ((0.0, 16.0), (0.0, 255.0))
    """
    if dtype.kind == "b" or (dtype.kind == "u" and dtype.itemsize <= 2):
        return 0.0, 1.0 if dtype.kind == "b" else float(np.iinfo(dtype).max)
    low, high = 0.0, 0.0
    for image in values:
        if is_image(image) and image.dtype == dtype:
            known = image if image.dtype.kind != "f" or np.isfinite(image).all() else image[np.isfinite(image)]
            if known.size:
                low, high = min(low, float(known.min())), max(high, float(known.max()))
    if low < 0:
        return (-1.0, 1.0) if low >= -NEARLY and high <= NEARLY else (low, high if high > low else low + 1.0)
    return 0.0, next((top for top in TOPS if high <= NEARLY * top), high)


def ranges(values: Array) -> dict[np.dtype[Any], Range]:
    """Return the range of every data type that images of the column have."""
    return {dtype: value_range(values, dtype) for dtype in dict.fromkeys(cell.dtype for cell in values if is_image(cell))}


def on_images(change: Callable[[Image, Range, int, np.random.Generator], object]) -> ON_COLUMN:
    """Return the damage to a column that puts `change(image, range, severity, rng)` in place of each image, and leaves other cells as they are."""

    def damage(values: Array, column: Column, severity: int, rng: np.random.Generator) -> Array:
        known = ranges(values)
        out = np.empty(len(values), dtype=object)
        for i, cell in enumerate(values):
            out[i] = change(np.asarray(cell), known[cell.dtype], severity, rng) if is_image(cell) else cell
        return out

    return damage


def on_colours(change: Callable[[Colours, int, np.random.Generator], Colours], alpha: bool = False) -> ON_COLUMN:
    """Return the damage to a column that changes the colours of each image, shape (h, w, c) between 0 and 1; with `alpha` that channel too."""
    return on_images(lambda image, span, severity, rng: recoloured(image, span, lambda colours: change(colours, severity, rng), alpha))


def recoloured(image: Image, span: Range, change: Callable[[Colours], Colours], alpha: bool = False) -> Image:
    """Return the image with its colours changed by a function of colours between 0 and 1, shape (h, w, c); data type and number of axes stay."""
    stored = image if image.ndim == 3 else image[:, :, None]
    count = stored.shape[2] if alpha else colour_channels(stored)
    colours = unit(stored[:, :, :count], span)
    changed = np.clip(change(colours), 0.0, 1.0)
    new = from_unit(changed, span, image.dtype)
    if new.shape == colours.shape:
        new = np.where(changed == colours, stored[:, :, :count], new)
    if count < stored.shape[2]:
        new = np.concatenate([new, stored[:, :, count:]], axis=2)
    return new if image.ndim == 3 else new[:, :, 0]


def colour_channels(stored: Image) -> int:
    """Return how many channels of an image (h, w, c) are colours: one less than there are where the last is alpha (grey or RGB with alpha).

    >>> [colour_channels(np.zeros((2, 2, c))) for c in (1, 2, 3, 4, 7)]
    [1, 1, 3, 3, 7]
    """
    count = int(stored.shape[2])
    return count - 1 if count in (2, 4) else count


def unit(image: Image, span: Range) -> Colours:
    """Return values between 0 and 1 in float32; what is no number is 0."""
    low, high = span
    values: Image = image.astype(np.float64 if image.dtype.itemsize > 2 else np.float32)
    scaled: Colours = np.asarray((values - low) / (high - low), dtype=np.float32)
    if image.dtype.kind == "f":
        scaled = np.nan_to_num(scaled, nan=0.0, posinf=1.0, neginf=0.0)
    return np.asarray(np.clip(scaled, 0.0, 1.0), dtype=np.float32)


def from_unit(colours: Colours, span: Range, dtype: np.dtype[Any]) -> Image:
    """Return values between 0 and 1 in a data type and its range, rounded where it holds whole numbers only."""
    low, high = span
    if dtype.kind == "f":
        return np.asarray((colours.astype(np.float64) * (high - low) + low) if dtype.itemsize > 4 else colours * (high - low) + low, dtype=dtype)
    return np.asarray(np.rint(colours.astype(np.float64) * (high - low) + low), dtype=dtype)


def grey(colours: Colours) -> Colours:
    """Return how light each pixel is, shape (h, w, 1): the weights of ITU-R BT.601 for three colours, else the mean.

    >>> grey(np.array([[[1.0, 0.0, 0.0]]], dtype=np.float32)).round(3).tolist()
    [[[0.299]]]
    """
    if colours.shape[2] == 1:
        return colours
    if colours.shape[2] == 3:
        return np.asarray(0.299 * colours[..., :1] + 0.587 * colours[..., 1:2] + 0.114 * colours[..., 2:], dtype=np.float32)
    return np.asarray(colours.mean(axis=2, keepdims=True), dtype=np.float32)


def shorter_side(colours: Image) -> int:
    """Return the shorter side in pixels."""
    return int(min(colours.shape[:2]))


def dose(small: Sequence[float], large: Sequence[float], severity: int, side: int) -> float:
    """Return the dose for an image by its shorter side: published ones for 32 and for 224 pixels; between them, between them (by log of the side).

    >>> [dose((1, 2, 3, 4, 5), (10, 20, 30, 40, 50), 2, side) for side in (8, 32, 224, 640)]
    [2.0, 2.0, 20.0, 20.0]
    """
    share = float(np.clip(np.log(side / SMALL) / np.log(LARGE / SMALL), 0.0, 1.0))
    return (1 - share) * small[severity - 1] + share * large[severity - 1]


def length(small: Sequence[float], large: Sequence[float], severity: int, side: int) -> float:
    """Return a dose in pixels: like `dose`, and growing with images larger than 224 pixels.

    >>> length((1, 2, 3, 4, 5), (10, 20, 30, 40, 50), 1, 448)
    20.0
    """
    return dose(small, large, severity, side) * max(1.0, side / LARGE)
