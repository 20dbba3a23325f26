"""The cells of one row as they are shown: what came, what is usual, what is wrong with it, and the repair beside it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from camelopard.core.cells import Opaque, alike
from camelopard.core.schema import Column
from camelopard.firewall.alike import oddities
from camelopard.firewall.firewall import Firewall
from camelopard.modality.picture_files import unpacks_to
from camelopard.report import content, picture, texts, wording
from camelopard.report.content import Content
from camelopard.report.wording import Cell
from camelopard.server.management import beside
from camelopard.store.log_cells import HIDDEN, Hashed

MOST_COLUMNS, MOST_PLAIN = 300, 30  # columns that are shown; up to so many they stay in their order
MOST_PICTURES = 8  # of one row that are drawn
MOST_UNPACKED = 48_000_000  # bytes of a picture that is drawn
LONGEST_TEXT = 20_000  # characters of all texts of a row that are shown whole
SHORTER = 280  # characters up to which a text is shown whole already
Shown = Cell | Content


@dataclass(frozen=True)
class Line:
    """One column of the row."""

    name: str
    came: Shown
    usual: str
    wrong: tuple[str, ...]
    repaired: Shown | None
    marks: tuple[str, ...] = ()
    whole: str = ""


def lines(cells: Mapping[str, Any], reasons: Mapping[str, Sequence[str]], changes: Mapping[str, Any], firewall: Firewall | None) -> list[Line]:
    """Return the columns of a row; where there are many, those with something wrong come first.

    Parameters
    ----------
    cells, changes
        What came, and what the repair puts in its place, by column.
    reasons
        What is wrong with a column, by column.
    firewall
        That judged it: knows what is usual. None where it is not at hand.
    """
    known: Mapping[str, Column] = {} if firewall is None else firewall.schema.columns
    names = list(dict.fromkeys([*(name for name in known), *cells, *changes]))
    if len(names) > MOST_PLAIN:
        names.sort(key=lambda name: name not in reasons and name not in changes)
    spans = {} if firewall is None else _spans(firewall)
    drawn = [name for name, cell in cells.items() if isinstance(cell, (np.ndarray, bytes))][:MOST_PICTURES]
    pixels = {name: _pixels(cells[name], firewall, name) for name in drawn}
    odd = {} if firewall is None else oddities(firewall, {**cells, **pixels})
    found, room = list[Line](), LONGEST_TEXT
    for name in names[:MOST_COLUMNS]:
        column, told = known.get(name), tuple(wording.clean(reason) for reason in reasons.get(name, ()))
        cell, new = pixels.get(name, cells.get(name)), changes.get(name)
        repaired = shown(new, spans.get(name)) if name in changes and not alike(cell, new) else None
        line = Line(wording.name(name), Cell("", "absent"), beside.usual(column, firewall), told, repaired)
        if isinstance(cell, str) and texts.is_text(cell):
            line = _with_text(line, cell, new, odd.get(name), room)
            room -= len(line.whole)
        elif isinstance(cell, np.ndarray) and name not in pixels:
            line = replace(line, came=Cell("", f"{picture.described(cell)}; not drawn here"))
        elif name in cells:
            line = replace(line, came=shown(cell, spans.get(name), odd.get(name)))
        found.append(line)
    return found


def _with_text(line: Line, text: str, repaired: Any, odd: Any, room: int) -> Line:
    """Return the line of a text: what the repair changes in it, or else its odd places; and the whole of it, if it is long and there is room."""
    whole = wording.clean(text, room) if len(text) > SHORTER and room > 0 else ""
    if isinstance(repaired, str) and line.repaired is not None:
        before, after = content.pair(text, repaired)
        return replace(line, came=before, repaired=after, whole=whole)
    marked = texts.marked(text, odd)
    return replace(line, came=Content(marked.parts) if marked.reasons else shown(text), marks=marked.reasons, whole=whole)


def shown(cell: Any, span: picture.Range | None = None, unlike: Any = None) -> Shown:
    """Return one cell as it is shown.

    >>> shown(1985), shown(HIDDEN), shown(dt.date(2026, 3, 1))
    (Cell(text='1985', remark=''), Cell(text='', remark='not kept'), Cell(text='2026-03-01', remark=''))
    """
    if isinstance(cell, Opaque):
        told = "not kept" if cell is HIDDEN or cell == HIDDEN else f"a {cell.kind}, not kept"
        return Cell("", f"kept as the hash {cell.kind[:12]}…" if isinstance(cell, Hashed) else wording.clean(told, 80))
    if isinstance(cell, np.ndarray):
        drawn = picture.drawn(cell, span)
        found = picture.read(drawn, unlike)
        return Cell("", drawn["words"]) if found is None else Content(picture=found, remark=drawn["words"])
    if isinstance(cell, bytes):
        return Cell("", f"a file of {len(cell):,} bytes that is not shown here")
    if isinstance(cell, (dt.datetime, dt.date)):
        return Cell(cell.isoformat())
    return content.pair(cell, cell)[1] if isinstance(cell, str) else wording.cell(cell)


def _pixels(cell: Any, firewall: Firewall | None, name: str) -> Any:
    """Return a picture as an array where it is small enough to be looked at; else what came."""
    if not isinstance(cell, bytes):
        return cell
    view: Any = None if firewall is None else firewall.learned_.panel.reader.views.of.get(name)
    read = getattr(view, "read", None)
    if read is None or not 0 < unpacks_to(cell) <= MOST_UNPACKED:
        return cell
    try:
        return read(cell)
    except Exception:  # readers of hostile files raise whatever they like
        return cell


def _spans(firewall: Firewall) -> dict[str, picture.Range]:
    """Return the values of black and white in clean pictures, by column."""
    views = firewall.learned_.panel.reader.views.of
    return {name: (view.usual.low, view.usual.high) for name, view in views.items() if view.kind == "image" and hasattr(view, "usual")}
