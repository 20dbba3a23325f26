"""People and their roles, by the API."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict

from camelopard.server.api.tokens import ListedToken, ListedTokens
from camelopard.server.web.visitor import Changing, SignedIn
from camelopard.store import people, tokens
from camelopard.store.people import User
from camelopard.store.roles import Role

router = APIRouter(prefix="/api/people", tags=["people"])


@dataclass(frozen=True)
class Person:
    """A user. `must_change`: they have a one-time password, and may do nothing before they set their own."""

    name: str
    roles: tuple[Role, ...]
    active: bool
    must_change: bool
    made_at: dt.datetime
    password_at: dt.datetime

    @classmethod
    def of(cls, user: User) -> Person:
        return cls(user.name, user.roles, user.active, user.must_change, user.made_at, user.password_at)


@dataclass(frozen=True)
class OnePerson:
    """A user."""

    person: Person
    ok: bool = True


@dataclass(frozen=True)
class ListedPeople:
    """A page of users."""

    people: list[Person]
    next: str | None
    ok: bool = True


@dataclass(frozen=True)
class OneTimePassword:
    """A person and their one-time password, which is told this once."""

    person: Person
    one_time_password: str = field(repr=False)
    ok: bool = True


class NewPerson(BaseModel):
    """Somebody to be added."""

    model_config = ConfigDict(extra="forbid")
    name: str
    roles: list[Role]


class PersonChanges(BaseModel):
    """What is to be changed; what is left out stays."""

    model_config = ConfigDict(extra="forbid")
    roles: list[Role] | None = None
    active: bool | None = None


@router.get("")
def page(by: SignedIn, after: str = "", size: Annotated[int, Query(ge=1, le=500)] = 50) -> ListedPeople:
    """Return a page of all people, by name."""
    by.must("manage people")
    found = people.page(by.home.database, after=after, size=size + 1)
    return ListedPeople([Person.of(user) for user in found[:size]], found[size - 1].name if len(found) > size else None)


@router.post("", status_code=201)
def add(by: Changing, new: NewPerson) -> OneTimePassword:
    """Add somebody; return their one-time password, which is told this once."""
    with by.home.database.change(by.who, by.now) as change:
        word = people.add(change, new.name, new.roles)
        user = people.held(change, new.name)
    return OneTimePassword(Person.of(user), word.reveal())


@router.get("/{name}")
def one(by: SignedIn, name: str) -> OnePerson:
    """Return somebody."""
    by.must("manage people")
    return OnePerson(Person.of(people.get(by.home.database, name)))


@router.patch("/{name}")
def change(by: Changing, name: str, new: PersonChanges) -> OnePerson:
    """Change somebody's roles, disable them or enable them again. The last admin stays one."""
    with by.home.database.change(by.who, by.now) as change:
        change.by.must("manage people")
        if new.roles is not None:
            people.set_roles(change, name, new.roles)
        if new.active is not None:
            people.set_active(change, name, new.active)
        return OnePerson(Person.of(people.held(change, name)))


@router.post("/{name}/reset")
def reset(by: Changing, name: str) -> OneTimePassword:
    """Give somebody a one-time password, which is told this once; they are signed out everywhere."""
    with by.home.database.change(by.who, by.now) as change:
        word = people.reset_password(change, name)
        user = people.held(change, name)
    return OneTimePassword(Person.of(user), word.reveal())


@router.get("/{name}/tokens")
def tokens_of(by: SignedIn, name: str) -> ListedTokens:
    """Return somebody's tokens, the newest first; never the tokens themselves."""
    by.must("manage people")
    user = people.get(by.home.database, name)
    return ListedTokens([ListedToken.of(token) for token in tokens.of(by.home.database, user.name)])
