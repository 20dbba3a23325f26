"""Text in UTF-8 that was read as Latin-1, once or over and over.

Plain ASCII survives that, so it is first written as a word processor or an export would: en dashes, curly quotes, no-break spaces, or a byte
order mark where there is nothing of the kind.
"""

from __future__ import annotations

import numpy as np

from camelopard.core.arrays import Array
from camelopard.core.schema import Column
from camelopard.stress.damage import ColumnDamage
from camelopard.stress.damages._cells import told, worded

PASSES = (1, 1, 2, 2, 3)
TYPESET = str.maketrans({"-": "\u2013", "'": "\u2019", '"': "\u201d", " ": "\u00a0"})


def misread(values: Array, column: Column, severity: int, rng: np.random.Generator) -> Array:
    """Write "Zürich" in UTF-8 and read it as Latin-1: "ZÃ¼rich"; twice from severity 3 on, three times at 5."""
    return told(values, lambda t: _misread(t, PASSES[severity - 1]))


def _misread(text: str, passes: int) -> str:
    if text.isascii():
        text = text.translate(TYPESET)
    if text.isascii():
        text = f"\ufeff{text}"
    for _ in range(passes):
        text = text.encode("utf-8", "surrogatepass").decode("latin-1")
    return text


DAMAGES = (ColumnDamage("mojibake", "text", ("category",), "characters", misread, worded),)
