"""Columns that are read quickly hold what any column would hold."""

from __future__ import annotations

import random

import numpy as np
import pytest

from camelopard.core import tables
from camelopard.core.batch import Batch


def test_a_column_of_plain_cells_is_read_as_one_that_holds_anything(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = random.Random(0)
    plain = [1.5, float("nan"), 3, -2, 0, -0.0, 10**30, 2**1100, -(2**1100), float("inf"), True, None, "a", ""]
    columns = [[rng.choice(some) for _ in range(rng.randint(2, 6))] for some in (rng.sample(plain, rng.randint(1, 4)) for _ in range(500))]
    quick = [Batch.of([{"a": value} for value in column]).columns["a"] for column in columns]
    monkeypatch.setattr(tables, "_of_plain", lambda values: None)
    for column, found in zip(columns, quick, strict=True):
        expected = Batch.of([{"a": value} for value in column]).columns["a"]
        assert found.dtype == expected.dtype and repr(found.tolist()) == repr(expected.tolist())


def test_a_row_of_numbers_is_read_as_one_among_others() -> None:
    for row in ({"a": 1.5, "b": -0.0}, {"a": np.nan, "b": 2.0}, {"a": np.inf, "b": 2}, {"a": 10**400, "b": True}, {"a": "x", "b": 1.0}, {}):
        alone, among = Batch.of([row]), Batch.of([row, row]).take([0])
        assert alone.names == among.names and len(alone) == 1
        for name in alone.names:
            one, other = alone.columns[name], among.columns[name]
            assert one.dtype == other.dtype and one.tobytes() == other.tobytes() if one.dtype != object else one.tolist() == other.tolist()
