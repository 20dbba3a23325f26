"""What fools the model, grouped by kind of damage: the worst case of each in full, with its example from the data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from camelopard.report import content, wording
from camelopard.report import document as given
from camelopard.report.content import Content
from camelopard.report.curves import tint
from camelopard.report.wording import Cell

Spans = Mapping[tuple[str, str, float], str]

MOST_CHANGES = 8  # changed cells shown of one example
MOST_OTHERS = 40  # further columns listed per kind
MOST_ROWS = 600  # further columns listed over all kinds, so that the page stays small
MOST_GROUPS = 60  # kinds shown
LONGEST_ROW = 300  # characters of a sentence in a list
IN_FULL = 6  # kinds shown without a click


@dataclass(frozen=True)
class Change:
    """One cell of an example: before and after."""

    name: str
    before: Cell | Content
    after: Cell | Content
    changed: bool = True

    @property
    def large(self) -> bool:
        """Whether it is a text in parts or a picture: then what changed is marked in it, or is seen."""
        return isinstance(self.after, Content) or isinstance(self.before, Content)


@dataclass(frozen=True)
class Example:
    """A row of the data that fools the model: what changed, and what the model said before and after."""

    row: str
    changes: tuple[Change, ...]
    left_out: int
    answer: Change | None
    confidence: Change | None

    @property
    def large(self) -> bool:
        return any(change.large for change in self.changes)


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
    def measured(self) -> bool:
        """Whether each of the others has a share of its own, so that its sentence says nothing new."""
        return all(other.fooled for other in self.others)

    @property
    def size(self) -> int:
        return 1 + len(self.others) + self.left_out


def groups(document: Mapping[str, Any]) -> list[Group]:
    """Return the findings by kind, the kind with the worst finding first, at most MOST_GROUPS of them."""
    spans = _spans(document)
    names, pictures = given.column_names(document), given.column_names(document, "image")
    left, found = MOST_ROWS, []
    for kind, findings in list(_by_kind(document).items())[:MOST_GROUPS]:
        group = _group(kind, findings, spans, names, min(left, MOST_OTHERS), pictures)
        left -= len(group.others)
        found.append(group)
    return found


def groups_left_out(document: Mapping[str, Any]) -> int:
    """Return how many kinds of finding `groups` leaves out."""
    return max(0, len(_by_kind(document)) - MOST_GROUPS)


def example_of(raw: Any, pictures: frozenset[str] = frozenset()) -> Example | None:
    """Return an example as it is shown, or None where there is none. In the columns of `pictures` a text says what was done to one."""
    if not isinstance(raw, Mapping):
        return None
    found = [(column, pair) for column, pair in given.pairs(raw, "changes") if _is_pair(pair)]
    changes = tuple(Change(wording.name(column), *content.pair(*pair, words=column in pictures)) for column, pair in found[:MOST_CHANGES])
    answer, confidence = given.entry(raw, "answer"), given.entry(raw, "confidence")
    said = Change("The model's answer", wording.cell(answer[0]), _answer(answer[1]), answer[0] != answer[1]) if _is_pair(answer) else None
    sure = None
    if _is_pair(confidence) and any(given.number(c) is not None for c in confidence):
        before, after = (Cell(wording.percent(given.number(c))) if given.number(c) is not None else Cell("", "none") for c in confidence)
        sure = Change("Its confidence", before, after, changed=False)
    if not changes and said is None:
        return None
    row = given.number(raw, "row")
    return Example("" if row is None else wording.count(row), changes, len(found) - len(changes), said, sure)


def shown(
    finding: Mapping[str, Any],
    spans: Spans,
    names: frozenset[str],
    longest: int = wording.LONGEST_TEXT,
    *,
    example: bool = True,
    pictures: frozenset[str] = frozenset(),
) -> Shown:
    """Return one finding as the page shows it; its example only where that is asked for."""
    details, message = given.entry(finding, "details"), given.text(finding, "message")
    target, fooled = given.target_of(finding), given.number(details, "fooled")
    raised = given.number(details, "exceptions")
    return Shown(
        given.level(finding),
        wording.target_words(target, names) if target else "",
        wording.prose(message or "No description was given.", longest),
        _share(fooled),
        "" if fooled is None else spans.get((given.kind_of(finding), target, round(fooled, 9)), ""),
        _share(given.number(details, "floor")),
        _share(raised) if raised and "raise" not in message else "",
        tuple(_doses(details)),
        example_of(given.entry(details, "example"), pictures) if example else None,
    )


def _by_kind(document: Mapping[str, Any]) -> dict[str, list[Mapping[str, Any]]]:
    kinds: dict[str, list[Mapping[str, Any]]] = {}
    for finding in given.model_findings(document):
        kinds.setdefault(given.kind_of(finding), []).append(finding)
    return kinds


def _group(
    kind: str, findings: list[Mapping[str, Any]], spans: Spans, names: frozenset[str], most: int, pictures: frozenset[str] = frozenset()
) -> Group:
    first = shown(findings[0], spans, names, pictures=pictures)
    others = tuple(shown(f, spans, names, LONGEST_ROW, example=False) for f in findings[1 : most + 1])
    return Group(wording.kind_words(kind), first.level, first, others, len(findings) - 1 - len(others))


def _doses(details: Any) -> list[Dose]:
    found = []
    for pair in given.items(details, "dose"):
        if _is_pair(pair) and (severity := given.number(pair[0])) is not None:
            share = given.number(pair[1])
            found.append(Dose(wording.figure(severity), "–" if share is None else wording.percent(share), tint(share)))
    return found[:10]


def _spans(document: Mapping[str, Any]) -> dict[tuple[str, str, float], str]:
    """Return the interval of each share of the curves, by kind, column and the share itself: findings name the share, not where it was measured."""
    spans = {}
    for point in given.records(document, "curves"):
        fooled = given.number(point, "fooled")
        low, high = given.number(point, "fooled_interval", "low"), given.number(point, "fooled_interval", "high")
        if fooled is not None:
            spans[given.text(point, "kind"), given.text(point, "column"), round(fooled, 9)] = wording.span(low, high)
    return spans


def _answer(value: Any) -> Cell:
    missing = value is None or value != value
    return Cell("", "no answer: an error") if missing else wording.cell(value)


def _share(value: float | None) -> str:
    return "" if value is None else wording.percent(value)


def _is_pair(value: Any) -> bool:
    return isinstance(value, (list, tuple)) and len(value) == 2
