"""Live traffic, as a page and by the API: what is listed, filtered, counted, and who sees it."""

from __future__ import annotations

import datetime as dt
import gzip
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from starlette.testclient import TestClient

pytest.importorskip("deltalake", reason="the log of verdicts needs deltalake: pip install 'camelopard[serve]'")

import camelopard as cp
from camelopard.server.home import Home
from camelopard.server.scoring.outcome import outcome
from camelopard.server.web.app import managed
from camelopard.store import people, tokens
from camelopard.store.log import VerdictLog
from camelopard.store.roles import Actor, Permission
from tests.server.visiting import Person, at_home, told

GOOD = {"age": 40, "hours": 40, "gain": 900.0}
WRONG = {"age": 1985, "hours": 40, "gain": 900.0}
HOSTILE = {"age": "<script>alert(1)</script>", "hours": 40, "gain": 900.0}
ODD = "Größe & 'Preis' 100 % \"<b>\""


@pytest.fixture
def home(tmp_path: Path, firewall: cp.Firewall) -> Iterator[Home]:
    with at_home(tmp_path, firewall) as made:
        yield from logging(made, "promotion")


def logging(home: Home, name: str) -> Iterator[Home]:
    """Yield a home whose model keeps a log."""
    served = home.served[name]
    assert home.verdicts is not None
    with VerdictLog(home.verdicts, flush_seconds=0.05) as log:
        served.judge.log, served.judge.name = log, name
        served.take(served.force.firewall)
        yield home


def judged(home: Home, rows: Sequence[Any], name: str = "promotion", *, ago: float = 0.0) -> list[str]:
    """Judge rows as a request does that came some seconds ago; return their ids."""
    served = home.served[name]
    now = home.clock() - dt.timedelta(seconds=ago)
    verdicts = served.force.firewall.screen(rows)
    said = outcome(verdicts, served.settings, f"{int(now.timestamp() * 1e6):013x}00000000")
    assert served.log is not None
    served.log.append(name, served.force.version, said.request, verdicts, rows, said.done, now)
    assert served.log.flush()
    return [f"{said.request}-{i}" for i in range(len(rows))]


def program(home: Home, *scopes: Permission) -> TestClient:
    """Return a program with a token of an admin."""
    with home.database.change(Actor.itself(), home.clock()) as change:
        people.add(change, "robot", ["admin", "developer"])
        people.set_password(change, people.held(change, "robot"), people.held(change, "robot").password, must_change=False)
    with home.database.change(Actor("robot", ("admin", "developer")), home.clock()) as change:
        _, secret = tokens.make(change, "robot", list(scopes), dt.timedelta(days=1))
    return TestClient(managed(home, ["testserver"]), headers={"authorization": f"Bearer {secret.reveal()}"})


def listed(page: str) -> list[str]:
    return re.findall(r'<tr data-id="([^"]+)"', page)


def test_the_newest_verdicts_come_first_on_the_page_and_by_the_api(home: Home) -> None:
    older, (newer, wrong) = judged(home, [GOOD], ago=60), judged(home, [GOOD, WRONG])
    ann = Person(home, "ann", "labeller")
    assert listed(ann.get("/traffic")) == [newer, wrong, *older]
    found = ann.client.get("/api/traffic").json()
    assert [one["id"] for one in found["verdicts"]] == [newer, wrong, *older] and found["next"] is None
    assert found["verdicts"][1]["reasons"][0]["field"] == "age" and "cells" not in found["verdicts"][1]


def test_filters_narrow_the_list_the_chart_and_the_api_alike(home: Home) -> None:
    good, wrong, missing = judged(home, [GOOD, WRONG, {"age": 40, "hours": None, "gain": 900.0}], ago=30)
    (old,) = judged(home, [WRONG], ago=90_000)
    ann = Person(home, "ann", "labeller")
    code = ann.client.get(f"/api/traffic/{wrong}").json()["verdict"]["reasons"][0]["code"]
    route = ann.client.get(f"/api/traffic/{wrong}").json()["verdict"]["route"]
    for query, ids in (
        ("route=pass", [good]),
        (f"route={route}&model=promotion", [wrong, old]),
        (f"reason={code}", [wrong, old]),
        (f"reason={code}&time=day", [wrong]),
        (f"since={(home.clock() - dt.timedelta(days=2)):%Y-%m-%d}&until={(home.clock() - dt.timedelta(hours=12)):%Y-%m-%dT%H:%M}", [old]),
        ("model=another", []),
        ("reason=nothing", []),
    ):
        page = ann.get(f"/traffic?{query}")
        assert listed(page) == ids, query
        assert [one["id"] for one in ann.client.get(f"/api/traffic?{query}").json()["verdicts"]] == ids
        assert ("No verdict fits" in page) == (not ids)
    assert missing in listed(ann.get("/models/promotion/traffic"))
    assert listed(ann.get(f"/models/promotion/traffic?reason={code}")) == [wrong, old]


def test_pages_lead_to_all_verdicts_once(home: Home) -> None:
    ids = judged(home, [GOOD] * 130)
    ann = Person(home, "ann", "labeller")
    found, address = list[str](), "/traffic?route=&reason="
    for _ in range(3):
        page = ann.get(address)
        found += listed(page)
        following = re.search(r'rel="next" href="([^"]+)"', page)
        address = following[1].replace("&amp;", "&") if following else ""
    assert address == "" and sorted(found) == sorted(id for id in ids if id in found) and len(set(found)) == 130
    last = ann.client.get("/api/traffic?size=100").json()
    assert len(ann.client.get(f"/api/traffic?size=100&before={last['next']}").json()["verdicts"]) == 30


def test_what_a_client_sent_is_shown_and_never_run(home: Home) -> None:
    (id,) = judged(home, [HOSTILE])
    ann = Person(home, "ann", "labeller")
    for path in ("/traffic", "/models/promotion/traffic", f"/traffic/{id}", "/traffic?reason=%3Cscript%3E&model=%22%3E%3Cscript%3E"):
        assert "<script>" not in ann.get(path)
    assert "&lt;script&gt;alert(1)" in ann.get("/traffic")


def test_only_who_may_see_rows_sees_traffic(home: Home) -> None:
    (id,) = judged(home, [WRONG])
    viewer, nobody = Person(home, "vera", "viewer"), TestClient(managed(home, ["testserver"]), follow_redirects=False)
    for path in ("/traffic", "/models/promotion/traffic", f"/traffic/{id}", "/traffic/stream"):
        assert viewer.client.get(path).status_code == 403
        assert nobody.get(path).status_code == 303
    for path in ("/api/traffic", "/api/traffic/counts", f"/api/traffic/{id}", f"/api/held/{id}"):
        assert viewer.client.get(path).status_code == 403
        assert nobody.get(path).status_code == 401
    assert "/traffic" not in viewer.get("/models")


def test_what_makes_no_sense_is_refused_with_what_does(home: Home) -> None:
    judged(home, [GOOD])
    ann = Person(home, "ann", "labeller")
    for query, word in (
        ("route=blocked", "expected pass, repair, review, block or unjudged"),
        ("time=year", "expected hour, day or month"),
        ("since=yesterday", "such as 2026-05-17"),
        ("since=2026-03-02&until=2026-03-01", "is not after"),
        ("until=0001-01-01", "such as 2026-05-17"),
        ("since=9999-12-31T23:59:59%2B00:01", "such as 2026-05-17"),
        ("before=xyz", "no place in the log"),
        (f"before={'a' * 500}", "no place in the log"),
        ("before=WzEsMiwzXQ", "no place in the log"),
        (f"reason={'x' * 70}", "at most 60"),
    ):
        assert word in ann.client.get(f"/api/traffic?{query}").json()["error"]
        assert word in told(ann.client.get(f"/traffic?{query}").text)
    for path in ("/api/traffic/1-1", "/api/held/1-1", "/api/traffic/x"):
        assert ann.client.get(path).json()["code"] == "not_found"
    assert ann.client.get("/models/nobody/traffic").status_code == 404


def test_where_nothing_is_logged_yet_the_page_says_how_it_begins(tmp_path: Path, firewall: cp.Firewall) -> None:
    with at_home(tmp_path, firewall) as home:
        ann = Person(home, "ann", "labeller")
        assert "No verdict is kept yet" in told(ann.get("/traffic"))
        assert "/models/promotion/predict" in ann.get("/models/promotion/traffic")
        assert "there is no log of verdicts" in ann.client.get("/api/traffic").json()["error"]


def test_a_model_of_any_name_has_its_traffic_and_its_verdicts(tmp_path: Path, firewall: cp.Firewall) -> None:
    with at_home(tmp_path, firewall, ODD) as made:
        for home in logging(made, ODD):
            (id,) = judged(home, [WRONG], ODD)
            ann = Person(home, "ann", "labeller")
            here = f"/models/{quote(ODD, safe='')}"
            page = ann.get(f"{here}/traffic")
            assert listed(page) == [id] and f'action="{here}/traffic"' in page
            assert f'href="{here}/traffic"' in ann.get(f"/traffic/{id}") and "<b>" not in page
            assert listed(ann.get(f"/traffic?model={quote(ODD)}")) == [id]


def test_rows_are_counted_over_time_by_route(home: Home) -> None:
    judged(home, [GOOD, GOOD, WRONG], ago=3_700)
    judged(home, [GOOD])
    ann = Person(home, "ann", "labeller")
    found = ann.client.get("/api/traffic/counts").json()
    assert found["step"] == "hour" and sum(sum(one["rows"].values()) for one in found["counts"]) == 4
    assert found["counts"][-1]["rows"] == {"pass": 1}
    assert ann.client.get("/api/traffic/counts?time=month").json()["step"] == "day"
    assert ann.client.get("/api/traffic/counts?time=hour").json()["step"] == "minute"
    assert sum(sum(one["rows"].values()) for one in ann.client.get("/api/traffic/counts?time=hour&step=day").json()["counts"]) == 1
    assert ann.client.get("/api/traffic/counts?step=year").status_code == 400
    page = ann.get("/traffic")
    assert page.count("<svg") == 2 and '<caption class="unseen">Rows by the hour' in page


def test_a_page_of_traffic_is_small(home: Home) -> None:
    judged(home, [WRONG, HOSTILE] * 40)
    page = Person(home, "ann", "labeller").get("/traffic?time=month")
    assert len(gzip.compress(page.encode())) < 12_000 and len(listed(page)) == 50


def test_a_program_asks_what_became_of_its_row_and_sees_nothing_else(home: Home) -> None:
    good, wrong = judged(home, [GOOD, WRONG])
    robot = program(home, "ask models")
    assert robot.get(f"/api/held/{good}").json()["state"] == "answered"
    said = robot.get(f"/api/held/{wrong}").json()
    assert said["state"] in ("withheld", "refused") and set(said) == {"ok", "id", "state", "time", "model", "route"}
    assert robot.get("/api/traffic").status_code == 403 and robot.get(f"/api/traffic/{wrong}").status_code == 403
