"""One verdict: the row with what is wrong in it, why, the repair beside it, what the model says either way, rows like it, and the decision again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from fastapi import APIRouter
from starlette.responses import Response

from camelopard.core.errors import CamelopardError, InputError
from camelopard.firewall.firewall import Firewall
from camelopard.report import wording
from camelopard.report.wording import Cell
from camelopard.server.management import beside, judging, traffic
from camelopard.server.pages import shell, verdict_cells
from camelopard.server.pages.verdict_words import DOUBTS, GIVEN, HEADINGS, gauges
from camelopard.server.web.parameters import AskedFor
from camelopard.server.web.visitor import Sent, SignedIn, Visitor
from camelopard.store.log_reading import Logged, LoggedReason, read, row
from camelopard.store.log_replay import Replay

router = APIRouter(include_in_schema=False)

KEPT = {
    "partly": "Not all cells of this row were kept in the log.",
    "hashed": "Of this row only a keyed hash was kept: the same row is found again, and that is all.",
    "none": "Nothing of this row was kept but its verdict.",
}
COLUMNS = 20  # of the rows like it that are shown
SPEAKS = 0.05  # share of all that is wrong from which a cell is marked


@dataclass(frozen=True)
class Why:
    """A reason: its words, its share of all that is wrong in per cent, 0 for a remark, and its code."""

    words: str
    share: int
    code: str


@dataclass(frozen=True)
class Said:
    """What the model said to a row: the answer, and its probability where there is one."""

    answer: Cell
    share: str


@router.get("/traffic/{id:path}")
def verdict(by: SignedIn, id: str, asked: AskedFor) -> Response:
    """Return the page of one verdict."""
    by.must("see rows")
    return _shown(by, row(traffic.place(by.home), id), asked, None, "")


@router.post("/traffic/{id:path}/replay")
def replay(form: Sent, id: str, asked: AskedFor) -> Response:
    """Judge the row again, and return the page with what came out."""
    by = form.by
    by.must("see rows")
    found = row(traffic.place(by.home), id)
    try:
        return _shown(by, found, asked, judging.replayed(by.home, found), "")
    except CamelopardError as error:
        return _shown(by, found, asked, None, str(error))


def _shown(by: Visitor, found: Logged, asked: traffic.Asked, again: Replay | None, refused: str) -> Response:
    log, known = traffic.place(by.home), judging.judge(by.home, found)
    cells, unkept = _cells(found, known.firewall)
    changes: Mapping[str, Any] = (found.repair or {}).get("changes", {})
    reasons: dict[str, list[str]] = {}
    for reason in found.reasons:
        if reason.field is not None and reason.contribution >= SPEAKS:
            reasons.setdefault(reason.field, []).append(reason.message or f"{reason.code} (words not kept)")
    columns = verdict_cells.lines(cells, reasons, changes, known.firewall) if cells or changes else []
    similar = beside.similar(found, known.firewall)
    number = judging.version_number(by.home, found)
    newer = read(log, after=found.place, limit=1, cells=False, **asked.among())
    older = read(log, before=found.place, limit=1, cells=False, **asked.among())
    values = {
        "found": found,
        "asked": asked,
        "link": asked.query(),
        "heading": HEADINGS.get(found.route, "A verdict"),
        "given": GIVEN.get(found.done, wording.clean(found.done, 20)),
        "why": [_why(reason) for reason in found.reasons if reason.contribution > 0],
        "remarks": [_why(reason) for reason in found.reasons if reason.contribution <= 0],
        "doubt": DOUBTS.get(found.doubt or "", ""),
        "gauges": gauges(found.risk, found.confidence, found.oddity, found.novelty),
        "columns": columns,
        "left_out": max(0, len({*cells, *changes}) - verdict_cells.MOST_COLUMNS),
        "plain": verdict_cells.MOST_PLAIN,
        "repaired": any(column.repaired is not None for column in columns),
        "usual": known.firewall is not None,
        "said": _said(found.prediction, found.probabilities),
        "said_then": None if found.repair is None else _said(found.repair.get("prediction"), found.repair.get("probabilities")),
        "moved": found.repair is not None and found.repair.get("prediction") != found.prediction,
        "similar": similar,
        "names": list(similar[0].cells)[:COLUMNS] if similar else [],
        "more_names": len(similar[0].cells) > COLUMNS if similar else False,
        "unkept": unkept,
        "number": number,
        "again": again,
        "differs": [] if again is None else [_difference(name, again) for name in again.different],
        "refused": refused,
        "able": known.able and found.kept == "whole" and found.route in HEADINGS and found.route != "unjudged",
        "kept": known.firewall is not None,
        "newer": newer[0].id if newer else "",
        "older": older[0].id if older else "",
    }
    return shell.page(by, "verdict.html", values)


def _cells(found: Logged, firewall: Firewall | None) -> tuple[dict[str, Any], str]:
    """Return the cells by column, and what is to be said where not all of them are there."""
    try:
        return beside.by_name(found.cells, None if firewall is None else firewall.schema), KEPT.get(found.kept, "")
    except InputError:
        return {}, KEPT.get(found.kept, "The row that was kept cannot be read by this version.")


def _why(reason: LoggedReason) -> Why:
    words = reason.message or f"{reason.field or 'the row'}: {reason.code}. Its words were not kept: they may tell what is hidden."
    return Why(wording.clean(words), round(100 * reason.contribution), reason.code)


def _said(answer: Any, shares: Sequence[float] | None) -> Said:
    share = max(shares, default=None) if shares else None
    return Said(Cell("", "no answer") if answer is None else wording.cell(answer), "" if share is None else wording.percent(share))


def _difference(name: str, again: Replay) -> tuple[str, str, str]:
    then, now = ((repr(value) if isinstance(value, float) else wording.clean(str(value), 200)) for value in (again.then[name], again.now[name]))
    return "answer" if name == "prediction" else name, then, now
