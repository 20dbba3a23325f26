from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from camelopard.core.batch import Batch
from camelopard.core.schema import Schema
from camelopard.models.wrap import wrap
from camelopard.stress.attack import attack
from camelopard.stress.truth import Truth

TRUTH = Truth("classification", 0.0)


def world(n: int = 200, seed: int = 0) -> tuple[Batch, Schema]:
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame({"x": rng.normal(size=n), "n": rng.integers(0, 20, n), "c": rng.choice(["a", "b", "c"], n)})
    batch = Batch.of(frame)
    schema = Schema.infer(batch)
    return schema.conform(batch), schema


def line(table: pd.DataFrame) -> Any:
    p = 1 / (1 + np.exp(-3 * table["x"].astype(float)))
    return np.column_stack([1 - p, p])


def model_of(function: Any) -> Any:
    return wrap(function, task="classification", classes=["no", "yes"])


def test_the_smallest_change_of_a_known_line_is_found_within_half_again() -> None:
    batch, schema = world()
    result = attack(model_of(line).session(), batch, schema, TRUTH, np.random.default_rng(0), rows=60, queries_per_row=150)
    true = np.abs(batch.columns["x"][result.rows]) / schema["x"].spread
    reachable = true <= 2.0
    assert result.succeeded[reachable].mean() > 0.9
    assert np.median((result.costs / true)[result.succeeded & reachable]) < 1.5
    assert np.all(result.costs[result.succeeded] >= true[result.succeeded] * 0.999)


def test_changes_stay_valid_and_frozen_columns_stay_as_they_are() -> None:
    batch, schema = world()

    def all_of_it(table: pd.DataFrame) -> Any:
        score = table["x"] + 0.3 * (table["n"] - 10) + (table["c"] == "a")
        return np.column_stack([1.0 * (score <= 0), 1.0 * (score > 0)])

    result = attack(model_of(all_of_it).session(), batch, schema, TRUTH, np.random.default_rng(0), rows=80, frozen=("x",))
    changed = result.batch.columns
    assert np.array_equal(changed["x"], result.original.columns["x"])
    assert np.array_equal(changed["n"], np.round(changed["n"]))
    assert changed["n"].min() >= schema["n"].low
    assert changed["n"].max() <= schema["n"].high
    assert set(changed["c"]) <= {"a", "b", "c"}
    assert result.succeeded.any()
    moved = TRUTH.flipped(result.before, result.after)
    assert moved[result.succeeded].all()


def test_the_budget_is_kept_and_the_same_seed_gives_the_same_result() -> None:
    batch, schema = world()
    session = model_of(line).session(300)
    attack(session, batch, schema, TRUTH, np.random.default_rng(0), rows=50)
    assert session.asked <= 300
    results = [
        attack(model_of(line).session(), batch, schema, TRUTH, np.random.default_rng(5), rows=30, queries_per_row=60).to_dict() for _ in range(2)
    ]
    assert results[0] == results[1]
    assert results[0]["queries"] <= 30 * 60


def test_a_model_that_never_changes_its_answer_is_never_moved() -> None:
    batch, schema = world()
    model = model_of(lambda t: np.tile([0.4, 0.6], (len(t), 1)))
    result = attack(model.session(), batch, schema, TRUTH, np.random.default_rng(0), rows=40)
    assert not result.succeeded.any()
    assert result.findings() == []
    assert result.to_dict()["fooled_within"] == {"0.01": 0.0, "0.05": 0.0, "0.1": 0.0, "0.5": 0.0, "1.0": 0.0}


def test_a_model_that_hangs_on_noise_is_found_and_a_smooth_one_is_not() -> None:
    batch, schema = world(400)
    noisy = model_of(lambda t: np.eye(2)[(np.floor(t["x"].astype(float) * 70) % 2).astype(int)])
    found = attack(noisy.session(), batch, schema, TRUTH, np.random.default_rng(0), rows=60).findings()
    assert [(f.code, f.level) for f in found] == [("small-change", "medium")]
    assert attack(model_of(line).session(), batch, schema, TRUTH, np.random.default_rng(0), rows=60).findings() == []


@pytest.mark.parametrize("rows", [0, 1])
def test_few_rows_are_no_problem(rows: int) -> None:
    batch, schema = world()
    assert len(attack(model_of(line).session(), batch, schema, TRUTH, np.random.default_rng(0), rows=rows).rows) == rows
