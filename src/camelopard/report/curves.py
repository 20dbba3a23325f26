"""Dose and response: which curves are drawn, and the overview of every kind on every column."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from camelopard.report import document as given
from camelopard.report import wording

MOST_PANELS = 12
MOST_COLUMNS = 20
MOST_KINDS = 60
STEPS = (0.01, 0.05, 0.15, 0.3, 0.5)  # shares at which the tint of a cell deepens; 0.05 and 0.15 are where levels change
PAIRS, ROW = "two columns", "whole row"


@dataclass(frozen=True)
class Dot:
    """One point of a curve; `low` and `high` bound the share fooled."""

    severity: float
    fooled: float
    low: float | None
    high: float | None
    floor: float | None


@dataclass(frozen=True)
class Panel:
    """One small chart: a kind of damage done to one column."""

    kind: str
    target: str
    dots: tuple[Dot, ...]


@dataclass(frozen=True)
class Patch:
    """One cell of the overview: the share fooled at its worst severity."""

    text: str
    tint: int
    raised: bool = False


@dataclass(frozen=True)
class Overview:
    """Kinds of damage by columns, the worst in the upper left, the floor in the last row."""

    columns: tuple[str, ...]
    rows: tuple[tuple[str, tuple[Patch, ...]], ...]
    columns_left_out: int
    kinds_left_out: int

    @property
    def raised(self) -> bool:
        return any(patch.raised for _, patches in self.rows for patch in patches)


def panels(document: Mapping[str, Any]) -> list[Panel]:
    """Return the curves worth drawing: of each kind the column on which it is worst, then the next worst, at most MOST_PANELS."""
    names = given.column_names(document)
    curves: dict[tuple[str, str], list[Dot]] = {}
    for point in given.records(document, "curves"):
        severity, fooled = given.number(point, "severity"), given.number(point, "fooled")
        if severity is None or fooled is None or given.is_floor(point):
            continue
        low, high = given.number(point, "fooled_interval", "low"), given.number(point, "fooled_interval", "high")
        dot = Dot(severity, fooled, low, high, given.number(point, "floor"))
        curves.setdefault((given.text(point, "kind"), given.text(point, "column")), []).append(dot)
    ranked = sorted(curves, key=lambda key: (-_excess(curves[key]), key))
    turn: dict[str, int] = {}
    places: list[tuple[int, int, tuple[str, str]]] = []
    for key in ranked:
        turn[key[0]] = turn.get(key[0], 0) + 1
        places.append((turn[key[0]], len(places), key))
    return [
        Panel(wording.kind_words(kind), wording.target_words(column, names), tuple(sorted(curves[kind, column], key=lambda d: d.severity)))
        for _, _, (kind, column) in sorted(places)[:MOST_PANELS]
        if _excess(curves[kind, column]) > 0
    ]


def overview(document: Mapping[str, Any]) -> Overview | None:
    """Return the share fooled of every kind on every column, at the worst severity, or None where nothing was measured."""
    names = given.column_names(document)
    worst: dict[str, dict[str, tuple[float, bool]]] = {}
    for point in given.records(document, "curves"):
        fooled, target = given.number(point, "fooled"), given.text(point, "column")
        if fooled is None:
            continue
        place = ROW if target == "*" and target not in names else PAIRS if "|" in target and target not in names else f"column {target}"
        row = worst.setdefault(given.text(point, "kind"), {})
        row[place] = max(row.get(place, (-1.0, False)), (fooled, (given.number(point, "exceptions") or 0) > fooled / 2 > 0))
    if not worst:
        return None
    found: dict[str, list[float]] = {}
    for row in worst.values():
        for place, (share, _) in row.items():
            found.setdefault(place, []).append(share)
    places = sorted(found, key=lambda p: (p in (PAIRS, ROW), -max(found[p]), -sum(found[p]) / len(found[p]), p))
    kept = places if len(places) <= MOST_COLUMNS else places[: MOST_COLUMNS - 2] + [p for p in places[MOST_COLUMNS - 2 :] if p in (PAIRS, ROW)]
    floors = {given.text(point, "kind") for point in given.records(document, "curves") if given.is_floor(point)}
    kinds = sorted(worst, key=lambda kind: (kind in floors, -max(share for share, _ in worst[kind].values()), kind))
    rows = tuple((wording.kind_words(kind), tuple(_patch(worst[kind].get(place)) for place in kept)) for kind in _most(kinds, floors))
    headings = tuple(wording.name(place.removeprefix("column ")) for place in kept)
    return Overview(headings, rows, len(places) - len(kept), len(kinds) - len(rows))


def tint(share: float | None) -> int:
    """Return how deep the cell of this share is tinted, 0–5.

    >>> tint(None), tint(0.004), tint(0.06), tint(0.8)
    (0, 0, 2, 5)
    """
    return 0 if share is None else sum(share >= step for step in STEPS)


def _most(kinds: list[str], floors: set[str]) -> list[str]:
    return kinds if len(kinds) <= MOST_KINDS else kinds[: MOST_KINDS - len(floors)] + kinds[len(kinds) - len(floors) :]


def _patch(found: tuple[float, bool] | None) -> Patch:
    if found is None:
        return Patch("", 0)
    share, raised = found
    whole = math.floor(share * 100) if share > 0.99 else round(share * 100)
    return Patch("<1" if 0 < share < 0.01 else str(whole), tint(share), raised)


def _excess(dots: list[Dot]) -> float:
    return max((dot.fooled if dot.low is None else dot.low) - (dot.floor or 0.0) for dot in dots)
