"""The same words, laid out otherwise: capitals, punctuation, spaces and line breaks."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from camelopard.core.arrays import Array
from camelopard.core.schema import Column
from camelopard.stress.damage import ColumnDamage
from camelopard.stress.damages._texts import LETTER, MARK, SPACE, WORDS, each, one_of, rewritten

REPEATED = (2, 3, 4, 6, 10)  # how often a mark is repeated
GAPS = ("  ", "\t", "\u00a0", "\u2003", "    ", " \t ", "\u3000")
BREAKS = ("\n", "\r\n", "\n\n", "\r", "\u2028")
CASES: tuple[Callable[[str], str], ...] = (str.lower, str.title, str.upper, str.swapcase)


def letter_case(values: Array, column: Column, severity: int, rng: np.random.Generator) -> Array:
    """Write all in lower case, In Titles, IN CAPITALS, sWAPPED, oR aT RAndOm. Text that looks so already is swapped."""

    def cased(text: str) -> str:
        if severity == 5:
            return rewritten(text, LETTER, 0.5, rng, str.swapcase)
        new = CASES[severity - 1](text)
        return new if new != text else text.swapcase()

    return each(values, cased)


def without_punctuation(values: Array, column: Column, severity: int, rng: np.random.Generator) -> Array:
    """Leave 10 to 100 % of the punctuation out."""
    return each(values, lambda text: rewritten(text, MARK, WORDS[severity - 1], rng, lambda _: ""))


def repeated_punctuation(values: Array, column: Column, severity: int, rng: np.random.Generator) -> Array:
    """Repeat 10 to 100 % of the punctuation 2 to 10 times; without any, put exclamation marks at the end."""

    def repeated(text: str) -> str:
        new = rewritten(text, MARK, WORDS[severity - 1], rng, lambda mark: mark * REPEATED[severity - 1])
        return new if new != text else text + "!" * REPEATED[severity - 1]

    return each(values, repeated)


def irregular_spaces(values: Array, column: Column, severity: int, rng: np.random.Generator) -> Array:
    """Write 10 to 100 % of the spaces as several, as tabs, or as spaces of another kind; a single word gets one in front."""

    def spaced(text: str) -> str:
        new = rewritten(text, SPACE, WORDS[severity - 1], rng, lambda _: one_of(GAPS, rng))
        return new if new != text else one_of(GAPS, rng) + text

    return each(values, spaced)


def lost_spaces(values: Array, column: Column, severity: int, rng: np.random.Generator) -> Array:
    """Run 10 to 100 % of the words into the next."""
    return each(values, lambda text: rewritten(text, SPACE, WORDS[severity - 1], rng, lambda _: ""))


def line_breaks(values: Array, column: Column, severity: int, rng: np.random.Generator) -> Array:
    """Break the line at 10 to 100 % of the spaces, in the manner of any system; from severity 4 on also within words, with a hyphen."""

    def broken(text: str) -> str:
        end = one_of(BREAKS, rng)
        new = rewritten(text, SPACE, WORDS[severity - 1], rng, lambda _: end)
        if severity >= 4:
            new = rewritten(new, LETTER, 0.02 * (severity - 3), rng, lambda letter: letter + "-" + end)
        return new if new != text else text + end

    return each(values, broken)


DAMAGES = (
    ColumnDamage("letter-case", "layout", ("text",), "case", letter_case),
    ColumnDamage("removed-punctuation", "layout", ("text",), "format", without_punctuation),
    ColumnDamage("repeated-punctuation", "layout", ("text",), "format", repeated_punctuation),
    ColumnDamage("irregular-spaces", "layout", ("text",), "whitespace", irregular_spaces),
    ColumnDamage("lost-spaces", "layout", ("text",), "whitespace", lost_spaces),
    ColumnDamage("line-breaks", "layout", ("text",), "whitespace", line_breaks),
)
