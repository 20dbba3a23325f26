"""The gateway over plain JSON: what passes is answered, what does not is repaired, held or refused as the settings say."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

import camelopard as cp
from camelopard.core.errors import CamelopardError, UnknownName
from camelopard.core.records import Repair
from camelopard.server.gateway import Gateway
from camelopard.server.scoring.outcome import outcome
from camelopard.server.scoring.served import Served
from camelopard.server.scoring.settings import Settings
from tests.server.conftest import NAMES, Reply, people, speak, spoken

GOOD = {"age": 41.0, "hours": 38.0, "gain": 812.5}
BIRTH_YEAR = {"age": 1985.0, "hours": 2.0, "gain": 812.5}
IN_WORDS = {"age": "41 years", "hours": 38.0, "gain": 812.5}
NOTHING: dict[str, Any] = {"age": None, "hours": None, "gain": None}


def gateway(firewall: cp.Firewall, **settings: Any) -> Gateway:
    return Gateway({"promotion": Served(firewall, Settings(**settings))})


def judged(firewall: cp.Firewall, rows: Any, **settings: Any) -> Reply:
    return speak(gateway(firewall, **settings), "POST", "/predict", json.dumps(rows).encode())


def test_a_row_that_passes_is_answered_as_the_model_does_with_its_risk_beside(firewall: cp.Firewall) -> None:
    reply, verdict = judged(firewall, GOOD), firewall.screen([GOOD])
    assert reply.status == 200 and reply.value["route"] == "pass"
    assert reply.value["prediction"] == verdict.prediction[0]
    assert reply.value["risk"] == verdict.risk[0] and reply.value["confidence"] == verdict.confidence[0]
    assert list(reply.value["probabilities"]) == ["no", "yes"] and "reasons" not in reply.value
    assert reply.headers["camelopard-route"] == "pass"
    assert float(reply.headers["camelopard-risk"]) == pytest.approx(verdict.risk[0], rel=1e-5)


def test_a_damaged_row_is_answered_with_its_repair_and_says_so(firewall: cp.Firewall) -> None:
    reply, verdict = judged(firewall, IN_WORDS), firewall.screen([IN_WORDS])
    assert verdict.route[0] == "repair"
    repair = verdict.repair(0)
    assert repair is not None
    assert reply.status == 200 and reply.value["done"] == "repaired"
    assert reply.value["prediction"] == repair.prediction and reply.value["repair"]["changes"] == {"age": 41.0}
    assert reply.value["reasons"][0]["field"] == "age" and reply.value["reasons"][0]["observed"] == "41 years"
    assert reply.headers["camelopard-repair"] == '{"age":41}'


def test_only_an_answer_to_one_repaired_row_has_the_repair_in_its_headers(firewall: cp.Firewall) -> None:
    invoked = speak(gateway(firewall), "POST", "/invocations", json.dumps({"instances": [IN_WORDS]}).encode())
    assert invoked.headers["camelopard-repair"] == '{"age":41}'
    others = [
        judged(firewall, GOOD),
        judged(firewall, BIRTH_YEAR),
        judged(firewall, BIRTH_YEAR, on_review="answer"),
        judged(firewall, IN_WORDS, mode="shadow"),
        judged(firewall, [IN_WORDS, IN_WORDS]),
    ]
    assert [reply.headers.get("camelopard-repair") for reply in others] == [None] * 5


@pytest.mark.parametrize(
    "changes",
    [
        {"age\r\nset-cookie: a=b": "x\r\n\r\nHTTP/1.1 200 OK\x00\x7f\x85\u2028"},
        {"naïve 😀": 'quoted " and \\ Ω'},
        {"age": float("inf"), "gain": np.float64("nan"), "hours": 2**63},
    ],
)
def test_no_repair_ends_a_header(firewall: cp.Firewall, changes: dict[str, Any]) -> None:
    found = repaired(firewall, changes)
    assert found is not None and all(0x20 <= byte < 0x7F for byte in found)
    told = {name: value if isinstance(value, str) or value == 2**63 else None for name, value in changes.items()}
    assert json.loads(found) == told


def test_a_long_repair_is_in_the_body_alone(firewall: cp.Firewall) -> None:
    longest = 2000 - len('{"age":""}')
    assert repaired(firewall, {"age": "x" * longest}) is not None
    assert repaired(firewall, {"age": "x" * (longest + 1)}) is None
    assert repaired(firewall, {"age": "ä" * 400}) is None  # six characters each


def repaired(firewall: cp.Firewall, changes: dict[str, Any]) -> bytes | None:
    """Return the header of a row that was repaired so."""
    verdicts = replace(firewall.screen([IN_WORDS]), repair_of=lambda _: Repair(changes, "no"))
    return dict(outcome(verdicts, Settings(), "request").headers()).get(b"camelopard-repair")


def test_each_route_does_what_its_setting_says(firewall: cp.Firewall) -> None:
    assert judged(firewall, NOTHING).status == 422
    waiting = judged(firewall, BIRTH_YEAR)
    assert waiting.status == 202 and waiting.value["route"] == "review" and waiting.value["prediction"] is None
    assert waiting.value["id"] == waiting.headers["camelopard-request"] + "-0"
    own = judged(firewall, BIRTH_YEAR, on_review="answer")
    assert own.status == 200 and own.value["done"] == "answer" and own.value["prediction"] == firewall.screen([BIRTH_YEAR]).prediction[0]
    assert judged(firewall, BIRTH_YEAR, on_review="repaired").value["prediction"] != own.value["prediction"]
    assert judged(firewall, NOTHING, on_block="hold").status == 202 and judged(firewall, IN_WORDS, on_repair="refuse").status == 422


def test_where_the_model_has_no_answer_none_is_given(firewall: cp.Firewall) -> None:
    assert judged(firewall, IN_WORDS, on_repair="answer").status == 422  # the model cannot read the row as it is


def test_in_a_batch_only_what_is_stopped_is_withheld(firewall: cp.Firewall) -> None:
    reply = judged(firewall, [GOOD, NOTHING, GOOD])
    assert reply.status == 200 and [row["prediction"] is None for row in reply.value["rows"]] == [False, True, False]
    assert reply.headers["camelopard-withheld"] == "1" and reply.headers["camelopard-routes"] == "pass=2,repair=0,review=0,block=1"
    assert reply.headers["camelopard-route"] == "block"
    assert judged(firewall, [NOTHING, NOTHING]).status == 422


def test_shadow_answers_everything_as_the_model_does_and_says_what_would_be_done(firewall: cp.Firewall) -> None:
    reply = judged(firewall, [GOOD, BIRTH_YEAR, IN_WORDS, NOTHING], mode="shadow")
    assert reply.status == 200
    assert [row["route"] for row in reply.value["rows"]] == ["pass", "review", "repair", "block"]
    assert [row["prediction"] for row in reply.value["rows"]] == [*firewall.screen([GOOD, BIRTH_YEAR]).prediction.tolist(), None, None]


def test_switched_off_the_model_answers_alone(firewall: cp.Firewall) -> None:
    reply = judged(firewall, BIRTH_YEAR, mode="off")
    assert reply.status == 200 and reply.value["route"] == "unjudged" and reply.headers["camelopard-route"] == "unjudged"
    assert reply.value["prediction"] == firewall.screen([BIRTH_YEAR]).prediction[0]


def test_a_mirrored_request_is_answered_at_once_and_judged_later(firewall: cp.Firewall) -> None:
    app = gateway(firewall, mode="mirror")

    async def both() -> Reply:
        reply = await spoken(app, "POST", "/predict", json.dumps([GOOD, NOTHING]).encode())
        await app.models["promotion"].close()
        return reply

    assert asyncio.run(both()).status == 202
    assert app.models["promotion"].counts.rows == {"pass": 1, "repair": 0, "review": 0, "block": 1}


class Broken:
    """A firewall that fails, which a sound one does not."""

    def __init__(self, sound: cp.Firewall) -> None:
        self.sound = sound

    def __getattr__(self, name: str) -> Any:
        return getattr(self.sound, name)

    def screen(self, X: Any) -> Any:
        raise MemoryError("no room")


@pytest.mark.parametrize(("failing", "status"), [("closed", 503), ("open", 200)])
def test_when_the_firewall_itself_fails_the_setting_decides(firewall: cp.Firewall, failing: str, status: int) -> None:
    broken: Any = Broken(firewall)
    reply = judged(broken, GOOD, failing=failing)
    assert reply.status == status
    if failing == "closed":
        assert "MemoryError" in reply.value["error"] and "no room" not in reply.value["error"]
    else:
        assert reply.value["route"] == "unjudged" and reply.value["prediction"] == firewall.screen([GOOD]).prediction[0]


def test_more_at_once_than_is_set_are_told_to_come_back(firewall: cp.Firewall) -> None:
    app = gateway(firewall, most_at_once=2)
    app.at_once = 2
    reply = speak(app, "POST", "/predict", b"{}")
    assert reply.status == 503 and reply.headers["retry-after"] == "1"
    app.at_once = 0
    assert speak(app, "POST", "/predict", json.dumps(GOOD).encode()).status == 200 and app.at_once == 0


def test_what_takes_too_long_is_given_up(firewall: cp.Firewall) -> None:
    class Slow(Broken):
        def screen(self, X: Any) -> Any:
            time.sleep(0.3)
            return self.sound.screen(X)

    slow: Any = Slow(firewall)
    served = Served(slow, Settings(timeout=0.05))
    served._each = 1.0  # known to be slow: judged in a thread
    assert speak(Gateway({"promotion": served}), "POST", "/predict", json.dumps(GOOD).encode()).status == 504
    assert served.counts.late == 1


def test_a_gateway_whose_threads_are_all_stuck_says_that_it_is_not_ready_until_one_is_free(firewall: cp.Firewall) -> None:
    free = threading.Event()

    class Stuck(Broken):
        def screen(self, X: Any) -> Any:
            free.wait(10)
            return self.sound.screen(X)

    stuck: Any = Stuck(firewall)
    served = Served(stuck, Settings(timeout=0.05))
    served._each = 1.0
    app, ready = Gateway({"promotion": served}), "/v2/models/promotion/ready"
    for expected in (200, 200, 503):
        assert speak(app, "GET", "/v2/health/ready").status == speak(app, "GET", ready).status == expected
        assert speak(app, "POST", "/predict", json.dumps(GOOD).encode()).status == 504
    assert speak(app, "GET", "/v2/health/live").status == 200
    free.set()
    served._pool.shutdown(wait=True)
    assert speak(app, "GET", ready).value == {"name": "promotion", "ready": True}


@pytest.mark.parametrize(
    ("body", "status", "words"),
    [
        (b"", 400, "the body is empty"),
        (b"{", 400, "no JSON"),
        (b"\xff\xfe", 400, "no JSON"),
        (b"[" * 100_000, 400, "no JSON"),
        (b"7", 400, "this is a number"),
        (b'{"rows": 3}', 400, "'rows' holds a number"),
        (b'{"age": NaN}', 400, "no JSON"),
        (b"[]", 200, '"rows":[]'),
        (b"[1, null, []]", 422, "not a row"),
        (b'{"age": "\\ud800"}', 400, "no JSON"),
        (b'{"age": 1e999, "hours": 5}', 400, "no JSON"),
    ],
)
def test_what_cannot_be_read_is_told_in_words(firewall: cp.Firewall, body: bytes, status: int, words: str) -> None:
    reply = speak(gateway(firewall), "POST", "/predict", body)
    assert reply.status == status, reply.body
    assert words in reply.body.decode()


def test_bodies_are_bounded_however_they_come(firewall: cp.Firewall) -> None:
    app = gateway(firewall, most_bytes=1000, most_rows=3)
    assert speak(app, "POST", "/predict", b" " * 2000).status == 413
    assert speak(app, "POST", "/predict", headers={"content-length": "99999999999"}).status == 413
    assert speak(app, "POST", "/predict", parts=[b" " * 600, b" " * 600]).status == 413
    assert speak(app, "POST", "/predict", b"[{},{},{},{}]").status == 413
    assert speak(app, "POST", "/predict", b"{}", {"content-encoding": "gzip"}).status == 415
    assert speak(app, "POST", "/predict", parts=[]).status == 400
    halves = [json.dumps(GOOD).encode()[:9], json.dumps(GOOD).encode()[9:]]
    assert speak(app, "POST", "/predict", parts=halves).value["route"] == "pass"


def test_a_client_that_sends_too_slowly_is_let_go(firewall: cp.Firewall) -> None:
    app = gateway(firewall, timeout=0.05)

    async def slow() -> int:
        sent: list[Any] = []

        async def receive() -> dict[str, Any]:
            await asyncio.sleep(1)
            return {"type": "http.request", "body": b" ", "more_body": True}

        async def send(message: Any) -> None:
            sent.append(message)

        await app({"type": "http", "method": "POST", "path": "/predict", "headers": []}, receive, send)
        return int(sent[0]["status"])

    assert asyncio.run(slow()) == 408 and app.at_once == 0


def test_paths_and_methods_that_are_not_there_are_told(firewall: cp.Firewall) -> None:
    app = gateway(firewall)
    assert speak(app, "GET", "/nothing").status == 404
    assert speak(app, "GET", "/predict").status == 405 and speak(app, "POST", "/metrics").status == 405
    assert speak(app, "POST", "/models/other/predict", b"{}").value["error"].startswith("there is no model 'other'")
    assert speak(app, "POST", "/models/promotion/predict", json.dumps(GOOD).encode()).status == 200
    assert speak(app, "GET", "/").value["models"]["promotion"]["infer"] == "/v2/models/promotion/infer"


def test_metrics_count_what_went_through_in_few_series(firewall: cp.Firewall) -> None:
    app = gateway(firewall)
    for rows in ([GOOD, NOTHING], [IN_WORDS], 7):
        speak(app, "POST", "/predict", json.dumps(rows).encode())
    lines = speak(app, "GET", "/metrics").body.decode().splitlines()
    found = {line.rsplit(" ", 1)[0]: line.rsplit(" ", 1)[1] for line in lines if not line.startswith("#")}
    assert found['camelopard_rows_total{model="promotion",route="pass"}'] == "1"
    assert found['camelopard_rows_total{model="promotion",route="repair"}'] == "1"
    assert found['camelopard_requests_total{model="promotion"}'] == "3" and found['camelopard_requests_refused_total{model="promotion"}'] == "1"
    assert len(found) <= 15


def test_every_path_of_the_document_is_there(firewall: cp.Firewall) -> None:
    app = gateway(firewall)
    document = speak(app, "GET", "/openapi.json").value
    for path, item in document["paths"].items():
        for method in set(item) & {"get", "post"}:
            assert speak(app, method.upper(), path.replace("{name}", "promotion"), b"{}").status not in (404, 405, 500), path


def test_a_firewall_is_loaded_again_without_a_pause(firewall: cp.Firewall) -> None:
    other = firewall.with_policy(cp.Policy(accept=0.9999))

    async def both() -> tuple[Reply, Reply, bool]:
        served = Served(firewall, Settings(), again=lambda: other)
        app = Gateway({"promotion": served})
        before = await spoken(app, "POST", "/predict", json.dumps(GOOD).encode())
        await app.reload()
        after = await spoken(app, "POST", "/predict", json.dumps(GOOD).encode())
        served._again = lambda: cp.Firewall.load("nowhere.firewall")
        return before, after, await served.reload()

    before, after, again = asyncio.run(both())
    assert (before.status, after.status, again) == (200, 202, False)


def test_a_row_is_judged_as_screen_does_whatever_its_batch(firewall: cp.Firewall) -> None:
    rows = people(40, 9).assign(age=lambda t: np.where(np.arange(40) % 7 == 0, 1985.0, t["age"]))
    reply = judged(firewall, [[float(v) for v in row] for row in rows[list(NAMES)].to_numpy()], mode="shadow")
    verdicts = firewall.screen(rows)
    assert [row["risk"] for row in reply.value["rows"]] == verdicts.risk.tolist()
    assert [row["route"] for row in reply.value["rows"]] == verdicts.route.tolist()


def test_settings_and_names_are_checked_at_once(firewall: cp.Firewall) -> None:
    for wrong in ({"mode": "gaurd"}, {"on_block": "stop"}, {"failing": "half"}):
        with pytest.raises(UnknownName):
            Settings(**wrong)  # type: ignore[arg-type]
    for bad in ({"timeout": 0}, {"timeout": float("nan")}, {"timeout": True}, {"most_rows": 0}, {"most_at_once": 1.5}):
        with pytest.raises(CamelopardError):
            Settings(**bad)
    with pytest.raises(CamelopardError, match="part of a path"):
        Gateway({"a/b": Served(firewall, Settings())})
    with pytest.raises(CamelopardError, match="needs a model"):
        Gateway({})
    with pytest.raises(CamelopardError, match="with its model"):
        Served(cp.Firewall().fit(None, people(100, 3)), Settings())
    assert Settings.from_json(Settings(on_block="hold", timeout=3.5).to_json()) == Settings(on_block="hold", timeout=3.5)
