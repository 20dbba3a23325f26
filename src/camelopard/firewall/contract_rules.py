"""The rules of a contract: one check per code, compiled from the limits of an assumption, held against the cells of a batch.

A check measures which cells break it and decides nothing; cells may hold anything.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from camelopard.core.arrays import Array, Bools, Floats, is_missing
from camelopard.core.batch import Batch
from camelopard.core.records import Assumption
from camelopard.core.schema import date_days
from camelopard.firewall import media_checks
from camelopard.firewall.media_checks import Picture
from camelopard.firewall.patterns import bounded

LONGEST = 1000  # characters from which a text follows no format, whatever it holds
Check = Callable[["Cells"], Bools]


def compiled(a: Assumption) -> Check | None:
    """Return the check of one assumption, or None where rows cannot break it or its limits are none.

    >>> old = compiled(Assumption("range", ("age",), "age lies between 17 and 90.", {"low": 17, "high": 90}))
    >>> old(Cells(Batch.of([{"age": 36}, {"age": 1985}]))).tolist()
    [False, True]
    """
    try:
        return checked(a)
    except UNSOUND:
        return None


def checked(a: Assumption) -> Check | None:
    """Return the same. Raises one of UNSOUND for limits that cannot be checked."""
    return _CHECKS[a.code](a) if a.code in _CHECKS else None


class Cells:
    """A batch's columns in the forms that checks need, each made once.

    `came` holds the cells of some columns as they came, where the batch has what was unpacked from them.
    """

    def __init__(self, batch: Batch, came: Mapping[str, Array] | None = None) -> None:
        self.batch = batch
        self._came = came or {}
        self.none: Bools = np.zeros(len(batch), dtype=bool)
        self._missing: dict[str, Bools] = {}
        self._numbers: dict[str, Floats] = {}
        self._days: dict[str, Floats] = {}
        self._lists: dict[str, list[Any]] = {}
        self._pictures: dict[str, list[Picture | None]] = {}

    def missing(self, name: str) -> Bools:
        """Return which cells are missing, shape (n,); all of them where the column is absent."""
        if name not in self._missing:
            values = self.batch.columns.get(name)
            self._missing[name] = np.ones(len(self.batch), dtype=bool) if values is None else is_missing(values)
        return self._missing[name]

    def numbers(self, name: str) -> Floats:
        """Return numbers, NaN where a cell is none, shape (n,)."""
        if name not in self._numbers:
            values = self.batch.columns.get(name)
            if values is None:
                found = np.full(len(self.batch), np.nan)
            elif values.dtype.kind in "fi":
                found = values.astype(np.float64)
            else:
                found = np.array([_number(v) for v in self.cells(name)], dtype=np.float64)
            self._numbers[name] = found
        return self._numbers[name]

    def days(self, name: str, date_format: str | None) -> Floats:
        """Return dates as days since 1970, NaN where a cell is none, shape (n,)."""
        if name not in self._days:
            values = self.batch.columns.get(name)
            self._days[name] = np.full(len(self.batch), np.nan) if values is None else date_days(values, date_format)
        return self._days[name]

    def cells(self, name: str) -> list[Any]:
        """Return plain Python cells, None where the column is absent."""
        if name not in self._lists:
            values = self.batch.columns.get(name)
            self._lists[name] = [None] * len(self.batch) if values is None else values.tolist()
        return self._lists[name]

    def came(self, name: str) -> list[Any]:
        """Return the cells as they came: a file, where a picture was unpacked from one."""
        return self._came[name].tolist() if name in self._came else self.cells(name)

    def pictures(self, name: str) -> list[Picture | None]:
        """Return what each picture is like, None for a cell that is none. Files are unpacked one at a time, and not kept."""
        if name not in self._pictures:
            self._pictures[name] = [media_checks.seen(v) for v in self.cells(name)]
        return self._pictures[name]

    def where(self, name: str, broken: Callable[[Any], bool], among: list[Any] | None = None) -> Bools:
        """Return for which present cells `broken` holds, shape (n,); `among`: asked of these instead, one for each cell."""
        asked = self.cells(name) if among is None else among
        if len(self.batch) == 1:
            return ~self.none if broken(asked[0]) and not self.missing(name)[0] else self.none
        hits = np.fromiter(map(broken, asked), dtype=bool, count=len(self.batch))
        return hits & ~self.missing(name)


def _presence(a: Assumption) -> Check | None:
    (name,) = a.fields
    return lambda cells: cells.none if name in cells.batch.columns else ~cells.none


def _null(a: Assumption) -> Check | None:
    (name,) = a.fields
    return None if a.limits.get("null") else lambda cells: cells.missing(name)


def _type(a: Assumption) -> Check | None:
    (name,) = a.fields
    kind = a.limits["kind"]
    if kind == "number":
        whole = bool(a.limits.get("integral"))

        def no_number(cells: Cells) -> Bools:
            numbers = cells.numbers(name)
            broken = np.isnan(numbers) & ~cells.missing(name)
            return broken | ((numbers != np.rint(numbers)) & ~np.isnan(numbers)) if whole else broken

        return no_number
    if kind == "text":
        return lambda cells: cells.where(name, lambda v: type(v) is not str)
    if kind == "image":
        return _cell(media_checks.picture)(a)
    if kind == "boolean":
        return lambda cells: cells.where(name, lambda v: type(v) is not bool)
    if kind == "date":
        form = a.limits.get("format")

        def no_date(cells: Cells) -> Bools:
            return np.isnan(cells.days(name, form)) & ~cells.missing(name)

        return no_date
    raise ValueError(f"kind is {kind!r}; expected number, text, boolean, date or image")


def _range(a: Assumption) -> Check | None:
    (name,) = a.fields
    if a.limits.get("levels"):
        return _picture(media_checks.levels)(a)
    low, high = a.limits["low"], a.limits["high"]
    if any(type(v) not in (int, float) for v in (low, high)) or not low <= high:
        raise ValueError(f"low is {low!r} and high {high!r}; expected two numbers, low ≤ high")
    if a.limits.get("date"):
        form = a.limits.get("format")

        def outside_days(cells: Cells) -> Bools:
            days = cells.days(name, form)
            return np.asarray((days < low) | (days > high))

        return outside_days

    def outside(cells: Cells) -> Bools:
        numbers = cells.numbers(name)
        return np.asarray((numbers < low) | (numbers > high))

    return outside


def _values(a: Assumption) -> Check | None:
    (name,) = a.fields
    known = set(_list(a, "values"))

    def unknown(v: Any) -> bool:
        try:
            return v not in known
        except TypeError:
            return True

    return lambda cells: cells.where(name, unknown)


def _whitespace(a: Assumption) -> Check | None:
    (name,) = a.fields
    return lambda cells: cells.where(name, lambda v: type(v) is str and v != v.strip())


def _case(a: Assumption) -> Check | None:
    (name,) = a.fields
    case = a.limits["case"]
    if case not in ("lower", "upper"):
        return None  # another case is an unknown value, which the set of values says
    change = str.lower if case == "lower" else str.upper
    return lambda cells: cells.where(name, lambda v: type(v) is str and v != change(v))


def _format(a: Assumption) -> Check | None:
    (name,) = a.fields
    pattern = bounded(a.limits["pattern"], LONGEST)
    return lambda cells: cells.where(name, lambda v: type(v) is str and (len(v) > LONGEST or pattern.fullmatch(v) is None))


def _pair(a: Assumption) -> Check | None:
    one, other = a.fields
    if "never" in a.limits:
        never = {(p, q) for p, q in _list(a, "never")}
        return lambda cells: np.fromiter(
            (_among(p, q, never) for p, q in zip(cells.cells(one), cells.cells(other), strict=True)), dtype=bool, count=len(cells.batch)
        )

    def unequal(cells: Cells) -> Bools:
        x, y = cells.numbers(one), cells.numbers(other)
        return np.asarray((x != y) & ~np.isnan(x) & ~np.isnan(y))

    return unequal


def _sum(a: Assumption) -> Check | None:
    total, one, other = a.fields

    def unequal(cells: Cells) -> Bools:
        z, x, y = (cells.numbers(n) for n in (total, one, other))
        with np.errstate(invalid="ignore", over="ignore"):
            return np.asarray(np.abs(z - x - y) > 1e-6 * np.maximum(1.0, np.abs(z)))

    return unequal


def _order(a: Assumption) -> Check | None:
    low, high = a.fields
    return lambda cells: np.asarray(cells.numbers(low) > cells.numbers(high))


def _dependency(a: Assumption) -> Check | None:
    one, other = a.fields
    goes_with = dict(_list(a, "pairs"))

    def broken(p: Any, q: Any) -> bool:
        try:
            return q is not None and q == q and p in goes_with and goes_with[p] != q
        except TypeError:
            return False

    return lambda cells: np.fromiter(
        (broken(p, q) for p, q in zip(cells.cells(one), cells.cells(other), strict=True)), dtype=bool, count=len(cells.batch)
    )


def _cell(check: Callable[[Assumption], media_checks.Broken]) -> Callable[[Assumption], Check]:
    """Return a check of single cells as one of a batch."""

    def compiled(a: Assumption) -> Check:
        (name,) = a.fields
        broken = check(a)
        return lambda cells: cells.where(name, broken)

    return compiled


def _file(check: Callable[[Assumption], media_checks.Broken]) -> Callable[[Assumption], Check]:
    """Return the same of cells as they came."""

    def compiled(a: Assumption) -> Check:
        (name,) = a.fields
        broken = check(a)
        return lambda cells: cells.where(name, broken, cells.came(name))

    return compiled


def _picture(check: Callable[[Assumption], Callable[[Picture], bool]]) -> Callable[[Assumption], Check]:
    """Return the same of what pictures are like."""

    def compiled(a: Assumption) -> Check:
        (name,) = a.fields
        broken = check(a)
        return lambda cells: cells.where(name, lambda picture: picture is not None and broken(picture), cells.pictures(name))

    return compiled


def _among(p: Any, q: Any, pairs: set[tuple[Any, Any]]) -> bool:
    try:
        return (p, q) in pairs
    except TypeError:
        return False


def _list(a: Assumption, key: str) -> list[Any]:
    found = a.limits[key]
    if not isinstance(found, (list, tuple)):
        raise ValueError(f"{key} is {found!r}; expected a list")
    return list(found)


def _number(v: Any) -> float:
    if type(v) is float or type(v) is int:
        try:
            return float(v)
        except OverflowError:
            return float("inf") if v > 0 else float("-inf")
    return float("nan")


_CHECKS: dict[str, Callable[[Assumption], Check | None]] = {
    "presence": _presence,
    "null": _null,
    "type": _type,
    "range": _range,
    "values": _values,
    "whitespace": _whitespace,
    "case": _case,
    "characters": _cell(media_checks.characters),
    "format": _format,
    "pair": _pair,
    "sum": _sum,
    "order": _order,
    "dependency": _dependency,
    "length": _cell(media_checks.length),
    "language": _cell(media_checks.language),
    "encoding": _cell(media_checks.encoding),
    "size": _picture(media_checks.size),
    "channels": _picture(media_checks.channels),
    "brightness": _picture(media_checks.brightness),
    "file-format": _file(media_checks.file_format),
}
CODES = (*_CHECKS, "unit", "monotone", "ignored")
UNSOUND = (KeyError, TypeError, ValueError, AttributeError, OverflowError, RecursionError, re.error)
