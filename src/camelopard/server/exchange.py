"""A request and a response, and no more of ASGI than that: bodies are read within bounds, whoever sends them."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping, MutableMapping
from dataclasses import dataclass, field
from typing import Any

import msgspec
import numpy as np

from camelopard.core.cells import told as told_cell
from camelopard.core.errors import CamelopardError

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

JSON = b"application/json"
DIGITS = 18  # of a length
MOST_CELLS = 4096  # of an array that is told whole


class Refused(CamelopardError):
    """A request that is not taken: `status` is that of HTTP, `retry_after` the seconds after which it may be tried again."""

    def __init__(self, status: int, message: str, retry_after: int | None = None) -> None:
        super().__init__(message)
        self.status, self.retry_after = status, retry_after


def encoded(value: Any) -> bytes:
    """Return a value in JSON. Numbers that are none become null; a small picture is told whole, anything else that JSON does not know in words.

    >>> encoded({"a": float("nan"), "b": np.ones((1, 2)), "c": np.ones((99, 99))}).decode()
    '{"a":null,"b":[[1.0,1.0]],"c":"a picture of 99 × 99"}'
    """
    return msgspec.json.encode(value, enc_hook=_plain)


def _plain(value: Any) -> Any:
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, np.ndarray) and value.size <= MOST_CELLS:
        return value.tolist()
    return told_cell(value) or type(value).__name__


@dataclass(frozen=True)
class Response:
    """What is sent back."""

    status: int
    body: bytes = b""
    headers: Iterable[tuple[bytes, bytes]] = ()
    kind: bytes = JSON

    @classmethod
    def of(cls, value: Any, status: int = 200, headers: Iterable[tuple[bytes, bytes]] = ()) -> Response:
        """Return a response in JSON; see `encoded`."""
        return cls(status, encoded(value), headers)

    @classmethod
    def error(cls, status: int, message: str, headers: Iterable[tuple[bytes, bytes]] = ()) -> Response:
        """Return a response that says what is wrong, as the Open Inference Protocol does."""
        return cls.of({"error": message}, status, headers)

    async def send(self, send: Send) -> None:
        """Send it whole."""
        headers = [(b"content-type", self.kind), (b"content-length", str(len(self.body)).encode()), *self.headers]
        await send({"type": "http.response.start", "status": self.status, "headers": headers})
        await send({"type": "http.response.body", "body": self.body})


@dataclass(frozen=True)
class Request:
    """One request; the body is read when asked for."""

    method: str
    path: str
    headers: Mapping[bytes, bytes] = field(default_factory=dict)
    receive: Receive | None = None

    @classmethod
    def of(cls, scope: Scope, receive: Receive) -> Request:
        return cls(scope["method"], scope["path"], dict(scope["headers"]), receive)

    @property
    def kind(self) -> str:
        """Return the media type of the body, in small letters, without parameters."""
        return self.headers.get(b"content-type", b"").split(b";")[0].strip().lower().decode("latin-1")

    async def body(self, most: int, seconds: float) -> bytes:
        """Return the body.

        Raises
        ------
        Refused
            If it is longer than `most` bytes (413), takes longer than so many seconds (408), is packed (415), or ends early (400).
        """
        if self.headers.get(b"content-encoding", b"identity").strip().lower() != b"identity":
            raise Refused(415, "packed bodies are not read; send the request without Content-Encoding.")
        said = self.headers.get(b"content-length", b"0")
        if said.isdigit() and (len(said) > DIGITS or int(said) > most):
            raise Refused(413, f"the request has {said[:DIGITS].decode()} bytes; at most {most:,} are read. Send fewer rows at once.")
        try:
            async with asyncio.timeout(seconds):
                return await self._read(most)
        except TimeoutError:
            raise Refused(408, f"the request did not come whole within {seconds:g} seconds.") from None

    async def _read(self, most: int) -> bytes:
        assert self.receive is not None
        parts: list[bytes] = []
        size = 0
        while True:
            message = await self.receive()
            if message["type"] == "http.disconnect":
                raise Refused(400, "the client left before the request had come whole.")
            part: bytes = message.get("body", b"")
            size += len(part)
            if size > most:
                raise Refused(413, f"the request is longer than {most:,} bytes. Send fewer rows at once.")
            if not message.get("more_body", False):
                return part if not parts else b"".join([*parts, part])
            parts.append(part)
