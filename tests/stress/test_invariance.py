from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import camelopard as cp
from camelopard.core.batch import Batch
from camelopard.core.records import Prediction
from camelopard.core.schema import Schema
from camelopard.stress.budget import Clock
from camelopard.stress.invariance import FEWEST, certified, ignored, look
from camelopard.stress.runner import Case, Pool
from camelopard.stress.study import stress

BASE = Batch.of([{"age": i, "city": "Bergen"} for i in range(1000)])


def case(rows: range, fooled: int = 0, kind: str = "shifted") -> Case:
    """Return a case on some rows, of which the first `fooled` are fooled."""
    n, no = len(rows), np.zeros(len(rows), dtype=bool)
    at, answer = np.arange(n), Prediction(np.full(n, "a", dtype=object), classes=("a", "b"))
    after = Prediction(np.where(at < fooled, "b", "a").astype(object), classes=("a", "b"))
    batch = BASE.take(np.array(rows))
    return Case(kind, "range", "age", 3, True, np.array(rows), batch, answer, after, at < fooled, at < fooled, ~no, ~no, no, no, no)


def test_a_column_counts_as_ignored_after_two_hundred_rows_without_a_fooled_one() -> None:
    (none,) = ignored([case(range(100)), case(range(100, 200))], ["age", "city"])
    assert none == {"column": "age", "tried": 200, "trials": 200, "fooled": 0, "upper": pytest.approx(1 - 0.05 ** (1 / 200)), "certified": True}
    (some,) = ignored([case(range(100), fooled=1), case(range(100, 300), fooled=2)], ["age"])
    assert (some["fooled"], some["certified"]) == (3, False)
    assert 3 / 300 < some["upper"] < 0.03


def test_a_row_counts_once_however_often_it_was_tried() -> None:
    (found,) = ignored([case(range(100), kind=kind) for kind in ("shifted", "sign", "outlier")], ["age"])
    assert (found["tried"], found["trials"], found["certified"]) == (100, 300, False)


def test_columns_that_are_gone_try_no_value() -> None:
    gone = case(range(300))
    assert ignored([Case(**{**gone.__dict__, "batch": gone.batch.select(["city"])})], ["age"]) == []


@pytest.fixture
def frame() -> pd.DataFrame:
    rng = np.random.default_rng(0)
    return pd.DataFrame({"a": rng.normal(size=1500), "b": rng.normal(size=1500), "unused": rng.normal(size=1500)})


def test_a_column_that_matters_on_few_rows_is_rarely_certified(frame: pd.DataFrame) -> None:
    def rarely(table: pd.DataFrame) -> np.ndarray:
        return np.where(table["b"] > np.where(table["a"] > 2.05, table["unused"], 0), "yes", "no")  # `unused` decides on 2 % of the rows

    model = cp.wrap(rarely, name="rarely", classes=["no", "yes"])
    wrongly = 0
    for seed in range(5):
        report = stress(model, frame, budget=10_000, seed=seed, attacks=False)
        wrongly += "unused" in certified(report.ignored)
    assert wrongly == 0


def test_an_unused_column_is_certified_on_many_rows(frame: pd.DataFrame) -> None:
    model = cp.wrap(lambda table: np.where(table["a"] + table["b"] > 0, "yes", "no"), name="sum", classes=["no", "yes"])
    report = stress(model, frame, budget=10_000, attacks=False)
    (found,) = [c for c in report.ignored if c["certified"]]
    assert found["column"] == "unused"
    assert found["tried"] > 2 * FEWEST


def test_a_small_effect_on_a_number_is_an_effect(frame: pd.DataFrame) -> None:
    model = cp.wrap(lambda table: (table["a"] + 0.001 * table["b"]).to_numpy(), name="sum", task="regression")
    report = stress(model, frame, budget=10_000, attacks=False)
    assert certified(report.ignored) == ["unused"]


def test_looking_keeps_to_its_room(frame: pd.DataFrame) -> None:
    batch = Batch.of(frame)
    schema, rng = Schema.infer(batch), np.random.default_rng(0)
    session = cp.wrap(lambda table: np.full(len(table), "yes"), name="yes", classes=["no", "yes"]).session()
    pool = Pool.draw(session, batch, 500, rng, Clock())
    nothing = [Case(**{**case(range(100)).__dict__, "target": name, "batch": batch.take(slice(0, 100))}) for name in batch.names]
    asked = session.asked
    found = look(session, pool, schema, nothing, 120, rng)
    assert {name for name, _, _ in found} == {"a", "b", "unused"}
    assert session.asked - asked <= 120
