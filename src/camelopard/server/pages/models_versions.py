"""The versions of a model: one of them with all that was measured of it, who made and who approved it; and what differs between two."""

from __future__ import annotations

import json
import threading
from functools import lru_cache
from typing import Annotated, Literal

from fastapi import APIRouter, Query
from starlette.exceptions import HTTPException
from starlette.responses import Response

from camelopard.report import certainty_charts, wording
from camelopard.report.certainty import certainty
from camelopard.server.management import comparing, dossier, enrolment, measured
from camelopard.server.pages import shell
from camelopard.server.pages.models import at
from camelopard.server.web.parameters import Number
from camelopard.server.web.visitor import Sent, SignedIn
from camelopard.store import inventory, versions
from camelopard.store.columns import line
from camelopard.store.roles import Permission

router = APIRouter(prefix="/models/{name}", include_in_schema=False)

ON_A_PAGE = 50
WIDTH, NARROW = 330, 280  # pixels of a panel, and of one on a phone
FOR_A_DAY = {"cache-control": "private, max-age=86400"}  # a version never changes
DARK = (
    "<style>@media (prefers-color-scheme: dark) { [fill='#22282e'] { fill: #e4e8eb } [fill='#59626b'] { fill: #a3adb6 } "
    "[stroke='#59626b'] { stroke: #a3adb6 } [stroke='#d5dade'] { stroke: #353d45 } [fill='#c9dfe9'] { fill: #234655 } "
    "[fill='#17597a'] { fill: #7cc3e0 } [stroke='#17597a'] { stroke: #7cc3e0 } }</style>"
)
Chart = Literal["reliability", "accepting"]
_drawing = threading.Lock()


@router.get("/versions")
def all_versions(by: SignedIn, name: str, before: Number | None = None) -> Response:
    """Return all versions, the newest first."""
    by.must("see models")
    model = inventory.get(by.home.database, name)
    found = versions.of(by.home.database, name, before=before, size=ON_A_PAGE + 1)
    following = found[ON_A_PAGE - 1].number if len(found) > ON_A_PAGE else None
    return shell.page(by, "versions.html", {"model": model, "found": found[:ON_A_PAGE], "next": following, "before": before, "at": at})


@router.get("/versions/{number}")
def version(by: SignedIn, name: str, number: int, made: bool = False) -> Response:
    """Return one version."""
    by.must("see models")
    model, found = inventory.get(by.home.database, name), versions.get(by.home.database, name, number)
    needs: Permission = "approve versions" if model.state == "guarding" else "change models"
    hindered = ""
    if not by.may(needs):
        hindered = f"Putting a version in force needs the right to {needs!r}{': the model guards' if model.state == 'guarding' else ''}."
    elif model.state == "guarding" and found.approved_by is None:
        hindered = "The model guards: somebody has to approve this version first."
    values = {
        "model": model,
        "this": found,
        "made": made,
        "rules": dossier.rules_in(found),
        "promise": measured.promise(found.evidence),
        "figures": measured.figures(found.evidence),
        "kinds": measured.kinds(found.evidence),
        "worst": measured.findings(found.evidence),
        "sure": certainty({"firewall": found.evidence}),
        "may_approve": by.may("approve versions") and found.approved_by is None and found.made_by != by.who.name,
        "own": found.made_by == by.who.name,
        "hindered": hindered,
        "served": name in by.home.served,
        "kept": by.home.kept(found.firewall) is not None,
        "percent": wording.percent,
        "span": wording.span,
        "at": at,
    }
    return shell.page(by, "version.html", values)


@router.post("/versions/{number}/approve")
def approve(form: Sent, name: str, number: int) -> Response:
    """Approve it."""
    form.by.must("approve versions")
    with form.by.home.database.change(form.by.who, form.by.now) as change:
        versions.approve(change, name, number)
    return shell.to(at(name, "versions", number))


@router.post("/versions/{number}/force")
def force(form: Sent, name: str, number: int) -> Response:
    """Put it in force; where the model is served here, it is served from now on."""
    form.by.must("see models")
    enrolment.put_in_force(form.by.home, form.by.who, name, number, form.by.now)
    return shell.to(at(name, "versions", number))


@router.get("/versions/{number}/chart.svg")
def chart(by: SignedIn, name: str, number: int, what: Chart = "reliability", narrow: bool = False) -> Response:
    """Return a drawing of how sure the model is, and how rightly; `narrow`: for a phone."""
    by.must("see models")
    found = versions.get(by.home.database, name, number)
    drawn = _drawn(what, narrow, line(found.evidence))
    if not drawn:
        raise HTTPException(404)
    return Response(drawn, media_type="image/svg+xml", headers=FOR_A_DAY)


@router.get("/compare")
def compare(
    by: SignedIn,
    name: str,
    before: Annotated[Number | None, Query(alias="from")] = None,
    after: Annotated[Number | None, Query(alias="to")] = None,
) -> Response:
    """Return what differs between two versions; of what is not named, the one in force and the newest."""
    by.must("see models")
    model = inventory.get(by.home.database, name)
    newest = versions.of(by.home.database, name, size=ON_A_PAGE)
    if not newest:
        return shell.page(by, "compare.html", {"model": model, "found": None, "numbers": [], "at": at})
    last = after or newest[0].number
    first = before or (model.version if model.version not in (None, last) else max(last - 1, 1)) or 1
    found = comparing.compared(*(versions.get(by.home.database, name, number) for number in (first, last)))
    numbers = sorted({one.number for one in newest} | {first, last}, reverse=True)
    return shell.page(by, "compare.html", {"model": model, "found": found, "numbers": numbers, "at": at})


def _drawn(what: Chart, narrow: bool, evidence: str) -> bytes:
    """Return a drawing; each is made once, and one at a time: what draws is slow to start."""
    with _drawing:
        return _draw(what, narrow, evidence)


@lru_cache(maxsize=128)
def _draw(what: Chart, narrow: bool, evidence: str) -> bytes:
    sure = certainty({"firewall": json.loads(evidence)})
    if what == "reliability":
        drawn = certainty_charts.reliability(sure.reliability, *((1, NARROW) if narrow else (2, WIDTH)), "chart")
    else:
        drawn = certainty_charts.accepting(sure.accepting, NARROW if narrow else 2 * WIDTH, "chart")
    if not drawn:
        return b""
    head, tag, rest = drawn.partition(">")
    return (head.replace("<svg", '<svg xmlns="http://www.w3.org/2000/svg"', 1) + tag + DARK + rest).encode()
