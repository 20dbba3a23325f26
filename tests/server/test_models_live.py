"""Live figures from the log, noted in the inventory; and a served model that follows the version in force."""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import Iterator, MutableMapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import camelopard as cp
from camelopard.core.errors import ArtifactError, CamelopardError
from camelopard.server import gateway
from camelopard.server.gateway import Gateway
from camelopard.server.home import Home
from camelopard.server.management import amending, enrolment, gauging
from camelopard.server.management.amending import Edit
from camelopard.server.management.gauging import LastDay, Watch
from camelopard.store import inventory, listing, log_sums, versions
from camelopard.store.errors import StoreError
from camelopard.store.log import VerdictLog
from camelopard.store.log_columns import Judged
from camelopard.store.roles import Actor
from tests.server.conftest import spoken
from tests.server.visiting import at_home

NOW = dt.datetime(2026, 3, 1, 9, 30, tzinfo=dt.UTC)
ROW = b'[{"age": 40, "hours": 40, "gain": 900}]'


@pytest.fixture
def home(tmp_path: Path, firewall: cp.Firewall) -> Iterator[Home]:
    with at_home(tmp_path, firewall) as made:
        yield made


def muted(home: Home, place: int = 0) -> versions.Version:
    """Return a new version of which one rule is muted."""
    first = versions.get(home.database, "promotion", 1)
    contract = amending.edited(amending.contract_of(first), {place: Edit(muted=True)})
    return amending.amended(home, Actor.itself(), first, contract, "The column may be missing.", home.clock())


def judged(firewall: cp.Firewall, n: int) -> Judged:
    rows = [{"age": 40.0 + i % 3, "hours": 40.0, "gain": 900.0} for i in range(n)]
    return firewall.screen(rows)


def test_the_figures_of_the_last_day_are_those_of_the_log(home: Home, firewall: cp.Firewall, tmp_path: Path) -> None:
    said = judged(firewall, 20)
    rows = [{"age": 40.0}] * 20
    with VerdictLog(tmp_path / "log") as log:
        log.append("promotion", "f", "old", said, rows, ["answer"] * 20, NOW - dt.timedelta(hours=25))
        log.append("promotion", "f", "new", said, rows, ["answer"] * 20, NOW - dt.timedelta(hours=3))
        log.append("elsewhere", "f", "x", said, rows, ["answer"] * 20, NOW)
        assert log.flush()
    last_day = LastDay(str(tmp_path / "log"))
    found = last_day.look(NOW, ["promotion", "idle"])
    confidence, passed = np.asarray(said.confidence), np.asarray(said.route) == "pass"
    assert found["promotion"].traffic == 20
    assert found["promotion"].accuracy == pytest.approx(float(np.mean(confidence)))
    assert found["promotion"].not_passed == pytest.approx(1 - float(np.mean(passed)))
    assert (found["idle"].traffic, found["idle"].accuracy, found["elsewhere"].traffic) == (0, None, 20)


def test_a_second_look_reads_the_newest_minutes_alone_and_finds_the_same(
    firewall: cp.Firewall, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said, place = judged(firewall, 5), str(tmp_path / "log")
    asked: list[dt.datetime] = []
    real = log_sums.sums

    def sums(where: str, since: dt.datetime) -> dict[tuple[dt.datetime, str], log_sums.Sum]:
        asked.append(since)
        return real(where, since)

    monkeypatch.setattr(gauging, "sums", sums)
    last_day = LastDay(place)
    with VerdictLog(place) as log:
        for k, minutes in enumerate((600, 30, 4, 1)):
            log.append("promotion", "f", f"r{k}", said, [{}] * 5, ["hold"] * 5, NOW - dt.timedelta(minutes=minutes))
        assert log.flush()
        last_day.look(NOW - dt.timedelta(minutes=1))
        log.append("promotion", "f", "late", said, [{}] * 5, ["hold"] * 5, NOW - dt.timedelta(seconds=100))
        assert log.flush()
        again = last_day.look(NOW)
    assert asked[1] > NOW - dt.timedelta(minutes=10)
    assert again == LastDay(place).look(NOW)
    assert again["promotion"].traffic == 25
    later = last_day.look(NOW + dt.timedelta(hours=23, minutes=50))
    assert later["promotion"].traffic == 15  # what is ten hours, and half an hour, older than the rest has left the last day


def test_only_rows_held_back_for_review_are_open_questions(firewall: cp.Firewall, tmp_path: Path) -> None:
    said = judged(firewall, 4)
    said = replace(said, route=np.array(["review", "review", "pass", "block"], dtype=object))  # type: ignore[type-var]
    with VerdictLog(tmp_path / "log") as log:
        log.append("promotion", "f", "r", said, [{}] * 4, ["hold", "answer", "hold", "hold"], NOW)
        assert log.flush()
    assert LastDay(str(tmp_path / "log")).look(NOW)["promotion"].questions == 1


def test_whoever_watches_notes_it_in_the_inventory_unless_somebody_just_did(home: Home, firewall: cp.Firewall) -> None:
    assert home.verdicts is not None
    with VerdictLog(home.verdicts) as log:
        log.append("promotion", "f", "r", judged(firewall, 3), [{}] * 3, ["answer"] * 3, NOW)
        assert log.flush()
        home.clock = lambda: NOW
        watch = Watch(home)
        watch()
        assert listing.live(home.database, "promotion").traffic == 3
        log.append("promotion", "f", "s", judged(firewall, 3), [{}] * 3, ["answer"] * 3, NOW)
        assert log.flush()
        watch()
        assert listing.live(home.database, "promotion").traffic == 3
        home.clock = lambda: NOW + dt.timedelta(minutes=1)
        watch()
        assert listing.live(home.database, "promotion").traffic == 6


def test_what_is_served_follows_the_version_in_force(home: Home) -> None:
    served, second = home.served["promotion"], muted(home)
    assert served.force.content == versions.get(home.database, "promotion", 1).firewall
    with home.database.change(Actor.itself(), home.clock()) as change:
        versions.put_in_force(change, "promotion", second.number)  # as another process would
    Watch(home)()
    assert served.force.content == second.firewall
    assert next(iter(served.force.firewall.contract)).muted
    assert not enrolment.follow(home, "promotion")  # it is there already


def test_putting_a_version_in_force_serves_it_and_drops_no_request(home: Home) -> None:
    second, app = muted(home), Gateway(home.served)
    by, stop = Actor.itself(), False

    statuses: list[int] = []

    async def ask() -> None:
        while not stop:
            statuses.append((await spoken(app, "POST", "/predict", ROW)).status)
            await asyncio.sleep(0.005)  # the other thread needs a turn, too

    async def main() -> None:
        nonlocal stop
        asking = asyncio.create_task(ask())
        for number in (second.number, 1, second.number):
            answered = len(statuses)
            await asyncio.to_thread(enrolment.put_in_force, home, by, "promotion", number, home.clock())
            while len(statuses) == answered:
                await asyncio.sleep(0)
        stop = True
        await asking

    asyncio.run(main())
    assert len(statuses) >= 3 and set(statuses) == {200}
    assert home.served["promotion"].force.content == second.firewall


def test_a_version_whose_file_is_not_kept_is_not_put_in_force_where_it_is_served(home: Home) -> None:
    with home.database.change(Actor.itself(), home.clock()) as change:
        versions.add(change, "promotion", firewall="0" * 64, note="from elsewhere")
    with pytest.raises(StoreError, match="not kept here"):
        enrolment.put_in_force(home, Actor.itself(), "promotion", 2, home.clock())
    assert inventory.get(home.database, "promotion").version == 1


def test_a_version_that_this_gateway_cannot_serve_is_not_put_in_force(home: Home, firewall: cp.Firewall, monkeypatch: pytest.MonkeyPatch) -> None:
    limited = firewall.with_policy(cp.Policy(costs=cp.Costs(wrong=100, review=1, block=60), reviews_per_day=3))
    enrolment.firewall_to_serve(home, "promotion", limited, home.clock())  # a second version, made by a gateway of one process
    enrolment.put_in_force(home, Actor.itself(), "promotion", 1, home.clock())
    served = home.served["promotion"]
    assert served.force.content == versions.get(home.database, "promotion", 1).firewall
    monkeypatch.setattr(served, "_processes", 4)
    with pytest.raises(CamelopardError, match="Run one worker"):
        enrolment.put_in_force(home, Actor.itself(), "promotion", 2, home.clock())
    assert inventory.get(home.database, "promotion").version == 1


def test_a_file_that_was_changed_on_the_disk_is_never_served(home: Home) -> None:
    second = muted(home)
    first = home.kept(versions.get(home.database, "promotion", 1).firewall)
    path = home.kept(second.firewall)
    assert first is not None and path is not None
    path.write_bytes(first.read_bytes())
    with pytest.raises(ArtifactError, match="was changed"):
        enrolment.put_in_force(home, Actor.itself(), "promotion", second.number, home.clock())
    assert inventory.get(home.database, "promotion").version == 1


def test_a_file_that_is_known_does_not_undo_what_people_put_in_force(home: Home, firewall: cp.Firewall) -> None:
    second = muted(home)
    enrolment.put_in_force(home, Actor.itself(), "promotion", second.number, home.clock())
    served = enrolment.firewall_to_serve(home, "promotion", firewall, home.clock())  # started again with the file of version 1
    assert next(iter(served.contract)).muted
    assert inventory.get(home.database, "promotion").version == second.number
    assert len(versions.of(home.database, "promotion")) == 2


def test_a_new_file_is_a_new_version_in_force_but_never_unapproved_where_the_model_guards(home: Home, firewall: cp.Firewall) -> None:
    other = firewall.with_policy(cp.Policy(block=0.7))
    assert enrolment.firewall_to_serve(home, "promotion", other, home.clock()) is other
    assert inventory.get(home.database, "promotion").version == 2
    with home.database.change(Actor("ben", ("approver",)), home.clock()) as change:
        versions.approve(change, "promotion", 2)
        inventory.set_state(change, "promotion", "guarding")
    served = enrolment.firewall_to_serve(home, "promotion", firewall.with_policy(cp.Policy(block=0.6)), home.clock())
    assert served.policy.block == 0.7
    assert inventory.get(home.database, "promotion").version == 2


def test_a_gateway_looks_again_and_again_whatever_goes_wrong(home: Home, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    monkeypatch.setattr(gateway, "EVERY", 0.001)
    looks: list[int] = []
    ended = asyncio.Event()

    def watch() -> None:
        looks.append(len(looks))
        if len(looks) == 1:
            raise StoreError("the disk is full")

    async def main() -> None:
        async def receive() -> MutableMapping[str, Any]:
            if not sent:
                return {"type": "lifespan.startup"}
            while len(looks) < 3:
                await asyncio.sleep(0.001)
            ended.set()
            return {"type": "lifespan.shutdown"}

        async def send(message: MutableMapping[str, Any]) -> None:
            sent.append(message["type"])

        sent: list[str] = []
        await Gateway(home.served, watch=watch)({"type": "lifespan"}, receive, send)
        assert sent == ["lifespan.startup.complete", "lifespan.shutdown.complete"]

    asyncio.run(main())
    assert len(looks) >= 3 and "tried again in a minute" in caplog.text
