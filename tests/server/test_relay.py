"""Behind a gateway in shadow, or switched off, clients of another server get that server's own bytes."""

from __future__ import annotations

import asyncio
import json
import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import camelopard as cp
from camelopard.core.errors import CamelopardError
from camelopard.models.binary_tensors import cells, packed, unpacked
from camelopard.models.http_line import Calls
from camelopard.models.http_model import http_model
from camelopard.models.http_protocols import Inference
from camelopard.server.gateway import Gateway
from camelopard.server.scoring.served import Served
from camelopard.server.scoring.settings import Settings
from camelopard.store.log import VerdictLog
from camelopard.store.log_reading import read
from tests.server.conftest import CLASSES, NAMES, Reply, shares, speak, spoken

INFER = "/v2/models/promotion/infer"
LENGTH = "inference-header-content-length"
METADATA: dict[str, Any] = {
    "name": "theirs",
    "platform": "somebody's",
    "inputs": [{"name": "x", "datatype": "FP64", "shape": [-1, 3]}],
    "outputs": [{"name": "probabilities", "datatype": "FP64", "shape": [-1, 2]}, {"name": "explained", "datatype": "BYTES", "shape": [-1]}],
}
GOOD, BIRTH_YEAR = [41.0, 38.0, 812.5], [1985.0, 2.0, 812.5]
Answer = Callable[["Handler"], None]


class Handler(BaseHTTPRequestHandler):
    """A server of the Open Inference Protocol and of MLflow, with ways of its own: white space, an output that nobody else has."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: Upstream

    def do_GET(self) -> None:
        self.send(json.dumps(METADATA, indent=3).encode(), self.server.metadata)

    def do_POST(self) -> None:
        self.body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.bodies.append(self.body)
        self.server.seen.append({name.lower(): value for name, value in self.headers.items()})
        self.server.answer(self)

    def send(self, body: bytes, status: int = 200, headers: Mapping[str, str] | None = None) -> None:
        self.send_response(status)
        given = {"content-type": "application/json; charset=utf-8", "x-theirs": "1", **(headers or {})}
        for name, value in {"content-length": str(len(body)), **given}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def drop(self) -> None:
        self.close_connection = True
        self.connection.shutdown(socket.SHUT_RDWR)

    def log_message(self, *words: object) -> None: ...


def rows_of(request: dict[str, Any]) -> pd.DataFrame:
    if "dataframe_split" in request:
        return pd.DataFrame(request["dataframe_split"]["data"], columns=list(NAMES))
    (tensor,) = request["inputs"]
    return pd.DataFrame(np.array(tensor["data"], dtype=float).reshape(-1, 3), columns=list(NAMES))


def in_json(handler: Handler) -> None:
    request = json.loads(handler.body)
    rows = rows_of(request)
    if "dataframe_split" in request:
        handler.send(json.dumps({"predictions": shares(rows).tolist(), "took": 3}, indent=2).encode())
        return
    named = [output["name"] for output in request.get("outputs") or METADATA["outputs"]]
    found = {
        "probabilities": {"datatype": "FP64", "shape": [len(rows), 2], "data": shares(rows).ravel().tolist()},
        "explained": {"datatype": "BYTES", "shape": [len(rows)], "data": ["because"] * len(rows)},
    }
    handler.send(json.dumps({"model_name": "theirs", "outputs": [{"name": n, **found[n]} for n in named]}, indent=2).encode())


def in_bytes(handler: Handler) -> None:
    cut = int(handler.headers.get(LENGTH, len(handler.body)))
    tensor = json.loads(handler.body[:cut])["inputs"][0]
    cells = np.frombuffer(handler.body[cut:], dtype=np.float64) if cut < len(handler.body) else np.array(tensor["data"], dtype=float)
    answer, why = shares(pd.DataFrame(cells.reshape(-1, 3), columns=list(NAMES))), packed(["because"] * tensor["shape"][0])
    outputs = [
        {"name": "explained", "datatype": "BYTES", "shape": [len(answer)], "parameters": {"binary_data_size": len(why)}},
        {"name": "probabilities", "datatype": "FP64", "shape": list(answer.shape), "parameters": {"binary_data_size": answer.nbytes}},
    ]
    head = json.dumps({"outputs": outputs}).encode()
    handler.send(head + why + answer.tobytes(), headers={"content-type": "application/octet-stream", LENGTH: str(len(head))})


class Upstream(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.bodies: list[bytes] = []
        self.seen: list[dict[str, str]] = []
        self.answer: Answer = in_json
        self.metadata = 200
        self.url = f"http://127.0.0.1:{self.server_address[1]}"


@pytest.fixture
def upstream() -> Iterator[Upstream]:
    server = Upstream()
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory, firewall: cp.Firewall) -> Path:
    found = tmp_path_factory.mktemp("relay") / "promotion.firewall"
    firewall.save(found)
    return found


def gateway(place: Path, url: str, log: VerdictLog | None = None, **settings: Any) -> Gateway:
    model = http_model(url, classes=list(CLASSES), calls=Calls(retries=1, backoff=0.0))
    return Gateway({"promotion": Served(cp.Firewall.load(place, model=cp.wrap(model)), Settings(**settings), remote=True, log=log)})


def request(rows: list[list[Any]], **more: Any) -> bytes:
    tensor = {"name": "x", "datatype": "FP64", "shape": [len(rows), 3], "data": [cell for row in rows for cell in row]}
    return json.dumps({"inputs": [tensor], **more}, indent=1).encode()


def direct(upstream: Upstream, path: str, body: bytes | None = None, headers: dict[str, str] | None = None) -> bytes:
    import urllib.request

    given = {"content-type": "application/json", **(headers or {})}
    with urllib.request.urlopen(urllib.request.Request(upstream.url + path, body, given)) as reply:
        return bytes(reply.read())


def test_in_shadow_the_reply_is_the_servers_own_and_the_verdict_stands_in_the_headers(place: Path, upstream: Upstream, firewall: cp.Firewall) -> None:
    app = gateway(place, f"{upstream.url}/v2/models/theirs", mode="shadow")
    body = request([BIRTH_YEAR], outputs=[{"name": "probabilities"}, {"name": "explained"}])
    wanted = direct(upstream, "/v2/models/theirs/infer", body)
    upstream.bodies.clear()
    reply = speak(app, "POST", INFER, body)
    assert reply.status == 200 and reply.body == wanted and b"because" in reply.body
    assert reply.headers["content-type"] == "application/json; charset=utf-8"
    verdict = firewall.screen([dict(zip(NAMES, BIRTH_YEAR, strict=True))])
    assert reply.headers["camelopard-route"] == verdict.route[0] == "review" and "camelopard-reasons" in reply.headers
    assert float(reply.headers["camelopard-risk"]) == pytest.approx(verdict.risk[0], rel=1e-5)
    assert upstream.bodies[0] == body


@pytest.mark.parametrize("mode", ["shadow", "off"])
def test_a_row_that_passes_is_sent_once(place: Path, upstream: Upstream, mode: str) -> None:
    app = gateway(place, f"{upstream.url}/v2/models/theirs", mode=mode)
    body = request([GOOD, [35.0, 40.0, 700.0]])
    upstream.bodies.clear()
    assert speak(app, "POST", INFER, body).status == 200
    assert upstream.bodies == [body]


def test_what_was_answered_is_what_is_judged_and_kept(place: Path, upstream: Upstream, firewall: cp.Firewall, tmp_path: Path) -> None:
    log = VerdictLog(tmp_path)
    app = gateway(place, f"{upstream.url}/v2/models/theirs", log, mode="shadow")
    rows = [GOOD, BIRTH_YEAR, [60.0, 60.0, 10.0]]
    assert speak(app, "POST", INFER, request(rows)).status == 200
    log.close()
    verdicts = firewall.screen([dict(zip(NAMES, row, strict=True)) for row in rows])
    assert app.models["promotion"].counts.rows == {route: verdicts.route.tolist().count(route) for route in ("pass", "repair", "review", "block")}
    kept = sorted(read(tmp_path), key=lambda row: row.id)
    assert [row.route for row in kept] == verdicts.route.tolist() and {row.done for row in kept} == {"answer"}


def test_the_binary_extension_goes_through_and_is_read(place: Path, upstream: Upstream) -> None:
    app = gateway(place, f"{upstream.url}/v2/models/theirs", mode="shadow")
    upstream.answer = in_bytes
    cells = np.array([GOOD])
    head = json.dumps({"inputs": [{"name": "x", "datatype": "FP64", "shape": [1, 3], "parameters": {"binary_data_size": cells.nbytes}}]}).encode()
    body, headers = head + cells.tobytes(), {"content-type": "application/octet-stream", LENGTH: str(len(head))}
    wanted = direct(upstream, "/v2/models/theirs/infer", body, headers)
    upstream.bodies.clear()
    upstream.seen.clear()
    reply = speak(app, "POST", INFER, body, headers)
    assert reply.body == wanted and int(reply.headers[LENGTH]) < len(wanted) and reply.headers["content-type"] == "application/octet-stream"
    assert upstream.bodies == [body] and upstream.seen[0][LENGTH] == str(len(head))
    assert upstream.seen[0]["content-type"] == "application/octet-stream" and reply.headers["camelopard-route"] == "pass"


def test_a_client_of_mlflow_gets_mlflows_own_words(place: Path, upstream: Upstream) -> None:
    app = gateway(place, f"{upstream.url}/invocations", mode="shadow")
    body = json.dumps({"dataframe_split": {"columns": list(NAMES), "data": [GOOD]}}).encode()
    wanted = direct(upstream, "/invocations", body)
    upstream.bodies.clear()
    reply = speak(app, "POST", "/invocations", body)
    assert reply.body == wanted and b"took" in wanted and reply.headers["camelopard-route"] == "pass" and upstream.bodies == [body]


def test_other_forms_and_a_gateway_that_guards_answer_in_the_gateways_words(place: Path, upstream: Upstream) -> None:
    url = f"{upstream.url}/v2/models/theirs"
    split = json.dumps({"dataframe_split": {"columns": list(NAMES), "data": [GOOD]}}).encode()
    assert "verdicts" in speak(gateway(place, url, mode="shadow"), "POST", "/invocations", split).value
    row = json.dumps(dict(zip(NAMES, GOOD, strict=True))).encode()
    assert speak(gateway(place, url, mode="off"), "POST", "/predict", row).value["route"] == "unjudged"
    guarded = speak(gateway(place, url), "POST", INFER, request([GOOD]))
    assert [output["name"] for output in guarded.value["outputs"]] == ["predict", "predict_proba"]
    assert speak(gateway(place, url), "POST", INFER, request([GOOD], outputs=[{"name": "explained"}])).status == 400


def test_what_the_gateway_cannot_read_the_server_may(place: Path, upstream: Upstream) -> None:
    app = gateway(place, f"{upstream.url}/v2/models/theirs", mode="shadow")
    upstream.answer = lambda handler: handler.send(b"fine \xff", 207)
    reply = speak(app, "POST", INFER, b"\x00 no JSON")
    assert (reply.status, reply.body, reply.headers["camelopard-route"]) == (207, b"fine \xff", "unjudged")
    assert app.models["promotion"].counts.unjudged == 1


def test_the_servers_objections_are_its_own(place: Path, upstream: Upstream) -> None:
    app = gateway(place, f"{upstream.url}/v2/models/theirs", mode="shadow")
    upstream.answer = lambda handler: handler.send(b'{"error":  "not this row"}', 422)
    upstream.bodies.clear()
    reply = speak(app, "POST", INFER, request([GOOD] * 64))
    assert (reply.status, reply.body, reply.headers["camelopard-route"]) == (422, b'{"error":  "not this row"}', "unjudged")
    assert len(upstream.bodies) == 1 and app.models["promotion"].counts.unjudged == 64
    upstream.answer = lambda handler: handler.send(b"later", 503, headers={"retry-after": "7"})
    reply = speak(app, "POST", INFER, request([GOOD]))
    assert (reply.status, reply.body, reply.headers["retry-after"]) == (503, b"later", "7")
    assert app.models["promotion"].counts.upstream == 1


def test_a_server_that_is_gone_is_told_and_then_left_alone(place: Path, upstream: Upstream) -> None:
    app = gateway(place, f"{upstream.url}/v2/models/theirs", mode="off")
    upstream.answer = Handler.drop
    statuses = [speak(app, "POST", INFER, request([GOOD])).status for _ in range(6)]
    assert statuses == [502] * 5 + [503]


@pytest.mark.parametrize("mode", ["shadow", "off"])
def test_rows_that_a_server_drops_shut_nobody_else_out(place: Path, upstream: Upstream, mode: str) -> None:
    app = gateway(place, f"{upstream.url}/v2/models/theirs", mode=mode)
    upstream.answer = lambda handler: handler.drop() if b"1985" in handler.body else in_json(handler)
    assert [speak(app, "POST", INFER, request([BIRTH_YEAR])).status for _ in range(6)] == [502] * 6
    assert speak(app, "POST", INFER, request([GOOD])).status == 200


def test_metadata_neither_open_nor_close_the_way_to_answers(place: Path, upstream: Upstream) -> None:
    app = gateway(place, f"{upstream.url}/v2/models/theirs", mode="shadow")
    upstream.metadata = 503
    assert [speak(app, "GET", "/v2/models/promotion").status for _ in range(6)] == [503] * 6
    assert speak(app, "POST", INFER, request([GOOD])).status == 200
    upstream.metadata, upstream.answer = 200, Handler.drop
    statuses = []
    for _ in range(7):
        statuses.append(speak(app, "POST", INFER, request([GOOD])).status)
        assert speak(app, "GET", "/v2/models/promotion").status == 200
    assert statuses == [502] * 5 + [503] * 2


def test_an_answer_does_not_wait_for_a_slow_verdict(place: Path, upstream: Upstream) -> None:
    app = gateway(place, f"{upstream.url}/v2/models/theirs", mode="shadow", timeout=1.0)
    held, first = threading.Event(), [True]

    def then_slow(handler: Handler) -> None:
        if not first:
            held.wait(10)
        first.clear()
        in_json(handler)

    upstream.answer = then_slow
    reply = speak(app, "POST", INFER, request([GOOD], outputs=[{"name": "explained"}]))  # the verdict needs an answer that is not in the reply
    held.set()
    assert reply.status == 200 and b"because" in reply.body and reply.headers["camelopard-route"] == "unjudged"


def test_a_page_of_the_server_is_none_of_the_gateways(place: Path, upstream: Upstream) -> None:
    app = gateway(place, f"{upstream.url}/v2/models/theirs", mode="off")
    upstream.answer = lambda handler: handler.send(b"<script>alert(1)</script>", headers={"content-type": "text/html"})
    reply = speak(app, "POST", INFER, request([GOOD]))
    assert reply.headers["content-security-policy"] == "sandbox" and reply.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize("status", [103, 999])
def test_what_ends_no_request_is_no_reply_to_the_next_one(place: Path, upstream: Upstream, status: int) -> None:
    app = gateway(place, f"{upstream.url}/v2/models/theirs", mode="off")

    def early(handler: Handler) -> None:
        handler.wfile.write(f"HTTP/1.1 {status} Hm\r\n\r\n".encode())
        in_json(handler)

    upstream.answer = early
    assert speak(app, "POST", INFER, request([BIRTH_YEAR])).status == 502
    upstream.answer = in_json
    wanted = direct(upstream, "/v2/models/theirs/infer", request([GOOD]))
    assert speak(app, "POST", INFER, request([GOOD])).body == wanted


def test_the_metadata_are_the_servers_own(place: Path, upstream: Upstream) -> None:
    shadow = gateway(place, f"{upstream.url}/v2/models/theirs", mode="shadow")
    assert speak(shadow, "GET", "/v2/models/promotion").body == direct(upstream, "/v2/models/theirs")
    guard = gateway(place, f"{upstream.url}/v2/models/theirs")
    assert speak(guard, "GET", "/v2/models/promotion").value["platform"] == "camelopard"


def test_a_copy_that_names_the_servers_outputs_is_judged(place: Path, upstream: Upstream) -> None:
    app = gateway(place, f"{upstream.url}/v2/models/theirs", mode="mirror")
    body = request([GOOD], outputs=[{"name": "explained"}])

    async def both() -> Reply:
        reply = await spoken(app, "POST", INFER, body)
        await app.models["promotion"].close()
        return reply

    assert asyncio.run(both()).status == 202
    assert app.models["promotion"].counts.rows["pass"] == 1 and not app.models["promotion"].counts.failed


def test_who_asks_stays_with_the_gateway(place: Path, upstream: Upstream) -> None:
    app = gateway(place, f"{upstream.url}/v2/models/theirs", mode="off")
    upstream.seen.clear()
    speak(
        app,
        "POST",
        INFER,
        request([GOOD]),
        {"authorization": "Bearer secret", "cookie": "a=b", "x-more": "1", "content-type": "application/json\r\nx: y"},
    )
    (seen,) = upstream.seen
    assert not {"authorization", "cookie", "x-more", "x"} & set(seen) and seen["content-type"] == "application/json"


def test_in_shadow_a_firewall_that_fails_takes_no_answer_away(place: Path, upstream: Upstream, monkeypatch: pytest.MonkeyPatch) -> None:
    app = gateway(place, f"{upstream.url}/v2/models/theirs", mode="shadow", failing="closed")

    def fail(*_: object) -> None:
        raise MemoryError

    monkeypatch.setattr(app.models["promotion"].force.firewall, "screen", fail)
    reply = speak(app, "POST", INFER, request([GOOD]))
    assert reply.status == 200 and b"because" in reply.body and reply.headers["camelopard-route"] == "unjudged"
    assert app.models["promotion"].counts.failed == 1


@pytest.mark.parametrize(
    ("part", "datatype", "shape"),
    [(bytes(9), "FP32", [2]), (bytes(4), "FP32", [2]), (bytes(4), "BYTES", [2]), (bytes(4), "BF16", [2]), (bytes(8), "FP64", [2, 1])],
)
def test_bytes_that_are_not_what_they_say_are_refused(part: bytes, datatype: str, shape: list[int]) -> None:
    with pytest.raises(ValueError):
        cells(part, datatype, shape)


@pytest.mark.parametrize(
    ("reply", "behind", "length"),
    [
        ({"outputs": [{"name": "p", "datatype": "BYTES", "shape": [2], "data": ["0.8:0", "0.7:1"]}]}, b"", None),
        ({"outputs": [{"name": "other", "datatype": "FP64", "shape": [2], "data": [1, 2]}]}, b"", None),
        ({"outputs": [{"name": "p", "datatype": "FP64", "shape": [2], "parameters": {"binary_data_size": 99}}]}, bytes(16), 0),
        ({"outputs": [{"name": "p", "datatype": "FP64", "shape": [3], "data": [1, 2, 3]}]}, b"", None),
        ({"outputs": 3}, b"", None),
    ],
)
def test_what_is_not_surely_an_answer_is_none(reply: Any, behind: bytes, length: int | None) -> None:
    head = json.dumps(reply).encode()
    with pytest.raises((ValueError, CamelopardError)):
        language().held(head + behind, None if length is None else str(len(head)), 2)


def test_only_the_output_that_answers_is_read() -> None:
    outputs = [
        {"name": "mask", "datatype": "BF16", "shape": [2, 2], "parameters": {"binary_data_size": 8}},
        {"name": "p", "datatype": "FP64", "shape": [2], "parameters": {"binary_data_size": 16}},
        {"name": "more", "datatype": "FP64", "shape": [2], "data": [5, 6]},
    ]
    head = json.dumps({"outputs": outputs}).encode()
    assert language().held(head + bytes(8) + np.array([0.25, 0.5]).tobytes(), str(len(head)), 2) == [0.25, 0.5]


def language() -> Inference:
    metadata = {"inputs": [{"name": "x", "datatype": "FP64", "shape": [-1, 3]}], "outputs": [{"name": "p", "datatype": "FP64", "shape": [-1]}]}
    return Inference.of(metadata, None, "", NAMES)


def test_texts_are_packed_and_unpacked() -> None:
    texts = ["", "ä", "long " * 100]
    assert unpacked(packed(texts), 3) == texts
    for wrong in (2, 4):
        with pytest.raises(ValueError, match="do not hold"):
            unpacked(packed(texts), wrong)


def test_a_reply_that_is_no_answer_is_asked_for_again(place: Path, upstream: Upstream) -> None:
    app = gateway(place, f"{upstream.url}/v2/models/theirs", mode="shadow")
    body = request([GOOD], outputs=[{"name": "explained"}])
    upstream.bodies.clear()
    reply: Reply = speak(app, "POST", INFER, body)
    assert b"probabilities" not in reply.body and reply.headers["camelopard-route"] == "pass"
    assert len(upstream.bodies) == 2 and upstream.bodies[0] == body


def test_too_long_a_reply_is_no_answer(place: Path, upstream: Upstream) -> None:
    model = http_model(f"{upstream.url}/v2/models/theirs", classes=list(CLASSES), calls=Calls(max_bytes=2000))
    app = Gateway({"promotion": Served(cp.Firewall.load(place, model=cp.wrap(model)), Settings(mode="off"), remote=True)})
    upstream.answer = lambda handler: handler.send(b" " * 3000)
    assert speak(app, "POST", INFER, request([GOOD])).status == 502
