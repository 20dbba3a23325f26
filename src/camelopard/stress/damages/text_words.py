"""Whole words go wrong: out of order, left out, said twice, numbers written otherwise; and a sentence that says the opposite.

All but the last are errors of recording: what was meant, and so the true answer, stays. A negation means something else and reads like any other
text: a model whose answer moves is right. So it keeps no label, and belongs to the floor, what nobody can see from the row.
"""

from __future__ import annotations

import re

import numpy as np

from camelopard.core.arrays import Array
from camelopard.core.schema import Column
from camelopard.stress.damage import ColumnDamage
from camelopard.stress.damages._texts import SPACE, WORD, WORDS, cased_like, each, rewritten, some

UNITS = (
    "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve", "thirteen", "fourteen",
    "fifteen", "sixteen", "seventeen", "eighteen", "nineteen",
)  # fmt: skip
TENS = ("twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
ORDINALS = ("first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth")
ENDINGS = {1: "st", 2: "nd", 3: "rd"}
AS_DIGITS = (
    {word: str(i) for i, word in enumerate(UNITS)}
    | {word: str(20 + 10 * i) for i, word in enumerate(TENS)}
    | {word: f"{i}{ENDINGS.get(i, 'th')}" for i, word in enumerate(ORDINALS, 1)}
)
NUMBER = re.compile(rf"\d+|\b(?:{'|'.join(AS_DIGITS)})\b", re.IGNORECASE)
NEGATED = re.compile(r"\bcannot\b|\b(?:can|won)['’]t\b|(?<=\w)n['’]t\b|\b(?:not|never|no)\s+", re.IGNORECASE)
VERB = re.compile(r"\b(?:is|are|was|were|be|can|could|will|would|should|must|may|might|does|did|has|had|have)\b(?!\s+not\b)", re.IGNORECASE)


def shuffled(values: Array, column: Column, severity: int, rng: np.random.Generator) -> Array:
    """Put 10 to 100 % of the words, at least two, in another order."""

    def mixed(text: str) -> str:
        words = WORD.findall(text)
        at = some(len(words), max(WORDS[severity - 1], 2 / max(len(words), 1)), rng)
        order = iter([words[at[k]] for k in _moved(len(at), rng)])
        taken = set(at)
        turn = iter(range(len(words)))
        return rewritten(text, WORD, 1.0, rng, lambda word: next(order) if next(turn) in taken else word)

    return each(values, mixed)


def dropped(values: Array, column: Column, severity: int, rng: np.random.Generator) -> Array:
    """Leave out 10 to 90 % of the words; the last one stays."""

    def shorter(text: str) -> str:
        words = WORD.findall(text)
        gone = set(some(len(words), min(WORDS[severity - 1], 0.9), rng)) if len(words) > 1 else set()
        return " ".join(word for i, word in enumerate(words) if i not in gone) if len(gone) < len(words) else words[-1]

    return each(values, lambda text: shorter(text) if SPACE.search(text.strip()) else text)


def repeated(values: Array, column: Column, severity: int, rng: np.random.Generator) -> Array:
    """Say 10 to 100 % of the words twice; from severity 4 on three and four times."""
    times = max(2, severity - 1)
    return each(values, lambda text: rewritten(text, WORD, WORDS[severity - 1], rng, lambda word: " ".join([word] * times)))


def numbers(values: Array, column: Column, severity: int, rng: np.random.Generator) -> Array:
    """Write 10 to 100 % of the numbers in words, and of the words for numbers in digits; a text without either stays as it is."""
    return each(values, lambda text: rewritten(text, NUMBER, WORDS[severity - 1], rng, _number))


def negated(values: Array, column: Column, severity: int, rng: np.random.Generator) -> Array:
    """Say the opposite: take the first negation out, or put one behind the first verb like "is", or say in front that it is not true."""
    return each(values, opposite)


def opposite(text: str) -> str:
    """Return an English sentence that says the opposite; white space alone stays as it is.

    >>> opposite("It isn't good."), opposite("It was good."), opposite("Good film.")
    ('It is good.', 'It was not good.', 'It is not true that good film.')
    """
    if not text.strip():
        return text
    if NEGATED.search(text):
        return NEGATED.sub(lambda found: _affirmed(found[0]), text, count=1)
    if VERB.search(text):
        return VERB.sub(lambda found: found[0] + " not", text, count=1)
    return f"It is not true that {text[:1].lower()}{text[1:]}"


def _affirmed(negation: str) -> str:
    word = negation.lower()
    if word.startswith("won"):
        return cased_like("will", negation)
    return negation[:3] if word.startswith("can") else ""


def _number(found: str) -> str:
    if not found.isdigit():
        return AS_DIGITS[found.lower()]
    value = int(found) if len(found) <= 2 else -1
    if 0 <= value < 20:
        return UNITS[value]
    if value >= 20:
        return TENS[value // 10 - 2] + ("-" + UNITS[value % 10] if value % 10 else "")
    return " ".join(UNITS[int(digit)] for digit in found)


def _moved(n: int, rng: np.random.Generator) -> list[int]:
    """Return the places 0 … n-1 in an order in which none is where it was."""
    order = rng.permutation(n)
    place = np.empty(n, dtype=np.int64)
    place[order] = np.roll(order, 1)
    return [int(i) for i in place]


DAMAGES = (
    ColumnDamage("shuffled-words", "words", ("text",), "order", shuffled),
    ColumnDamage("dropped-words", "words", ("text",), "length", dropped),
    ColumnDamage("repeated-words", "words", ("text",), "length", repeated),
    ColumnDamage("numbers-rewritten", "words", ("text",), "format", numbers),
    ColumnDamage("negated", "floor", ("text",), "none", negated, keeps_label=False, graded=False),
)
