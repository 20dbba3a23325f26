"""The floor: a random legal value, drawn from the column's own distribution. Nobody can see it from the row alone."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from camelopard.core.arrays import Array, Floats, is_missing, objects
from camelopard.core.batch import Batch
from camelopard.core.schema import EPOCH, LADDER, Column, Schema
from camelopard.stress.damage import BatchDamage


def resample(batch: Batch, target: str, severity: int, rng: np.random.Generator, schema: Schema) -> Batch:
    """Draw a column anew; "a|b" draws both, "*" all of them. Every row, whatever the severity: the floor has one strength."""
    names = schema.names if target == "*" else target.split("|") if target not in schema.columns else [target]
    return batch.with_columns({name: drawn(batch.columns[name], schema[name], rng) for name in names if name in batch.columns})


def drawn(values: Array, column: Column, rng: np.random.Generator) -> Array:
    """Return random legal values of this column, missing where the original is; shape (n,)."""
    missing = is_missing(values)
    if column.kind in ("number", "date") and len(column.quantiles):
        numbers = np.interp(rng.random(len(values)), LADDER, column.quantiles)
        if column.kind == "date":
            return _days(numbers, values, column)
        numbers = np.round(numbers) if column.integral else numbers
        return np.where(missing, np.nan, numbers)
    if not column.values:
        return values
    counts = np.array(list(column.values.values()), dtype=np.float64)
    known = list(column.values)
    picks = rng.choice(len(known), len(values), p=counts / counts.sum())
    if values.dtype.kind == "b":
        return np.array([bool(known[i]) for i in picks], dtype=bool)
    return objects(None if gone else known[i] for i, gone in zip(picks, missing, strict=True))


def _days(days: Floats, values: Array, column: Column) -> Array:
    from datetime import timedelta

    whole = np.round(days)
    if values.dtype.kind == "M":
        dates = (whole * 86_400e6).astype(np.int64).astype("datetime64[us]")
        return np.where(np.isnat(values), np.datetime64("NaT"), dates)
    dates_as_cells = [EPOCH + timedelta(days=float(d)) for d in whole]
    cells = [d.strftime(column.date_format) if column.date_format else d for d in dates_as_cells]
    return objects(None if gone else cell for cell, gone in zip(cells, is_missing(values), strict=True))


def _columns(schema: Schema) -> Sequence[str]:
    return [c.name for c in schema.columns.values() if not c.constant]


DAMAGES = (BatchDamage("in-range-resample", "floor", "none", resample, _columns, keeps_label=False, graded=False),)
