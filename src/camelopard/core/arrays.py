"""Names for the arrays that pass between the rooms, and what is missing in them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

Floats: TypeAlias = NDArray[np.float64]
Ints: TypeAlias = NDArray[np.int64]
Bools: TypeAlias = NDArray[np.bool_]
Objects: TypeAlias = NDArray[np.object_]
Array: TypeAlias = NDArray[Any]

FLOAT = np.dtype(np.float64)  # arrays of plain floats have this very object: `is` tells them, several times faster than `==`
FEW = 64  # rows up to which one call over all columns is faster than one per column


def objects(values: Iterable[object]) -> Objects:
    """Return a one-dimensional object array that holds the values untouched, lists and tuples included.

    >>> objects([1, "a", [2, 3]]).shape
    (3,)
    """
    items = list(values)
    return np.fromiter(items, dtype=object, count=len(items))


def summed(rows: Array) -> Floats:
    """Return the sum of each row of a table, shape (n,): column after column, so that a row gets the same bytes alone and in any batch.

    >>> summed(np.array([[1.0, 2.0], [3.0, 4.0]]))
    array([3., 7.])
    """
    if len(rows) <= FEW:
        few: Floats = rows.cumsum(axis=1)[:, -1]
        return few
    total = np.array(rows[:, 0], dtype=np.float64)
    for k in range(1, rows.shape[1]):
        total += rows[:, k]
    return total


def is_missing(values: Array) -> Bools:
    """Return which cells hold nothing: None, NaN or NaT, shape (n,).

    >>> is_missing(objects(["a", None, float("nan"), ""])).tolist()
    [False, True, True, False]
    """
    if values.dtype == object:
        return np.fromiter((v is None or (isinstance(v, float) and v != v) for v in values), dtype=bool, count=len(values))
    if values.dtype.kind == "f":
        return np.isnan(values)
    if values.dtype.kind == "M":
        return np.isnat(values)
    return np.zeros(len(values), dtype=bool)
