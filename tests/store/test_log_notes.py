from __future__ import annotations

import datetime as dt
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

pytest.importorskip("deltalake", reason="the log of verdicts needs deltalake: pip install 'camelopard[serve]'")

from hypothesis import given, settings
from hypothesis import strategies as st

from camelopard.core.batch import Batch
from camelopard.firewall.verdicts import Verdicts
from camelopard.store.log import VerdictLog
from camelopard.store.log_cells import restored
from camelopard.store.log_columns import Parcel, groups, table
from camelopard.store.log_notes import MOST_CELLS, MOST_LETTERS, noted, table_of
from camelopard.store.log_privacy import Privacy
from camelopard.store.log_reading import read

NAN = float("nan")
NUMBERS = st.floats(allow_nan=True, allow_infinity=True)
ODD = st.sampled_from(["~", '"~":', "\ud800", "a\nb", "é"])
CELLS = st.none() | st.booleans() | st.integers(-(2**70), 2**70) | NUMBERS | st.text(max_size=8) | ODD
ANSWERS = st.sampled_from(["yes", "\ud800", 1, 1.5, True, None, NAN, np.float64(2.5), np.int64(3), np.str_("no"), 10**30, b"x", float("inf")])


def judged(answer: Any, proba: Any, figures: tuple[float, float, float], novelty: float | None, route: str = "pass") -> Verdicts:
    answers = np.empty(1, dtype=object)
    answers[0] = answer
    risk, confidence, oddity = (np.array([value]) for value in figures)
    found = Verdicts(np.arange(1), answers, proba, risk, confidence, oddity, np.array([route], dtype=object), lambda i: [], lambda i: None)
    return found if novelty is None else replace(found, novelty=np.array([novelty]))


def parcel(verdicts: Any, rows: Any, done: str = "answer", request: str = "r") -> Parcel:
    return Parcel("income", "f1", request, verdicts, rows, [done], 1_772_366_400_000_000)


@settings(max_examples=400)
@given(
    rows=st.dictionaries(st.text(max_size=4) | st.integers(), CELLS, max_size=5),
    answer=ANSWERS,
    proba=st.none() | st.sampled_from([[[0.25, 0.75]], [[NAN, NAN]], [[0.1, 0.2, 0.7]], [[]]]),
    figures=st.tuples(NUMBERS, NUMBERS, NUMBERS),
    novelty=st.none() | NUMBERS,
    request=st.text(max_size=4),
)
def test_what_is_read_off_is_what_is_written_with_more_time(
    rows: dict[Any, Any], answer: Any, proba: Any, figures: tuple[float, float, float], novelty: float | None, request: str
) -> None:
    one = parcel(judged(answer, None if proba is None else np.array(proba), figures, novelty), [rows], request=request)
    note = noted(one)
    if note is not None:
        (group,) = groups([one])
        assert table_of([note, note]).slice(1).equals(table(group, Privacy()))


def test_plain_rows_are_read_off_and_nothing_else_is() -> None:
    said = judged("yes", np.array([[0.25, 0.75]]), (0.1, 0.9, 0.5), None)
    plain = {"age": 36, "town": "Graz", "pay": 1.5, "new": True, "gap": None}
    batch = Batch.of(pd.DataFrame([plain | {"pay": NAN}]))
    both: list[Any] = [[plain], batch]
    for given_rows in both:
        one = parcel(said, given_rows)
        note, (group,) = noted(one), groups([one])
        assert note is not None and table_of([note]).equals(table(group, Privacy()))
    numbers = Batch.of(np.array([[1.0, 2.0]]))
    for cell in (dt.date(2026, 1, 1), float("inf"), [1]):
        assert noted(parcel(said, [{"n": cell}])) is None
    others: list[Any] = [[], [plain] * 2, plain, "text", ["text"], [[1, 2]], None, numbers, [{"~": "float"}]]
    for rows in others:
        assert noted(parcel(said, rows)) is None
    many, long = {str(i): 0 for i in range(MOST_CELLS + 1)}, {"a": "x" * (MOST_LETTERS + 1)}
    assert noted(parcel(said, [many])) is None and noted(parcel(said, [long])) is None
    assert noted(parcel(None, [plain])) is None
    assert noted(parcel(object(), [plain])) is None
    assert noted(parcel(judged("yes", None, (0.9, 0.1, 1.0), None, "review"), [plain])) is None
    assert noted(Parcel("income", "f1", "r", said, [plain], ["answer"] * 2, 0)) is None


def test_a_log_keeps_what_was_read_off_beside_all_else(tmp_path: Path) -> None:
    said = judged("yes", np.array([[0.25, 0.75]]), (0.1, 0.9, 0.5), 0.2)
    with VerdictLog(tmp_path) as log:
        for i in range(1200):
            rows = [{"age": i}] if i % 3 else [{"age": i, "when": dt.date(2026, 1, 1)}]
            log.append("income", "f1", f"r{i:04}", said, rows, ["answer"], dt.datetime(2026, 3, 1, 12, 0, 0, i, tzinfo=dt.UTC))
    found = read(tmp_path, limit=1200)
    assert [row.request for row in found] == [f"r{i:04}" for i in reversed(range(1200))]
    assert restored(str(found[0].input)) == {"age": 1199} and restored(str(found[2].input)) == {"age": 1197, "when": dt.date(2026, 1, 1)}
    assert {(row.route, row.kept, row.prediction, row.novelty, tuple(row.probabilities or ()), tuple(row.reasons)) for row in found} == {
        ("pass", "whole", "yes", 0.2, (0.25, 0.75), ())
    }


def test_a_row_that_cannot_be_written_takes_no_other_with_it(tmp_path: Path) -> None:
    good, odd = (judged("yes", np.array(shares, dtype=object), (0.1, 0.9, 0.5), None) for shares in ([[0.25, 0.75]], [["a", "b"]]))
    with VerdictLog(tmp_path) as log:
        for i, said in enumerate([good, odd, good]):
            log.append("income", "f1", f"r{i}", said, [{"age": i}], ["answer"], dt.datetime.now(dt.UTC))
        assert not log.flush() and "could not be made rows" in str(log.health().problem)
    assert {row.request for row in read(tmp_path)} == {"r0", "r2"} and log.health().lost == 1


@pytest.mark.parametrize("options", [{"hidden": ("age",)}, {"inputs": "none"}, {"inputs": "hashed", "key": b"k" * 16}])
def test_what_is_not_to_be_kept_is_not_read_off(tmp_path: Path, options: dict[str, Any]) -> None:
    with VerdictLog(tmp_path, **options) as log:
        log.append("income", "f1", "r", judged("yes", None, (0.1, 0.9, 0.5), None), [{"age": 123454321}], ["answer"], dt.datetime.now(dt.UTC))
    (row,) = read(tmp_path)
    assert row.kept != "whole" and "123454321" not in str(row.input)


def test_a_row_that_passes_waits_as_what_was_read_off(tmp_path: Path) -> None:
    said = judged("yes", None, (0.1, 0.9, 0.5), None)
    with VerdictLog(tmp_path, flush_seconds=60.0) as log:
        log.append("income", "f1", "r", said, [{"age": 1}], ["answer"], dt.datetime.now(dt.UTC))
        assert [type(one).__name__ for one in log._queue] == ["Note"]


def test_a_batch_that_is_none_takes_no_other_row_with_it(tmp_path: Path) -> None:
    said = judged("yes", None, (0.1, 0.9, 0.5), None)
    broken = Batch({"a": np.array(3)}, np.arange(1))
    with VerdictLog(tmp_path) as log:
        for i, rows in enumerate([[{"age": 1}], broken, [{"age": 2}]]):
            log.append("income", "f1", f"r{i}", said, rows, ["answer"], dt.datetime.now(dt.UTC))
    assert {row.request for row in read(tmp_path)} == {"r0", "r1", "r2"}
