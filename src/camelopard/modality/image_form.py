"""The form that clean pictures have: data type, value range, size and channels; and how a picture is brought into it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import isfinite
from typing import Any

import numpy as np

from camelopard.core.arrays import Array, Floats

DTYPES = ("bool", "uint8", "int8", "uint16", "int16", "uint32", "int32", "uint64", "int64", "float16", "float32", "float64")
MOSTLY = 0.5  # share of clean pictures that have one size, or number of channels, for it to be theirs
MOST_SIDE = 4_096  # of a size that pictures are brought to
LARGEST = 1e30  # value of a pixel beyond which nothing is made of its range
RANGES = (1.0, 255.0, 65535.0)  # in which pixels usually are


@dataclass(frozen=True)
class Usual:
    """What most clean pictures are like.

    dtype
        The commonest data type.
    low, high
        Their smallest and largest value: 0–255 for bytes, 0–1 and 0–255 for numbers that fill these, else what was seen.
    size
        (height, width) if most have the same, else (0, 0).
    channels
        0 for (h, w), else the number of channels; −1 if it differs.
    """

    dtype: str
    low: float
    high: float
    size: tuple[int, int]
    channels: int

    @classmethod
    def of(cls, images: Sequence[Array]) -> Usual:
        """Learn from clean pictures.

        >>> Usual.of([np.zeros((2, 3)), np.ones((2, 3))])
        Usual(dtype='float64', low=0.0, high=1.0, size=(2, 3), channels=0)
        """
        dtype = Counter(pixels.dtype.name if pixels.dtype.name in DTYPES else "float64" for pixels in images).most_common(1)[0][0]
        same = [pixels for pixels in images if pixels.dtype.name == dtype] or images
        low, high = min(float(p.min()) for p in same), max(float(p.max()) for p in same)
        if dtype == "uint8":
            low, high = 0.0, 255.0
        elif low >= 0:
            top = next((r for r in RANGES if r / 2 < high <= r), None)
            low, high = (0.0, top) if top is not None else (low, high)
        if max(abs(low), abs(high)) > LARGEST:
            low, high = 0.0, 1.0
        elif high - low <= 1e-6 * max(abs(high), abs(low), 1e-6):
            low, high = (0.0, 1.0) if max(abs(low), abs(high)) <= 1 else (min(low, 0.0), max(high, 1.0))
        size, channels = _mostly([p.shape[:2] for p in images]), _mostly([0 if p.ndim == 2 else p.shape[2] for p in images])
        fits = size is not None and max(size) <= MOST_SIDE
        return cls(dtype, low, high, size if size is not None and fits else (0, 0), -1 if channels is None else channels)

    @property
    def range(self) -> float:
        """The end of the usual range that clean pictures lie in: 1, 255 or 65,535, or their own."""
        return 255.0 if self.dtype == "uint8" else next((r for r in RANGES if self.high <= r * 1.0001), self.high)

    def fitted(self, pixels: Array) -> Array:
        """Return a picture from a file in this data type, value range and number of dimensions; its channels and size as they are."""
        if pixels.dtype.name != self.dtype:
            pixels = self.ranged(pixels, float(np.iinfo(pixels.dtype).max) if pixels.dtype.kind in "iu" else source_range(pixels))
        if pixels.ndim == 2 and self.channels == 1:
            pixels = pixels[:, :, None]
        return pixels

    def ranged(self, pixels: Array, source: float) -> Array:
        """Return a picture whose values lie between 0 and `source` with them in this range and data type."""
        return self.cast(pixels.astype(np.float64) / source * (self.high - self.low) + self.low)

    def cast(self, values: Floats) -> Array:
        """Return numbers in this data type: rounded and cut where it holds whole numbers only."""
        dtype = np.dtype(self.dtype)
        if dtype.kind == "b":
            return values > (self.low + self.high) / 2
        if dtype.kind in "iu":
            info = np.iinfo(dtype)
            low, high = max(float(info.min), self.low), min(float(info.max), self.high)
            return np.clip(np.rint(values), low, high).astype(dtype)
        return np.clip(values, self.low, self.high).astype(dtype)

    def state(self) -> dict[str, Any]:
        """Return it as plain data."""
        return {"dtype": self.dtype, "low": self.low, "high": self.high, "size": list(self.size), "channels": self.channels}

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> Usual:
        """Rebuild from `state()`. Raises ValueError if it is not one."""
        dtype, low, high, size, channels = (state.get(key) for key in ("dtype", "low", "high", "size", "channels"))
        if (
            dtype not in DTYPES
            or not isinstance(low, float)
            or not isinstance(high, float)
            or not isfinite(high - low)
            or high <= low
            or max(abs(low), abs(high)) > LARGEST
        ):
            raise ValueError(f"expected a data type and a range of values, not {str(dtype)[:40]}, {str(low)[:40]} and {str(high)[:40]}")
        if not isinstance(size, list) or len(size) != 2 or not all(type(s) is int and 0 <= s <= MOST_SIDE for s in size):
            raise ValueError(f"expected a height and a width, not {str(size)[:80]}")
        if type(channels) is not int or not -1 <= channels <= 4:
            raise ValueError(f"expected a number of channels, not {str(channels)[:80]}")
        return cls(str(dtype), low, high, (size[0], size[1]), channels)


def source_range(pixels: Array) -> float:
    """Return the end of the usual range that holds a picture: 1, 255 or 65,535.

    >>> source_range(np.array([[0.2, 0.9]])), source_range(np.array([[3, 200]]))
    (1.0, 255.0)
    """
    top = 255.0 if pixels.dtype == np.uint8 else float(pixels.max())
    return next((r for r in RANGES if top <= r * 1.0001), top)


def _mostly(values: Sequence[Any]) -> Any:
    """Return the value that more than MOSTLY of them have, or None."""
    value, n = Counter(values).most_common(1)[0]
    return value if n > MOSTLY * len(values) else None
