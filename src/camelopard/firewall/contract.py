"""The contract: the assumptions in force, readable, editable, and checked row by row.

Compiled once to one check per column and rule; checking measures which assumption a row breaks, and decides nothing.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from camelopard.core.arrays import Bools, Floats, is_missing
from camelopard.core.batch import Batch, plain
from camelopard.core.errors import CamelopardError, UnknownName
from camelopard.core.records import Assumption, Reason
from camelopard.core.schema import date_days
from camelopard.firewall import words

CHECKED = ("null", "type", "range", "values", "whitespace", "case", "characters", "format", "pair", "sum", "order", "dependency")
SETTINGS = ("range", "values", "null")
Check = Callable[["Cells"], Bools]


class Contract:
    """What the model relies on, as a list of assumptions.

    >>> contract = Contract([Assumption("range", ("age",), "age lies between 17 and 90.", {"low": 17, "high": 90})])
    >>> contract.set("age", range=(0, 120))
    >>> [a.statement for a in contract]
    ['age lies between 0 and 120.']
    """

    def __init__(self, assumptions: Sequence[Assumption]) -> None:
        self._assumptions = list(assumptions)
        self._checker: Checker | None = None

    def __iter__(self) -> Iterator[Assumption]:
        return iter(self._assumptions)

    def __len__(self) -> int:
        return len(self._assumptions)

    def mute(self, *names: str) -> None:
        """Switch off the assumptions with these columns or codes. Raises UnknownName for a name that is neither."""
        self._mute(names, muted=True)

    def unmute(self, *names: str) -> None:
        """Switch them on again."""
        self._mute(names, muted=False)

    def set(self, name: str, *, range: tuple[Any, Any] | None = None, values: Sequence[Any] | None = None, null: bool | None = None) -> None:
        """Say what a column may hold: a range (low, high), the set of values, whether it may be missing.

        Raises
        ------
        UnknownName
            If there is no such column.
        CamelopardError
            If nothing is set, or the range is none.
        """
        columns = {field for a in self._assumptions for field in a.fields}
        if name not in columns:
            raise UnknownName.among(name, columns, "column")
        if range is None and values is None and null is None:
            raise CamelopardError(f"set({name!r}) sets nothing; give one of {', '.join(SETTINGS)}.")
        if range is not None:
            try:
                low, high = (float(v) for v in range)
            except (TypeError, ValueError):
                raise CamelopardError(f"range={range!r}: expected two numbers, (low, high).") from None
            if not low <= high:
                raise CamelopardError(f"range={range!r}: expected (low, high) with low ≤ high.")
            self._put("range", name, f"{name} lies between {words.figure(low)} and {words.figure(high)}.", {"low": low, "high": high})
        if values is not None:
            known = list(values)
            self._put("values", name, f"{name} is one of {', '.join(str(v) for v in known[:5])}{' …' if len(known) > 5 else ''}.", {"values": known})
        if null is not None:
            self._put("null", name, f"{name} is {'sometimes' if null else 'never'} missing.", {"null": null})

    def check(self, batch: Batch) -> Violations:
        """Return which assumptions each row breaks. Any cell may hold anything."""
        return self.checker().check(batch)

    def checker(self) -> Checker:
        """Return the contract as it stands now, compiled; later edits do not reach it."""
        if self._checker is None:
            checks = [(k, check) for k, a in enumerate(self._assumptions) if not a.muted and (check := _compiled(a)) is not None]
            self._checker = Checker(tuple(self._assumptions), tuple(checks))
        return self._checker

    def to_toml(self) -> str:
        """Return the contract as readable TOML."""
        from camelopard.firewall.contract_file import dumps

        return dumps(self._assumptions)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the contract as TOML, whole or not at all."""
        from camelopard.firewall.contract_file import write

        write(path, self._assumptions)

    @classmethod
    def from_toml(cls, text: str, source: str = "contract") -> Contract:
        """Read a contract from TOML; `source` is named in errors. Raises ArtifactError for what is none."""
        from camelopard.firewall.contract_file import loads

        return cls(loads(text, source))

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Contract:
        """Read a contract that `save` wrote, or a person edited."""
        from camelopard.firewall.contract_file import read

        return cls(read(path))

    def __repr__(self) -> str:
        return "\n".join(f"{'(muted) ' if a.muted else ''}{a.statement}" for a in self._assumptions) or "<an empty contract>"

    def _mute(self, names: Sequence[str], muted: bool) -> None:
        known = {field for a in self._assumptions for field in a.fields} | {a.code for a in self._assumptions}
        for name in names:
            if name not in known:
                raise UnknownName.among(name, known, "column or code")
        self._assumptions = [replace(a, muted=muted) if a.code in names or set(a.fields) & set(names) else a for a in self._assumptions]
        self._checker = None

    def _put(self, code: str, name: str, statement: str, limits: dict[str, Any]) -> None:
        new = Assumption(code, (name,), statement, limits, {"set": "by hand"})
        for k, a in enumerate(self._assumptions):
            if a.code == code and a.fields == (name,):
                self._assumptions[k] = replace(new, cost=a.cost, cost_interval=a.cost_interval)
                break
        else:
            self._assumptions.append(new)
        self._checker = None


@dataclass(frozen=True)
class Checker:
    """A contract compiled to one check per assumption that rows can break."""

    assumptions: tuple[Assumption, ...]
    checks: tuple[tuple[int, Check], ...]

    def check(self, batch: Batch) -> Violations:
        """Return which assumptions each row breaks."""
        cells = Cells(batch)
        found = [(k, broken) for k, check in self.checks if (broken := check(cells)).any()]
        return Violations(batch, self.assumptions, found)


@dataclass(frozen=True)
class Violations:
    """Which assumptions are broken where. Reasons are made only when asked for."""

    batch: Batch
    assumptions: Sequence[Assumption]
    found: Sequence[tuple[int, Bools]]

    def __len__(self) -> int:
        return len(self.batch)

    def __getitem__(self, i: int) -> list[Reason]:
        return [self._reason(self.assumptions[k], i) for k, broken in self.found if broken[i]]

    @property
    def broken(self) -> Bools:
        """Return which rows break which assumption, shape (n, assumptions)."""
        table = np.zeros((len(self.batch), len(self.assumptions)), dtype=bool)
        for k, rows in self.found:
            table[:, k] = rows
        return table

    def _reason(self, a: Assumption, i: int) -> Reason:
        observed = [plain(self.batch.columns[f][i]) if f in self.batch.columns else None for f in a.fields]
        if len(a.fields) == 1:
            return Reason(a.code, a.fields[0], observed[0], a.statement, 0.0, f"{a.fields[0]} is {words.shown(observed[0])}; expected: {a.statement}")
        shown = ", ".join(f"{f} = {words.shown(v)}" for f, v in zip(a.fields, observed, strict=True))
        return Reason(a.code, a.fields[-1], observed[-1], a.statement, 0.0, f"{shown}; expected: {a.statement}")


class Cells:
    """A batch's columns in the forms that checks need, each made once."""

    def __init__(self, batch: Batch) -> None:
        self.batch = batch
        self._missing: dict[str, Bools] = {}
        self._numbers: dict[str, Floats] = {}
        self._lists: dict[str, list[Any]] = {}

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

    def cells(self, name: str) -> list[Any]:
        """Return plain Python cells, None where the column is absent."""
        if name not in self._lists:
            values = self.batch.columns.get(name)
            self._lists[name] = [None] * len(self.batch) if values is None else values.tolist()
        return self._lists[name]

    def where(self, name: str, broken: Callable[[Any], bool]) -> Bools:
        """Return for which present cells `broken` holds, shape (n,)."""
        hits = np.fromiter((broken(v) for v in self.cells(name)), dtype=bool, count=len(self.batch))
        return hits & ~self.missing(name)


def _compiled(a: Assumption) -> Check | None:
    """Return the check of one assumption, or None where rows cannot break it."""
    try:
        return _CHECKS[a.code](a) if a.code in _CHECKS else None
    except (KeyError, TypeError, ValueError, re.error):
        return None  # limits edited into something that cannot be checked


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
    if kind == "boolean":
        return lambda cells: cells.where(name, lambda v: type(v) is not bool)
    if kind == "date":
        form = a.limits.get("format")

        def no_date(cells: Cells) -> Bools:
            values = cells.batch.columns.get(name)
            return np.zeros(len(cells.batch), dtype=bool) if values is None else np.isnan(date_days(values, form)) & ~cells.missing(name)

        return no_date
    return None


def _range(a: Assumption) -> Check | None:
    (name,) = a.fields
    low, high = float(a.limits["low"]), float(a.limits["high"])
    if a.limits.get("date"):
        return None  # the type check reads dates; a range of dates is checked by oddity

    def outside(cells: Cells) -> Bools:
        numbers = cells.numbers(name)
        return np.asarray((numbers < low) | (numbers > high))

    return outside


def _values(a: Assumption) -> Check | None:
    (name,) = a.fields
    known = set(a.limits["values"])

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


def _characters(a: Assumption) -> Check | None:
    (name,) = a.fields
    required = list(a.limits["characters"])
    return lambda cells: cells.where(name, lambda v: type(v) is str and any(c not in v for c in required))


def _format(a: Assumption) -> Check | None:
    (name,) = a.fields
    pattern = re.compile(a.limits["pattern"])
    return lambda cells: cells.where(name, lambda v: type(v) is str and pattern.fullmatch(v[:1000]) is None)


def _pair(a: Assumption) -> Check | None:
    one, other = a.fields
    if "never" in a.limits:
        never = {(p, q) for p, q in a.limits["never"]}
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
    goes_with = dict(a.limits["pairs"])

    def broken(p: Any, q: Any) -> bool:
        try:
            return q is not None and q == q and p in goes_with and goes_with[p] != q
        except TypeError:
            return False

    return lambda cells: np.fromiter(
        (broken(p, q) for p, q in zip(cells.cells(one), cells.cells(other), strict=True)), dtype=bool, count=len(cells.batch)
    )


def _among(p: Any, q: Any, pairs: set[tuple[Any, Any]]) -> bool:
    try:
        return (p, q) in pairs
    except TypeError:
        return False


def _number(v: Any) -> float:
    if type(v) is float or type(v) is int:
        try:
            return float(v)
        except OverflowError:
            return float("inf") if v > 0 else float("-inf")
    return float("nan")


_CHECKS: dict[str, Callable[[Assumption], Check | None]] = {
    "null": _null,
    "type": _type,
    "range": _range,
    "values": _values,
    "whitespace": _whitespace,
    "case": _case,
    "characters": _characters,
    "format": _format,
    "pair": _pair,
    "sum": _sum,
    "order": _order,
    "dependency": _dependency,
}
