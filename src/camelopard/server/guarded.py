"""What every answer to a browser carries, and what no request gets past: names that are not ours, bodies without end."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from camelopard.server.exchange import Receive, Refused, Response, Scope, Send

MOST_BYTES = 32 << 20  # of a request
POLICY = (
    "default-src 'none'; img-src 'self' data:; style-src 'self'; style-src-attr 'unsafe-inline'; script-src 'self'; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
HEADERS = (
    (b"content-security-policy", POLICY.encode()),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"same-origin"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
)
PRIVATE = (b"cache-control", b"no-store")
LOOPBACK = ("127.0.0.1", "localhost", "[::1]")


class Guarded:
    """An application within bounds.

    Parameters
    ----------
    app
        It.
    hosts
        Names by which it may be called; empty: any.
    """

    def __init__(self, app: Callable[[Any, Any, Any], Awaitable[None]], hosts: Sequence[str]) -> None:
        self.app, self.hosts = app, frozenset(host.lower() for host in (*hosts, *LOOPBACK)) if hosts else frozenset[str]()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        headers = dict(scope["headers"])
        said, size, begun = _host(headers.get(b"host", b"")), 0, False
        if self.hosts and said not in self.hosts:
            await Response.error(421, "this server is not called by that name. Whoever runs it can add names: --called NAME.").send(send)
            return
        length = headers.get(b"content-length", b"0")
        if length.isdigit() and int(length[:18]) > MOST_BYTES:
            await Response.error(413, f"at most {MOST_BYTES:,} bytes are read.").send(send)
            return

        async def bounded() -> Any:
            nonlocal size
            message = await receive()
            size += len(message.get("body", b""))
            if size > MOST_BYTES:
                raise Refused(413, f"at most {MOST_BYTES:,} bytes are read.")
            return message

        async def dressed(message: Any) -> None:
            nonlocal begun
            if message["type"] == "http.response.start":
                begun = True
                given = {name for name, _ in message["headers"]}
                more = [*HEADERS, PRIVATE] if b"cache-control" not in given else HEADERS
                message = {**message, "headers": [*message["headers"], *(pair for pair in more if pair[0] not in given)]}
            await send(message)

        try:
            await self.app(scope, bounded, dressed)
        except Refused as error:
            if begun:
                raise
            await Response.error(error.status, str(error)).send(dressed)


def _host(header: bytes) -> str:
    """Return the name without its port, in small letters."""
    text = header.decode("latin-1").strip().lower()
    return text[: text.index("]") + 1] if text.startswith("[") and "]" in text else text.partition(":")[0]
