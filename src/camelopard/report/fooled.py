"""What fools the model, grouped by kind of damage: the worst case of each in full, with its example from the data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from camelopard.report import document as given
from camelopard.report import words
from camelopard.report.curves import tint
from camelopard.report.words import Cell

MOST_CHANGES = 8  # changed cells shown of one example
MOST_OTHERS = 40  # further columns listed per kind
MOST_GROUPS = 80
IN_FULL = 6  # kinds shown without a click


@dataclass(frozen=True)
class Change:
    """One cell of an example: before and after."""

    name: str
    before: Cell
    after: Cell
    changed: bool = True


@dataclass(frozen=True)
class Example:
    """A row of the data that fools the model: what changed, and what the model said before and after."""

    row: str
    changes: tuple[Change, ...]
    left_out: int
    answer: Change | None
    confidence: Change | None


@dataclass(frozen=True)
class Dose:
    """The share fooled at one severity."""

    severity: str
    share: str
    tint: int


@dataclass(frozen=True)
class Shown:
    """One finding as the page shows it."""

    level: str
    target: str
    message: list[tuple[bool, str]]
    fooled: str
    span: str
    floor: str
    raised: str
    severity: str
    dose: tuple[Dose, ...]
    example: Example | None


@dataclass(frozen=True)
class Group:
    """All findings of one kind: the worst in full, the others as rows of a table."""

    title: str
    level: str
    first: Shown
    others: tuple[Shown, ...]
    left_out: int

    @property
    def size(self) -> int:
        return 1 + len(self.others) + self.left_out


def groups(document: Mapping[str, Any]) -> list[Group]:
    """Return the findings by kind, the kind with the worst finding first."""
    spans = _spans(document)
    names = given.column_names(document)
    by_kind: dict[str, list[Mapping[str, Any]]] = {}
    for finding in given.model_findings(document):
        by_kind.setdefault(given.kind_of(finding), []).append(finding)
    return [_group(kind, found, spans, names) for kind, found in by_kind.items()]


def example_of(raw: Any) -> Example | None:
    """Return an example as it is shown, or None where there is none."""
    if not isinstance(raw, Mapping):
        return None
    found = [(column, pair) for column, pair in given.pairs(raw, "changes") if _is_pair(pair)]
    changes = tuple(Change(words.name(column), words.cell(pair[0]), words.cell(pair[1])) for column, pair in found[:MOST_CHANGES])
    answer, confidence = given.entry(raw, "answer"), given.entry(raw, "confidence")
    said = Change("The model's answer", words.cell(answer[0]), _answer(answer[1]), answer[0] != answer[1]) if _is_pair(answer) else None
    sure = None
    if _is_pair(confidence) and any(given.number(c) is not None for c in confidence):
        before, after = (Cell(words.percent(given.number(c))) if given.number(c) is not None else Cell("", "none") for c in confidence)
        sure = Change("Its confidence", before, after, changed=False)
    if not changes and said is None:
        return None
    row = given.number(raw, "row")
    return Example("" if row is None else words.count(row), changes, len(found) - len(changes), said, sure)


def shown(finding: Mapping[str, Any], spans: Mapping[tuple[str, str, float], str], names: frozenset[str]) -> Shown:
    """Return one finding as the page shows it."""
    details = given.entry(finding, "details")
    target, severity = given.target_of(finding), given.number(details, "severity")
    raised = given.number(details, "exceptions")
    return Shown(
        given.level(finding),
        words.target_words(target, names) if target else "",
        words.prose(given.text(finding, "message") or "No description was given."),
        _share(given.number(details, "fooled")),
        spans.get((given.kind_of(finding), target, -1.0 if severity is None else severity), ""),
        _share(given.number(details, "floor")),
        _share(raised) if raised else "",
        "" if severity is None else words.figure(severity),
        tuple(_doses(details)),
        example_of(given.entry(details, "example")),
    )


def _group(kind: str, found: list[Mapping[str, Any]], spans: Mapping[tuple[str, str, float], str], names: frozenset[str]) -> Group:
    first, *others = (shown(f, spans, names) for f in found[: MOST_OTHERS + 1])
    return Group(words.kind_words(kind), first.level, first, tuple(others), len(found) - 1 - len(others))


def _doses(details: Any) -> list[Dose]:
    found = []
    for pair in given.items(details, "dose"):
        if _is_pair(pair) and (severity := given.number(pair[0])) is not None:
            share = given.number(pair[1])
            found.append(Dose(words.figure(severity), "–" if share is None else words.percent(share), tint(share)))
    return found[:10]


def _spans(document: Mapping[str, Any]) -> dict[tuple[str, str, float], str]:
    spans = {}
    for point in given.records(document, "curves"):
        severity = given.number(point, "severity")
        low, high = given.number(point, "fooled_interval", "low"), given.number(point, "fooled_interval", "high")
        if severity is not None:
            spans[given.text(point, "kind"), given.text(point, "column"), severity] = words.span(low, high)
    return spans


def _answer(value: Any) -> Cell:
    missing = value is None or value != value
    return Cell("", "no answer: the model raised an error") if missing else words.cell(value)


def _share(value: float | None) -> str:
    return "" if value is None else words.percent(value)


def _is_pair(value: Any) -> bool:
    return isinstance(value, (list, tuple)) and len(value) == 2
