"""Models and their versions, by the API: what is read."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Any

from fastapi import APIRouter, Query

from camelopard.server.management import amending, checklist, comparing, dossier, measured
from camelopard.server.management.checklist import Item
from camelopard.server.web.parameters import Number
from camelopard.server.web.visitor import SignedIn
from camelopard.store import inventory, listing, versions
from camelopard.store.inventory import Model, State, Tier
from camelopard.store.listing import Live, Sort
from camelopard.store.versions import Version

router = APIRouter(prefix="/api/models", tags=["models"])


@router.get("")
def page(
    by: SignedIn,
    words: str = "",
    state: State | None = None,
    tier: Tier | None = None,
    owner: str | None = None,
    sort: Sort = "name",
    descending: bool = False,
    after: str | None = None,
    size: Annotated[int, Query(ge=1, le=listing.MOST)] = 50,
) -> dict[str, Any]:
    """Return a page of the inventory."""
    by.must("see models")
    found = listing.page(by.home.database, words=words, state=state, tier=tier, owner=owner, sort=sort, descending=descending, after=after, size=size)
    return {"ok": True, "models": [plain(model, live) for model, live in found.models], "next": found.next}


@router.get("/{name}")
def one(by: SignedIn, name: str) -> dict[str, Any]:
    """Return a model, what was measured of it lately, the version in force, and what is wrong with how it is served here, if anything."""
    by.must("see models")
    known = dossier.facts(by.home, name, by.now)
    version = None if known.version is None else versioned(known.version)
    warning = dossier.warning(by.home, known.model, known.version)
    return {"ok": True, "model": plain(known.model, known.live), "version": version, "served": name in by.home.served, "warning": warning or None}


@router.get("/{name}/checklist")
def items(by: SignedIn, name: str) -> dict[str, Any]:
    """Return the production checklist."""
    by.must("see models")
    found = checklist.items(dossier.facts(by.home, name, by.now))
    return {"ok": True, "done": checklist.done(found), "of": len(found), "items": [listed(item) for item in found]}


@router.get("/{name}/versions")
def all_versions(by: SignedIn, name: str, before: Number | None = None, size: Annotated[int, Query(ge=1, le=500)] = 50) -> dict[str, Any]:
    """Return the versions of a model, the newest first, without their contracts and evidence."""
    by.must("see models")
    inventory.get(by.home.database, name)
    found = versions.of(by.home.database, name, before=before, size=size + 1)
    more = len(found) > size
    return {"ok": True, "versions": [versioned(version) for version in found[:size]], "next": found[size - 1].number if more else None}


@router.get("/{name}/versions/{number}")
def version(by: SignedIn, name: str, number: int) -> dict[str, Any]:
    """Return a version, with its contract and all that was measured."""
    by.must("see models")
    found = versions.get(by.home.database, name, number)
    kinds = [vars(kind) for kind in measured.kinds(found.evidence)]
    whole = {**versioned(found), "contract": found.contract, "evidence": found.evidence}
    figures, worst = ([vars(one) for one in told(found.evidence)] for told in (measured.figures, measured.findings))
    return {"ok": True, "version": whole, "figures": figures, "kinds": kinds, "findings": worst}


@router.get("/{name}/contract")
def contract(by: SignedIn, name: str, version: Number | None = None) -> dict[str, Any]:
    """Return a contract, rule by rule and as TOML: of the version in force, or of another one."""
    by.must("see models")
    found = dossier.chosen(by.home, name, version)
    rules = [asdict(rule) for rule in amending.rules(amending.contract_of(found))]
    return {"ok": True, "version": found.number, "rules": rules, "toml": found.contract}


@router.get("/{name}/compare")
def compare(by: SignedIn, name: str, before: Annotated[Number, Query(alias="from")], after: Annotated[Number, Query(alias="to")]) -> dict[str, Any]:
    """Return what differs between two versions."""
    by.must("see models")
    return {"ok": True, **comparing.compared(*(versions.get(by.home.database, name, number) for number in (before, after))).plain()}


def plain(model: Model, live: Live | None = None) -> dict[str, Any]:
    """Return a model as plain values, with what was measured of it where that is given."""
    told: dict[str, Any] = {**vars(model), "tier": model.tier}
    return told if live is None else {**told, "live": vars(live)}


def versioned(version: Version) -> dict[str, Any]:
    """Return a version as plain values, without what is long."""
    return {key: value for key, value in vars(version).items() if key not in ("contract", "evidence")}


def listed(item: Item) -> dict[str, Any]:
    """Return an item of the checklist as plain values."""
    return {**vars(item), "link": item.link or None, "proof": None if item.proof is None else vars(item.proof)}
