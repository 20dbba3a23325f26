from __future__ import annotations

import json
from typing import Any

import numpy as np
import pandas as pd
import pytest

from camelopard.core.batch import Batch
from camelopard.core.errors import CamelopardError, UnknownName
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


def test_several_columns_at_once_come_close_to_the_true_smallest_change() -> None:
    rng = np.random.default_rng(1)
    weights = np.array([1.0, 0.8, 0.5, -0.9])
    frame = pd.DataFrame(rng.uniform(-1, 1, (300, 4)), columns=list("abcd"))
    batch = Batch.of(frame)
    schema = Schema.infer(batch)

    def score(table: pd.DataFrame) -> Any:
        p = 1 / (1 + np.exp(-4 * (table.to_numpy() @ weights + 0.9)))
        return np.column_stack([1 - p, p])

    result = attack(model_of(score).session(), batch, schema, TRUTH, np.random.default_rng(0), rows=100, queries_per_row=200)
    true = np.array([cheapest(row, weights, schema) for row in frame.to_numpy()[result.rows]])
    assert (true > 1.6).sum() > 10  # more than one column can do within its range
    assert result.succeeded.all()
    assert np.all(result.costs >= true * 0.999)
    assert np.all(result.costs <= 1.5 * true + 0.02)


def cheapest(row: Any, weights: Any, schema: Schema) -> float:
    """The least Σ |Δ| / spread that brings the score to 0: the columns with the most weight per spread first, each as far as its range goes."""
    left, total = float(row @ weights + 0.9), 0.0
    columns = [schema[name] for name in "abcd"]
    for j in np.argsort([-abs(w) * c.spread for w, c in zip(weights, columns, strict=True)]):
        c, w = columns[j], weights[j]
        far = (c.low if left * w > 0 else c.high) - row[j]
        use = min(abs(far), abs(left / w))
        left -= np.sign(left) * use * abs(w)
        total += use / c.spread
        if abs(left) < 1e-12:
            break
    return total


def test_a_wide_table_is_searched_within_the_same_queries() -> None:
    rng = np.random.default_rng(2)
    frame = pd.DataFrame(rng.normal(size=(300, 80))).rename(columns=str)
    batch = Batch.of(frame)

    def score(table: pd.DataFrame) -> Any:
        p = 1 / (1 + np.exp(-3 * (table["7"] + table["33"] - table["61"] + 0.2 * table["5"])))
        return np.column_stack([1 - p, p])

    result = attack(model_of(score).session(), batch, Schema.infer(batch), TRUTH, np.random.default_rng(0), rows=60, queries_per_row=120)
    assert result.queries.max() <= 120
    assert result.succeeded.mean() > 0.9
    assert {c["column"] for c in result.to_dict()["by_column"][:3]} == {"7", "33", "61"}


def test_numbers_are_moved_beyond_the_tolerance_in_the_better_direction() -> None:
    batch, schema = world()
    model = wrap(lambda t: t["x"].astype(float) + 0.1 * t["n"].astype(float), task="regression")
    result = attack(model.session(), batch, schema, Truth("regression", 4.5), np.random.default_rng(0), rows=50, queries_per_row=150)
    up = schema["x"].high + 0.1 * schema["n"].high - result.before.value
    down = result.before.value - schema["x"].low - 0.1 * schema["n"].low
    assert np.array_equal(result.succeeded, np.maximum(up, down) > 4.5)  # mostly by both columns, and in one direction only
    assert 5 < result.succeeded.sum() < 45
    assert np.all(np.abs(result.after.value - result.before.value)[result.succeeded] > 4.5)


def test_days_and_flags_are_moved_in_their_own_form_and_missing_cells_stay() -> None:
    rng = np.random.default_rng(3)
    days = pd.date_range("2020-01-01", periods=200)
    frame = pd.DataFrame(
        {"text": days.strftime("%d.%m.%Y"), "day": days, "flag": rng.random(200) < 0.5, "gap": [None if r < 0.3 else "a" for r in rng.random(200)]}
    )
    frame.loc[5:9, "gap"] = "b"
    batch = Batch.of(frame)
    schema = Schema.infer(batch)
    batch = schema.conform(batch)

    def late(table: pd.DataFrame) -> Any:
        known = pd.to_datetime(table["text"], format="%d.%m.%Y").dt.month.ge(4) ^ table["flag"].astype(bool)
        return np.eye(2)[known.to_numpy().astype(int)]

    result = attack(model_of(late).session(), batch, schema, TRUTH, np.random.default_rng(0), rows=60)
    assert result.succeeded.all()
    assert set(result.moved_by) == {"text", "day", "flag", "gap"}
    assert set(result.batch.columns["text"]) <= set(frame["text"])
    assert result.batch.columns["day"].dtype.kind == "M"
    gone = [v is None for v in result.original.columns["gap"]]
    assert [v is None for v in result.batch.columns["gap"]] == gone
    assert np.isnan(result.moved_by["gap"][gone]).all()


def test_a_model_without_probabilities_is_moved_towards_rows_with_another_answer() -> None:
    rng = np.random.default_rng(4)
    frame = pd.DataFrame(rng.uniform(-1, 1, (200, 3)), columns=list("abc"))
    batch = Batch.of(frame)
    model = wrap(lambda t: np.where(t.sum(axis=1) > 1.0, "yes", "no"), task="classification", classes=["no", "yes"])
    result = attack(model.session(), batch, Schema.infer(batch), TRUTH, np.random.default_rng(0), rows=80)
    assert result.succeeded.all()
    need = np.abs(frame.to_numpy()[result.rows].sum(axis=1) - 1.0) / 0.68
    assert np.median(result.costs / np.maximum(need, 0.01)) < 1.5


def test_a_model_that_raises_on_a_valid_row_is_moved_by_it() -> None:
    batch, schema = world()

    def fragile(table: pd.DataFrame) -> Any:
        if (table["c"] == "c").any():
            raise ValueError("never seen")
        return np.tile([0.4, 0.6], (len(table), 1))

    result = attack(model_of(fragile).session(), batch, schema, TRUTH, np.random.default_rng(0), rows=60)
    assert result.drawn == 60
    assert len(result.rows) < 60  # rows without an answer are not attacked
    assert result.succeeded.all()
    assert result.after.failed.all()
    assert result.changes(0)["c"][1] == "c"
    json.dumps(result.to_dict())


def test_what_may_not_change_must_be_a_column() -> None:
    batch, schema = world()
    with pytest.raises(UnknownName, match="Did you mean 'x'"):
        attack(model_of(line).session(), batch, schema, TRUTH, np.random.default_rng(0), frozen=("xx",))
    with pytest.raises(CamelopardError, match="at least 1"):
        attack(model_of(line).session(), batch, schema, TRUTH, np.random.default_rng(0), queries_per_row=0)


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
    short = attack(session, batch, schema, TRUTH, np.random.default_rng(0), rows=50)
    assert session.asked <= 300
    assert not short.complete
    results = []
    for _ in range(2):
        session = model_of(line).session()
        results.append(attack(session, batch, schema, TRUTH, np.random.default_rng(5), rows=30, queries_per_row=60))
        assert session.asked <= results[-1].queries.sum()
    assert results[0].to_dict() == results[1].to_dict()
    assert results[0].queries.max() <= 60
    assert results[0].complete


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
