from __future__ import annotations

import datetime as dt

import numpy as np
import pytest

pytest.importorskip("fastapi")

from camelopard.demo import served
from camelopard.demo.data import adult

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
