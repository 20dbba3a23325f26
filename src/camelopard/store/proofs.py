"""Proofs: what people show for an item of a model's checklist that nobody can measure here, a link with a sentence. Shown until it is withdrawn."""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy import Row, func, insert, select, update

from camelopard.core.errors import InputError, UnknownName
from camelopard.store import inventory, words
from camelopard.store.change import Change
from camelopard.store.database import Database
from camelopard.store.errors import StoreError
from camelopard.store.tables import proofs

LINK = re.compile(r"(https?://[^\s/?#\\]|/(?![/\\]))[^\s\\]*")
LONGEST_LINK, LONGEST_SAID = 2_000, 500
MOST = 200  # proofs of a model that are looked at


@dataclass(frozen=True)
class Proof:
    """One of them.

    model, number
        Of which model, and its number there, from 1.
    item
        Of the checklist: "fairness".
    link, said
        Where it is, and in a sentence what it shows.
    made_at, made_by, withdrawn_at, withdrawn_by
        When, and by whom; None while it stands.
    """

    model: str
    number: int
    item: str
    link: str
    said: str
    made_at: dt.datetime
    made_by: str
    withdrawn_at: dt.datetime | None = None
    withdrawn_by: str | None = None


def attach(change: Change, model: str, *, item: str, link: str, said: str) -> Proof:
    """Attach a proof to a model, as a developer or an approver.

    Raises
    ------
    NotAllowed, UnknownName
        If whoever attaches it is neither; if there is no such model.
    InputError
        If the link is none that a browser opens as a page, or a text cannot be kept.
    StoreError
        If the model has too many of them already.
    """
    item, said = words.name(item, "item"), words.sentence(said, "said", LONGEST_SAID)
    link = words.sentence(link, "link", LONGEST_LINK)
    if not LINK.fullmatch(link):
        raise InputError(f"link={link[:100]!r}: expected an address that begins with https:// or http://, or a path of this server.")
    if not said:
        raise InputError("said: say in a sentence what the link shows.")
    needs = _needs(change)
    inventory.held(change, model)
    number = (change.read(select(func.max(proofs.c.number)).where(proofs.c.model == model)).scalar() or 0) + 1
    if len(_standing(change.read, model)) >= MOST:
        raise StoreError(f"{model}: {MOST} proofs stand already. Withdraw what is out of date.")
    made = Proof(model, number, item, link, said, change.now, change.by.name)
    details = {"number": number, "item": item, "link": link, "said": said}
    change.apply(insert(proofs).values(**vars(made)), action="proof attached", on=("model", model), details=details, needs=needs)
    return made


def withdraw(change: Change, model: str, number: int) -> Proof:
    """Withdraw a proof, as a developer or an approver: it counts no more. The audit log keeps it.

    Raises
    ------
    NotAllowed, UnknownName
        If whoever withdraws it is neither; if there is none that stands.
    """
    needs = _needs(change)
    inventory.held(change, model)
    words.whole(number, "number")
    found = next((one for one in _standing(change.read, model) if one.number == number), None)
    if found is None:
        raise UnknownName(f"{model}: no proof {number} stands.")
    change.apply(
        update(proofs).where(proofs.c.model == model, proofs.c.number == number).values(withdrawn_at=change.now, withdrawn_by=change.by.name),
        action="proof withdrawn",
        on=("model", model),
        details={"number": number, "item": found.item, "link": found.link},
        needs=needs,
    )
    return Proof(**{**vars(found), "withdrawn_at": change.now, "withdrawn_by": change.by.name})


def of(database: Database, model: str) -> tuple[Proof, ...]:
    """Return the proofs of a model that stand, the newest first."""
    with database.reading() as connection:
        return _standing(connection.execute, model)


def _standing(read: Any, model: str) -> tuple[Proof, ...]:
    query = select(proofs).where(proofs.c.model == model, proofs.c.withdrawn_at.is_(None)).order_by(proofs.c.number.desc()).limit(MOST)
    return tuple(_proof(row) for row in read(query))


def _needs(change: Change) -> Literal["change models", "approve versions"]:
    """Return the permission that whoever acts has: either is enough."""
    needs: Literal["change models", "approve versions"] = "approve versions" if change.by.may("approve versions") else "change models"
    change.by.must(needs)
    return needs


def _proof(row: Row[Any]) -> Proof:
    return Proof(**row._mapping)
