"""Tokens in front of the models: who may ask, in every protocol, and how soon a revoked one is good for nothing."""

from __future__ import annotations

import asyncio
import datetime as dt
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import camelopard as cp
from camelopard.server import admission
from camelopard.server.admission import Admission
from camelopard.server.exchange import Refused
from camelopard.server.gateway import Gateway
from camelopard.server.home import Home
from camelopard.server.scoring.served import Served
from camelopard.server.scoring.settings import Settings
from camelopard.store import people, tokens
from camelopard.store.errors import StoreError
from camelopard.store.roles import Actor, Permission, Role
from tests.server.conftest import Reply, speak, spoken

ROW = json.dumps([{"age": 41.0, "hours": 38.0, "gain": 812.5}]).encode()
TENSOR = {"name": "x", "datatype": "FP64", "shape": [1, 3], "data": [41, 38, 812.5]}


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    with Home.open(tmp_path / "home") as made:
        yield made


def token(home: Home, *scopes: Permission, role: Role = "developer", name: str = "ann") -> tuple[str, str]:
    """Return the id and the header of a new token of a new user."""
    with home.database.change(Actor.itself(), home.clock()) as change:
        people.add(change, name, [role])
        people.set_password(change, people.held(change, name), people.held(change, name).password, must_change=False)
    with home.database.change(Actor(name, (role,)), home.clock()) as change:
        made, secret = tokens.make(change, "a program", scopes, dt.timedelta(days=1))
    return made.id, f"Bearer {secret.reveal()}"


def gateway(home: Home, firewall: cp.Firewall, *, metrics: bool = False) -> Gateway:
    return Gateway({"promotion": Served(firewall, Settings(on_review="answer"))}, admission=Admission(home, metrics=metrics))


def ask(app: Gateway, path: str, method: str = "POST", header: str | None = None, body: bytes = ROW) -> Reply:
    return speak(app, method, path, body if method == "POST" else b"", {} if header is None else {"authorization": header})


def test_models_are_asked_with_a_token_in_every_protocol(home: Home, firewall: cp.Firewall) -> None:
    app, (_, good), (_, narrow) = gateway(home, firewall), token(home, "ask models"), token(home, "see models", name="ben")
    calls = {
        "/predict": ROW,
        "/models/promotion/predict": ROW,
        "/invocations": json.dumps({"dataframe_records": json.loads(ROW)}).encode(),
        "/models/promotion/invocations": json.dumps({"inputs": [[41, 38, 812.5]]}).encode(),
        "/v2/models/promotion/infer": json.dumps({"inputs": [TENSOR]}).encode(),
        "/v2/models/promotion/versions/1/infer": json.dumps({"inputs": [TENSOR]}).encode(),
    }
    for path, body in calls.items():
        none, bad, scoped, fine = (ask(app, path, "POST", header, body) for header in (None, good[:-1], narrow, good))
        assert (none.status, bad.status, scoped.status, fine.status) == (401, 401, 403, 200), path
        assert list(none.value) == ["error"] and none.headers["www-authenticate"] == "Bearer"
        assert "'ask models'" in scoped.value["error"]


def test_health_stays_open_and_what_names_models_does_not(home: Home, firewall: cp.Firewall) -> None:
    app, (_, good) = gateway(home, firewall), token(home, "ask models", "see models")
    for path in ("/v2", "/v2/health/live", "/v2/health/ready", "/health", "/ping", "/metrics", "/v2/models/promotion/ready"):
        assert ask(app, path, "GET").status == 200, path
    for path in ("/", "/v2/models/promotion"):
        assert (ask(app, path, "GET").status, ask(app, path, "GET", good).status) == (401, 200), path
    assert "promotion" not in ask(app, "/openapi.json", "GET").body.decode() + ask(app, "/v2/models/x/ready", "GET").body.decode()


def test_metrics_may_need_a_token_as_well(home: Home, firewall: cp.Firewall) -> None:
    app, (_, asks), (_, sees) = gateway(home, firewall, metrics=True), token(home, "ask models"), token(home, "see models", name="ben")
    assert [ask(app, "/metrics", "GET", header).status for header in (None, asks, sees)] == [401, 403, 200]
    assert ask(app, "/health", "GET").status == 200


BARE = "camelopard_00000000_"


@pytest.mark.parametrize(
    "header", ["Basic YTpi", "Bearer", "Bearer ", "bearer x", BARE + "a" * 43, "Bearer " + "a" * 10_000, f"Bearer {BARE}{'ä' * 43}"]
)
def test_what_is_no_token_lets_nobody_in(home: Home, firewall: cp.Firewall, header: str) -> None:
    assert ask(gateway(home, firewall), "/predict", header=header.encode("latin-1", "replace").decode("latin-1")).status == 401


def test_a_session_asks_no_models(home: Home, firewall: cp.Firewall) -> None:
    assert speak(gateway(home, firewall), "POST", "/predict", ROW, {"cookie": "camelopard=x"}).status == 401


def test_a_revoked_token_is_good_for_nothing_after_five_seconds(home: Home) -> None:
    (name, good), now = token(home, "ask models"), [0.0]
    doors = Admission(home, clock=lambda: now[0])

    def allowed() -> bool:
        try:
            asyncio.run(doors.must({b"authorization": good.encode()}, "ask models"))
        except Refused as error:
            assert error.status == 401
            return False
        return True

    assert allowed()
    with home.database.change(Actor.itself(), home.clock()) as change:
        tokens.revoke(change, name)
    now[0] = admission.KEPT - 0.01
    assert allowed()
    now[0] = admission.KEPT
    assert not allowed() and not allowed()


def test_many_requests_with_one_token_ask_the_database_once(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    (_, good), looks, real = token(home, "ask models"), [], tokens.actor

    def counted(*given: Any) -> Actor | None:
        looks.append(1)
        return real(*given)

    monkeypatch.setattr(tokens, "actor", counted)
    doors = Admission(home)

    async def many() -> None:
        await asyncio.gather(*(doors.must({b"authorization": good.encode()}, "ask models") for _ in range(50)))
        await doors.must({b"authorization": good.encode()}, "ask models")

    asyncio.run(many())
    assert len(looks) == 1


def test_a_flood_of_guesses_is_turned_away_before_it_fills_anything(home: Home) -> None:
    doors = Admission(home)

    async def flood() -> list[int]:
        async def guess(i: int) -> int:
            try:
                await doors.must({b"authorization": f"Bearer camelopard_{i:08x}_{'a' * 43}".encode()}, "ask models")
            except Refused as error:
                return error.status
            return 200

        return await asyncio.gather(*(guess(i) for i in range(3 * admission.AT_ONCE)))

    statuses = asyncio.run(flood())
    assert (statuses.count(401), statuses.count(503)) == (admission.AT_ONCE, 2 * admission.AT_ONCE)
    assert not doors._known and not doors._asked


def test_where_tokens_cannot_be_looked_up_nobody_gets_in(home: Home, firewall: cp.Firewall, monkeypatch: pytest.MonkeyPatch) -> None:
    _, good = token(home, "ask models")

    def broken(*_: Any) -> Actor | None:
        raise StoreError("the disk is gone: /secret/place")

    monkeypatch.setattr(tokens, "actor", broken)
    reply = ask(gateway(home, firewall), "/predict", header=good)
    assert reply.status == 503 and reply.headers["retry-after"] == "1" and "secret" not in reply.body.decode()


def test_who_is_refused_is_counted_and_their_rows_are_not_read(home: Home, firewall: cp.Firewall) -> None:
    app = gateway(home, firewall)

    async def one() -> int:
        return (await spoken(app, "POST", "/predict", b"x" * 100)).status

    assert asyncio.run(one()) == 401
    counts = app.models["promotion"].counts
    assert (counts.requests, counts.refused, counts.judged) == (1, 1, 0)
