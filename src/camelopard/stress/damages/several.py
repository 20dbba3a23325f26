"""Several cells of a row are wrong at once: a bad join, noise on every channel, a gain that drifts, sensors that fail together.

A robust model hardly listens to one cell. What fools it is damage to many.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from camelopard.core.arrays import Array, Bools, Floats
from camelopard.core.batch import Batch
from camelopard.core.schema import Column, Schema
from camelopard.stress.damage import BatchDamage
from camelopard.stress.damages._cells import measured, settled, varies
from camelopard.stress.damages.structure import WHOLE, mixed

CELLS = (0.1, 0.2, 0.35, 0.5, 0.75)  # of a row's cells
OFFSETS = (0.25, 0.5, 1.0, 1.5, 2.0)  # spreads
NOISE = (0.1, 0.2, 0.4, 0.8, 1.6)  # spreads
GAINS = (1.1, 1.25, 1.5, 2.0, 4.0)  # or one over them
BEYOND = (0.0, 0.1, 0.3, 1.0, 3.0)  # ranges beyond the end of the range


def joined(batch: Batch, target: str, severity: int, rng: np.random.Generator, schema: Schema) -> Batch:
    """A tenth to three quarters of the cells come from another row, at least two: records joined by the wrong key."""
    hit = _some(len(batch), len(batch.names), CELLS[severity - 1], rng)
    other = rng.permutation(len(batch))
    return batch.with_columns({name: mixed(values, values[other], hit[:, j]) for j, (name, values) in enumerate(batch.columns.items())})


def noised(batch: Batch, target: str, severity: int, rng: np.random.Generator, schema: Schema) -> Batch:
    """Every measured number of the row gets noise of 0.1 to 1.6 spreads of its column."""
    size = NOISE[severity - 1]
    return batch.with_columns({c.name: _moved(batch, c, size * c.spread * rng.standard_normal(len(batch))) for c in _numbers(schema)})


def drifted(batch: Batch, target: str, severity: int, rng: np.random.Generator, schema: Schema) -> Batch:
    """All measured numbers of the row are multiplied by the same factor, 1.1 to 4 or one over it."""
    gain = np.where(rng.random(len(batch)) < 0.5, GAINS[severity - 1], 1 / GAINS[severity - 1])
    return batch.with_columns({c.name: settled(batch.columns[c.name].astype(np.float64) * gain, c) for c in _numbers(schema)})


def offset(batch: Batch, target: str, severity: int, rng: np.random.Generator, schema: Schema) -> Batch:
    """All measured numbers of the row are moved by 0.25 to 2 spreads of their columns, all up or all down."""
    move = np.where(rng.random(len(batch)) < 0.5, OFFSETS[severity - 1], -OFFSETS[severity - 1])
    return batch.with_columns({c.name: _moved(batch, c, move * c.spread) for c in _numbers(schema)})


def extreme(batch: Batch, target: str, severity: int, rng: np.random.Generator, schema: Schema) -> Batch:
    """A third of the row's measured numbers, at least two, stand at an end of their range, or up to three ranges beyond it."""
    columns = _numbers(schema)
    hit = _some(len(batch), len(columns), 1 / 3, rng)
    changes: dict[str, Array] = {}
    for j, c in enumerate(columns):
        values = batch.columns[c.name].astype(np.float64)
        reach = BEYOND[severity - 1] * (c.high - c.low)
        end = settled(np.where(rng.random(len(batch)) < 0.5, c.low - reach, c.high + reach), c)
        changes[c.name] = np.where(hit[:, j] & ~np.isnan(values), end, values)
    return batch.with_columns(changes)


def _some(n: int, d: int, share: float, rng: np.random.Generator) -> Bools:
    """Return which cells are hit: each with this probability, and at least two in every row, shape (n, d)."""
    draw = rng.random((n, d))
    least = np.sort(draw, axis=1)[:, min(1, d - 1)][:, None] if d else draw
    return np.asarray((draw < share) | (draw <= least), dtype=bool)


def _moved(batch: Batch, column: Column, change: Floats) -> Array:
    return settled(batch.columns[column.name].astype(np.float64) + change, column)


def _numbers(schema: Schema) -> list[Column]:
    return [c for c in schema.of_kind("number") if measured(c)]


def _with_numbers(schema: Schema) -> Sequence[str]:
    return [WHOLE] if len(_numbers(schema)) > 1 else []


def _with_columns(schema: Schema) -> Sequence[str]:
    return [WHOLE] if sum(varies(c) for c in schema.columns.values()) > 2 else []


DAMAGES = (
    BatchDamage("wrong-join", "floor", "none", joined, _with_columns),
    BatchDamage("noisy-row", "several", "range", noised, _with_numbers),
    BatchDamage("drifted-row", "several", "range", drifted, _with_numbers),
    BatchDamage("offset-row", "several", "range", offset, _with_numbers),
    BatchDamage("extreme-cells", "several", "range", extreme, _with_numbers),
)
