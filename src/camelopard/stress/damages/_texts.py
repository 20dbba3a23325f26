"""What the damages to texts share: which cells are written anew, how much of a text, and what looks like a word. Nothing here is a damage.

The one idea: a dose is a share of what a text has of something (letters, words, spaces), at least one of them, drawn at random.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from itertools import combinations, islice

import numpy as np

from camelopard.core.arrays import Array, Ints, Objects, objects
from camelopard.core.schema import Schema
from camelopard.stress.damages._cells import MOST_PAIRS

LETTER = re.compile(r"[^\W\d_]")
WORD = re.compile(r"\S+")
SPACE = re.compile(r"\s+")
MARK = re.compile(r"[^\w\s]")
LETTERS = (0.02, 0.05, 0.1, 0.2, 0.4)  # of a text's letters, by severity: 5 % is a hurried typist, 20 % the limit of what is read with ease
WORDS = (0.1, 0.2, 0.4, 0.7, 1.0)  # of a text's words, by severity
REACH = 10_000  # characters at either end of a text that are written anew; what lies between stays, so that 10 MB cost no more than 20 kB

Rng = np.random.Generator


def each(values: Array, change: Callable[[str], str]) -> Objects:
    """Return the cells with every text changed, at its two ends where it is very long; cells that are no text stay, shape (n,).

    >>> each(objects(["no", None, 3]), str.upper).tolist()
    ['NO', None, 3]
    """
    return whole(values, lambda text: change(text) if len(text) <= 2 * REACH else change(text[:REACH]) + text[REACH:-REACH] + change(text[-REACH:]))


def whole(values: Array, change: Callable[[str], str]) -> Objects:
    """Return the cells with every text changed as a whole; cells that are no text stay, shape (n,)."""
    return objects(change(v) if isinstance(v, str) else v for v in values.tolist())


def rewritten(text: str, pattern: re.Pattern[str], share: float, rng: Rng, write: Callable[[str], str]) -> str:
    """Return the text with a share of what the pattern finds written anew, at least one; unchanged where it finds nothing.

    >>> rewritten("a fine film", WORD, 1.0, np.random.default_rng(0), str.title)
    'A Fine Film'
    """
    found = list(pattern.finditer(text))
    pieces, end = [], 0
    for k in some(len(found), share, rng):
        begin, stop = found[k].span()
        pieces += [text[end:begin], write(found[k][0])]
        end = stop
    return "".join([*pieces, text[end:]])


def some(n: int, share: float, rng: Rng) -> list[int]:
    """Return that share of the places 0 … n-1, at least one where there are any, in order.

    >>> len(some(10, 0.31, np.random.default_rng(0))), some(3, 1.0, np.random.default_rng(0)), some(0, 0.5, np.random.default_rng(0))
    (3, [0, 1, 2], [])
    """
    k = max(1, round(share * n))
    return list(range(n)) if k >= n else sorted(rng.permutation(n)[:k].tolist())


def one_of(options: Sequence[str], rng: Rng) -> str:
    """Return one of the options, each as likely."""
    return options[int(rng.random() * len(options))]


def cased_like(word: str, model: str) -> str:
    """Return the word with the capitals of another: none, the first letter, or all.

    >>> cased_like("gut", "Good"), cased_like("gut", "GOOD"), cased_like("ich", "I")
    ('Gut', 'GUT', 'Ich')
    """
    if len(model) > 1 and model.isupper():
        return word.upper()
    return word[:1].upper() + word[1:] if model[:1].isupper() else word


def others(n: int, rng: Rng) -> Ints:
    """Return another row for every row, each row once; a single row has none but itself, shape (n,)."""
    order = rng.permutation(n)
    other = np.empty(n, dtype=np.int64)
    other[order] = np.roll(order, 1)
    return other


def pairs(schema: Schema) -> list[str]:
    """Return at most MOST_PAIRS targets "a|b" of two text columns, in the order of the table."""
    names = [c.name for c in schema.of_kind("text")]
    targets = (f"{a}|{b}" for a, b in combinations(names, 2))
    return list(islice((target for target in targets if target not in schema.columns), MOST_PAIRS))
