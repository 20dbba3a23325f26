"""Reads back what a modality learned. A state may come from a file that somebody changed: nothing in it is trusted."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from camelopard.core.arrays import Array


def array_of(state: Mapping[str, Any], name: str, kinds: str, shape: tuple[int | None, ...], *, most: int = 1 << 22) -> Array:
    """Return an array of the state, checked.

    Parameters
    ----------
    kinds
        The NumPy kinds that it may have, such as "f" or "iu".
    shape
        Its shape; None where any length is right.

    Raises
    ------
    ValueError
        If it is absent, no array, of another kind or shape, not finite, or larger than `most` numbers.

    >>> array_of({"rows": np.zeros((3, 2))}, "rows", "f", (None, 2)).shape
    (3, 2)
    """
    value = state.get(name)
    if not isinstance(value, np.ndarray):
        raise ValueError(f"{name}: expected an array, not {type(value).__name__}")
    fits = value.ndim == len(shape) and all(wanted is None or wanted == length for wanted, length in zip(shape, value.shape, strict=True))
    if value.dtype.kind not in kinds or not fits or value.size > most:
        raise ValueError(f"{name}: an array of {value.dtype} with the shape {value.shape} is not what was learned")
    if value.dtype.kind == "f" and not np.isfinite(value).all():
        raise ValueError(f"{name}: holds what is no finite number")
    return value


def texts_of(state: Mapping[str, Any], name: str, most: int, longest: int = 200) -> list[str]:
    """Return a list of different short texts of the state, checked.

    Raises
    ------
    ValueError
        If it is no list of different texts, or more or longer ones than are ever learned.

    >>> texts_of({"words": ["the", "a"]}, "words", 10)
    ['the', 'a']
    """
    value = state.get(name)
    if not isinstance(value, list) or len(value) > most or not all(isinstance(v, str) and len(v) <= longest for v in value):
        raise ValueError(f"{name}: expected a list of at most {most:,} short texts")
    if len(set(value)) != len(value):
        raise ValueError(f"{name}: a text stands in it twice")
    return value


def spread_over(n: int, most: int) -> list[int]:
    """Return at most `most` places among n, evenly spread.

    >>> spread_over(10, 4)
    [0, 2, 5, 7]
    """
    return list(range(n)) if n <= most else [i * n // most for i in range(most)]
