"""Missing values: at random, where the value is large, where another column's value is, and all over the row."""

from __future__ import annotations

import numpy as np

from camelopard.core.arrays import Array, Floats, is_missing
from camelopard.core.batch import Batch
from camelopard.core.schema import Column, Schema
from camelopard.stress.damage import BatchDamage, ColumnDamage
from camelopard.stress.damages._cells import days_of, emptied, fields, most_first, pairs, places, varies

SHARES = (0.6, 0.7, 0.8, 0.9, 1.0)  # of the rows, where missingness depends on a value
CELLS = (0.1, 0.2, 0.35, 0.5, 0.75)  # of a row's cells


def vanish(values: Array, column: Column, severity: int, rng: np.random.Generator) -> Array:
    """Every cell goes missing. There is but one way: the same at every severity."""
    return emptied(values, np.ones(len(values), dtype=bool))


def vanish_large(values: Array, column: Column, severity: int, rng: np.random.Generator) -> Array:
    """The largest 60 to 100 % of the cells go missing: incomes that nobody wants to state."""
    return emptied(values, most_first(_height(values, column), ~is_missing(values), SHARES[severity - 1], rng))


def vanish_with(batch: Batch, target: str, severity: int, rng: np.random.Generator, schema: Schema) -> Batch:
    """The first column of the pair goes missing where the second is large, or holds a rare value."""
    first, second = fields(target, schema)
    values = batch.columns[first]
    height = np.nan_to_num(_height(batch.columns[second], schema[second]), nan=-np.inf)
    return batch.with_columns({first: emptied(values, most_first(height, ~is_missing(values), SHARES[severity - 1], rng))})


def vanish_anywhere(batch: Batch, target: str, severity: int, rng: np.random.Generator, schema: Schema) -> Batch:
    """A tenth to three quarters of the cells of each row go missing, at least one."""
    n, d = len(batch), len(batch.names)
    gone = rng.random((n, d)) < CELLS[severity - 1]
    gone[np.arange(n), rng.integers(0, d, n)] = True
    return batch.with_columns({name: emptied(batch.columns[name], gone[:, j]) for j, name in enumerate(batch.names)})


def _height(values: Array, column: Column) -> Floats:
    if column.kind == "number":
        return values.astype(np.float64)
    if column.kind == "date":
        return days_of(values, column)
    return places(values, list(column.values)).astype(np.float64)


DAMAGES = (
    ColumnDamage("missing-at-random", "missing", ("number", "category", "boolean", "date"), "null", vanish, varies, graded=False),
    ColumnDamage("missing-large-values", "missing", ("number", "date"), "null", vanish_large, varies),
    BatchDamage("missing-by-another-column", "missing", "null", vanish_with, lambda schema: pairs(schema, lambda a, b: True)),
    BatchDamage("missing-cells", "missing", "null", vanish_anywhere, lambda schema: ["*"]),
)
