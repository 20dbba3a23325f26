"""What every answer to a browser carries, and what no request gets past: names that are not ours, other sites, bodies without end.

Another site can make a browser send things here with the cookies that it has for us. Browsers say where a request comes from (Sec-Fetch-Site,
Origin); what would change something and comes from elsewhere is refused before anything is read, whatever else a form carries.
"""

from __future__ import annotations

import asyncio
import ipaddress
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from camelopard.server.exchange import Receive, Refused, Response, Scope, Send

MOST_BYTES = 32 << 20  # of a request with files
MOST_TEXT = 4 << 20  # of any other
MOST_STRANGER = 64 << 10  # of who shows neither a cookie nor a token, and of a sign-in
SECONDS = 30.0  # for a request to come whole
AT_ONCE, ON_THEIR_WAY = 64, 512  # requests in work, and requests still being sent
POLICY = (
    "default-src 'none'; img-src 'self' data:; style-src 'self'; style-src-attr 'unsafe-inline'; script-src 'self'; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
HEADERS = (
    (b"content-security-policy", POLICY.encode()),
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"same-origin"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
)
PRIVATE = (b"cache-control", b"no-store")
LOOPBACK = ("127.0.0.1", "localhost", "[::1]")
ANY = "*"
READING = (b"GET", b"HEAD", b"OPTIONS")


class Guarded:
    """An application within bounds.

    Parameters
    ----------
    app
        It.
    hosts
        Names by which it may be called, beside those of the machine itself and any bare address: a page elsewhere can point a name of its own at us,
        but no address. "*": any name.
    seconds, at_once
        How long a request may take to come whole, and how many may be in work at the same time.
    """

    def __init__(
        self, app: Callable[[Any, Any, Any], Awaitable[None]], hosts: Sequence[str] = (), seconds: float = SECONDS, at_once: int = AT_ONCE
    ) -> None:
        self.app, self.hosts = app, frozenset(host.lower().rstrip(".") for host in (*hosts, *LOOPBACK))
        self.seconds, self.at_once = seconds, at_once
        self.working = self.sent = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        wrong = self._refusal(scope)
        if wrong is None and self.working >= self.at_once:
            wrong = Refused(503, f"{self.working} requests are in work; come back in a moment.", retry_after=1)
        if wrong is not None:
            await _answered(scope, wrong).send(_dressing(send))
            return
        await _Passage(self, scope, receive, send).through()

    def _refusal(self, scope: Scope) -> Refused | None:
        """Return why a request is not even looked at; None where it is."""
        names = [value for name, value in scope["headers"] if name == b"host"]
        said = _host(names[0]) if len(names) == 1 else ""
        if not self._ours(said):
            return Refused(421, "this server is not called by that name. Whoever runs it can add names: --called NAME.")
        headers = dict(scope["headers"])
        if scope["method"].encode() not in READING and self._from_elsewhere(headers, said):
            return Refused(403, "this came from a page of another site. Nothing was changed.")
        length, most = headers.get(b"content-length", b"0"), _most(scope["path"], headers)
        if length.isdigit() and int(length[:18]) > most:
            return Refused(413, f"at most {most:,} bytes are read here.")
        return None

    def _ours(self, host: str) -> bool:
        return host in self.hosts or ANY in self.hosts or _is_address(host)

    def _from_elsewhere(self, headers: Mapping[bytes, bytes], host: str) -> bool:
        site, origin = headers.get(b"sec-fetch-site"), headers.get(b"origin")
        if site is not None:
            return site not in (b"same-origin", b"none")
        return origin is not None and _host(origin.partition(b"://")[2]) not in {host, *self.hosts}


class _Passage:
    """One request on its way through: counted while it is in work, bounded while it is being sent."""

    def __init__(self, guard: Guarded, scope: Scope, receive: Receive, send: Send) -> None:
        self.guard, self.scope, self.receive, self.dressed = guard, scope, receive, _dressing(send)
        self.most = _most(scope["path"], dict(scope["headers"]))
        self.size, self.whole, self.begun = 0, False, False
        self.until = asyncio.get_running_loop().time() + guard.seconds
        self.wrong: Refused | None = None

    async def through(self) -> None:
        self.guard.working += 1
        try:
            path = self.scope["path"].rstrip("/") or "/"
            await self.guard.app({**self.scope, "path": path}, self.read, self.answer)
        except Exception as error:
            self.wrong = self.wrong or (error if isinstance(error, Refused) else None)
            if self.begun or self.wrong is None:
                raise
        finally:
            if not self.begun:
                self.guard.working -= 1
        if self.wrong is not None and not self.begun:
            await _answered(self.scope, self.wrong).send(self.dressed)

    async def read(self) -> Any:
        """Return the next piece of the body; while it is waited for, the request is not in work."""
        if self.whole or self.begun:
            return await self.receive()
        self.guard.working -= 1
        self.guard.sent += 1
        try:
            message = await self._piece()
        except Refused as error:
            self.wrong = error  # whatever the application makes of it
            raise
        finally:
            self.guard.working += 1
            self.guard.sent -= 1
        self.whole = not message.get("more_body", False)
        return message

    async def _piece(self) -> Any:
        if self.guard.sent > ON_THEIR_WAY:
            raise Refused(503, f"{self.guard.sent} requests are being sent; come back in a moment.", retry_after=1)
        try:
            async with asyncio.timeout_at(self.until):
                message = await self.receive()
        except TimeoutError:
            raise Refused(408, f"the request did not come whole within {self.guard.seconds:g} seconds.") from None
        self.size += len(message.get("body", b""))
        if self.size > self.most:
            raise Refused(413, f"at most {self.most:,} bytes are read here.")
        return message

    async def answer(self, message: Any) -> None:
        """Send a piece of the answer; nothing of it once the request was refused. Who is answered is no longer in work, however long that takes."""
        if self.wrong is not None and not self.begun:
            return
        if message["type"] == "http.response.start":
            self.begun = True
            self.guard.working -= 1
        await self.dressed(message)


def _dressing(send: Send) -> Send:
    """Return what sends an answer with all that every answer carries."""

    async def dressed(message: Any) -> None:
        if message["type"] == "http.response.start":
            given = {name for name, _ in message["headers"]}
            more = (pair for pair in (*HEADERS, PRIVATE) if pair[0] not in given)
            message = {**message, "headers": [*message["headers"], *more]}
        await send(message)

    return dressed


def _answered(scope: Scope, error: Refused) -> Response:
    """Return a refusal in the shape of whoever asked. Whatever may still come over the connection is not waited for."""
    headers = [(b"connection", b"close")] if error.status in (408, 413, 503) else []
    if error.retry_after is not None:
        headers.append((b"retry-after", str(error.retry_after).encode()))
    if scope["path"].startswith("/api/"):
        return Response.of({"ok": False, "error": str(error), "status": error.status, "code": "refused"}, error.status, headers)
    return Response(error.status, str(error).encode(), headers, b"text/plain; charset=utf-8")


def _most(path: str, headers: Mapping[bytes, bytes]) -> int:
    """Return how many bytes of a request are read."""
    if path.rstrip("/") == "/sign-in" or (b"cookie" not in headers and b"authorization" not in headers):
        return MOST_STRANGER
    return MOST_BYTES if headers.get(b"content-type", b"").lower().startswith(b"multipart/form-data") else MOST_TEXT


def _host(header: bytes) -> str:
    """Return the name without its port, in small letters."""
    text = header.decode("latin-1").strip().lower()
    return text[: text.index("]") + 1] if text.startswith("[") and "]" in text else text.partition(":")[0].rstrip(".")


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        return False
    return True
