"""People: who there is, what they are, and one person with their tokens."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from fastapi import APIRouter
from starlette.responses import Response

from camelopard.core.errors import InputError, UnknownName
from camelopard.server.pages import shell
from camelopard.server.web.visitor import Sent, SignedIn, Visitor
from camelopard.store import people, tokens
from camelopard.store.errors import StoreError
from camelopard.store.people import User
from camelopard.store.roles import MAY, PERMISSIONS, ROLES, Role
from camelopard.store.secret import Secret

router = APIRouter(include_in_schema=False)

SIZE = 50
Done = Literal["roles", "disabled", "enabled", "revoked", ""]
DONE: dict[Done, str] = {
    "roles": "The roles are changed, from the next request on.",
    "disabled": "Disabled: signed out everywhere, and every token good for nothing.",
    "enabled": "Enabled again.",
    "revoked": "The token is good for nothing now.",
    "": "",
}


@router.get("/people")
def all_people(by: SignedIn, after: str = "") -> Response:
    """Return a page of all people, by name."""
    return _list(by, after=after)


@router.post("/people")
def add(form: Sent) -> Response:
    """Add somebody, and show their one-time password this once."""
    by, name = form.by, form.text("name")
    by.must("manage people")
    try:
        with by.home.database.change(by.who, by.now) as change:
            word = people.add(change, name, roles(form.texts("role")))
    except (InputError, UnknownName, StoreError) as error:
        return _list(by, wrong=str(error), name=name, chosen=form.texts("role"), status=400)
    return _one(by, people.get(by.home.database, name), word=word)


@router.get("/people/{name}")
def one(by: SignedIn, name: str, done: Done = "") -> Response:
    """Return one person."""
    by.must("manage people")
    return _one(by, people.get(by.home.database, name), done=DONE[done])


@router.post("/people/{name}/roles")
def set_roles(form: Sent, name: str) -> Response:
    """Give somebody these roles and no others."""
    return _changed(form, name, roles=roles(form.texts("role")))


@router.post("/people/{name}/disable")
def disable(form: Sent, name: str) -> Response:
    """Disable somebody."""
    return _changed(form, name, active=False)


@router.post("/people/{name}/enable")
def enable(form: Sent, name: str) -> Response:
    """Enable somebody again."""
    return _changed(form, name, active=True)


@router.post("/people/{name}/reset")
def reset(form: Sent, name: str) -> Response:
    """Give somebody a one-time password, and show it this once."""
    with form.by.home.database.change(form.by.who, form.by.now) as change:
        word = people.reset_password(change, name)
    return _one(form.by, people.get(form.by.home.database, name), word=word)


@router.post("/people/{name}/tokens/{id}/revoke")
def revoke(form: Sent, name: str, id: str) -> Response:
    """Make a token of theirs good for nothing."""
    form.by.must("manage people")
    user = people.get(form.by.home.database, name)
    with form.by.home.database.change(form.by.who, form.by.now) as change:
        tokens.revoke(change, id)
    return shell.to(f"/people/{user.name}?done=revoked")


def roles(texts: Iterable[str]) -> list[Role]:
    """Return the roles of these names. Raises UnknownName for what is none."""
    known: dict[str, Role] = {role: role for role in ROLES}
    for text in (texts := list(texts)):
        if text not in known:
            raise UnknownName.among(text, ROLES, "role")
    return [known[text] for text in texts]


def _changed(form: Sent, name: str, roles: list[Role] | None = None, active: bool | None = None) -> Response:
    by = form.by
    by.must("manage people")
    before = people.get(by.home.database, name)
    try:
        with by.home.database.change(by.who, by.now) as change:
            if roles is not None:
                people.set_roles(change, before.name, roles)
            if active is not None:
                people.set_active(change, before.name, active)
    except StoreError as error:  # the last admin stays
        return _one(by, before, wrong=str(error), status=409)
    return shell.to(f"/people/{before.name}?done={'roles' if roles is not None else 'enabled' if active else 'disabled'}")


def _list(by: Visitor, *, after: str = "", wrong: str = "", name: str = "", chosen: Iterable[str] = (), status: int = 200) -> Response:
    by.must("manage people")
    found = people.page(by.home.database, after=after, size=SIZE + 1)
    values = {
        "people": found[:SIZE],
        "next": found[SIZE - 1].name if len(found) > SIZE else None,
        "after": after,
        "wrong": wrong,
        "name": name,
        "chosen": list(chosen),
        "roles": _told_roles(),
    }
    return shell.page(by, "people.html", values, status)


def _one(by: Visitor, user: User, *, done: str = "", wrong: str = "", word: Secret | None = None, status: int = 200) -> Response:
    values = {
        "user": user,
        "own": user.name == by.who.name,
        "done": done,
        "wrong": wrong,
        "word": "" if word is None else word.reveal(),
        "roles": _told_roles(),
        "tokens": tokens.of(by.home.database, user.name),
    }
    return shell.page(by, "person.html", values, status)


def _told_roles() -> list[tuple[Role, str]]:
    """Return every role with what it allows beyond what all do."""
    shared = frozenset.intersection(*MAY.values())
    return [(role, ", ".join(what for what in PERMISSIONS if what in MAY[role] - shared) or "see models, and nothing else") for role in ROLES]
