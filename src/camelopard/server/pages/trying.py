"""Trying a model: a form made of its schema, a place to paste rows, one to drop a file; and what the firewall says, at once."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from fastapi import APIRouter
from starlette.datastructures import UploadFile
from starlette.responses import Response

from camelopard.core.batch import plain
from camelopard.core.errors import InputError
from camelopard.report import wording
from camelopard.report.wording import Cell
from camelopard.server.exchange import Refused
from camelopard.server.management import trying
from camelopard.server.management.trying import Entry, Tried
from camelopard.server.pages import shell, verdict_cells
from camelopard.server.pages.verdict_words import DONE, DOUBTS, GIVEN, HEADINGS, gauges
from camelopard.server.scoring.judge import Force
from camelopard.server.web.visitor import Form, Sent, SignedIn, Visitor
from camelopard.store import inventory

router = APIRouter(include_in_schema=False)

SHOWN = 200  # rows of a table
MOST_REASONS = 20
WAYS = ("form", "paste", "file")
FEW = 12  # values that a hint names; the choices name them already


@dataclass(frozen=True)
class Field:
    """A field of the form as it is shown: what it is filled with, and what is wrong with that."""

    entry: Entry
    value: str
    other: str
    wrong: tuple[str, ...] = ()


@router.get("/models/{name}/try")
def form(by: SignedIn, name: str) -> Response:
    """Return the form."""
    by.must("ask models")
    return _page(by, inventory.get(by.home.database, name).name, None, None, "form", "", lambda key: None)


@router.post("/models/{name}/try")
def sent(form: Sent, name: str) -> Response:
    """Judge what was sent, and return the page with what came out; or all verdicts as CSV."""
    by = form.by
    by.must("ask models")
    name = inventory.get(by.home.database, name).name
    way = form.text("way") if form.text("way") in WAYS else "form"
    model = trying.served(by.home, name)
    force = model.force
    try:
        rows, problems = _rows(form, way, force)
        if not len(rows):
            raise InputError("there is no row to judge.")
        found = trying.tried(model, force, rows, problems, by.now, keep=bool(form.text("log")))
    except (InputError, Refused) as error:
        return _page(by, name, form, None, way, str(error), form.secret, 503 if isinstance(error, Refused) else 400)
    if form.text("then") == "csv":
        kept = {"content-disposition": 'attachment; filename="verdicts.csv"'}
        return Response(trying.as_csv(found), media_type="text/csv; charset=utf-8", headers=kept)
    return _page(by, name, form, found, way, "", form.secret)


def _rows(form: Form, way: str, force: Force) -> tuple[Any, Mapping[int, str]]:
    """Return the rows in a form, and why some could not be read."""
    if way == "paste":
        return trying.pasted(form.secret("rows"), force)
    if way == "file":
        file = form.fields.get("file")
        name = (file.filename or "") if isinstance(file, UploadFile) else ""
        return trying.sent(_content(form, "file") or b"", name, force)
    return [trying.row(force.schema, form.secret, lambda key: _content(form, key))], {}


def _content(form: Form, key: str) -> bytes | None:
    """Return what is in a file that was sent: no more than one byte beyond what is looked at."""
    file = form.fields.get(key)
    return file.file.read(trying.MOST_BYTES + 1) if isinstance(file, UploadFile) else None


def _page(
    by: Visitor, name: str, form: Form | None, found: Tried | None, way: str, wrong: str, typed: Callable[[str], str | None], status: int = 200
) -> Response:
    model = by.home.served.get(name)
    if model is None:
        return shell.page(by, "trying.html", {"name": name, "served": False})
    schema = model.force.schema
    one = found is not None and len(found.verdicts) == 1
    told = _reasons(found) if found is not None and one and way == "form" else {}
    fresh = form is None or way != "form"
    fields = [
        Field(
            entry,
            entry.typical if fresh else typed(entry.key) or "",
            "" if fresh else typed(f"o{entry.key[1:]}") or "",
            tuple(told.get(entry.name, ())),
        )
        for entry in trying.entries(schema, trying.typical(model.force.firewall) if fresh else trying.NOTHING)
    ]
    values = {
        "name": name,
        "served": True,
        "way": way,
        "wrong": wrong,
        "fields": fields,
        "left_out": max(0, len(schema.names) - len(fields)),
        "text": (typed("rows") or "")[: trying.MOST_TYPED] if form is not None and way == "paste" else "",
        "texts": schema.form.kind == "texts",
        "images": schema.form.kind == "images",
        "keeps": model.log is not None,
        "keep": form is not None and bool(form.text("log")),
        "one": _one(found, model.force) if found is not None and one else None,
        "many": _many(found) if found is not None and not one else None,
        "csv": found is not None and not one,
        "mode": model.settings.mode,
        "most": trying.MOST_ROWS,
        "most_bytes": trying.MOST_BYTES >> 20,
        "few": FEW,
    }
    return shell.page(by, "trying.html", values, status)


def _reasons(found: Tried) -> dict[str, list[str]]:
    """Return what is wrong with each column of the only row."""
    told: dict[str, list[str]] = {}
    for reason in found.verdicts.reasons(0):
        if reason.field is not None and reason.contribution > 0:
            told.setdefault(reason.field, []).append(wording.clean(reason.message))
    return told


def _one(found: Tried, force: Force) -> dict[str, Any]:
    """Return what is shown of a single row."""
    verdict, said = found.verdicts[0], found.said
    shares = None if found.verdicts.proba is None else found.verdicts.proba[0].tolist()
    probabilities = [] if shares is None or verdict.prediction is None else sorted(zip(force.classes, shares, strict=True), key=lambda pair: -pair[1])
    repair = verdict.repair
    came = _came(found)
    return {
        "heading": HEADINGS[verdict.route],
        "route": verdict.route,
        "given": GIVEN[said.done[0]],
        "gauges": gauges(verdict.risk, verdict.confidence, verdict.oddity, verdict.novelty),
        "doubt": verdict.doubt,
        "doubt_words": DOUBTS.get(verdict.doubt or "", ""),
        "answer": _answer(verdict.prediction),
        "shares": [(wording.cell(plain(label)).text, wording.percent(share)) for label, share in probabilities[:10]],
        "reasons": [(wording.clean(reason.message), round(100 * reason.contribution)) for reason in verdict.reasons[:MOST_REASONS]],
        "changes": []
        if repair is None
        else [
            (wording.name(name), verdict_cells.shown(came.get(name)), verdict_cells.shown(plain(new)))
            for name, new in list(repair.changes.items())[:50]
        ],
        "repaired": None if repair is None else _answer(repair.prediction),
        "id": f"{said.request}-0" if found.kept else "",
    }


def _came(found: Tried) -> dict[str, Any]:
    """Return the cells of the only row, by column."""
    first = found.batch.row(0) if hasattr(found.batch, "row") else found.batch[0]
    return first if isinstance(first, dict) else {}


def _many(found: Tried) -> dict[str, Any]:
    """Return what is shown of several rows."""
    verdicts = found.verdicts
    routes = verdicts.route.tolist()
    lines = []
    for i in range(min(len(verdicts), SHOWN)):
        reasons = verdicts.reasons(i) if routes[i] != "pass" else []
        answer = plain(verdicts.prediction[i])
        figures = (wording.percent(float(values[i])) for values in (verdicts.risk, verdicts.confidence))
        why = wording.clean(reasons[0].message, 160) if reasons else ""
        lines.append((i + 1, routes[i], *figures, _answer(answer), DONE[found.said.done[i]], why, f"{found.said.request}-{i}" if found.kept else ""))
    counts = [(route, routes.count(route)) for route in HEADINGS if routes.count(route)]
    return {"lines": lines, "rows": len(verdicts), "counts": counts}


def _answer(answer: Any) -> Cell:
    return Cell("", "no answer") if answer is None else wording.cell(plain(answer))
