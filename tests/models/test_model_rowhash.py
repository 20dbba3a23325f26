from __future__ import annotations

import datetime as dt
import gc
import math
from collections import deque
from typing import Any

import numpy as np
import pytest

from camelopard.core.arrays import objects
from camelopard.core.batch import Batch, Form
from camelopard.models import rowhash
from camelopard.models.rowhash import RowHasher


def batch(form: Form | None = None, **columns: Any) -> Batch:
    arrays = {name: values if isinstance(values, np.ndarray) else objects(values) for name, values in columns.items()}
    return Batch(arrays, np.arange(len(next(iter(arrays.values())))), form or Form())


def test_the_same_value_of_another_type_is_another_value() -> None:
    cells = [1, True, "1", 1.0, None, "", "None", 0, False, "0", 10**30, dt.date(2020, 1, 1), dt.datetime(2020, 1, 1), [1], [2], (1,)]
    assert len(set(RowHasher().keys(batch(a=cells)))) == len(cells)


def test_zeros_and_gaps_are_one_each() -> None:
    keys = RowHasher().keys(batch(a=np.array([0.0, -0.0, np.nan, -np.nan, 1.0])))
    assert keys[0] == keys[1] and keys[2] == keys[3] and len(set(keys)) == 3
    keys = RowHasher().keys(batch(a=[0.0, -0.0, None, float("nan")]))
    assert keys[0] == keys[1] and keys[2] == keys[3]


def test_integers_are_the_same_in_a_column_of_floats_unless_they_are_too_large_for_it() -> None:
    hasher = RowHasher()
    assert hasher.keys(batch(a=np.array([1, 2]))) == hasher.keys(batch(a=np.array([1.0, 2.0])))
    large = hasher.keys(batch(a=np.array([2**53, 2**53 + 1, 1])))
    assert len(set(large)) == 3 and large[2] == hasher.keys(batch(a=np.array([1.0])))[0]


def test_in_a_column_of_numbers_objects_are_numbers() -> None:
    hasher, form = RowHasher(), Form("pandas", {"a": "int64"})
    numbers = hasher.keys(batch(form, a=np.array([1.0, np.nan])))
    assert hasher.keys(batch(form, a=[1, None, "x"]))[:2] == numbers
    assert hasher.keys(batch(a=[1, None, "x"]))[:2] != numbers


def test_names_order_form_and_absence_of_columns_matter() -> None:
    hasher = RowHasher()
    one, two = np.array([1.0]), np.array([2.0])
    found = [
        hasher.keys(b)[0]
        for b in (
            batch(a=one, b=two),
            batch(b=two, a=one),
            batch(a=two, b=one),
            batch(a=one),
            batch(a=one, b=np.array([np.nan])),
            batch(Form("pandas"), a=one, b=two),
        )
    ]
    assert len(set(found)) == len(found)


def test_keys_do_not_depend_on_the_company_and_do_on_the_salt() -> None:
    rng = np.random.default_rng(0)
    rows = batch(a=rng.normal(size=9000), b=rng.choice(["x", "y"], 9000).astype(object))
    hasher = RowHasher(1)
    keys = hasher.keys(rows)
    assert len(set(keys)) == 9000
    assert [hasher.keys(rows.take([i]))[0] for i in (0, 4095, 4096, 8999)] == [keys[i] for i in (0, 4095, 4096, 8999)]
    assert RowHasher(1).keys(rows) == keys
    assert RowHasher(2).keys(rows)[0] != keys[0] != RowHasher().keys(rows)[0]


def test_a_memory_that_starts_afresh_never_mistakes_a_value(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rowhash, "MOST_VALUES", 5)
    hasher = RowHasher()
    keys = [hasher.keys(batch(a=[f"{i}"]))[0] for i in range(40)]
    assert len(set(keys)) == 40
    gap = hasher.keys(batch(a=[None]))
    for i in range(40):
        hasher.keys(batch(a=[f"again {i}"]))
    assert hasher.keys(batch(a=[None])) == gap


def test_dates_and_truth_values_have_keys() -> None:
    days = np.array(["2020-01-01", "NaT", "2020-01-02", "2020-01-01"], dtype="datetime64[us]")
    keys = RowHasher().keys(batch(a=days, b=np.array([True, True, True, True])))
    assert keys[0] == keys[3] and len(set(keys)) == 3
    hasher = RowHasher()
    assert hasher.keys(batch(b=np.array([True, False]))) == hasher.keys(batch(b=[True, False]))


def test_rows_without_columns_are_one() -> None:
    assert len(set(RowHasher().keys(Batch({}, np.arange(3))))) == 1


class Borrower:
    pass


@pytest.fixture
def none_idle(monkeypatch: pytest.MonkeyPatch) -> None:
    gc.collect()  # what other tests left behind brings no hasher back while this one runs
    monkeypatch.setattr(rowhash, "_idle", deque())


def test_a_hasher_is_lent_to_one_at_a_time_and_forgets_what_was_in_the_rows(none_idle: None) -> None:
    one, two = Borrower(), Borrower()
    first, second = RowHasher.lent(one), RowHasher.lent(two)
    assert first is not second
    before = first.keys(batch(a=["secret", "x"]))
    del one
    assert list(rowhash._idle) == [first] and "secret" not in first._memo
    after = RowHasher.lent(two)
    assert after is first and not rowhash._idle
    assert not set(before) & set(after.keys(batch(a=["other", "secret", "x", 3.0])))


def test_hashers_that_wait_are_few(none_idle: None) -> None:
    many = [Borrower() for _ in range(2 * rowhash.IDLE)]
    for one in many:
        RowHasher.lent(one)
    del many, one
    assert len(rowhash._idle) == rowhash.IDLE


@pytest.mark.parametrize("value", [0.0, -0.0, 1.5, -1e300, 5e-324, math.inf, 2.0**53])
def test_a_number_among_objects_has_the_bits_that_it_has_among_numbers(value: float) -> None:
    hasher = RowHasher(1)
    assert hasher.number_bits(value) == hasher._number_cells(np.array([[value + 0.0]]).view(np.uint64), [])[0, 0]
