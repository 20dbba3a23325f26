"""What a page asks of the log: rows with a reason of some code, one by its id, those right before a place, remembered counts, a bounded look."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pytest

pytest.importorskip("deltalake", reason="the log of verdicts needs deltalake: pip install 'camelopard[serve]'")

from camelopard.core.errors import CamelopardError, InputError, UnknownName
from camelopard.store import log_reading
from camelopard.store.log_columns import MICROSECOND, REASON, micros
from camelopard.store.log_files import File, Group, Span
from camelopard.store.log_following import Following
from camelopard.store.log_reading import Count, counts, page, read, row
from camelopard.store.log_table import NoLog, add, made
from camelopard.store.log_upkeep import maintain
from tests.store.test_log_reading import START, rows, written

HOUR = 3_600_000_000


def reasoned(times: list[int], codes: list[list[str]]) -> pa.Table:
    """Return rows of the log with reasons of these codes."""
    table = rows(times)
    told = [[{"code": code, "field": "age", "message": None, "contribution": 1.0} for code in some] for some in codes]
    return table.set_column(table.column_names.index("reasons"), "reasons", pa.array(told, pa.list_(REASON)))


def at(k: int) -> dt.datetime:
    return START + k * MICROSECOND


def test_rows_are_found_by_the_code_of_any_of_their_reasons(tmp_path: Path) -> None:
    written(tmp_path, [reasoned([1, 2, 3], [["a"], [], ["b", "a"]]), reasoned([4, 5], [["b"], ["ab"]]), rows([6])])
    assert [one.cells["k"] for one in read(tmp_path, reason="a")] == [3, 1]
    assert [one.cells["k"] for one in read(tmp_path, reason="b", limit=1)] == [4]
    assert read(tmp_path, reason="c") == [] == read(tmp_path, reason="")
    assert counts(tmp_path, "hour", reason="a") == [Count(START, {"block": 1, "repair": 1})]
    maintain(tmp_path, at(10))
    assert [one.cells["k"] for one in read(tmp_path, reason="a")] == [3, 1]


def test_a_row_is_found_by_its_id(tmp_path: Path) -> None:
    name = f"{micros(START):013x}0badcafe"
    table = rows([0, 0, 5]).set_column(4, "request", pa.array([name, name, "nightly-run-7"]))
    written(tmp_path, [table])
    assert row(tmp_path, f"{name}-1").cells == {"k": 0}
    assert row(tmp_path, "nightly-run-7-2").time == at(5)
    odd = ("", "-", "-1", "x" * 400 + "-1", f"{'f' * 21}-0", "nightly-run-8-2", "a\x00-0")
    for id in (f"{name}-9", f"{name}-01", f"{name}-", name, f"{name}-²", *odd):
        with pytest.raises(UnknownName, match="there is no verdict"):
            row(tmp_path, id)


def test_an_id_of_a_gateway_is_looked_for_about_its_own_time_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written(tmp_path, [rows([k * 24 * HOUR for k in range(4)])])
    opened: list[str] = []
    whole = File.groups

    def groups(file: File, span: Span) -> list[Group]:
        opened.append(file.path)
        return whole(file, span)

    monkeypatch.setattr(File, "groups", groups)
    with pytest.raises(UnknownName):
        row(tmp_path, f"{micros(START):013x}00000000-0")
    assert len(opened) == 1


def test_the_rows_right_before_a_place_are_those_that_a_page_shows_above_it(tmp_path: Path) -> None:
    times = [7, 7, 7, 2, 9, 4, 4, 9, 1]
    written(tmp_path, [rows(times[:4], request="b"), rows(times[4:], request="a")])
    listed = [one.place for one in read(tmp_path)]
    for k, place in enumerate(listed):
        assert [one.place for one in read(tmp_path, after=place, limit=2)] == listed[max(0, k - 2) : k]
        assert [one.place for one in read(tmp_path, before=place, limit=2)] == listed[k + 1 : k + 3]
    nines = [place for place in listed if place[0] == at(9)]
    assert [one.place for one in read(tmp_path, after=listed[-1], limit=9, since=at(8))] == nines
    with pytest.raises(CamelopardError, match="give one of them"):
        read(tmp_path, before=listed[0], after=listed[0])


def test_a_page_without_cells_says_so_where_one_asks_for_them(tmp_path: Path) -> None:
    written(tmp_path, [rows([1])])
    (one,) = read(tmp_path, cells=False)
    assert one.kept == "whole" and one.route == "repair"
    with pytest.raises(InputError, match="was read without its cells"):
        _ = one.cells


def test_pages_follow_each_other_and_the_last_one_says_that_it_is(tmp_path: Path) -> None:
    written(tmp_path, [rows(list(range(k, 25, 3))) for k in range(3)])
    found, place, sizes = [], None, []
    while True:
        one = page(tmp_path, before=place, limit=10)
        found += [each.request for each in one.rows]
        sizes.append(len(one.rows))
        if one.next is None:
            break
        place = one.next
    assert found == [f"r{k}" for k in reversed(range(25))] and sizes == [10, 10, 5]
    assert page(tmp_path, limit=25).next is None


def test_a_look_for_what_is_rare_stops_and_goes_on_where_it_stopped(tmp_path: Path) -> None:
    written(tmp_path, [rows([k * HOUR], route="block" if k == 0 else "pass") for k in range(8)])
    place, looks = None, 0
    while True:
        one = page(tmp_path, reason=None, route="block", before=place, limit=5, most=2)
        looks += 1
        if one.rows or one.next is None:
            break
        assert not one.whole
        place = one.next
    assert [each.request for each in one.rows] == ["r0"]
    plain = page(tmp_path, limit=3, most=1)
    assert [each.request for each in plain.rows] == [f"r{7 * HOUR}"] and plain.next is not None
    after = page(tmp_path, limit=3, before=plain.next, most=100)
    assert [each.request for each in after.rows] == [f"r{k * HOUR}" for k in (6, 5, 4)]


def test_counts_of_whole_files_are_remembered_and_new_files_are_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    table = made(tmp_path)
    add(table, rows([1, 2, HOUR + 3]), "w", 1, 0)
    expected = [Count(START, {"repair": 1, "review": 1}), Count(START + dt.timedelta(hours=1), {"block": 1})]
    assert counts(tmp_path) == expected
    looked: list[str] = []
    whole = log_reading._pieces

    def pieces(file: File, span: Span, width: int) -> Iterator[log_reading.Piece]:
        looked.append(file.path)
        return whole(file, span, width)

    monkeypatch.setattr(log_reading, "_pieces", pieces)
    assert counts(tmp_path) == expected and looked == []
    assert counts(tmp_path, until=at(2)) == [Count(START, {"repair": 1})] and len(looked) == 1
    assert counts(tmp_path, route="review") == [Count(START, {"review": 1})]
    add(table, rows([2], route="pass"), "w", 2, 0)
    assert counts(tmp_path)[0].rows == {"pass": 1, "repair": 1, "review": 1}
    assert counts(tmp_path, "day", model="nobody") == []
    assert sum(counts(tmp_path, "day")[0].rows.values()) == 3  # the fourth is after midnight


def test_following_finds_what_other_writers_add_and_survives_upkeep(tmp_path: Path) -> None:
    following = Following(tmp_path / "log")
    with pytest.raises(NoLog):
        following.since(START)
    table = made(tmp_path / "log")
    add(table, rows([1, 2]), "one", 1, 0)
    assert [one.request for one in following.since(START)] == ["r2", "r1"]
    add(made(tmp_path / "log"), rows([5], model="fraud"), "two", 1, 0)
    assert [one.request for one in following.since(at(2))] == ["r5", "r2"]
    assert [one.request for one in following.since(START, model="fraud")] == ["r5"]
    assert [one.request for one in following.since(START, limit=1)] == ["r5"]
    maintain(tmp_path / "log", at(10))
    assert [one.request for one in following.since(START)] == ["r5", "r2", "r1"]
