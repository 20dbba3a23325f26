"""People, tokens and the audit log on the machine itself."""

from __future__ import annotations

import contextlib
import datetime as dt
import json
import sqlite3
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

pytest.importorskip("sqlalchemy")

from camelopard.cli.main import main
from camelopard.server.home import DATABASE, Home
from camelopard.store import people, sessions, tokens
from camelopard.store.secret import Secret

Command = Callable[..., tuple[int, str, str]]
OWN = "a sentence that I keep"


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """Return the home of a server on which an admin and Ann, a developer, have passwords of their own."""
    with Home.open(tmp_path / "home") as home:
        word = people.first_admin(home.database, home.clock())
        assert word is not None
        session = sessions.sign_in(home.database, "admin", word, "", home.clock())
        session = sessions.change_password(home.database, session, word, Secret(OWN), "", home.clock())
        with home.database.change(session.actor, home.clock()) as change:
            people.add(change, "ann", ["developer"])
            people.set_password(change, people.held(change, "ann"), session.user.password, must_change=False)
    return tmp_path / "home"


@pytest.fixture
def command(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, place: Path) -> Command:
    def run(*words: str, home: Path | None = place) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["camelopard", *words, *(() if home is None else ("--home", str(home)))])
        with pytest.raises(SystemExit) as left:
            main()
        out, err = capsys.readouterr()
        return int(left.value.code or 0), out, err

    return run


def test_a_lost_admin_password_is_reset_on_the_machine(command: Command, place: Path) -> None:
    code, out, _ = command("people", "reset", "admin")
    word = out.split()[-1]
    with Home.open(place) as home:
        session = sessions.sign_in(home.database, "admin", Secret(word), "", home.clock())
    assert (code, session.user.must_change) == (0, True)


def test_people_are_added_changed_and_listed(command: Command) -> None:
    assert "one-time password of zoe" in command("people", "add", "Zoe", "viewer,labeller")[1]
    assert command("people", "roles", "zoe", "expert", "auditor")[1] == "zoe is now expert, auditor.\n"
    assert command("people", "disable", "zoe")[1] == "zoe is disabled.\n"
    assert "is disabled, and cannot sign in" in command("people", "reset", "zoe")[1]
    told = [json.loads(line) for line in command("people", "list", "--json")[1].splitlines()]
    assert [(one["name"], one["roles"], one["active"]) for one in told][-1] == ("zoe", ["expert", "auditor"], False)
    assert command("people", "enable", "zoe")[1] == "zoe is enabled.\n"
    assert "one-time password" in command("people", "list")[1]


def test_a_token_is_made_listed_and_revoked(command: Command, place: Path) -> None:
    code, out, _ = command("tokens", "make", "nightly", "--may", "ask models", "--may", "see models", "--of", "ann", "--days", "3")
    secret = Secret(out.splitlines()[0])
    with Home.open(place) as home:
        actor = tokens.actor(home.database, secret, home.clock())
        assert code == 0 and actor is not None and (actor.name, actor.may("ask models"), actor.may("change models")) == ("ann", True, False)
        (one,) = (json.loads(line) for line in command("tokens", "list", "--of", "ann", "--json")[1].splitlines())
        assert one["label"] == "nightly" and secret.reveal() not in str(one)
        assert "five seconds" in command("tokens", "revoke", one["id"])[1]
        assert tokens.actor(home.database, secret, home.clock() + dt.timedelta(seconds=1)) is None
    assert "revoked" in command("tokens", "list", "--of", "ann")[1]


def test_the_audit_log_is_listed_and_checked(command: Command, place: Path) -> None:
    command("people", "roles", "ann", "viewer")
    entry = json.loads(command("audit", "list", "--kind", "user", "--subject", "ann", "--limit", "1", "--json")[1])
    assert (entry["by"], entry["via"], entry["details"]) == ("camelopard", "command line", {"roles": [["developer"], ["viewer"]]})
    assert "roles changed" in command("audit", "list", "--action", "roles changed")[1]
    code, out, _ = command("audit", "verify", "--json")
    head = json.loads(out)["head"]
    assert code == 0 and command("audit", "verify", "--noted", head)[0] == 0
    with contextlib.closing(sqlite3.connect(place / DATABASE)) as behind_its_back, behind_its_back:
        for (guard,) in behind_its_back.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
            behind_its_back.execute(f"DROP TRIGGER {guard}")
        behind_its_back.execute("UPDATE audit SET actor = 'eve' WHERE number = 3")
    code, out, _ = command("audit", "verify")
    assert code == 1 and "broken at entry 3" in out


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (("people", "disable", "admin"), "only admin"),
        (("people", "add", "ann", "viewer"), "there is a user named 'ann'"),
        (("people", "roles", "ann", "king"), "no role named 'king'"),
        (("people", "reset", "bob"), "no user named 'bob'"),
        (("tokens", "make", "x", "--may", "approve versions", "--of", "ann"), "needs the role approver"),
        (("tokens", "make", "x", "--may", "see models", "--of", "ann", "--days", "0"), "expected 1 to 366"),
        (("audit", "verify", "--noted", "12"), "no head of a log"),
        (("audit", "list", "--action", "flown"), "no action named 'flown'"),
    ],
)
def test_wrong_use_is_one_line(command: Command, words: tuple[str, ...], why: str) -> None:
    code, out, err = command(*words)
    assert (code, out, err.count("\n")) == (2, "", 1) and why in err


def test_a_server_that_is_not_there_is_not_made(command: Command, tmp_path: Path) -> None:
    code, _, err = command("people", "list", home=tmp_path / "hme")
    assert code == 2 and "no server keeps its facts there" in err and not (tmp_path / "hme").exists()
    assert "Give the folder" in command("audit", "list", home=None)[2]
    code, _, err = command("audit", "verify", "--facts", f"sqlite:///{tmp_path / 'fcts.db'}", home=None)
    assert code == 2 and "there is no database" in err and not (tmp_path / "fcts.db").exists()
