"""The suite itself: a faulty damage is caught, by name, and a sound one is not."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from camelopard.core.arrays import Array, objects
from camelopard.core.batch import Batch
from camelopard.core.schema import Column, Schema
from camelopard.stress.damage import BatchDamage, ColumnDamage
from camelopard.testing.damages import changed_cells, check_damage

RNG = np.random.default_rng(0)
BATCH = Batch.of([{"a": int(a), "b": float(b), "c": "xyz"[i % 3]} for i, (a, b) in enumerate(RNG.normal(50, 20, (40, 2)))])
SCHEMA = Schema.infer(BATCH)


def plus(values: Array, column: Column, severity: int, rng: np.random.Generator) -> Array:
    return values + severity


SOUND: Any = ColumnDamage("plus", "range", ("number",), "range", plus)


def in_place(values: Array, column: Column, severity: int, rng: np.random.Generator) -> Array:
    values += severity
    return values


def unseeded(values: Array, column: Column, severity: int, rng: np.random.Generator) -> Array:
    return values + severity + RNG.random(len(values))


def weaker(values: Array, column: Column, severity: int, rng: np.random.Generator) -> Array:
    changed = values.copy()
    changed[: len(values) // severity] += 10 / severity
    return changed


def numpy_cells(values: Array, column: Column, severity: int, rng: np.random.Generator) -> Array:
    return objects(np.float64(v) for v in values)


def nothing(values: Array, column: Column, severity: int, rng: np.random.Generator) -> Array:
    return values


def on_one_row(values: Array, column: Column, severity: int, rng: np.random.Generator) -> Array:
    changed: Array = values + values[severity % len(values)]
    return changed


def neighbour(batch: Batch, target: str, severity: int, rng: np.random.Generator, schema: Schema) -> Batch:
    return batch.with_columns({"a": batch.columns["a"] + 1, "b": batch.columns["b"] + 1})


def fewer(batch: Batch, target: str, severity: int, rng: np.random.Generator, schema: Schema) -> Batch:
    return batch.take(slice(0, max(0, len(batch) - 1)))


def without(batch: Batch, target: str, severity: int, rng: np.random.Generator, schema: Schema) -> Batch:
    return batch.select(["b", "c"])


def test_a_sound_damage_passes() -> None:
    check_damage(SOUND, BATCH, SCHEMA)


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (replace(SOUND, change=in_place), "in place"),
        (replace(SOUND, change=unseeded), "the same seed gave other cells"),
        (replace(SOUND, change=weaker), "severity 5 changes"),
        (replace(SOUND, change=numpy_cells), "plain Python values"),
        (replace(SOUND, change=nothing), "changes no cell"),
        (replace(SOUND, kind="Plus One"), "no name in lower case"),
        (replace(SOUND, breaks="rang"), "expected one of"),
        (replace(SOUND, family=""), "no family"),
        (BatchDamage("neighbour", "range", "range", neighbour, lambda schema: ["a"]), "not its target"),
        (BatchDamage("fewer", "range", "range", fewer, lambda schema: ["a"]), "39 rows came of 40"),
        (BatchDamage("without", "range", "range", without, lambda schema: ["a"]), "the columns are"),
        (BatchDamage("nowhere", "range", "range", neighbour, lambda schema: ["z"]), "no column"),
        (BatchDamage("twice", "range", "range", neighbour, lambda schema: ["a", "a"]), "named twice"),
    ],
)
def test_a_faulty_damage_is_caught(damage: Any, message: str) -> None:
    batch = BATCH.with_columns({name: values.copy() for name, values in BATCH.columns.items()})
    with pytest.raises(AssertionError, match=message):
        check_damage(damage, batch, SCHEMA)


def test_a_damage_that_needs_a_row_is_caught_on_the_empty_batch() -> None:
    with pytest.raises(ZeroDivisionError):
        check_damage(replace(SOUND, change=on_one_row), BATCH, SCHEMA)


def test_a_number_as_text_is_a_change_and_a_whole_float_is_none() -> None:
    before = objects([1, 1, True, None, "a"])
    after = objects([1.0, "1", 1, float("nan"), "a"])
    assert changed_cells(before, after).tolist() == [False, True, True, False, False]
