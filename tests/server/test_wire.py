"""Requests as bytes on a socket: what never ends is cut off, what is read in two ways is refused, and the rest is answered."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
import uvicorn

from camelopard.server.web.bounds import Guarded
from camelopard.server.wire import MOST, BoundedProtocol

HOST = b"Host: localhost\r\n"
LATER = b"GET /later HTTP/1.1\r\nHost: localhost\r\n\r\n"


async def echo(scope: Any, receive: Any, send: Any) -> None:
    size, more = 0, True
    while more:
        message = await receive()
        size, more = size + len(message.get("body", b"")), message.get("more_body", False)
    body = f"{scope['path']} {size}".encode()
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", str(len(body)).encode())]})
    await send({"type": "http.response.body", "body": body})


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        found = int(free.getsockname()[1])
    server = uvicorn.Server(uvicorn.Config(Guarded(echo), port=found, http=BoundedProtocol, ws="none", lifespan="off", log_config=None))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    yield found
    server.should_exit = True
    thread.join(timeout=10)


def told(port: int, *parts: bytes) -> bytes:
    """Return all that comes back until the other side closes, or nothing more comes for a moment."""
    with socket.create_connection(("127.0.0.1", port)) as connection:
        connection.settimeout(0.3)
        found = b""
        try:
            for part in parts:
                connection.sendall(part)
            while piece := connection.recv(65536):
                found += piece
        except (TimeoutError, ConnectionError):
            pass
        return found


@pytest.mark.parametrize(
    "begun",
    [
        b"GET /" + b"a" * MOST,
        b"GET / HTTP/1.1\r\n" + HOST + b"Cookie: " + b"a" * MOST,
        b"GET / HTTP/1.1\r\n" + HOST + b"x: y\r\n" * MOST,
        b"POST / HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: chunked\r\n\r\n0\r\nx: " + b"a" * MOST,
        b"POST / HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: chunked\r\n\r\n5;" + b"a" * MOST,
    ],
    ids=["address", "header", "headers", "trailer", "extension"],
)
def test_what_does_not_end_is_cut_off(port: int, begun: bytes) -> None:
    assert b"HTTP/1.1 200" not in told(port, begun[:1000], *(begun[i : i + 16384] for i in range(1000, len(begun), 16384)), b"a" * 1000)


def test_large_bodies_and_many_requests_on_one_connection_are_read(port: int) -> None:
    body = b"x" * 60_000
    found = told(port, b"".join(b"POST /%d HTTP/1.1\r\n" % i + HOST + b"Content-Length: 60000\r\n\r\n" + body for i in range(4)))
    assert found.count(b"HTTP/1.1 200") == 4 and b"/3 60000" in found
    cookie = b"GET /c HTTP/1.1\r\n" + HOST + b"Cookie: " + b"a" * 8000 + b"\r\n\r\n"
    assert told(port, *[cookie[i : i + 500] for i in range(0, len(cookie), 500)]).startswith(b"HTTP/1.1 200")


@pytest.mark.parametrize(
    "head",
    [
        b"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n",
        b"Content-Length: 4\r\nContent-Length: 50\r\n",
        b"Content-Length: 4, 50\r\n",
        b"Content-Length: +4\r\n",
        b"Content-Length : 4\r\n",
        b"Transfer-Encoding: xchunked\r\nContent-Length: 4\r\n",
        b"Transfer-Encoding: chunked, identity\r\n",
    ],
)
def test_a_request_that_ends_in_two_places_is_refused_with_all_that_follows(port: int, head: bytes) -> None:
    found = told(port, b"POST / HTTP/1.1\r\n" + HOST + head + b"\r\n0\r\n\r\n" + LATER)
    assert found.startswith(b"HTTP/1.1 400") and b"/later" not in found


def test_a_body_that_is_too_large_ends_the_connection(port: int) -> None:
    found = told(port, b"POST / HTTP/1.1\r\n" + HOST + b"Content-Length: 99999999\r\n\r\n" + LATER)
    assert found.startswith(b"HTTP/1.1 413") and found.count(b"HTTP/1.1") == 1


def test_two_names_are_none(port: int) -> None:
    assert told(port, b"GET / HTTP/1.1\r\n" + HOST + b"Host: elsewhere.example\r\n\r\n").startswith(b"HTTP/1.1 421")
    assert told(port, b"GET / HTTP/1.0\r\n\r\n").startswith(b"HTTP/1.1 421")
