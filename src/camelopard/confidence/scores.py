"""Scores, seeds and names of files as they come from outside: read, or refused in words; and rows that had to be left out, told."""

from __future__ import annotations

import os
from typing import Any

import numpy as np

from camelopard.core.arrays import Array, Floats
from camelopard.core.errors import InputError


def checked_scores(scores: Any, what: str = "scores") -> Floats:
    """Return scores as numbers, shape (n,).

    Raises
    ------
    InputError
        If they are no numbers, not of one dimension, or one is missing.
    """
    try:
        values: Array = np.asarray(scores, dtype=np.float64)
    except (TypeError, ValueError, OverflowError) as error:
        raise InputError(f"the {what} are no numbers ({error}); expected an array of shape (n,).") from error
    if values.ndim != 1:
        raise InputError(f"the {what} have shape {values.shape}; expected (n,), one per row.")
    if np.isnan(values).any():
        raise InputError(f"the {what} are missing at position {int(np.flatnonzero(np.isnan(values))[0])}. Leave those rows out.")
    return values


def checked_seed(seed: int) -> int:
    """Return the seed.

    Raises
    ------
    InputError
        If it is no whole number from 0.
    """
    if isinstance(seed, bool) or not isinstance(seed, (int, np.integer)) or seed < 0:
        raise InputError(f"seed={seed!r}; expected a whole number from 0.")
    return int(seed)


def checked_path(path: str | os.PathLike[str]) -> str:
    """Return the name of a file.

    Raises
    ------
    InputError
        If it is no text, or no file can have that name.
    """
    place = os.fspath(path) if isinstance(path, (str, os.PathLike)) else None
    if not isinstance(place, str) or not place or "\0" in place:
        raise InputError(f"path={repr(path)[:60]}; expected the name of a file.")
    return place


def left_out(kept: int, rows: int) -> tuple[str, ...]:
    """Return in words how many rows the model does not answer, if there are any.

    >>> left_out(90, 100), left_out(100, 100)
    (('10 of the 100 rows have no answer and were left out',), ())
    """
    return (f"{rows - kept:,} of the {rows:,} rows have no answer and were left out",) if kept < rows else ()
