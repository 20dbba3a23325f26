"""Scores and seeds as they come from outside: read, or refused in words."""

from __future__ import annotations

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
    except (TypeError, ValueError) as error:
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
