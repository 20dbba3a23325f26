from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pandas as pd
import pytest

from camelopard.core.batch import Batch
from camelopard.core.schema import Schema
from camelopard.firewall.seen import OptimisticWarning, overlap, twins, warn_if_seen


def passengers(n: int, seed: int) -> pd.DataFrame:
    """Rows of few values: most of them are like another passenger."""
    rng = np.random.default_rng(seed)
    return pd.DataFrame({"sex": rng.choice(["f", "m"], n), "class": rng.choice(["1", "2", "3"], n), "age": rng.normal(30, 12, n).round()})


def told(given: pd.DataFrame, reference: pd.DataFrame) -> list[str]:
    batch, anything = Batch.of(given), np.random.default_rng(0)
    unused: Any = None
    with warnings.catch_warnings(record=True) as found:
        warnings.simplefilter("always")
        warn_if_seen(unused, batch, None, Batch.of(reference), Schema.infer(batch), unused, anything)
    return [str(one.message) for one in found if one.category is OptimisticWarning]


@pytest.mark.parametrize(("given", "reference"), [(400, 800), (800, 300), (1500, 6000)])
def test_rows_that_are_alike_by_chance_are_no_copies(given: int, reference: int) -> None:
    for seed in range(5):
        X, known = passengers(given, seed), passengers(reference, 100 + seed)
        assert overlap(Batch.of(X), Batch.of(known)) > 0.5 and told(X, known) == []


def test_copies_are_told_from_rows_that_are_alike_by_chance() -> None:
    known = passengers(800, 1)
    (one,) = told(known.iloc[:400], known)
    assert "100% of the rows given to fit also stand in `reference`, where chance would make it" in one
    half = pd.concat([known.iloc[:200], passengers(200, 2)])
    assert len(told(half, known)) == 1


def test_rows_copied_into_the_reference_several_times_hide_nothing() -> None:
    plain = pd.DataFrame({"x": np.random.default_rng(0).normal(size=300)})
    often = pd.concat([plain] * 5)
    assert twins(Batch.of(plain), Batch.of(often)) == 0.0
    assert told(plain, often) == [
        "100% of the rows given to fit also stand in `reference`: the model knows them, and its confidence will look better than it is. "
        "Give rows that the model was not trained on."
    ]
