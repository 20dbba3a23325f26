"""Characters that nobody sees: of no width, controls, and those that turn the direction of writing."""

from __future__ import annotations

import numpy as np

from camelopard.core.arrays import Array
from camelopard.core.schema import Column
from camelopard.stress.damage import ColumnDamage
from camelopard.stress.damages._texts import LETTER, WORD, WORDS, each, one_of, rewritten

ZERO_WIDTH = "\u200b\u200c\u200d\u2060\ufeff\u00ad"  # space, non-joiner, joiner, word joiner, byte order mark, soft hyphen
OVERRIDES = ("\u202e", "\u202d", "\u2066", "\u2067")  # right to left, left to right; and the two isolates
ENDS = ("\u202c", "\u202c", "\u2069", "\u2069")
CONTROLS = "\x00\x01\x02\x07\x08\x0b\x0c\x0e\x1b\x1f\x7f\x85"
SHARES = (0.02, 0.1, 0.25, 0.5, 1.0)  # of the letters


def zero_width(values: Array, column: Column, severity: int, rng: np.random.Generator) -> Array:
    """Put a character of no width behind 2 to 100 % of the letters."""
    return each(values, lambda text: rewritten(text, LETTER, SHARES[severity - 1], rng, lambda a: a + one_of(ZERO_WIDTH, rng)))


def turned(values: Array, column: Column, severity: int, rng: np.random.Generator) -> Array:
    """Write 10 to 100 % of the words backwards between marks that turn the direction, so that they are shown as they were."""

    def backwards(word: str) -> str:
        k = int(rng.random() * len(OVERRIDES))
        return OVERRIDES[k] + (word[::-1] if OVERRIDES[k] == "\u202e" else word) + ENDS[k]

    return each(values, lambda text: rewritten(text, WORD, WORDS[severity - 1], rng, backwards))


def controls(values: Array, column: Column, severity: int, rng: np.random.Generator) -> Array:
    """Put a control character, NUL among them, behind 2 to 100 % of the letters."""
    return each(values, lambda text: rewritten(text, LETTER, SHARES[severity - 1], rng, lambda a: a + one_of(CONTROLS, rng)))


DAMAGES = (
    ColumnDamage("zero-width-characters", "invisible", ("text",), "characters", zero_width),
    ColumnDamage("direction-marks", "invisible", ("text",), "characters", turned),
    ColumnDamage("control-characters", "invisible", ("text",), "characters", controls),
)
