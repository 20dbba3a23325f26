"""Folds for cross-fitting: every stratum spread evenly over them."""

from __future__ import annotations

import numpy as np

from camelopard.core.arrays import Array, Ints

FOLDS = 5


def folds(strata: Array, rng: np.random.Generator) -> Ints:
    """Return a fold for each row, every stratum spread evenly over them, shape (n,).

    >>> np.bincount(folds(np.zeros(10), np.random.default_rng(0))).tolist()
    [2, 2, 2, 2, 2]
    """
    fold = np.empty(len(strata), dtype=np.int64)
    for stratum in np.unique(strata).tolist():
        mine = np.flatnonzero(strata == stratum)
        fold[rng.permutation(mine)] = (np.arange(len(mine)) + rng.integers(FOLDS)) % FOLDS
    return fold
