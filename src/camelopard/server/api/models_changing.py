"""Models and their versions, by the API: what is changed. Every change is in the audit log."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict

from camelopard.server.api.models import plain, versioned
from camelopard.server.management import amending, checklist, dossier, enrolment
from camelopard.server.web.visitor import Changing
from camelopard.store import inventory, proofs, versions
from camelopard.store.inventory import State

router = APIRouter(prefix="/api/models", tags=["models"])


class Body(BaseModel):
    """What is sent: nothing but the fields that are named."""

    model_config = ConfigDict(extra="forbid", strict=True)


class NewModel(Body):
    """A model for the inventory."""

    name: str
    owner: str
    purpose: str = ""
    exposure: int
    consequence: int


class ModelChanges(Body):
    """What is to be changed of a model; what is left out stays."""

    owner: str | None = None
    purpose: str | None = None
    exposure: int | None = None
    consequence: int | None = None


class NewState(Body):
    """The state that a model is moved to."""

    state: State


class VersionNumber(Body):
    """A version, by its number."""

    version: int


class NewContract(Body):
    """A contract as TOML, why it changes, and the version that it comes from; by default the one in force."""

    toml: str
    note: str
    version: int | None = None


class NewProof(Body):
    """A proof for an item of the checklist."""

    item: str
    link: str
    said: str


@router.post("", status_code=201)
def add(by: Changing, sent: NewModel) -> dict[str, Any]:
    """Put a model into the inventory, as a draft; it need not be served here."""
    by.must("change models")
    with by.home.database.change(by.who, by.now) as change:
        made = inventory.add(change, sent.name, owner=sent.owner, purpose=sent.purpose, exposure=sent.exposure, consequence=sent.consequence)
    return {"ok": True, "model": plain(made)}


@router.patch("/{name}")
def edit(by: Changing, name: str, sent: ModelChanges) -> dict[str, Any]:
    """Change what is written down of a model."""
    by.must("change models")
    with by.home.database.change(by.who, by.now) as change:
        found = inventory.edit(change, name, owner=sent.owner, purpose=sent.purpose, exposure=sent.exposure, consequence=sent.consequence)
    return {"ok": True, "model": plain(found)}


@router.post("/{name}/state")
def move(by: Changing, name: str, sent: NewState) -> dict[str, Any]:
    """Move a model on in its life, or back. Into guarding and out of it is for approvers."""
    by.must("see models")
    with by.home.database.change(by.who, by.now) as change:
        found = inventory.set_state(change, name, sent.state)
    return {"ok": True, "model": plain(found)}


@router.post("/{name}/contract", status_code=201)
def amend(by: Changing, name: str, sent: NewContract) -> dict[str, Any]:
    """Make a version with another contract. It is not in force yet."""
    by.must("change models")
    made = amending.amended(by.home, by.who, dossier.chosen(by.home, name, sent.version), amending.parsed(sent.toml), sent.note, by.now)
    return {"ok": True, "version": versioned(made)}


@router.post("/{name}/approve")
def approve(by: Changing, name: str, sent: VersionNumber) -> dict[str, Any]:
    """Approve a version that somebody else made."""
    by.must("approve versions")
    with by.home.database.change(by.who, by.now) as change:
        found = versions.approve(change, name, sent.version)
    return {"ok": True, "version": versioned(found)}


@router.post("/{name}/force")
def force(by: Changing, name: str, sent: VersionNumber) -> dict[str, Any]:
    """Put a version in force. Where the model is served here, that version is served from now on."""
    by.must("see models")
    found = enrolment.put_in_force(by.home, by.who, name, sent.version, by.now)
    return {"ok": True, "version": versioned(found)}


@router.post("/{name}/proofs", status_code=201)
def attach(by: Changing, name: str, sent: NewProof) -> dict[str, Any]:
    """Attach a proof for an item of the checklist that nobody can measure here."""
    by.must("see models")
    item = checklist.attachable(sent.item)
    with by.home.database.change(by.who, by.now) as change:
        made = proofs.attach(change, name, item=item, link=sent.link, said=sent.said)
    return {"ok": True, "proof": vars(made)}


@router.delete("/{name}/proofs/{number}")
def withdraw(by: Changing, name: str, number: int) -> dict[str, Any]:
    """Withdraw a proof."""
    by.must("see models")
    with by.home.database.change(by.who, by.now) as change:
        found = proofs.withdraw(change, name, number)
    return {"ok": True, "proof": vars(found)}
