"""Which single pixels of a picture stand alone among their neighbours, and the picture without one of them.

One pixel in another colour can move the answer of a network (Su, Vargas & Sakurai 2019). It weighs nothing among the pixels of a picture with much
texture, but no neighbour is like it: the tallest few hold it, and the picture without it gets the answer that it had before.
"""

from __future__ import annotations

import numpy as np

from camelopard.core.arrays import Array, Floats
from camelopard.modality.image_numbers import SIDE, Plane, scaled

LEAST = 0.02  # of brightness by which a pixel stands alone
SHIFTS = tuple((down, across) for down in (-1, 0, 1) for across in (-1, 0, 1) if (down, across) != (0, 0))


def heights(planes: Plane) -> Plane:
    """Return how far each pixel is from the two neighbours most like it, shape (h, w), of scaled pixels, shape (h, w, channels).

    The first two of the rank-ordered absolute differences (Garnett et al. 2005): the pixels of an edge or a line have two neighbours like them, one
    that was struck has none. Of several channels the one that is farthest counts. A pixel with fewer than two neighbours gets 0.

    >>> heights(np.array([[0, 0, 0], [0, 1, 0], [0, 0, 0]], dtype=np.float32)[:, :, None]).tolist()
    [[0.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 0.0]]
    """
    height, width = planes.shape[:2]
    nearest = np.full((height, width), np.inf, dtype=np.float32)
    second = nearest.copy()
    for down, across in SHIFTS:
        here = (slice(max(0, -down), height - max(0, down)), slice(max(0, -across), width - max(0, across)))
        there = (slice(max(0, down), height - max(0, -down)), slice(max(0, across), width - max(0, -across)))
        away = np.abs(planes[here] - planes[there]).max(axis=2)
        second[here] = np.minimum(second[here], np.maximum(nearest[here], away))
        nearest[here] = np.minimum(nearest[here], away)
    both = (nearest + second) * np.float32(0.5)
    return np.where(np.isfinite(both), both, np.float32(0.0))


def without_specks(pixels: Array, low: float, high: float, most: int) -> list[Array]:
    """Return up to `most` pictures, each without one of the pixels that stand most alone, the tallest first.

    In its place is the median of its neighbours, channel by channel, of an even number the lower one; transparency stays. None of a picture with
    more than SIDE pixels a side: there one pixel is a small part of what a model sees.

    >>> struck = np.zeros((3, 3), dtype=np.uint8)
    >>> struck[1, 1] = 200
    >>> [found.max() for found in without_specks(struck, 0, 255, 3)]
    [np.uint8(0)]
    """
    if max(pixels.shape[:2]) > SIDE:
        return []
    flat = pixels[:, :, None] if pixels.ndim == 2 else pixels
    count = flat.shape[2] - (flat.shape[2] in (2, 4))
    tall = heights(scaled(flat[:, :, :count], low, high)).ravel()
    found = []
    for place in np.argsort(-tall, kind="stable")[:most].tolist():
        if tall[place] < LEAST:
            break
        row, column = divmod(place, flat.shape[1])
        other = flat.copy()
        other[row, column, :count] = _around(flat[:, :, :count], row, column)
        found.append(other.reshape(pixels.shape))
    return found


def _around(flat: Array, row: int, column: int) -> Floats:
    """Return the median of the neighbours of a pixel, shape (channels,)."""
    near = [flat[row + down, column + across] for down, across in SHIFTS if 0 <= row + down < flat.shape[0] and 0 <= column + across < flat.shape[1]]
    ordered: Floats = np.sort(np.stack(near), axis=0)[(len(near) - 1) // 2]
    return ordered
