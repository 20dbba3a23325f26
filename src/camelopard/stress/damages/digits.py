"""Errors of the hand that types a number: a digit wrong, two transposed, one dropped, doubled, a key that sticks."""

from __future__ import annotations

import numpy as np

from camelopard.core.arrays import Array
from camelopard.core.schema import Column
from camelopard.stress.damage import ColumnDamage
from camelopard.stress.damages._cells import measured, texts


def mistype(values: Array, column: Column, severity: int, rng: np.random.Generator) -> Array:
    """Mistype every number: 36 becomes 37, 63, 3, 366, 36666."""
    steps = rng.integers(1, 10, len(values)).tolist()
    cells = [np.nan if text is None else _mistyped(text, severity, step) for text, step in zip(texts(values), steps, strict=True)]
    return np.array(cells, dtype=np.float64)


def _mistyped(text: str, severity: int, step: int) -> float:
    """Return the number that was typed for this text. Only the digits that carry its size are touched, at most three of them."""
    mantissa, power = text.partition("e")[::2]
    at = [i for i, c in enumerate(mantissa) if c.isdigit()]
    leading = next((k for k, i in enumerate(at) if mantissa[i] != "0"), len(at) - 1)
    at = at[leading : leading + 3]
    if not at:  # an infinity
        return float(text)
    typed = list(mantissa)
    if severity == 2 and len(at) > 1 and typed[at[0]] != typed[at[1]]:
        typed[at[0]], typed[at[1]] = typed[at[1]], typed[at[0]]
    elif severity == 3 and len(at) > 1:
        typed[at[-1]] = ""
    elif severity <= 3:
        typed[at[-1]] = str((int(typed[at[-1]]) + step) % 10)
    else:
        typed[at[-1]] *= 2 if severity == 4 else 4
    again = float("".join(typed) + (f"e{power}" if power else ""))
    return again if again != float(text) else again + step * 10.0 ** (severity - 3 if severity > 3 else 0)


DAMAGES = (ColumnDamage("digit-typo", "noise", ("number",), "none", mistype, measured),)
