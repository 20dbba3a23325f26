from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from camelopard.core.arrays import objects
from camelopard.core.batch import Batch
from camelopard.core.schema import Schema
from camelopard.stress.visibility import visible

ROWS = [
    {"age": 20, "pay": 1.5, "city": "Bergen", "member": True, "since": "2020-01-31", "note": None},
    {"age": 50, "pay": 9.5, "city": "Cadiz", "member": False, "since": "2021-02-28", "note": "x"},
    {"age": 30, "pay": 2.0, "city": "Cadiz", "member": False, "since": "2020-05-05", "note": "x"},
]
SCHEMA = Schema.infer(Batch.of(ROWS))


def seen(**cells: Any) -> list[str]:
    row = {**ROWS[2], **cells}
    batch = SCHEMA.conform(Batch({name: objects([value]) for name, value in row.items()}, np.arange(1)))
    return [name for name, hit in zip(SCHEMA.names, visible(SCHEMA, batch)[0], strict=True) if hit]


def test_clean_rows_show_nothing() -> None:
    assert not visible(SCHEMA, Batch.of(ROWS)).any()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("age", 19.0),
        ("age", 51),
        ("age", 30.5),
        ("age", "30"),
        ("age", True),
        ("age", float("inf")),
        ("age", None),
        ("age", 10**400),
        ("city", "cadiz"),
        ("city", ""),
        ("city", 3),
        ("city", ["Cadiz"]),
        ("city", None),
        ("member", 1),
        ("member", "yes"),
        ("since", "31/01/2020"),
        ("since", "2031-01-31"),
        ("since", 20200131),
    ],
)
def test_what_clean_data_never_showed_is_visible(name: str, value: Any) -> None:
    assert seen(**{name: value}) == [name]


@pytest.mark.parametrize(("name", "value"), [("age", 20), ("age", 21.0), ("pay", 3.3), ("city", "Bergen"), ("member", True), ("note", None)])
def test_a_legal_value_is_not(name: str, value: Any) -> None:
    assert seen(**{name: value}) == []


def test_an_absent_column_counts_as_missing_and_an_extra_one_as_nothing() -> None:
    batch = Batch.of(ROWS)
    lacking = batch.select(["pay", "city", "member", "since"]).with_columns({"more": np.zeros(3)})
    found = visible(SCHEMA, lacking)
    assert found[:, SCHEMA.names.index("age")].all()  # never missing before
    assert not found[:, SCHEMA.names.index("note")].any()  # missing before
    assert found.shape == (3, 6)


CELL = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=5), st.lists(st.integers(), max_size=2), st.dates())


@given(st.lists(CELL, min_size=1, max_size=5))
def test_no_cell_whatsoever_raises(cells: list[Any]) -> None:
    batch = Batch({name: objects(cells) for name in SCHEMA.names}, np.arange(len(cells)))
    assert visible(SCHEMA, SCHEMA.conform(batch)).shape == (len(cells), 6)
    assert visible(SCHEMA, batch).dtype == bool


def test_a_new_name_is_nothing_that_clean_data_never_showed_but_a_blank_or_a_number_is() -> None:
    schema = Schema.infer(Batch.of([{"name": f"name {i}"} for i in range(30)]))
    cells = ["name 3", "Zoe", None, "", "?", 7, ["Zoe"]]
    found = visible(schema, Batch({"name": objects(cells)}, np.arange(len(cells))))[:, 0]
    assert found.tolist() == [False, False, True, True, True, True, True]
