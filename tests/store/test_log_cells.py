from __future__ import annotations

import datetime as dt
import json
import math
from decimal import Decimal
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

pytest.importorskip("msgspec", reason="the log of verdicts needs msgspec: pip install 'camelopard[serve]'")

from camelopard.core.cells import Opaque, alike
from camelopard.core.errors import InputError
from camelopard.store.log_cells import HIDDEN, Nameless, careful, encoded, restored

TEXTS = st.text(st.characters(exclude_categories=()), max_size=8)  # halves of surrogate pairs too
NUMBERS = st.integers() | st.integers(-(2**600), 2**600) | st.floats(allow_nan=False)
DATES = st.dates() | (st.datetimes() | st.datetimes(timezones=st.just(dt.UTC))).map(lambda moment: moment.replace(fold=0))
CELLS = st.none() | st.booleans() | NUMBERS | TEXTS | st.binary(max_size=8) | DATES
NESTED = st.recursive(CELLS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS | st.just("~"), inner, max_size=3), max_leaves=6)


def back(values: list[Any]) -> list[Any]:
    lines, lost = encoded(values)
    assert lost == []
    return [restored(line) for line in lines.splitlines()]


@given(st.lists(st.dictionaries(TEXTS | st.just("~"), NESTED | st.tuples(CELLS, CELLS), max_size=4), max_size=4))
def test_rows_come_back_with_the_same_values_and_types(rows: list[Any]) -> None:
    assert repr(back(rows)) == repr(rows)


@given(st.lists(st.dictionaries(st.sampled_from(["a", "b"]), st.floats() | st.integers(-9, 9) | st.none(), min_size=2), max_size=4))
def test_numbers_that_are_none_and_infinite_ones_are_told_from_missing_ones(rows: list[Any]) -> None:
    assert repr(back(rows)) == repr(rows)


@pytest.mark.parametrize("number", [0.1 + 0.2, 5e-324, 1.7976931348623157e308, -0.0, 1e16, 36.0, 2.0**53 + 2])
def test_a_float_comes_back_to_the_bit(number: float) -> None:
    (found,) = back([{"x": number}])
    assert type(found["x"]) is float
    assert found["x"].hex() == number.hex()


@pytest.mark.parametrize("dtype", ["uint8", "float32", "int16", "bool", ">f8"])
def test_a_picture_comes_back_with_shape_and_type(dtype: str) -> None:
    picture = (np.arange(24).reshape(2, 4, 3) % 2).astype(dtype)[:, ::2]
    (found,) = back([picture])
    assert alike(found, picture.astype(picture.dtype.newbyteorder("<")))


def test_plain_rows_are_plain_json_that_anybody_reads() -> None:
    lines, lost = encoded([{"age": 36, "sex": "é\n", "gain": None, "old": True}])
    assert (json.loads(lines), lost) == ({"age": 36, "sex": "é\n", "gain": None, "old": True}, [])
    assert lines.count(b"\n") == 1


def test_one_cell_that_json_does_not_know_leaves_the_rows_beside_it_as_they_are() -> None:
    rows = [{"x": 1}, {"x": math.inf}, {"x": dt.date(2026, 1, 2)}]
    assert encoded(rows)[0].splitlines()[0] == b'{"x":1}'
    assert back(rows) == rows


def test_numbers_of_other_libraries_become_plain_ones() -> None:
    assert back([{"a": np.float32(0.5), "b": np.int64(3), "c": Decimal("1.5"), "d": np.str_("x"), "e": np.float64("nan")}]) == [
        {"a": 0.5, "b": 3, "c": 1.5, "d": "x", "e": None}
    ]


def test_what_cannot_be_kept_is_told_by_its_type_and_its_row_is_not_whole() -> None:
    deep: list[Any] = []
    for _ in range(5000):
        deep = [deep]
    lines, lost = encoded([{"x": 1}, {"x": object()}, {"x": {1, 2}}, {"x": deep}])
    assert lost == [1, 2, 3]
    assert restored(lines.splitlines()[1])["x"] == Opaque("object")


def test_a_row_without_names_stays_one() -> None:
    (found,) = back([Nameless((1.5, "a", None))])
    assert (type(found), found) == (Nameless, (1.5, "a", None))


def test_what_is_hidden_comes_back_as_hidden() -> None:
    line, whole = careful({"a": HIDDEN})
    assert (restored(line)["a"], whole) == (HIDDEN, False)


@pytest.mark.parametrize("line", ['{"~": "later", "v": 1}', "{", '{"~": "int", "v": "zz"}', '{"~": "array", "v": [1]}', "[" * 100_000])
def test_a_line_that_is_none_is_told(line: str) -> None:
    with pytest.raises(InputError, match="no cell of a log of this version"):
        restored(line)
