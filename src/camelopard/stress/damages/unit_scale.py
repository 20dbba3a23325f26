"""Unit and scale errors: a number recorded in the wrong unit (cents for euros, metres for kilometres)."""

from __future__ import annotations

import numpy as np

from camelopard.core.arrays import Array
from camelopard.core.schema import Column
from camelopard.stress.damage import ColumnDamage
from camelopard.stress.damages._cells import measured, settled

FACTORS = (0.1, 10.0, 0.01, 100.0, 1000.0)


def scale(values: Array, column: Column, severity: int, rng: np.random.Generator) -> Array:
    """Multiply by the factor of this severity: 1/10, 10, 1/100, 100, 1000."""
    return settled(values.astype(np.float64) * FACTORS[severity - 1], column)


DAMAGES = (ColumnDamage("unit-scale", "unit", ("number",), "unit", scale, measured),)
