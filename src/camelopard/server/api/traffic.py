"""Verdicts by the API: lists, one of them, the same decision again, counts, and what became of a row whose answer was withheld."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import APIRouter, Query

from camelopard.server.management import beside, judging, traffic
from camelopard.server.management.traffic import plain
from camelopard.server.web.parameters import AskedFor
from camelopard.server.web.visitor import Changing, SignedIn
from camelopard.store.log_cells import careful
from camelopard.store.log_reading import By, counts, page, row

router = APIRouter(prefix="/api", tags=["traffic"])

STATES = {"hold": "withheld", "refuse": "refused", "answer": "answered", "repaired": "answered"}
MOST = 1_000  # verdicts of a page


@router.get("/traffic")
def verdicts(by: SignedIn, asked: AskedFor, before: str = "", size: Annotated[int, Query(ge=1, le=MOST)] = 50) -> dict[str, Any]:
    """Return verdicts without their cells, the newest first.

    `next` is the place that the next page is `before`. What fits few rows may come over several pages, some of them empty: go on while there is a
    next.
    """
    by.must("see rows")
    since, until = asked.bounds(by.now)
    found = page(traffic.place(by.home), since=since, until=until, before=traffic.place_of(before), limit=size, **asked.among())
    return {"ok": True, "verdicts": [plain(one) for one in found.rows], "next": None if found.next is None else traffic.cursor(found.next)}


@router.get("/traffic/counts")
def counted(by: SignedIn, asked: AskedFor, step: By | None = None) -> dict[str, Any]:
    """Return how many rows went which way by the minute, hour or day (of UTC), the oldest first; by default the last 24 hours, by the hour.

    Steps without rows are left out. `since` is when the first step that is looked at begins.
    """
    by.must("see rows")
    chosen, since, until = traffic.steps(asked, by.now)
    found = counts(traffic.place(by.home), step or chosen, since=since, until=asked.until, **asked.among())
    told = [{"start": count.start.isoformat(), "rows": dict(count.rows)} for count in found]
    return {"ok": True, "step": step or chosen, "since": since.isoformat(), "until": until.isoformat(), "counts": told, "next": None}


@router.get("/traffic/{id:path}")
def verdict(by: SignedIn, id: str) -> dict[str, Any]:
    """Return one verdict whole, with the row as it came as far as that is kept, and the number of the model's version that judged it.

    `usual`: what clean rows have in each column; `similar`: the clean rows most like this one, where it was kept whole. Both need its firewall.
    """
    by.must("see rows")
    found = row(traffic.place(by.home), id)
    told = {**plain(found, cells=True), "version": judging.version_number(by.home, found)}
    return {"ok": True, "verdict": {**told, **beside.plain(found, judging.judge(by.home, found).firewall)}}


@router.post("/traffic/{id:path}/replay")
def replay(by: Changing, id: str) -> dict[str, Any]:
    """Judge a row again by the firewall of that time; `same` where the verdict is the same to the last digit, else `different` names what is not."""
    by.must("see rows")
    found = judging.replayed(by.home, row(traffic.place(by.home), id))
    return {"ok": True, "same": found.same, "different": list(found.different), "then": _plain(found.then), "now": _plain(found.now)}


@router.get("/held/{id:path}")
def held(by: SignedIn, id: str) -> dict[str, Any]:
    """Return what became of a row, by the id that the answer to it gave: withheld, refused or answered.

    For whoever sent it: a token that may ask models is enough.
    """
    if not by.may("ask models") and not by.may("see rows"):
        by.must("ask models")
    found = row(traffic.place(by.home), id)
    state = STATES.get(found.done, found.done)
    return {"ok": True, "id": found.id, "state": state, "time": found.time.isoformat(), "model": found.model, "route": found.route}


def _plain(told: Mapping[str, Any]) -> Any:
    return json.loads(careful(dict(told))[0])
