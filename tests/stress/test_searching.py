"""What is searched follows from what the rows are: in a table with texts, both its texts and its other columns."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

import camelopard as cp
from camelopard.core.arrays import Array
from camelopard.core.batch import Batch
from camelopard.core.schema import Schema
from camelopard.firewall.training import attacked
from camelopard.stress.attack import AttackResult
from camelopard.stress.searching import search
from camelopard.stress.text_attack_result import TextAttackResult
from camelopard.stress.truth import Truth

WORDS = ("fine", "dull", "film", "story", "plot", "cast", "the", "a")


def table(n: int = 120) -> pd.DataFrame:
    rng = np.random.default_rng(0)
    notes = [
        f"number {i}: the film was {rng.choice(['fine', 'dull'])}, with a {rng.choice(WORDS)} and a long {rng.choice(WORDS)} to it" for i in range(n)
    ]
    return pd.DataFrame({"age": rng.integers(20, 60, n).astype(float), "note": notes})


def answer(rows: pd.DataFrame) -> Array:
    score = rows["note"].str.contains("fine").to_numpy(dtype=float) * 2 - 1 + 0.05 * (rows["age"].to_numpy(dtype=float) - 40)
    p = 1 / (1 + np.exp(-score))
    return np.column_stack([1 - p, p])


def found(rows: int, frame: pd.DataFrame, budget: int | None = None) -> list[AttackResult]:
    model, batch = cp.wrap(answer, task="classification", classes=["no", "yes"]), Batch.of(frame)
    schema = Schema.infer(batch)
    assert {column.kind for column in schema.columns.values()} == {"number", "text"}
    truth, rng = Truth("classification", 0.0), np.random.default_rng(0)
    return search(model.session(budget), schema.conform(batch), schema, truth, rng, rows=rows, queries_per_row=60)


def test_in_a_table_with_texts_half_of_the_rows_are_attacked_in_their_texts() -> None:
    others, texts = found(41, table())
    assert not isinstance(others, TextAttackResult) and isinstance(texts, TextAttackResult)
    assert (others.drawn, texts.drawn) == (21, 20) and others.succeeded.any() and texts.succeeded.any()
    assert others.batch.columns["note"].tolist() == others.original.columns["note"].tolist()
    assert np.array_equal(texts.batch.columns["age"], texts.original.columns["age"])


def test_a_single_row_is_attacked_in_its_numbers() -> None:
    (only,) = found(1, table())
    assert not isinstance(only, TextAttackResult)


def test_where_the_budget_ends_between_them_the_first_stays() -> None:
    (only,) = found(41, table(), budget=25)
    assert not isinstance(only, TextAttackResult) and not only.complete and len(only.rows) == 21


def test_the_report_tells_both_and_both_teach() -> None:
    frame = table(400)
    model = cp.wrap(answer, task="classification", classes=["no", "yes"])
    report = cp.stress(model, frame, budget=20_000, attacks=40)
    told: Mapping[str, Any] = report.attacks
    assert told["by_column"][0]["column"] == "age" and told["texts"]["by_column"][0]["column"] == "note"
    assert "by_way" not in told and max(told["texts"]["by_way"].values()) > 0
    page = report.to_html()
    assert "In the texts of other rows" in page and "left out" in page and page.count("change was sought that moves the answer") == 2
    schema = Schema.infer(Batch.of(frame))
    batch = schema.conform(Batch.of(frame))
    cases = attacked(model.session(), batch, schema, Truth("classification", 0.0), np.random.default_rng(0), 40)
    changed = {n for case in cases for n in schema.names if (case.batch.columns[n] != batch.take(case.rows).columns[n]).any()}
    assert changed == {"age", "note"}
