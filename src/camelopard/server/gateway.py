"""The gateway: an ASGI application that screens what comes and answers in the protocol it came in."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import signal
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import TYPE_CHECKING

from camelopard.core.errors import CamelopardError
from camelopard.server import metrics
from camelopard.server.exchange import Receive, Refused, Request, Response, Scope, Send
from camelopard.server.openapi import described
from camelopard.server.scoring import inference, rows
from camelopard.server.scoring.relay import Letter
from camelopard.server.scoring.served import Parse, Served

if TYPE_CHECKING:
    from camelopard.server.admission import Admission
    from camelopard.server.tracing import Tracing

log = logging.getLogger("camelopard.server")

App = Callable[[Scope, Receive, Send], Awaitable[None]]

OWN = ("predict", "invocations", "v2", "health", "ping", "metrics")  # first parts of paths that are the gateway's own
EVERY = 60.0  # seconds between two looks at what is served
READING = 8  # times as many requests may be on their way in as are answered at once


class Gateway:
    """Serves models behind their firewalls.

    Parameters
    ----------
    models
        By name. `/predict` and `/invocations` speak to the first one.
    face
        Makes the application for pages and management, when it is first asked for; None: there is none.
    watch
        Called every minute, in a thread: looks at what is served, and notes what it sees.
    admission
        Who may ask models, by a token; None: everybody who can reach the gateway.
    tracing
        Makes a span of each request that asks a model; None: nobody collects them.

    Raises
    ------
    CamelopardError
        If there is no model, or a name cannot stand in a path.
    """

    def __init__(
        self,
        models: Mapping[str, Served],
        face: Callable[[], App] | None = None,
        watch: Callable[[], object] | None = None,
        admission: Admission | None = None,
        tracing: Tracing | None = None,
    ) -> None:
        if not models:
            raise CamelopardError("a gateway needs a model to serve.")
        for name in models:
            if not name or "/" in name:
                raise CamelopardError(f"a model cannot be served as {name!r}: its name is part of a path. Give it another one.")
        self.models = dict(models)
        for name, served in models.items():
            served.judge.name = name
        self.first = next(iter(models))
        self.most = max(served.settings.most_at_once for served in models.values())
        self.at_once = self.reading = 0
        self._under_way: set[asyncio.Task[None]] = set()
        self._make_face, self._watch, self._admission, self._tracing = face, watch, admission, tracing
        self._face: asyncio.Task[App] | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or the start and end of the server's life."""
        if scope["type"] == "lifespan":
            await self._live(receive, send)
        elif scope["type"] == "http":
            if self._make_face is not None and not asked_of_models(scope):
                await (await self._shown(self._make_face))(scope, receive, send)
                return
            response = await self._respond(Request.of(scope, receive))
            await response.send(send)

    async def _shown(self, make: Callable[[], App]) -> App:
        """Return the application for people. It is made when somebody first asks: a gateway that nobody looks at starts sooner and stays small."""
        if self._face is None:
            self._face = asyncio.create_task(asyncio.to_thread(make))
        return await asyncio.shield(self._face)

    async def _live(self, receive: Receive, send: Send) -> None:
        while True:
            message = await receive()
            if message["type"] == "lifespan.startup":
                self._listen()
                await asyncio.gather(*(asyncio.to_thread(served.begin) for served in self.models.values()))
                self._under_way |= {asyncio.create_task(served.keep_up()) for served in self.models.values()}
                if self._watch is not None:
                    self._under_way.add(asyncio.create_task(_watched(self._watch)))
            else:
                for task in self._under_way:
                    task.cancel()
                for served in self.models.values():
                    await served.close()
            await send({"type": f"{message['type']}.complete"})
            if message["type"] == "lifespan.shutdown":
                return

    def _listen(self) -> None:
        """Load firewalls again on SIGHUP, where there is such a signal."""
        loop = asyncio.get_running_loop()
        with contextlib.suppress(AttributeError, NotImplementedError, ValueError, RuntimeError):  # no such signal, or not in the main thread
            loop.add_signal_handler(signal.SIGHUP, lambda: self._under_way.add(loop.create_task(self.reload())))

    async def reload(self) -> None:
        """Load all firewalls again; no request is dropped."""
        for served in self.models.values():
            await served.reload()

    async def _respond(self, request: Request) -> Response:
        try:
            return await self._routed(request)
        except Refused as error:
            after: Iterable[tuple[bytes, bytes]] = [] if error.retry_after is None else [(b"retry-after", str(error.retry_after).encode())]
            if error.status == 401:
                after = [(b"www-authenticate", b"Bearer")]
            return Response.error(error.status, str(error), after)
        except Exception as error:  # a defect of the gateway: told as such, and logged whole
            log.exception("a request failed")
            return Response.error(500, f"the gateway failed ({type(error).__name__}); its log says more.")

    async def _routed(self, request: Request) -> Response:
        path = request.path.rstrip("/") or "/"
        if path in ("/predict", "/invocations"):
            return await self._asked(request, self.first, path[1:])
        parts = path.split("/")[1:]
        if len(parts) == 3 and parts[0] == "models" and parts[2] in ("predict", "invocations"):
            return await self._asked(request, parts[1], parts[2])
        if parts[:2] == ["v2", "models"] and len(parts) >= 3:
            return await self._inference(request, parts[2], _unversioned(parts[3:]))
        found = self._told(path)
        if found is None:
            raise Refused(404, f"there is nothing at {path[:200]}. POST /predict judges rows; /openapi.json lists all.")
        if request.method not in ("GET", "HEAD"):
            raise Refused(405, f"{path} is only read: GET.")
        if self._admission is not None and (path == "/" or (path == "/metrics" and self._admission.metrics)):
            await self._admission.must(request.headers, "see models")
        return found

    def _told(self, path: str) -> Response | None:
        """Return what is at paths that are only read."""
        if path == "/v2/health/live":
            return Response.of({"live": True})
        if path in ("/v2/health/ready", "/health", "/ping"):
            ready = all(served.ready for served in self.models.values())
            return Response.of({"ready": ready}, 200 if ready else 503)
        if path == "/v2":
            return Response.of(inference.server_metadata())
        if path == "/metrics":
            return Response(200, metrics.exposed(self.models, self.at_once), kind=metrics.KIND)
        if path == "/openapi.json":
            return Response.of(described(list(self.models), tokens=self._admission is not None))
        if path == "/":
            names = {name: {"predict": f"/models/{name}/predict", "infer": f"/v2/models/{name}/infer"} for name in self.models}
            return Response.of({"server": "camelopard", "models": names, "openapi": "/openapi.json", "metrics": "/metrics"})
        return None

    async def _inference(self, request: Request, name: str, rest: list[str]) -> Response:
        if rest == ["infer"]:
            return await self._asked(request, name, "infer")
        if rest != ["ready"]:
            await self._admitted(request)
        served = self._served(name)
        if request.method not in ("GET", "HEAD"):
            raise Refused(405, f"{request.path[:200]} is only read: GET.")
        if rest == ["ready"]:
            return Response.of({"name": name, "ready": served.ready}, 200 if served.ready else 503)
        behind = None if rest else served.behind(served.force, "infer")
        if behind is not None:
            return await self._at_work(lambda: served.described(behind))
        if not rest:
            return Response.of(inference.model_metadata(name, served.force.schema, served.force.model))
        raise Refused(404, f"there is nothing at {request.path[:200]}.")

    async def _admitted(self, request: Request) -> None:
        """Raise Refused unless whoever asks may ask models."""
        if self._admission is not None:
            await self._admission.must(request.headers, "ask models")

    def _served(self, name: str) -> Served:
        if name not in self.models:
            others = "" if self._admission is not None else f"; there are {', '.join(list(self.models)[:20])}"
            raise Refused(404, f"there is no model {name[:100]!r}{others}.")
        return self.models[name]

    async def _asked(self, request: Request, name: str, how: str) -> Response:
        if self._admission is not None and name not in self.models:
            await self._admitted(request)  # who may not ask does not learn which models there are
        served = self._served(name)
        if request.method != "POST":
            raise Refused(405, f"{request.path[:200]} takes rows: POST.")
        served.counts.requests += 1
        try:
            if self._admission is not None:
                await self._admitted(request)
            letter = Letter(how, await self._body(request, served), request.headers)
            return await self._at_work(lambda: self._answered(request, name, served, letter))
        except Refused:
            served.counts.refused += 1
            raise

    async def _answered(self, request: Request, name: str, served: Served, letter: Letter) -> Response:
        parse = _parser(letter.how, letter.body, request, name, served)
        if self._tracing is None:
            return await served.respond(parse, letter)
        with self._tracing.request(name, letter.how, request.headers) as note:
            answer = await served.respond(parse, letter)
            note(answer)
            return answer

    async def _at_work(self, work: Callable[[], Awaitable[Response]]) -> Response:
        """Do what a request asks for, unless too many are in work."""
        if self.at_once >= self.most:
            raise Refused(503, f"{self.at_once} requests are in work; come back in a moment.", retry_after=1)
        self.at_once += 1
        try:
            return await work()
        finally:
            self.at_once -= 1

    async def _body(self, request: Request, served: Served) -> bytes:
        """Return the body: those who send slowly share places of their own, so that they keep nobody from being answered."""
        if self.reading >= READING * self.most:
            raise Refused(503, f"{self.reading} requests are being sent; come back in a moment.", retry_after=1)
        self.reading += 1
        try:
            return await request.body(served.settings.most_bytes, served.settings.timeout)
        finally:
            self.reading -= 1


async def _watched(watch: Callable[[], object]) -> None:
    """Look every minute, until cancelled; whatever goes wrong is logged, and answers do not depend on it."""
    while True:
        try:
            await asyncio.to_thread(watch)
        except Exception:
            log.exception("what is served could not be looked at; it is tried again in a minute")
        await asyncio.sleep(EVERY)


def _parser(how: str, body: bytes, request: Request, name: str, served: Served) -> Parse:
    """Return what reads the body, for the firewall in force."""
    most = served.settings.most_rows
    if how == "infer":
        length, elsewhere = request.headers.get(inference.HEADER), served.settings.mode == "mirror" or served.behind(served.force, how) is not None
        return lambda force: inference.read(body, length, force.schema, name, force.classes, most, elsewhere=elsewhere)
    if how == "invocations":
        return lambda force: rows.invocations(body, request.kind, force.schema, most)
    return lambda force: rows.plain_json(body, force.schema, force.classes, most)


def asked_of_models(scope: Scope) -> bool:
    """Return whether a request is for the models, or for who watches over the server, and not for pages and management."""
    parts = scope["path"].rstrip("/").split("/")[1:]
    if not parts:
        return b"text/html" not in dict(scope["headers"]).get(b"accept", b"")
    if parts[0] == "models":
        return len(parts) == 3 and parts[2] in ("predict", "invocations")
    return parts[0] in OWN


def _unversioned(parts: list[str]) -> list[str]:
    """Return the parts of a path after the version of a model, of which there is one."""
    return parts[2:] if parts[:1] == ["versions"] and len(parts) >= 2 else parts
