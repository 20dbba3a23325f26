"""Requests for one row that come together: each is told what it would have been told alone."""

from __future__ import annotations

import asyncio
import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import camelopard as cp
from camelopard.core.arrays import Array
from camelopard.firewall.overrides import Override
from camelopard.firewall.verdicts import Grounds, alone
from camelopard.server.gateway import Gateway
from camelopard.server.scoring import crowd
from camelopard.server.scoring import served as serving
from camelopard.server.scoring.served import Served
from camelopard.server.scoring.settings import Settings
from tests.server.conftest import CLASSES, Reply, people, shares, spoken

GOOD = {"age": 41.0, "hours": 38.0, "gain": 812.5}
MIXED: list[dict[str, Any]] = [
    GOOD,
    {"age": 1985.0, "hours": 2.0, "gain": 812.5},
    {"age": "41 years", "hours": 38.0, "gain": 812.5},
    {"age": None, "hours": None, "gain": None},
    {"gain": 300.0, "age": 30.0, "hours": 20.0},
    {"age": 77.0, "hours": 3.0, "gain": 12.25},
]


@pytest.fixture(autouse=True)
def always_quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a busy machine change nothing: what is slow is answered in threads."""
    monkeypatch.setattr(serving, "QUICK", 1e9)


class Seen:
    """A firewall that notes how many rows it is asked about at once; `most`: fails on more."""

    def __init__(self, sound: cp.Firewall, most: int = 1000) -> None:
        self.sound, self.most = sound, most
        self.sizes: list[int] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self.sound, name)

    def screen(self, X: Any) -> Any:
        self.sizes.append(len(X))
        if len(X) > self.most:
            raise MemoryError("no room")
        return self.sound.screen(X)


def served(firewall: Any, **settings: Any) -> tuple[Gateway, Seen]:
    """Return a gateway that has answered one request: before the first it is not known whether the model is quick."""
    seen = firewall if isinstance(firewall, Seen) else Seen(firewall)
    app = Gateway({"promotion": Served(seen, Settings(**settings))})  # type: ignore[arg-type]
    asyncio.run(spoken(app, "POST", "/predict", json.dumps(GOOD).encode()))
    seen.sizes.clear()
    return app, seen


def at_once(app: Gateway, rows: list[Any], path: str = "/predict") -> list[Reply]:
    async def all_of_them() -> list[Reply]:
        return await asyncio.gather(*(spoken(app, "POST", path, json.dumps(row).encode()) for row in rows))

    return asyncio.run(all_of_them())


def told(reply: Reply) -> dict[str, Any]:
    """Return what a client is told, without the id that no two requests share."""
    headers = {name: value for name, value in reply.headers.items() if name not in ("camelopard-request", "content-length")}
    return {"status": reply.status, **headers, "said": re.sub(rb'"id":"[^"]*"', b"", reply.body)}


def trusted(app: Gateway, seen: Seen, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let crowds be judged one way only, as most are after a while."""
    monkeypatch.setattr(crowd, "CHECKED", 0)
    at_once(app, [GOOD] * 32)
    assert seen.sizes == [32] + [1] * 32
    seen.sizes.clear()


def one_by_one(app: Gateway, rows: list[Any], path: str = "/predict") -> list[dict[str, Any]]:
    return [told(reply) for row in rows for reply in at_once(app, [row], path)]


def test_requests_that_come_together_are_judged_together_and_told_what_they_would_be_told_alone(
    firewall: cp.Firewall, monkeypatch: pytest.MonkeyPatch
) -> None:
    app, seen = served(firewall)
    trusted(app, seen, monkeypatch)
    rows = [MIXED[i % len(MIXED)] for i in range(16)]
    replies = at_once(app, rows)
    assert seen.sizes == [16]
    assert {reply.value["route"] for reply in replies} == {"pass", "repair", "review", "block"}
    assert [told(reply) for reply in replies] == one_by_one(app, rows)
    assert len({reply.headers["camelopard-request"] for reply in replies}) == 16
    assert app.models["promotion"].counts.judged == 1 + 32 + 16 + 16


def test_rows_of_the_open_inference_protocol_are_judged_together_too(firewall: cp.Firewall, monkeypatch: pytest.MonkeyPatch) -> None:
    app, seen = served(firewall)
    trusted(app, seen, monkeypatch)
    asked = [{"inputs": [{"name": "rows", "shape": [1, 3], "datatype": "FP64", "data": [float(20 + i), 38.0, 812.5]}]} for i in range(8)]
    path = "/v2/models/promotion/infer"
    replies = at_once(app, asked, path)
    assert seen.sizes == [8] and all(reply.status == 200 for reply in replies)
    ours = [{name: value for name, value in reply.value.items() if name != "id"}["outputs"] for reply in replies]
    assert ours == [reply.value["outputs"] for row in asked for reply in at_once(app, [row], path)]


def test_a_row_without_a_column_or_with_another_one_is_judged_by_itself(firewall: cp.Firewall) -> None:
    app, seen = served(firewall)
    odd = [{"hours": 38.0, "gain": 812.5}, {**GOOD, "shoe": 43}, [GOOD], "text", {"age": [1.0, 2.0], "hours": [3.0, 4.0], "gain": [5.0, 6.0]}]
    replies = at_once(app, [*odd, GOOD, GOOD])
    assert max(seen.sizes) == 2  # the table of two rows that one of them sent
    assert [told(reply) for reply in replies] == one_by_one(app, [*odd, GOOD, GOOD])
    assert "missing-column" in replies[0].headers["camelopard-reasons"]


class Sociable:
    """A model whose answers hang on how many rows it is asked about, as sums in another order do."""

    def __call__(self, rows: Any) -> Array:
        found = shares(rows)
        return found if len(rows) == 1 else found + np.array([[1e-12, -1e-12]])


def test_where_a_model_answers_otherwise_among_others_every_row_is_judged_alone() -> None:
    held = people(700, 1)
    truth = np.where(shares(held)[:, 1] > np.random.default_rng(2).random(700), "yes", "no")
    model = cp.wrap(Sociable(), name="promotion", task="classification", classes=list(CLASSES))
    app, seen = served(cp.Firewall(alpha=0.05, budget=12_000).fit(model, held, truth))
    rows = [{**GOOD, "age": 30.0 + i} for i in range(8)]
    replies = at_once(app, rows)
    assert seen.sizes[0] == 8 and set(seen.sizes[1:]) == {1}  # seen once, and never again
    seen.sizes.clear()
    again = at_once(app, rows)
    assert seen.sizes == [1] * 8
    expected = [told(reply) for row in rows for reply in at_once(app, [row])]
    assert [told(reply) for reply in replies] == [told(reply) for reply in again] == expected


@pytest.mark.parametrize(("failing", "status"), [("closed", 503), ("open", 200)])
def test_a_firewall_that_fails_on_many_judges_them_one_by_one(firewall: cp.Firewall, failing: str, status: int) -> None:
    app, seen = served(Seen(firewall, most=1), failing=failing)
    for sizes in ([6] + [1] * 6, [1] * 6):  # tried once, and never again
        assert [reply.value["route"] for reply in at_once(app, [GOOD] * 6)] == ["pass"] * 6
        assert seen.sizes == sizes
        seen.sizes.clear()
    assert app.models["promotion"].counts.failed == 0
    app, _ = served(Seen(firewall, most=0), failing=failing)
    assert {reply.status for reply in at_once(app, [GOOD] * 6)} == {status}
    assert app.models["promotion"].counts.failed == 1 + 6


class Panic(BaseException):
    """What no handler of errors expects, as compiled extensions raise it."""


@pytest.mark.parametrize("error", [RecursionError, Panic])
def test_whatever_happens_while_many_are_judged_nobody_waits_for_ever(
    firewall: cp.Firewall, monkeypatch: pytest.MonkeyPatch, error: type[BaseException]
) -> None:
    app, _ = served(firewall)
    gathering = app.models["promotion"]._in_force[1]

    def fails(verdicts: Any) -> bytes:
        raise error("in the middle of it")

    async def six() -> list[Reply]:
        asyncio.get_running_loop().set_exception_handler(lambda loop, context: None)
        return await asyncio.wait_for(asyncio.gather(*(spoken(app, "POST", "/predict", json.dumps(GOOD).encode()) for _ in range(6))), 30)

    monkeypatch.setattr(gathering, "_told", fails)
    assert [reply.status for reply in asyncio.run(six())] == [200] * 6
    assert app.at_once == 0


def test_one_after_the_other_nobody_waits_for_others_but_now_and_then(firewall: cp.Firewall) -> None:
    app, seen = served(firewall)
    gathering = app.models["promotion"]._in_force[1]
    waited = []
    for _ in range(200):
        waited.append(gathering.gathers())
        if waited[-1]:
            asyncio.run(gathering.judged([GOOD], "rows"))
    assert all(waited[: crowd.LONELY]) and sum(waited[crowd.LONELY :]) == pytest.approx((200 - crowd.LONELY) / crowd.LOOK, abs=1)
    for _ in range(2 * crowd.LOOK):  # and many at once are soon seen again
        at_once(app, [GOOD] * 16)
    assert max(seen.sizes) >= 12 and gathering.gathers()


def test_more_than_are_judged_at_once_have_the_next_turn(firewall: cp.Firewall, monkeypatch: pytest.MonkeyPatch) -> None:
    app, seen = served(firewall)
    trusted(app, seen, monkeypatch)
    monkeypatch.setattr(crowd, "MOST", 10)
    assert [reply.status for reply in at_once(app, [GOOD] * 25)] == [200] * 25
    assert seen.sizes == [10, 10, 5]


def test_who_leaves_while_waiting_disturbs_nobody(firewall: cp.Firewall) -> None:
    app, _ = served(firewall)

    async def some_leave() -> list[Any]:
        tasks = [asyncio.create_task(spoken(app, "POST", "/predict", json.dumps(GOOD).encode())) for _ in range(8)]
        await asyncio.sleep(0)
        for task in tasks[::2]:
            task.cancel()
        return await asyncio.gather(*tasks, return_exceptions=True)

    found = asyncio.run(some_leave())
    assert [isinstance(one, asyncio.CancelledError) for one in found] == [True, False] * 4
    assert all(reply.status == 200 for reply in found[1::2])


def test_what_was_judged_together_is_logged_each_by_itself_and_replays_to_the_byte(firewall: cp.Firewall, tmp_path: Path) -> None:
    pytest.importorskip("deltalake")
    from camelopard.store.log import VerdictLog
    from camelopard.store.log_reading import read
    from camelopard.store.log_replay import replay

    log = VerdictLog(tmp_path / "log")
    app = Gateway({"promotion": Served(firewall, Settings(), log=log)})
    at_once(app, [GOOD])
    replies = at_once(app, MIXED)
    log.close()
    kept = {row.id: row for row in read(tmp_path / "log")}
    for reply in replies:
        assert replay(kept[reply.headers["camelopard-request"] + "-0"], firewall).same


def test_the_verdict_on_one_row_of_many_is_that_on_the_row_alone(firewall: cp.Firewall) -> None:
    among = firewall.screen(MIXED)
    on_age = Override("review", column="age")
    for i, row in enumerate(MIXED):
        found, expected = alone(among, i), firewall.screen([row])
        assert found.to_dicts() == expected.to_dicts()
        ours, theirs = Grounds.of(found), Grounds.of(expected)
        for name in ("alarmed", "repairable", "unreadable", "held"):
            assert getattr(ours, name).tolist() == getattr(theirs, name).tolist()
        assert ours.fit(on_age).tolist() == theirs.fit(on_age).tolist()
        assert ours.tickets(7, np.arange(1)).tolist() == theirs.tickets(7, np.arange(1)).tolist()
        assert ours.doubts is not None and theirs.doubts is not None and ours.doubts().tolist() == theirs.doubts().tolist()
