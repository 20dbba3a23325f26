"""Values of the wrong type: booleans as words or digits, fractions of what is counted, categories as their codes."""

from __future__ import annotations

from typing import Any

import numpy as np

from camelopard.core.arrays import Array, objects
from camelopard.core.schema import Column
from camelopard.stress.damage import ColumnDamage
from camelopard.stress.damages._cells import measured, places, varies

YES_NO = (("yes", "no"), ("Yes", "No"), ("y", "n"), ("on", "off"), ("ja", "nein"))
DIGITS: tuple[tuple[Any, Any], ...] = ((1, 0), ("1", "0"), ("1.0", "0.0"), ("-1", "0"), ("2", "1"))
FRACTIONS = (0.1, 0.2, 0.3, 0.4, 0.5)


def yes_no(values: Array, column: Column, severity: int, rng: np.random.Generator) -> Array:
    """Write True and False as yes and no, in five spellings."""
    return _spelt(values, *YES_NO[severity - 1])


def digit(values: Array, column: Column, severity: int, rng: np.random.Generator) -> Array:
    """Write True and False as 1 and 0: as numbers, then as text, then in codes that other systems use."""
    return _spelt(values, *DIGITS[severity - 1])


def fraction(values: Array, column: Column, severity: int, rng: np.random.Generator) -> Array:
    """Add 0.1 to 0.5 to what can only be whole."""
    return values.astype(np.float64) + FRACTIONS[severity - 1]


def code(values: Array, column: Column, severity: int, rng: np.random.Generator) -> Array:
    """Replace every value by its place in the alphabet of values, as an encoder does. The same at every severity."""
    known = sorted(column.values, key=str)
    cells = zip(values.tolist(), places(values, known).tolist(), strict=True)
    return objects(None if v is None or v != v else len(known) if i < 0 else i for v, i in cells)


def _spelt(values: Array, yes: Any, no: Any) -> Array:
    return objects(yes if v is True else no if v is False else v for v in values.tolist())


DAMAGES = (
    ColumnDamage("boolean-as-yes-no", "type", ("boolean",), "type", yes_no, varies),
    ColumnDamage("boolean-as-digit", "type", ("boolean",), "type", digit, varies),
    ColumnDamage("fraction", "type", ("number",), "type", fraction, lambda c: measured(c) and c.integral),
    ColumnDamage("category-code", "type", ("category",), "type", code, varies, graded=False),
)
