"""Systematic errors of a measurement: an offset, the wrong sign, saturation."""

from __future__ import annotations

import numpy as np

from camelopard.core.arrays import Array
from camelopard.core.schema import LADDER, Column
from camelopard.stress.damage import ColumnDamage
from camelopard.stress.damages._cells import settled, varies

OFFSETS = (0.5, 1.0, 2.0, 4.0, 8.0)  # spreads
CEILINGS = (0.4, 0.3, 0.2, 0.1, 0.05)  # probability up to which a saturated sensor still follows


def shift(values: Array, column: Column, severity: int, rng: np.random.Generator) -> Array:
    """Add one offset of 0.5 to 8 spreads to all numbers, upwards or downwards for the whole batch; at least 1 where numbers are whole."""
    offset = OFFSETS[severity - 1] * column.spread
    offset = max(1.0, round(offset)) if column.integral and np.isfinite(offset) else offset
    return values.astype(np.float64) + (offset if rng.random() < 0.5 else -offset)


def negate(values: Array, column: Column, severity: int, rng: np.random.Generator) -> Array:
    """Turn the sign round; zero stays. There is but one way: the same at every severity."""
    numbers = values.astype(np.float64)
    return np.where(numbers == 0, numbers, -numbers)


def saturate(values: Array, column: Column, severity: int, rng: np.random.Generator) -> Array:
    """Cut everything above the 40, 30, 20, 10, 5 % quantile down to it."""
    ceiling = settled(np.interp([CEILINGS[severity - 1]], LADDER, column.quantiles), column)
    return np.minimum(values.astype(np.float64), ceiling)


DAMAGES = (
    ColumnDamage("shifted", "range", ("number",), "range", shift, varies),
    ColumnDamage("sign", "range", ("number",), "range", negate, varies, graded=False),
    ColumnDamage("saturated", "range", ("number",), "none", saturate, varies),
)
