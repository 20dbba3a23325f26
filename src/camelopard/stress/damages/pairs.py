"""Columns that no longer agree: in each row one of the two takes another value that is legal on its own.

A schema does not know which columns agree, so neighbours are tried; where they never agreed, this is an in-range error like any other.
"""

from __future__ import annotations

import numpy as np

from camelopard.core.arrays import Array, Bools, Floats, is_missing
from camelopard.core.batch import Batch
from camelopard.core.schema import Column, Schema
from camelopard.stress.damage import BatchDamage
from camelopard.stress.damages._cells import fields, other_values, pairs, settled

STRIDES = (0.1, 0.2, 0.3, 0.4, 0.5)  # of the different values seen, from small to large
FLATNESS = (0.0, 0.25, 0.5, 0.75, 1.0)


def disagree(batch: Batch, target: str, severity: int, rng: np.random.Generator, schema: Schema) -> Batch:
    """Change one of the two columns of each row, drawn anew for each, to another legal value: known, or in the range."""
    first, second = fields(target, schema)
    at_first = rng.random(len(batch)) < 0.5
    return batch.with_columns(
        {
            first: _changed(batch.columns[first], schema[first], at_first, severity, rng),
            second: _changed(batch.columns[second], schema[second], ~at_first, severity, rng),
        }
    )


def _changed(values: Array, column: Column, where: Bools, severity: int, rng: np.random.Generator) -> Array:
    if column.kind == "number":
        return np.where(where, _another_number(values.astype(np.float64), column, severity, rng), values.astype(np.float64))
    return np.where(where, other_values(values, column, FLATNESS[severity - 1], rng), values)


def _another_number(values: Floats, column: Column, severity: int, rng: np.random.Generator) -> Floats:
    """Return numbers some steps up or down the ladder of different values seen; never the same."""
    ladder = np.unique(settled(column.quantiles, column))
    stride = max(1, int(STRIDES[severity - 1] * len(ladder)))
    at = np.searchsorted(ladder, values).clip(0, len(ladder) - 1)
    up = (at + stride < len(ladder)) & ((rng.random(len(values)) < 0.5) | (at < stride))
    return np.where(is_missing(values), np.nan, ladder[np.where(up, at + stride, np.maximum(at - stride, 0))])


def _numbers(a: Column, b: Column) -> bool:
    return a.kind == b.kind == "number"


def _labelled(a: Column, b: Column) -> bool:
    kinds = {a.kind, b.kind}
    return "date" not in kinds and kinds != {"number"}


DAMAGES = (
    BatchDamage("broken-pair", "pair", "pair", disagree, lambda schema: pairs(schema, _numbers)),
    BatchDamage("broken-dependency", "pair", "dependency", disagree, lambda schema: pairs(schema, _labelled)),
)
