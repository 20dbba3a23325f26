"""The contract: the assumptions in force, readable, editable, and checked row by row.

Compiled once to one check per column and rule; checking measures which assumption a row breaks, and decides nothing.
"""

from __future__ import annotations

import datetime as dt
import os
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from camelopard.core.arrays import Bools, Floats, is_missing, objects
from camelopard.core.batch import Batch, plain
from camelopard.core.errors import ArtifactError, CamelopardError, UnknownName
from camelopard.core.records import Assumption, Reason
from camelopard.core.schema import date_days
from camelopard.firewall import media_checks, words
from camelopard.firewall.patterns import bounded

SETTINGS = ("range", "values", "null")
LONGEST = 1000  # characters from which a text follows no format, whatever it holds
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
        self._rules: Checker | None = None

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
        """Say what a column may hold: a range (low, high) of numbers or dates, the set of values, whether it may be missing.

        What else is assumed of the column and the new values would break (their case, their format) is muted.

        Raises
        ------
        UnknownName
            If there is no such column.
        CamelopardError
            If nothing is set, the range is none, or the values are not a list of plain values.
        """
        columns = {field for a in self._assumptions for field in a.fields}
        if name not in columns:
            raise UnknownName.among(name, columns, "column")
        if range is None and values is None and null is None:
            raise CamelopardError(f"set({name!r}) sets nothing; give one of {', '.join(SETTINGS)}.")
        if range is not None:
            self._put("range", name, *self._range(name, range))
        if values is not None:
            known = list(values) if not isinstance(values, str) else [values]
            self._put("values", name, f"{name} is one of {', '.join(str(v) for v in known[:5])}{' …' if len(known) > 5 else ''}.", {"values": known})
            self._assumptions = [replace(a, muted=True) if a.fields == (name,) and _contradicted(a, known) else a for a in self._assumptions]
        if null is not None:
            self._put("null", name, f"{name} is {'sometimes' if null else 'never'} missing.", {"null": null})

    def check(self, batch: Batch) -> Violations:
        """Return which assumptions each row breaks. Any cell may hold anything."""
        return self.checker().check(batch)

    def rules(self) -> Checker | None:
        """Return what a person set, compiled, or None where nobody set anything: who breaks such a rule does not pass, whatever the risk."""
        if self._rules is None:
            own = tuple(a for a in self._assumptions if a.evidence.get("set") and not a.muted)
            self._rules = Checker(own, tuple((k, check) for k, a in enumerate(own) if (check := _compiled(a)) is not None))
        return self._rules if self._rules.checks else None

    def edited(self, by_hand: Contract) -> Contract:
        """Return a contract that a person edited, with what differs from this one marked as set by hand."""
        known = {(a.code, a.fields): a.limits for a in self}
        return Contract([a if known.get((a.code, a.fields)) == a.limits else replace(a, evidence={"set": "by hand"}) for a in by_hand])

    @property
    def muted_columns(self) -> frozenset[str]:
        """The columns of which every assumption of their own is muted."""
        own = [a for a in self._assumptions if len(a.fields) == 1 and a.code != "ignored"]
        return frozenset(a.fields[0] for a in own) - frozenset(a.fields[0] for a in own if not a.muted)

    def settled(self, name: str) -> bool:
        """Whether a person said what a column may hold."""
        return any(a.fields == (name,) and a.evidence.get("set") for a in self._assumptions)

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
        """Read a contract from TOML; `source` is named in errors. Raises ArtifactError for what is none, or has limits that cannot be checked."""
        from camelopard.firewall.contract_file import loads

        return cls(_sound(loads(text, source), source))

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Contract:
        """Read a contract that `save` wrote, or a person edited."""
        from camelopard.firewall.contract_file import read

        return cls(_sound(read(path), os.fspath(path)))

    def __repr__(self) -> str:
        return "\n".join(f"{'(muted) ' if a.muted else ''}{a.statement}" for a in self._assumptions) or "<an empty contract>"

    def _mute(self, names: Sequence[str], muted: bool) -> None:
        known = {field for a in self._assumptions for field in a.fields} | {a.code for a in self._assumptions}
        for name in names:
            if name not in known:
                raise UnknownName.among(name, known, "column or code")
        self._assumptions = [replace(a, muted=muted) if a.code in names or set(a.fields) & set(names) else a for a in self._assumptions]
        self._checker = self._rules = None

    def _range(self, name: str, limits: tuple[Any, Any]) -> tuple[str, dict[str, Any]]:
        """Return the statement and the limits of a range of numbers, or of dates where the column holds dates."""
        kinds = {a.limits.get("kind"): a.limits for a in self._assumptions if a.code == "type" and a.fields == (name,)}
        dates = kinds.get("date")
        if "text" in kinds:
            raise CamelopardError(f"range={limits!r}: {name} holds text, and a range is of numbers. Set its length in the contract's file instead.")
        try:
            low, high = (float(v) if dates is None else _days(v) for v in limits)
        except (TypeError, ValueError, OverflowError):
            expected = "two numbers" if dates is None else "two dates such as '2020-01-31'"
            raise CamelopardError(f"range={limits!r}: expected {expected}, (low, high).") from None
        if not low <= high:
            raise CamelopardError(f"range={limits!r}: expected (low, high) with low ≤ high.")
        if "image" in kinds:
            return f"the numbers of {name} lie between {low:g} and {high:g}.", {"low": low, "high": high, "levels": True}
        if dates is None:
            return f"{name} lies between {words.figure(low)} and {words.figure(high)}.", {"low": low, "high": high}
        return f"{name} lies between {words.day(low)} and {words.day(high)}.", {"low": low, "high": high, "date": True, "format": dates.get("format")}

    def _put(self, code: str, name: str, statement: str, limits: dict[str, Any]) -> None:
        new = Assumption(code, (name,), statement, limits, {"set": "by hand"})
        try:
            _CHECKS[code](new)
        except UNSOUND as error:
            raise CamelopardError(f"set({name!r}) with {limits}: {error}.") from error
        for k, a in enumerate(self._assumptions):
            if a.code == code and a.fields == (name,):
                self._assumptions[k] = replace(new, cost=a.cost, cost_interval=a.cost_interval)
                break
        else:
            self._assumptions.append(new)
        self._checker = self._rules = None


@dataclass(frozen=True)
class Checker:
    """A contract compiled to one check per assumption that rows can break."""

    assumptions: tuple[Assumption, ...]
    checks: tuple[tuple[int, Check], ...]

    def check(self, batch: Batch) -> Violations:
        """Return which assumptions each row breaks."""
        cells = Cells(batch)
        results = ((k, check(cells)) for k, check in self.checks)
        if len(batch) == 1:  # for one row, looking at it is much faster than any()
            return Violations(batch, self.assumptions, [(k, broken) for k, broken in results if broken[0]])
        found = [(k, broken) for k, broken in results if broken.any()]
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
            expected, what = a.statement.rstrip("."), media_checks.told(a.code, observed[0])
            shown = f"{a.fields[0]} is {words.shown(observed[0])}" if what is None else f"{a.fields[0]} has {what}"
            return Reason(a.code, a.fields[0], observed[0], expected, 0.0, f"{shown}; expected: {expected}")
        shown = ", ".join(f"{f} = {words.shown(v)}" for f, v in zip(a.fields, observed, strict=True))
        expected = a.statement.rstrip(".")
        return Reason(a.code, a.fields[-1], observed[-1], expected, 0.0, f"{shown}; expected: {expected}")


class Cells:
    """A batch's columns in the forms that checks need, each made once."""

    def __init__(self, batch: Batch) -> None:
        self.batch = batch
        self.none: Bools = np.zeros(len(batch), dtype=bool)
        self._missing: dict[str, Bools] = {}
        self._numbers: dict[str, Floats] = {}
        self._days: dict[str, Floats] = {}
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

    def where(self, name: str, broken: Callable[[Any], bool]) -> Bools:
        """Return for which present cells `broken` holds, shape (n,)."""
        if len(self.batch) == 1:
            return ~self.none if broken(self.cells(name)[0]) and not self.missing(name)[0] else self.none
        hits = np.fromiter((broken(v) for v in self.cells(name)), dtype=bool, count=len(self.batch))
        return hits & ~self.missing(name)


def _compiled(a: Assumption) -> Check | None:
    """Return the check of one assumption, or None where rows cannot break it."""
    try:
        return _CHECKS[a.code](a) if a.code in _CHECKS else None
    except UNSOUND:
        return None


def _sound(assumptions: list[Assumption], source: str) -> list[Assumption]:
    """Return the assumptions, or raise ArtifactError where a limit cannot be checked: a rule misspelt must not pass for one that holds."""
    for k, a in enumerate(assumptions):
        where = f"{source}: assumption {k + 1} ({a.code!r} of {', '.join(a.fields)})"
        if a.code not in CODES:
            raise ArtifactError(f"{where}: {UnknownName.among(a.code, CODES, 'code')}")
        try:
            _CHECKS.get(a.code, _unchecked)(a)
        except UNSOUND as error:
            problem = f"limit {error} is missing" if isinstance(error, KeyError) else str(error)
            raise ArtifactError(f"{where}: its limits cannot be checked: {problem}. Compare it with a contract written by save().") from error
    return assumptions


def _unchecked(a: Assumption) -> None:
    """No row breaks this one."""


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
        return _media(media_checks.picture)(a)
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
        return _media(media_checks.levels)(a)
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


def _characters(a: Assumption) -> Check | None:
    (name,) = a.fields
    if "without" in a.limits:
        return _media(media_checks.without)(a)
    required = _list(a, "characters")
    if not all(isinstance(c, str) for c in required):
        raise ValueError(f"characters are {required!r}; expected texts")
    return lambda cells: cells.where(name, lambda v: type(v) is str and any(c not in v for c in required))


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


def _media(check: Callable[[Assumption], media_checks.Broken]) -> Callable[[Assumption], Check]:
    """Return a check of single texts or pictures as one of a batch."""

    def compiled(a: Assumption) -> Check:
        (name,) = a.fields
        broken = check(a)
        return lambda cells: cells.where(name, broken)

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


def _contradicted(a: Assumption, values: list[Any]) -> bool:
    """Whether one of these values breaks the assumption."""
    check = _compiled(a)
    if a.code in ("values", "null", "presence") or check is None:
        return False
    return bool(check(Cells(Batch({a.fields[0]: objects(values)}, np.arange(len(values))))).any())


def _days(value: Any) -> float:
    """Return a date, or a text such as "2020-01-31", as days since 1970."""
    if isinstance(value, str):
        value = dt.datetime.fromisoformat(value)
    days = float(date_days(objects([value]), None)[0])
    if days != days:
        raise ValueError(f"{value!r} is no date")
    return days


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
    "characters": _characters,
    "format": _format,
    "pair": _pair,
    "sum": _sum,
    "order": _order,
    "dependency": _dependency,
    "length": _media(media_checks.length),
    "language": _media(media_checks.language),
    "size": _media(media_checks.size),
    "channels": _media(media_checks.channels),
    "brightness": _media(media_checks.brightness),
}
CODES = (*_CHECKS, "unit", "monotone", "ignored")
UNSOUND = (KeyError, TypeError, ValueError, AttributeError, OverflowError, RecursionError, re.error)
