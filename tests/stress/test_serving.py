from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from camelopard.core.batch import Batch
from camelopard.models.wrap import wrap
from camelopard.stress.serving import check

ROWS = Batch.of(pd.DataFrame({"a": np.linspace(-1, 1, 50), "b": np.linspace(3, 4, 50)}))


def codes(function: Any) -> dict[str, str]:
    model = wrap(function, task="classification", classes=[0, 1])
    return {f.code: f.level for f in check(model, ROWS, np.random.default_rng(0))}


def proba(p: Any) -> Any:
    return np.column_stack([1 - p, p])


def test_a_sound_model_has_no_serving_faults() -> None:
    assert codes(lambda t: proba(1 / (1 + np.exp(-5 * t["a"].to_numpy())))) == {}


def test_an_answer_that_hangs_on_the_batch_is_found() -> None:
    found = codes(lambda t: proba(np.where(t["a"].to_numpy() > t["a"].mean(), 0.9, 0.1)))
    assert found["batch-dependent"] == "high"


def test_an_answer_that_hangs_on_the_order_of_rows_is_found() -> None:
    assert codes(lambda t: proba(np.where(np.arange(len(t)) % 2 == 0, 0.9, 0.1)))["order-dependent"] == "high"


def test_an_answer_that_hangs_on_the_order_of_columns_is_found() -> None:
    assert codes(lambda t: proba(np.where(t.iloc[:, 0].to_numpy() > 0.5, 0.9, 0.1)))["column-order-dependent"] == "high"


def test_chance_is_found_and_is_low_where_only_probabilities_move() -> None:
    rng = np.random.default_rng(0)
    assert codes(lambda t: proba(rng.random(len(t))))["not-deterministic"] == "high"
    assert codes(lambda t: proba(0.8 + 0.01 * rng.random(len(t))))["not-deterministic"] == "low"


def test_a_slow_call_is_a_remark_without_a_level() -> None:
    ticks = iter(np.cumsum([0.001] * 21 + [2.0] + [0.001] * 400))
    model = wrap(lambda t: proba(np.full(len(t), 0.3)), task="classification", classes=[0, 1])
    found = check(model, ROWS, np.random.default_rng(0), clock=lambda: float(next(ticks)))
    assert [(f.code, f.level) for f in found] == [("slow-call", "none")]


def test_numbers_are_compared_with_a_tolerance() -> None:
    model = wrap(lambda t: t["a"].to_numpy() * (1 + 1e-12 * len(t)), task="regression")
    assert check(model, ROWS, np.random.default_rng(0)) == []
