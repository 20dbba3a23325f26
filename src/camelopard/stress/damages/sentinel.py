"""Sentinels: a code that stands for "unknown" arrives as if it were a value.

The severity orders the usual codes by how far each lies from the column's median, so that a higher one is a stranger value.
"""

from __future__ import annotations

import datetime as dt

import numpy as np

from camelopard.core.arrays import Array
from camelopard.core.schema import EPOCH, LADDER, Column
from camelopard.stress.damage import ColumnDamage
from camelopard.stress.damages._cells import dated, days_of, filled, varies

NUMBERS = (-1.0, 0.0, 99.0, 999.0, 9999.0, -999.0)
WORDS = ("unknown", "N/A", "?", "-", "NULL", "none", "#N/A", "xxx", "not stated", "(blank)")
DAYS = tuple(
    float((dt.datetime(*day) - EPOCH).days) for day in ((1970, 1, 1), (1900, 1, 1), (1899, 12, 30), (2099, 12, 31), (9999, 12, 31))
)  # the zero of Unix, of databases and of spreadsheets; two that mean "for ever"


def number_code(values: Array, column: Column, severity: int, rng: np.random.Generator) -> Array:
    """Replace every number by −1, 0, 99, 999, 9999 or −999, whichever of them is the severity-th farthest."""
    return filled(values, _by_distance(NUMBERS, column)[severity - 1])


def word_code(values: Array, column: Column, severity: int, rng: np.random.Generator) -> Array:
    """Replace every value by "unknown", "N/A", "?", "-" or "NULL"; by others where these are known values."""
    new = [word for word in WORDS if word not in column.values] or [WORDS[0]]
    return filled(values, new[min(severity, len(new)) - 1])


def date_code(values: Array, column: Column, severity: int, rng: np.random.Generator) -> Array:
    """Replace every date by 1970-01-01, 1900-01-01, 1899-12-30, 2099-12-31 or 9999-12-31."""
    days = days_of(values, column)
    return dated(np.where(np.isnan(days), np.nan, _by_distance(DAYS, column)[severity - 1]), values, column)


def _by_distance(codes: tuple[float, ...], column: Column) -> list[float]:
    """Return five of the codes, nearest to the median first; the median itself would be no damage."""
    middle = float(np.interp(0.5, LADDER, column.quantiles)) if len(column.quantiles) else 0.0
    order = sorted((code for code in codes if code != middle), key=lambda code: (abs(code - middle), code))
    return [order[i] for i in np.linspace(0, len(order) - 1, 5).round().astype(int)]


DAMAGES = (
    ColumnDamage("sentinel-number", "sentinel", ("number",), "range", number_code, varies),
    ColumnDamage("sentinel-category", "sentinel", ("category", "boolean"), "values", word_code, varies),
    ColumnDamage("sentinel-date", "sentinel", ("date",), "range", date_code, varies),
)
