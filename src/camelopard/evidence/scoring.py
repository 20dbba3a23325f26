"""Normal scores and rarities of all columns at once: the encoders' tables, laid end to end.

Everything is arithmetic on single cells, in a fixed order, so that a cell gets the same bytes alone and in any batch.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from camelopard.core import kernel
from camelopard.core.arrays import Floats, Ints

if TYPE_CHECKING:
    from camelopard.evidence.reading import CategoryEncoder, NumberEncoder

FARTHEST = 12.0  # normal score at which "far beyond the range" ends
BEYOND = 1.5  # normal score gained per e-fold of distance beyond the range, in spreads


class Scorer:
    """Scores batches of one schema. `numbers` and `categories` are (column, encoder)."""

    def __init__(self, numbers: Sequence[tuple[int, NumberEncoder]], categories: Sequence[tuple[int, CategoryEncoder]]) -> None:
        self.numbers, self.categories = (np.array([j for j, _ in part], dtype=np.int64) for part in (numbers, categories))
        self._bounds = np.array([[getattr(e, name) for _, e in numbers] for name in ("low", "high")], dtype=np.float64)
        self._low, self._high = self._bounds
        self._spread = np.array([e.spread for _, e in numbers])
        self._knots = [e.knots for _, e in numbers]
        self._starts = np.cumsum([0, *(len(k) + 1 for k in self._knots)])[:-1].astype(np.intp)
        self._flat_knots = np.concatenate([*self._knots, np.zeros(0)])
        self._knots_end = np.cumsum([0, *map(len, self._knots)], dtype=np.int64)
        lines = [e.pieces for _, e in numbers]
        self._lines = np.array([np.concatenate([line[k] for line in lines]) if lines else np.zeros(0) for k in range(3)])
        self._x, self._y, self._slope = self._lines
        self._unknown = np.array([len(e.all_shares) for _, e in categories], dtype=np.float64)
        self._ends = np.cumsum([0, *(len(e.all_shares) + 1 for _, e in categories)], dtype=np.int64)
        self._first = self._ends[:-1].astype(np.intp)
        self._scores = np.concatenate([np.append(e.all_scores, np.nan) for _, e in categories]) if categories else np.zeros(0)
        self._rarities = np.concatenate([np.append(-np.log(e.all_shares), 0.0) for _, e in categories]) if categories else np.zeros(0)
        self._in_order = np.arange(len(categories), dtype=np.int64)

    def score(self, values: Floats) -> tuple[Floats, Floats]:
        """Return normal scores of values or positions, shape (n, d), and −log of the share of each category, shape (n, categories).

        Numbers are interpolated within the range, and grow with the logarithm of the distance beyond it.
        """
        scores = np.empty(values.shape[::-1]).T
        if kernel.compiled is not None:
            self._of_numbers_compiled(values, scores)
            kernel.compiled.look_up(values, self.categories, self._ends, self._scores, scores, self.categories)
            return scores, self.rarities(values)
        if len(self.numbers):
            scores[:, self.numbers] = self._of_numbers(values[:, self.numbers])
        if not len(self.categories):
            return scores, np.zeros((len(values), 0))
        at = self._rows(values)
        scores[:, self.categories] = self._scores.take(at)
        return scores, self._rarities.take(at)

    def rarities(self, values: Floats) -> Floats:
        """Return −log of the share of each category, shape (n, categories)."""
        if kernel.compiled is not None:
            found = np.empty((len(self.categories), len(values))).T
            kernel.compiled.look_up(values, self.categories, self._ends, self._rarities, found, self._in_order)
            return found
        return self._rarities.take(self._rows(values)) if len(self.categories) else np.zeros((len(values), 0))

    def _rows(self, values: Floats) -> Ints:
        positions = values[:, self.categories]
        return np.where(np.isnan(positions), self._unknown, positions).astype(np.intp) + self._first

    def _of_numbers(self, values: Floats) -> Floats:
        at = self._places(values)
        bounded = np.minimum(np.maximum(values, self._low), self._high)
        found: Floats = self._y.take(at) + self._slope.take(at) * (bounded - self._x.take(at))
        far = values != bounded  # where there is nothing, too: what is added there is nothing
        if far.any():
            found = _beyond(values, found, self._low, self._high, self._spread)
        return found

    def _of_numbers_compiled(self, values: Floats, scores: Floats) -> None:
        assert kernel.compiled is not None
        far = np.empty((len(self.numbers), len(values)), dtype=np.bool_)
        if kernel.compiled.interpolate(values, self.numbers, self._bounds, self._knots_end, self._flat_knots, self._lines, scores, far):
            at, rows = far.nonzero()
            columns = self.numbers[at]
            there = (rows, columns)
            scores[there] = _beyond(values[there], scores[there], self._low[at], self._high[at], self._spread[at])

    def _places(self, values: Floats) -> Ints:
        """Return in which piece of its table each number lies, shape (n, numbers)."""
        at = np.empty(values.shape, dtype=np.intp)
        for k, knots in enumerate(self._knots):
            at[:, k] = knots.searchsorted(values[:, k], side="right")
        return at + self._starts


def _beyond(values: Floats, found: Floats, low: Floats, high: Floats, spread: Floats) -> Floats:
    """Return scores with what the distance beyond the range adds: nothing, within it."""
    with np.errstate(invalid="ignore", over="ignore"):
        over = np.maximum(values - high, 0.0) / spread
        under = np.maximum(low - values, 0.0) / spread
        return np.minimum(np.maximum(found + BEYOND * (np.log1p(over) - np.log1p(under)), -FARTHEST), FARTHEST)


def pieces(knots: Floats, scores: Floats) -> tuple[Floats, Floats, Floats]:
    """Return the start, the height and the slope of each piece: before the first knot, between two, after the last."""
    slopes = np.diff(scores) / np.diff(knots)
    return np.concatenate([knots[:1], knots]), np.concatenate([scores[:1], scores]), np.concatenate([[0.0], slopes, [0.0]])
