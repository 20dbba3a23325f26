"""Rows that a person sends somewhere whatever they cost: by a reason, a column, or a segment of the traffic."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from camelopard.core.arrays import Array, Bools
from camelopard.core.batch import Batch, plain
from camelopard.core.errors import CamelopardError, UnknownName
from camelopard.core.records import Reason
from camelopard.evidence.reading import OK
from camelopard.firewall import contract, explain
from camelopard.firewall.costs import ROUTES, given
from camelopard.firewall.doubts import ASKS
from camelopard.firewall.words import shown

Plain = str | int | float | bool | None
OF_TABLES = ("extra-column", "missing-column")  # reasons that every row of a table has
REASONS = frozenset(
    (
        *("doubt", "no-answer", "no-model", "out-of-range", "outside", "unlike-training", "unlikely", "unreadable"),
        *OF_TABLES,
        *explain.CODES.values(),
        *(code for code in contract.CODES if code not in ("unit", "monotone", "ignored")),  # these are no checks of a row
    )
)


@dataclass(frozen=True)
class Override:
    """The route of rows that have a reason of this code, on this column, and lie in this segment; what is None does not matter.

    route
        "pass", "repair", "review" or "block". No override lets a row pass that is unreadable, lies outside everything tested or breaks a rule that a
        person set, or repairs one that has no repair to be trusted: such rows are left to the next override that fits.
    reason
        A code of reasons, such as "unseen-value". A cell that was never seen also fits where the reason given is the assumption that it breaks.
    column
        The column that a reason is on; together with `reason`, one reason must be both.
    segment
        Values of columns as they come, also of columns that the model does not use: {"channel": "test"} or {"channel": ["test", "demo"]}. None
        stands for a missing cell.
    doubt
        "boundary", "region" or "data": rows that would not pass, for this kind of doubt. See `Verdicts.doubt`.

    >>> Override("review", reason="unseen-value", column="country").words()
    'review rows with the reason unseen-value on country'
    """

    route: str
    reason: str | None = None
    column: str | None = None
    segment: Mapping[str, Plain | Sequence[Plain]] | None = None
    doubt: str | None = None

    def __post_init__(self) -> None:
        for name, known, what in ((self.route, ROUTES, "route"), (self.reason, REASONS, "reason"), (self.doubt, ASKS, "kind of doubt")):
            if name is None and what != "route":
                continue
            if not isinstance(name, str):
                raise CamelopardError(f"Override: {given(name)} is no {what}; expected one name, such as {sorted(known)[0]!r}.")
            if name not in known:
                raise UnknownName.among(name, tuple(known), what)
        if self.column is not None and not isinstance(self.column, str):
            raise CamelopardError(f"Override(column={given(self.column)}): expected the name of a column.")
        if self.segment is not None:
            object.__setattr__(self, "segment", _segment(self.segment))
        if self.reason is None and self.column is None and not self.segment and self.doubt is None:
            raise CamelopardError(f"Override({self.route!r}) says of no row that it is meant. Give a reason, a column, a segment or a kind of doubt.")

    @property
    def by_reason(self) -> bool:
        """Whether reasons must be looked at."""
        return self.reason is not None or self.column is not None

    def meets(self, code: str, field: str | None) -> bool:
        """Whether a reason of this code on this column is one that is meant."""
        return self.reason in (None, code) and self.column in (None, field)

    def words(self) -> str:
        """Return what it does, in words."""
        parts = []
        if self.reason is not None:
            parts.append(f"with the reason {self.reason}" + (f" on {self.column}" if self.column is not None else ""))
        elif self.column is not None:
            parts.append(f"with a reason on {self.column}")
        if self.doubt is not None:
            parts.append(
                {"boundary": "that are near the boundary", "region": "in a region of known errors", "data": "in doubt for their data"}[self.doubt]
            )
        if self.segment:
            parts.append("where " + " and ".join(f"{name} is {_listed(values)}" for name, values in self.segment.items()))
        return f"{self.route} rows {' '.join(parts)}"

    def state(self) -> dict[str, Any]:
        """Return it as plain data."""
        segment = None if self.segment is None else {name: list(_values(values)) for name, values in self.segment.items()}
        return {"route": self.route, "reason": self.reason, "column": self.column, "segment": segment, "doubt": self.doubt}


class Rows:
    """Screened rows as overrides look at them. Reasons are made only when an override asks for them, and only once."""

    def __init__(self, raw: Batch, reasons: Callable[[], Iterable[tuple[int, Reason]]], remarks: Sequence[Reason] = ()) -> None:
        """`raw`: the rows as they came. `reasons`: what makes all of them, with the position of their row. `remarks`: those that every row has."""
        self._raw, self._reasons, self._remarks = raw, reasons, remarks
        self._found: list[tuple[int, str, str | None]] | None = None

    def fit(self, override: Override) -> Bools:
        """Return which rows an override is meant for, shape (n,)."""
        fits = np.ones(len(self._raw), dtype=bool)
        for name, values in (override.segment or {}).items():
            cells = self._raw.columns.get(name)
            fits &= False if cells is None else _among(cells, _values(values))
        if override.by_reason and fits.any() and not any(override.meets(remark.code, remark.field) for remark in self._remarks):
            found = np.zeros(len(self._raw), dtype=bool)
            found[[i for i, code, field in self._all() if override.meets(code, field)]] = True
            fits &= found
        return fits

    def _all(self) -> list[tuple[int, str, str | None]]:
        if self._found is None:
            self._found = [(i, reason.code, reason.field) for i, reason in self._reasons()]
        return self._found


def reasons_of(explainer: explain.Explainer) -> Iterator[tuple[int, Reason]]:
    """Yield the reasons of a screened batch, and with them what is the matter with cells of which a broken assumption is told instead.

    A country that was never seen breaks the assumption "values", and that is the reason given; who asks for "unseen-value" means it as well.
    """
    silent = explainer.contract.muted_columns
    kept = contract.Contract([a for a in explainer.contract if len(a.fields) == 1 and a.fields[0] in silent])
    cells = replace(explainer, contract=kept)
    for i in np.flatnonzero(_notable(explainer)).tolist():
        told = explainer.reasons(i)
        yield from ((i, reason) for reason in told)
        yield from ((i, reason) for reason in cells.reasons(i) if reason.field is not None and reason.contribution)


def _notable(explainer: explain.Explainer) -> Bools:
    """Return which rows may have a reason besides the remarks on the whole table, shape (n,)."""
    found, rows = explainer.examination, len(explainer.examination.batch)
    some = explainer.alarmed | explainer.outside | found.answer.failed | (found.reading.states != OK).any(axis=1)
    some |= (found.suspicions >= explain.NOTICEABLE * explainer.panel.never).any(axis=1)
    for _, broken in explainer.contract.check(found.batch).found:
        some |= broken
    some[[i for i in explainer.problems if i < rows]] = True
    return np.asarray(some, dtype=bool)


def check_columns(overrides: Iterable[Override], known: Iterable[str]) -> None:
    """Raise UnknownName for a column that no reason can be on. Segments may use columns that the model does not know."""
    names = list(known)
    for override in overrides:
        if override.column is not None and override.column not in names and override.reason != "extra-column":
            raise UnknownName.among(override.column, names, "column")


def absent_segments(overrides: Sequence[Override], raw: Batch) -> list[Reason]:
    """Return a remark for each column that a segment is told by and that did not come: the override then fits no row."""
    lacking = dict.fromkeys(name for override in overrides for name in override.segment or {} if name not in raw.columns)
    return [
        Reason("missing-column", name, None, "a column", 0.0, f"the column {name[:80]!r} is absent: the override for a segment by it fits no row")
        for name in lacking
    ]


def _segment(segment: object) -> dict[str, Plain | tuple[Plain, ...]]:
    if not isinstance(segment, Mapping) or not segment or not all(isinstance(name, str) for name in segment):
        raise CamelopardError(f"Override(segment={given(segment)}): expected columns and their values, such as {{'channel': 'test'}}.")
    found: dict[str, Plain | tuple[Plain, ...]] = {}
    for name, values in segment.items():
        several = isinstance(values, (list, tuple, set, frozenset))
        items = [plain(v) for v in (sorted(values, key=str) if isinstance(values, (set, frozenset)) else values if several else [values])]
        for value in items:
            if not isinstance(value, (str, int, float, bool, type(None))) or (isinstance(value, float) and not math.isfinite(value)):
                raise CamelopardError(
                    f"Override(segment={{{name!r}: {given(value)}}}): expected a text, a number, a truth value or None, or a list of these."
                )
        if not items:
            raise CamelopardError(f"Override(segment={{{name!r}: []}}): expected at least one value.")
        found[name] = tuple(items) if several else items[0]
    return found


def _values(values: Plain | Sequence[Plain]) -> tuple[Plain, ...]:
    if isinstance(values, (str, int, float, bool, type(None))):
        return (values,)
    return tuple(values)


def _among(cells: Array, values: tuple[Plain, ...]) -> Bools:
    """Return which cells hold one of the values, shape (n,). Text is not a number and True is not 1; cells may be of any class."""
    wanted = {(_kind(v), v) for v in values}

    def holds(cell: Any) -> bool:
        try:
            value = plain(cell)
            return (_kind(value), value) in wanted
        except Exception:  # a cell may be of any class, and compare as it likes
            return False

    return np.fromiter((holds(cell) for cell in cells), dtype=bool, count=len(cells))


def _kind(value: object) -> type:
    return float if type(value) is int else type(value)


def _listed(values: Plain | Sequence[Plain]) -> str:
    return " or ".join("missing" if v is None else str(v) if isinstance(v, str) else shown(v) for v in _values(values))
