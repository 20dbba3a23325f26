"""What the gateway says is kept: every verdict, replayable to the same bytes, and never at the cost of an answer."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

import camelopard as cp
from camelopard.server.gateway import Gateway
from camelopard.server.scoring.served import Served
from camelopard.server.scoring.settings import Settings
from tests.server.conftest import Reply, speak, spoken

pytest.importorskip("deltalake")
from camelopard.store.log import VerdictLog
from camelopard.store.log_reading import read
from camelopard.store.log_replay import replay

ROWS: list[dict[str, Any]] = [
    {"age": 41.0, "hours": 38.0, "gain": 812.5},
    {"age": 1985.0, "hours": 2.0, "gain": 812.5},
    {"age": "41 years", "hours": 38.0, "gain": 812.5},
    {"age": None, "hours": None, "gain": None},
]


def kept(firewall: cp.Firewall, log: VerdictLog, *bodies: Any, **settings: Any) -> list[Reply]:
    """Return the answers of a gateway with this log, which is closed with it."""
    app = Gateway({"promotion": Served(firewall, Settings(**settings), log=log)})

    async def all_of_them() -> list[Reply]:
        replies = [await spoken(app, "POST", "/predict", json.dumps(body).encode()) for body in bodies]
        await app.models["promotion"].close()
        return replies

    return asyncio.run(all_of_them())


def test_every_verdict_is_kept_and_can_be_replayed(firewall: cp.Firewall, tmp_path: Path) -> None:
    first, second = kept(firewall, VerdictLog(tmp_path / "log"), ROWS, ROWS[0])
    logged = sorted(read(tmp_path / "log"), key=lambda row: (row.request != first.headers["camelopard-request"], row.row))
    assert [row.route for row in logged] == ["pass", "review", "repair", "block", "pass"]
    assert [row.done for row in logged] == ["answer", "hold", "repaired", "refuse", "answer"]
    assert logged[4].request == second.headers["camelopard-request"] and logged[1].id == first.value["rows"][1]["id"]
    assert {row.model for row in logged} == {"promotion"}
    for row in logged:
        assert replay(row, firewall).same
    with pytest.raises(cp.CamelopardError):
        replay(logged[0], firewall.with_policy(cp.Policy(accept=0.9999)))


def test_hidden_columns_never_reach_the_disk(firewall: cp.Firewall, tmp_path: Path) -> None:
    kept(firewall, VerdictLog(tmp_path / "log", hidden=["age"]), ROWS)
    data = b"".join(path.read_bytes() for path in (tmp_path / "log").rglob("*") if path.is_file())
    assert data and b"41 years" not in data
    assert all("age" not in json.dumps(row.cells) for row in read(tmp_path / "log"))


def test_a_log_that_cannot_be_written_costs_no_answer_and_is_seen_in_the_metrics(firewall: cp.Firewall, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    log = VerdictLog(tmp_path / "file" / "log", flush_seconds=0.05)
    app = Gateway({"promotion": Served(firewall, Settings(), log=log)})
    assert speak(app, "POST", "/predict", json.dumps(ROWS[0]).encode()).status == 200
    assert not log.flush()
    lines = speak(app, "GET", "/metrics").body.decode().splitlines()
    assert 'camelopard_log_rows_failing{model="promotion"} 1' in lines and 'camelopard_log_rows_waiting{model="promotion"} 1' in lines
    assert log.close(patience=2).lost == 1


def test_mirrored_and_unjudged_rows_are_kept_too(firewall: cp.Firewall, tmp_path: Path) -> None:
    kept(firewall, VerdictLog(tmp_path / "mirror"), ROWS[:2], mode="mirror")
    assert [row.route for row in sorted(read(tmp_path / "mirror"), key=lambda row: row.row)] == ["pass", "review"]
    kept(firewall, VerdictLog(tmp_path / "off"), ROWS[:2], mode="off")
    assert [row.route for row in read(tmp_path / "off")] == ["unjudged", "unjudged"]


def test_a_log_is_kept_up_while_the_gateway_lives(firewall: cp.Firewall, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("camelopard.server.scoring.served.UPKEEP", 0.05)
    log = VerdictLog(tmp_path / "log", flush_seconds=0.02)
    kept_up: list[Any] = []
    monkeypatch.setattr(log, "maintain", lambda now, keep_days: kept_up.append(keep_days))
    served = Served(firewall, Settings(), log=log)
    served.keep_days = 30
    app = Gateway({"promotion": served})

    async def live() -> None:
        messages: asyncio.Queue[dict[str, str]] = asyncio.Queue()
        sent: list[str] = []

        async def send(message: Any) -> None:
            sent.append(message["type"])

        await messages.put({"type": "lifespan.startup"})
        life = asyncio.create_task(app({"type": "lifespan"}, messages.get, send))
        while len(kept_up) < 2:
            await asyncio.sleep(0.02)
        await messages.put({"type": "lifespan.shutdown"})
        await life
        assert sent == ["lifespan.startup.complete", "lifespan.shutdown.complete"]

    asyncio.run(asyncio.wait_for(live(), 20))
    assert set(kept_up) == {30}
