from __future__ import annotations

import datetime as dt
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

pytest.importorskip("deltalake", reason="the log of verdicts needs deltalake: pip install 'camelopard[serve]'")

from camelopard.core.errors import CamelopardError, InputError, UnknownName
from camelopard.store.log_columns import SCHEMA, micros
from camelopard.store.log_files import File, Group, Span
from camelopard.store.log_reading import Count, counts, read
from camelopard.store.log_table import add, made, opened
from camelopard.store.log_upkeep import Upkeep, _Turn, maintain

START = dt.datetime(2026, 3, 1, 23, 0, tzinfo=dt.UTC)
ROUTES = ("pass", "repair", "review", "block")


def rows(times: list[int], model: str = "income", request: str = "r", route: str | None = None) -> pa.Table:
    """Return rows of the log, one for each of these microseconds after the start."""
    n = len(times)
    time = np.array(times, dtype=np.int64) + micros(START)
    known = {
        "time": pa.array(time, pa.timestamp("us", "UTC")),
        "day": pa.array((time // 86_400_000_000).astype(np.int32), pa.date32()),
        "model": pa.array([model] * n),
        "request": pa.array([f"{request}{t}" for t in times]),
        "row": pa.array(np.arange(n, dtype=np.int32)),
        "kept": pa.array(["whole"] * n),
        "input": pa.array([f'{{"k":{t}}}' for t in times], pa.large_string()),
        "route": pa.array([route or ROUTES[t % 4] for t in times]),
    }
    return pa.Table.from_arrays([known.get(name, pa.nulls(n, SCHEMA.field(name).type)) for name in SCHEMA.names], schema=SCHEMA)


def written(place: Path, portions: list[pa.Table]) -> None:
    table = made(place)
    for k, portion in enumerate(portions):
        add(table, portion, "test", k, 0)


def keys(place: Path, **asked: object) -> list[int]:
    return [row.cells["k"] for row in read(place, **asked)]  # type: ignore[arg-type]


def test_the_newest_come_first_across_files_and_days(tmp_path: Path) -> None:
    hour = 3_600_000_000
    written(tmp_path, [rows([5, 2 * hour]), rows([1, 3 * hour, 7]), rows([6])])
    assert keys(tmp_path) == [3 * hour, 2 * hour, 7, 6, 5, 1]
    assert keys(tmp_path, limit=2) == [3 * hour, 2 * hour]


def test_pages_follow_each_other_without_a_gap_or_a_repeat_also_within_one_moment(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    times = rng.integers(0, 40, 300).tolist()
    written(tmp_path, [rows(times[i : i + 50], request=f"r{i}-") for i in range(0, 300, 50)])
    whole = [(row.time, row.id) for row in read(tmp_path, limit=1000)]
    assert [time for time, _ in whole] == sorted((time for time, _ in whole), reverse=True)
    pages, last = [], None
    while page := read(tmp_path, limit=7, before=last):
        pages += [(row.time, row.id) for row in page]
        last = page[-1].place
    assert pages == whole


def test_filters_ask_for_time_model_route_and_request(tmp_path: Path) -> None:
    written(tmp_path, [rows([1, 2, 3, 4, 5]), rows([6, 7], model="spam"), rows([8], request="x")])
    moment = [START + dt.timedelta(microseconds=k) for k in range(10)]
    assert keys(tmp_path, since=moment[3], until=moment[6]) == [5, 4, 3]
    assert keys(tmp_path, model="spam") == [7, 6]
    assert keys(tmp_path, route="block") == [7, 3]
    assert keys(tmp_path, request="x8") == [8]
    assert keys(tmp_path, model="nobody's; drop table") == []
    assert keys(tmp_path, since=moment[9]) == []


def test_files_that_cannot_hold_what_is_asked_for_are_not_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    day = 86_400_000_000
    written(tmp_path, [rows([k * day]) for k in range(5)])
    asked: list[str] = []
    real = File.groups

    def groups(self: File, span: Span) -> list[Group]:
        asked.append(self.path)
        return real(self, span)

    monkeypatch.setattr(File, "groups", groups)
    assert keys(tmp_path, limit=1) == [4 * day]
    assert keys(tmp_path, until=START + dt.timedelta(hours=1)) == [0]
    assert len(asked) == 2


def test_the_last_microseconds_of_a_file_are_found_though_its_statistics_know_milliseconds(tmp_path: Path) -> None:
    written(tmp_path, [rows([999_999])])
    assert keys(tmp_path, since=START + dt.timedelta(microseconds=999_999)) == [999_999]


def test_counts_are_those_of_the_rows(tmp_path: Path) -> None:
    minute = 60_000_000
    written(tmp_path, [rows([0, 1, 4, minute]), rows([5, 61 * minute], model="spam")])
    first, second, third = (START + dt.timedelta(minutes=m) for m in (0, 1, 61))
    assert counts(tmp_path, "minute") == [Count(first, {"pass": 2, "repair": 2}), Count(second, {"pass": 1}), Count(third, {"pass": 1})]
    assert counts(tmp_path, "hour", model="spam") == [Count(first, {"repair": 1}), Count(START + dt.timedelta(hours=1), {"pass": 1})]
    assert counts(tmp_path, "day", since=first, until=second) == [Count(START.replace(hour=0), {"pass": 2, "repair": 2})]
    assert counts(tmp_path, "day", model="nobody") == []


def test_wrong_use_is_told(tmp_path: Path) -> None:
    with pytest.raises(CamelopardError, match="begins with the first verdict"):
        read(tmp_path / "nothing")
    written(tmp_path / "log", [rows([1])])
    with pytest.raises(CamelopardError, match="from 1 to 10,000"):
        read(tmp_path / "log", limit=0)
    with pytest.raises(UnknownName, match="Did you mean 'hour'"):
        counts(tmp_path / "log", "hours")  # type: ignore[arg-type]
    from deltalake import write_deltalake

    write_deltalake(str(tmp_path / "other"), pa.table({"a": [1]}))
    with pytest.raises(CamelopardError, match="this is another table; its columns are a"):
        read(tmp_path / "other")
    nothing = rows([1]).set_column(SCHEMA.get_field_index("kept"), "kept", pa.array(["none"]))
    written(tmp_path / "none", [nothing])
    with pytest.raises(InputError, match="nothing is kept but its verdict"):
        keys(tmp_path / "none")


def test_polars_reads_the_table(tmp_path: Path) -> None:
    polars = pytest.importorskip("polars", reason="Polars is not installed")
    written(tmp_path, [rows([1, 2])])
    found = polars.read_delta(str(tmp_path)).sort("time")
    assert found["route"].to_list() == ["repair", "review"]
    assert found.columns == SCHEMA.names


def test_the_table_asks_no_more_of_a_reader_than_the_first_version_of_the_protocol(tmp_path: Path) -> None:
    written(tmp_path, [rows([1]), rows([2])])
    maintain(tmp_path, START + dt.timedelta(days=1))
    asked = opened(tmp_path).protocol()
    assert (asked.min_reader_version, asked.min_writer_version) == (1, 2)
    assert not asked.reader_features and not asked.writer_features


def test_a_log_of_an_earlier_version_gets_the_columns_it_lacks(tmp_path: Path) -> None:
    from deltalake import write_deltalake

    write_deltalake(str(tmp_path), rows([1]).drop_columns(["novelty", "repair", "kept"]), partition_by=["day"])
    add(opened(tmp_path), rows([2]), "test", 1, 0)
    assert [row.kept for row in read(tmp_path)] == ["whole", "partly"]


def test_small_files_are_merged_old_days_go_and_readers_are_not_disturbed(tmp_path: Path) -> None:
    day = 86_400_000_000
    written(tmp_path, [rows([k, k + day, k + 3 * day]) for k in range(4)])
    before = opened(tmp_path)
    done = maintain(tmp_path, START + dt.timedelta(days=3), keep_days=2)
    assert (done.expired, done.removed, done.problem) == ((START.date(),), 0, None)
    assert (done.merged, done.into) == (8, 2)
    assert keys(tmp_path) == [*(k + 3 * day for k in (3, 2, 1, 0)), *(k + day for k in (3, 2, 1, 0))]
    assert before.to_pyarrow_table().num_rows == 12
    add(opened(tmp_path), rows([9 * day]), "test", 9, 0)
    assert len(keys(tmp_path)) == 9
    assert maintain(tmp_path, START).into == 0


def test_what_was_replaced_goes_once_no_reader_can_need_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import os
    import time

    written(tmp_path, [rows([1]), rows([2])])
    for path in tmp_path.rglob("*.parquet"):
        os.utime(path, (time.time() - 10 * 86_400,) * 2)  # old files, but replaced only now
    assert maintain(tmp_path, START) == Upkeep(2, 1, (), 0)
    assert len(list(tmp_path.glob("day=*/*.parquet"))) == 3
    opened(tmp_path).vacuum(0, dry_run=False, enforce_retention_duration=False)
    assert len(list(tmp_path.glob("day=*/*.parquet"))) == 1
    assert keys(tmp_path) == [2, 1]


def test_adding_and_keeping_up_do_not_disturb_each_other(tmp_path: Path) -> None:
    written(tmp_path, [rows([1]), rows([2])])
    writer = opened(tmp_path)
    maintain(tmp_path, START + dt.timedelta(days=9), keep_days=1)
    add(writer, rows([3]), "test", 8, 0)  # by a writer that has not heard of it
    assert keys(tmp_path) == [3]


def test_files_are_merged_by_one_process_at_a_time_since_two_would_double_every_row(tmp_path: Path) -> None:
    written(tmp_path, [rows([k]) for k in range(4)])
    millis = micros(START) // 1000
    first, second = _Turn(opened(tmp_path), millis), _Turn(opened(tmp_path), millis)
    assert first.taken()
    assert not second.taken()  # though it had looked before
    assert "another process is at it" in str(maintain(tmp_path, START).problem)
    assert first.taken()  # for longer
    first.give_back()
    assert maintain(tmp_path, START) == Upkeep(4, 1, (), 0)
    assert _Turn(opened(tmp_path), millis).taken()  # and dies with it
    assert maintain(tmp_path, START + dt.timedelta(minutes=59)).problem is not None
    assert maintain(tmp_path, START + dt.timedelta(minutes=61)).problem is None
    assert keys(tmp_path) == [3, 2, 1, 0]


def test_upkeep_refuses_what_makes_no_sense(tmp_path: Path) -> None:
    written(tmp_path, [rows([1])])
    for wrong in ({"keep_days": 0}, {"readers_hours": 0}, {"keep_days": 1.5}):
        with pytest.raises(CamelopardError, match="expected a whole number from 1"):
            maintain(tmp_path, START, **wrong)
