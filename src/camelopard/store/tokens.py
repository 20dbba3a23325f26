"""API tokens: what a program shows to act for a user. The database keeps a hash; the token itself is shown once, when it is made.

A token may do what its scopes name, as long as its user may. It begins with its id, by which it is listed and revoked, and which no one can use.
"""

from __future__ import annotations

import datetime as dt
import re
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite

from camelopard.core.errors import InputError, UnknownName
from camelopard.store import people, tables, words
from camelopard.store.change import Change
from camelopard.store.columns import moment
from camelopard.store.database import Database
from camelopard.store.roles import SCOPES, Actor, Permission
from camelopard.store.secret import Secret

FORM = re.compile(r"camelopard_([0-9a-f]{8})_([A-Za-z0-9_-]{43})")
LONGEST = dt.timedelta(days=366)
NOTED = dt.timedelta(minutes=1)  # how exactly it is known when a token was last used


@dataclass(frozen=True)
class Token:
    """A token as it is listed: everything but itself.

    id
        What it begins with.
    owner, label
        Whose it is, and what for.
    scopes
        What it may do, as long as its owner may.
    made_at, ends_at, used_at, revoked_at
        When; None for what has not happened.
    """

    id: str
    owner: str
    label: str
    scopes: tuple[Permission, ...]
    made_at: dt.datetime
    ends_at: dt.datetime
    used_at: dt.datetime | None = None
    revoked_at: dt.datetime | None = None


def make(change: Change, label: str, scopes: Iterable[Permission], lasting: dt.timedelta) -> tuple[Token, Secret]:
    """Make a token of whoever asks; return it, and the secret that is shown once.

    Raises
    ------
    NotAllowed
        If they have no roles, ask by a token, or ask for a scope that they do not have themselves.
    InputError, UnknownName
        If it is to last for no time or for more than a year, has no scope, or one that does not exist.
    """
    change.by.must("own tokens")
    given = {scopes} if isinstance(scopes, str) else set(scopes)
    for scope in given:
        if scope not in SCOPES:
            raise UnknownName.among(scope, SCOPES, "scope")
        change.by.must(scope)
    if not given:
        raise InputError(f"a token without a scope can do nothing. Scopes: {', '.join(SCOPES)}.")
    if not dt.timedelta(0) < lasting <= LONGEST:
        raise InputError(f"a token lasts for up to {LONGEST.days} days; asked was {lasting}.")
    people.held(change, change.by.name)
    name, secret = secrets.token_hex(4), Secret.random()
    whole = Secret(f"camelopard_{name}_{secret.reveal()}")
    made = Token(name, change.by.name, words.sentence(label, "label", 200), _sorted(given), change.now, change.now + lasting)
    row = {"id": name, "owner": made.owner, "label": made.label, "hash": whole.digest(), "scopes": ",".join(made.scopes)}
    change.apply(
        insert(tables.tokens).values(**row, made_at=made.made_at, ends_at=made.ends_at),
        action="token made",
        on=("token", name),
        details={"owner": made.owner, "label": made.label, "scopes": made.scopes, "ends_at": made.ends_at.isoformat()},
        needs="own tokens",
    )
    return made, whole


def revoke(change: Change, id: str) -> None:
    """Make a token good for nothing: one's own, or as an admin anybody's.

    Raises
    ------
    UnknownName, NotAllowed
        If there is no such token; if it is somebody else's.
    """
    row = change.read(select(tables.tokens.c.owner, tables.tokens.c.revoked_at).where(tables.tokens.c.id == id)).first()
    if row is None:
        raise UnknownName(f"there is no token {str(id)[:20]!r}. A token is revoked by the eight characters that stand in its list.")
    if row.revoked_at is not None:
        return
    change.apply(
        update(tables.tokens).where(tables.tokens.c.id == id).values(revoked_at=change.now),
        action="token revoked",
        on=("token", id),
        details={"owner": row.owner},
        needs="own tokens" if row.owner == change.by.name else "manage people",
    )


def of(database: Database, owner: str) -> tuple[Token, ...]:
    """Return the tokens of a user, the newest first, revoked ones and past ones as well."""
    known, used = tables.tokens, tables.token_uses
    query = select(known, used.c.used_at).outerjoin(used, used.c.id == known.c.id).where(known.c.owner == words.user_name(owner))
    with database.reading() as connection:
        return tuple(_token(row) for row in connection.execute(query.order_by(known.c.made_at.desc(), known.c.id).limit(1000)))


def actor(database: Database, token: Secret, now: dt.datetime) -> Actor | None:
    """Return who acts by a token; None where it is none, is past or revoked, or its user is disabled or must change their password."""
    at, form = moment(now), FORM.fullmatch(token.reveal())
    if form is None:
        return None
    known, used = tables.tokens, tables.token_uses
    query = select(known, used.c.used_at).outerjoin(used, used.c.id == known.c.id).where(known.c.id == form[1])
    with database.reading() as connection:
        row = connection.execute(query).first()
        if row is None or Secret(row.hash) != Secret(token.digest()) or row.revoked_at is not None or at >= row.ends_at:
            return None
        user = people.found(connection.execute, row.owner)
    if not user.active or user.must_change:
        return None
    if row.used_at is None or at - row.used_at >= NOTED:
        _note(database, row.id, at)
    return Actor(user.name, user.roles, frozenset(_token(row).scopes), f"token {row.id}")


def _note(database: Database, id: str, at: dt.datetime) -> None:
    with database.noting() as noting:
        put = sqlite.insert if noting.dialect == "sqlite" else postgresql.insert
        noting.write(put(tables.token_uses).values(id=id, used_at=at).on_conflict_do_update(index_elements=["id"], set_={"used_at": at}))


def _token(row: Row[Any]) -> Token:
    scopes = _sorted(set(row.scopes.split(",")))
    return Token(row.id, row.owner, row.label, scopes, row.made_at, row.ends_at, row.used_at, row.revoked_at)


def _sorted(scopes: Iterable[str]) -> tuple[Permission, ...]:
    given = set(scopes)
    return tuple(scope for scope in SCOPES if scope in given)
