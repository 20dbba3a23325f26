"""Categories: one that nobody has seen, a rare one, another legal one, an empty string."""

from __future__ import annotations

import numpy as np

from camelopard.core.arrays import Array, is_missing, objects
from camelopard.core.schema import Column
from camelopard.stress.damage import ColumnDamage

NEW = ("New", "Other", "Category-17", "Zyx", "\u65b0")
RARE = (0.2, 0.1, 0.05, 0.02, 0.01)  # largest share of a category that counts as rare
SHARES = (0.6, 0.7, 0.8, 0.9, 1.0)


def unseen(values: Array, column: Column, severity: int, rng: np.random.Generator) -> Array:
    """Write a category that clean data never had."""
    word = NEW[severity - 1]
    while word in column.values:
        word += "*"
    return objects(None if gone else word for gone in is_missing(values))


def rare(values: Array, column: Column, severity: int, rng: np.random.Generator) -> Array:
    """Write a rare category, or the rarest where none is rare enough."""
    counts = np.array(list(column.values.values()), dtype=np.float64)
    known = list(column.values)
    few = np.flatnonzero(counts / counts.sum() <= RARE[severity - 1])
    choices = few if len(few) else np.array([int(np.argmin(counts))])
    return _replaced(values, [known[i] for i in choices], rng)


def other_legal(values: Array, column: Column, severity: int, rng: np.random.Generator) -> Array:
    """Write another legal category, in a share of the rows that grows with severity."""
    known = list(column.values)
    place = {v: i for i, v in enumerate(known)}
    steps = rng.integers(1, len(known), len(values))
    chosen = rng.random(len(values)) < SHARES[severity - 1]
    cells = zip(values.tolist(), is_missing(values), steps, chosen, strict=True)
    return objects(None if gone else known[(place.get(v, 0) + step) % len(known)] if hit else v for v, gone, step, hit in cells)


def empty(values: Array, column: Column, severity: int, rng: np.random.Generator) -> Array:
    """Write the empty string instead of a value, in a share of the rows that grows with severity."""
    chosen = rng.random(len(values)) < SHARES[severity - 1]
    return objects(None if gone else "" if hit else v for v, gone, hit in zip(values.tolist(), is_missing(values), chosen, strict=True))


def _replaced(values: Array, choices: list[object], rng: np.random.Generator) -> Array:
    picks = rng.integers(0, len(choices), len(values))
    return objects(None if gone else choices[pick] for gone, pick in zip(is_missing(values), picks, strict=True))


def _several(column: Column) -> bool:
    return len(column.values) >= 2


def _closed(column: Column) -> bool:
    """Return whether a value never seen, or hardly ever, is something that clean data hardly brings."""
    return _several(column) and not column.open


def _text(column: Column) -> bool:
    return not column.constant and any(isinstance(v, str) for v in column.values)


DAMAGES = (
    ColumnDamage("unseen-category", "category", ("category",), "values", unseen, _closed),
    ColumnDamage("rare-category", "category", ("category",), "none", rare, _closed),
    ColumnDamage("legal-category", "floor", ("category", "boolean"), "none", other_legal, _several, keeps_label=False),
    ColumnDamage("empty-string", "category", ("category",), "values", empty, _text),
)
