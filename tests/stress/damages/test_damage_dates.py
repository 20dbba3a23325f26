"""What the damages to dates do, in each of the forms in which dates come."""

from __future__ import annotations

import datetime as dt

import numpy as np

from camelopard.core.arrays import Array, objects
from camelopard.core.batch import Batch
from camelopard.core.schema import Schema
from camelopard.stress.damages import named

DAYS = [dt.datetime(2019, 1, 1) + dt.timedelta(days=5 * i) for i in range(120)]
CLEAN = Batch(
    {
        "stamp": np.array(DAYS, dtype="datetime64[us]"),
        "text": objects(d.strftime("%Y-%m-%d") for d in DAYS),
        "plain": objects(d.date() for d in DAYS),
    },
    np.arange(120),
)
SCHEMA = Schema.infer(CLEAN)
FEBRUARY, LATE = dt.datetime(2020, 2, 3), dt.datetime(2020, 2, 25)


def damaged(kind: str, column: str, severity: int, *values: object) -> list[object]:
    cells: Array = np.array(values, dtype="datetime64[us]") if column == "stamp" else objects(values)
    n = len(values)
    batch = Batch({**{name: CLEAN.columns[name][:n] for name in SCHEMA.names}, column: cells}, np.arange(n))
    return list(named(kind).apply(batch, column, severity, np.random.default_rng(0), SCHEMA).columns[column].tolist())


def test_dates_are_written_in_another_format() -> None:
    assert [damaged("date-format", "text", s, "2020-02-03")[0] for s in range(1, 6)] == [
        "2020/02/03",
        "20200203",
        "03.02.2020",
        "02/03/2020",
        "03-02-20",
    ]
    assert damaged("date-format", "stamp", 3, FEBRUARY, None) == ["03.02.2020", None]
    assert damaged("date-format", "plain", 1, FEBRUARY.date(), None) == ["2020/02/03", None]


def test_dates_become_numbers() -> None:
    assert [damaged("date-as-number", "stamp", s, FEBRUARY)[0] for s in range(1, 6)] == [18295, 43864, 20200203, 1580688000, 1580688000000]


def test_day_and_month_change_places() -> None:
    assert damaged("day-month-swapped", "text", 1, "2020-02-03", "2020-02-25", None) == ["2020-03-02", "2020-25-02", None]
    assert damaged("day-month-swapped", "stamp", 1, FEBRUARY, LATE) == [dt.datetime(2020, 3, 2), None]
    assert damaged("day-month-swapped", "plain", 1, FEBRUARY.date(), LATE.date()) == [dt.date(2020, 3, 2), None]


def test_the_century_is_lost() -> None:
    assert damaged("two-digit-year", "text", 1, "2020-02-03") == ["20-02-03"]
    assert damaged("two-digit-year", "stamp", 1, FEBRUARY)[0] == dt.datetime(1920, 2, 3)


def test_a_time_zone_west_moves_midnight_to_the_day_before() -> None:
    assert damaged("time-zone", "text", 1, "2020-02-03") == ["2020-02-02"]
    assert damaged("time-zone", "stamp", 3, FEBRUARY) == [dt.datetime(2020, 2, 2, 19)]
    assert damaged("time-zone", "plain", 1, FEBRUARY.date()) == [dt.date(2020, 2, 2)]


def test_the_future_lies_after_the_last_day_seen_and_farther_each_time() -> None:
    found = [damaged("future-date", "stamp", s, FEBRUARY)[0] for s in range(1, 6)]
    assert all(isinstance(d, dt.datetime) and d > DAYS[-1] for d in found)
    assert found == sorted(found, key=str)
    assert damaged("future-date", "text", 1, "soon", None) == ["soon", None]


def test_sentinel_dates_come_in_the_form_of_the_column() -> None:
    assert [damaged("sentinel-date", "text", s, "2020-02-03")[0] for s in range(1, 6)] == [
        "1970-01-01",
        "2099-12-31",
        "1900-01-01",
        "1899-12-30",
        "9999-12-31",
    ]
    assert damaged("sentinel-date", "stamp", 5, FEBRUARY) == [dt.datetime(9999, 12, 31)]
    assert damaged("sentinel-date", "plain", 1, FEBRUARY.date(), None) == [dt.date(1970, 1, 1), None]
