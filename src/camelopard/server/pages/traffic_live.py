"""Verdicts as they come: server-sent events, from the log and thus of all workers and replicas.

A stream costs a look into the log each second, shared by all that ask the same; looks are made in a few threads of their own. It ends when its
session does, and an open page alone keeps no session from ending.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import json
import signal
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import contextmanager
from typing import TYPE_CHECKING

from anyio import CapacityLimiter, to_thread
from fastapi import APIRouter, Request
from starlette.responses import Response, StreamingResponse

from camelopard.core.errors import CamelopardError
from camelopard.server.exchange import Refused
from camelopard.server.management import traffic
from camelopard.server.management.traffic import Asked
from camelopard.server.pages import shell
from camelopard.server.pages.traffic import lines
from camelopard.server.web.parameters import AskedFor
from camelopard.server.web.visitor import SignedIn, Visitor, visitor
from camelopard.store import sessions
from camelopard.store.log_following import Following
from camelopard.store.log_reading import Logged
from camelopard.store.log_table import NoLog

if TYPE_CHECKING:
    from collections.abc import Iterator

router = APIRouter(include_in_schema=False)

MOST, MOST_EACH = 32, 4  # streams of a process, and of one session or token
THREADS = 4  # that look into the log for all streams
EVERY = 1.0  # seconds between two looks
BACK = dt.timedelta(seconds=60)  # how late a verdict may be written and still be shown
LOOKED, SHOWN = 200, 50  # verdicts that a look finds, and that an event brings, at most
BEAT, CHECKED, LONGEST = 15.0, 10.0, 3600.0  # seconds: a sign of life, whether the session lives, the life of a stream
RETRY = 3000  # milliseconds after which a browser connects again


class Streams:
    """All streams of a process, and what they look at.

    Parameters
    ----------
    place
        Where the log is.
    clock
        Tells the time.
    """

    def __init__(self, place: str, clock: Callable[[], dt.datetime]) -> None:
        self.clock, self.threads, self.open = clock, CapacityLimiter(THREADS), Counter[str]()
        self._following = Following(place)
        self._known: dict[tuple[str | None, ...], tuple[float, list[Logged]]] = {}

    def full(self, who: str) -> bool:
        """Return whether there is no room for a further stream of theirs."""
        return self.open.total() >= MOST or self.open[who] >= MOST_EACH

    @contextmanager
    def counted(self, who: str) -> Iterator[None]:
        """Count a stream while it lives."""
        self.open[who] += 1
        try:
            yield
        finally:
            self.open[who] -= 1
            self.open += Counter()  # forgets who has none left

    def newest(self, asked: Asked) -> list[Logged]:
        """Return the newest verdicts of the last minute; what others looked at less than a second ago is not looked at again."""
        key = (asked.model, asked.route, asked.reason)
        at, rows = self._known.get(key, (-EVERY, []))
        if time.monotonic() - at >= 0.9 * EVERY:
            rows = self.since(asked, self.clock() - BACK)
            for old in [one for one, (then, _) in list(self._known.items()) if time.monotonic() - then > BEAT]:
                self._known.pop(old, None)
            self._known[key] = time.monotonic(), rows
        return rows

    def since(self, asked: Asked, moment: dt.datetime) -> list[Logged]:
        """Return the newest verdicts since then; none while there is no log yet."""
        try:
            return self._following.since(moment, limit=LOOKED, **asked.among())
        except NoLog:
            return []


@router.get("/traffic/stream")
async def stream(request: Request, by: SignedIn, asked: AskedFor, after: str = "", only: bool = False) -> Response:
    """Return verdicts as they come, as rows of the page's table.

    Raises
    ------
    Refused
        If too many streams are open (429).
    """
    by.must("see rows")
    streams = _streams(request, by)
    who = _who(by)
    if streams.full(who):
        raise Refused(429, "too many pages with live traffic are open. Close some, or reload this one by hand.", retry_after=10)
    last = traffic.place_of(request.headers.get("last-event-id", "") or after)
    events = _events(request, by, streams, asked, by.now if last is None else last[0], only)
    return StreamingResponse(_while_open(streams, who, events), media_type="text/event-stream", headers={"x-accel-buffering": "no"})


async def _while_open(streams: Streams, who: str, events: AsyncIterator[str]) -> AsyncIterator[str]:
    with streams.counted(who):
        async for event in events:
            yield event


async def _events(request: Request, by: Visitor, streams: Streams, asked: Asked, start: dt.datetime, only: bool) -> AsyncIterator[str]:
    """Yield events until the session ends, or the server stops."""
    yield f"retry: {RETRY}\n\n"
    known: dict[str, dt.datetime] = {}
    begun = beat = checked = time.monotonic()
    look: Callable[[], list[Logged]] = lambda: streams.since(asked, start)
    link = asked.query(time="", since="", until="")
    while not leaving() and time.monotonic() - begun < LONGEST:
        try:
            rows = [row for row in await to_thread.run_sync(look, limiter=streams.threads) if row.time > start and row.id not in known]
            look = lambda: streams.newest(asked)
        except CamelopardError:  # a log in motion: the next look finds it
            rows = []
        if rows:
            known |= {row.id: row.time for row in rows}
            oldest = streams.clock() - 2 * BACK
            known = {id: at for id, at in known.items() if at > oldest}
            html = shell.part("traffic_rows.html", {"lines": lines(rows[:SHOWN]), "link": link, "only": only})
            told = {"html": html, "rows": len(rows), "shown": min(len(rows), SHOWN), "full": len(rows) >= LOOKED}
            beat = time.monotonic()
            yield f"id: {traffic.cursor(rows[0].place)}\nevent: rows\ndata: {json.dumps(told)}\n\n"
        elif time.monotonic() - beat >= BEAT:
            beat = time.monotonic()
            yield ": still here\n\n"
        if time.monotonic() - checked >= CHECKED:
            checked = time.monotonic()
            if not await to_thread.run_sync(_lives, request, by, limiter=streams.threads):
                yield "event: end\ndata: the session has ended\n\n"
                return
        await asyncio.sleep(EVERY)


def leaving() -> bool:
    """Return whether the server is about to stop: it waits for all answers to end, and tells nobody that it does."""
    server = getattr(signal.getsignal(signal.SIGTERM), "__self__", None)
    return bool(getattr(server, "should_exit", False))


def _streams(request: Request, by: Visitor) -> Streams:
    found: Streams | None = getattr(request.app.state, "streams", None)
    if found is None:
        found = request.app.state.streams = Streams(traffic.place(by.home), by.home.clock)
    return found


def _who(by: Visitor) -> str:
    return f"{by.who.name} {by.who.via}" if by.session is None else by.session.secret.digest()


def _lives(request: Request, by: Visitor) -> bool:
    """Return whether who asked may still see rows; asking does not count as a sign of life."""
    try:
        if by.session is None:
            return visitor(request).may("see rows")
        session = sessions.current(by.home.database, by.session.secret, by.home.clock(), noted=False)
        return session is not None and session.actor.may("see rows")
    except CamelopardError:
        return False
