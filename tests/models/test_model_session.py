from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from camelopard.core.arrays import objects
from camelopard.core.batch import Batch, Form
from camelopard.core.errors import BudgetSpent
from camelopard.core.records import Prediction
from camelopard.models.model import Wrapped
from camelopard.models.session import Session
from camelopard.models.wrap import wrap


class Counting:
    """Answers a number per row and remembers every row it was asked."""

    def __init__(self) -> None:
        self.seen: list[Any] = []

    def __call__(self, frame: pd.DataFrame) -> Any:
        self.seen.extend(map(tuple, frame.to_numpy().tolist()))
        return [float(len(repr(row))) for row in frame.to_numpy().tolist()]


def rows(n: int, seed: int = 0) -> Batch:
    rng = np.random.default_rng(seed)
    return Batch.of(pd.DataFrame({"a": rng.normal(size=n), "b": rng.choice(["x", "y", "z"], n), "c": rng.integers(0, 9, n)}))


def test_no_row_is_asked_twice_in_one_batch_or_later() -> None:
    function = Counting()
    session = session_of(wrap(function))
    batch = rows(100)
    twice = batch.take(np.concatenate([np.arange(100), np.arange(50)]))
    answer = session.predict(twice)
    assert answer.value[:50].tolist() == answer.value[100:].tolist()
    session.predict(batch.take([5, 3]))
    assert len(function.seen) == len(set(function.seen)) == session.asked == 100
    assert session.calls == 1


def test_a_batch_of_old_and_new_rows_asks_the_new_ones() -> None:
    function = Counting()
    model = wrap(function)
    session = model.session()
    batch = rows(60)
    session.predict(batch.take(slice(0, 30)))
    answer = session.predict(batch)
    assert session.asked == 60
    assert answer.value.tolist() == model.predict(batch).value.tolist()


def test_the_budget_is_kept_before_the_model_is_asked() -> None:
    function = Counting()
    session = session_of(wrap(function), budget=10)
    session.predict(rows(8))
    with pytest.raises(BudgetSpent, match="8 asked, 100 more wanted"):
        session.predict(rows(100))
    assert len(function.seen) == 8
    assert len(session.predict(rows(8))) == 8
    assert session_of(wrap(function), budget=8).predict(rows(8)).value.shape == (8,)


def test_unchanged_rows_of_a_damaged_column_are_answered_from_memory() -> None:
    function = Counting()
    session = session_of(wrap(function))
    batch = rows(40)
    session.predict(batch)
    for name in ("a", "c"):
        cells = objects(batch.columns[name].tolist())
        cells[0] = "broken"
        session.predict(batch.with_columns({name: cells}))
    session.predict(batch.with_columns({"c": batch.columns["c"] * 1.0}))
    assert session.asked == 42


def test_memory_ends_where_it_is_told_to() -> None:
    function = Counting()
    session = session_of(wrap(function), max_rows=10)
    batch = rows(30)
    first, again = session.predict(batch), session.predict(batch)
    assert first.value.tolist() == again.value.tolist()
    assert session.asked == 50


def test_failures_are_remembered_too() -> None:
    def answer(frame: pd.DataFrame) -> Any:
        if (frame["c"] == 3).any():
            raise ValueError("three")
        return np.column_stack([frame["c"] / 10, 1 - frame["c"] / 10])

    session = session_of(wrap(answer))
    batch = rows(50)
    first, asked = session.predict(batch), session.asked
    again = session.predict(batch)
    assert session.asked == asked
    assert first.failed.tolist() == (batch.columns["c"] == 3).tolist() == again.failed.tolist()
    same(first, again)


def test_time_in_the_model_is_told() -> None:
    session = session_of(wrap(Counting()))
    assert session.seconds == 0.0
    session.predict(rows(5))
    assert session.seconds > 0.0


def same(one: Prediction, other: Prediction) -> None:
    assert one.errors.tolist() == other.errors.tolist()
    assert np.array_equal(one.value, other.value, equal_nan=one.value.dtype.kind == "f")
    assert (one.proba is None) == (other.proba is None)
    if one.proba is not None and other.proba is not None:
        assert np.array_equal(one.proba, other.proba, equal_nan=True)


CELLS = st.one_of(
    st.none(), st.integers(-2, 2), st.sampled_from([0.0, -0.0, 1.0, 2.5, float("nan"), float("inf")]), st.booleans(), st.sampled_from(["", "1", "x"])
)
TABLES = st.lists(st.lists(st.tuples(CELLS, CELLS), min_size=1, max_size=8), min_size=1, max_size=4)


@settings(max_examples=80, deadline=None)
@given(TABLES, st.sampled_from([("int64", "str"), ("float64", "object"), ("bool", "Int64"), ("", "")]), st.booleans())
def test_a_session_answers_as_the_model_does(tables: list[list[tuple[Any, Any]]], dtypes: tuple[str, str], narrow: bool) -> None:
    def answer(frame: pd.DataFrame) -> list[str]:
        return [f"{a!r} {b!r} {frame.dtypes.astype(str).tolist()}" for a, b in zip(frame["a"].tolist(), frame["b"].tolist(), strict=True)]

    model = wrap(answer, task="classification")
    session = model.session()
    form = Form("pandas", dict(zip("ab", dtypes, strict=True)) if dtypes[0] else {})
    for table in tables:
        if narrow:
            batch = Batch.of([dict(zip("ab", row, strict=True)) for row in table])
            batch = Batch(batch.columns, batch.ids, form)
        else:
            batch = Batch({name: objects(row[j] for row in table) for j, name in enumerate("ab")}, np.arange(len(table)), form)
        assert [plainly(v) for v in session.predict(batch).value] == [plainly(v) for v in model.predict(batch).value]


def plainly(value: str) -> str:
    return value.replace("-0.0", "0.0").replace("<NA>", "nan")


def session_of(model: object, budget: int | None = None, *, thrifty: bool = False, max_rows: int = 1_000_000) -> Session:
    assert isinstance(model, Wrapped)
    return model.session(budget, thrifty=thrifty, max_rows=max_rows)
