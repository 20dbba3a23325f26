"""Who asks: a browser with a session, a program with a token, or nobody yet; and what they may do.

A browser sends its cookie with whatever another site makes it send. So a session alone changes nothing: a form carries the session's own token, a
script sends it as a header. A program's token is no cookie and needs nothing else.
"""

from __future__ import annotations

import datetime as dt
import hmac
from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request
from starlette.datastructures import FormData

from camelopard.core.errors import CamelopardError
from camelopard.server.home import Home
from camelopard.store import sessions, tokens
from camelopard.store.errors import NotAllowed
from camelopard.store.roles import Actor, Permission
from camelopard.store.secret import Secret
from camelopard.store.sessions import Session

COOKIE = "camelopard"
CSRF = "csrf"  # the field of a form
CSRF_HEADER = "x-csrf-token"
MOST_FIELDS = 2_000  # of a form


class SignInNeeded(CamelopardError):
    """Nobody has signed in, and what was asked for is not for everybody."""


@dataclass(frozen=True)
class Visitor:
    """Who asks, as they are now.

    actor
        Who acts; None before they have signed in.
    session
        Of a browser; None for a program with a token.
    address
        Where they ask from, for limits.
    now
        When they asked.
    """

    home: Home
    actor: Actor | None
    session: Session | None
    address: str
    now: dt.datetime

    @property
    def who(self) -> Actor:
        """Return who acts. Raises SignInNeeded where that is nobody."""
        if self.actor is None:
            raise SignInNeeded("sign in first, or send a token: Authorization: Bearer camelopard_…")
        return self.actor

    def may(self, permission: Permission) -> bool:
        """Return whether they may do that."""
        return self.actor is not None and self.actor.may(permission)

    def must(self, permission: Permission) -> None:
        """Raise SignInNeeded or NotAllowed unless they may do that."""
        self.who.must(permission)


def visitor(request: Request) -> Visitor:
    """Return who asks, whoever it is.

    Raises
    ------
    SignInNeeded
        If they show a token that is good for nothing.
    """
    home: Home = request.app.state.home
    now, address = home.clock(), request.client.host if request.client else ""
    shown = request.headers.get("authorization")
    if shown is not None:
        kind, _, token = shown.partition(" ")
        actor = tokens.actor(home.database, Secret(token.strip()), now) if kind.lower() == "bearer" else None
        if actor is None:
            raise SignInNeeded("this token is good for nothing: it is revoked, past its time, or none of this server's. Make a new one.")
        return Visitor(home, actor, None, address, now)
    cookie = request.cookies.get(COOKIE)
    session = sessions.current(home.database, Secret(cookie), now) if cookie else None
    return Visitor(home, None if session is None else session.actor, session, address, now)


def signed_in(anybody: Annotated[Visitor, Depends(visitor)]) -> Visitor:
    """Return who asks; raise SignInNeeded where that is nobody."""
    assert anybody.who
    return anybody


def changing(request: Request, known: Annotated[Visitor, Depends(signed_in)]) -> Visitor:
    """Return who asks for a change by the API: by a token, or by a session whose own token comes as a header.

    Raises
    ------
    NotAllowed
        If that header is missing or another session's.
    """
    if known.session is not None:
        known.session.checked(request.headers.get(CSRF_HEADER, ""))
    return known


@dataclass(frozen=True)
class Form:
    """A form that somebody sent, and who: it was a form of their own session."""

    by: Visitor
    fields: FormData

    def text(self, name: str) -> str:
        """Return a field, without white space around it; empty where there is none."""
        value = self.fields.get(name, "")
        return value.strip() if isinstance(value, str) else ""

    def secret(self, name: str) -> str:
        """Return a field as it was typed."""
        value = self.fields.get(name, "")
        return value if isinstance(value, str) else ""

    def texts(self, name: str) -> list[str]:
        """Return all fields of a name."""
        return [value for value in self.fields.getlist(name) if isinstance(value, str)]


async def form(request: Request, known: Annotated[Visitor, Depends(signed_in)]) -> Form:
    """Return the form that was sent.

    Raises
    ------
    NotAllowed
        If it is none of this session's, or it was sent with a token: forms are for people.
    """
    if known.session is None:
        raise NotAllowed("forms are for people who signed in. Programs use /api.")
    fields = await request.form(max_fields=MOST_FIELDS, max_files=8)
    shown = fields.get(CSRF, "")
    known.session.checked(shown if isinstance(shown, str) else "")
    return Form(known, fields)


def same_site(request: Request, before: str, sent: str) -> bool:
    """Return whether a form of somebody who has no session yet is one that this server gave: what its cookie holds is what it carries."""
    site = request.headers.get("sec-fetch-site", "same-origin")
    return site in ("same-origin", "none") and bool(before) and hmac.compare_digest(before.encode(), sent.encode())


Anybody = Annotated[Visitor, Depends(visitor)]
SignedIn = Annotated[Visitor, Depends(signed_in)]
Changing = Annotated[Visitor, Depends(changing)]
Sent = Annotated[Form, Depends(form)]
