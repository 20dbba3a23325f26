"""The same word written otherwise: case, white space, separators, and cut to the width of a field."""

from __future__ import annotations

import re
from collections.abc import Callable

import numpy as np

from camelopard.core.arrays import Array
from camelopard.core.schema import Column
from camelopard.stress.damage import ColumnDamage
from camelopard.stress.damages._cells import told, varies, worded

CASES: tuple[Callable[[str], str], ...] = (
    lambda t: t[:1].swapcase() + t[1:],
    str.lower,
    str.upper,
    str.swapcase,
    lambda t: "".join(c.upper() if i % 2 else c.lower() for i, c in enumerate(t)),
)
SPACES: tuple[Callable[[str], str], ...] = (
    lambda t: f"{t} ",
    lambda t: f" {t}",
    lambda t: f"  {t}  ",
    lambda t: f"\t{t}\n",
    lambda t: f"\u00a0{t}\u200b",  # no-break in front, zero-width behind: strip() leaves the second
)
SEPARATORS = (" ", "_", "-", ".", "")
KEPT = (0.8, 0.6, 0.4, 0.25, 0.1)
GAP = re.compile(r"[\s_\-./]+")


def change_case(values: Array, column: Column, severity: int, rng: np.random.Generator) -> Array:
    """Write "Male" as "male", "male", "MALE", "mALE", "mAlE"; a word that is so already has every letter's case swapped."""
    change = CASES[severity - 1]
    return told(values, lambda t: new if (new := change(t)) != t else t.swapcase())


def add_space(values: Array, column: Column, severity: int, rng: np.random.Generator) -> Array:
    """Add white space behind, in front, around; then tabs and line ends; then what cannot be seen."""
    return told(values, SPACES[severity - 1])


def change_separator(values: Array, column: Column, severity: int, rng: np.random.Generator) -> Array:
    """Write "Never-married" as "Never married", "Never_married", "Never.married", "Nevermarried"; a single word is cut in the middle."""
    new = SEPARATORS[severity - 1]
    return told(values, lambda t: _separated(t, new))


def cut(values: Array, column: Column, severity: int, rng: np.random.Generator) -> Array:
    """Keep the first 80, 60, 40, 25, 10 % of every text, losing at least one character and keeping one."""
    share = KEPT[severity - 1]
    return told(values, lambda t: t[: max(1, min(len(t) - 1, int(len(t) * share)))])


def _separated(text: str, separator: str) -> str:
    for candidate in (separator, "_", " "):
        new = GAP.sub(candidate, text)
        if new == text:
            half = (len(text) + 1) // 2
            new = text if GAP.search(text) else f"{text[:half]}{candidate}{text[half:]}"
        if new != text:
            return new
    return text


DAMAGES = (
    ColumnDamage("case", "text", ("category",), "case", change_case, worded),
    ColumnDamage("white-space", "text", ("category",), "whitespace", add_space, lambda c: varies(c) and any(isinstance(v, str) for v in c.values)),
    ColumnDamage("separator", "text", ("category",), "format", change_separator, worded),
    ColumnDamage("truncated-text", "text", ("category",), "values", cut, worded),
)
