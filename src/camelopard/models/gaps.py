"""Which cells do models stop at, whatever they were made for? Gaps, and numbers too large for them.

The one idea: rows on which a model raises mostly have the same cells in common. Told apart by these, thousands of rows are asked in a few calls; to
find them by halving takes many for each of them.
"""

from __future__ import annotations

import numpy as np

from camelopard.core.arrays import Array, Bools, is_missing
from camelopard.core.batch import Batch

FINE, GAP, HUGE = range(3)
LARGEST = float(np.finfo(np.float32).max)  # many models keep numbers in single precision


def marks(batch: Batch, names: tuple[str, ...]) -> Array:
    """Return FINE, GAP or HUGE for every cell of these columns, shape (n, d).

    >>> marks(Batch.of([{"a": 1.0, "b": "x"}, {"a": None, "b": "y"}, {"a": 1e300, "b": None}]), ("a", "b")).tolist()
    [[0, 0], [1, 0], [2, 1]]
    """
    found = np.zeros((len(batch), len(names)), dtype=np.uint8)
    for j, name in enumerate(names):
        values = batch.columns[name]
        if values.dtype.kind not in "ib":
            found[is_missing(values), j] = GAP
        if values.dtype.kind == "f":
            found[np.abs(values) > LARGEST, j] = HUGE
    return found


def has(marked: Array, pattern: Array) -> Bools:
    """Return which rows have the marks of a pattern, shape (d,), and perhaps others, shape (n,)."""
    there = pattern != FINE
    return np.asarray((marked[:, there] == pattern[there]).all(axis=1), dtype=bool)


def simplest(marked: Array) -> tuple[Array, Bools]:
    """Return the pattern with the fewest marks among some rows, and which rows have exactly it."""
    pattern = marked[int((marked != FINE).sum(axis=1).argmin())]
    return pattern, np.asarray((marked == pattern).all(axis=1), dtype=bool)
