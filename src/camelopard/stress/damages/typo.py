"""Typing errors in text: a letter replaced by its neighbour on the keyboard, dropped, doubled, or two transposed."""

from __future__ import annotations

import numpy as np

from camelopard.core.arrays import Array, objects
from camelopard.core.schema import Column
from camelopard.stress.damage import ColumnDamage
from camelopard.stress.damages._cells import worded

EDITS = (1, 2, 3, 4, 6)
ROWS = ("qwertyuiop", "asdfghjkl", "zxcvbnm")
NEIGHBOUR = {key: row[i + 1] if i + 1 < len(row) else row[i - 1] for row in ROWS for i, key in enumerate(row)}


def mistype(values: Array, column: Column, severity: int, rng: np.random.Generator) -> Array:
    """Make 1, 2, 3, 4, 6 typing errors in every text, at places drawn anew for each row."""
    edits = EDITS[severity - 1]
    where, how = rng.random((len(values), edits)).tolist(), rng.integers(0, 4, (len(values), edits)).tolist()
    cells = zip(values.tolist(), where, how, strict=True)
    return objects(_mistyped(v, w, h) if type(v) is str else v for v, w, h in cells)


def _mistyped(text: str, where: list[float], how: list[int]) -> str:
    typed = text
    for place, kind in zip(where, how, strict=True):
        i = int(place * len(typed))
        letter = typed[i : i + 1]
        if kind == 1 and len(typed) > 1:
            typed = typed[:i] + typed[i + 1 :]
        elif kind == 2:
            typed = typed[:i] + letter + typed[i:]
        elif kind == 3 and i + 1 < len(typed):
            typed = typed[:i] + typed[i + 1] + letter + typed[i + 2 :]
        else:
            typed = typed[:i] + _neighbour(letter) + typed[i + 1 :]
    return typed if typed != text else f"{typed}{_neighbour(typed[-1:])}"


def _neighbour(letter: str) -> str:
    near = NEIGHBOUR.get(letter.lower(), "x")
    return near.upper() if letter.isupper() else near


DAMAGES = (ColumnDamage("typo", "text", ("category",), "values", mistype, worded),)
