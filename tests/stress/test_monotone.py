from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from camelopard.core.batch import Batch
from camelopard.core.errors import BudgetSpent
from camelopard.core.schema import Schema
from camelopard.models.wrap import wrap
from camelopard.stress.monotone import directions


def world() -> tuple[Batch, Schema]:
    rng = np.random.default_rng(0)
    batch = Batch.of(
        pd.DataFrame({"up": rng.normal(size=300), "down": rng.integers(0, 20, 300), "bent": rng.normal(size=300), "idle": rng.normal(size=300)})
    )
    schema = Schema.infer(batch)
    return schema.conform(batch), schema


def height(table: pd.DataFrame) -> Any:
    return (table["up"] - 0.2 * table["down"] + table["bent"] ** 2).to_numpy()


def proba(table: pd.DataFrame) -> Any:
    p = 1 / (1 + np.exp(-height(table)))
    return np.column_stack([1 - p, p])


@pytest.mark.parametrize(
    "model", [wrap(height, task="regression"), wrap(proba, task="classification", classes=["no", "yes"])], ids=["numbers", "classes"]
)
def test_directions_are_claimed_where_they_hold_and_nowhere_else(model: Any) -> None:
    batch, schema = world()
    found = directions(model.session(), batch, schema, np.random.default_rng(0))
    assert {(a.fields[0], a.limits["direction"]) for a in found} == {("up", "rising"), ("down", "falling")}
    assert "never lowers" in found[0].statement


def test_several_classes_and_bare_labels_have_no_direction() -> None:
    batch, schema = world()
    three = wrap(lambda t: np.tile([0.2, 0.3, 0.5], (len(t), 1)), task="classification", classes=[0, 1, 2])
    labels = wrap(lambda t: np.where(t["up"] > 0, "a", "b"), task="classification", classes=["a", "b"])
    for model in (three, labels):
        assert directions(model.session(), batch, schema, np.random.default_rng(0)) == []


def test_the_budget_is_kept() -> None:
    batch, schema = world()
    session = wrap(height, task="regression").session(150)
    with pytest.raises(BudgetSpent):
        directions(session, batch, schema, np.random.default_rng(0))
    assert session.asked <= 150
