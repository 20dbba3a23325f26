from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from camelopard.core.batch import Batch
from camelopard.core.errors import InputError, UnknownName
from camelopard.core.schema import Schema, written


def test_kinds_are_told_from_the_cells() -> None:
    frame = pd.DataFrame(
        {
            "n": [1.5, 2.5, None],
            "w": [1, 2, 3],
            "c": ["a", "b", None],
            "b": [True, False, True],
            "d": pd.to_datetime(["2020-01-01", "2020-01-02", "2020-01-03"]),
            "t": ["2020-01-01", "2020-02-01", "2020-03-01"],
        }
    )
    schema = Schema.infer(Batch.of(frame))
    assert [c.kind for c in schema.columns.values()] == ["number", "number", "category", "boolean", "date", "date"]
    assert (schema["n"].integral, schema["w"].integral) == (False, True)
    assert schema["n"].null_rate == pytest.approx(1 / 3)
    assert schema["t"].date_format == "%Y-%m-%d"


def test_an_absent_column_is_missing_and_an_extra_one_is_dropped() -> None:
    schema = Schema.infer(Batch.of([{"a": 1.0, "b": "x"}, {"a": 2.0, "b": "y"}]))
    batch = schema.conform(Batch.of([{"b": "x", "z": 1}]))
    assert batch.row(0) == {"a": None, "b": "x"}
    assert batch.names == ("a", "b")


def test_odd_cells_stay_as_they_came() -> None:
    schema = Schema.infer(Batch.of([{"a": 1.0}, {"a": 2.0}]))
    batch = schema.conform(Batch.of([{"a": "1.234,5"}, {"a": 3}]))
    assert [batch.row(i)["a"] for i in range(2)] == ["1.234,5", 3]


def test_an_unknown_column_is_named_with_its_neighbour() -> None:
    schema = Schema.infer(Batch.of([{"age": 1.0}]))
    with pytest.raises(UnknownName, match="Did you mean 'age'"):
        schema["aeg"]


def test_nothing_can_be_learned_from_an_empty_table() -> None:
    with pytest.raises(InputError, match="no rows"):
        Schema.infer(Batch.of(pd.DataFrame({"a": []})))
    with pytest.raises(InputError, match="no columns"):
        Schema.infer(Batch.of([{}]))


def test_columns_of_nothing_or_infinities_are_learned_without_noise() -> None:
    schema = Schema.infer(Batch.of(pd.DataFrame({"gone": [None, None], "far": [np.inf, 1.0], "nan": [np.nan, np.nan]})))
    assert (schema["gone"].constant, schema["far"].high, schema["nan"].constant) == (True, 1.0, True)


def names(n: int, once: int) -> list[str]:
    """Return n names, `once` of which are seen once; the others are fifty usual ones."""
    return [f"name {i}" for i in range(once)] + [f"usual {i % 50}" for i in range(n - once)]


@pytest.mark.parametrize(
    ("n", "once", "rate"), [(1500, 1500, 1.0), (1500, 30, 0.02), (1500, 15, 0.01), (1500, 14, 0.0), (200, 4, 0.0), (19, 19, 0.0)]
)
def test_new_values_are_usual_where_many_were_seen_but_once(n: int, once: int, rate: float) -> None:
    column = Schema.infer(Batch.of(pd.DataFrame({"name": names(n, once)})))["name"]
    assert (column.kind, column.new_rate, column.open) == ("category", rate, rate > 0)


def test_missing_cells_neither_bring_new_values_nor_hide_them() -> None:
    column = Schema.infer(Batch.of(pd.DataFrame({"name": [*names(200, 20), *[None] * 1800]})))["name"]
    assert (column.new_rate, column.null_rate) == (0.1, 0.9)


def test_a_column_of_more_than_texts_has_the_values_that_it_had() -> None:
    mixed = Schema.infer(Batch.of(pd.DataFrame({"code": [*names(99, 99), 7]})))["code"]
    assert mixed.kind == "category" and not mixed.open


def test_a_text_without_a_letter_or_a_digit_says_nothing() -> None:
    assert [written(cell) for cell in ("Ann", "7", "é", "\u6771", "", " ", "-", "?", 7, None)] == [True] * 4 + [False] * 6
