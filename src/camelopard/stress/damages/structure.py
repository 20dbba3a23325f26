"""The table itself is damaged: swapped, shifted, missing, extra, reordered and constant columns, stale and repeated rows."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

import numpy as np

from camelopard.core.arrays import Array, Bools, Ints, objects
from camelopard.core.batch import Batch
from camelopard.core.schema import Column, Schema
from camelopard.stress.damage import BatchDamage

MOST_PAIRS = 12
SHARES = (0.6, 0.7, 0.8, 0.9, 1.0)
WHOLE = "*"


def mixed(first: Array, second: Array, take_second: Bools) -> Array:
    """Return `second` where told, `first` elsewhere, in a type that holds both."""
    if first.dtype == second.dtype and first.dtype != object:
        return np.where(take_second, second, first)
    if first.dtype.kind in "fi" and second.dtype.kind in "fi":
        return np.where(take_second, second.astype(np.float64), first.astype(np.float64))
    pairs = zip(first.tolist(), second.tolist(), take_second, strict=True)
    return objects(_cell(b if hit else a) for a, b, hit in pairs)


def swapped(batch: Batch, target: str, severity: int, rng: np.random.Generator, schema: Schema) -> Batch:
    """Exchange two columns, in a share of the rows that grows with severity."""
    one, other = target.split("|")
    hit = rng.random(len(batch)) < SHARES[severity - 1]
    a, b = batch.columns[one], batch.columns[other]
    return batch.with_columns({one: mixed(a, b, hit), other: mixed(b, a, hit)})


def shifted(batch: Batch, target: str, severity: int, rng: np.random.Generator, schema: Schema) -> Batch:
    """A stray separator: from some column on, every value stands one column to the right; the more columns, the higher the severity."""
    names = list(schema.names)
    start = int(np.floor((1 - severity / 5) * (len(names) - 1)))
    changes: dict[str, Array] = {names[start]: objects([None] * len(batch))}
    for left, right in zip(names[start:], names[start + 1 :], strict=False):
        changes[right] = batch.columns[left]
    return batch.with_columns(changes)


def without(batch: Batch, target: str, severity: int, rng: np.random.Generator, schema: Schema) -> Batch:
    """Leave the column out."""
    return batch.select([name for name in batch.names if name != target])


def extra(batch: Batch, target: str, severity: int, rng: np.random.Generator, schema: Schema) -> Batch:
    """Bring columns that nobody asked for, one per severity."""
    names = [name for i in range(severity) if (name := f"unnamed_{i}") not in batch.columns]
    return batch.with_columns({name: rng.standard_normal(len(batch)) for name in names})


def reordered(batch: Batch, target: str, severity: int, rng: np.random.Generator, schema: Schema) -> Batch:
    """Bring the columns in another order: the first few at the end, reversed for the highest severity."""
    names = list(batch.names)
    turn = severity % max(len(names), 1)
    return batch.select(names[::-1] if severity == 5 else [*names[turn:], *names[:turn]])


def constant(batch: Batch, target: str, severity: int, rng: np.random.Generator, schema: Schema) -> Batch:
    """Give a share of the rows the same value of the column: that of the first row."""
    values = batch.columns[target]
    if not len(values):
        return batch
    hit = rng.random(len(values)) < SHARES[severity - 1]
    return batch.with_columns({target: mixed(values, values[np.zeros(len(values), dtype=np.intp)], hit)})


def stale(batch: Batch, target: str, severity: int, rng: np.random.Generator, schema: Schema) -> Batch:
    """Give the value of an earlier row, as many rows back as the severity says: yesterday's."""
    values = batch.columns[target]
    return batch.with_columns({target: values[_earlier(len(values), severity)]})


def repeated(batch: Batch, target: str, severity: int, rng: np.random.Generator, schema: Schema) -> Batch:
    """Give a share of the rows all the values of the row before."""
    hit = rng.random(len(batch)) < SHARES[severity - 1]
    earlier = _earlier(len(batch), 1)
    return batch.with_columns({name: mixed(values, values[earlier], hit) for name, values in batch.columns.items()})


def pairs_of(schema: Schema, alike: bool) -> Sequence[str]:
    """Return up to MOST_PAIRS pairs "a|b" of columns of the same kind, or of different kinds, spread evenly over all of them."""
    columns = [c for c in schema.columns.values() if not c.constant]
    found = [
        f"{a.name}|{b.name}" for a, b in combinations(columns, 2) if (a.kind == b.kind) is alike and not _twins(a, b) and "|" not in a.name + b.name
    ]
    step = max(1.0, len(found) / MOST_PAIRS)
    return [found[int(i * step)] for i in range(min(len(found), MOST_PAIRS))]


def _twins(a: Column, b: Column) -> bool:
    return a.kind == "category" and b.kind == "category" and not a.values and not b.values


def _earlier(n: int, steps: int) -> Ints:
    return np.roll(np.arange(n), steps) if n else np.arange(0)


def _cell(value: object) -> object:
    return None if isinstance(value, float) and value != value else value


def _alike(schema: Schema) -> Sequence[str]:
    return pairs_of(schema, alike=True)


def _unlike(schema: Schema) -> Sequence[str]:
    return pairs_of(schema, alike=False)


def _each(schema: Schema) -> Sequence[str]:
    return [c.name for c in schema.columns.values() if not c.constant]


def _whole(schema: Schema) -> Sequence[str]:
    return (WHOLE,) if len(schema.names) > 1 else ()


DAMAGES = (
    BatchDamage("swapped-columns", "structure", "order", swapped, _alike),
    BatchDamage("swapped-kinds", "structure", "type", swapped, _unlike),
    BatchDamage("shifted-columns", "structure", "type", shifted, _whole),
    BatchDamage("missing-column", "structure", "presence", without, lambda schema: schema.names if len(schema.names) > 1 else (), graded=False),
    BatchDamage("extra-column", "structure", "none", extra, lambda schema: (WHOLE,), graded=False),
    BatchDamage("reordered-columns", "structure", "none", reordered, _whole),
    BatchDamage("constant-column", "stale", "none", constant, _each, keeps_label=True),
    BatchDamage("stale-value", "stale", "none", stale, _each),
    BatchDamage("duplicated-row", "floor", "none", repeated, _whole),
)
