"""What nobody can see: a value from the column's own distribution in the place of the true one.

A model that uses a column changes its answer with it, so this is the floor that other damages are held against.
"""

from __future__ import annotations

import numpy as np

from camelopard.core.batch import Batch
from camelopard.core.schema import Schema
from camelopard.stress.damage import BatchDamage
from camelopard.stress.damages._cells import drawn, fields, varies


def resample(batch: Batch, target: str, severity: int, rng: np.random.Generator, schema: Schema) -> Batch:
    """Draw a column, both of a pair ("a|b"), or all ("*") anew, each on its own. The same at every severity."""
    return batch.with_columns({name: drawn(batch.columns[name], schema[name], rng) for name in fields(target, schema) if name in batch.columns})


DAMAGES = (
    BatchDamage(
        "in-range-resample", "floor", "none", resample, lambda schema: [c.name for c in schema.columns.values() if varies(c)], keeps_label=False
    ),
)
