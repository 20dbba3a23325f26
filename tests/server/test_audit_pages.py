"""The audit log on the pages and by the API: found, paged, linked, and checked."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from camelopard.server.home import DATABASE, Home
from camelopard.server.management import auditing
from camelopard.store import audit, inventory
from camelopard.store.roles import Actor
from tests.server.test_face import browser, signed_in

ODD = 'böse 100% "so"'


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    with Home.open(tmp_path / "home") as made:
        yield made


def models(home: Home, *names: str) -> None:
    with home.database.change(Actor("ann", ("developer",), None, "token 1f2e3d4c"), home.clock()) as change:
        for name in names:
            inventory.add(change, name, owner="team", purpose="To try.", exposure=1, consequence=2)


def test_entries_come_newest_first_with_links_to_what_they_are_about(home: Home) -> None:
    client = signed_in(home)
    models(home, ODD)
    page = client.get("/audit").text
    assert page.index("model added") < page.index("password changed")
    assert 'href="/models/b%C3%B6se%20100%25%20%22so%22"' in page and 'href="/people/admin"' in page and "token 1f2e3d4c" in page


def test_a_change_is_told_as_what_was_and_what_became_of_it(home: Home) -> None:
    client = signed_in(home)
    models(home, "income")
    with home.database.change(Actor.itself(), home.clock()) as change:
        inventory.edit(change, "income", owner="somebody else")
    assert "team → somebody else" in client.get("/audit").text


def test_entries_are_found_by_who_what_and_of_what(home: Home) -> None:
    client = signed_in(home)
    models(home, "income", "churn", ODD)
    assert [one["subject"] for one in client.get("/api/audit", params={"who": "ANN"}).json()["entries"]] == [ODD, "churn", "income"]
    assert {one["by"] for one in client.get("/api/audit", params={"action": "signed in"}).json()["entries"]} == {"admin"}
    (one,) = client.get("/api/audit", params={"kind": "model", "subject": ODD}).json()["entries"]
    assert one["details"]["owner"] == "team" and len(one["hash"]) == 64
    page = client.get("/audit", params={"kind": "model", "subject": ODD}).text
    assert "model added" in page and ">churn<" not in page and "Show all" in page
    assert "No entry is so" in client.get("/audit", params={"who": "zoe"}).text
    for wrong in ({"kind": "model"}, {"subject": "income"}, {"action": "flown"}, {"kind": "bird", "subject": "x"}, {"before": 0}):
        assert client.get("/audit", params=wrong).status_code == 400
        assert client.get("/api/audit", params=wrong).status_code == 400


def test_pages_follow_each_other_without_a_gap(home: Home) -> None:
    client = signed_in(home)
    models(home, *(f"m{i:03}" for i in range(60)))
    seen, before = [], None
    while True:
        page = client.get("/api/audit", params={"size": 25, **({} if before is None else {"before": before})}).json()
        seen += [one["number"] for one in page["entries"]]
        before = page["next"]
        if before is None:
            break
    assert seen == list(range(audit.head(home.database)[0], 0, -1))
    first = client.get("/audit").text
    assert "Older entries" in first and f"before={seen[49]}" in first
    assert "The log begins here" in client.get("/audit?before=1").text


def test_the_log_is_whole_until_somebody_writes_into_it(home: Home, tmp_path: Path) -> None:
    client = signed_in(home)
    models(home, "income")
    head = client.get("/api/audit/head").json()["head"]
    assert head in client.get("/audit").text
    assert "Yes. All" in client.get("/audit/verify").text and "is among them" in client.get("/audit/verify", params={"noted": head}).text
    assert client.get("/api/audit/verify", params={"noted": head}).json()["whole"] is True
    with contextlib.closing(sqlite3.connect(tmp_path / "home" / DATABASE)) as behind_its_back, behind_its_back:
        for (guard,) in behind_its_back.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
            behind_its_back.execute(f"DROP TRIGGER {guard}")
        behind_its_back.execute("UPDATE audit SET details = '{}' WHERE number = 2")
    told = client.get("/api/audit/verify").json()
    assert (told["ok"], told["whole"], told["broken"]) == (True, False, 2)
    page = client.get("/audit/verify").text
    assert "No. It is broken at" in page and "before=3" in page


def test_a_head_that_is_none_is_refused_in_words(home: Home) -> None:
    client = signed_in(home)
    for noted in ("12", "x:" + "0" * 64, "12:" + "z" * 64, "²:" + "0" * 64, ":"):
        said = client.get("/audit/verify", params={"noted": noted})
        assert said.status_code == 400 and "its number, a colon" in said.text
    other = client.get("/api/audit/verify", params={"noted": "1:" + "0" * 64}).json()
    assert (other["whole"], other["broken"]) == (False, 1)


def test_the_log_is_checked_for_one_at_a_time(home: Home) -> None:
    client = signed_in(home)
    with auditing._CHECKING:
        told = client.get("/api/audit/verify")
    assert (told.status_code, told.headers["retry-after"]) == (503, "5")
    assert client.get("/api/audit/verify").status_code == 200


def test_nobody_else_reads_it(home: Home) -> None:
    assert browser(home).get("/api/audit").status_code == 401
    assert browser(home).get("/audit/verify").headers["location"] == "/sign-in?next=/audit/verify"
