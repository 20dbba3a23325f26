"""Changes to the table itself: a column missing, columns too many, columns in another order."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from camelopard.core.arrays import Array, objects
from camelopard.core.batch import Batch
from camelopard.core.schema import Schema
from camelopard.stress.damage import BatchDamage
from camelopard.stress.damages._cells import varies

EXTRA = ("Unnamed: 0", "id", "comment", "created_at", "score")
OUT_OF_PLACE = (0.1, 0.25, 0.5, 0.75, 1.0)  # share of the columns


def drop(batch: Batch, target: str, severity: int, rng: np.random.Generator, schema: Schema) -> Batch:
    """Leave the column out. There is but one way: the same at every severity."""
    return batch.select(name for name in batch.names if name != target)


def add(batch: Batch, target: str, severity: int, rng: np.random.Generator, schema: Schema) -> Batch:
    """Add as many columns as the severity says: behind the others up to 2, in front of them from 3 on."""
    n = len(batch)
    contents: tuple[Array, ...] = (
        np.arange(n, dtype=np.int64),
        objects(f"r-{i:06d}" for i in rng.integers(0, 10**6, n).tolist()),
        objects(["checked"] * n),
        objects(["2021-06-01T12:00:00"] * n),
        rng.random(n),
    )
    new: dict[str, Array] = {}
    for name, values in zip(EXTRA[:severity], contents, strict=False):
        while name in batch.columns:
            name += "_2"
        new[name] = values
    return batch.with_columns(new) if severity < 3 else replace(batch, columns={**new, **batch.columns})


def reorder(batch: Batch, target: str, severity: int, rng: np.random.Generator, schema: Schema) -> Batch:
    """Put 10 to 100 % of the columns, at least two, in one another's places; every value stays with its name."""
    names = np.array(batch.names, dtype=object)
    places = np.sort(rng.permutation(len(names))[: max(2, int(np.ceil(OUT_OF_PLACE[severity - 1] * len(names))))])
    names[places] = np.roll(names[places], 1)
    return batch.select(names.tolist())


DAMAGES = (
    BatchDamage("missing-column", "structure", "presence", drop, lambda schema: [c.name for c in schema.columns.values() if varies(c)]),
    BatchDamage("extra-column", "structure", "presence", add, lambda schema: ["*"]),
    BatchDamage("reordered-columns", "structure", "none", reorder, lambda schema: ["*"] if len(schema.names) > 1 else []),
)
