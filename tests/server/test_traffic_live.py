"""Verdicts as they come: what a stream tells, whom it tells, and when it ends."""

from __future__ import annotations

import asyncio
import json
import re
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("deltalake", reason="the log of verdicts needs deltalake: pip install 'camelopard[serve]'")

import camelopard as cp
from camelopard.server.home import Home
from camelopard.server.pages import traffic_live
from camelopard.server.web.app import managed
from camelopard.store import people, sessions
from camelopard.store.roles import Actor
from tests.server.test_traffic_pages import GOOD, HOSTILE, WRONG, judged, logging, program
from tests.server.visiting import Person, at_home


@pytest.fixture
def home(tmp_path: Path, firewall: cp.Firewall, monkeypatch: pytest.MonkeyPatch) -> Iterator[Home]:
    monkeypatch.setattr(traffic_live, "EVERY", 0.02)
    with at_home(tmp_path, firewall) as made:
        yield from logging(made, "promotion")


class Listener:
    """A browser that listens to a stream, and what it heard."""

    def __init__(self, app: Any, path: str, headers: dict[str, str]) -> None:
        self.app, (self.path, _, self.query), self.headers = app, path.partition("?"), headers
        self.heard, self.status, self.gone = "", 0, asyncio.Event()

    async def listen(self) -> None:
        sent = False

        async def receive() -> dict[str, Any]:
            nonlocal sent
            if not sent:
                sent = True
                return {"type": "http.request", "body": b"", "more_body": False}
            await self.gone.wait()
            return {"type": "http.disconnect"}

        async def send(message: dict[str, Any]) -> None:
            if message["type"] == "http.response.start":
                self.status, self.kind = message["status"], dict(message["headers"]).get(b"content-type", b"").decode()
            else:
                self.heard += message.get("body", b"").decode()

        pairs = [(name.encode(), value.encode()) for name, value in {"host": "testserver", **self.headers}.items()]
        scope = {"type": "http", "method": "GET", "path": self.path, "raw_path": self.path.encode(), "query_string": self.query.encode()}
        await self.app({**scope, "headers": pairs, "scheme": "http", "client": ("127.0.0.1", 1), "asgi": {"spec_version": "2.3"}}, receive, send)

    async def until(self, fits: Callable[[str], bool], seconds: float = 5.0) -> None:
        async with asyncio.timeout(seconds):
            while not fits(self.heard):
                await asyncio.sleep(0.01)

    @property
    def ids(self) -> list[str]:
        """Return the ids of the rows that were told, in their order."""
        told = [json.loads(line.removeprefix("data: ")) for line in self.heard.splitlines() if line.startswith('data: {"html"')]
        return [id for one in told for id in re.findall(r'data-id="([^"]+)"', one["html"])]


def cookie(person: Person) -> dict[str, str]:
    return {"cookie": "; ".join(f"{one.name}={one.value}" for one in person.client.cookies.jar)}


def test_what_comes_after_the_page_is_told_once_and_escaped(home: Home) -> None:
    judged(home, [GOOD], ago=5)
    ann = Person(home, "ann", "labeller")
    address = re.search(r'data-stream="([^"]+)"', ann.get("/traffic"))
    assert address is not None

    async def story() -> None:
        one = Listener(managed(home, ["testserver"]), address[1].replace("&amp;", "&"), cookie(ann))
        task = asyncio.create_task(one.listen())
        await one.until(lambda heard: "retry:" in heard)
        first = await asyncio.to_thread(judged, home, [WRONG, HOSTILE])
        await one.until(lambda heard: first[0] in heard)
        second = await asyncio.to_thread(judged, home, [GOOD])
        await one.until(lambda heard: second[0] in heard)
        await asyncio.sleep(0.1)
        assert one.ids == [*first, *second] and one.kind.startswith("text/event-stream")
        assert "<script>" not in one.heard and "\nid: " in one.heard
        one.gone.set()
        await task

    asyncio.run(story())


def test_a_stream_tells_what_was_asked_for_and_goes_on_where_it_broke_off(home: Home) -> None:
    ann, app = Person(home, "ann", "labeller"), managed(home, ["testserver"])

    async def story() -> None:
        one = Listener(app, "/traffic/stream?route=pass&model=promotion", cookie(ann))
        task = asyncio.create_task(one.listen())
        await one.until(lambda heard: "retry:" in heard)
        good, _ = await asyncio.to_thread(judged, home, [GOOD, WRONG])
        await one.until(lambda heard: good in heard)
        one.gone.set()
        await task
        assert one.ids == [good]
        missed = await asyncio.to_thread(judged, home, [GOOD])
        last = re.findall(r"^id: (\S+)", one.heard, re.MULTILINE)[-1]
        again = Listener(app, "/traffic/stream?route=pass", {**cookie(ann), "last-event-id": last})
        task = asyncio.create_task(again.listen())
        await again.until(lambda heard: missed[0] in heard)
        assert again.ids == missed
        again.gone.set()
        await task

    asyncio.run(story())


@pytest.mark.parametrize("how", ["signed out", "not allowed any more"])
def test_a_stream_ends_when_its_session_may_no_longer_see_rows(home: Home, monkeypatch: pytest.MonkeyPatch, how: str) -> None:
    monkeypatch.setattr(traffic_live, "CHECKED", 0.05)
    ann = Person(home, "ann", "labeller")
    session = sessions.current(home.database, session_secret(ann), home.clock())
    assert session is not None

    async def story() -> None:
        one = Listener(managed(home, ["testserver"]), "/traffic/stream", cookie(ann))
        task = asyncio.create_task(one.listen())
        await one.until(lambda heard: "retry:" in heard)
        if how == "signed out":
            await asyncio.to_thread(sessions.sign_out, home.database, session, home.clock())
        else:
            with home.database.change(Actor("boss", ("admin",)), home.clock()) as change:
                people.set_roles(change, "ann", ["viewer"])
        await asyncio.wait_for(task, 5)
        assert "event: end" in one.heard

    asyncio.run(story())


def session_secret(person: Person) -> Any:
    from camelopard.store.secret import Secret

    return Secret(next(one.value for one in person.client.cookies.jar if one.value))


def test_an_open_stream_does_not_keep_a_session_alive(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    import datetime as dt

    monkeypatch.setattr(traffic_live, "CHECKED", 0.05)
    ann, start = Person(home, "ann", "labeller"), home.clock()
    passed = [dt.timedelta(0)]
    home.clock = lambda: start + passed[0]

    async def story() -> None:
        one = Listener(managed(home, ["testserver"]), "/traffic/stream", cookie(ann))
        task = asyncio.create_task(one.listen())
        await one.until(lambda heard: "retry:" in heard)
        for minutes in range(10, 60, 10):
            passed[0] = dt.timedelta(minutes=minutes)
            await asyncio.sleep(0.1)
            assert not task.done()
        passed[0] = dt.timedelta(minutes=61)
        await asyncio.wait_for(task, 5)
        assert "event: end" in one.heard

    asyncio.run(story())


def test_streams_are_bounded_for_each_session_and_a_place_is_free_once_one_is_closed(home: Home) -> None:
    ann, bob, app = Person(home, "ann", "labeller"), Person(home, "bob", "labeller"), managed(home, ["testserver"])

    async def story() -> None:
        open_ = [Listener(app, "/traffic/stream", cookie(ann)) for _ in range(traffic_live.MOST_EACH)]
        tasks = [asyncio.create_task(one.listen()) for one in open_]
        for one in open_:
            await one.until(lambda heard: "retry:" in heard)
        further = Listener(app, "/traffic/stream", cookie(ann))
        await further.listen()
        assert further.status == 429
        other = Listener(app, "/traffic/stream", cookie(bob))
        tasks.append(asyncio.create_task(other.listen()))
        await other.until(lambda heard: "retry:" in heard)
        for one in (*open_, other):
            one.gone.set()
        await asyncio.wait_for(asyncio.gather(*tasks), 5)
        once_more = Listener(app, "/traffic/stream", cookie(ann))
        task = asyncio.create_task(once_more.listen())
        await once_more.until(lambda heard: "retry:" in heard)
        once_more.gone.set()
        await task

    asyncio.run(story())


def test_a_silent_stream_gives_signs_of_life_and_ends_when_the_server_stops(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(traffic_live, "BEAT", 0.05)
    robot = program(home, "see rows")

    class Server:
        should_exit = False

        def handle_exit(self, number: int, frame: object) -> None: ...

    server = Server()
    monkeypatch.setattr(signal, "getsignal", lambda number: server.handle_exit)

    async def story() -> None:
        one = Listener(managed(home, ["testserver"]), "/traffic/stream", {"authorization": robot.headers["authorization"]})
        task = asyncio.create_task(one.listen())
        await one.until(lambda heard: heard.count(": still here") >= 2)
        server.should_exit = True
        await asyncio.wait_for(task, 5)
        assert one.status == 200 and one.ids == []

    asyncio.run(story())
