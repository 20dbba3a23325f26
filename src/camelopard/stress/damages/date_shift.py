"""Dates at the wrong time: another time zone, or the future."""

from __future__ import annotations

import numpy as np

from camelopard.core.arrays import Array
from camelopard.core.schema import Column
from camelopard.stress.damage import ColumnDamage
from camelopard.stress.damages._cells import dated, days_of, varies

HOURS = (-1.0, -3.0, -5.0, -8.0, -12.0)  # westwards, where midnight falls on the day before
YEARS = (1.0, 5.0, 10.0, 50.0, 100.0)


def move_zone(values: Array, column: Column, severity: int, rng: np.random.Generator) -> Array:
    """Move every date by −1 to −12 hours: one without a time of day becomes the day before."""
    return dated(days_of(values, column) + HOURS[severity - 1] / 24, values, column)


def to_future(values: Array, column: Column, severity: int, rng: np.random.Generator) -> Array:
    """Put every date 1 to 100 years after the last one seen, give or take a fifth."""
    days = days_of(values, column)
    later = np.ceil(column.high + YEARS[severity - 1] * 365.25 * rng.uniform(1.0, 1.2, len(values)))
    return dated(np.where(np.isnan(days), np.nan, later), values, column)


DAMAGES = (
    ColumnDamage("time-zone", "date", ("date",), "none", move_zone, varies),
    ColumnDamage("future-date", "date", ("date",), "range", to_future, varies),
)
