"""Numbers that arrive as text: plain, with words around them, with a decimal comma, with separators of thousands."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from camelopard.core.arrays import Array, Objects, objects
from camelopard.core.schema import Column
from camelopard.stress.damage import ColumnDamage
from camelopard.stress.damages._cells import texts, varies

WRITTEN: tuple[Callable[[float, str], str], ...] = (  # the harder to parse, the later
    lambda v, t: t,
    lambda v, t: f"{v:.2f}",
    lambda v, t: f"{'-' * (v < 0)}00{t.lstrip('-')}",
    lambda v, t: f"{v:.6e}",
    lambda v, t: f'"{t}"',
)
WORDED: tuple[Callable[[str, str], str], ...] = (
    lambda t, unit: f"{t} {unit}",
    lambda t, unit: f"ca. {t}",
    lambda t, unit: f"{t} or so {unit}",
    lambda t, unit: "#VALUE!",
    lambda t, unit: "abc",
)
UNITS = ("years", "kg", "EUR", "%", "units")
SEPARATORS = (",", " ", "'", "\u00a0", ".")


def as_text(values: Array, column: Column, severity: int, rng: np.random.Generator) -> Array:
    """Write 36 as "36", "36.00", "0036", "3.600000e+01", '"36"'."""
    write = WRITTEN[severity - 1]
    return _written(values, lambda v, t: write(v, t))


def with_words(values: Array, column: Column, severity: int, rng: np.random.Generator) -> Array:
    """Write 36 as "36 years", "ca. 36", "36 or so years", and in the end as "#VALUE!" or "abc"; the unit is drawn for the batch."""
    unit, write = UNITS[rng.integers(len(UNITS))], WORDED[severity - 1]
    return _written(values, lambda v, t: write(t, unit))


def with_comma(values: Array, column: Column, severity: int, rng: np.random.Generator) -> Array:
    """Write 1234.5 as "1234,5", from severity 3 on as "1.234,5", at 5 as "1.234,50 €"; whole numbers get ",0"."""
    return _written(values, lambda v, t: _comma(v, t, severity))


def with_thousands(values: Array, column: Column, severity: int, rng: np.random.Generator) -> Array:
    """Write 1234 as "1,234", "1 234", "1'234", with a no-break space, "1.234"; numbers below 1000 stay numbers."""
    separator = SEPARATORS[severity - 1]
    cells = zip(values.astype(np.float64).tolist(), texts(values), strict=True)
    return objects(None if t is None else _grouped(t, separator) if 1000 <= abs(v) < 1e15 else v for v, t in cells)


def _written(values: Array, write: Callable[[float, str], str]) -> Objects:
    cells = zip(values.astype(np.float64).tolist(), texts(values), strict=True)
    return objects(None if t is None else write(v, t) for v, t in cells)


def _comma(value: float, text: str, severity: int) -> str:
    if severity == 5:
        text = f"{value:.2f}"
    elif "e" in text:
        text = f"{value:f}"
    whole, _, rest = text.partition(".")
    if severity >= 3 and 1000 <= abs(value) < np.inf:
        whole = _grouped(whole, ".")
    return f"{whole},{rest or '0'}" + (" €" if severity == 5 else "")


def _grouped(text: str, separator: str) -> str:
    whole, point, rest = text.partition(".")
    return f"{int(whole):,}".replace(",", separator) + ("," if point and separator == "." else point) + rest


def _thousands(column: Column) -> bool:
    return varies(column) and float(np.median(np.abs(column.quantiles))) >= 1000


DAMAGES = (
    ColumnDamage("number-as-text", "type", ("number",), "type", as_text, varies),
    ColumnDamage("text-in-number", "type", ("number",), "type", with_words, varies),
    ColumnDamage("decimal-comma", "type", ("number",), "type", with_comma, varies),
    ColumnDamage("thousands-separator", "type", ("number",), "type", with_thousands, _thousands),
)
