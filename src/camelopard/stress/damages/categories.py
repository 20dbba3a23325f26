"""Categories that should not be here: never seen, seen but rare, legal but another."""

from __future__ import annotations

import numpy as np

from camelopard.core.arrays import Array, Objects, is_missing, objects
from camelopard.core.schema import Column
from camelopard.stress.damage import ColumnDamage
from camelopard.stress.damages._cells import other_values, picked, places, varies

RAREST = (0.5, 0.4, 0.3, 0.2, 0.1)  # share of the known values that count as rare
FLATNESS = (0.0, 0.25, 0.5, 0.75, 1.0)  # from as often as seen to all alike


def unseen(values: Array, column: Column, severity: int, rng: np.random.Generator) -> Objects:
    """Replace every value by one never seen: a variant of it, two in one, "Other", "New", and a code that says nothing."""
    known = [str(v) for v in column.values] or ["value"]
    n = len(values)
    partners, codes = rng.integers(0, len(known), n).tolist(), rng.integers(0, 100_000, n).tolist()
    cells: list[str | None] = []
    for v, gone, partner, number in zip(values.tolist(), is_missing(values).tolist(), partners, codes, strict=True):
        if gone:
            cells.append(None)
            continue
        name = (f"{v} (new)", f"{v} / {known[partner]}", "Other", "New", f"X{number:05d}")[severity - 1]
        while name in column.values:
            name += "*"
        cells.append(name)
    return objects(cells)


def rare(values: Array, column: Column, severity: int, rng: np.random.Generator) -> Array:
    """Replace every value by another among the rarest known ones, the rarer the higher the severity."""
    known = list(column.values)
    pool = known[-max(2, int(np.ceil(RAREST[severity - 1] * len(known)))) :]
    pick = rng.integers(0, len(pool), len(values))
    return picked(values, pool, np.where(pick == places(values, pool), (pick + 1) % len(pool), pick))


def legal(values: Array, column: Column, severity: int, rng: np.random.Generator) -> Array:
    """Replace every value by another known one: as often as seen at severity 1, all alike at 5."""
    return other_values(values, column, FLATNESS[severity - 1], rng)


DAMAGES = (
    ColumnDamage("unseen-category", "category", ("category",), "values", unseen, varies),
    ColumnDamage("rare-category", "category", ("category",), "none", rare, lambda c: len(c.values) > 2),
    ColumnDamage("legal-category", "category", ("category", "boolean"), "none", legal, varies),
)
