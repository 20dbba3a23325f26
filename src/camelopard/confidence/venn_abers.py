"""Between which numbers a calibrated probability lies, when labels are few: Venn–Abers prediction (Vovk & Petej 2014).

The one idea: the label of the new row is unknown, so give it each in turn. The isotonic fit with the new row as no event says p0, with it as an event
p1. One of the two was made with the right label, and that one is calibrated, however few the rows. How far apart they are is what a label can change.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from camelopard.confidence.scores import checked_scores
from camelopard.core.arrays import Array, Bools, Floats, objects
from camelopard.core.batch import plain
from camelopard.core.cells import cell
from camelopard.core.errors import InputError


@dataclass(frozen=True)
class VennAbers:
    """Two rising staircases over the score, kept as their few steps.

    starts, low
        Where each step of p0 begins, and its height, both of shape (a,); p0 is 0 before the first.
    ends, high
        Up to where each step of p1 goes, that score included, and its height, both of shape (b,); p1 is 1 after the last.
    rows
        How many rows taught it.

    >>> rng = np.random.default_rng(0); score = rng.random(200); event = rng.random(200) < score
    >>> p0, p1 = VennAbers.fit(score, event).interval(np.array([0.2, 0.5, 0.9]))
    >>> p0.round(2), p1.round(2)
    (array([0.12, 0.4 , 0.82]), array([0.15, 0.5 , 0.95]))
    """

    starts: Floats
    low: Floats
    ends: Floats
    high: Floats
    rows: int

    @classmethod
    def fit(cls, score: Floats, event: Bools) -> VennAbers:
        """Learn from rows that took no part in making the score, in O(n log n) (the steps of Vovk, Petej & Fedorova 2015, proposition 4).

        Parameters
        ----------
        score, event
            Where higher means likelier, and what happened (truth values, or 0 and 1), both of shape (n,). Only the order of the scores matters.

        Raises
        ------
        InputError
            If there are no rows, the shapes differ, a score is NaN, or events are neither 0 nor 1.
        """
        score, event = checked_scores(score), _cells(np.asarray(event))
        if event.shape != score.shape:
            raise InputError(f"event has shape {event.shape} for {len(score)} scores; expected one truth value per score.")
        if not len(score):
            raise InputError("no scores; Venn–Abers prediction needs labelled rows to learn from.")
        if event.dtype != bool and not np.isin(event, (0, 1)).all():
            raise InputError(f"event holds {plain(event[~np.isin(event, (0, 1))][0])!r}; expected truth values, or 0 and 1.")
        points, place = np.unique(score, return_inverse=True)
        rows = np.bincount(place).astype(np.int64)
        events = np.bincount(place, weights=event.astype(np.float64)).astype(np.int64)
        high = _with_an_event(rows, events)
        low = 1.0 - _with_an_event(rows[::-1], (rows - events)[::-1])[::-1]  # no event in one order is an event in the other
        first, last = np.append(True, low[1:] > low[:-1]), np.append(high[1:] > high[:-1], True)
        return cls(points[first], low[first], points[last], high[last], len(score))

    def interval(self, score: Floats) -> tuple[Floats, Floats]:
        """Return p0 and p1 of each score, each of shape (m,): p0 is never above p1.

        Valid in this sense (Vovk & Petej 2014, theorem 1): of the two, the one for the label that comes true is perfectly calibrated, over the draw
        of the rows and of the new row together. It is no promise that the probability given this very score lies between them: with 1,000 rows it
        mostly does not.

        Raises
        ------
        InputError
            If a score is NaN.
        """
        score = checked_scores(score)
        below = np.searchsorted(self.starts, score, side="right")
        above = np.searchsorted(self.ends, score, side="left")
        return np.append(0.0, self.low)[below], np.append(self.high, 1.0)[above]

    def proba(self, score: Floats) -> Floats:
        """Return one probability of each score, shape (m,): p1 / (1 − p0 + p1), which loses least log loss to the better of the two at worst.

        >>> VennAbers.fit(np.array([0.0, 1.0]), np.array([False, True])).proba(np.array([0.0, 0.5, 1.0]))  # two rows say little
        array([0.33333333, 0.5       , 0.66666667])
        """
        low, high = self.interval(score)
        merged: Floats = high / (1.0 - low + high)
        return merged

    def __repr__(self) -> str:
        return f"Venn–Abers intervals from {self.rows:,} rows: {len(self.low):,} steps below, {len(self.high):,} above"

    def state(self) -> dict[str, Any]:
        """Return what was learned, as plain data."""
        return {"starts": self.starts, "low": self.low, "ends": self.ends, "high": self.high, "rows": self.rows}

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> VennAbers:
        """Rebuild from `state()`; a ValueError, where that is none."""
        starts, low, ends, high = (np.asarray(state[name], dtype=np.float64) for name in ("starts", "low", "ends", "high"))
        if not (starts.ndim == ends.ndim == 1 and starts.shape == low.shape and ends.shape == high.shape):
            raise ValueError(f"steps of shapes {starts.shape}, {low.shape}, {ends.shape} and {high.shape}")
        if not all((steps[1:] >= steps[:-1]).all() and not np.isnan(steps).any() for steps in (starts, low, ends, high)):
            raise ValueError("steps that do not rise")
        if not all(((heights >= 0) & (heights <= 1)).all() for heights in (low, high)):
            raise ValueError("heights that are no probabilities")
        return cls(starts, low, ends, high, int(state["rows"]))


def _cells(values: Array) -> Array:
    """Return values of whatever library as plain ones, what is missing as None."""
    return objects(cell(value) for value in values) if values.dtype == object and values.ndim == 1 else values


def _with_an_event(rows: Array, events: Array) -> Floats:
    """Return the isotonic fit at each point in turn once an event is added there, shape (k,).

    The fit is the slope of the lower hull of the points (rows so far, events so far) (Barlow et al. 1972). An event added at a point moves all that
    lies to its left by (−1, −1). From one point to the next only one corner moves, the slopes rise, and so what is once left of the hull's edge never
    comes back: every corner is put on the stack once. Whole numbers, so that ties are ties.
    """
    x, y = [-1, 0, *np.cumsum(rows).tolist()], [-1, 0, *np.cumsum(events).tolist()]  # the first stands for the empty left side, moved
    hull: list[tuple[int, int]] = []
    for corner in zip(x[::-1], y[::-1], strict=True):
        _put(hull, corner)
    found = np.empty(len(rows))
    for i in range(len(rows)):
        (left, under), (right, over) = hull[-1], hull[-2]
        found[i] = (over - under) / (right - left)
        moved = (x[i + 2] - 1, y[i + 2] - 1)
        if (moved[1] - under) * (right - left) < (over - under) * (moved[0] - left):  # below the edge: the hull begins here from now on
            hull.pop()
            _put(hull, moved)
    return found


def _put(hull: list[tuple[int, int]], corner: tuple[int, int]) -> None:
    """Put a corner to the left of a hull that is read from right to left, and take away those that it leaves inside."""
    x, y = corner
    while len(hull) > 1:
        (near_x, near_y), (far_x, far_y) = hull[-1], hull[-2]
        if (near_y - y) * (far_x - x) < (far_y - y) * (near_x - x):
            break
        hull.pop()
    hull.append(corner)
