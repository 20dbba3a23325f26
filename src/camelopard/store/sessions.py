"""Sessions: what a browser holds after its user signed in. The database keeps only a hash, so that who reads it can be nobody.

A session ends after an hour without a request, after twelve hours in any case, when its user signs out, and when their password is set or they are
disabled. Every form carries a token that is derived from the session's own secret: another site cannot know it.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field

from sqlalchemy import delete, insert, select, update
from sqlalchemy.sql.dml import UpdateBase

from camelopard.core.errors import InputError, UnknownName
from camelopard.store import limits, passwords, people, tables
from camelopard.store.change import Change
from camelopard.store.columns import moment
from camelopard.store.database import Database
from camelopard.store.errors import NotAllowed, SignInRefused
from camelopard.store.people import User
from camelopard.store.roles import NOBODY, UNKNOWN, Actor
from camelopard.store.secret import Secret

IDLE = dt.timedelta(hours=1)
LONGEST = dt.timedelta(hours=12)
NOTED = dt.timedelta(minutes=1)  # how exactly it is known when somebody was last seen
VIA = "session"
WRONG = "name or password are not right. Try again; who has forgotten theirs asks an admin for a new one."


@dataclass(frozen=True)
class Session:
    """Somebody who is signed in.

    user
        Who, as they are now.
    secret
        What their cookie holds.
    csrf
        What their forms carry.
    made_at, ends_at
        When they signed in, and when they must again.
    """

    user: User
    secret: Secret
    csrf: Secret = field(init=False)
    made_at: dt.datetime
    ends_at: dt.datetime

    def __post_init__(self) -> None:
        object.__setattr__(self, "csrf", self.secret.derived("csrf"))

    @property
    def actor(self) -> Actor:
        """Return them as whoever does something."""
        return self.user.acting(VIA)

    def checked(self, csrf: str) -> None:
        """Raise NotAllowed unless a form carried the token of this session."""
        if self.csrf != Secret(csrf):
            raise NotAllowed("this form is not of this session. Load the page again, and send it once more.")


def sign_in(database: Database, name: str, password: Secret, address: str, now: dt.datetime) -> Session:
    """Return a new session.

    An unknown name, a wrong password and a disabled user are told apart neither by words nor by time.

    Raises
    ------
    SignInRefused
        If name or password are wrong, or there were too many attempts.
    """
    limits.attempt(database, name, address, now)
    try:
        user: User | None = people.get(database, name)
    except (InputError, UnknownName):
        user = None
    good = (user.password if user is not None else passwords.nobody()).matches(password)
    if user is None or not good or not user.active:
        _failed(database, user, address, now)
        raise SignInRefused(WRONG)
    secret, at = Secret.random(), moment(now)
    kept = passwords.computed(password) if user.password.outdated() else user.password
    with database.change(Actor(user.name, via=VIA), at) as change:
        if people.held(change, user.name).password.kept != user.password.kept:
            raise SignInRefused(WRONG)
        _begin(change, user.name, secret, address, update(tables.users).where(tables.users.c.name == user.name).values(password=kept.kept))
    limits.forgive(database, name, address)
    return Session(user, secret, at, at + LONGEST)


def change_password(database: Database, session: Session, old: Secret, new: Secret, address: str, now: dt.datetime) -> Session:
    """Set one's own password; all of one's sessions end. Return a new one, for the browser in which it was done.

    Raises
    ------
    SignInRefused
        If the old one is wrong, or there were too many attempts: who finds an open page must not guess the password there.
    InputError
        If the new one is not good enough, or is the old one.
    """
    name = session.user.name
    limits.attempt(database, name, address, now)
    user = people.get(database, name)
    if not user.active or not user.password.matches(old):
        _failed(database, user, address, now)
        raise SignInRefused("the old password is not right. Nothing was changed.")
    if new == old:
        raise InputError("the new password is the old one. Choose another one.")
    kept, secret, at = passwords.hashed(new, name), Secret.random(), moment(now)
    with database.change(Actor(name, via=VIA), at) as change:
        if people.held(change, name).password.kept != user.password.kept:
            raise SignInRefused("the password was set anew meanwhile. Sign in again.")
        people.set_password(change, user, kept, must_change=False)
        _begin(change, name, secret, address)
    limits.forgive(database, name, address)
    return Session(people.get(database, name), secret, at, at + LONGEST)


def current(database: Database, secret: Secret, now: dt.datetime, *, noted: bool = True) -> Session | None:
    """Return the session of a cookie, with its user as they are now; None where there is none any more.

    It is noted as a sign of life, unless it is not `noted`: a page that is only open must not keep its session from ending.
    """
    at, key = moment(now), secret.digest()
    with database.reading() as connection:
        row = connection.execute(select(tables.sessions).where(tables.sessions.c.hash == key)).first()
        if row is None or at >= row.ends_at or at - row.seen_at >= IDLE:
            return None
        user = people.found(connection.execute, row.name)
    if not user.active:
        return None
    if noted and at - row.seen_at >= NOTED:
        with database.noting() as noting:
            noting.write(update(tables.sessions).where(tables.sessions.c.hash == key).values(seen_at=at))
    return Session(user, secret, row.made_at, row.ends_at)


def sign_out(database: Database, session: Session, now: dt.datetime) -> None:
    """End a session."""
    with database.change(Actor(session.user.name, via=VIA), now) as change:
        ended = delete(tables.sessions).where(tables.sessions.c.hash == session.secret.digest())
        change.apply(ended, action="signed out", on=("user", session.user.name), details={}, needs=None)


def _begin(change: Change, name: str, secret: Secret, address: str, *more: UpdateBase) -> None:
    at = change.now
    past = delete(tables.sessions).where(tables.sessions.c.ends_at < at)
    begun = insert(tables.sessions).values(hash=secret.digest(), name=name, made_at=at, seen_at=at, ends_at=at + LONGEST)
    change.apply(*more, past, begun, action="signed in", on=("user", name), details={"address": address[:64]}, needs=None)


def _failed(database: Database, user: User | None, address: str, now: dt.datetime) -> None:
    """Write down that somebody could not sign in; not under which name, where it is nobody's: it may be a password."""
    with database.change(Actor(NOBODY, via=VIA), now) as change:
        on = UNKNOWN if user is None else user.name
        change.apply(action="sign-in failed", on=("user", on), details={"address": address[:64]}, needs=None)
