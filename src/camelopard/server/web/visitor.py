"""Who asks: a browser with a session, a program with a token, or nobody yet; and what they may do.

A browser sends its cookie with whatever another site makes it send. So a session alone changes nothing: a form carries the session's own token, a
script sends it as a header. A program's token is no cookie and needs nothing else. Over TLS the cookie's name begins with __Host-, so that no server
under a neighbouring name can set it.
"""

from __future__ import annotations

import datetime as dt
import hmac
from dataclasses import dataclass, field
from typing import Annotated

from fastapi import Depends, Request
from starlette.datastructures import FormData

from camelopard.core.errors import CamelopardError, InputError
from camelopard.server.admission import BAD_TOKEN
from camelopard.server.home import Home
from camelopard.server.web.masks import unmasked
from camelopard.store import sessions, tokens
from camelopard.store.errors import NotAllowed
from camelopard.store.roles import Actor, Permission
from camelopard.store.secret import Secret
from camelopard.store.sessions import Session

COOKIE = "camelopard"
CSRF = "csrf"  # the field of a form
CSRF_HEADER = "x-csrf-token"
MOST_FIELDS, MOST_FILES = 2_000, 8  # of a form
NOBODY = "sign in first, or send a token: Authorization: Bearer camelopard_…"
ONE_TIME = ("/me/password", "/sign-out")  # all that is open to who has a one-time password


class SignInNeeded(CamelopardError):
    """Nobody has signed in, and what was asked for is not for everybody."""


class PasswordNeeded(CamelopardError):
    """Somebody signed in with a one-time password and has not set their own yet: nothing else is open to them."""


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
            raise SignInNeeded(NOBODY)
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
    kind, _, token = request.headers.get("authorization", "").partition(" ")
    if kind.lower() == "bearer":  # other kinds are for a proxy in front
        actor = tokens.actor(home.database, Secret(token.strip()), now)
        if actor is None:
            raise SignInNeeded(BAD_TOKEN)
        return Visitor(home, actor, None, address, now)
    held = request.cookies.get(cookie(request))
    session = sessions.current(home.database, Secret(held), now) if held else None
    return Visitor(home, None if session is None else session.actor, session, address, now)


def cookie(request: Request, name: str = COOKIE) -> str:
    """Return what a cookie is called."""
    return f"__Host-{name}" if request.url.scheme == "https" else name


def signed_in(request: Request, anybody: Annotated[Visitor, Depends(visitor)]) -> Visitor:
    """Return who asks.

    Raises
    ------
    SignInNeeded, PasswordNeeded
        If that is nobody; if it is somebody with a one-time password.
    """
    if anybody.actor is None:
        raise SignInNeeded(NOBODY)
    if anybody.session is not None and anybody.session.user.must_change and request.url.path not in ONE_TIME:
        raise PasswordNeeded("set a password of your own first: this one is for one time.")
    return anybody


def changing(request: Request, known: Annotated[Visitor, Depends(signed_in)]) -> Visitor:
    """Return who asks for a change by the API: by a token, or by a session whose own token comes as a header.

    Raises
    ------
    NotAllowed
        If that header is missing or another session's.
    """
    if known.session is not None:
        checked(known.session, request.headers.get(CSRF_HEADER, ""))
    return known


def checked(session: Session, shown: str) -> None:
    """Raise NotAllowed unless that is the session's own token, as its pages show it: under a mask."""
    session.checked(unmasked(shown).reveal())


@dataclass(frozen=True)
class Form:
    """A form that somebody sent, and who: it was a form of their own session."""

    by: Visitor
    fields: FormData = field(repr=False)  # a password may be among them

    def text(self, name: str) -> str:
        """Return a field, without white space around it; empty where there is none."""
        value = self.fields.get(name, "")
        return value.strip() if isinstance(value, str) else ""

    def secret(self, name: str) -> str:
        """Return a field as it was typed."""
        value = self.fields.get(name, "")
        return value if isinstance(value, str) else ""

    def whole(self, name: str) -> int:
        """Return a field that is a whole number. Raises InputError where it is none."""
        text = self.text(name)
        if not (text.isascii() and text.isdigit() and len(text) < 10):
            raise InputError(f"{name}: expected a whole number, got {text[:40]!r}.")
        return int(text)

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
    fields = await request.form(max_fields=MOST_FIELDS, max_files=MOST_FILES)
    shown = fields.get(CSRF, "")
    checked(known.session, shown if isinstance(shown, str) else "")
    return Form(known, fields)


def same_browser(before: str, shown: str) -> bool:
    """Return whether a form of somebody who has no session yet is one that this server gave: what its cookie holds is what it carries, masked."""
    return bool(before) and hmac.compare_digest(before.encode("utf-8", "replace"), unmasked(shown).reveal().encode("utf-8", "replace"))


Anybody = Annotated[Visitor, Depends(visitor)]
SignedIn = Annotated[Visitor, Depends(signed_in)]
Changing = Annotated[Visitor, Depends(changing)]
Sent = Annotated[Form, Depends(form)]
