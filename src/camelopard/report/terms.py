"""The contract in words, and what the model ignores."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from camelopard.report import document as given
from camelopard.report import wording

MOST_COLUMNS = 100
MOST_PER_COLUMN = 20
LONGEST = 300  # characters of a statement
ENOUGH = 200  # values to be tried before a column may be said to be ignored: then at most 1.5 % are missed
SEVERAL = "Between columns"


@dataclass(frozen=True)
class Term:
    """One assumption: its sentence, what breaking it costs, and how it was found."""

    statement: list[tuple[bool, str]]
    cost: str
    span: str
    bar: int
    evidence: str
    muted: bool


@dataclass(frozen=True)
class Clause:
    """The assumptions about one column, or about several together."""

    title: str
    terms: tuple[Term, ...]
    left_out: int


@dataclass(frozen=True)
class Contract:
    """The whole contract; `muted` holds what is switched off."""

    clauses: tuple[Clause, ...]
    muted: tuple[Clause, ...]
    columns_left_out: int


@dataclass(frozen=True)
class Ignored:
    """What was tried on one column, and how often it changed the answer."""

    column: str
    tried: str
    fooled: str
    rate: str
    at_most: str
    certain: bool


def contract(document: Mapping[str, Any]) -> Contract:
    """Return the assumptions by column, the column that costs most first."""
    assumptions = given.records(document, "assumptions")
    active, muted = [a for a in assumptions if not _muted(a)], [a for a in assumptions if _muted(a)]
    clauses, off = _clauses(active), _clauses(muted)
    left_out = max(0, len(clauses) - MOST_COLUMNS) + max(0, len(off) - MOST_COLUMNS)
    return Contract(tuple(clauses[:MOST_COLUMNS]), tuple(off[:MOST_COLUMNS]), left_out)


def ignored(document: Mapping[str, Any]) -> list[Ignored]:
    """Return how often each column changed the answer: those that surely do not first, those with most values tried before others."""
    rows: list[tuple[bool, float, float, int, Ignored]] = []
    for row in given.records(document, "ignored"):
        tried, fooled, upper = given.number(row, "tried") or 0, given.number(row, "fooled"), given.number(row, "upper")
        certain = fooled == 0 and tried >= ENOUGH
        rate = wording.percent(fooled / tried) if fooled and tried else ""
        at_most = "" if upper is None else wording.percent(upper)
        shown = Ignored(wording.target_words(given.text(row, "column")), wording.count(tried), wording.count(fooled), rate, at_most, certain)
        rows.append((not certain, fooled or 0, -tried, len(rows), shown))
    return [row[-1] for row in sorted(rows, key=lambda row: row[:-1])][:MOST_COLUMNS]


def _muted(assumption: Mapping[str, Any]) -> bool:
    return bool(given.entry(assumption, "muted"))


def _clauses(assumptions: Sequence[Mapping[str, Any]]) -> list[Clause]:
    by_field: dict[str, list[Mapping[str, Any]]] = {}
    for assumption in assumptions:
        fields = given.items(assumption, "fields")
        by_field.setdefault(f"one {fields[0]}" if len(fields) == 1 else SEVERAL, []).append(assumption)
    order = sorted(by_field, key=lambda f: (f == SEVERAL, -max(_cost(a) for a in by_field[f])))
    return [_clause(f, sorted(by_field[f], key=lambda a: -_cost(a))) for f in order]


def _clause(field: str, assumptions: Sequence[Mapping[str, Any]]) -> Clause:
    title = field if field == SEVERAL else wording.name(field.removeprefix("one "))
    return Clause(title, tuple(_term(a) for a in assumptions[:MOST_PER_COLUMN]), max(0, len(assumptions) - MOST_PER_COLUMN))


def _term(assumption: Mapping[str, Any]) -> Term:
    cost = given.number(assumption, "cost")
    low, high = given.number(assumption, "cost_interval", "low"), given.number(assumption, "cost_interval", "high")
    rows, exceptions = given.number(assumption, "evidence", "rows"), given.number(assumption, "evidence", "exceptions")
    evidence = "" if rows is None else f"{wording.count(rows)} rows"
    if rows is not None and exceptions is not None:
        evidence += f", {wording.count(exceptions) if exceptions else 'no'} exception{'' if exceptions == 1 else 's'}"
    statement = given.text(assumption, "statement") or wording.kind_words(given.text(assumption, "code"))
    shown = "not tried" if cost is None else wording.percent(cost)
    return Term(
        wording.prose(statement, LONGEST),
        shown,
        wording.span(low, high) if cost is not None else "",
        round(100 * min(max(cost or 0.0, 0.0), 1.0)),
        evidence,
        _muted(assumption),
    )


def _cost(assumption: Mapping[str, Any]) -> float:
    cost = given.number(assumption, "cost")
    return -1.0 if cost is None else cost
