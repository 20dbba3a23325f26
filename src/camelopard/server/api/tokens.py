"""Who one is, and one's own tokens, by the API."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from typing import Annotated

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field

from camelopard.server.web.visitor import Changing, SignedIn
from camelopard.store import tokens
from camelopard.store.roles import PERMISSIONS, Permission, Role
from camelopard.store.tokens import Token

router = APIRouter(prefix="/api", tags=["you"])


@dataclass(frozen=True)
class Me:
    """Who asks: by what way they came, and what they may do on it."""

    name: str
    roles: tuple[Role, ...]
    may: list[Permission]
    via: str
    ok: bool = True


@dataclass(frozen=True)
class ListedToken:
    """A token as it is listed, never itself."""

    id: str
    owner: str
    label: str
    scopes: tuple[Permission, ...]
    made_at: dt.datetime
    ends_at: dt.datetime
    used_at: dt.datetime | None
    revoked_at: dt.datetime | None

    @classmethod
    def of(cls, token: Token) -> ListedToken:
        return cls(**vars(token))


@dataclass(frozen=True)
class ListedTokens:
    """Somebody's tokens."""

    tokens: list[ListedToken]
    next: str | None = None
    ok: bool = True


@dataclass(frozen=True)
class MadeToken:
    """A new token; `secret` is what a program shows, and is told this once."""

    token: ListedToken
    secret: str = field(repr=False)
    ok: bool = True


@dataclass(frozen=True)
class Done:
    """It is done."""

    ok: bool = True


class NewToken(BaseModel):
    """A token to be made."""

    model_config = ConfigDict(extra="forbid")
    label: str
    scopes: list[Permission]
    days: Annotated[int, Field(ge=1, le=tokens.LONGEST.days)] = 90


@router.get("/me")
def me(by: SignedIn) -> Me:
    """Return who asks, and what they may do."""
    return Me(by.who.name, by.who.roles, [what for what in PERMISSIONS if by.may(what)], by.who.via)


@router.get("/tokens")
def own(by: SignedIn) -> ListedTokens:
    """Return one's own tokens, the newest first; never the tokens themselves."""
    return ListedTokens([ListedToken.of(token) for token in tokens.of(by.home.database, by.who.name)])


@router.post("/tokens", status_code=201)
def make(by: Changing, new: NewToken) -> MadeToken:
    """Make a token of one's own, told this once. A token makes no tokens: this needs a session."""
    with by.home.database.change(by.who, by.now) as change:
        made, secret = tokens.make(change, new.label, new.scopes, dt.timedelta(days=new.days))
    return MadeToken(ListedToken.of(made), secret.reveal())


@router.delete("/tokens/{id}")
def revoke(by: Changing, id: str) -> Done:
    """Make a token good for nothing: one's own in a session, anybody's for who manages people."""
    with by.home.database.change(by.who, by.now) as change:
        tokens.revoke(change, id)
    return Done()
