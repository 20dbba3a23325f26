"""Lays out pictures as networks want them: light between 0 and 1, channels first or last.

The one idea: pictures come as (n, h, w) or (n, h, w, c), whatever their numbers; what a network declares about its input says the rest.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from camelopard.core.arrays import Array

Light: TypeAlias = NDArray[np.float32]
Dimension: TypeAlias = int | str | None


def brightest(images: Array) -> float:
    """Return the number by which light is divided: 255 for uint8, the largest of any other unsigned type, 1 for floats and signed numbers.

    >>> brightest(np.zeros((1, 2, 2), dtype=np.uint8)), brightest(np.zeros((1, 2, 2)))
    (255.0, 1.0)
    """
    return float(np.iinfo(images.dtype).max) if images.dtype.kind == "u" else 1.0


def light(images: Array) -> Light:
    """Return pictures as float32, unsigned numbers divided by the largest of their type."""
    floats = images.astype(np.float32)
    most = brightest(images)
    return floats if most == 1.0 else floats / np.float32(most)


def channels_first(images: Array) -> Array:
    """Return pictures of shape (n, h, w) or (n, h, w, c) as (n, c, h, w).

    >>> channels_first(np.zeros((5, 8, 9, 3))).shape, channels_first(np.zeros((5, 8, 9))).shape
    ((5, 3, 8, 9), (5, 1, 8, 9))
    """
    return images[:, None] if images.ndim == 3 else np.moveaxis(images, 3, 1)


def laid_out(images: Array, shape: Sequence[Dimension]) -> Array:
    """Return pictures in the layout of a declared input shape: (n, h, w), (n, c, h, w) or (n, h, w, c). Where it leaves both open: channels first.

    Raises
    ------
    ValueError
        If the pictures have another number of channels than the input.

    >>> laid_out(np.zeros((5, 8, 9, 3)), ("n", 3, "h", "w")).shape, laid_out(np.zeros((5, 8, 9, 3)), (None, None, None, 3)).shape
    ((5, 3, 8, 9), (5, 8, 9, 3))
    """
    channels = 1 if images.ndim == 3 else images.shape[3]
    if len(shape) == 3 and channels == 1:
        return images if images.ndim == 3 else images[..., 0]
    if len(shape) == 4 and _fits(shape[1], channels) and not (shape[3] == channels and shape[1] != channels):
        return channels_first(images)
    if len(shape) == 4 and _fits(shape[3], channels):
        return images if images.ndim == 4 else images[..., None]
    raise ValueError(f"pictures of {channels} channel{'s' * (channels != 1)} do not fit the model's input of shape {_said(shape)}")


def _fits(declared: Dimension, found: int) -> bool:
    return not isinstance(declared, int) or declared < 0 or declared == found


def _said(shape: Sequence[Dimension]) -> str:
    return "(" + ", ".join(str(d) if isinstance(d, int) and d >= 0 else "?" for d in shape) + ")"
