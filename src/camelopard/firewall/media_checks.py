"""Checks of what is assumed of texts and pictures, one per code; see `camelopard.stress.media_assumptions`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from camelopard.core.records import Assumption
from camelopard.modality.text_forms import scripts_of
from camelopard.stress.media_assumptions import UNWANTED, channels_of

Broken = Callable[[Any], bool]


def length(a: Assumption) -> Broken:
    """Return whether a text has another number of characters, spaces around it apart."""
    low, high = _numbers(a, "low", "high")
    return lambda v: isinstance(v, str) and not low <= len(v.strip()) <= high


def language(a: Assumption) -> Broken:
    """Return whether a text holds letters of another script."""
    known = set(_texts(a, "scripts"))
    return lambda v: isinstance(v, str) and not v.isascii() and not scripts_of(v) <= known


def without(a: Assumption) -> Broken:
    """Return whether a text holds characters that it must not."""
    names = _texts(a, "without")
    unknown = sorted(set(names) - set(UNWANTED))
    if unknown:
        raise ValueError(f"without names {unknown[0]!r}; expected some of {', '.join(UNWANTED)}")
    return lambda v: isinstance(v, str) and any(UNWANTED[name].search(v) is not None for name in names)


def picture(a: Assumption) -> Broken:
    """Return whether a cell is no picture, or one of another type of numbers; where no type is known, clean pictures are files."""
    types = set(_texts(a, "dtypes"))
    if not types:
        return lambda v: not isinstance(v, (np.ndarray, bytes))
    return lambda v: not isinstance(v, np.ndarray) or str(v.dtype) not in types


def size(a: Assumption) -> Broken:
    """Return whether a picture is smaller or larger."""
    (low_h, low_w), (high_h, high_w) = (_two(a, key) for key in ("low", "high"))
    if low_h > high_h or low_w > high_w:
        raise ValueError(f"low is {a.limits['low']!r} and high {a.limits['high']!r}; expected two sizes, low ≤ high")
    return lambda v: _shaped(v) and not (low_h <= v.shape[0] <= high_h and low_w <= v.shape[1] <= high_w)


def channels(a: Assumption) -> Broken:
    """Return whether a picture has another number of channels."""
    known = a.limits["channels"]
    if not isinstance(known, (list, tuple)) or not all(type(k) is int for k in known):
        raise ValueError(f"channels are {known!r}; expected a list of whole numbers")
    return lambda v: _shaped(v) and channels_of(v) not in known


def levels(a: Assumption) -> Broken:
    """Return whether a number of a picture lies outside."""
    low, high = _numbers(a, "low", "high")
    return lambda v: _shaped(v) and not (low <= float(v.min()) and float(v.max()) <= high)


def brightness(a: Assumption) -> Broken:
    """Return whether a picture is darker or brighter."""
    low, high = _numbers(a, "low", "high")

    def outside(v: Any) -> bool:
        if not _shaped(v):
            return False
        with np.errstate(over="ignore", invalid="ignore"):  # of huge numbers, which are too bright
            return not low <= float(v.mean(dtype=np.float64)) <= high

    return outside


def told(code: str, cell: Any) -> str | None:
    """Return what about a cell breaks an assumption, in words; None where the cell says it by itself."""
    if isinstance(cell, str) and code == "length":
        return f"{len(cell.strip()):,} characters"
    if not _shaped(cell):
        return None
    if code == "brightness":
        return f"mean brightness {float(cell.mean()):.3g}"
    if code == "range":
        return f"numbers from {float(cell.min()):.4g} to {float(cell.max()):.4g}"
    if code == "channels":
        channels = channels_of(cell)
        return f"{channels} channel{'s' if channels != 1 else ''}"
    return f"numbers of the type {cell.dtype}" if code == "type" else None


def _shaped(v: Any) -> bool:
    return isinstance(v, np.ndarray) and v.ndim in (2, 3) and v.size > 0


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


def _texts(a: Assumption, key: str) -> list[str]:
    found = a.limits[key]
    if not isinstance(found, (list, tuple)) or not all(isinstance(v, str) for v in found):
        raise ValueError(f"{key} is {found!r}; expected a list of texts")
    return list(found)
