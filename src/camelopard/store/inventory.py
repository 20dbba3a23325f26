"""The inventory: every model with its owner, its purpose, what is at stake, and where in its life it stands.

What is at stake is exposure × consequence, each from 1 to 5: how many are affected how directly, and how bad a wrong answer is for them. A model
guards nobody on one person's word: see `versions`.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any, Literal, get_args

from sqlalchemy import Row, insert, select, update

from camelopard.core.errors import InputError, UnknownName
from camelopard.store import words
from camelopard.store.change import Change
from camelopard.store.database import Database
from camelopard.store.errors import StoreError
from camelopard.store.tables import models, versions

State = Literal["draft", "shadow", "guarding", "retired"]
Tier = Literal["low", "medium", "high", "critical"]
STATES: tuple[State, ...] = get_args(State)
TIERS: dict[Tier, tuple[int, int]] = {"low": (1, 4), "medium": (5, 9), "high": (10, 16), "critical": (20, 25)}  # products of two numbers up to 5


@dataclass(frozen=True)
class Model:
    """A model as the inventory knows it.

    name, owner, purpose
        What it is called, who answers for it, and what it is for.
    exposure, consequence
        From 1 to 5 each.
    state
        "draft": not in use; "shadow": looked at, but nobody hears the firewall; "guarding": in front of people; "retired".
    version
        The number of the version in force; None before there is one.
    made_at, changed_at
        When it came into the inventory, and when something about it changed last.
    """

    name: str
    owner: str
    purpose: str
    exposure: int
    consequence: int
    state: State
    version: int | None
    made_at: dt.datetime
    changed_at: dt.datetime

    @property
    def stake(self) -> int:
        """Return exposure × consequence, from 1 to 25."""
        return self.exposure * self.consequence

    @property
    def tier(self) -> Tier:
        """Return what is at stake in a word."""
        return tier(self.exposure, self.consequence)


def tier(exposure: int, consequence: int) -> Tier:
    """Return the tier of a model: low up to 4, medium up to 9, high up to 16, critical above.

    >>> tier(2, 2), tier(3, 3), tier(4, 4), tier(4, 5)
    ('low', 'medium', 'high', 'critical')
    """
    stake = exposure * consequence
    return next(name for name, (_, most) in TIERS.items() if stake <= most)


def add(change: Change, name: str, *, owner: str, purpose: str, exposure: int, consequence: int) -> Model:
    """Put a model into the inventory, as a draft.

    Raises
    ------
    NotAllowed
        If whoever adds it may not change models.
    InputError
        If a text cannot be kept, or a number is not from 1 to 5.
    StoreError
        If there is one of that name.
    """
    name, owner, purpose = words.name(name, "model"), words.name(owner, "model's owner"), words.sentence(purpose, "purpose")
    exposure, consequence = _rated(exposure, "exposure"), _rated(consequence, "consequence")
    change.by.must("change models")
    if change.read(select(models.c.name).where(models.c.name == name)).first():
        raise StoreError(f"there is a model named {name!r} in the inventory. Change that one, or choose another name.")
    made = Model(name, owner, purpose, exposure, consequence, "draft", None, change.now, change.now)
    facts: dict[str, object] = {"owner": owner, "purpose": purpose, "exposure": exposure, "consequence": consequence}
    found = words.search(f"{name} {owner} {purpose}")
    change.apply(
        insert(models).values(**vars(made), stake=made.stake, words=found),
        action="model added",
        on=("model", name),
        details=facts,
        needs="change models",
    )
    return made


def edit(
    change: Change, name: str, *, owner: str | None = None, purpose: str | None = None, exposure: int | None = None, consequence: int | None = None
) -> Model:
    """Change what is given; return the model as it is then. The audit log keeps both, before and after.

    Raises
    ------
    NotAllowed, InputError, UnknownName
        As `add`, or if there is no such model.
    """
    before = held(change, name)
    change.by.must("change models")
    given: dict[str, Any] = {
        "owner": None if owner is None else words.name(owner, "model's owner"),
        "purpose": None if purpose is None else words.sentence(purpose, "purpose"),
        "exposure": None if exposure is None else _rated(exposure, "exposure"),
        "consequence": None if consequence is None else _rated(consequence, "consequence"),
    }
    new = {key: value for key, value in given.items() if value is not None and value != getattr(before, key)}
    if not new:
        return before
    after = Model(**{**vars(before), **new, "changed_at": change.now})
    columns = {**new, "changed_at": change.now, "stake": after.stake, "words": words.search(f"{after.name} {after.owner} {after.purpose}")}
    change.apply(
        update(models).where(models.c.name == name).values(**columns),
        action="model changed",
        on=("model", name),
        details={key: [getattr(before, key), value] for key, value in new.items()},
        needs="change models",
    )
    return after


def set_state(change: Change, name: str, state: State) -> Model:
    """Move a model on in its life, or back; return it as it is then.

    Into guarding, and out of it, is for approvers, and only with an approved version in force; the rest is for developers.

    Raises
    ------
    NotAllowed, UnknownName
        If whoever moves it may not; if there is no such state, or no such model.
    StoreError
        If the version in force is not approved, or there is none.
    """
    if state not in STATES:
        raise UnknownName.among(state, STATES, "state")
    before = held(change, name)
    if state == before.state:
        return before
    needs: Literal["approve versions", "change models"] = "approve versions" if "guarding" in (state, before.state) else "change models"
    change.by.must(needs)
    if state == "guarding":
        query = select(versions.c.approved_by).where(versions.c.model == name, versions.c.number == before.version)
        if before.version is None or change.read(query).scalar() is None:
            version = "no version" if before.version is None else f"version {before.version}, which nobody has approved,"
            raise StoreError(f"{name}: {version} is in force. Approve a version and put it in force; then it may guard.")
    change.apply(
        update(models).where(models.c.name == name).values(state=state, changed_at=change.now),
        action="state changed",
        on=("model", name),
        details={"state": [before.state, state], "version": before.version},
        needs=needs,
    )
    return Model(**{**vars(before), "state": state, "changed_at": change.now})


def get(database: Database, name: str) -> Model:
    """Return a model.

    Raises
    ------
    UnknownName
        If there is none of that name.
    """
    with database.reading() as connection:
        row = connection.execute(select(models).where(models.c.name == name)).first()
        if row is None:
            raise _unknown(name, connection)
    return model_of(row)


def held(change: Change, name: str) -> Model:
    """Return a model as it is within a change, which nobody else can change meanwhile. Raises UnknownName if there is none."""
    row = change.read(select(models).where(models.c.name == name)).first()
    if row is None:
        raise _unknown(name, change)
    return model_of(row)


def model_of(row: Row[Any]) -> Model:
    """Return the model that a row of the table holds."""
    return Model(row.name, row.owner, row.purpose, row.exposure, row.consequence, row.state, row.version, row.made_at, row.changed_at)


def _unknown(name: object, source: Any) -> UnknownName:
    """Return the error for a name, with names that begin alike: there may be very many."""
    read = source.read if isinstance(source, Change) else source.execute
    near = [row.name for row in read(select(models.c.name).where(models.c.name >= str(name)[:3]).order_by(models.c.name).limit(200))]
    return UnknownName.among(name, near, "model")


def _rated(value: object, what: str) -> int:
    if type(value) is not int or not 1 <= value <= 5:
        raise InputError(f"{what}={value!r}: expected a whole number from 1 (little) to 5 (much).")
    return value
