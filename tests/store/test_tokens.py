"""API tokens: for what they are made, for as long as they last, and no secret anywhere."""

from __future__ import annotations

import copy
import dataclasses
import datetime as dt
import logging
import pickle
import re
import traceback
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("sqlalchemy", reason="SQLAlchemy is not installed: pip install 'camelopard[serve]'")
pytest.importorskip("argon2", reason="argon2-cffi is not installed: pip install 'camelopard[serve]'")

from sqlalchemy import insert, select

from camelopard.core.errors import InputError, UnknownName
from camelopard.store import audit, people, sessions, tables, tokens
from camelopard.store.database import Database
from camelopard.store.errors import NotAllowed, SignInRefused, StoreError
from camelopard.store.roles import Actor, Permission
from camelopard.store.secret import Secret
from camelopard.store.tokens import Token
from tests.store.conftest import NOW

ADMIN = Actor("admin", ("admin",))
DAY = dt.timedelta(days=1)
HERE = "192.0.2.1"
WORD = Secret("correct horse battery")


def ann(database: Database, *roles: str) -> Actor:
    with database.change(ADMIN, NOW) as change:
        word = people.add(change, "ann", roles or ("developer",))  # type: ignore[arg-type]
    session = sessions.sign_in(database, "ann", word, HERE, NOW)
    return sessions.change_password(database, session, word, WORD, HERE, NOW).actor


def made(database: Database, who: Actor, *scopes: Permission, lasting: dt.timedelta = DAY) -> tuple[Token, Secret]:
    with database.change(who, NOW) as change:
        return tokens.make(change, "nightly", scopes or ("see models", "ask models"), lasting)


def test_a_token_acts_for_its_user_within_its_scopes(database: Database) -> None:
    token, secret = made(database, ann(database))
    assert re.fullmatch(f"camelopard_{token.id}_[A-Za-z0-9_-]{{43}}", secret.reveal())
    who = tokens.actor(database, Secret(secret.reveal()), NOW)
    assert who == Actor("ann", ("developer",), frozenset({"see models", "ask models"}), f"token {token.id}")
    assert who.may("ask models") and not who.may("change models") and not who.may("own tokens")


def test_a_token_is_listed_by_its_id_and_when_it_was_last_used(database: Database) -> None:
    token, secret = made(database, ann(database))
    assert tokens.of(database, "ann") == (token,)
    assert token.used_at is None
    for seconds in (0, 59, 61):
        tokens.actor(database, secret, NOW + dt.timedelta(seconds=seconds))
    (found,) = tokens.of(database, "Ann")
    assert found.used_at == NOW + dt.timedelta(seconds=61)


def test_a_token_is_good_for_nothing_once_it_is_past_revoked_or_its_user_is_not_there(database: Database) -> None:
    who = ann(database)
    token, secret = made(database, who)
    assert tokens.actor(database, secret, NOW + DAY) is None
    for wrong in (
        "",
        "camelopard_",
        f"camelopard_{token.id}_{'x' * 43}",
        f"camelopard_00000000_{secret.reveal()[20:]}",
        secret.reveal() + "x",
        "\ud800",
    ):
        assert tokens.actor(database, Secret(wrong), NOW) is None
    with database.change(ADMIN, NOW) as change:
        people.set_active(change, "ann", False)
    assert tokens.actor(database, secret, NOW) is None
    with database.change(ADMIN, NOW) as change:
        people.set_active(change, "ann", True)
        people.set_roles(change, "ann", ["viewer"])
    found = tokens.actor(database, secret, NOW)
    assert found is not None and not found.may("ask models")
    with database.change(who, NOW) as change:
        tokens.revoke(change, token.id)
        tokens.revoke(change, token.id)
    assert tokens.actor(database, secret, NOW) is None
    assert [entry.action for entry in audit.entries(database, on=("token", token.id))] == ["token revoked", "token made"]


def test_nobody_makes_a_token_for_more_than_they_may(database: Database) -> None:
    who = ann(database)
    with pytest.raises(NotAllowed, match="'manage people' needs the role admin"):
        made(database, who, "manage people")
    with pytest.raises(NotAllowed, match="no token is good for 'own tokens'"):
        made(database, Actor("ann", ("developer",), frozenset({"see models"})), "see models")
    with pytest.raises(UnknownName, match="no scope named 'see model'. Did you mean 'see models'"):
        made(database, who, "see model")  # type: ignore[arg-type]
    with pytest.raises(UnknownName, match="no scope named 'own tokens'"):
        made(database, who, "own tokens")
    with pytest.raises(InputError, match="a token without a scope"), database.change(who, NOW) as change:
        tokens.make(change, "", (), DAY)
    for lasting in (dt.timedelta(0), dt.timedelta(days=367)):
        with pytest.raises(InputError, match="up to 366 days"):
            made(database, who, lasting=lasting)


def test_somebody_elses_token_is_for_admins_to_revoke(database: Database) -> None:
    token, secret = made(database, ann(database))
    with pytest.raises(NotAllowed), database.change(Actor("eve", ("developer",)), NOW) as change:
        tokens.revoke(change, token.id)
    with pytest.raises(UnknownName, match="there is no token 'ffffffff'"), database.change(ADMIN, NOW) as change:
        tokens.revoke(change, "ffffffff")
    with database.change(ADMIN, NOW) as change:
        tokens.revoke(change, token.id)
    assert tokens.actor(database, secret, NOW) is None


def everything(database: Database) -> bytes:
    """Return all bytes that the database keeps."""
    if database.engine.dialect.name == "sqlite":
        return b"".join(path.read_bytes() for path in Path(database.where).parent.glob("facts.db*"))
    with database.reading() as connection:
        return repr([connection.execute(select(table)).all() for table in tables.METADATA.sorted_tables]).encode()


def test_no_secret_is_in_the_database_in_a_log_in_an_error_or_in_print(database: Database, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    first = people.first_admin(database, NOW)
    assert first is not None
    session = sessions.sign_in(database, "admin", first, HERE, NOW)
    session = sessions.change_password(database, session, first, WORD, HERE, NOW)
    with database.change(session.actor, NOW) as change:
        word = people.add(change, "ben", ["viewer"])
        again = people.reset_password(change, "ben")
        token, secret = tokens.make(change, "nightly", ["see models"], DAY)
    typed = Secret("hunter2 in the wrong field")
    tried = []
    for name, password in ((typed.reveal(), typed), ("admin", typed)):
        with pytest.raises(SignInRefused) as caught:
            sessions.sign_in(database, name, password, HERE, NOW)
        tried.append("".join(traceback.format_exception(caught.value)))
    row = {"id": token.id, "owner": "admin", "label": "", "hash": secret.digest(), "scopes": "", "made_at": NOW, "ends_at": NOW}
    with pytest.raises(StoreError, match="Nothing was changed") as failed, database._writing() as connection:
        connection.execute(insert(tables.tokens).values(**row))  # a second one of the same id
    told = "".join(traceback.format_exception(failed.value))
    shown = (
        repr((session, session.user, token, secret, word, f"{secret} {word!s:>30}", vars(session), session.actor))
        + told
        + caplog.text
        + "".join(tried)
    )
    kept = everything(database)
    assert b"nightly" in kept and "nightly" in shown
    for hidden in (first, WORD, word, again, secret, session.secret, session.csrf, typed):
        assert hidden.reveal().encode() not in kept
        assert hidden.reveal() not in shown
    assert secret.digest() not in shown and people.get(database, "admin").password.kept not in shown


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_a_secret_cannot_be_written_to_a_file_by_accident(database: Database) -> None:
    for way in (pickle.dumps, copy.deepcopy):
        with pytest.raises(TypeError, match="not written to files"):
            way(Secret("open sesame"))

    @dataclasses.dataclass
    class Holds:
        secret: Any

    with pytest.raises(TypeError, match="not written to files"):
        dataclasses.asdict(Holds(Secret("open sesame")))
    assert Secret("a") != "a" and len({Secret("a"), Secret("a")}) == 1
