from __future__ import annotations

import datetime as dt
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import camelopard as cp
from camelopard.core.arrays import Array
from camelopard.core.errors import ArtifactError, CamelopardError, InputError

pytest.importorskip("deltalake", reason="the log of verdicts needs deltalake: pip install 'camelopard[serve]'")

from camelopard.store.log import VerdictLog
from camelopard.store.log_reading import Logged, read
from camelopard.store.log_replay import replay, version_of

NOW = dt.datetime(2026, 3, 1, 12, 0, tzinfo=dt.UTC)
ROWS: list[Any] = [
    {"age": 36.0, "hours": 40, "kind": "plain"},
    {"age": 0.1 + 0.2, "hours": 1e-300, "kind": "Plain"},
    {"age": float("nan"), "hours": float("inf"), "kind": None},
    {"age": 1985, "hours": True, "kind": "\ud800 half a pair"},
    {"age": dt.date(2026, 1, 2), "hours": b"\x00\xff", "kind": [1, {"~": "a"}]},
    {"age": 10**30, "hours": "40", "other": 1},
    {},
    "no row",
]


def shares(rows: pd.DataFrame) -> Array:
    age, hours = (pd.to_numeric(rows[name], errors="coerce").fillna(0.0).to_numpy(dtype=float) for name in ("age", "hours"))
    high = 1 / (1 + np.exp(-np.clip(0.06 * (age - 50) + 0.04 * (hours - 40), -30, 30)))
    return np.column_stack([1 - high, high])


@pytest.fixture(scope="module")
def firewall() -> cp.Firewall:
    rng = np.random.default_rng(1)
    held = pd.DataFrame({"age": rng.integers(18, 90, 500) * 1.0, "hours": rng.integers(1, 80, 500) * 1.0, "kind": rng.choice(["plain", "odd"], 500)})
    truth = np.where(shares(held)[:, 1] > rng.random(500), "yes", "no")
    return cp.Firewall(alpha=0.05, budget=3_000).fit(cp.wrap(shares, name="promotion", classes=["no", "yes"]), held, truth)


def logged(folder: Path, firewall: cp.Firewall, rows: Any, n: int, **options: Any) -> list[Logged]:
    with VerdictLog(folder, **options) as log:
        log.append("promotion", version_of(firewall), "r", firewall.screen(rows), rows, ["answer"] * n, NOW)
    return read(folder)


def test_every_row_that_was_kept_whole_replays_to_the_same_bytes(firewall: cp.Firewall, tmp_path: Path) -> None:
    found = logged(tmp_path, firewall, ROWS, len(ROWS))
    assert [row.row for row in found] == list(range(len(ROWS)))
    assert all(row.kept == "whole" for row in found)
    assert [replay(row, firewall).different for row in found] == [()] * len(ROWS)


def test_rows_of_tables_and_arrays_replay_too(firewall: cp.Firewall, tmp_path: Path) -> None:
    frame = pd.DataFrame({"age": [36.5, np.nan, 1985.0], "hours": [40, 41, 42], "kind": ["plain", None, "new"]})
    array = np.array([[36.5, 40.0, 1.0], [np.nan, 41.0, 2.0]])
    for name, rows in (("frame", frame), ("array", array)):
        assert all(replay(row, firewall).same for row in logged(tmp_path / name, firewall, rows, len(rows)))


def test_a_replay_tells_what_differs_by_the_last_bit(firewall: cp.Firewall, tmp_path: Path) -> None:
    row = logged(tmp_path, firewall, ROWS[:1], 1)[0]

    class Other:
        policy = firewall.policy

        def screen(self, X: Any, /) -> cp.Verdicts:
            found = firewall.screen(X)
            return replace(found, risk=np.nextafter(found.risk, 1.0), route=np.array(["block"], dtype=object))

        def save(self, path: str, /) -> None:
            firewall.save(path)

    found = replay(row, Other())
    assert found.different == ("risk", "route")
    assert (found.then["route"], found.now["route"]) == (row.route, "block")


def test_what_cannot_be_replayed_is_refused_with_the_reason(firewall: cp.Firewall, tmp_path: Path) -> None:
    row = logged(tmp_path / "whole", firewall, ROWS[:1], 1)[0]
    with pytest.raises(CamelopardError, match="Load the one that was in force"):
        replay(row, firewall.with_policy(cp.Policy(review=0.1)))
    key = b"0123456789abcdef"
    for name, options, words in (
        ("hidden", {"hidden": ("age",)}, "a part of it was kept"),
        ("hashed", {"inputs": "hashed", "key": key}, "a hash of it was kept"),
        ("none", {"inputs": "none"}, "nothing of it was kept"),
    ):
        with pytest.raises(InputError, match=words):
            replay(logged(tmp_path / name, firewall, ROWS[:1], 1, **options)[0], firewall)
    with VerdictLog(tmp_path / "unjudged") as log:
        log.append("promotion", "", "r", None, ROWS[:1], ["answer"], NOW)
    with pytest.raises(CamelopardError, match="no firewall judged it"):
        replay(read(tmp_path / "unjudged")[0], firewall)


def test_the_version_of_a_firewall_is_that_of_its_content(firewall: cp.Firewall, tmp_path: Path) -> None:
    firewall.save(tmp_path / "a.firewall")
    again = cp.Firewall.load(tmp_path / "a.firewall", model=firewall.model_)
    assert version_of(firewall) == version_of(tmp_path / "a.firewall") == version_of(again)
    assert version_of(firewall.with_policy(cp.Policy(review=0.1))) != version_of(firewall)
    (tmp_path / "b").write_text("no firewall")
    with pytest.raises(ArtifactError, match="no firewall that save"):
        version_of(tmp_path / "b")
