"""What the gateway costs: one prediction of 30 numbers over HTTP without and with the firewall, many at once, the start, and memory.

`python -m bench.gateway` needs the extra `serve`. The same function is the model everywhere; it answers a row alike alone and among others, so that
requests of the same moment may be judged together. Times are of a client on the same machine, over a kept connection: a busy machine makes all of
them longer, their ratios less so. `--peers PYTHON …`: other servers, in environments of their own, in the same rounds; see `bench.peers`. Writes the
table in the README, with what `bench.log`, `bench.inventory` and `bench.pages` measured last.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

import camelopard as cp
from bench import peers
from bench.machine import RESULTS, ROOT, into_readme, where
from camelopard.core.arrays import Array, Floats

COLUMNS = 30
WARM, ROUNDS = 2.0, 3  # seconds in which a server is asked before it is measured; rounds
CONNECTIONS = 16
ANSWERS = (200, 202, 422)  # a row may be held or refused, which is an answer too
LONGEST = 60.0  # seconds that a server may take to its first answer
START, END = "<!-- gateway: written by `make bench-gateway` -->", "<!-- end of gateway -->"
PARTS = ("gateway", "log", "inventory", "pages")
OFF, GUARD, LOGGED = "camelopard, switched off", "camelopard, with firewall and reasons", "camelopard, with firewall, reasons and log"
SERVERS: dict[str, tuple[str, list[str]]] = {
    "bare ASGI": ("bare:app", []),
    "FastAPI, an empty handler": ("empty:app", []),
    OFF: ("", ["--mode", "off"]),
    GUARD: ("", ["--mode", "guard"]),
    LOGGED: ("", ["--mode", "guard", "--log"]),
}
PAGES_OF_LOG = {
    "traffic_page_ms": "the traffic page",
    "traffic_of_a_rare_reason_page_ms": "that of a rare reason",
    "verdict_page_ms": "one verdict as a page",
    "newest_100_ms": "the newest hundred rows",
}
EMPTY = """
from typing import Any
from fastapi import Body, FastAPI

app = FastAPI()

@app.post("/predict")
async def predict(rows: list[list[float]] = Body()) -> dict[str, Any]:
    return {}
"""
BARE = """
import msgspec
import bench.gateway as g
import numpy as np

async def app(scope, receive, send):
    if scope["type"] == "lifespan":
        while True:
            kind = (await receive())["type"]
            await send({"type": kind + ".complete"})
            if kind.endswith("shutdown"):
                return
    message = await receive()
    body = message.get("body", b"")
    while message.get("more_body"):
        message = await receive()
        body += message.get("body", b"")
    found = g.shares(np.array(msgspec.json.decode(body)))
    said = msgspec.json.encode([{"prediction": int(share[1] > 0.5), "probabilities": share.tolist()} for share in found])
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(said))]})
    await send({"type": "http.response.body", "body": said})
"""


def shares(rows: Any) -> Floats:
    """Return the probabilities of the model, shape (n, 2): a logistic line."""
    x = rows if isinstance(rows, np.ndarray) else np.asarray(rows, dtype=np.float64)
    high = 1 / (1 + np.exp(-np.clip((x * _LINE).sum(axis=1), -30, 30)))
    return np.column_stack([1 - high, high])


_LINE = np.random.default_rng(3).normal(size=COLUMNS) / 4


def world(n: int, seed: int) -> Array:
    """Return correlated numbers, shape (n, 30)."""
    rng = np.random.default_rng(seed)
    return np.asarray((rng.normal(size=(n, 6)) @ np.random.default_rng(4).normal(size=(6, COLUMNS)) + rng.normal(size=(n, COLUMNS))).round(4))


def fitted(folder: Path) -> None:
    """Write a firewall of the model, fitted to 3,000 rows."""
    X = world(3000, 1)
    y = (np.random.default_rng(2).random(len(X)) < shares(X)[:, 1]).astype(int)
    model = cp.wrap(shares, name="line", task="classification", classes=[0, 1])
    cp.Firewall(alpha=0.01, budget=60_000).fit(model, X, y).save(folder / "line.firewall")


@contextmanager
def started(command: list[str], folder: Path, port: int, request: bytes, more: Mapping[str, str]) -> Iterator[dict[str, float]]:
    """Run a server; say how long it took to its first answer, and how much memory it holds then and at the end, with all its processes."""
    start, told = time.perf_counter(), {}
    paths = os.pathsep.join([str(ROOT / "src"), str(ROOT)])
    environment = {**os.environ, "PYTHONPATH": paths, **more}
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    process = subprocess.Popen(command, cwd=folder, env=environment, start_new_session=True, **quiet)  # type: ignore[call-overload]
    try:
        while True:
            try:
                Line(port).ask(request)
                break
            except OSError:
                if process.poll() is not None:
                    raise SystemExit(f"{command} ended with {process.returncode}") from None
                if time.perf_counter() - start > LONGEST:
                    raise SystemExit(f"{command} does not answer") from None
                time.sleep(0.01)
        told["first answer (s)"] = time.perf_counter() - start
        told["memory (MB)"] = _memory(process.pid)
        yield told
        told["memory at the end (MB)"] = _memory(process.pid)
    finally:
        process.terminate()
        try:
            process.wait(10)
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)


def _memory(pid: int) -> float:
    """Return the memory of a process and of all that it started, in MB."""
    status = Path(f"/proc/{pid}/status").read_text()
    own = next((int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS")), 0) / 1024
    return own + sum(_memory(int(child)) for task in Path(f"/proc/{pid}/task").iterdir() for child in (task / "children").read_text().split())


def asked(path: str, body: Callable[[peers.Rows], object]) -> list[bytes]:
    """Return requests for one row each."""
    bodies = [json.dumps(body([row])).encode() for row in world(200, 9).tolist()]
    head = f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%b".encode()
    return [head % (len(body), body) for body in bodies]


class Line:
    """One kept connection."""

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def ask(self, request: bytes) -> bytes:
        """Return the body of the answer."""
        self.socket.sendall(request)
        data = b""
        while b"\r\n\r\n" not in data:
            part = self.socket.recv(65536)
            if not part:
                raise ConnectionError("the server closed the connection")
            data += part
        head, _, body = data.partition(b"\r\n\r\n")
        if int(head.split(maxsplit=2)[1]) not in ANSWERS:
            raise ConnectionError(f"the server said {head.splitlines()[0]!r}")
        length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
        while len(body) < length:
            body += self.socket.recv(65536)
        return body


def latency(port: int, requests: Sequence[bytes], n: int) -> tuple[float, float]:
    """Return the median and the 99th percentile of n requests, one after the other, in milliseconds."""
    line = Line(port)
    until = time.perf_counter() + WARM
    while time.perf_counter() < until:
        for request in requests:
            line.ask(request)
    took = []
    for i in range(n):
        start = time.perf_counter()
        line.ask(requests[i % 200])
        took.append(time.perf_counter() - start)
    return 1e3 * float(np.median(took)), 1e3 * float(np.quantile(took, 0.99))


async def _many(port: int, requests: Sequence[bytes], seconds: float) -> float:
    done = 0
    until = time.perf_counter() + seconds

    async def ask(k: int) -> None:
        nonlocal done
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        i = k
        while time.perf_counter() < until:
            writer.write(requests[i % 200])
            head = await reader.readuntil(b"\r\n\r\n")
            await reader.readexactly(int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0]))
            done, i = done + 1, i + 1
        writer.close()

    start = time.perf_counter()
    await asyncio.gather(*(ask(k) for k in range(CONNECTIONS)))
    return done / (time.perf_counter() - start)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--requests", type=int, default=5000)
    parser.add_argument("--seconds", type=float, default=4.0)
    parser.add_argument("--peers", type=Path, nargs="+", default=[], metavar="PYTHON", help="environments that hold other servers")
    parser.add_argument("--table", action="store_true", help="measure nothing: write the table of what was measured last")
    arguments = parser.parse_args()
    if not arguments.table:
        measured(arguments.requests, arguments.seconds, [place.absolute() for place in arguments.peers])
    found = {name: json.loads(path.read_text()) for name in PARTS if (path := RESULTS / f"{name}.json").exists()}
    text = markdown(found)
    print(text)
    into_readme(START, END, text)
    return 0


def measured(requests: int, seconds: float, pythons: Sequence[Path]) -> None:
    """Measure every server in turn, some rounds, and keep the figures."""
    found: dict[str, list[dict[str, float]]] = {}
    others, own = peers.found_in(pythons), asked("/predict", lambda rows: rows)
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        fitted(folder)
        (folder / "bare.py").write_text(BARE)
        (folder / "empty.py").write_text(EMPTY)
        for name in others:
            (folder / name).mkdir()
            np.save(folder / name / "line.npy", _LINE)
        for turn in range(ROUNDS):
            for name, (module, options) in SERVERS.items():
                port = _port()
                serve = ["line.firewall", "--model", "bench.gateway:shares", "--classes", "0,1", "--port", str(port)]
                kept = ["--log", f"log{turn}"] if options[-1:] == ["--log"] else []
                plain = ["-m", "uvicorn", module, "--port", str(port), "--log-level", "warning", "--no-access-log"]
                ours = ["-m", "camelopard.cli.main", "serve", *serve, *[option for option in options if option != "--log"], *kept]
                with started([sys.executable, *(ours if options else plain)], folder, port, own[0], {}) as told:
                    told.update(speed(port, own, requests, seconds))
                found.setdefault(name, []).append(told)
            for name, (peer, python) in others.items():
                port = _port()
                command, theirs = peer.ready(python, folder / name, port), asked(peer.path, peer.body)
                with started(command, folder / name, port, theirs[0], peers.around(python)) as told:
                    told.update(speed(port, theirs, requests, seconds))
                found.setdefault(name, []).append(told)
    summary = {name: {key: median(run[key] for run in runs) for key in runs[0]} for name, runs in found.items()}
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "gateway.json").write_text(json.dumps({"where": where(), "runs": found, "summary": summary}, indent=1) + "\n")


def speed(port: int, asked: Sequence[bytes], requests: int, seconds: float) -> dict[str, float]:
    """Return how long requests take one after the other, and how many there are a second over some connections."""
    middle, slow = latency(port, asked, requests)
    return {"p50 (ms)": middle, "p99 (ms)": slow, "requests per second": asyncio.run(_many(port, asked, seconds))}


def markdown(found: dict[str, Any]) -> str:
    """Return the table of the gateway, and of its log and its pages where these were measured."""
    summary = found["gateway"]["summary"]
    lines = [
        f"**What does the gateway cost?** Measured by `make bench-gateway` ({found['gateway']['where']}): a row of 30 numbers in plain JSON over a kept "
        "connection, client and server on the same two cores, one worker, each asked for two seconds before it is measured, medians of three rounds. The same function of NumPy is the model of all but "
        "the empty handler; it answers a row alike alone and among others, without which none are judged together.",
        "",
        "| server | p50 | p99 | requests/s, 16 connections | start to first answer | memory |",
        "|---|---|---|---|---|---|",
    ]
    for name, one in summary.items():
        shown = [f"{one['p50 (ms)']:.2f} ms", f"{one['p99 (ms)']:.2f} ms", f"{one['requests per second']:,.0f}"]
        lines.append(f"| {name} | {' | '.join(shown)} | {one['first answer (s)']:.2f} s | {one['memory (MB)']:.0f} MB |")
    off, on = summary[OFF]["p50 (ms)"], summary[LOGGED]["p50 (ms)"]
    bare = summary["bare ASGI"]["p50 (ms)"]
    lines += [
        "",
        f"With firewall, reasons and log a row takes {on / off:.1f} times as long as with the firewall off. A machine that is busy or slow makes all of "
        f"these longer: of what an application without any work takes here, the gateway takes {off / bare:.1f} times as much with the firewall off, "
        f"{summary[GUARD]['p50 (ms)'] / bare:.1f} times with it, and {on / bare:.1f} times with reasons and log.",
    ]
    if not summary.keys().isdisjoint(peers.PEERS):
        lines[-1] += (
            " The servers below camelopard's lines answer without a firewall, each in its newest release and with one worker (`bench.peers`); memory is that of all their processes."
        )
    if "log" in found:
        lines += ["", _log(found["log"])]
    if "inventory" in found:
        lines += ["", _inventory(found["inventory"])]
    if "pages" in found:
        lines += ["", _pages(found["pages"])]
    return "\n".join(lines)


def _log(found: dict[str, Any]) -> str:
    rates = found["rows_per_cpu_second"]
    whole, alone = rates["adult_10000_together"], rates["adult_one_by_one"]
    text = (
        f"**The log** (`python -m bench.log`, {found['machine']}): {whole['median']:,} rows of Adult kept whole per CPU-second (best of the turns "
        f"{whole['best']:,}), {alone['median']:,} one row a request; a killed process lost its last {min(found['lost_by_kill_seconds'])} to "
        f"{max(found['lost_by_kill_seconds'])} s."
    )
    ten = found.get("ten_million", {})
    shown = [f"{what} {ten[key]:,.0f} ms" for key, what in PAGES_OF_LOG.items() if key in ten]
    return f"{text} Over ten million verdicts: {', '.join(shown)}." if shown else text


def _inventory(found: dict[str, Any]) -> str:
    shown = "; ".join(f"{what}: {one['ms']:.0f} ms, {one['kb']:.0f} KB" for what, one in found["pages"].items())
    return (
        f"**The pages** (`python -m bench.inventory`, {found['where']}), {found['models']:,} models, time in the server and size compressed: {shown}."
    )


def _pages(found: dict[str, Any]) -> str:
    sizes = sorted(((one["kb"], place) for place, one in found["pages"].items()), reverse=True)
    largest = ", ".join(f"{place} {kb:.0f} KB" for kb, place in sizes[:5])
    return (
        f"**First paint** (`python -m bench.pages`, {found['where']}): what a browser that has seen nothing yet loads over the network for each of the "
        f"{len(sizes)} kinds of page of `camelopard demo --serve`, styles and scripts with it, compressed: {sizes[-1][0]:.0f} to {sizes[0][0]:.0f} KB "
        f"({largest}), {median(kb for kb, _ in sizes):.0f} KB in the middle."
    )


def _port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


if __name__ == "__main__":
    sys.exit(main())
