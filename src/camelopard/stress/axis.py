"""One column as a line to move along: numbers and days as they are, categories as places in the list of legal ones."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

import numpy as np

from camelopard.core.arrays import Array, Bools, Floats
from camelopard.core.batch import Batch
from camelopard.core.schema import EPOCH, Column, Schema, date_days

DAY = 86_400e6  # microseconds


@dataclass(frozen=True)
class Axis:
    """A column that may be changed, within what clean data showed.

    start
        Where each row stands: a number, days since 1970, or a place in `legal`; NaN where the cell must stay (missing, or never seen), shape (n,).
    spread
        What a change of cost 1 is; 1 for categories, where every change costs 1.
    legal
        The categories, most frequent first; empty for numbers and dates.
    """

    name: str
    start: Floats
    low: float
    high: float
    spread: float
    whole: bool
    legal: tuple[Any, ...] = ()
    date_format: str | None = None

    def queries(self, rungs: int, categories: int) -> int:
        """Return how many candidates there are at most: two per rung, or one per other category."""
        return min(categories, len(self.legal) - 1) if self.legal else 2 * rungs

    def other(self, k: int) -> Floats | None:
        """Return the k-th most frequent category other than the row's own, shape (n,); None where there is no such."""
        if k >= len(self.legal) - 1:
            return None
        return np.where(np.isnan(self.start), np.nan, np.where(k < self.start, k, k + 1.0))

    def stepped(self, step: float) -> Floats:
        """Return the points `step` spreads away, within the range; whole ones by at least one, where the range allows, shape (n,)."""
        if np.isinf(step):
            return np.where(np.isnan(self.start), np.nan, self.high if step > 0 else self.low)
        delta = step * self.spread
        if self.whole:
            delta = np.sign(step) * max(1.0, np.rint(abs(delta)))
        return np.clip(self.start + delta, self.low, self.high)

    def cost(self, points: Any, start: Any) -> Any:
        """Return the cost of being at `points` instead of at `start`; NaN where a row stands nowhere."""
        return np.where(np.isnan(start), np.nan, points != start) if self.legal else np.abs(points - start) / self.spread

    def cells(self, values: Array, points: Floats, where: Bools) -> Array:
        """Return the cells with those at `where` replaced by what the points stand for, in the column's own type."""
        changed = values.copy()
        new = points[where]
        if self.legal:
            changed[where] = [self.legal[int(k)] for k in new]
        elif values.dtype.kind == "M":
            changed[where] = np.rint(new * DAY).astype(np.int64).astype("datetime64[us]")
        elif self.date_format is not None:
            changed[where] = [(EPOCH + dt.timedelta(days=float(day))).strftime(self.date_format) for day in new]
        else:
            changed[where] = new
        return changed


def axes_of(batch: Batch, schema: Schema, frozen: Collection[str] = ()) -> list[Axis]:
    """Return the columns of a conformed batch that can be changed and still be valid.

    >>> batch = Batch.of([{"age": 20, "sex": "F"}, {"age": 40, "sex": "M"}, {"age": 30, "sex": "F"}])
    >>> age, sex = axes_of(batch, Schema.infer(batch))
    >>> age.stepped(0.1).tolist(), sex.other(0).tolist()
    ([21.0, 40.0, 31.0], [1.0, 0.0, 1.0])
    """
    found = (_axis(c, batch.columns[c.name]) for c in schema.columns.values() if c.name not in frozen and not c.constant)
    return [axis for axis in found if axis is not None and not np.isnan(axis.start).all()]


def _axis(column: Column, values: Array) -> Axis | None:
    if column.kind in ("category", "boolean"):
        legal = tuple(column.values)
        place = {(type(v), v): float(k) for k, v in enumerate(legal)}
        start = np.array([_place(v, place) for v in values.tolist()], dtype=np.float64)
        return Axis(column.name, start, 0.0, len(legal) - 1.0, 1.0, True, legal)
    if not (np.isfinite(column.spread) and column.spread > 0):
        return None
    if column.kind == "number" and values.dtype.kind in "fi":
        return _line(column, values.astype(np.float64), column.integral or values.dtype.kind == "i")
    text = values.dtype == object and column.date_format is not None
    if column.kind == "date" and (text or values.dtype.kind == "M"):
        days = date_days(values, column.date_format)
        known = days[~np.isnan(days)]
        whole = bool((known == np.rint(known)).all())
        return _line(column, days, whole, column.date_format if text else None)
    return None


def _line(column: Column, points: Floats, whole: bool, date_format: str | None = None) -> Axis:
    low, high = (np.ceil(column.low), np.floor(column.high)) if whole else (column.low, column.high)
    inside = (points >= column.low) & (points <= column.high)
    return Axis(column.name, np.where(inside, points, np.nan), float(low), float(high), column.spread, whole, (), date_format)


def _place(value: Any, place: dict[tuple[type, Any], float]) -> float:
    try:
        return place.get((type(value), value), np.nan)
    except TypeError:
        return np.nan
