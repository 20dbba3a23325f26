from __future__ import annotations

import datetime as dt
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from camelopard.core.arrays import objects
from camelopard.core.batch import Batch, Form
from camelopard.models.native import Eats, build, groups, plan

FRAME = pd.DataFrame(
    {
        "i": np.arange(4),
        "small": np.arange(4, dtype="int8"),
        "f": [0.5, 1.5, np.nan, 2.5],
        "f32": np.array([0.5, 1.5, 2.5, 3.5], dtype="float32"),
        "I": pd.array([1, None, 3, 4], dtype="Int64"),
        "b": [True, False, True, False],
        "B": pd.array([True, None, True, False], dtype="boolean"),
        "t": np.array(["2020-01-01", "2021-02-03", "NaT", "2022-01-01"], dtype="datetime64[ns]"),
        "s": ["a", "b", None, "d"],
        "o": pd.Series(["a", "b", np.nan, "d"], dtype=object),
        "c": pd.Categorical(["x", None, "y", "x"], categories=["y", "x", "z"]),
    }
)


def tables(X: Any, eats: Eats | None = None) -> list[tuple[list[int], Any]]:
    batch = Batch.of(X)
    table = plan(eats or Eats(), batch.form, batch.names)
    return [(index.tolist(), build(batch.take(index), table, signature)) for index, signature in groups(batch, table)]


def only(X: Any, eats: Eats | None = None) -> Any:
    found = tables(X, eats)
    assert len(found) == 1, [index for index, _ in found]
    return found[0][1]


def damaged(frame: Any, name: str, row: int, value: Any) -> Batch:
    batch = Batch.of(frame)
    cells = objects(batch.columns[name].tolist())
    cells[row] = value
    return batch.with_columns({name: cells})


def test_a_pandas_frame_comes_back_as_it_was() -> None:
    pd.testing.assert_frame_equal(only(FRAME), FRAME)


def test_a_polars_frame_comes_back_as_it_was() -> None:
    frame = pl.DataFrame(
        {"i": [1, None, 3], "f": [0.5, None, 1.0], "s": ["a", None, "b"], "b": [True, None, False], "d": [dt.date(2020, 1, 1), None, None]},
        schema_overrides={"i": pl.Int32, "f": pl.Float32},
    ).with_columns(
        pl.Series("c", ["x", None, "y"], dtype=pl.Enum(["y", "x"])), pl.Series("t", [dt.datetime(2020, 1, 1), None, None], dtype=pl.Datetime("ms"))
    )
    back = only(frame)
    assert back.schema == frame.schema
    assert back.equals(frame)


def test_an_arrow_table_comes_back_as_it_was() -> None:
    table = pa.table(
        {
            "i": pa.array([1, None, 3], pa.int16()),
            "f": pa.array([0.5, None, 1.0], pa.float32()),
            "s": pa.array(["a", None, "b"], pa.large_string()),
            "b": pa.array([True, None, False]),
            "t": pa.array([dt.datetime(2020, 1, 1), None, None], pa.timestamp("ms")),
            "d": pa.array([dt.date(2020, 1, 1), None, None], pa.date32()),
        }
    )
    assert only(table).equals(table)


def test_rows_come_back_as_dicts_with_none_for_what_is_missing() -> None:
    assert only([{"a": 1, "b": "x"}, {"a": None, "b": None}]) == [{"a": 1.0, "b": "x"}, {"a": None, "b": None}]


@pytest.mark.parametrize("dtype", ["float64", "float32", "int64"])
def test_an_array_comes_back_in_its_type(dtype: str) -> None:
    array = np.arange(6).reshape(3, 2).astype(dtype)
    back = only(array)
    assert back.dtype == array.dtype and np.array_equal(back, array)


def test_a_gap_makes_integers_floats_for_its_own_row_alone() -> None:
    batch = Batch.of(FRAME[["i"]]).with_columns({"i": np.array([0.0, 1.5, np.nan, 3.0])})
    assert [(index, str(t["i"].dtype)) for index, t in tables(batch)] == [([0, 3], "int64"), ([1, 2], "float64")]


def test_a_number_too_large_for_its_type_is_a_float() -> None:
    batch = Batch.of(FRAME[["small"]]).with_columns({"small": np.array([0, 1, 1000, 3])})
    assert [(index, str(t["small"].dtype)) for index, t in tables(batch)] == [([0, 1, 3], "int8"), ([2], "float64")]


def test_a_nullable_integer_keeps_its_gaps() -> None:
    batch = Batch.of(FRAME[["I"]]).with_columns({"I": np.array([7.0, np.nan, 3.5, 4.0])})
    assert [(index, str(t["I"].dtype)) for index, t in tables(batch)] == [([0, 1, 3], "Int64"), ([2], "float64")]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("i", "x"),
        ("i", True),
        ("f", "x"),
        ("f", True),
        ("b", "x"),
        ("b", None),
        ("b", 3),
        ("t", "x"),
        ("t", 3.0),
        ("s", 3),
        ("s", 3.5),
        ("s", True),
        ("o", 3),
    ],
)
def test_an_odd_cell_stands_alone_as_its_row_alone_would(name: str, value: Any) -> None:
    frame = FRAME[[name]]
    (regular, rest), (odd, alone) = tables(damaged(frame, name, 1, value))
    assert (regular, odd) == ([0, 2, 3], [1])
    pd.testing.assert_frame_equal(rest, frame.iloc[[0, 2, 3]].reset_index(drop=True))
    pd.testing.assert_frame_equal(alone, pd.DataFrame([{name: value}]))


def test_unseen_categories_are_appended_and_asked_apart() -> None:
    (regular, rest), (odd, alone) = tables(damaged(FRAME[["c"]], "c", 2, "new"))
    assert (regular, odd) == ([0, 1, 3], [2])
    assert rest["c"].cat.categories.tolist() == ["y", "x", "z"]
    assert alone["c"].cat.categories.tolist() == ["y", "x", "z", "new"]


def test_rows_of_the_same_oddities_are_asked_together() -> None:
    batch = Batch.of(FRAME[["i", "s"]]).with_columns({"i": objects(["p", "q", 1, True]), "s": objects(["a", "b", 7, "c"])})
    assert sorted(index for index, _ in tables(batch)) == [[0, 1], [2], [3]]


def test_large_integers_beside_an_odd_cell_stay_exact() -> None:
    frame = pd.DataFrame({"id": [2**60 + 1, 2, 3]})
    found = tables(damaged(frame, "id", 2, "x"))
    assert found[0][1]["id"].tolist() == [2**60 + 1, 2]


def test_features_are_chosen_ordered_and_left_out() -> None:
    back = only(FRAME[["s", "f", "i"]], Eats(("i", "absent", "f"), ("pandas",)))
    assert list(back.columns) == ["i", "f"]


def test_a_table_of_none_of_the_features_has_rows_and_no_columns() -> None:
    assert only(FRAME, Eats(("absent",), ("pandas",))).shape == (4, 0)


def test_positions_stand_for_names_in_an_array() -> None:
    back = only(np.eye(2), Eats(("age", "pay"), ("pandas", "numpy")))
    assert isinstance(back, np.ndarray) and np.array_equal(back, np.eye(2))


@pytest.mark.parametrize("kind", ["pandas", "polars", "arrow", "rows", "numpy"])
def test_an_odd_cell_passes_in_every_kind_of_table(kind: Any) -> None:
    batch = damaged(FRAME[["i", "s"]], "i", 1, "x")
    found = tables(batch, Eats(kinds=(kind,)))
    assert [index for index, _ in found] == [[0, 2, 3], [1]]
    assert [len(table) for _, table in found] == [3, 1]


def test_a_category_that_only_the_model_knows_is_used() -> None:
    eats = Eats(("s",), ("pandas",), types={"s": "category"}, categories={"s": ("d", "a", "b")})
    assert only(FRAME, eats)["s"].cat.codes.tolist() == [1, 2, -1, 0]


def test_unseen_categories_of_another_type_are_asked_apart() -> None:
    batch = Batch.of(FRAME[["c"]]).with_columns({"c": objects(["x", "new", 3, "newer"])})
    assert sorted(index for index, _ in tables(batch)) == [[0], [1, 3], [2]]


def test_time_zones_and_times_beyond_nanoseconds_pass() -> None:
    zoned = pd.DataFrame({"t": pd.to_datetime(["2020-01-01", "2021-01-01"]).tz_localize("Asia/Tokyo")})
    pd.testing.assert_frame_equal(only(zoned), zoned)
    batch = Batch.of(FRAME[["t"]]).with_columns({"t": np.array(["2020", "NaT", "9999", "2021"], dtype="datetime64[us]")})
    assert [(index, str(t["t"].dtype)) for index, t in tables(batch)] == [([0, 1, 3], "datetime64[ns]"), ([2], "datetime64[us]")]


CELLS = st.one_of(st.none(), st.integers(-5, 5), st.floats(allow_nan=False), st.booleans(), st.text(max_size=3), st.just(2**70), st.just([1]))


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(CELLS, CELLS, CELLS), min_size=1, max_size=6), st.sampled_from(["int64", "float64", "str", "bool", "object", "category", ""])
)
def test_a_row_is_built_alone_as_in_company(rows: list[tuple[Any, Any, Any]], dtype: str) -> None:
    names = ("a", "b", "c")
    form = Form("pandas", dict.fromkeys(names, dtype) if dtype else {}, {"a": ("x", 1)} if dtype == "category" else {})
    batch = Batch({name: objects(row[j] for row in rows) for j, name in enumerate(names)}, np.arange(len(rows)), form)
    table = plan(Eats(), form, names)
    company: dict[int, Any] = {}
    for index, signature in groups(batch, table):
        built = build(batch.take(index), table, signature)
        company.update((row, built.iloc[[place]]) for place, row in enumerate(index.tolist()))
    assert sorted(company) == list(range(len(rows)))
    for row, seen in company.items():
        one = batch.take([row])
        ((_, signature),) = list(groups(one, table))
        alone = build(one, table, signature)
        for name in names:
            left, right = alone[name].iloc[0], seen[name].iloc[0]
            assert left == right or (pd.isna(left) is True and pd.isna(right) is True) or isinstance(left, list)
            if dtype != "category":
                assert alone[name].dtype == seen[name].dtype
