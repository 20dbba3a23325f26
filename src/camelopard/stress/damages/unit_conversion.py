"""Conversions that happened when they should not have, or not at all: miles, pounds, months, cents; thousands; degrees."""

from __future__ import annotations

import numpy as np

from camelopard.core.arrays import Array
from camelopard.core.schema import Column
from camelopard.stress.damage import ColumnDamage
from camelopard.stress.damages._cells import measured, settled

CONVERSIONS = (1.609344, 2.20462, 12.0, 60.0, 100.0)  # miles in km, kg in pounds, years in months, hours in minutes, euros in cents
SHRINKING = (1e-2, 1e-3, 1e-4, 1e-5, 1e-6)  # given in hundreds, thousands, … millions
DEGREES = (
    (1 / 1.8, 0.0),  # Fahrenheit to Celsius, the offset forgotten
    (1 / 1.8, -32 / 1.8),  # Fahrenheit to Celsius
    (1.8, 32.0),  # Celsius to Fahrenheit
    (1.0, 273.15),  # Celsius to kelvin
    (1.8, 491.67),  # Celsius to Rankine
)


def convert(values: Array, column: Column, severity: int, rng: np.random.Generator) -> Array:
    """Multiply by 1.609 (miles in km), 2.205 (kg in pounds), 12 (years in months), 60 (hours in minutes), 100 (cents)."""
    return settled(values.astype(np.float64) * CONVERSIONS[severity - 1], column)


def shrink(values: Array, column: Column, severity: int, rng: np.random.Generator) -> Array:
    """Give the number in hundreds, thousands, ten thousands, hundred thousands, millions."""
    return settled(values.astype(np.float64) * SHRINKING[severity - 1], column)


def change_degrees(values: Array, column: Column, severity: int, rng: np.random.Generator) -> Array:
    """Convert as if between Celsius, Fahrenheit, kelvin and Rankine."""
    factor, offset = DEGREES[severity - 1]
    return settled(values.astype(np.float64) * factor + offset, column)


def _temperate(column: Column) -> bool:
    return measured(column) and column.low >= -100 and column.high <= 300


DAMAGES = (
    ColumnDamage("unit-conversion", "unit", ("number",), "unit", convert, measured),
    ColumnDamage("unit-thousands", "unit", ("number",), "unit", shrink, lambda c: measured(c) and max(abs(c.low), abs(c.high)) >= 1000),
    ColumnDamage("unit-degrees", "unit", ("number",), "unit", change_degrees, _temperate),
)
