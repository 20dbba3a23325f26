"""Values in the wrong column: two columns swapped, or all moved to the right by a stray separator."""

from __future__ import annotations

import numpy as np

from camelopard.core.arrays import Array
from camelopard.core.batch import Batch
from camelopard.core.schema import Schema, absent
from camelopard.stress.damage import BatchDamage
from camelopard.stress.damages._cells import fields, loose, pairs

MOVED = (0.2, 0.4, 0.6, 0.8, 1.0)  # share of the columns, counted from the right


def swap(batch: Batch, target: str, severity: int, rng: np.random.Generator, schema: Schema) -> Batch:
    """Swap the two columns. There is but one way: the same at every severity."""
    first, second = fields(target, schema)
    a, b = batch.columns[first], batch.columns[second]
    return batch.with_columns({first: _moved(b, second, first, schema), second: _moved(a, first, second, schema)})


def shift_right(batch: Batch, target: str, severity: int, rng: np.random.Generator, schema: Schema) -> Batch:
    """Move the values of the last 20 to 100 % of the columns, at least two, one to the right: the first is left empty, the last one's is lost."""
    names = batch.names
    moved = names[len(names) - max(2, int(np.ceil(MOVED[severity - 1] * len(names)))) :]
    changes = {to: _moved(batch.columns[at], at, to, schema) for at, to in zip(moved, moved[1:], strict=False)}
    return batch.with_columns({moved[0]: absent(schema[moved[0]], len(batch)), **changes})


def _moved(values: Array, at: str, to: str, schema: Schema) -> Array:
    """Return one column's cells as the other column can hold them."""
    return values if schema[at].kind == schema[to].kind else loose(values)


DAMAGES = (
    BatchDamage("swapped-columns", "structure", "order", swap, lambda schema: pairs(schema, lambda a, b: a.kind == b.kind)),
    BatchDamage("swapped-kinds", "structure", "type", swap, lambda schema: pairs(schema, lambda a, b: a.kind != b.kind)),
    BatchDamage("shifted-columns", "structure", "type", shift_right, lambda schema: ["*"] if len(schema.names) > 1 else []),
)
