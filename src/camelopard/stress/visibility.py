"""Which cells lie outside what clean data showed? Visible damage could have been refused; invisible damage could not."""

from __future__ import annotations

import numpy as np

from camelopard.core.arrays import Array, Bools, Floats, is_missing
from camelopard.core.batch import Batch
from camelopard.core.cells import number
from camelopard.core.schema import MEDIA, Column, Schema, date_days, written


def visible(schema: Schema, batch: Batch) -> Bools:
    """Return which cells are out of range, of an unknown value, of the wrong type, or missing where nothing was ever missing, shape (n, d).

    A column that the batch lacks counts as missing; columns that the schema lacks are not looked at.

    >>> schema = Schema.infer(Batch.of([{"age": 20}, {"age": 50}]))
    >>> visible(schema, Batch.of([{"age": 30}, {"age": 1985}, {"age": None}]))[:, 0].tolist()
    [False, True, True]
    """
    found = np.zeros((len(batch), len(schema.columns)), dtype=bool)
    for j, (name, column) in enumerate(schema.columns.items()):
        values = batch.columns.get(name)
        found[:, j] = column.null_rate == 0 if values is None else visible_cells(column, values)
    return found


def visible_cells(column: Column, values: Array) -> Bools:
    """Return which cells of one column show something that clean data never showed, shape (n,)."""
    missing = is_missing(values)
    if column.kind in MEDIA:
        return np.where(missing, column.null_rate == 0, True)  # no two texts are alike, and no two pictures
    if column.kind in ("category", "boolean"):
        known = column.values
        fits = np.fromiter((_among(v, known, column.kind == "boolean") for v in values.tolist()), dtype=bool, count=len(values))
        if column.open:  # a new value is nothing new
            fits |= np.fromiter(map(written, values.tolist()), dtype=bool, count=len(values))
        return np.where(missing, column.null_rate == 0, ~fits)
    numbers = date_days(values, column.date_format) if column.kind == "date" else _numbers(values)
    with np.errstate(invalid="ignore"):
        within = (numbers >= column.low) & (numbers <= column.high)
        if column.integral:
            within &= numbers == np.round(numbers)
    return np.where(missing, column.null_rate == 0, ~within)


def _numbers(values: Array) -> Floats:
    """Return the cells as numbers, NaN for what is none: text, even of digits, and truth values."""
    if values.dtype.kind in "fi":
        return values.astype(np.float64)
    return np.array([number(v) if type(v) in (int, float) else np.nan for v in values.tolist()], dtype=np.float64)


def _among(value: object, known: object, truths: bool) -> bool:
    """Return whether a value is known. 1 is not True, though Python says so."""
    if truths and type(value) is not bool:
        return False
    try:
        return value in known  # type: ignore[operator]
    except TypeError:
        return False
