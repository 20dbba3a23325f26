"""What stands beside a row of the log: what is usual in its columns, and clean rows like it. For the pages, the API and the command line."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from camelopard.core.errors import CamelopardError
from camelopard.core.schema import Column, Schema
from camelopard.firewall import words
from camelopard.firewall.alike import MOST_TOGETHER, Alike, alike
from camelopard.firewall.firewall import Firewall
from camelopard.report import wording
from camelopard.report.wording import Cell
from camelopard.store.log_reading import Logged

SIMILAR = 5  # rows like it


@dataclass(frozen=True)
class Similar:
    """A clean row like the one in question: its cells by column, about right, and what the model said to it."""

    cells: Mapping[str, Cell]
    answer: str

    def plain(self) -> dict[str, Any]:
        """Return the same as texts."""
        return {"answer": self.answer, "cells": {name: cell.text or cell.remark for name, cell in self.cells.items()}}


def by_name(cells: Any, schema: Schema | None) -> dict[str, Any]:
    """Return the cells of a row by the names of columns, in whatever form it came: with names or without, a text, a picture, a pair.

    >>> by_name({"age": 36, 1: "x"}, None), by_name((36, "x"), None)
    ({'age': 36, '1': 'x'}, {'column 1': 36, 'column 2': 'x'})
    """
    if isinstance(cells, Mapping):
        return {str(name): cell for name, cell in cells.items()}
    names = () if schema is None else schema.names
    row = list(cells) if isinstance(cells, (tuple, list)) else [cells]
    return {names[k] if len(names) == len(row) else f"column {k + 1}": cell for k, cell in enumerate(row)}


def usual(column: Column | None, firewall: Firewall | None) -> str:
    """Return what clean rows have in a column; "" where nobody knows."""
    if firewall is None:
        return ""
    return "no such column: ignored" if column is None else words.expected(column)


def similar(found: Logged, firewall: Firewall | None) -> list[Similar]:
    """Return the clean rows most like a row, the nearest first; none where it was not kept whole, or its firewall is not at hand."""
    if firewall is None or found.kept != "whole" or found.route == "unjudged":
        return []
    try:
        rows = alike(firewall, [by_name(found.cells, firewall.schema)], SIMILAR)
    except (CamelopardError, ValueError):  # kept by another version, or of a form that this firewall does not know
        return []
    return [Similar({name: about(cell.values, MOST_TOGETHER) for name, cell in one.cells.items()}, _answer(one)) for one in rows]


def plain(found: Logged, firewall: Firewall | None) -> dict[str, Any]:
    """Return both as plain data: `usual` by column, None where the firewall is not at hand or nothing of the row was kept, and `similar`."""
    try:
        cells = by_name(found.cells, None if firewall is None else firewall.schema)
    except CamelopardError:
        cells = {}
    if firewall is None or not (cells or (found.repair or {}).get("changes")):
        return {"usual": None, "similar": []}
    known = firewall.schema.columns
    told = {name: usual(known.get(name), firewall) for name in dict.fromkeys([*known, *cells])}
    return {"usual": told, "similar": [one.plain() for one in similar(found, firewall)]}


def read_kept(path: Path | None) -> Firewall | None:
    """Return a firewall that a home keeps, without its model; None where there is none, or another version of this program wrote it."""
    try:
        return None if path is None else Firewall.load(path)
    except CamelopardError:
        return None


def about(values: Sequence[Any], most: int) -> Cell:
    """Return a cell that is known about: a number with few digits, several categories with "or" between them.

    >>> about((1090.0561,), 3).text, about(("a", "b"), 3).text
    ('1,090', 'a or b')
    """
    if not values:
        return Cell("", "missing")
    if len(values) == 1 and isinstance(values[0], float):
        value = float(f"{values[0]:.3g}")
        return Cell(f"{value:,.0f}" if abs(value) >= 1000 else f"{value:g}")
    if len(values) > most:
        return Cell("", "one of several rare ones")
    return Cell(" or ".join(wording.cell(value).text or "empty" for value in values))


def _answer(one: Alike) -> str:
    if not isinstance(one.answer, tuple):
        return "unknown" if one.answer is None else wording.cell(one.answer).text
    low, high = one.answer
    if low is None or high is None:
        return "unknown" if low is high else f"up to {words.figure(high)}" if low is None else f"above {words.figure(low)}"
    return f"{words.figure(low)} to {words.figure(high)}"
