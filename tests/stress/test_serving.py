from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from sklearn.linear_model import LogisticRegression

from camelopard.core.batch import Batch
from camelopard.core.errors import ModelError
from camelopard.core.records import Prediction
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


def test_without_column_names_their_order_is_not_changed() -> None:
    rng = np.random.default_rng(0)
    X = rng.normal(size=(100, 3))
    model = wrap(LogisticRegression().fit(X, X[:, 0] > 0))
    assert check(model, Batch.of(X), rng) == []


def test_chance_is_the_only_fault_that_can_be_told() -> None:
    rng = np.random.default_rng(0)
    assert set(codes(lambda t: proba(rng.random(len(t))))) == {"not-deterministic"}


class Moody:
    """A model that gives up when the columns come in another order."""

    name, task, classes = "moody", "regression", ()

    def predict(self, X: Batch) -> Prediction:
        if X.names[0] != "a":
            raise ModelError("no answer at all")
        return Prediction(X.columns["a"])


def test_a_check_that_cannot_run_is_a_finding_and_stops_no_other() -> None:
    found = check(Moody(), ROWS, np.random.default_rng(0))  # type: ignore[arg-type]
    assert [(f.code, f.subject, f.level) for f in found] == [("not-run", "column-order-dependent", "medium")]


def test_a_slow_call_is_a_remark_without_a_level() -> None:
    ticks = iter(np.cumsum([0.001] * 21 + [2.0] + [0.001] * 400))
    model = wrap(lambda t: proba(np.full(len(t), 0.3)), task="classification", classes=[0, 1])
    found = check(model, ROWS, np.random.default_rng(0), clock=lambda: float(next(ticks)))
    assert [(f.code, f.level) for f in found] == [("slow-call", "none")]


def test_numbers_are_compared_with_a_tolerance() -> None:
    model = wrap(lambda t: t["a"].to_numpy() * (1 + 1e-12 * len(t)), task="regression")
    assert check(model, ROWS, np.random.default_rng(0)) == []
