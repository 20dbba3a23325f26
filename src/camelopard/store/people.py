"""People: users and their roles. A user is never deleted, only disabled, so that a name in the audit log stays the same person's."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import delete, func, insert, select, update

from camelopard.core.errors import InputError, UnknownName
from camelopard.store import tables, words
from camelopard.store.change import Change
from camelopard.store.database import Database
from camelopard.store.errors import StoreError
from camelopard.store.passwords import Hashed, computed, one_time
from camelopard.store.roles import ITSELF, NOBODY, ROLES, UNKNOWN, Actor, Role
from camelopard.store.secret import Secret

FIRST = "admin"


@dataclass(frozen=True)
class User:
    """A user.

    name
        In small letters.
    roles
        What they are; in the order of `ROLES`.
    active
        Whether they may sign in, and their tokens are good for anything.
    must_change
        Whether they have a one-time password. Until they change it, they may do nothing else.
    made_at, password_at
        When they came, and when their password was set.
    """

    name: str
    roles: tuple[Role, ...]
    active: bool
    must_change: bool
    made_at: dt.datetime
    password_at: dt.datetime
    password: Hashed = field(repr=False, compare=False)

    def acting(self, via: str) -> Actor:
        """Return the user as whoever does something. With a one-time password, or disabled, they have no roles."""
        return Actor(self.name, self.roles if self.active and not self.must_change else (), None, via)


def first_admin(database: Database, now: dt.datetime) -> Secret | None:
    """Make the user "admin" where there are no users yet, and return their one-time password, to be printed once; None where there are users.

    Of several processes that start at the same time, one makes it.
    """
    with database.reading() as connection:
        if connection.execute(select(tables.users.c.name).limit(1)).first():
            return None
    word = one_time()
    kept = computed(word)
    with database.change(Actor.itself("first start"), now) as change:
        if change.read(select(tables.users.c.name).limit(1)).first():
            return None
        _add(change, FIRST, ("admin",), kept)
    return word


def add(change: Change, name: str, roles: Iterable[Role]) -> Secret:
    """Add a user; return their one-time password, to be handed to them.

    Raises
    ------
    NotAllowed, InputError, UnknownName, StoreError
        If whoever adds them may not manage people; if the name cannot be one; if there is no such role; if there is a user of that name.
    """
    change.by.must("manage people")
    name, wanted = words.user_name(name), _roles(roles)
    if name in (ITSELF, NOBODY, UNKNOWN):
        raise InputError(f"{name!r} has a meaning of its own in the audit log. Choose another name.")
    if change.read(select(tables.users.c.name).where(tables.users.c.name == name)).first():
        raise StoreError(f"there is a user named {name!r}. Users are never deleted; enable them again, or choose another name.")
    word = one_time()
    _add(change, name, wanted, computed(word))
    return word


def set_roles(change: Change, name: str, roles: Iterable[Role]) -> User:
    """Give a user these roles and no others; return them as they are then.

    Raises
    ------
    NotAllowed, UnknownName
        If whoever does it may not manage people; if there is no such user or role.
    StoreError
        If no admin would be left.
    """
    change.by.must("manage people")
    before, wanted = held(change, name), _roles(roles)
    if wanted == before.roles:
        return before
    _one_admin_stays(change, before, "admin" in wanted)
    change.apply(
        delete(tables.roles).where(tables.roles.c.name == before.name),
        *(insert(tables.roles).values(name=before.name, role=role) for role in wanted),
        action="roles changed",
        on=("user", before.name),
        details={"roles": [before.roles, wanted]},
        needs="manage people",
    )
    return User(**{**vars(before), "roles": wanted})


def set_active(change: Change, name: str, active: bool) -> User:
    """Disable a user, whose sessions end and whose tokens are good for nothing, or enable them again.

    Raises
    ------
    NotAllowed, UnknownName, StoreError
        As `set_roles`.
    """
    change.by.must("manage people")
    before = held(change, name)
    if active == before.active:
        return before
    _one_admin_stays(change, before, active)
    change.apply(
        update(tables.users).where(tables.users.c.name == before.name).values(active=active),
        delete(tables.sessions).where(tables.sessions.c.name == before.name),
        action="user enabled" if active else "user disabled",
        on=("user", before.name),
        details={},
        needs="manage people",
    )
    return User(**{**vars(before), "active": active})


def reset_password(change: Change, name: str) -> Secret:
    """Give a user a one-time password, which is returned; all their sessions end.

    Raises
    ------
    NotAllowed, UnknownName
        If whoever does it may not manage people; if there is no such user.
    """
    change.by.must("manage people")
    user, word = held(change, name), one_time()
    set_password(change, user, computed(word), must_change=True)
    return word


def set_password(change: Change, user: User, kept: Hashed, *, must_change: bool) -> None:
    """Set a user's password and end all their sessions: a one-time password, which is for admins to do, or the user's own."""
    change.apply(
        update(tables.users).where(tables.users.c.name == user.name).values(password=kept.kept, must_change=must_change, password_at=change.now),
        delete(tables.sessions).where(tables.sessions.c.name == user.name),
        action="password reset" if must_change else "password changed",
        on=("user", user.name),
        details={},
        needs="manage people" if must_change else None,
    )


def get(database: Database, name: str) -> User:
    """Return a user. Raises UnknownName if there is none of that name."""
    with database.reading() as connection:
        return found(connection.execute, name)


def held(change: Change, name: str) -> User:
    """Return a user as they are within a change. Raises UnknownName if there is none."""
    return found(change.read, name)


def page(database: Database, *, after: str = "", size: int = 50) -> tuple[User, ...]:
    """Return users by name; `after`: only those behind this one, the last of the page before."""
    start = words.user_name(after) if after else ""
    with database.reading() as connection:
        rows = connection.execute(
            select(tables.users).where(tables.users.c.name > start).order_by(tables.users.c.name).limit(words.whole(size, "size", 1000))
        ).all()
        names = [row.name for row in rows]
        roles: dict[str, set[str]] = {name: set() for name in names}
        for row in connection.execute(select(tables.roles).where(tables.roles.c.name.in_(names))):
            roles[row.name].add(row.role)
    return tuple(_user(row, roles[row.name]) for row in rows)


def found(read: Any, name: str) -> User:
    """Return a user, by a function that runs a query. Raises UnknownName if there is none of that name."""
    key = words.user_name(name)
    row = read(select(tables.users).where(tables.users.c.name == key)).first()
    if row is None:
        raise UnknownName(f"there is no user named {key!r}. An admin adds users.")
    return _user(row, {r.role for r in read(select(tables.roles.c.role).where(tables.roles.c.name == key))})


def _user(row: Any, roles: set[str]) -> User:
    return User(row.name, tuple(r for r in ROLES if r in roles), row.active, row.must_change, row.made_at, row.password_at, Hashed(row.password))


def _add(change: Change, name: str, roles: tuple[Role, ...], kept: Hashed) -> None:
    row = {"name": name, "password": kept.kept, "must_change": True, "active": True, "made_at": change.now, "password_at": change.now}
    change.apply(
        insert(tables.users).values(**row),
        *(insert(tables.roles).values(name=name, role=role) for role in roles),
        action="user added",
        on=("user", name),
        details={"roles": roles},
        needs="manage people",
    )


def _one_admin_stays(change: Change, user: User, stays: bool) -> None:
    """Raise StoreError if nobody were left who can manage people."""
    if stays or "admin" not in user.roles or not user.active:
        return
    others = select(func.count()).select_from(tables.roles.join(tables.users, tables.roles.c.name == tables.users.c.name))
    if not change.read(others.where(tables.roles.c.role == "admin", tables.users.c.active, tables.users.c.name != user.name)).scalar():
        raise StoreError(f"{user.name} is the only admin. Make somebody else one first.")


def _roles(roles: Iterable[Role]) -> tuple[Role, ...]:
    given = (roles,) if isinstance(roles, str) else tuple(roles)
    for role in given:
        if role not in ROLES:
            raise UnknownName.among(role, ROLES, "role")
    return tuple(role for role in ROLES if role in given)
