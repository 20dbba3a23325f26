"""Live traffic: verdicts as they come, of all models or of one, the newest first."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

from fastapi import APIRouter
from starlette.responses import Response

from camelopard.report import wording
from camelopard.report.wording import Cell
from camelopard.server.management import traffic
from camelopard.server.pages import shell, traffic_chart
from camelopard.server.pages.verdict_words import DONE
from camelopard.server.web.parameters import AskedFor
from camelopard.server.web.visitor import SignedIn, Visitor
from camelopard.store import inventory
from camelopard.store.log_reading import Logged, Page, counts, page
from camelopard.store.log_table import NoLog

router = APIRouter(include_in_schema=False)

ROWS = 50  # of a page
LONGEST_WHY = 160


@dataclass(frozen=True)
class Line:
    """One verdict as a row of the table."""

    id: str
    time: dt.datetime
    model: str
    route: str
    done: str
    risk: str
    confidence: str
    answer: Cell
    why: str


def lines(rows: Sequence[Logged]) -> list[Line]:
    """Return verdicts as rows of the table."""
    return [line(row) for row in rows]


def line(row: Logged) -> Line:
    """Return a verdict as a row of the table; everything in it is made fit to be read, and is escaped where it is written."""
    why = next((reason.message or f"{reason.code} (words not kept)" for reason in row.reasons), "")
    risk, confidence = ("–" if value is None else wording.percent(value) for value in (row.risk, row.confidence))
    answer = Cell("", "no answer") if row.prediction is None else wording.cell(row.prediction)
    done = DONE.get(row.done, wording.clean(row.done, 20))
    return Line(row.id, row.time, row.model, row.route, done, risk, confidence, answer, wording.clean(why, LONGEST_WHY))


@router.get("/traffic")
def all_models(by: SignedIn, asked: AskedFor, before: str = "") -> Response:
    """Return the traffic of all models."""
    return _shown(by, asked, before, "/traffic")


@router.get("/models/{name}/traffic")
def of_model(by: SignedIn, name: str, asked: AskedFor, before: str = "") -> Response:
    """Return the traffic of one model."""
    by.must("see rows")
    found = inventory.get(by.home.database, name)
    asked = traffic.Asked(found.name, asked.route, asked.reason, asked.time, asked.since, asked.until)
    return _shown(by, asked, before, f"/models/{shell.quoted(found.name)}/traffic", only=found.name)


def _shown(by: Visitor, asked: traffic.Asked, before: str, here: str, only: str = "") -> Response:
    by.must("see rows")
    step, begin, end = traffic.steps(asked, by.now)
    since, until = asked.bounds(by.now)
    last = traffic.place_of(before)
    bars: list[traffic_chart.Bar] = []
    try:
        log = traffic.place(by.home)
        found: Page | None = page(log, since=since, until=until, before=last, limit=ROWS, **asked.among())
        counted = [] if last is not None else counts(log, step, since=begin, until=asked.until, **asked.among())
        bars = traffic_chart.bars(counted, step, begin, end)
    except NoLog:
        found = None
    values = {
        "asked": asked,
        "here": here,
        "only": only,
        "found": found,
        "lines": lines(found.rows) if found is not None else [],
        "next": "" if found is None or found.next is None else traffic.cursor(found.next),
        "first": last is None,
        "newest": traffic.cursor(found.rows[0].place if found is not None and found.rows else (by.now, "", 0)),
        "bars": bars,
        "drawn": [(kind, traffic_chart.drawn(bars, size)) for kind, size in (("wide", traffic_chart.WIDE), ("narrow", traffic_chart.NARROW))],
        "routes": traffic.ROUTES,
        "codes": traffic.CODES,
        "times": traffic.TIMES,
        "span": _span(asked),
        "step": step,
    }
    return shell.page(by, "traffic.html", values)


def _span(asked: traffic.Asked) -> str:
    """Return of what time the chart is, in words."""
    if asked.since is None and asked.until is None:
        return traffic.TIMES[asked.time or "day"][0]
    begin = "" if asked.since is None else f"from {shell.moment(asked.since)} "
    return f"{begin}{'until now' if asked.until is None else f'until {shell.moment(asked.until)}'}"
