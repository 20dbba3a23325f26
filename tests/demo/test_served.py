from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

pytest.importorskip("fastapi")
pytest.importorskip("deltalake")

from starlette.testclient import TestClient

from camelopard.demo import served
from camelopard.demo.data import adult
from camelopard.store import inventory, people, sessions, versions
from camelopard.store.log_reading import read
from camelopard.store.secret import Secret

START = dt.datetime(2026, 3, 1, 9, 30, tzinfo=dt.UTC)


def test_a_day_has_all_its_rows_in_the_order_of_time_and_is_busier_at_noon_than_at_night() -> None:
    calls = list(served.day(adult(), START, 600, np.random.default_rng(0)))
    times = [call.at for call in calls]
    assert sum(len(call.rows) for call in calls) == 600
    assert times == sorted(times)
    assert times[0] >= START and times[-1] < START + dt.timedelta(days=1)
    by_hour = np.bincount([time.hour for time in times], minlength=24)
    assert by_hour[10:14].sum() > 3 * by_hour[1:5].sum()


def test_the_same_seed_makes_the_same_day() -> None:
    data = adult()
    first, second = (list(served.day(data, START, 100, np.random.default_rng(5))) for _ in range(2))
    assert first == second


def test_in_the_afternoon_one_client_sends_minutes_and_otherwise_nobody_does() -> None:
    calls = list(served.day(adult(), START, 1_500, np.random.default_rng(0)))
    minutes = {call.at.hour for call in calls if len(call.rows) > 2 and all((row["hours_per_week"] or 0) > 168 for row in call.rows)}
    assert minutes == {14, 15}


def test_most_rows_come_as_they_are() -> None:
    rng, row = np.random.default_rng(0), dict.fromkeys(("age", "capital_gain", "hours_per_week", "fnlwgt"), 1)
    changed = sum(served.amiss(row, rng) is not row for _ in range(2_000)) / 2_000
    assert 0.02 < changed < 0.06


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[served.Stage]:
    """Yield the stage, with fewer people than the demo has."""
    whole = adult()
    fewer = replace(
        whole, train=whole.train[:1_500], train_labels=whole.train_labels[:1_500], held=whole.held[:1_500], held_labels=whole.held_labels[:1_500]
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(served, "adult", lambda: fewer)
        made = served.staged(tmp_path_factory.mktemp("demo") / "home", SimpleNamespace(print=lambda *_: None), budget=3_000, rows=60)
    yield made
    made.home.close()


def test_the_stage_has_its_model_in_the_inventory_and_in_force(stage: served.Stage) -> None:
    model = inventory.get(stage.home.database, served.NAME)
    assert (model.owner, model.tier, model.version) == ("the demo", "high", 1)
    assert versions.get(stage.home.database, served.NAME, 1).evidence["model"]["name"] == served.NAME
    assert stage.home.kept(versions.get(stage.home.database, served.NAME, 1).firewall) is not None


def test_the_day_that_went_by_is_in_the_log(stage: served.Stage) -> None:
    rows, now = read(str(stage.home.verdicts), limit=100), stage.home.clock()
    assert len(rows) == 60 and {row.model for row in rows} == {served.NAME}
    assert all(now - dt.timedelta(hours=25) < row.time <= now for row in rows)
    assert {row.firewall for row in rows} == {versions.get(stage.home.database, served.NAME, 1).firewall}


def test_the_first_admin_gets_a_password_that_opens_once(stage: served.Stage) -> None:
    assert stage.word is not None
    session = sessions.sign_in(stage.home.database, "admin", Secret(stage.word), "127.0.0.1", stage.home.clock())
    assert session.user.must_change
    assert people.first_admin(stage.home.database, stage.home.clock()) is None


def test_the_gateway_answers_rows_of_the_traffic_that_goes_on(stage: served.Stage) -> None:
    assert len(stage.clean) == 200
    asked = TestClient(stage.gateway, base_url="http://localhost")
    said = asked.post("/predict", json=stage.clean[:3])
    assert said.status_code == 200 and len(said.json()["rows"]) == 3
    assert "<h1>Sign in</h1>" in asked.get("/sign-in").text
