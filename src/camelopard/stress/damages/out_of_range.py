"""Numbers beyond anything seen: out of the range, a single spike, and what is left when a number type overflows."""

from __future__ import annotations

import numpy as np

from camelopard.core.arrays import Array, is_missing
from camelopard.core.schema import Column
from camelopard.stress.damage import ColumnDamage
from camelopard.stress.damages._cells import filled, settled, varies

BEYOND = (0.1, 0.5, 1.0, 3.0, 10.0)  # widths of the range beyond its end
SPIKES = (4.0, 8.0, 16.0, 64.0, 256.0)  # spreads away from the value
LARGEST = (2.0**15 - 1, 2.0**31 - 1, 2.0**63, 3.5e38, np.inf)  # of 16, 32 and 64 bits, beyond single precision, division by zero


def leave_range(values: Array, column: Column, severity: int, rng: np.random.Generator) -> Array:
    """Put every number beyond the lowest or the highest seen, by 0.1 to 10 widths of the range."""
    n = len(values)
    step = BEYOND[severity - 1] * (column.high - column.low) * rng.uniform(1.0, 1.2, n)
    step = np.ceil(step) if column.integral else step
    beyond = np.where(rng.random(n) < 0.5, column.low - step, column.high + step)
    return np.where(is_missing(values), np.nan, settled(beyond, column))


def spike(values: Array, column: Column, severity: int, rng: np.random.Generator) -> Array:
    """Add 4 to 256 spreads; subtract as often, where numbers below zero are legal."""
    n = len(values)
    height = SPIKES[severity - 1] * column.spread * rng.uniform(1.0, 1.2, n)
    height = np.ceil(height) if column.integral else height
    side = np.where((rng.random(n) < 0.5) & (column.low < 0), -1.0, 1.0)
    return values.astype(np.float64) + side * height


def overflow(values: Array, column: Column, severity: int, rng: np.random.Generator) -> Array:
    """Replace every number by the largest that some number type holds, from 16 bits to infinity; only those beyond the range count."""
    beyond = [size for size in LARGEST if size > column.high] or [np.inf]
    return filled(values, beyond[max(0, severity - 1 - len(LARGEST) + len(beyond))])


DAMAGES = (
    ColumnDamage("out-of-range", "range", ("number",), "range", leave_range, varies),
    ColumnDamage("outlier", "range", ("number",), "range", spike, varies),
    ColumnDamage("overflow", "range", ("number",), "range", overflow, varies),
)
