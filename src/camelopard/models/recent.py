"""Keeps the features of the rows asked last, so that answers and features cost one pass."""

from __future__ import annotations

from hashlib import blake2b
from typing import Any

import numpy as np

from camelopard.core.arrays import Floats


class Recent:
    """The features of the last rows, found again by what the rows hold: an array that was written into since is other rows.

    >>> recent, rows = Recent(), np.zeros((2, 3))
    >>> recent.keep(rows, np.ones((2, 1)))
    >>> recent.find(np.zeros((2, 3))), recent.find(np.ones((2, 3)))
    (array([[1.], [1.]]), None)
    """

    def __init__(self) -> None:
        self._kept: tuple[object, Floats | None] = (object(), None)

    def keep(self, table: Any, features: Floats | None) -> None:
        """Remember the features of these rows, and forget those before."""
        self._kept = (_key(table), features)

    def find(self, table: Any) -> Floats | None:
        """Return the features where these rows were the last ones, shape (n, d), None otherwise."""
        key, features = self._kept
        return features if key == _key(table) else None


def _key(table: Any) -> object:
    if isinstance(table, np.ndarray) and table.dtype != object:
        return (table.shape, table.dtype.str, blake2b(np.ascontiguousarray(table).data, digest_size=16).digest())
    return list(table) if isinstance(table, list) else object()
