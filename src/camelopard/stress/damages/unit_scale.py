"""Unit and scale errors: a number recorded in the wrong unit (cents for euros, metres for kilometres)."""

from __future__ import annotations

import numpy as np

from camelopard.core.arrays import Array
from camelopard.core.schema import Column
from camelopard.stress.damage import ColumnDamage

FACTORS = (0.1, 10.0, 0.01, 100.0, 1000.0)


def scale(values: Array, column: Column, severity: int, rng: np.random.Generator) -> Array:
    """Multiply by the factor of this severity: 1/10, 10, 1/100, 100, 1000."""
    scaled = values.astype(np.float64) * FACTORS[severity - 1]
    return np.round(scaled) if column.integral else scaled


DAMAGES = (ColumnDamage("unit-scale", "unit", ("number",), "unit", scale),)
