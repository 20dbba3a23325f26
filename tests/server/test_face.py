"""The pages and the API behind the gateway: who gets in, and what every answer carries."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.testclient import TestClient

import camelopard as cp
from camelopard.server.gateway import Gateway
from camelopard.server.home import Home
from camelopard.server.management.enrolment import enrol
from camelopard.server.scoring.served import Served
from camelopard.server.scoring.settings import Settings
from camelopard.server.web.app import App, managed
from camelopard.store import people

OWN = "a sentence that I keep"
LAST: list[tuple[Home, App]] = []  # the home looked at last, and its application: making one takes a while


@pytest.fixture
def home(tmp_path: Path, firewall: cp.Firewall) -> Iterator[Home]:
    with Home.open(tmp_path / "home", served={"promotion": Served(firewall, Settings())}) as made:
        enrol(made, "promotion", firewall, made.clock())
        yield made


def browser(home: Home) -> TestClient:
    """Return a browser of its own; all that look at the same home ask the same application."""
    if not LAST or LAST[0][0] is not home:
        LAST[:] = [(home, managed(home, ["testserver"]))]
    return TestClient(LAST[0][1], follow_redirects=False)


def signed_in(home: Home) -> TestClient:
    """Return the browser of an admin who has a password of their own."""
    word = people.first_admin(home.database, home.clock())
    assert word is not None
    client = browser(home)
    before = field(client.get("/sign-in").text, "before")
    assert client.post("/sign-in", data={"before": before, "name": "admin", "password": word.reveal()}).headers["location"] == "/me/password"
    csrf = field(client.get("/me/password").text, "csrf")
    said = client.post("/me/password", data={"csrf": csrf, "old": word.reveal(), "new": OWN, "again": OWN})
    assert said.status_code == 303
    return client


def field(page: str, name: str) -> str:
    found = re.search(rf'name="{name}" value="([^"]+)"', page)
    assert found is not None
    return found[1]


def test_who_has_not_signed_in_is_asked_to_and_comes_back(home: Home) -> None:
    client = browser(home)
    assert client.get("/models?words=a").headers["location"] == "/sign-in?next=/models%3Fwords%3Da"
    told = client.get("/api/models")
    assert (told.status_code, told.json()["code"]) == (401, "sign_in_needed")


def test_a_served_model_is_in_the_inventory_with_its_version(home: Home) -> None:
    client = signed_in(home)
    page = client.get("/models").text
    assert "promotion" in page
    (model,) = client.get("/api/models").json()["models"]
    assert (model["name"], model["state"], model["version"]) == ("promotion", "draft", 1)


def test_a_one_time_password_lets_nobody_further_than_to_choose_another(home: Home) -> None:
    word = people.first_admin(home.database, home.clock())
    assert word is not None
    client = browser(home)
    before = field(client.get("/sign-in").text, "before")
    client.post("/sign-in", data={"before": before, "name": "admin", "password": word.reveal()})
    assert client.get("/models").headers["location"] == "/me/password"


def test_a_form_of_another_session_is_refused(home: Home) -> None:
    client = signed_in(home)
    assert client.post("/sign-out", data={"csrf": "0" * 64}).status_code == 403
    assert client.get("/models").status_code == 200
    csrf = field(client.get("/models").text, "csrf")
    assert client.post("/sign-out", data={"csrf": csrf}).headers["location"] == "/sign-in"
    assert client.get("/models").status_code == 303


def test_nobody_is_sent_to_another_site_after_signing_in(home: Home) -> None:
    page = browser(home).get("/sign-in?next=//elsewhere.example/").text
    assert field(page, "next") == "/"


def test_a_name_that_is_not_ours_is_refused(home: Home) -> None:
    client = browser(home)
    assert client.get("/sign-in", headers={"host": "elsewhere.example"}).status_code == 421
    assert client.get("/sign-in", headers={"host": "localhost:8080"}).status_code == 200


def test_every_answer_says_that_nothing_else_may_run_in_it(home: Home) -> None:
    for path in ("/sign-in", "/api/models", "/static/pages.css", "/nothing"):
        headers = browser(home).get(path).headers
        assert "default-src 'none'" in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff"
        assert ("no-store" in headers["cache-control"]) == (not path.startswith("/static"))


def test_the_gateway_hands_on_what_is_for_people_alone(home: Home) -> None:
    gateway = TestClient(Gateway(home.served, lambda: managed(home, ["testserver"])), follow_redirects=False)
    assert gateway.get("/", headers={"accept": "application/json"}).json()["server"] == "camelopard"
    assert gateway.get("/", headers={"accept": "text/html,*/*"}).headers["location"] == "/sign-in"
    assert gateway.post("/models/promotion/predict", json=[{"age": 40, "hours": 40, "gain": 900}]).json()["rows"][0]["prediction"] is not None
    assert gateway.get("/models/promotion").status_code in (303, 404)
