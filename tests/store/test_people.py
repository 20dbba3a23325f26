"""Users: who may add and change them, and that there is always an admin."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest

pytest.importorskip("sqlalchemy", reason="SQLAlchemy is not installed: pip install 'camelopard[serve]'")
pytest.importorskip("argon2", reason="argon2-cffi is not installed: pip install 'camelopard[serve]'")

from camelopard.core.errors import InputError, UnknownName
from camelopard.store import audit, passwords, people, sessions
from camelopard.store.change import Change
from camelopard.store.database import Database
from camelopard.store.errors import NotAllowed, StoreError
from camelopard.store.roles import Actor
from camelopard.store.secret import Secret
from tests.store.conftest import NOW

ADMIN = Actor("admin", ("admin",))


def by(database: Database, who: Actor, what: Callable[[Change], Any]) -> Any:
    with database.change(who, NOW) as change:
        return what(change)


def test_the_first_start_makes_one_admin_and_no_further_one(database: Database) -> None:
    found: list[Secret | None] = []
    workers = [threading.Thread(target=lambda: found.append(people.first_admin(database, NOW))) for _ in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    (word,) = [secret for secret in found if secret is not None]
    user = people.get(database, "admin")
    assert (user.roles, user.must_change, user.active) == (("admin",), True, True)
    assert user.password.matches(word)
    assert people.first_admin(database, NOW) is None
    assert [(entry.action, entry.by, entry.via) for entry in audit.entries(database)] == [("user added", "camelopard", "first start")]


def test_a_one_time_password_is_good_for_nothing_but_being_changed(database: Database) -> None:
    word = people.first_admin(database, NOW)
    assert word is not None
    session = sessions.sign_in(database, "admin", word, "192.0.2.1", NOW)
    assert session.actor.roles == ()
    with pytest.raises(NotAllowed, match="a one-time password has to be changed first"):
        by(database, session.actor, lambda change: people.add(change, "eve", ["admin"]))
    session = sessions.change_password(database, session, word, Secret("correct horse battery"), "192.0.2.1", NOW)
    assert session.actor.roles == ("admin",)
    by(database, session.actor, lambda change: people.add(change, "ann", ["viewer"]))


def test_a_user_is_found_under_one_name_however_it_is_typed(database: Database) -> None:
    by(database, ADMIN, lambda change: people.add(change, " Ann@Example.org ", ["expert", "viewer"]))
    found = people.get(database, "ANN@example.org")
    assert (found.name, found.roles) == ("ann@example.org", ("viewer", "expert"))
    with pytest.raises(StoreError, match="there is a user named 'ann@example.org'"):
        by(database, ADMIN, lambda change: people.add(change, "ann@EXAMPLE.org", []))


@pytest.mark.parametrize("name", ["", "a b", "ann\n", "ånn", "-ann", "x" * 65, "camelopard", "nobody", "unknown", None, "ann\x00"])
def test_a_name_that_is_none_is_refused_without_being_repeated(database: Database, name: Any) -> None:
    if name == "ann\n":  # a line's end is no part of a name
        assert by(database, ADMIN, lambda change: people.add(change, name, []))
        return
    with pytest.raises(InputError, match="no user name|meaning of its own"):
        by(database, ADMIN, lambda change: people.add(change, name, []))


def test_roles_are_set_and_told(database: Database) -> None:
    by(database, ADMIN, lambda change: people.add(change, "ann", ["viewer"]))
    after = by(database, ADMIN, lambda change: people.set_roles(change, "ann", ["approver", "developer", "developer"]))
    assert people.get(database, "ann") == after
    assert after.roles == ("developer", "approver")
    assert audit.entries(database)[0].told == {"roles": [["viewer"], ["developer", "approver"]]}
    with pytest.raises(UnknownName, match="no role named 'admim'. Did you mean 'admin'"):
        by(database, ADMIN, lambda change: people.set_roles(change, "ann", ["admim"]))  # type: ignore[list-item]
    with pytest.raises(UnknownName, match="there is no user named 'eve'"):
        by(database, ADMIN, lambda change: people.set_roles(change, "eve", ["admin"]))


def test_there_is_always_an_admin(database: Database) -> None:
    people.first_admin(database, NOW)
    told = r"admin is the only admin\. Make somebody else one first\."
    with pytest.raises(StoreError, match=told):
        by(database, ADMIN, lambda change: people.set_roles(change, "admin", ["viewer"]))
    with pytest.raises(StoreError, match=told):
        by(database, ADMIN, lambda change: people.set_active(change, "admin", False))
    by(database, ADMIN, lambda change: people.add(change, "ann", ["admin"]))
    by(database, ADMIN, lambda change: people.set_active(change, "ann", False))
    with pytest.raises(StoreError, match="only admin"):  # one who is disabled does not count
        by(database, ADMIN, lambda change: people.set_roles(change, "admin", []))
    by(database, ADMIN, lambda change: people.set_active(change, "ann", True))
    assert by(database, ADMIN, lambda change: people.set_roles(change, "admin", ["viewer"])).roles == ("viewer",)


@pytest.mark.parametrize(
    "what",
    [
        lambda change: people.add(change, "eve", ["admin"]),
        lambda change: people.set_roles(change, "ann", ["admin"]),
        lambda change: people.set_active(change, "ann", False),
        lambda change: people.reset_password(change, "ann"),
    ],
)
def test_only_an_admin_manages_people(database: Database, what: Callable[[Change], Any]) -> None:
    by(database, ADMIN, lambda change: people.add(change, "ann", ["viewer"]))
    for who in (
        Actor("eve", ("viewer", "labeller", "expert", "developer", "approver", "auditor")),
        Actor("eve", ("admin",), frozenset({"see models"})),
    ):
        with pytest.raises(NotAllowed):
            by(database, who, what)
    assert audit.head(database)[0] == 1


def test_users_come_in_pages(database: Database) -> None:
    for name in ("dora", "ann", "cleo", "ben"):
        with database.change(ADMIN, NOW) as change:
            people.add(change, name, ["viewer", "labeller"])
    assert [user.name for user in people.page(database, size=3)] == ["ann", "ben", "cleo"]
    (last,) = people.page(database, after="cleo")
    assert (last.name, last.roles) == ("dora", ("viewer", "labeller"))


@pytest.mark.parametrize(
    ("password", "told"),
    [
        ("short", "has 5 characters; expected 12 to 256"),
        ("x" * 257, "has 257 characters"),
        ("x" * 2000, "more than 1024 characters"),
        ("aaaaaaaaaaaaab", "fewer than five different"),
        ("I am called Annabel", "has the user's name in it"),
        ("half a character \ud800", "half a character"),
    ],
)
def test_a_bad_password_is_refused_without_being_repeated(password: str, told: str) -> None:
    with pytest.raises(InputError, match=told) as caught:
        passwords.hashed(Secret(password), "annabel")
    assert password not in str(caught.value)


def test_passwords_are_kept_as_argon2id_at_the_stated_cost(monkeypatch: pytest.MonkeyPatch) -> None:
    kept = passwords.hashed(Secret("three blind mice"))
    assert kept.kept.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert not kept.outdated()
    assert repr(kept) == "Hashed(…)"
    assert passwords.Hashed("$argon2id$v=19$m=8,t=1,p=1$c29tZXNhbHQ$c29tZWhhc2g").outdated()
    broken = passwords.Hashed("nonsense")
    assert not broken.matches(Secret("three blind mice")) and broken.outdated()


def test_one_password_typed_on_two_keyboards_is_one_password() -> None:
    assert passwords.hashed(Secret("cafe\u0301 au lait, two")).matches(Secret("café au lait, two"))
    assert not passwords.hashed(Secret("café au lait, two")).matches(Secret("cafe au lait, two"))


def test_one_time_passwords_differ_and_can_be_read_out() -> None:
    words = {passwords.one_time().reveal() for _ in range(100)}
    assert len(words) == 100
    assert all(len(word) == 23 and not set(word) & set("il1o0") for word in words)
