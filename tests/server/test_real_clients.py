"""A gateway as people start it, spoken to by clients that know nothing of it, in front of a model of its own and in front of another server."""

from __future__ import annotations

import http.client
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import camelopard as cp
from tests.server.conftest import NAMES, people

pytest.importorskip("uvicorn")
MODEL = """
import time
import numpy as np

def shares(rows):
    if (rows["gain"] == 777.0).any():
        time.sleep(0.5)
    score = 0.06 * (rows["age"].to_numpy(dtype=float) - 50) + 0.04 * (rows["hours"].to_numpy(dtype=float) - 40)
    high = 1 / (1 + np.exp(-np.clip(score, -30, 30)))
    return np.column_stack([1 - high, high])
"""
MB = 1 << 20
FILES = 4096  # of a process with a thousand connections, and room to spare
ROW = {"age": 41.0, "hours": 38.0, "gain": 812.5}


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory, firewall: cp.Firewall) -> Path:
    folder = tmp_path_factory.mktemp("served")
    (folder / "promoting.py").write_text(MODEL)
    firewall.save(folder / "promotion.firewall")
    return folder


@contextmanager
def served(place: Path, model: str, *options: str) -> Iterator[tuple[int, subprocess.Popen[str]]]:
    """Start the command, wait until it answers, and stop it."""
    port = free_port()
    command = [
        sys.executable,
        "-m",
        "camelopard.cli.main",
        "serve",
        "promotion.firewall",
        "--model",
        model,
        "--classes",
        "no,yes",
        "--port",
        str(port),
    ]
    process = subprocess.Popen([*command, *options], cwd=place, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    try:
        deadline = time.monotonic() + 60
        while True:
            try:
                if asked(port, "GET", "/v2/health/ready")[0] == 200:
                    break
            except OSError:
                assert process.poll() is None and time.monotonic() < deadline, process.stdout.read() if process.stdout else ""
                time.sleep(0.05)
        yield port, process
    finally:
        process.kill()
        process.communicate()


def asked(port: int, method: str, path: str, value: Any = None) -> tuple[int, dict[str, str], Any]:
    line = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    try:
        line.request(method, path, None if value is None else json.dumps(value), {"content-type": "application/json"})
        reply = line.getresponse()
        body = reply.read()
        return reply.status, {k.lower(): v for k, v in reply.getheaders()}, json.loads(body) if body[:1] in b"[{" else body
    finally:
        line.close()


@pytest.fixture(scope="module")
def gateway(place: Path) -> Iterator[tuple[int, subprocess.Popen[str]]]:
    with served(place, "promoting:shares") as found:
        yield found


def test_a_client_of_triton_works_unchanged(gateway: tuple[int, Any], firewall: cp.Firewall) -> None:
    triton = pytest.importorskip("tritonclient.http")
    client = triton.InferenceServerClient(f"127.0.0.1:{gateway[0]}")
    assert client.is_server_live() and client.is_server_ready() and client.is_model_ready("promotion")
    assert [i["name"] for i in client.get_model_metadata("promotion")["inputs"]] == list(NAMES)
    some = people(60, 8)
    rows = some[firewall.screen(some).route == "pass"].head(5)
    assert len(rows) == 5
    for binary in (True, False):
        inputs = []
        for name in NAMES:
            inputs.append(triton.InferInput(name, [5], "FP64"))
            inputs[-1].set_data_from_numpy(rows[name].to_numpy(), binary_data=binary)
        wanted = [triton.InferRequestedOutput(name, binary_data=binary) for name in ("predict", "predict_proba")]
        found, verdicts = client.infer("promotion", inputs, outputs=wanted), firewall.screen(rows)
        told = [answer.decode() if isinstance(answer, bytes) else answer for answer in found.as_numpy("predict").tolist()]
        assert told == verdicts.prediction.tolist()
        assert verdicts.proba is not None and np.array_equal(found.as_numpy("predict_proba"), verdicts.proba)
        assert json.loads(found.get_response()["parameters"]["route"]) == ["pass"] * 5
    with pytest.raises(triton.InferenceServerException if hasattr(triton, "InferenceServerException") else Exception, match="held|refused"):
        bad = triton.InferInput("x", [1, 3], "FP32")
        bad.set_data_from_numpy(np.array([[1985, 2, 800]], dtype=np.float32))
        client.infer("promotion", [bad])


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
def test_curl_reads_the_verdict_in_headers_and_body(gateway: tuple[int, Any]) -> None:
    command = ["curl", "-si", f"http://127.0.0.1:{gateway[0]}/predict", "-d", json.dumps(ROW)]
    head, _, body = subprocess.run(command, capture_output=True, text=True, check=True).stdout.partition("\r\n\r\n" if os.name == "nt" else "\n\n")
    assert "200 OK" in head and "camelopard-route: pass" in head
    assert json.loads(body)["prediction"] == "no"


def test_a_request_under_way_is_answered_before_the_server_ends(place: Path) -> None:
    with served(place, "promoting:shares") as (port, process):
        found: list[int] = []
        slow = threading.Thread(target=lambda: found.append(asked(port, "POST", "/predict", [{**ROW, "gain": 777.0}] * 200)[0]))
        slow.start()
        time.sleep(0.2)
        process.send_signal(signal.SIGTERM)
        slow.join()
        assert found == [200] and process.wait(timeout=20) in (0, -signal.SIGTERM)


def test_a_firewall_is_loaded_again_on_sighup_while_requests_go_on(place: Path, firewall: cp.Firewall) -> None:
    shutil.copy(place / "promotion.firewall", place / "kept.firewall")
    try:
        with served(place, "promoting:shares") as (port, process):
            firewall.with_policy(cp.Policy(accept=0.9999)).save(place / "promotion.firewall")
            statuses = [asked(port, "POST", "/predict", ROW)[0]]
            process.send_signal(signal.SIGHUP)
            deadline = time.monotonic() + 20
            while statuses[-1] == 200 and time.monotonic() < deadline:
                statuses.append(asked(port, "POST", "/predict", ROW)[0])
            assert set(statuses) == {200, 202}
    finally:
        shutil.move(place / "kept.firewall", place / "promotion.firewall")


def test_in_front_of_another_server_and_when_that_goes_away(place: Path) -> None:
    with served(place, "promoting:shares", "--mode", "off", "--name", "upstream") as (behind, upstream):
        address = f"http://127.0.0.1:{behind}/v2/models/upstream"
        with served(place, address, "--timeout", "10") as (port, _):
            status, headers, found = asked(port, "POST", "/predict", ROW)
            assert (status, headers["camelopard-route"], found["prediction"]) == (200, "pass", "no")
            assert asked(port, "POST", "/predict", {"age": None, "hours": None, "gain": None})[0] == 422  # a bad row is not the server's fault
            upstream.kill()
            upstream.wait()
            status, _, found = asked(port, "POST", "/predict", ROW)
            assert status == 502 and "no answer from the model behind" in found["error"]
            for _ in range(4):
                asked(port, "POST", "/predict", ROW)
            status, headers, _ = asked(port, "POST", "/predict", ROW)
            assert status == 503 and int(headers["retry-after"]) >= 1
            assert asked(port, "GET", "/v2/health/live")[0] == 200


def counted(port: int, series: str) -> int:
    """Return the sum of a series of a server's metrics."""
    lines = asked(port, "GET", "/metrics")[2].decode().splitlines()
    return sum(int(line.rsplit(" ", 1)[1]) for line in lines if line.startswith(f"{series}{{"))


def test_a_client_of_triton_gets_the_words_of_the_server_behind_a_shadow(place: Path) -> None:
    triton = pytest.importorskip("tritonclient.http")
    rows = np.array([[41.0, 38.0, 812.5], [35.0, 40.0, 700.0]])  # nothing about them is suspicious: no repair is asked about
    cells = [triton.InferInput(name, [2], "FP64") for name in NAMES]
    for cell, values in zip(cells, rows.T, strict=True):
        cell.set_data_from_numpy(np.ascontiguousarray(values))
    wanted = [triton.InferRequestedOutput(name) for name in ("predict", "predict_proba")]
    with served(place, "promoting:shares", "--mode", "off", "--name", "upstream") as (behind, _):
        direct = triton.InferenceServerClient(f"127.0.0.1:{behind}").infer("upstream", cells, outputs=wanted)
        with served(place, f"http://127.0.0.1:{behind}/v2/models/upstream", "--mode", "shadow", "--name", "promotion") as (port, _):
            client = triton.InferenceServerClient(f"127.0.0.1:{port}")
            before = counted(behind, "camelopard_requests_total")
            found = client.infer("promotion", cells, outputs=wanted)
            assert found.get_response()["model_name"] == "upstream" and client.get_model_metadata("promotion")["name"] == "upstream"
            for name in ("predict", "predict_proba"):
                assert found.as_numpy(name).tolist() == direct.as_numpy(name).tolist()
            assert counted(port, "camelopard_rows_total") == 2
            assert counted(behind, "camelopard_requests_total") == before + 1  # the one passed on: nothing was asked twice


@pytest.fixture
def many_files() -> Iterator[None]:
    """Let this process, and those that it starts, hold many files and connections."""
    resource = pytest.importorskip("resource", reason="only Unix tells how many files a process may open")
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < FILES:
        pytest.skip(f"a process may open {hard} files here; this takes {FILES}")
    if soft != resource.RLIM_INFINITY:
        resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, FILES), hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_a_thousand_idle_and_slow_connections_do_not_keep_others_waiting(place: Path, many_files: None) -> None:
    with served(place, "promoting:shares") as (port, _):
        idle = [socket.create_connection(("127.0.0.1", port), timeout=20) for _ in range(1000)]
        try:
            for line in idle[:400]:
                line.sendall(b"POST /predict HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{")
            assert asked(port, "GET", "/v2/health/live")[0] == 200
            assert [asked(port, "POST", "/predict", ROW)[0] for _ in range(5)] == [200] * 5
            body = json.dumps(ROW).encode()
            for line in idle[-3:]:  # none of them was closed
                line.sendall(b"POST /predict HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))
                assert line.recv(1 << 16).startswith(b"HTTP/1.1 200 ")
            for line in idle[400:]:  # more who begin than may: they are told so, and nobody else waits
                line.sendall(b"POST /predict HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{")
            assert asked(port, "GET", "/v2/health/live")[0] == 200
            assert asked(port, "POST", "/predict", ROW)[0] in (200, 503)
        finally:
            for line in idle:
                line.close()
        deadline = time.monotonic() + 20
        while (last := asked(port, "POST", "/predict", ROW)[0]) == 503 and time.monotonic() < deadline:
            time.sleep(0.05)
        assert last == 200


@pytest.mark.parametrize("chunked", [False, True], ids=["content-length", "chunked"])
def test_a_body_of_100_mb_is_refused_without_being_held(gateway: tuple[int, subprocess.Popen[str]], chunked: bool) -> None:
    port, process = gateway
    told = Path(f"/proc/{process.pid}")
    try:
        (told / "clear_refs").write_text("5")  # from here on the largest size is counted anew
    except OSError:
        pytest.skip("this system does not tell how large a process has been")
    before, during = resident(told, "VmRSS"), []

    def pieces() -> Iterator[bytes]:
        for k in range(100):
            if k == 60:
                during.append(asked(port, "POST", "/predict", ROW)[0])
            yield b" " * MB

    line = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    try:
        lengths = {} if chunked else {"content-length": str(100 * MB)}
        line.request("POST", "/predict", pieces(), lengths, encode_chunked=chunked)
        reply = line.getresponse()
        assert reply.status == 413 and b"at once" in reply.read()
    finally:
        line.close()
    assert during == [200]
    assert asked(port, "POST", "/predict", ROW)[0] == 200
    assert resident(told, "VmHWM") - before < 64 * MB


def resident(told: Path, which: str) -> int:
    """Return the bytes that a process holds in memory (VmRSS), or held at most (VmHWM)."""
    found = next(one for one in (told / "status").read_text().splitlines() if one.startswith(which))
    return int(found.split()[1]) << 10


def test_two_workers_share_a_port(place: Path) -> None:
    with served(place, "promoting:shares", "--workers", "2") as (port, process):
        assert all(asked(port, "POST", "/predict", ROW)[0] == 200 for _ in range(20))
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=30) in (0, -signal.SIGTERM)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--mode", "gaurd"), "no mode named 'gaurd'"),
        (("--port", "0"), "port 0"),
        (("--on-block", "x"), "no on_block named 'x'"),
        (
            ("--log", "unkept", "--hashed", "age"),
            "--hashed needs a secret key of 16 to 64 bytes in the environment variable CAMELOPARD_LOG_KEY; there",
        ),
        (("--log", "unkept", "--log-inputs", "hashed"), "--log-inputs hashed needs a secret key"),
    ],
)
def test_wrong_options_are_told_in_one_line(place: Path, options: tuple[str, ...], words: str) -> None:
    command = [sys.executable, "-m", "camelopard.cli.main", "serve", "promotion.firewall", "--model", "promoting:shares", "--classes", "no,yes"]
    keyless = {name: value for name, value in os.environ.items() if name != "CAMELOPARD_LOG_KEY"}
    done = subprocess.run([*command, *options], cwd=place, env=keyless, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 2 and words in done.stderr and done.stderr.count("\n") == 1


def test_a_killed_gateway_leaves_a_log_that_the_command_line_reads_and_replays(place: Path) -> None:
    pytest.importorskip("deltalake")
    command = [sys.executable, "-m", "camelopard.cli.main", "traffic", "verdicts"]
    with served(place, "promoting:shares", "--log", "verdicts") as (port, process):
        for row in (ROW, {**ROW, "age": 1985.0, "hours": 2.0}, {**ROW, "age": "41 years"}):
            asked(port, "POST", "/predict", row)
        time.sleep(2.0)
        process.kill()
    shown = subprocess.run([*command, "--json"], cwd=place, capture_output=True, text=True, timeout=60, check=True)
    rows = [json.loads(line) for line in shown.stdout.splitlines()]
    assert [row["route"] for row in rows] == ["repair", "review", "pass"]
    again = ("--replay", "promotion.firewall", "--model", "promoting:shares", "--classes", "no,yes")
    told = subprocess.run([*command, *again], cwd=place, capture_output=True, text=True, timeout=60, check=False)
    assert told.returncode == 0 and "3 of 3 rows come out the same" in told.stdout, told.stderr
    wrong = subprocess.run([*command, "--since", "yesterday"], cwd=place, capture_output=True, text=True, timeout=60, check=False)
    assert wrong.returncode == 2 and "expected a day or a time" in wrong.stderr


@pytest.mark.parametrize("option", ["--log", "--home"])
def test_hidden_and_hashed_columns_are_kept_from_any_log(place: Path, option: str, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("deltalake")
    from camelopard.store.log_cells import Hashed
    from camelopard.store.log_reading import read

    monkeypatch.setenv("CAMELOPARD_LOG_KEY", "a key that is long enough")
    kept = place / f"kept-by-{option[2:]}"
    with served(place, "promoting:shares", option, kept.name, "--hidden", "gain", "--hashed", "email, Age") as (port, process):
        for row in (ROW, {**ROW, "hours": 39.0, "email": "ann@example.org"}, {**ROW, "age": "41 years"}):
            asked(port, "POST", "/predict", row)
        process.send_signal(signal.SIGTERM)  # what waits is written
        process.wait(timeout=20)
    odd, second, first = read(kept / "verdicts" if option == "--home" else kept)
    assert [set(row.cells) for row in (first, second, odd)] == [{"age", "hours"}, {"age", "hours", "email"}, {"age", "hours"}]
    assert all(isinstance(row.cells["age"], Hashed) for row in (first, second, odd)) and isinstance(second.cells["email"], Hashed)
    assert first.cells["age"] == second.cells["age"] != odd.cells["age"]
    assert (first.cells["hours"], second.cells["hours"]) == (38.0, 39.0)
    data = b"".join(path.read_bytes() for path in kept.rglob("*") if path.is_file())
    assert data and not any(word in data for word in (b"41 years", b"812.5", b"ann@example.org", b"a key that is long enough"))
