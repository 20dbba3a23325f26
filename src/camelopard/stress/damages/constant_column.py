"""A column that is stuck: every row has the same value."""

from __future__ import annotations

import numpy as np

from camelopard.core.arrays import Array
from camelopard.core.schema import LADDER, Column
from camelopard.stress.damage import ColumnDamage
from camelopard.stress.damages._cells import dated, days_of, filled, settled, varies

LEVELS = (0.5, 0.75, 0.9, 0.99, 1.0)  # the quantile at which a number is stuck


def stick(values: Array, column: Column, severity: int, rng: np.random.Generator) -> Array:
    """Give every row the median, … the largest number or date; the most frequent, … the rarest category."""
    if column.kind in ("category", "boolean"):
        known = list(column.values)
        return filled(values, known[round((severity - 1) / 4 * (len(known) - 1))])
    level = np.interp([LEVELS[severity - 1]], LADDER, column.quantiles)
    if column.kind == "number":
        return filled(values, float(settled(level, column)[0]))
    days = days_of(values, column)
    return dated(np.where(np.isnan(days), np.nan, np.floor(level[0])), values, column)


DAMAGES = (ColumnDamage("constant-column", "structure", ("number", "category", "boolean", "date"), "none", stick, varies),)
