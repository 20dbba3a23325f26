"""The same value, written otherwise: case, white space, typing errors, broken encoding."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from camelopard.core.arrays import Array, is_missing, objects
from camelopard.core.schema import Column
from camelopard.stress.damage import ColumnDamage

SPACES = (" ", "  ", "\t", "\u00a0", "\n")
SLIPS = (1, 1, 2, 3, 4)  # slips of the finger per value


def _texts(values: Array, write: Callable[[str], str]) -> Array:
    """Apply `write` to every text cell; equal cells are written once."""
    memo: dict[str, str] = {}

    def cell(value: object, gone: bool) -> object:
        if gone:
            return None
        if not isinstance(value, str):
            return value
        if value not in memo:
            memo[value] = write(value)
        return memo[value]

    return objects(cell(v, bool(gone)) for v, gone in zip(values.tolist(), is_missing(values), strict=True))


def case(values: Array, column: Column, severity: int, rng: np.random.Generator) -> Array:
    """Change the case: first letter, title, lower, upper, swapped."""
    changes: tuple[Callable[[str], str], ...] = (lambda s: s[:1].swapcase() + s[1:], str.title, str.lower, str.upper, str.swapcase)
    return _texts(values, lambda s: changed if (changed := changes[severity - 1](s)) != s else s.swapcase())


def white_space(values: Array, column: Column, severity: int, rng: np.random.Generator) -> Array:
    """Add a space behind, two, a tab in front, a no-break space, a line break at both ends."""
    space = SPACES[severity - 1]
    return _texts(values, lambda s: s + space if severity <= 2 else space + s if severity < 5 else space + s + space)


def typo(values: Array, column: Column, severity: int, rng: np.random.Generator) -> Array:
    """Slip on the keyboard: swap neighbours, drop, double or replace a letter; more often the higher the severity."""
    return objects(
        _slipped(v, SLIPS[severity - 1], rng) if isinstance(v, str) else (None if gone else v)
        for v, gone in zip(values.tolist(), is_missing(values), strict=True)
    )


def _slipped(text: str, slips: int, rng: np.random.Generator) -> str:
    original = text
    for _ in range(slips):
        if len(text) < 2:
            return text + "x"
        i, what = int(rng.integers(0, len(text) - 1)), int(rng.integers(0, 4))
        swapped = text[:i] + text[i + 1] + text[i] + text[i + 2 :]
        text = (swapped, text[:i] + text[i + 1 :], text[:i] + text[i] + text[i:], text[:i] + chr(97 + int(rng.integers(0, 26))) + text[i + 1 :])[what]
    return text if text != original else text[1:]


def mojibake(values: Array, column: Column, severity: int, rng: np.random.Generator) -> Array:
    """Read UTF-8 as Latin-1, up to three times; a text of ASCII alone first gets a typographic letter or mark."""

    def broken(text: str) -> str:
        if text.isascii():
            text = text.translate(ORNATE) if text.translate(ORNATE) != text else text + "\u2019"
        for _ in range((1, 1, 2, 2, 3)[severity - 1]):
            text = text.encode("utf-8", "replace").decode("latin-1")
        return text

    return _texts(values, broken)


ORNATE = str.maketrans({"a": "\u00e4", "e": "\u00e9", "-": "\u2013"})


def _text(column: Column) -> bool:
    return not column.constant and any(isinstance(v, str) and v for v in column.values)


def _letters(column: Column) -> bool:
    return not column.constant and any(isinstance(v, str) and v.lower() != v.upper() for v in column.values)


DAMAGES = (
    ColumnDamage("case", "text", ("category",), "case", case, _letters),
    ColumnDamage("white-space", "text", ("category",), "whitespace", white_space, _text),
    ColumnDamage("typo", "text", ("category",), "values", typo, _text),
    ColumnDamage("mojibake", "text", ("category",), "characters", mojibake, _text),
)
