from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import numpy as np
import pandas as pd
import pytest

from camelopard.core.errors import BudgetSpent, CamelopardError, ModelError, UnknownName
from camelopard.models.http_line import Calls, Line, NoReply, Refused
from camelopard.models.http_model import HttpModel, http_model
from camelopard.models.http_protocols import at
from camelopard.models.wrap import wrap
from camelopard.testing.models import check_model

ROWS = [{"x": float(i), "c": "ab"[i % 2]} for i in range(40)]
INFER = "/v2/models/m/infer"
X_IN, P_OUT = ({"name": name, "datatype": "FP32", "shape": [-1, 2]} for name in "xp")
MATRIX = {"name": "m", "inputs": [X_IN], "outputs": [P_OUT]}
Answer = Callable[["Handler"], None]


class Handler(BaseHTTPRequestHandler):
    """Does what the test says."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: World

    def do_GET(self) -> None:
        self.body: Any = None
        self.server.requests.append((self.path, None))
        self.server.get(self)

    def do_POST(self) -> None:
        raw = self.rfile.read(int(self.headers["Content-Length"]))
        self.body = json.loads(raw)
        self.server.requests.append((self.path, self.body))
        self.server.seen.append({name.lower(): value for name, value in self.headers.items()})
        self.server.answer(self)

    def reply(self, data: object, status: int = 200, **headers: str) -> None:
        body = data if isinstance(data, bytes) else json.dumps(data).encode()
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **{k.replace("_", "-"): v for k, v in headers.items()}}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def drop(self) -> None:
        self.close_connection = True
        self.connection.shutdown(socket.SHUT_RDWR)

    def log_message(self, *words: object) -> None: ...


class World(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.requests: list[tuple[str, Any]] = []
        self.seen: list[dict[str, str]] = []
        self.connections = 0
        self.answer: Answer = double
        self.get: Answer = lambda h: h.reply(MATRIX)
        self.url = f"http://127.0.0.1:{self.server_address[1]}"

    def process_request(self, request: Any, client_address: Any) -> None:
        self.connections += 1
        super().process_request(request, client_address)

    def handle_error(self, request: Any, client_address: Any) -> None: ...

    @property
    def sent(self) -> list[int]:
        """Rows of each request."""
        return [len(body["instances"]) for _, body in self.requests if body is not None]


class Time:
    """A clock that stands still but for sleeping."""

    def __init__(self) -> None:
        self.now, self.slept = 0.0, [0.0]
        self.slept.clear()

    def clock(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


def double(h: Handler) -> None:
    h.reply({"predictions": [2.0 * row["x"] for row in h.body["instances"]]})


@pytest.fixture
def world() -> Iterator[World]:
    server = World()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()


def plain(world: World, time: Time | None = None, **options: Any) -> HttpModel:
    time = time or Time()
    calls = Calls(**{"sleep": time.sleep, "clock": time.clock, **options})
    return http_model(f"{world.url}/predict", protocol="json", task="regression", calls=calls)


# What is said, and how


def test_a_json_server_answers_as_a_model(world: World) -> None:
    model = wrap(plain(world, rows_per_request=16))
    assert model.predict(ROWS).value.tolist() == [2.0 * i for i in range(40)]
    assert sorted(world.sent) == [8, 16, 16]
    assert world.requests[0][1]["instances"][0].keys() == {"x", "c"}


def test_the_contract_of_models_holds_over_http(world: World) -> None:
    def careful(h: Handler) -> None:
        try:
            double(h)
        except TypeError as error:
            h.reply({"error": str(error)}, 422)

    world.answer = careful
    check_model(wrap(plain(world, rows_per_request=10, workers=2)), ROWS)


def test_a_template_says_where_the_rows_go_and_a_path_where_the_answers_are(world: World) -> None:
    def answer(h: Handler) -> None:
        assert h.body["parameters"] == {"k": 1} and h.body["columns"] == ["x", "c"]
        h.reply({"results": [{"label": "high" if row[0] > 5 else "low"} for row in h.body["data"]]})

    world.answer = answer
    template = {"data": "{values}", "columns": "{columns}", "parameters": {"k": 1}}
    model = wrap(http_model(f"{world.url}/x", template=template, answers="results.*.label"))
    assert model.predict(ROWS[4:8]).value.tolist() == ["low", "low", "high", "high"]
    world.answer = lambda h: h.reply({"score": h.body["x"] / 100})
    one = wrap(http_model(f"{world.url}/x", template="{row}", answers="score", task="regression"))
    assert one.predict(ROWS[:3]).value.tolist() == [0.0, 0.01, 0.02]


def test_mlflow_gets_a_table_by_columns_and_rows(world: World) -> None:
    def answer(h: Handler) -> None:
        table = h.body["dataframe_split"]
        assert table["columns"] == ["x", "c"]
        h.reply({"predictions": [[0.0, 1.0] if row[0] is not None and row[0] > 5 else [0.75, 0.25] for row in table["data"]]})

    world.answer = answer
    model = wrap(f"{world.url}/invocations", classes=["low", "high"])
    found = model.predict([{"x": 9.0, "c": "a"}, {"x": None, "c": None}, {"x": float("nan"), "c": "b"}])
    assert found.value.tolist() == ["high", "low", "low"]
    assert found.proba is not None and found.proba[1].tolist() == [0.75, 0.25]


def test_objects_per_row_are_labels_numbers_or_probabilities(world: World) -> None:
    world.answer = lambda h: h.reply({"predictions": [{"yes": 0.25, "no": 0.75}] * len(h.body["dataframe_split"]["data"])})
    assert wrap(f"{world.url}/invocations", classes=["yes", "no"]).predict(ROWS[:2]).value.tolist() == ["no", "no"]
    with pytest.raises(ModelError, match="columns yes, no"):
        wrap(f"{world.url}/invocations").predict(ROWS[:2])
    world.answer = lambda h: h.reply({"predictions": [{"label": "fine", "score": 0.9}]})
    assert wrap(f"{world.url}/invocations").predict(ROWS[:1]).value.tolist() == ["fine"]
    sure = wrap(f"{world.url}/invocations", classes=["poor", "fine"]).predict(ROWS[:1]).proba
    assert sure is not None and sure.tolist() == [[pytest.approx(0.1), 0.9]]
    world.answer = lambda h: h.reply({"predictions": [[{"label": "fine", "score": 0.75}, {"label": "poor", "score": 0.25}]]})
    sure = wrap(f"{world.url}/invocations").predict(ROWS[:1]).proba
    assert sure is not None and sure.tolist() == [[0.75, 0.25]]
    world.answer = lambda h: h.reply({"predictions": [{"label": "fine", "score": 90}]})
    assert wrap(f"{world.url}/invocations").predict(ROWS[:1]).errors.tolist() == ["no probability: the score of 'fine' is 90, outside 0–1"]
    world.answer = lambda h: h.reply({"predictions": [{"0": 3.5}]})
    assert wrap(f"{world.url}/invocations").predict(ROWS[:1]).value.tolist() == [3.5]


def test_v2_sends_what_the_metadata_declare(world: World) -> None:
    def answer(h: Handler) -> None:
        (tensor,) = h.body["inputs"]
        assert (tensor["name"], tensor["datatype"], h.body["outputs"]) == ("x", "FP32", [{"name": "p"}])
        rows = np.array(tensor["data"], dtype=float).reshape(tensor["shape"])
        p = 1 / (1 + np.exp(-np.nan_to_num(rows[:, 0])))
        h.reply({"outputs": [{"name": "p", "datatype": "FP32", "shape": [len(p), 2], "data": np.column_stack([1 - p, p]).ravel().tolist()}]})

    world.answer = answer
    model = wrap(f"{world.url}/v2/models/m", classes=["no", "yes"])
    assert model.name == "m"
    X = np.array([[3.0, 0.0], [-3.0, 1.0], [np.nan, 1.0]])
    assert model.predict(X).value.tolist() == ["yes", "no", "no"]
    assert [path for path, _ in world.requests] == ["/v2/models/m/ready", "/v2/models/m", INFER]
    check_model(model, np.random.default_rng(0).normal(size=(20, 2)))


def test_v2_sends_named_columns_texts_and_pictures(world: World) -> None:
    inputs = [{"name": "c", "datatype": "BYTES", "shape": [-1, 1]}, {"name": "x", "datatype": "INT64", "shape": [-1, 1]}]
    world.get = lambda h: h.reply({"inputs": inputs, "outputs": [{"name": "y", "datatype": "BYTES", "shape": [-1]}]})

    def echo(h: Handler) -> None:
        c, x = h.body["inputs"]
        said = [f"{a}{b}" for a, b in zip(c["data"], x["data"], strict=True)]
        h.reply({"outputs": [{"name": "y", "datatype": "BYTES", "shape": [len(said)], "data": said}]})

    world.answer = echo
    model = wrap(f"{world.url}/v2/models/m")
    assert model.predict([{"x": 1, "c": "a", "extra": 5}, {"x": 2, "c": None}]).value.tolist() == ["a1", "2"]
    assert "is no int64" in model.predict([{"x": 1.5, "c": "a"}]).errors[0]
    assert all("parameters" not in body for _, body in world.requests if body is not None)
    shapes: list[Any] = []

    def length(h: Handler) -> None:
        (tensor,) = h.body["inputs"]
        shapes.append((tensor["shape"], tensor["datatype"]))
        n = tensor["shape"][0]
        h.reply({"outputs": [{"name": "y", "shape": [n, 1], "datatype": "FP64", "data": [0.5] * n}]})

    world.answer = length
    for kind, shape, rows, sent in (
        ("BYTES", [-1], ["good", "bad \ud800", None], [2]),
        ("FP32", [-1, 3, 4, 5], np.zeros((2, 4, 5, 3), dtype=np.uint8), [2, 3, 4, 5]),
        ("UINT8", [-1, 4, 5, 3], np.zeros((2, 4, 5, 3), dtype=np.uint8), [2, 4, 5, 3]),
    ):
        world.get = lambda h, kind=kind, shape=shape: h.reply({"inputs": [{"name": "t", "datatype": kind, "shape": shape}]})  # type: ignore[misc]
        assert not wrap(f"{world.url}/v2/models/m", task="regression").predict(rows).failed.any()
        assert (sent, kind) in shapes


def test_v2_sends_what_is_said_where_the_server_says_nothing(world: World) -> None:
    world.get = lambda h: h.reply({"name": "m", "inputs": [], "outputs": []})

    def answer(h: Handler) -> None:
        if len(h.body["inputs"]) < 2 or h.body["parameters"] != {"content_type": "pd"}:
            h.reply({"error": "columns are missing: {'c'}"}, 400)
            return
        x, c = h.body["inputs"]
        said = [f"{a}{b}" for a, b in zip(c["data"], x["data"], strict=True)]
        h.reply({"outputs": [{"name": "predict", "datatype": "BYTES", "shape": [len(said), 1], "data": said}]})

    world.answer = answer
    url = f"{world.url}/v2/models/m"
    with pytest.raises(ModelError, match=r"does not say what its model takes.*http_model\(url, inputs=rows\)"):
        wrap(url).predict(ROWS)
    for inputs in (ROWS[:3], {"x": "FP64", "c": "BYTES"}, pd.DataFrame(ROWS)):
        found = wrap(http_model(url, inputs=inputs, missing="?")).predict([{"c": "b", "x": 2}, {"c": None, "x": 3, "more": 1}])
        assert found.value.tolist() == ["b2.0", "?3.0"]
    world.answer = lambda h: h.reply({"error": "no"}, 400)
    with pytest.raises(ModelError, match="are its inputs those that inputs= says"):
        wrap(http_model(url, inputs=ROWS)).predict(ROWS)


def test_one_column_that_is_named_is_sent_and_no_other(world: World) -> None:
    world.get = lambda h: h.reply({"name": "m"})
    tensors: list[Any] = []

    def answer(h: Handler) -> None:
        tensors.extend(h.body["inputs"])
        n = h.body["inputs"][0]["shape"][0]
        h.reply({"outputs": [{"name": "y", "datatype": "FP64", "shape": [n], "data": [0.5] * n}]})

    world.answer = answer
    model = wrap(http_model(f"{world.url}/v2/models/m", inputs={"x": "FP64"}, task="regression"))
    assert not model.predict([{"x": 2, "y": 3}, {"x": 4, "y": 5}]).failed.any()
    assert tensors[-1] == {"name": "x", "shape": [2], "datatype": "FP64", "data": [2.0, 4.0]}
    assert "has no column for" in model.predict([{"y": 3}]).errors[0]
    text = wrap(http_model(f"{world.url}/v2/models/m", inputs={"t": "BYTES"}, task="regression"))
    assert not text.predict([{"id": "7", "t": "u"}]).failed.any() and tensors[-1]["data"] == ["u"]
    assert not text.predict(["good"]).failed.any() and tensors[-1]["data"] == ["good"]


@pytest.mark.parametrize(
    ("inputs", "words"),
    [
        ({"x": "FLOAT"}, "no datatype of the Open Inference Protocol"),
        ({}, "names no columns"),
        ([{"x": 1, "c": [1]}], "the column 'c' holds list"),
        ([{"x": 1, "c": None}], "the column 'c' holds nothing"),
        ([{"x": 1}, {"x": "a"}], "the column 'x' holds float, str"),
        (np.zeros((2, 8, 8)), "holds ndarray"),
    ],
)
def test_inputs_that_cannot_be_sent_are_refused(inputs: Any, words: str) -> None:
    with pytest.raises(CamelopardError, match=words):
        http_model("http://h/v2/models/m", inputs=inputs)


def test_v2_takes_the_probabilities_of_several_outputs(world: World) -> None:
    outputs = [{"name": "predict", "datatype": "INT64", "shape": [-1]}, {"name": "predict_proba", "datatype": "FP64", "shape": [-1, 2]}]
    world.get = lambda h: h.reply({**MATRIX, "outputs": outputs})
    world.answer = lambda h: h.reply({"outputs": [{"name": h.body["outputs"][0]["name"], "shape": [1, 2], "data": [0.1, 0.9]}]})
    assert wrap(f"{world.url}/v2/models/m").predict(np.ones((1, 2))).proba is not None
    with pytest.raises(UnknownName, match="no output named 'probs'"):
        wrap(http_model(f"{world.url}/v2/models/m", output="probs"))


# Whose fault it is


def picky(h: Handler) -> None:
    """Refuses requests that hold the row 17 or 30."""
    bad = [row["x"] for row in h.body["instances"] if row["x"] in (17.0, 30.0)]
    if bad:
        h.reply({"detail": f"cannot take {bad[0]}"}, 422)
    else:
        double(h)


def test_a_refused_row_stands_alone_and_answered_rows_are_not_sent_again(world: World) -> None:
    world.answer = picky
    found = wrap(plain(world, rows_per_request=10, workers=1)).predict(ROWS)
    assert np.flatnonzero(found.failed).tolist() == [17, 30]
    assert found.errors[17] == "Refused: 422 Unprocessable Entity: cannot take 17.0"
    assert found.value[16] == 32.0
    answered = [row["x"] for _, body in world.requests for row in body["instances"] if not {17.0, 30.0} & {r["x"] for r in body["instances"]}]
    assert sorted(answered) == sorted(set(answered))
    assert len(world.sent) < 25


@pytest.mark.parametrize("status", [400, 413, 422, 500])
def test_errors_about_rows_are_errors_of_these_rows(world: World, status: int) -> None:
    world.answer = lambda h: h.reply({"error": "no"}, status) if h.body["instances"][0]["x"] == 1.0 else double(h)
    found = wrap(plain(world, rows_per_request=1)).predict(ROWS[:3])
    assert found.failed.tolist() == [False, True, False]
    assert found.errors[1].endswith(": no")


@pytest.mark.parametrize(("status", "words"), [(401, "wants to know who asks"), (404, "right address"), (405, "answers 405"), (418, "I'm a Teapot")])
def test_errors_about_anything_else_end_the_call(world: World, status: int, words: str) -> None:
    world.answer = lambda h: h.reply({"error": "no"}, status)
    with pytest.raises(ModelError, match=words):
        wrap(plain(world)).predict(ROWS)
    assert len(world.requests) == 1


def test_a_server_that_refuses_everything_is_not_blamed_on_the_rows(world: World) -> None:
    world.answer = lambda h: h.reply(b"<h1>Bad Request</h1>", 400)
    with pytest.raises(ModelError, match="refused every request so far.*400 Bad Request: Bad Request.*right template"):
        wrap(plain(world)).predict(ROWS)
    assert len(world.requests) < 20


def test_single_bad_rows_asked_first_are_errors_of_their_own(world: World) -> None:
    world.answer = picky
    model = wrap(plain(world))
    for _ in range(12):
        assert model.predict([ROWS[17]]).failed.all()
    assert model.predict([ROWS[3]]).value.tolist() == [6.0]


def test_a_row_that_kills_its_connection_is_told_from_a_server_that_is_down(world: World) -> None:
    world.answer = lambda h: h.drop() if any(row["x"] == 3.0 for row in h.body["instances"]) else double(h)
    model = wrap(plain(world, rows_per_request=2, workers=1, retries=1))
    found = model.predict(ROWS[:6])
    assert found.failed.tolist() == [False, False, False, True, False, False]
    assert "though the server answers others" in found.errors[3]
    world.answer = lambda h: h.drop()
    with pytest.raises(ModelError, match=r"no answer in 2 tries.*says nothing about the rows"):
        model.predict(ROWS[7:])


def test_a_server_that_is_not_there_is_named(world: World) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    time = Time()
    calls = Calls(sleep=time.sleep, clock=time.clock, retries=3)
    with pytest.raises(NoReply, match=f"127.0.0.1:{port} gave no answer in 4 tries.*ConnectionRefusedError"):
        wrap(http_model(f"http://127.0.0.1:{port}/v2/models/m", calls=calls))
    assert len(time.slept) == 3


# Trying again


@pytest.mark.parametrize("status", [429, 502, 503, 504])
def test_a_busy_server_is_asked_again(world: World, status: int) -> None:
    world.answer = lambda h: h.reply({}, status) if len(world.requests) < 3 else double(h)
    time = Time()
    assert wrap(plain(world, time)).predict(ROWS[:2]).value.tolist() == [0.0, 2.0]
    assert len(world.requests) == 3
    assert 0 <= time.slept[0] <= 0.25 and 0 <= time.slept[1] <= 0.5


def test_waits_are_drawn_by_the_seed(world: World) -> None:
    world.answer = lambda h: h.reply({}, 503)
    slept = []
    for seed in (1, 1, 2):
        time = Time()
        with pytest.raises(NoReply) as raised:
            wrap(plain(world, time, seed=seed, retries=5)).predict(ROWS)
        assert raised.value.busy
        slept.append(time.slept)
    assert slept[0] == slept[1] != slept[2]


def test_retry_after_is_kept_and_ends_the_call_where_it_is_too_long(world: World) -> None:
    world.answer = lambda h: h.reply({}, 429, Retry_After="7") if len(world.requests) == 1 else double(h)
    time = Time()
    assert not wrap(plain(world, time)).predict(ROWS[:1]).failed.any()
    assert time.slept == [7.0]
    dates = {"Date": "Mon, 01 Jan 2024 10:00:00 GMT", "Retry_After": "Mon, 01 Jan 2024 10:00:09 GMT"}
    world.requests.clear()

    def dated(h: Handler) -> None:
        h.date_time_string = lambda timestamp=None: dates["Date"]  # type: ignore[method-assign]
        h.reply({}, 503, Retry_After=dates["Retry_After"]) if len(world.requests) == 1 else double(h)

    world.answer = dated
    assert not wrap(plain(world, time)).predict(ROWS[:1]).failed.any()
    assert time.slept[1] == 9.0
    world.answer = lambda h: h.reply({}, 429, Retry_After="3600")
    with pytest.raises(NoReply, match="asks to wait 3600 s"):
        wrap(plain(world, time)).predict(ROWS)
    assert len(time.slept) == 2


def test_patience_ends_the_tries(world: World) -> None:
    world.answer = lambda h: h.reply({}, 503, Retry_After="40")
    time = Time()
    with pytest.raises(NoReply, match="in 3 tries in 80.0 s"):
        wrap(plain(world, time, retries=100, patience=100.0)).predict(ROWS)


def test_a_dropped_connection_is_tried_again_and_a_cut_answer_is_no_answer(world: World) -> None:
    def cut(h: Handler) -> None:
        h.send_response(200)
        h.send_header("Content-Length", "1000")
        h.end_headers()
        h.wfile.write(b'{"predictions": [')
        h.drop()

    world.answer = lambda h: h.drop() if len(world.requests) == 1 else cut(h) if len(world.requests) == 2 else double(h)
    assert wrap(plain(world)).predict(ROWS[:1]).value.tolist() == [0.0]
    assert len(world.requests) == 3


def test_a_kept_connection_that_went_stale_is_replaced_unnoticed(world: World) -> None:
    def last_words(h: Handler) -> None:
        double(h)
        h.close_connection = True  # without saying so

    world.answer = last_words
    time = Time()
    model = wrap(plain(world, time, retries=0))
    for i in range(3):
        assert model.predict(ROWS[i : i + 1]).value.tolist() == [2.0 * i]
    assert time.slept == [] and world.connections == 3


def test_connections_are_kept(world: World) -> None:
    model = wrap(plain(world, rows_per_request=1, workers=1))
    model.predict(ROWS[:20])
    assert len(world.requests) == 20 and world.connections == 1


# Limits


def test_a_server_that_hangs_or_drips_is_left_in_time(world: World) -> None:
    over = threading.Event()

    def drip(h: Handler) -> None:
        h.send_response(200)
        h.send_header("Content-Length", "100000")
        h.end_headers()
        while not over.wait(0.02):
            h.wfile.write(b" ")

    def hang(h: Handler) -> None:
        over.wait(5)

    for behaviour in (hang, drip):
        world.answer = behaviour
        start = time.monotonic()
        with pytest.raises(NoReply, match=r"no full answer within 0\.2 s"):
            wrap(plain(world, timeout=0.2, retries=0)).predict(ROWS[:1])
        assert time.monotonic() - start < 4
    over.set()


def test_an_endless_answer_is_not_read(world: World) -> None:
    world.answer = lambda h: h.reply(b"[" * 5000)
    with pytest.raises(ModelError, match="more than 1,000 bytes"):
        wrap(plain(world, max_bytes=1000)).predict(ROWS[:1])


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"", "the reply is empty"),
        (b"<html>hello", "the reply is no JSON: '<html>hello'"),
        (b"[" * 50_000, "no JSON"),
        (b'{"predictions": [1, 2, 3]}', "holds 3 answers at 'predictions'; expected 1"),
        (b'{"result": [1]}', "no 'predictions', only result"),
        (b'{"predictions": 5}', "a int at 'predictions'"),
        (b'{"predictions": [NaN]}', "no number"),
        (b'{"predictions": [null]}', "no number"),
        (b'{"predictions": [Infinity]}', "no number: inf"),
        (b'{"predictions": ["x"]}', "no number: x"),
    ],
)
def test_senseless_answers_are_errors_of_their_rows(world: World, body: bytes, words: str) -> None:
    world.answer = double
    model = wrap(plain(world))
    assert not model.predict(ROWS[:1]).failed.any()
    world.answer = lambda h: h.reply(body)
    assert words in model.predict(ROWS[1:2]).errors[0]


def test_what_json_cannot_hold_is_an_error_of_its_row_and_nothing_is_sent(world: World) -> None:
    found = wrap(plain(world)).predict([{"x": 1.0, "c": "\ud800"}, {"x": float("inf"), "c": "a"}, {"x": 2.0, "c": object()}])
    assert found.failed.tolist() == [False, True, True]
    assert "cannot be sent: an infinite number" in found.errors[1]
    assert "which JSON cannot hold" in found.errors[2]


def test_the_budget_of_rows_is_kept(world: World) -> None:
    model = wrap(plain(world, budget=30))
    model.predict(ROWS[:20])
    with pytest.raises(BudgetSpent, match="budget of 30 rows .* 20 sent, 20 more wanted"):
        model.predict(ROWS[20:])
    assert sum(world.sent) == 20


def test_rows_per_second_are_kept(world: World) -> None:
    time = Time()
    wrap(plain(world, time, rows_per_request=10, workers=1, rows_per_second=5.0)).predict(ROWS)
    assert time.slept == [2.0, 2.0, 2.0]


def test_several_requests_are_under_way_at_once(world: World) -> None:
    together = threading.Barrier(4, timeout=5)

    def wait(h: Handler) -> None:
        together.wait()
        double(h)

    world.answer = wait
    assert wrap(plain(world, rows_per_request=10, workers=4)).predict(ROWS).value.tolist() == [2.0 * i for i in range(40)]


# Who is talked to


def test_redirects_within_the_server_are_followed_and_others_are_not(world: World) -> None:
    world.answer = lambda h: h.reply({}, 307, Location="/there") if h.path == "/predict" else double(h)
    assert wrap(plain(world)).predict(ROWS[:1]).value.tolist() == [0.0]
    for target in ("http://127.0.0.1:1/there", "file:///etc/passwd", world.url + ".evil.example/", "//other/"):
        world.answer = lambda h, target=target: h.reply({}, 307, Location=target)  # type: ignore[misc]
        with pytest.raises(ModelError, match="leads elsewhere"):
            wrap(plain(world)).predict(ROWS[:1])
    world.answer = lambda h: h.reply({}, 308, Location="/predict")
    with pytest.raises(ModelError, match="from address to address"):
        wrap(plain(world)).predict(ROWS[:1])
    world.answer = lambda h: h.reply({}, 302, Location="/login")
    with pytest.raises(ModelError, match="has moved to"):
        wrap(plain(world)).predict(ROWS[:1])


def test_headers_and_keys_are_sent_and_never_shown(world: World) -> None:
    model = http_model(f"{world.url}/x?key=hush", protocol="json", task="regression", headers={"Authorization": "Bearer hush"})
    wrap(model).predict(ROWS[:1])
    assert world.seen[0]["authorization"] == "Bearer hush"
    assert world.requests[0][0] == "/x?key=hush"
    world.answer = lambda h: h.reply({}, 404)
    with pytest.raises(ModelError) as raised:
        wrap(model).predict(ROWS)
    assert "hush" not in repr(model) + repr(wrap(model)) + str(raised.value)


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("ftp://host/x", "is no URL of a server"),
        ("http:///x", "is no URL of a server"),
        ("http://host/a b", "is no URL of a server"),
        ("http://host:port/x", "is no URL"),
        ("http://me:secret@host/x", "ends up in reports"),
        ("http://host/x#y", "Leave that out"),
        ("http://host:8080", "does not say how to speak to it"),
    ],
)
def test_urls_that_cannot_be_used_are_refused(url: str, words: str) -> None:
    with pytest.raises(ModelError, match=words) as raised:
        http_model(url)
    assert "secret" not in str(raised.value)


def test_options_that_cannot_be_used_are_refused() -> None:
    url = "http://host/x"
    with pytest.raises(UnknownName, match="no protocol named 'grpc'"):
        http_model(url, protocol="grpc")  # type: ignore[arg-type]
    with pytest.raises(ModelError, match="names no model"):
        http_model(url, protocol="v2")
    with pytest.raises(ModelError, match="inputs= is for servers of the Open Inference Protocol"):
        http_model("http://h/invocations", inputs={"x": "FP64"})
    with pytest.raises(ModelError, match="no place for the rows"):
        http_model(url, template={"rows": []})
    with pytest.raises(ModelError, match="header 'X-A' cannot be sent"):
        http_model(url, protocol="json", headers={"X-A": "a\r\nX-B: c"})
    wrong: tuple[dict[str, Any], ...] = ({"workers": 0}, {"timeout": 0}, {"rows_per_second": -1.0}, {"budget": -1}, {"retries": -1})
    for options in wrong:
        with pytest.raises(ModelError, match=next(iter(options))):
            Calls(**options)


@pytest.mark.parametrize(
    ("metadata", "words"),
    [
        ([], "are no JSON object"),
        ({"inputs": [{"name": "x", "datatype": "FP32", "shape": [8, 2]}]}, "insists on 8 rows"),
        (b"<html>", "in no JSON"),
    ],
)
def test_metadata_that_make_no_sense_are_refused(world: World, metadata: object, words: str) -> None:
    world.get = lambda h: h.reply(metadata)
    with pytest.raises(ModelError, match=words):
        wrap(f"{world.url}/v2/models/m")


def test_a_model_that_is_not_there_is_named(world: World) -> None:
    world.get = lambda h: h.reply({"error": "unknown model 'm'"}, 404)
    with pytest.raises(ModelError, match=r"/v2/models/m/ready answers 404 Not Found to GET\. It says: unknown model 'm'\. The model is not loaded\."):
        wrap(f"{world.url}/v2/models/m")


def test_a_path_that_leads_nowhere_says_what_is_there() -> None:
    assert at({"a": [{"b": 1}, {"b": 2}]}, "a.1.b") == 2
    with pytest.raises(Refused, match=r"no 'a\.x': no 'x', but a list"):
        at({"a": [1]}, "a.x")


def test_a_certificate_that_proves_nothing_ends_the_call_at_once(world: World) -> None:
    time = Time()
    line = Line(world.url.replace("http", "https"), {}, Calls(sleep=time.sleep, clock=time.clock, retries=0, timeout=1.0))
    with pytest.raises(NoReply, match="SSL"):
        line.send("GET", "/")
    assert world.requests == []
