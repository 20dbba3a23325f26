"""No text at all: fingers drummed on the keyboard, random characters, and what people type where they must type something."""

from __future__ import annotations

import numpy as np

from camelopard.core.arrays import Array
from camelopard.core.schema import Column
from camelopard.stress.damage import ColumnDamage
from camelopard.stress.damages._texts import WORD, WORDS, each, one_of, rewritten, whole
from camelopard.stress.damages.text_typing import ROWS

BLOCKS = ((0x21, 0x7F), (0xA1, 0x180), (0x391, 0x3CA), (0x410, 0x450), (0x4E00, 0x9FA5), (0x1F300, 0x1F5FF), (0x2190, 0x2400))
PLACEHOLDERS = (
    "test", "asdf", "n/a", "none", "null", "...", "xxx", "-", "abc", "NaN", "0", "undefined", "[object Object]", "#NAME?", "tbd", "test test test",
    "lorem ipsum dolor sit amet", "see above", "same", "text", "?", "no comment", "1234567890", "{{ text }}", "<empty>", "deleted",
)  # fmt: skip


def mashed(values: Array, column: Column, severity: int, rng: np.random.Generator) -> Array:
    """Drum on the keys in place of 10 to 100 % of the words."""

    def mash(word: str) -> str:
        row, n = one_of(ROWS, rng), max(3, min(len(word), 40))
        return "".join(row[int(k)] for k in (rng.random(n) * len(row)))

    return each(values, lambda text: rewritten(text, WORD, WORDS[severity - 1], rng, mash))


def scattered(values: Array, column: Column, severity: int, rng: np.random.Generator) -> Array:
    """Put random characters of any writing in place of 10 to 100 % of the words."""

    def noise(word: str) -> str:
        draws = rng.random((min(len(word), 40), 2)).tolist()
        return "".join(chr(int(low + b * (high - low))) for a, b in draws for low, high in (BLOCKS[int(a * len(BLOCKS))],))

    return each(values, lambda text: rewritten(text, WORD, WORDS[severity - 1], rng, noise))


def placeholder(values: Array, column: Column, severity: int, rng: np.random.Generator) -> Array:
    """Put "test", "asdf", "n/a", "lorem ipsum" and the like in place of the text."""
    return whole(values, lambda text: one_of(PLACEHOLDERS, rng))


DAMAGES = (
    ColumnDamage("keyboard-mash", "nonsense", ("text",), "language", mashed),
    ColumnDamage("random-characters", "nonsense", ("text",), "characters", scattered),
    ColumnDamage("placeholder-text", "nonsense", ("text",), "length", placeholder, graded=False),
)
