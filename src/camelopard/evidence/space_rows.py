"""Feature vectors as whole numbers, so that their products with what was learned are exact: the same bytes for a row alone and in any batch.

The one idea: a row is rounded to 18 bits of its own largest entry, a matrix to 22 bits of its. The sum of 8,192 such products fits the 53 bits of a
double, so no order of summing ever rounds. Unlike a fixed grid, this neither cuts long vectors nor blurs short ones.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from camelopard.core.arrays import Bools, Floats, Ints

ROW_BITS = 18
MATRIX_BITS = 22  # fits a float in single precision, in which matrices are kept
WIDEST = 2 ** (53 - ROW_BITS - MATRIX_BITS)  # columns up to which products are exact
LARGEST = 1e15  # largest entry of clean vectors and of weights, at most
SMALLEST = 1e-15  # and of vectors that are not all zeros, at least: what is kept in single precision then stays in its range
MOST_KEPT = 1e100  # what comes of them is far below
MOST_BITS = 100  # size of an exponent of two of what is kept
BEYOND = 20  # a vector 2**20 times longer than any clean one counts as just that long


@dataclass(frozen=True)
class Rows:
    """Vectors as whole numbers. `whole`: shape (n, d), `unit`: what one of them stands for, shape (n,); a row's vector is their product.

    `square`: the sum of the squares of `whole`, shape (n,). `gone`: rows without a vector, shape (n,); they are zeros here.
    """

    whole: Floats
    unit: Floats
    square: Floats
    gone: Bools

    def values(self) -> Floats:
        """Return the vectors as they are understood, shape (n, d)."""
        return self.whole * self.unit[:, None]

    def lengths(self) -> Floats:
        """Return the Euclidean norm of each vector, shape (n,)."""
        found: Floats = np.sqrt(self.square) * self.unit
        return found

    def times(self, matrix: Floats) -> Floats:
        """Return the products with a matrix made by `on_grid`, shape (d, m) → (n, m), exact; a zero has no sign."""
        found: Floats = (self.whole @ matrix) * self.unit[:, None]
        return found + 0.0


def read(vectors: Floats, longest: int | None = None) -> Rows:
    """Read vectors of shape (n, d); a row with a NaN or an infinity has none. A row beyond 2**longest is read as that long.

    >>> read(np.array([[3.0, -4.0], [0.1, np.nan]])).lengths().tolist()
    [5.0, 0.0]
    """
    largest = np.abs(vectors).max(axis=1, initial=0.0)
    gone = ~np.isfinite(largest)
    if gone.any():
        vectors, largest = np.where(gone[:, None], 0.0, vectors), np.where(gone, 0.0, largest)
    exponent = _exponents(largest, ROW_BITS)
    whole: Floats = np.rint(np.ldexp(vectors, (ROW_BITS - exponent)[:, None]))
    unit = np.ldexp(1.0, (exponent if longest is None else np.minimum(exponent, longest)) - ROW_BITS)
    return Rows(whole, unit, np.einsum("ij,ij->i", whole, whole), gone)


def exponent_of(vectors: Floats) -> int:
    """Return the `longest` of `read` for what was learned from these vectors, shape (n, d)."""
    return int(_exponents(np.abs(vectors).max(initial=0.0), ROW_BITS)) + BEYOND


def on_grid(matrix: Floats) -> Floats:
    """Return a matrix of shape (d, m) rounded so that products with what was read are exact; a matrix already rounded stays as it is.

    >>> rng = np.random.default_rng(0); rows, matrix = rng.normal(size=(100, 50)), on_grid(rng.normal(size=(50, 30)))
    >>> read(rows).times(matrix)[7:8].tobytes() == read(rows[7:8]).times(matrix).tobytes()
    True
    """
    exponent = _exponents(np.abs(matrix).max(initial=0.0), MATRIX_BITS)
    found: Floats = np.ldexp(np.rint(np.ldexp(matrix, MATRIX_BITS - exponent)), exponent - MATRIX_BITS)
    return found.astype(np.float32).astype(np.float64)


def _exponents(largest: Floats, bits: int) -> Ints:
    """Return the powers of two that the largest entries stay below, also once rounded: what was rounded rounds to itself."""
    share, found = np.frexp(largest)
    more: Ints = found + (share * (1.0 + 2.0**-bits) >= 1.0)
    return more


def kept(state: Mapping[str, Any], name: str, *shape: int) -> Floats:
    """Return an array of a state as floats; ValueError where it is absent, of another shape (−1: any length but 0), or not finite.

    >>> kept({"a": np.float32([[1, 2]])}, "a", 1, -1).tolist()
    [[1.0, 2.0]]
    """
    found = np.asarray(state[name]) if name in state else np.zeros(0, dtype=object)
    fits = found.dtype.kind in "fiub" and found.ndim == len(shape) and all(n == m or (m == -1 and n) for n, m in zip(found.shape, shape, strict=True))
    values = found.astype(np.float64) if fits else np.full(1, np.nan)
    if not np.isfinite(values).all() or np.abs(values).max(initial=0.0) > MOST_KEPT:
        raise ValueError(f"{name} of a space: expected finite numbers of shape {shape}, got {found.dtype} of shape {found.shape}")
    return values


def evenly(groups: Ints, most: int) -> Ints:
    """Return the places of at most `most` rows in the order of their groups: from each up to an equal share, evenly over its rows.

    >>> evenly(np.array([0, 0, 0, 0, 1, 0]), 3).tolist()
    [0, 2, 4]
    """
    names, counts = np.unique(groups, return_counts=True)
    left, share = most, np.zeros(len(names), dtype=np.int64)
    for k, i in enumerate(np.argsort(counts, kind="stable").tolist()):
        share[i] = min(int(counts[i]), left // (len(names) - k))
        left -= int(share[i])
    parts = [np.flatnonzero(groups == name)[np.arange(n) * count // max(n, 1)] for name, n, count in zip(names, share, counts, strict=True)]
    return np.concatenate(parts) if parts else np.zeros(0, dtype=np.int64)
