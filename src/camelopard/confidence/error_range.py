"""How far a model's number may be off, given the row: learned from its errors, for intervals that are narrow where the model is good.

It promises nothing by itself: what it learned is a guess, and the conformal limit on top of it makes the promise, whatever the guess is worth
(conformalised quantile regression: Romano, Patterson & Candès 2019).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from camelopard.confidence.quantile_trees import QuantileTrees
from camelopard.core.arrays import Array, Floats, Ints
from camelopard.core.batch import Batch, plain
from camelopard.core.cells import number
from camelopard.core.schema import Column, Schema, date_days

BINS = 16
FEWEST = 10  # rows of a value for it to be told from the rest
MOST_ROWS = 10_000  # that teach: more would only take longer


@dataclass(frozen=True)
class Codes:
    """What turns a cell into a whole number: 0 for what is missing, unreadable or rare, then by size, or for values by how large the errors are.

    column
        What is known of the column.
    edges
        Where one bin of numbers ends and the next begins, shape (b,).
    places
        The number of each value of a column of values.
    """

    column: Column
    edges: Floats
    places: Mapping[Any, int]

    @classmethod
    def fit(cls, column: Column, values: Array, error: Floats) -> Codes:
        """Learn from cells and the model's errors, both of shape (n,)."""
        if column.kind in ("number", "date"):
            numbers = _numbers(column, values)
            known = numbers[np.isfinite(numbers)]
            return cls(column, np.unique(np.quantile(known, np.arange(1, BINS) / BINS)) if len(known) else np.zeros(0), {})
        size: dict[Any, float] = {}
        cells = [_value(v) for v in values.tolist()]
        seen = Counter(cells)
        for cell, far in zip(cells, np.abs(error).tolist(), strict=True):
            size[cell] = size.get(cell, 0.0) + far
        ranked = sorted((total / seen[cell], str(cell), cell) for cell, total in size.items() if seen[cell] >= FEWEST)
        return cls(column, np.zeros(0), {cell: 1 + i * BINS // len(ranked) for i, (_, _, cell) in enumerate(ranked)})

    def of(self, values: Array) -> Ints:
        """Return the number of each cell, shape (n,)."""
        if self.column.kind in ("number", "date"):
            numbers = _numbers(self.column, values)
            return np.where(np.isnan(numbers), 0, 1 + np.searchsorted(self.edges, numbers, side="right")).astype(np.int64)
        return np.array([self.places.get(_value(v), 0) for v in values.tolist()], dtype=np.int64)


@dataclass(frozen=True)
class ErrorRange:
    """Two quantiles of truth − answer, given the row and the answer.

    >>> rng = np.random.default_rng(0); batch = Batch.of([{"x": x} for x in rng.random(4000).tolist()])
    >>> error = rng.normal(size=4000) * np.where(batch.columns["x"] > 0.5, 5.0, 1.0)
    >>> low, high = ErrorRange.fit(batch, np.zeros(4000), error, 0.9).of(Batch.of([{"x": 0.2}, {"x": 0.8}]), np.zeros(2))
    >>> (high - low).round(0)  # the truth: 3.3 and 16.4
    array([ 4., 16.])
    """

    schema: Schema
    codes: Mapping[str, Codes]
    answer: Codes
    low: QuantileTrees
    high: QuantileTrees

    @classmethod
    def fit(cls, batch: Batch, value: Floats, error: Floats, coverage: float) -> ErrorRange:
        """Learn from rows, the model's answers to them, and truth − answer, both of shape (n,)."""
        batch, value, error = batch.take(slice(MOST_ROWS)), value[:MOST_ROWS], error[:MOST_ROWS]
        schema = Schema.infer(batch)
        columns = schema.conform(batch).columns
        codes = {name: Codes.fit(schema[name], columns[name], error) for name in schema.names}
        answer = Codes.fit(Column("answer", "number"), value, error)
        coded = _coded(codes, answer, columns, value)
        tail = (1.0 - coverage) / 2
        return cls(schema, codes, answer, QuantileTrees.fit(coded, error, tail), QuantileTrees.fit(coded, error, 1.0 - tail))

    def of(self, batch: Batch, value: Floats) -> tuple[Floats, Floats]:
        """Return between which two numbers truth − answer is guessed to lie, each of shape (n,); now and then the first is above the second."""
        coded = _coded(self.codes, self.answer, self.schema.conform(batch).columns, value)
        return self.low.predict(coded), self.high.predict(coded)


def _coded(codes: Mapping[str, Codes], answer: Codes, columns: Mapping[str, Array], value: Floats) -> Ints:
    return np.column_stack([*(code.of(columns[name]) for name, code in codes.items()), answer.of(value)])


def _numbers(column: Column, values: Array) -> Floats:
    """Return cells as numbers, NaN where one is missing or unreadable, shape (n,)."""
    if column.kind == "date":
        return date_days(values, column.date_format)
    if values.dtype.kind in "fi":
        return values.astype(np.float64)
    return np.array([number(v) if type(v) in (int, float) else np.nan for v in values.tolist()], dtype=np.float64)


def _value(cell: Any) -> Any:
    """Return a cell as a value that can be looked up."""
    cell = plain(cell)
    return cell if isinstance(cell, (str, int, float, bool, type(None))) else str(cell)
