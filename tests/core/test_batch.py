from __future__ import annotations

import datetime as dt
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from camelopard.core.batch import Batch, concat
from camelopard.core.errors import InputError

CELLS = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(), inner, max_size=2),
    max_leaves=4,
)


def test_the_same_table_reads_alike_from_every_library() -> None:
    rows = [{"age": 36, "income": 1.5, "sex": "F", "new": True}, {"age": 51, "income": 2.5, "sex": None, "new": False}]
    frames = [rows, pd.DataFrame(rows), pl.DataFrame(rows), pa.Table.from_pylist(rows)]
    read = [[Batch.of(frame).row(i) for i in range(2)] for frame in frames]
    assert read[0] == read[1] == read[2] == read[3]
    assert read[0][1] == {"age": 51.0, "income": 2.5, "sex": None, "new": False}


def test_pandas_categories_and_missing_integers_keep_their_values() -> None:
    frame = pd.DataFrame(
        {"c": pd.Categorical(["a", None]), "n": pd.array([1, None], dtype="Int64"), "d": pd.to_datetime(pd.Series(["2020-01-02", None]))}
    )
    batch = Batch.of(frame)
    assert batch.row(0) == {"c": "a", "n": 1.0, "d": dt.datetime(2020, 1, 2)}
    assert batch.row(1) == {"c": None, "n": None, "d": None}
    assert batch.form.categories["c"] == ("a",)


def test_one_dict_is_a_batch_of_one() -> None:
    assert len(Batch.of({"age": 36})) == 1


@pytest.mark.parametrize("of", [list, tuple, np.array, pd.Series, pl.Series, pa.array], ids=["list", "tuple", "numpy", "pandas", "polars", "arrow"])
def test_a_dict_of_columns_is_the_same_table_as_its_rows(of: Any) -> None:
    batch = Batch.of({"age": of([36, 51]), "sex": of(["F", "M"])})
    assert list(batch) == list(Batch.of([{"age": 36, "sex": "F"}, {"age": 51, "sex": "M"}])) and batch.form.kind == "rows"


def test_a_day_in_a_dict_of_columns_is_the_day_that_it_is_in_a_row() -> None:
    day = np.array(["2026-03-01", "NaT"], dtype="datetime64[ns]")
    assert [row["day"] for row in Batch.of({"day": day})] == [dt.datetime(2026, 3, 1), None]


def test_a_list_among_plain_cells_is_a_cell_of_one_row() -> None:
    assert len(Batch.of({"age": [36, 51], "sex": "F"})) == len(Batch.of([{"age": [36, 51], "sex": ["F", "M"]}])) == len(Batch.of({})) == 1


def test_columns_of_different_lengths_are_refused_with_both_lengths() -> None:
    with pytest.raises(InputError, match="different lengths: 'age' has 2, 'sex' has 1"):
        Batch.of({"age": [36, 51], "sex": ["F"]})


def test_an_array_gets_column_names() -> None:
    assert Batch.of(np.array([[1.0, 2.0]])).row(0) == {"x0": 1.0, "x1": 2.0}


@pytest.mark.parametrize(
    ("table", "message"),
    [
        (pd.DataFrame([[1, 2]], columns=["a", "a"]), "repeated column names: 'a'"),
        (pd.DataFrame({0: [1]}), "column name 0 is a int"),
        ([{"a": 1}, 3], "row 1 is a int"),
        ("a,b", "cannot read a str"),
        (np.zeros(3), "expected two dimensions"),
        (3, "cannot read a int"),
    ],
)
def test_what_is_no_table_is_refused_in_words(table: object, message: str) -> None:
    with pytest.raises(InputError, match=message):
        Batch.of(table)


@given(st.lists(st.dictionaries(st.sampled_from(["a", "b", "c"]), CELLS), max_size=5))
def test_any_json_value_fits_in_any_cell(rows: list[dict[str, object]]) -> None:
    batch = Batch.of(rows)
    assert len(batch) == len(rows)
    assert len(list(batch)) == len(rows)


@given(st.lists(st.dictionaries(st.sampled_from(["a", "b"]), CELLS, min_size=2), min_size=1, max_size=6), st.data())
def test_cutting_a_batch_and_joining_it_again_changes_nothing(rows: list[dict[str, object]], data: st.DataObject) -> None:
    batch = Batch.of(rows)
    cut = data.draw(st.integers(0, len(batch)))
    again = concat([batch.take(slice(0, cut)), batch.take(slice(cut, None))])
    assert repr(list(again)) == repr(list(batch))


def test_a_change_never_reaches_the_batch_it_came_from() -> None:
    batch = Batch.of([{"a": 1.0}, {"a": 2.0}])
    changed = batch.with_columns({"a": batch.columns["a"] * 10})
    assert (batch.row(0), changed.row(0)) == ({"a": 1.0}, {"a": 10.0})


def test_integers_too_large_for_a_float_become_infinite() -> None:
    assert Batch.of([{"a": 10**400}, {"a": 1}]).row(0) == {"a": float("inf")}
