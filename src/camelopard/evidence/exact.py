"""Matrix products that give the same bytes for a row alone and in any batch.

A fast matrix product sums in an order that hangs on the shape of what it is given, and sums of floats hang on their order. On a grid coarse enough
that no sum ever needs to be rounded, every order gives the same: there, the fast product is exact.
"""

from __future__ import annotations

import numpy as np

from camelopard.core.arrays import Floats

FINE = 12  # bits behind the point of what stands in rows: a normal score to 1/4096
MANTISSA = 53  # bits that a double keeps
ROW_BITS = FINE + 4  # rows lie within ±16


def gridded(rows: Floats) -> Floats:
    """Return the numbers on the grid of rows, within ±16, NaN kept; a zero has no sign, so that no sum of them has one."""
    found: Floats = np.rint(np.minimum(np.maximum(rows, -15.9), 15.9) * 2.0**FINE)
    return found * 2.0**-FINE + 0.0


def coarse(matrix: Floats) -> Floats:
    """Return a matrix rounded so that its product with gridded rows is exact, shape (d, k).

    >>> rng = np.random.default_rng(0); rows, matrix = gridded(rng.normal(size=(100, 50))), coarse(rng.normal(size=(50, 50)))
    >>> bool((rows @ matrix)[7].tobytes() == (rows[7:8] @ matrix).tobytes())
    True
    """
    largest = float(np.abs(matrix).max()) if matrix.size else 0.0
    if largest == 0.0:
        return matrix
    bits = MANTISSA - ROW_BITS - int(np.ceil(np.log2(max(len(matrix), 2)))) - 1
    step = 2.0 ** (int(np.ceil(np.log2(largest))) - bits)
    found: Floats = np.rint(matrix / step) * step
    return found
