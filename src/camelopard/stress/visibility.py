"""Which cells lie outside what clean data showed? Visible damage could have been refused; invisible damage could not."""

from __future__ import annotations

import numpy as np

from camelopard.core.arrays import Array, Bools, is_missing
from camelopard.core.batch import Batch
from camelopard.core.schema import Column, Schema, date_days


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
        found[:, j] = column.null_rate == 0 if values is None else _odd(column, values)
    return found


def _odd(column: Column, values: Array) -> Bools:
    missing = is_missing(values)
    if column.kind == "number":
        numbers, fits = _numbers(values, missing)
    elif column.kind == "date":
        numbers = date_days(values, column.date_format)
        fits = ~np.isnan(numbers)
    else:
        known = column.values
        fits = np.fromiter((_among(v, known) for v in values.tolist()), dtype=bool, count=len(values))
        return np.where(missing, column.null_rate == 0, ~fits)
    with np.errstate(invalid="ignore"):
        outside = (numbers < column.low) | (numbers > column.high)
        if column.integral:
            outside |= numbers != np.round(numbers)
    return np.where(missing, column.null_rate == 0, outside | ~fits)


def _numbers(values: Array, missing: Bools) -> tuple[Array, Bools]:
    if values.dtype.kind in "fi":
        return values.astype(np.float64), np.ones(len(values), dtype=bool)
    fits = np.fromiter((type(v) in (int, float) for v in values.tolist()), dtype=bool, count=len(values)) & ~missing
    return np.array([float(v) if fit else np.nan for v, fit in zip(values.tolist(), fits, strict=True)]), fits


def _among(value: object, known: object) -> bool:
    try:
        return value in known  # type: ignore[operator]
    except TypeError:
        return False
