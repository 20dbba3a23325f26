"""Signing in, and what stops those who guess."""

from __future__ import annotations

import datetime as dt
import threading

import pytest

pytest.importorskip("sqlalchemy", reason="SQLAlchemy is not installed: pip install 'camelopard[serve]'")
pytest.importorskip("argon2", reason="argon2-cffi is not installed: pip install 'camelopard[serve]'")

from argon2 import PasswordHasher
from sqlalchemy import func, select

from camelopard.core.errors import InputError
from camelopard.store import audit, limits, passwords, people, sessions, tables
from camelopard.store.database import Database
from camelopard.store.errors import NotAllowed, SignInRefused
from camelopard.store.roles import Actor
from camelopard.store.secret import Secret
from tests.store.conftest import NOW

ADMIN = Actor("admin", ("admin",))
HERE = "192.0.2.1"
WORD = Secret("correct horse battery")
MINUTE = dt.timedelta(minutes=1)


def ann(database: Database, *roles: str) -> sessions.Session:
    """Add ann, who has changed her password, and return her session."""
    with database.change(ADMIN, NOW) as change:
        word = people.add(change, "ann", roles or ("viewer",))  # type: ignore[arg-type]
    session = sessions.sign_in(database, "ann", word, HERE, NOW)
    return sessions.change_password(database, session, word, WORD, HERE, NOW)


def count(database: Database) -> int:
    with database.reading() as connection:
        return int(connection.execute(select(func.count()).select_from(tables.sessions)).scalar_one())


def test_who_signs_in_is_known_until_they_sign_out(database: Database) -> None:
    ann(database)
    session = sessions.sign_in(database, " Ann ", WORD, HERE, NOW)
    found = sessions.current(database, Secret(session.secret.reveal()), NOW + MINUTE)
    assert found is not None
    assert (found.user.name, found.actor, found.csrf) == ("ann", Actor("ann", ("viewer",), None, "session"), session.csrf)
    sessions.sign_out(database, session, NOW)
    assert sessions.current(database, session.secret, NOW) is None
    assert [entry.action for entry in audit.entries(database, on=("user", "ann"), size=2)] == ["signed out", "signed in"]


def test_a_session_ends_when_idle_and_in_any_case(database: Database) -> None:
    session = ann(database)
    assert sessions.current(database, session.secret, NOW + 59 * MINUTE) is not None
    assert sessions.current(database, session.secret, NOW + 118 * MINUTE) is not None
    assert sessions.current(database, session.secret, NOW + 178 * MINUTE) is None
    session = sessions.sign_in(database, "ann", WORD, HERE, NOW)
    for minutes in range(0, 720, 50):
        assert sessions.current(database, session.secret, NOW + minutes * MINUTE) is not None
    assert sessions.current(database, session.secret, NOW + 720 * MINUTE) is None


def test_past_sessions_are_cleared_away(database: Database) -> None:
    ann(database)
    sessions.sign_in(database, "ann", WORD, HERE, NOW + 2 * sessions.LONGEST)
    assert count(database) == 1


def test_an_unknown_name_a_wrong_password_and_a_disabled_user_are_told_alike(database: Database) -> None:
    ann(database)
    with database.change(ADMIN, NOW) as change:
        people.add(change, "ben", ["viewer"])
        people.set_active(change, "ben", False)
    told = set()
    for name, word in (("eve", WORD), ("ann", Secret("wrong horse battery")), ("ben", WORD), ("no name!", WORD), ("\ud800", Secret("\ud800"))):
        with pytest.raises(SignInRefused) as caught:
            sessions.sign_in(database, name, word, HERE, NOW)
        told.add((str(caught.value), caught.value.retry_after))
    assert told == {(sessions.WRONG, 0)}


def test_an_unknown_name_costs_as_many_hashes_as_a_known_one(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    ann(database)
    passwords.nobody()
    asked: list[str] = []
    real = passwords.HASHER

    class Counting:
        def verify(self, kept: str, text: str) -> bool:
            asked.append(text)
            return real.verify(kept, text)

        def check_needs_rehash(self, kept: str) -> bool:
            return False

    monkeypatch.setattr(passwords, "HASHER", Counting())
    for name in ("ann", "eve", "not a name"):
        with pytest.raises(SignInRefused):
            sessions.sign_in(database, name, Secret("wrong horse battery"), HERE, NOW)
        assert len(asked) == 1
        del asked[:]


def test_failures_are_in_the_audit_log_without_names_that_may_be_passwords(database: Database) -> None:
    ann(database)
    for name in ("ann", "hunter2hunter2"):
        with pytest.raises(SignInRefused):
            sessions.sign_in(database, name, Secret("wrong horse battery"), HERE, NOW)
    found = audit.entries(database, action="sign-in failed")
    assert [(entry.by, entry.subject, entry.told) for entry in found] == [
        ("nobody", "unknown", {"address": HERE}),
        ("nobody", "ann", {"address": HERE}),
    ]


def refused(database: Database, name: str, address: str, now: dt.datetime = NOW) -> int:
    with pytest.raises(SignInRefused) as caught:
        sessions.sign_in(database, name, Secret("wrong horse battery"), address, now)
    return caught.value.retry_after


def test_guessing_ends_after_ten_tries_for_a_quarter_of_an_hour(database: Database) -> None:
    ann(database)
    assert [refused(database, "ann", HERE) for _ in range(10)] == [0] * 10
    assert refused(database, "ann", HERE, NOW + MINUTE) == 14 * 60
    with pytest.raises(SignInRefused, match=r"too many attempts to sign in\. Come back in 15 minutes"):  # the right password as well
        sessions.sign_in(database, "ann", WORD, HERE, NOW)
    assert sessions.sign_in(database, "ann", WORD, "198.51.100.9", NOW).user.name == "ann"  # she herself, elsewhere
    assert sessions.sign_in(database, "ann", WORD, HERE, NOW + 15 * MINUTE).user.name == "ann"


def test_one_address_cannot_try_many_users_and_many_addresses_cannot_try_one(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    assert limits.LIMITS == {"user and address": 10, "address": 50, "user": 100}
    monkeypatch.setattr(limits, "LIMITS", {"user and address": 2, "address": 5, "user": 8})
    for i in range(5):
        limits.attempt(database, f"user {i}", "2001:db8::1", NOW)
    with pytest.raises(SignInRefused):
        limits.attempt(database, "another", "2001:db8::2", NOW)  # the same network
    limits.attempt(database, "another", "2001:db8:1::2", NOW)
    for i in range(8):
        limits.attempt(database, "ann", f"198.51.100.{i}", NOW)
    with pytest.raises(SignInRefused):
        limits.attempt(database, "ann", "203.0.113.1", NOW)


def test_who_signs_in_often_and_rightly_is_never_refused(database: Database) -> None:
    ann(database)
    for _ in range(11):
        sessions.sign_in(database, "ann", WORD, HERE, NOW)
    with database.reading() as connection:
        assert set(connection.execute(select(tables.attempts.c.count)).scalars()) == {0}


def test_attempts_at_the_same_time_are_all_counted(database: Database) -> None:
    passed: list[int] = []

    def tries() -> None:
        for _ in range(5):
            try:
                limits.attempt(database, "ann", HERE, NOW)
                passed.append(1)
            except SignInRefused:
                pass

    workers = [threading.Thread(target=tries) for _ in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert len(passed) == 10


def test_a_changed_password_ends_all_sessions_but_the_one_that_comes_back(database: Database) -> None:
    first = ann(database)
    second = sessions.sign_in(database, "ann", WORD, HERE, NOW)
    third = sessions.change_password(database, second, WORD, Secret("quite another sentence"), HERE, NOW)
    assert [sessions.current(database, s.secret, NOW) is not None for s in (first, second, third)] == [False, False, True]
    with pytest.raises(SignInRefused):
        sessions.sign_in(database, "ann", WORD, HERE, NOW)


def test_an_open_page_is_no_way_to_guess_the_password(database: Database) -> None:
    session = ann(database)
    for _ in range(10):
        with pytest.raises(SignInRefused, match="the old password is not right"):
            sessions.change_password(database, session, Secret("wrong horse battery"), Secret("a new one for me"), HERE, NOW)
    with pytest.raises(SignInRefused, match="too many attempts"):
        sessions.change_password(database, session, WORD, Secret("a new one for me"), HERE, NOW)


def test_a_new_password_that_is_bad_or_the_old_one_changes_nothing(database: Database) -> None:
    session = ann(database)
    for new, told in ((WORD, "is the old one"), (Secret("short"), "expected 12 to 256")):
        with pytest.raises(InputError, match=told):
            sessions.change_password(database, session, WORD, new, HERE, NOW)
    assert sessions.current(database, session.secret, NOW) is not None


def test_a_disabled_user_and_a_reset_password_end_sessions_at_once(database: Database) -> None:
    session = ann(database)
    with database.change(ADMIN, NOW) as change:
        people.reset_password(change, "ann")
    assert sessions.current(database, session.secret, NOW) is None
    assert people.get(database, "ann").must_change
    with database.change(ADMIN, NOW) as change:
        people.set_active(change, "ann", False)
        people.set_active(change, "ann", True)
    assert sessions.current(database, session.secret, NOW) is None


def test_roles_that_are_taken_away_are_gone_with_the_next_request(database: Database) -> None:
    session = ann(database, "developer")
    with database.change(ADMIN, NOW) as change:
        people.set_roles(change, "ann", ["viewer"])
    found = sessions.current(database, session.secret, NOW)
    assert found is not None and found.actor.roles == ("viewer",)


def test_a_form_of_another_session_or_of_none_is_refused(database: Database) -> None:
    mine, other = ann(database), sessions.sign_in(database, "ann", WORD, HERE, NOW)
    mine.checked(mine.csrf.reveal())
    for csrf in ("", "x", other.csrf.reveal(), mine.secret.reveal(), "\ud800"):
        with pytest.raises(NotAllowed, match="this form is not of this session"):
            mine.checked(csrf)


def test_a_password_of_a_lower_cost_is_hashed_again_at_sign_in(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    ann(database)
    monkeypatch.setattr(passwords, "HASHER", PasswordHasher(time_cost=2, memory_cost=16, parallelism=1))
    sessions.sign_in(database, "ann", WORD, HERE, NOW)
    assert people.get(database, "ann").password.kept.startswith("$argon2id$v=19$m=16,t=2,p=1$")
    sessions.sign_in(database, "ann", WORD, HERE, NOW)
