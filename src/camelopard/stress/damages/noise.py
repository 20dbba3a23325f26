"""Imprecise numbers: noise in proportion to the column, rounding and truncation to a coarse grid."""

from __future__ import annotations

import numpy as np

from camelopard.core.arrays import Array
from camelopard.core.schema import Column
from camelopard.stress.damage import ColumnDamage
from camelopard.stress.damages._cells import measured, settled, varies

LOUDNESS = (0.1, 0.25, 0.5, 1.0, 2.0)  # spreads
SMALLEST_WHOLE_STEP = 5.0  # a grid on which four of five whole numbers do not lie


def add_noise(values: Array, column: Column, severity: int, rng: np.random.Generator) -> Array:
    """Add normal noise of 0.1 to 2 spreads; at least 1 up or down where numbers are whole."""
    noise = rng.normal(0.0, 1.0, len(values)) * LOUDNESS[severity - 1] * column.spread
    if column.integral:
        noise = np.copysign(np.maximum(np.round(np.abs(noise)), 1.0), noise)
    return values.astype(np.float64) + noise


def round_off(values: Array, column: Column, severity: int, rng: np.random.Generator) -> Array:
    """Round to steps of 1, 2 or 5 times a power of ten, from about a quarter of the spread to about five spreads."""
    step = _step(column, severity)
    return settled(np.round(values.astype(np.float64) / step) * step, column)


def cut_off(values: Array, column: Column, severity: int, rng: np.random.Generator) -> Array:
    """Cut towards zero to the same steps."""
    step = _step(column, severity)
    return settled(np.trunc(values.astype(np.float64) / step) * step, column)


def _step(column: Column, severity: int) -> float:
    """Return the severity-th of the steps …, 1, 2, 5, 10, 20, … that is not below a quarter of the spread."""
    least = max(column.spread / 4, SMALLEST_WHOLE_STEP if column.integral else 0.0)
    decade = float(np.floor(np.log10(least))) if 0 < least < np.inf else 0.0
    ladder = [10.0 ** (decade + k) * m for k in range(4) for m in (1.0, 2.0, 5.0)]
    return [step for step in ladder if step >= least * (1 - 1e-9)][severity - 1] if np.isfinite(least) else least


DAMAGES = (
    ColumnDamage("noise", "noise", ("number",), "none", add_noise, varies),
    ColumnDamage("rounding", "noise", ("number",), "none", round_off, measured),
    ColumnDamage("truncation", "noise", ("number",), "none", cut_off, measured),
)
