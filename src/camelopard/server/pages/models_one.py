"""The page of one model: the production checklist, its facts and where it stands in its life, what was measured, and its versions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

from fastapi import APIRouter
from starlette.responses import Response

from camelopard.core.errors import InputError
from camelopard.report import wording
from camelopard.report.certainty import certainty
from camelopard.report.document import number as given_number
from camelopard.server.management import checklist, dossier, measured
from camelopard.server.pages import shell
from camelopard.server.pages.models import at
from camelopard.server.web.visitor import Sent, SignedIn, Visitor
from camelopard.store import inventory, proofs, versions
from camelopard.store.errors import StoreError
from camelopard.store.inventory import State

router = APIRouter(prefix="/models", include_in_schema=False)

NEWEST = 10  # versions that are listed here
KINDS = 8  # of damage that are shown before one asks for all


@router.get("/{name}")
def model(by: SignedIn, name: str) -> Response:
    """Return the page."""
    by.must("see models")
    return page(by, name)


@router.post("/{name}")
def edit(form: Sent, name: str) -> Response:
    """Change what is written down."""
    form.by.must("change models")
    typed = {key: form.text(key) for key in ("owner", "purpose", "exposure", "consequence")}
    try:
        exposure, consequence = form.whole("exposure"), form.whole("consequence")
        with form.by.home.database.change(form.by.who, form.by.now) as change:
            inventory.edit(change, name, owner=typed["owner"], purpose=typed["purpose"], exposure=exposure, consequence=consequence)
    except InputError as error:
        return page(form.by, name, {"facts": str(error)}, typed)
    return shell.to(f"{at(name)}#facts")


@router.post("/{name}/state")
def move(form: Sent, name: str) -> Response:
    """Move it on in its life, or back."""
    form.by.must("see models")
    try:
        with form.by.home.database.change(form.by.who, form.by.now) as change:
            inventory.set_state(change, name, cast("State", form.text("state")))
    except StoreError as error:
        return page(form.by, name, {"state": str(error)})
    return shell.to(f"{at(name)}#state")


@router.post("/{name}/proofs")
def attach(form: Sent, name: str) -> Response:
    """Attach a proof to an item of the checklist."""
    form.by.must("see models")
    typed = {key: form.text(key) for key in ("item", "link", "said")}
    try:
        item = checklist.attachable(typed["item"])
        with form.by.home.database.change(form.by.who, form.by.now) as change:
            proofs.attach(change, name, item=item, link=typed["link"], said=typed["said"])
    except (InputError, StoreError) as error:
        return page(form.by, name, {"proof": str(error)}, typed)
    return shell.to(f"{at(name)}#checklist")


@router.post("/{name}/proofs/{number}/withdraw")
def withdraw(form: Sent, name: str, number: int) -> Response:
    """Withdraw a proof."""
    form.by.must("see models")
    with form.by.home.database.change(form.by.who, form.by.now) as change:
        proofs.withdraw(change, name, number)
    return shell.to(f"{at(name)}#checklist")


def page(by: Visitor, name: str, wrong: Mapping[str, str] | None = None, typed: Mapping[str, str] | None = None) -> Response:
    """Return the page of a model; `wrong`: what is wrong with what was typed into one of its forms."""
    facts = dossier.facts(by.home, name, by.now)
    items = checklist.items(facts)
    model, version = facts.model, facts.version
    given = {"owner": model.owner, "purpose": model.purpose, "exposure": str(model.exposure), "consequence": str(model.consequence)}
    evidence = {} if version is None else version.evidence
    found = versions.of(by.home.database, name, size=NEWEST + 1)
    values = {
        "model": model,
        "this": version,
        "live": facts.live,
        "off": given_number(facts.measured, "ece_confidence"),
        "lately": facts.live.measured_at is not None and facts.now - facts.live.measured_at <= checklist.LATELY,
        "served": name in by.home.served,
        "warning": dossier.warning(by.home, model, version),
        "items": items,
        "done": checklist.done(items),
        "takes": [(key, called) for key, (called, _) in checklist.ITEMS.items() if key not in checklist.MEASURED],
        "moves": dossier.moves(model, version, by.who),
        "means": dossier.STATES_IN_WORDS,
        "typed": {**given, "item": "", "link": "", "said": "", **(typed or {})},
        "wrong": dict(wrong or {}),
        "may_change": by.may("change models"),
        "may_attach": by.may("change models") or by.may("approve versions"),
        "may_see_rows": by.may("see rows"),
        "may_try": by.may("ask models") and name in by.home.served,
        "figures": measured.figures(evidence),
        "kinds": measured.kinds(evidence),
        "worst": measured.findings(evidence),
        "few": KINDS,
        "promise": measured.promise(evidence),
        "sure": certainty({"firewall": evidence}),
        "found": found[:NEWEST],
        "more": found[NEWEST - 1].number if len(found) > NEWEST else None,
        "rules": facts.rules,
        "percent": wording.percent,
        "span": wording.span,
        "at": at,
    }
    return shell.page(by, "model.html", values, 400 if wrong else 200)
