"""An age given as a birth year."""

from __future__ import annotations

import numpy as np

from camelopard.core.arrays import Array
from camelopard.core.schema import Column
from camelopard.stress.damage import ColumnDamage
from camelopard.stress.damages._cells import varies

THIS_YEAR = 2021  # fixed, so that the same data gives the same damage in any year


def to_birth_year(values: Array, column: Column, severity: int, rng: np.random.Generator) -> Array:
    """Replace every age by 2021 − age. There is but one way: the same at every severity."""
    return THIS_YEAR - values.astype(np.float64)


def age_like(column: Column) -> bool:
    """Return whether these could be ages of people: whole numbers from 0 to 120, some of them of grown-ups."""
    return varies(column) and column.integral and column.low >= 0 and 18 <= column.high <= 120


DAMAGES = (ColumnDamage("birth-year", "unit", ("number",), "unit", to_birth_year, age_like, graded=False),)
