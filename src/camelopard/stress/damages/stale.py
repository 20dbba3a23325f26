"""Yesterday's data: a value, or a whole row, of a row that came before.

The severity is how many rows ago it came: where rows are in order of time, older is farther.
"""

from __future__ import annotations

import numpy as np

from camelopard.core.arrays import Array, is_missing
from camelopard.core.batch import Batch
from camelopard.core.schema import Column, Schema
from camelopard.stress.damage import BatchDamage, ColumnDamage
from camelopard.stress.damages._cells import varies


def stay(values: Array, column: Column, severity: int, rng: np.random.Generator) -> Array:
    """Give every cell the value that came 1 to 5 present cells before; the first ones take the last ones'."""
    there = ~is_missing(values)
    older = values.copy()
    older[there] = np.roll(values[there], severity)
    return older


def repeat(batch: Batch, target: str, severity: int, rng: np.random.Generator, schema: Schema) -> Batch:
    """Replace every row by the one 1 to 5 rows before it; the ids stay."""
    return batch.with_columns({name: np.roll(values, severity) for name, values in batch.columns.items()})


DAMAGES = (
    ColumnDamage("stale-value", "stale", ("number", "category", "boolean", "date"), "none", stay, varies),
    BatchDamage("duplicated-row", "stale", "none", repeat, lambda schema: ["*"]),
)
