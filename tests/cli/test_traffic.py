"""One verdict on the machine itself: with what is usual, and clean rows like it, where the home keeps the firewall that judged it."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

pytest.importorskip("sqlalchemy")
pytest.importorskip("deltalake")

import camelopard as cp
from camelopard.cli.main import main
from camelopard.core.arrays import Array
from camelopard.server.home import Home
from camelopard.server.management.enrolment import enrol
from camelopard.store.log import VerdictLog

WRONG = {"age": 1985.0, "hours": 40.0}
Told = Callable[..., str]


@dataclass(frozen=True)
class Place:
    """A home, and the id of a verdict in its log."""

    folder: Path
    id: str


def shares(rows: pd.DataFrame) -> Array:
    high = 1 / (1 + np.exp(-np.clip(0.1 * (rows["age"].to_numpy(dtype=float) - 50), -30, 30)))
    return np.column_stack([1 - high, high])


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Place:
    rng, folder = np.random.default_rng(0), tmp_path_factory.mktemp("place") / "home"
    rows = pd.DataFrame({"age": rng.integers(18, 90, 300).astype(float), "hours": rng.integers(1, 80, 300).astype(float)})
    truth = np.where(shares(rows)[:, 1] > rng.random(300), "yes", "no")
    model = cp.wrap(shares, name="promotion", task="classification", classes=["no", "yes"])
    firewall = cp.Firewall(alpha=0.1, budget=3_000).fit(model, rows, truth)
    with Home.open(folder) as home, VerdictLog(str(home.verdicts)) as log:
        version, _ = enrol(home, "promotion", firewall, home.clock())
        log.append("promotion", version.firewall, "one", firewall.screen([WRONG]), [WRONG], ["refuse"], home.clock())
        assert log.flush()
    return Place(folder, "one-0")


@pytest.fixture
def told(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Told:
    monkeypatch.setenv("COLUMNS", "160")

    def run(*words: str) -> str:
        monkeypatch.setattr(sys, "argv", ["camelopard", "traffic", *words])
        with pytest.raises(SystemExit) as left:
            main()
        out, err = capsys.readouterr()
        assert not left.value.code, err
        return out

    return run


def test_one_verdict_is_told_with_what_is_usual_and_clean_rows_like_it(told: Told, place: Place) -> None:
    out = told("--home", str(place.folder), "--id", place.id)
    assert "a whole number between 18 and 89" in out
    assert "Clean rows like it" in out and "the model says" in out
    found = json.loads(told("--home", str(place.folder), "--id", place.id, "--json"))
    assert found["usual"]["hours"].startswith("a whole number between 1 and 79")
    assert len(found["similar"]) == 5 and {one["answer"] for one in found["similar"]} <= {"no", "yes"}
    assert all(18 <= float(one["cells"]["age"]) <= 89 for one in found["similar"])


def test_without_the_firewall_of_that_time_nothing_is_made_up(told: Told, place: Place) -> None:
    log = str(place.folder / "verdicts")
    out = told(log, "--id", place.id)
    assert "1985" in out and "whole number between 18" not in out.split("as it came")[1] and "Clean rows" not in out
    found = json.loads(told(log, "--id", place.id, "--json"))
    assert (found["usual"], found["similar"]) == (None, [])


def test_a_list_of_verdicts_is_told_without_them(told: Told, place: Place) -> None:
    assert "similar" not in json.loads(told("--home", str(place.folder), "--json"))
