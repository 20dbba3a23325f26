"""Bytes read in the wrong encoding, and characters that did not survive a system that knows fewer of them.

English has few characters beyond ASCII, so a text of ASCII alone is first written as an editor would: with typographic marks, and some accents.
"""

from __future__ import annotations

import re
import unicodedata

import numpy as np

from camelopard.core.arrays import Array
from camelopard.core.schema import Column
from camelopard.stress.damage import ColumnDamage
from camelopard.stress.damages._texts import LETTERS, each, one_of, rewritten

LAYERS = (1, 1, 2, 2, 3)  # how often the text was read wrongly
ACCENTED = (0.02, 0.05, 0.05, 0.2, 0.4)  # of the vowels of a text of ASCII alone
VOWEL = re.compile("[aeiouAEIOU]")
ACUTE = dict(zip("aeiouAEIOU", "áéíóúÁÉÍÓÚ", strict=True))
TYPOGRAPHIC = str.maketrans({"'": "’", '"': "”", "-": "–"})
PLAIN = str.maketrans({"’": "'", "‘": "'", "“": '"', "”": '"', "–": "-", "—": "-", "…": "...", "ß": "ss", "ø": "o", "æ": "ae", "œ": "oe", "ł": "l"})
VISIBLE = re.compile(r"\S")
BEYOND_ASCII = re.compile(r"[^\x00-\x7f]")
UNKNOWN = ("\ufffd", "?", "\u25a1")


def mojibake(values: Array, column: Column, severity: int, rng: np.random.Generator) -> Array:
    """Read UTF-8 as Windows-1252, up to three times: "isnâ€™t". Plain ASCII first gets typographic marks, and 2 to 40 % of its vowels accents."""

    def broken(text: str) -> str:
        if text.isascii():
            text = rewritten(text.translate(TYPOGRAPHIC), VOWEL, ACCENTED[severity - 1], rng, ACUTE.__getitem__)
        for _ in range(LAYERS[severity - 1]):
            text = text.encode("utf-8", "replace").decode("cp1252", "replace")
        return text

    return each(values, broken)


def with_nulls(values: Array, column: Column, severity: int, rng: np.random.Generator) -> Array:
    """Read UTF-16 byte by byte: a NUL behind every letter, and a byte order mark in front."""
    return each(values, lambda text: ("\ufeff" + text).encode("utf-16-le", "replace").decode("latin-1"))


def as_utf16(values: Array, column: Column, severity: int, rng: np.random.Generator) -> Array:
    """Read UTF-8 as UTF-16: two letters become one, mostly a Chinese one."""
    return each(values, lambda text: text.encode("utf-8", "replace").decode("utf-16-le", "replace"))


def lost_characters(values: Array, column: Column, severity: int, rng: np.random.Generator) -> Array:
    """Show 2 to 40 % of the characters as the mark for an unknown one, all those beyond ASCII first."""

    def lost(text: str) -> str:
        mark = one_of(UNKNOWN, rng)
        return rewritten(BEYOND_ASCII.sub(mark, text), VISIBLE, LETTERS[severity - 1], rng, lambda _: mark)

    return each(values, lost)


def ascii_only(values: Array, column: Column, severity: int, rng: np.random.Generator) -> Array:
    """Write letters without their accents; from severity 2 on also plain quotes and dashes, from 4 on nothing beyond ASCII. ASCII stays as it is."""

    def folded(text: str) -> str:
        if text.isascii():
            return text
        bare = "".join(c for c in unicodedata.normalize("NFD", text) if not unicodedata.combining(c))
        bare = bare.translate(PLAIN) if severity >= 2 else bare
        return bare.encode("ascii", "ignore" if severity == 4 else "replace").decode("ascii") if severity >= 4 else bare

    return each(values, folded)


DAMAGES = (
    ColumnDamage("utf8-as-cp1252", "encoding", ("text",), "characters", mojibake),
    ColumnDamage("utf16-as-bytes", "encoding", ("text",), "characters", with_nulls, graded=False),
    ColumnDamage("utf8-as-utf16", "encoding", ("text",), "characters", as_utf16, graded=False),
    ColumnDamage("lost-characters", "encoding", ("text",), "characters", lost_characters),
    ColumnDamage("ascii-only", "encoding", ("text",), "characters", ascii_only),
)
