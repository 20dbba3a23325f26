"""A request is bounded by its bytes: what it claims to be costs nothing, what it is costs what it must, and nobody else waits for it."""

from __future__ import annotations

import asyncio
import json
import tracemalloc
from typing import Any

import numpy as np
import pytest

import camelopard as cp
from camelopard.server.gateway import READING, Gateway
from camelopard.server.scoring import served as serving
from camelopard.server.scoring.breaker import FAILURES, Breaker
from camelopard.server.scoring.served import Served
from camelopard.server.scoring.settings import Settings
from tests.server.conftest import people, speak, spoken

GOOD = {"age": 41.0, "hours": 38.0, "gain": 812.5}


@pytest.fixture(scope="module")
def pictures() -> Gateway:
    rng = np.random.default_rng(0)
    light = rng.uniform(0, 255, 300)
    images = np.clip(light[:, None, None] + rng.normal(0, 8, (300, 8, 8)), 0, 255).astype(np.uint8)
    model = cp.wrap(lambda x: (np.asarray(x, dtype=float).mean(axis=(1, 2)) > 128).astype(int), name="light", task="classification", classes=[0, 1])
    firewall = cp.Firewall(alpha=0.1, budget=2_000).fit(model, images, (light > 128).astype(int))
    return Gateway({"light": Served(firewall, Settings(on_review="answer"))})


@pytest.mark.parametrize(
    "given",
    [
        [[]],
        [[None, 1.0]],
        [[[1.0, 2.0], [3.0]]],
        [["", "x" * 1_000_000]],
        [["" for _ in range(800)] + ["x" * 1_000_000]],
        [[[[[[[1.0]]]]]]],
        [[1e308] * 64],
        [10**400],
        [np.full((8, 8), 3).tolist(), "no picture", None, {}],
    ],
    ids=["empty", "null", "ragged", "texts", "long-text", "deep", "flat", "huge", "mixed"],
)
def test_what_is_no_picture_is_a_refused_row_and_takes_no_room(pictures: Gateway, given: Any) -> None:
    body = json.dumps(given).encode()
    tracemalloc.start()
    reply = speak(pictures, "POST", "/predict", body)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert reply.status in (200, 400, 422), reply.body[:300]
    assert peak < 64 << 20


def test_pictures_and_their_repairs_can_be_told(pictures: Gateway) -> None:
    noisy = np.random.default_rng(1).integers(0, 256, (5, 8, 8))
    for one in (noisy.tolist(), np.full((1, 8, 8), 200).tolist(), [np.full((8, 8, 3), 9).tolist()], [np.zeros((1, 64)).tolist()]):
        assert speak(pictures, "POST", "/predict", json.dumps(one).encode()).status in (200, 202, 422)


@pytest.mark.parametrize("shape", [[10_000_000, 0], [10**9, 0], [0, 3, 0], [10**18] * 300, [2**60] * 100_000, [1] * 65, [0, 2**70]])
@pytest.mark.parametrize("datatype", ["FP64", "BYTES"])
def test_shapes_that_claim_much_are_refused_at_once(pictures: Gateway, shape: list[int], datatype: str) -> None:
    body = json.dumps({"inputs": [{"name": "x", "datatype": datatype, "shape": shape, "data": []}]}).encode()
    assert speak(pictures, "POST", "/v2/models/light/infer", body).status in (400, 413)


def test_many_inputs_and_many_rows_are_refused_before_anything_is_made_of_them(firewall: cp.Firewall) -> None:
    app = Gateway({"promotion": Served(firewall, Settings(most_rows=100))})
    inputs = [{"name": f"x{i}", "datatype": "FP64", "shape": [1], "data": [1]} for i in range(5000)]
    assert speak(app, "POST", "/v2/models/promotion/infer", json.dumps({"inputs": inputs}).encode()).status == 400
    length = {"inference-header-content-length": "9" * 5000}
    assert speak(app, "POST", "/v2/models/promotion/infer", b"{}", length).status == 400
    for body in (b"age,hours,gain\n" + b"1,1,1\n" * 101, b"age,hours,gain\n" + b"\n" * 5000):
        assert speak(app, "POST", "/invocations", body, {"content-type": "text/csv"}).status == 413
    many: list[Any] = [{"instances": [[]] * 101}, {"inputs": {"age": [1] * 101}}, {"dataframe_split": {"columns": [], "data": [[]] * 101}}]
    for given in many:
        assert speak(app, "POST", "/invocations", json.dumps(given).encode()).status == 413


def test_odd_cells_can_be_told(firewall: cp.Firewall) -> None:
    deep: Any = 1
    for _ in range(400):
        deep = [deep]
    cells: list[Any] = [deep, {"a": [1, {"b": None}]}, "\u202e", 10**30, [], True]
    for cell in cells:
        app = Gateway({"promotion": Served(firewall, Settings())})
        assert speak(app, "POST", "/predict", json.dumps([{**GOOD, "age": cell}]).encode()).status in (200, 202, 422)


def test_those_who_send_slowly_keep_nobody_from_being_answered(firewall: cp.Firewall) -> None:
    app = Gateway({"promotion": Served(firewall, Settings(most_at_once=2, timeout=5.0))})

    async def slow() -> None:
        async def receive() -> dict[str, Any]:
            await asyncio.sleep(60)
            return {"type": "http.request", "body": b"", "more_body": True}

        async def send(message: Any) -> None:
            pass

        await app({"type": "http", "method": "POST", "path": "/predict", "headers": []}, receive, send)

    async def all_of_them() -> tuple[int, int]:
        waiting = [asyncio.create_task(slow()) for _ in range(2 * READING - 1)]
        await asyncio.sleep(0.01)
        first = (await spoken(app, "POST", "/predict", json.dumps(GOOD).encode())).status
        waiting.append(asyncio.create_task(slow()))
        await asyncio.sleep(0.01)
        last = (await spoken(app, "POST", "/predict", json.dumps(GOOD).encode())).status
        for task in waiting:
            task.cancel()
        return first, last

    assert asyncio.run(all_of_them()) == (200, 503)


def test_the_first_request_and_large_ones_never_run_in_line(firewall: cp.Firewall, monkeypatch: pytest.MonkeyPatch) -> None:
    served = Served(firewall, Settings())
    app = Gateway({"promotion": served})
    threads: list[int] = []
    submit = served._pool.submit

    def counted(*given: Any) -> Any:
        threads.append(1)
        return submit(*given)

    monkeypatch.setattr(served._pool, "submit", counted)

    async def three() -> None:
        await spoken(app, "POST", "/predict", json.dumps(GOOD).encode())
        served._each = 0.0001
        await spoken(app, "POST", "/predict", json.dumps(GOOD).encode())
        await spoken(app, "POST", "/predict", json.dumps([GOOD] * 3000).encode())

    asyncio.run(three())
    assert len(threads) == 2 and len(json.dumps([GOOD] * 3000)) > serving.INLINE_BYTES


def test_of_many_rows_only_the_first_thousand_are_explained(firewall: cp.Firewall) -> None:
    app = Gateway({"promotion": Served(firewall, Settings())})
    rows = speak(app, "POST", "/predict", json.dumps([{"age": None, "hours": None, "gain": None}] * 1200).encode()).value["rows"]
    assert "reasons" in rows[999] and "reasons" not in rows[1000] and rows[1199]["route"] == "block" and rows[1199]["done"] == "refuse"


def test_what_a_model_says_when_it_fails_stays_within(firewall: cp.Firewall) -> None:
    def leaky(rows: Any) -> Any:
        raise RuntimeError(f"secret {rows['age'].tolist()}")

    held = people(300, 1)
    model = cp.wrap(lambda rows: (rows["age"] > 50).astype(int).to_numpy(), name="old", task="classification", classes=[0, 1])
    fitted = cp.Firewall(alpha=0.1, budget=3_000).fit(model, held, (held["age"] > 50).astype(int).to_numpy())
    fitted.model_ = cp.wrap(leaky, name="old", task="classification", classes=[0, 1])
    for path in ("/predict", "/invocations"):
        body = GOOD if path == "/predict" else {"instances": [GOOD]}
        assert b"secret" not in speak(Gateway({"old": Served(fitted, Settings())}), "POST", path, json.dumps(body).encode()).body


@pytest.mark.parametrize("mode", ["shadow", "off"])
def test_where_the_model_has_no_answer_none_is_made_up(mode: Any) -> None:
    held = people(300, 1)

    def old(rows: Any) -> Any:
        if rows["age"].isna().any():
            raise ValueError("no age")
        return (rows["age"] > 50).to_numpy()

    model = cp.wrap(old, name="old", task="classification", classes=[False, True])
    firewall = cp.Firewall(alpha=0.1, budget=3_000).fit(model, held, (held["age"] > 50).to_numpy())
    app = Gateway({"old": Served(firewall, Settings(mode=mode))})
    inputs = [{"name": n, "datatype": "FP64", "shape": [2], "data": [41.0, None if n == "age" else 30.0]} for n in ("age", "hours", "gain")]
    reply = speak(app, "POST", "/v2/models/old/infer", json.dumps({"inputs": inputs}).encode())
    assert reply.status == 422 and "no answer" in reply.value["error"] and "outputs" not in reply.value


def test_failures_side_by_side_make_one_pause_and_a_trial_that_fails_makes_the_next_longer() -> None:
    now = [0.0]
    breaker = Breaker(clock=lambda: now[0])
    for _ in range(FAILURES + 7):
        breaker.note(False)
    assert breaker.wait == 1
    now[0] = 1.1
    assert breaker.closed()
    breaker.note(False)
    assert breaker.wait == 2 and not breaker.closed()
