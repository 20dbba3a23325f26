"""Too little or too much of a text: cut short, empty, far too long, said twice, or run together with the texts of other rows.

What was recorded is still about the same thing, so the true answer stays; whether a model may answer at all is another question.
"""

from __future__ import annotations

import numpy as np

from camelopard.core.arrays import Array, objects
from camelopard.core.schema import Column
from camelopard.stress.damage import ColumnDamage
from camelopard.stress.damages._texts import REACH, one_of, others, whole

KEPT = (0.8, 0.6, 0.4, 0.25, 0.1)  # of the characters
LENGTHS = (1_000, 3_000, 8_000, 20_000, 40_000)  # characters: beyond what most models of sentences read
EMPTY = ("", "", " ", "\n", " \t ", "\u00a0")
GLUED = (0.5, 1.0, 2.0, 3.0, 5.0)  # texts of other rows


def cut(values: Array, column: Column, severity: int, rng: np.random.Generator) -> Array:
    """Keep the first 80, 60, 40, 25, 10 % of the characters, losing at least one and keeping one."""
    return whole(values, lambda text: text[: max(1, min(len(text) - 1, int(len(text) * KEPT[severity - 1])))])


def overlong(values: Array, column: Column, severity: int, rng: np.random.Generator) -> Array:
    """Repeat the text until it has at least 1,000 to 40,000 characters more."""

    more = LENGTHS[severity - 1]

    def longer(text: str) -> str:
        return text + (" " + text) * -(-more // (len(text) + 1)) if len(text) < more else text + text[:more]

    return whole(values, longer)


def emptied(values: Array, column: Column, severity: int, rng: np.random.Generator) -> Array:
    """Leave nothing, or white space alone."""
    return whole(values, lambda text: one_of(EMPTY, rng))


def doubled(values: Array, column: Column, severity: int, rng: np.random.Generator) -> Array:
    """Say it all twice: behind each other, with a line break between, or three, four, five times."""
    between = " " if severity == 1 else "\n"
    return whole(values, lambda text: between.join([text] * max(2, severity)) if len(text) <= 2 * REACH else text + between + text)


def glued(values: Array, column: Column, severity: int, rng: np.random.Generator) -> Array:
    """Append the texts of other rows: half of one, one, two, three, five."""
    cells = values.tolist()
    parts: list[list[str]] = [[] for _ in cells]
    for _ in range(max(1, int(GLUED[severity - 1]))):
        for i, j in enumerate(others(len(cells), rng).tolist()):
            other = cells[j] if isinstance(cells[j], str) else ""
            parts[i].append(other[: min(REACH, (len(other) + 1) // 2 if severity == 1 else REACH)])
    return objects(" ".join([cell, *more]) if isinstance(cell, str) else cell for cell, more in zip(cells, parts, strict=True))


DAMAGES = (
    ColumnDamage("cut-text", "extent", ("text",), "length", cut),
    ColumnDamage("over-long-text", "extent", ("text",), "length", overlong),
    ColumnDamage("empty-text", "extent", ("text",), "length", emptied, graded=False),
    ColumnDamage("doubled-text", "extent", ("text",), "length", doubled),
    ColumnDamage("glued-texts", "extent", ("text",), "length", glued),
)
