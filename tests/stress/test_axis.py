from __future__ import annotations

import numpy as np
import pandas as pd

from camelopard.core.batch import Batch
from camelopard.core.schema import Schema
from camelopard.stress.axis import axes_of


def test_cells_that_are_missing_or_never_seen_stay() -> None:
    schema = Schema.infer(Batch.of(pd.DataFrame({"a": [1.0, 2.0, 3.0], "c": ["x", "y", "x"]})))
    a, c = axes_of(schema.conform(Batch.of([{"a": 2, "c": "x"}, {"a": 9, "c": "z"}, {"a": None, "c": None}])), schema)
    assert a.start.tolist()[0] == 2.0
    assert np.isnan(a.start[1:]).all()
    assert np.isnan(c.start[1:]).all()


def test_whole_numbers_step_by_at_least_one_and_stay_in_range() -> None:
    batch = Batch.of(pd.DataFrame({"n": [0, 1, 2, 3, 4]}))
    (n,) = axes_of(batch, Schema.infer(batch))
    assert n.stepped(0.001).tolist() == [1, 2, 3, 4, 4]
    assert n.stepped(-np.inf).tolist() == [0, 0, 0, 0, 0]
    assert n.cells(batch.columns["n"], np.array([4.0, 4, 4, 4, 4]), np.array([True, False, False, False, False])).tolist() == [4, 1, 2, 3, 4]


def test_constant_and_frozen_columns_are_no_axes() -> None:
    batch = Batch.of(pd.DataFrame({"n": [0, 1], "k": [7, 7], "c": ["a", "a"], "d": ["a", "b"]}))
    assert [axis.name for axis in axes_of(batch, Schema.infer(batch), frozen=("d",))] == ["n"]


def test_the_other_categories_come_most_frequent_first() -> None:
    batch = Batch.of(pd.DataFrame({"c": ["b", "a", "a", "c", "a", "b"]}))
    (c,) = axes_of(batch, Schema.infer(batch))
    assert c.legal == ("a", "b", "c")
    first, second, none = c.other(0), c.other(1), c.other(2)
    assert first is not None
    assert second is not None
    assert [c.legal[int(k)] for k in first] == ["a", "b", "b", "a", "b", "a"]
    assert [c.legal[int(k)] for k in second] == ["c", "c", "c", "b", "c", "c"]
    assert none is None
