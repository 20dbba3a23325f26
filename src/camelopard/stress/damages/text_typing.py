"""Slips of the fingers: a neighbouring key, a letter too many, too few, in the wrong order, or held too long."""

from __future__ import annotations

import re

import numpy as np

from camelopard.core.arrays import Array
from camelopard.core.schema import Column
from camelopard.stress.damage import ColumnDamage
from camelopard.stress.damages._texts import LETTER, LETTERS, each, one_of, rewritten

ROWS = ("qwertyuiop", "asdfghjkl", "zxcvbnm")  # each row of keys stands a little to the right of the one above
TWO_LETTERS = re.compile(r"([^\W\d_])(?!\1)[^\W\d_]")
HELD = (2, 3, 4, 6, 10)  # how long a held key types


def neighbouring_keys() -> dict[str, str]:
    """Return for each letter of an English keyboard those on the keys around it.

    >>> sorted(neighbouring_keys()["g"])
    ['b', 'f', 'h', 't', 'v', 'y']
    """
    place = {letter: (x + 0.5 * y, y) for y, row in enumerate(ROWS) for x, letter in enumerate(row)}
    return {a: "".join(b for b, (u, v) in place.items() if a != b and abs(x - u) <= 1 and abs(y - v) <= 1) for a, (x, y) in place.items()}


KEYS = neighbouring_keys()


def wrong_key(values: Array, column: Column, severity: int, rng: np.random.Generator) -> Array:
    """Hit a neighbouring key instead of 2 to 40 % of the letters."""

    def other(letter: str) -> str:
        new = one_of(KEYS.get(letter.lower(), "aeiou"), rng)
        return new.upper() if letter.isupper() else new

    return each(values, lambda text: rewritten(text, LETTER, LETTERS[severity - 1], rng, other))


def inserted(values: Array, column: Column, severity: int, rng: np.random.Generator) -> Array:
    """Hit a neighbouring key too, behind 2 to 40 % of the letters."""
    return each(values, lambda text: rewritten(text, LETTER, LETTERS[severity - 1], rng, lambda a: a + one_of(KEYS.get(a.lower(), "aeiou"), rng)))


def dropped(values: Array, column: Column, severity: int, rng: np.random.Generator) -> Array:
    """Leave 2 to 40 % of the letters out."""
    return each(values, lambda text: rewritten(text, LETTER, LETTERS[severity - 1], rng, lambda _: ""))


def swapped(values: Array, column: Column, severity: int, rng: np.random.Generator) -> Array:
    """Type 4 to 80 % of the pairs of letters in the wrong order: 2 to 40 % of the letters jump ahead."""
    return each(values, lambda text: rewritten(text, TWO_LETTERS, 2 * LETTERS[severity - 1], rng, lambda two: two[1] + two[0]))


def held(values: Array, column: Column, severity: int, rng: np.random.Generator) -> Array:
    """Hold the key of 2 to 40 % of the letters until it is typed 2 to 10 times: "sooo good"."""
    return each(values, lambda text: rewritten(text, LETTER, LETTERS[severity - 1], rng, lambda a: a * HELD[severity - 1]))


DAMAGES = (
    ColumnDamage("neighbour-key", "typing", ("text",), "characters", wrong_key),
    ColumnDamage("inserted-letters", "typing", ("text",), "characters", inserted),
    ColumnDamage("dropped-letters", "typing", ("text",), "characters", dropped),
    ColumnDamage("swapped-letters", "typing", ("text",), "characters", swapped),
    ColumnDamage("held-key", "typing", ("text",), "characters", held),
)
