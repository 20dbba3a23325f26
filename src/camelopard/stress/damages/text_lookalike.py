"""Other characters in place of those meant, which a reader takes for the same: look-alikes of other alphabets, digits, bad scans, ornaments."""

from __future__ import annotations

import re
from itertools import permutations

import numpy as np

from camelopard.core.arrays import Array
from camelopard.core.schema import Column
from camelopard.stress.damage import ColumnDamage
from camelopard.stress.damages._texts import LETTER, WORD, WORDS, each, one_of, rewritten

# A choice of Unicode's confusables (Unicode Technical Standard 39): Cyrillic, Greek and others that most fonts draw alike.
LOOK_ALIKES = {
    "a": "аɑ", "b": "Ь", "c": "сϲ", "d": "ԁ", "e": "еҽ", "g": "ɡ", "h": "һ", "i": "іι", "j": "ј", "k": "κ", "l": "ӏǀ", "n": "ո",
    "o": "оο", "p": "рρ", "q": "ԛ", "r": "г", "s": "ѕ", "t": "τ", "u": "υս", "v": "νѵ", "w": "ԝ", "x": "хχ", "y": "уγ", "z": "ᴢ",
    "A": "АΑ", "B": "ВΒ", "C": "СϹ", "E": "ЕΕ", "G": "Ԍ", "H": "НΗ", "I": "ІΙ", "J": "Ј", "K": "КΚ", "M": "МΜ", "N": "Ν", "O": "ОΟ",
    "P": "РΡ", "S": "Ѕ", "T": "ТΤ", "W": "Ԝ", "X": "ХΧ", "Y": "ΥҮ", "Z": "Ζ",
}  # fmt: skip
LEET = {"a": "4@", "b": "8", "e": "3", "g": "9", "i": "1!", "l": "1|", "o": "0", "s": "5$", "t": "7+", "z": "2"}
SCANNED = {
    "rn": "m", "m": "rn", "cl": "d", "d": "cl", "vv": "w", "w": "vv", "li": "h", "h": "li", "nn": "rm", "0": "O", "O": "0", "1": "l",
    "l": "1", "I": "l", "5": "S", "S": "5", "8": "B", "B": "8", "e": "c", "c": "e", "6": "b", "g": "9", "z": "2", "t": "f", "u": "ii",
    "a": "o", ".": ",", ",": ".", "'": "`",
}  # fmt: skip
ACCENTS = "\u0300\u0301\u0302\u0303\u0308\u030a\u0327"
THREE = tuple("".join(three) for three in permutations(ACCENTS, 3))
LETTERLIKE = re.compile("[" + "".join(LOOK_ALIKES) + "]")
LEETLIKE = re.compile("[" + "".join(LEET) + "".join(LEET).upper() + "]")
MISREAD = re.compile("|".join(re.escape(s) for s in sorted(SCANNED, key=len, reverse=True)))
ENGLISH = re.compile("[a-zA-Z]")
SHARES = (0.02, 0.1, 0.25, 0.5, 1.0)  # of the characters that have a look-alike
SCANS = (0.01, 0.03, 0.08, 0.2, 0.4)  # of the characters that a scan confuses; 1 to 3 % is usual for old print


def look_alikes(values: Array, column: Column, severity: int, rng: np.random.Generator) -> Array:
    """Write 2 to 100 % of the letters that have one by a look-alike from another alphabet."""
    return each(values, lambda text: rewritten(text, LETTERLIKE, SHARES[severity - 1], rng, lambda a: one_of(LOOK_ALIKES[a], rng)))


def leet(values: Array, column: Column, severity: int, rng: np.random.Generator) -> Array:
    """Write 2 to 100 % of the letters that allow it by digits and marks: "t3rr1bl3"."""
    return each(values, lambda text: rewritten(text, LEETLIKE, SHARES[severity - 1], rng, lambda a: one_of(LEET[a.lower()], rng)))


def scanned(values: Array, column: Column, severity: int, rng: np.random.Generator) -> Array:
    """Misread 1 to 40 % of what a scan of print confuses: rn and m, 0 and O, 1 and l, e and c."""
    return each(values, lambda text: rewritten(text, MISREAD, SCANS[severity - 1], rng, SCANNED.__getitem__))


def accented(values: Array, column: Column, severity: int, rng: np.random.Generator) -> Array:
    """Put an accent on 2 to 100 % of the letters; at severity 5 three on each."""
    accents = THREE if severity == 5 else ACCENTS
    return each(values, lambda text: rewritten(text, LETTER, SHARES[severity - 1], rng, lambda a: a + one_of(accents, rng)))


def full_width(values: Array, column: Column, severity: int, rng: np.random.Generator) -> Array:
    """Write 10 to 100 % of the words in letters of double width, or in the bold letters of mathematics."""

    def ornate(word: str) -> str:
        wide = rng.random() < 0.5
        return ENGLISH.sub(lambda found: _wide(found[0]) if wide else _bold(found[0]), word)

    return each(values, lambda text: rewritten(text, WORD, WORDS[severity - 1], rng, ornate))


def _wide(letter: str) -> str:
    return chr(ord(letter) + 0xFEE0)


def _bold(letter: str) -> str:
    return chr(0x1D400 + ord(letter) - ord("A") if letter.isupper() else 0x1D41A + ord(letter) - ord("a"))


DAMAGES = (
    ColumnDamage("look-alike-letters", "look-alike", ("text",), "characters", look_alikes),
    ColumnDamage("leet", "look-alike", ("text",), "characters", leet),
    ColumnDamage("scanned-text", "look-alike", ("text",), "characters", scanned),
    ColumnDamage("added-accents", "look-alike", ("text",), "characters", accented),
    ColumnDamage("ornate-letters", "look-alike", ("text",), "characters", full_width),
)
