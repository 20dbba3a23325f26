"""The same word with other separators, or cut to the width of a field."""

from __future__ import annotations

import re

import numpy as np

from camelopard.core.arrays import Array
from camelopard.core.schema import Column
from camelopard.stress.damage import ColumnDamage
from camelopard.stress.damages._cells import told, worded

SEPARATORS = (" ", "_", "-", ".", "")
KEPT = (0.8, 0.6, 0.4, 0.25, 0.1)
GAP = re.compile(r"[\s_\-./]+")


def change_separator(values: Array, column: Column, severity: int, rng: np.random.Generator) -> Array:
    """Write "Never-married" as "Never married", "Never_married", "Never.married", "Nevermarried"; a single word is cut in the middle."""
    new = SEPARATORS[severity - 1]
    return told(values, lambda t: _separated(t, new))


def cut(values: Array, column: Column, severity: int, rng: np.random.Generator) -> Array:
    """Keep the first 80, 60, 40, 25, 10 % of every text, losing at least one character and keeping one."""
    share = KEPT[severity - 1]
    return told(values, lambda t: t[: max(1, min(len(t) - 1, int(len(t) * share)))])


def _separated(text: str, separator: str) -> str:
    for candidate in (separator, "_", " "):
        new = GAP.sub(candidate, text)
        if new == text:
            half = (len(text) + 1) // 2
            new = text if GAP.search(text) else f"{text[:half]}{candidate}{text[half:]}"
        if new != text:
            return new
    return text


def _long(column: Column) -> bool:
    return worded(column) and any(isinstance(v, str) and len(v) > 1 for v in column.values)


DAMAGES = (
    ColumnDamage("separator", "text", ("category",), "format", change_separator, worded),
    ColumnDamage("truncated-text", "text", ("category",), "values", cut, _long),
)
