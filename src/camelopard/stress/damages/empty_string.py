"""An empty or blank text where a value should be: what an empty field of a file becomes when nobody reads it as missing."""

from __future__ import annotations

import numpy as np

from camelopard.core.arrays import Array, is_missing, objects
from camelopard.core.schema import Column
from camelopard.stress.damage import ColumnDamage
from camelopard.stress.damages._cells import varies

BLANKS = ("", " ", "   ", "\t", "\u00a0")  # from plainly empty to what strip-and-compare in another language misses


def blank(values: Array, column: Column, severity: int, rng: np.random.Generator) -> Array:
    """Replace every cell by nothing, a space, three, a tab, a no-break space."""
    return objects(None if gone else BLANKS[severity - 1] for gone in is_missing(values).tolist())


DAMAGES = (ColumnDamage("empty-string", "missing", ("number", "category", "boolean", "date"), "null", blank, varies),)
