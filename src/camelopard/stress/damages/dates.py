"""Dates written or read in another way: another format, as a number, day and month exchanged, without the century."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

import numpy as np

from camelopard.core.arrays import Array, Objects, objects
from camelopard.core.schema import Column
from camelopard.stress.damage import ColumnDamage
from camelopard.stress.damages._cells import dated, days_of, moment, varies

FORMATS = ("%Y/%m/%d", "%Y%m%d", "%d.%m.%Y", "%m/%d/%Y", "%d-%m-%y", "%Y-%m-%d")
NUMBERS: tuple[Callable[[float], float], ...] = (
    lambda d: d,  # days since 1970
    lambda d: d + 25_569,  # days since 1899-12-30, as spreadsheets count
    lambda d: float(moment(d).strftime("%Y%m%d")),
    lambda d: d * 86_400,  # seconds since 1970
    lambda d: d * 86_400_000,
)


def reformat(values: Array, column: Column, severity: int, rng: np.random.Generator) -> Array:
    """Write dates as text in another format than the column's: 2020/06/01, 20200601, 01.06.2020, 06/01/2020, 01-06-20."""
    form = [f for f in FORMATS if f != column.date_format][severity - 1]
    return _each(values, column, lambda d, v: moment(d).strftime(form))


def as_number(values: Array, column: Column, severity: int, rng: np.random.Generator) -> Array:
    """Write dates as days since 1970, spreadsheet days, the number 20200601, seconds, milliseconds since 1970."""
    convert = NUMBERS[severity - 1]
    return _each(values, column, lambda d, v: int(convert(d)))


def exchange(values: Array, column: Column, severity: int, rng: np.random.Generator) -> Array:
    """Exchange day and month. Text is written so even where the day is no month; other dates go missing there. The same at every severity."""
    if column.date_format and values.dtype == object:
        swapped = column.date_format.replace("%d", "\0").replace("%m", "%d").replace("\0", "%m")
        return _each(values, column, lambda d, v: moment(d).strftime(swapped))
    if values.dtype.kind == "M":
        days = days_of(values, column)
        moved = np.array([_exchanged_day(d) for d in days.tolist()], dtype=np.float64)
        changed = dated(moved, values, column)
        changed[np.isnan(moved)] = np.datetime64("NaT")
        return changed
    return objects(_exchanged(v) if isinstance(v, dt.date) else v for v in values.tolist())


def lose_century(values: Array, column: Column, severity: int, rng: np.random.Generator) -> Array:
    """Write years in two digits; a date that is no text is read with the wrong century, 2020 as 1920. The same at every severity."""
    if column.date_format and values.dtype == object:
        short = column.date_format.replace("%Y", "%y")
        return _each(values, column, lambda d, v: moment(d).strftime(short))
    days = days_of(values, column)
    centuries = np.where(days >= 10_957, -36_525.0, 36_525.0)  # 2000-01-01; a century of days
    return dated(days + centuries, values, column)


def _each(values: Array, column: Column, write: Callable[[float, Any], Any]) -> Objects:
    """Return every date written anew; cells that are no date stay."""
    return objects(v if d != d else write(d, v) for d, v in zip(days_of(values, column).tolist(), values.tolist(), strict=True))


def _exchanged_day(days: float) -> float:
    if days != days:
        return np.nan
    when = moment(days)
    return np.nan if when.day > 12 else days + (_exchanged(when) - when).days


def _exchanged(when: Any) -> Any:
    return None if when.day > 12 else when.replace(day=when.month, month=when.day)


DAMAGES = (
    ColumnDamage("date-format", "date", ("date",), "format", reformat, varies),
    ColumnDamage("date-as-number", "date", ("date",), "type", as_number, varies),
    ColumnDamage("day-month-swapped", "date", ("date",), "format", exchange, varies, graded=False),
    ColumnDamage("two-digit-year", "date", ("date",), "format", lose_century, varies, graded=False),
)
