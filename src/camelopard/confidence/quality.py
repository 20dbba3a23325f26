"""How good is a score or a probability? AUROC, Brier score, calibration error, each with weights.

Intervals come from resampling clusters: a clean row and all its damaged twins hang together, and twins are not so many independent rows.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np

from camelopard.core.arrays import Array, Bools, Floats, Ints
from camelopard.core.intervals import share
from camelopard.core.records import Interval

RESAMPLES = 100


def auroc(scores: Floats, event: Bools, weight: Floats | None = None) -> float:
    """Return the area under the ROC curve, ties counted half; NaN where one side is empty.

    >>> auroc(np.array([0.1, 0.4, 0.35, 0.8]), np.array([False, False, True, True]))
    0.75
    >>> auroc(np.array([0.1, 0.4, 0.35, 0.8]), np.array([False, False, True, True]), np.array([1.0, 0.0, 1.0, 1.0]))
    1.0
    """
    return _area(_ranked(scores), event, np.ones(len(event)) if weight is None else weight)


def mean_auroc(parts: Sequence[tuple[Floats, Bools]], event: Bools) -> Callable[[Floats], float]:
    """Return the function from weights of rows to the AUROC averaged over parts: scores of all rows, and the rows that they are for.

    >>> event, scores = np.array([False, False, True, True]), np.array([0.1, 0.4, 0.35, 0.8])
    >>> parts = [(scores, np.array([True, False, True, True])), (scores, np.array([False, True, True, False]))]
    >>> mean_auroc(parts, event)(np.ones(4))  # of 1 and of 0
    0.5
    """
    ranked = [(_ranked(scores), among) for scores, among in parts]

    def figure(weight: Floats) -> float:
        areas = [_area(order, event, weight * among) for order, among in ranked]
        known = [area for area in areas if area == area]
        return float(np.mean(known)) if known else math.nan

    return figure


def brier(p: Floats, event: Bools, weight: Floats | None = None) -> float:
    """Return the mean squared difference between probability and event."""
    return float(np.average((p - event) ** 2, weights=weight))


def calibration_error(p: Floats, event: Bools, bins: int = 15, weight: Floats | None = None) -> float:
    """Return the expected calibration error over bins of equal weight (ECE-15)."""
    if not len(p):
        return 0.0
    w = np.ones(len(p)) if weight is None else weight
    order = np.argsort(p, kind="stable")
    edges = np.searchsorted(np.cumsum(w[order]), np.linspace(0, w.sum(), bins + 1)[1:-1])
    parts = [part for part in np.split(order, edges) if w[part].sum() > 0]
    return float(sum(abs((w[part] * (p[part] - event[part])).sum()) for part in parts) / w.sum())


class Resampled:
    """Rows that hang together in clusters, resampled by cluster (Efron & Tibshirani 1993).

    Parameters
    ----------
    clusters
        Which cluster each row belongs to, shape (n,).
    weight
        How much each row counts, shape (n,).

    >>> rng = np.random.default_rng(0)
    >>> rows = Resampled(np.repeat(np.arange(50), 20), np.ones(1000), rng)
    >>> event = np.repeat(rng.random(50) < 0.3, 20)
    >>> interval = rows.rate(event, np.ones(1000, dtype=bool))
    >>> bool(interval.high - interval.low > 0.2)  # 50 clusters, not 1,000 rows
    True
    """

    def __init__(self, clusters: Ints, weight: Floats, rng: np.random.Generator, resamples: int = RESAMPLES) -> None:
        names, self._cluster = np.unique(clusters, return_inverse=True)
        self._times = rng.multinomial(len(names), np.full(len(names), 1 / max(len(names), 1)), size=resamples).astype(np.float64)
        self._weight = weight

    def auroc(self, scores: Floats, event: Bools) -> Interval:
        """Return the 95 % interval of an AUROC."""
        return self.interval(mean_auroc([(scores, np.ones(len(scores), dtype=bool))], event))

    def interval(self, figure: Callable[[Floats], float], least: float = 0.0) -> Interval:
        """Return the 95 % interval of a figure between `least` and 1 that is made from the weights of the rows, shape (n,)."""
        return self._around(figure(self._weight), figure, None, least)

    def rate(self, hit: Bools, among: Bools) -> Interval:
        """Return the 95 % interval of the share of rows that were hit, among some; Wilson's of as many rows as there are clusters where all agree."""
        if not among.any():
            return Interval(0.0, 1.0)

        def value(weight: Floats) -> float:
            total = float(weight[among].sum())
            return float((weight * hit)[among].sum()) / total if total else math.nan

        return self._around(value(self._weight), value, len(np.unique(self._cluster[among])))

    def _around(self, centre: float, figure: Callable[[Floats], float], clusters: int | None, least: float = 0.0) -> Interval:
        values = np.array([figure(self._weight * times[self._cluster]) for times in self._times])
        values = values[~np.isnan(values)]
        if centre != centre or len(values) < 2:
            return Interval(least, 1.0)
        spread = float(values.std(ddof=1))
        if clusters is not None and centre in (0.0, 1.0):
            return share(centre * clusters, clusters)
        return Interval(max(least, centre - 1.96 * spread), min(1.0, centre + 1.96 * spread))


def _ranked(scores: Floats) -> tuple[Ints, Ints]:
    """Return the order of the scores and the number of each one's group of ties, in that order."""
    order = np.argsort(scores, kind="stable")
    ordered = scores[order]
    group: Array = np.concatenate([[0], np.cumsum(ordered[1:] != ordered[:-1])]) if len(ordered) else np.zeros(0, dtype=np.int64)
    return order, group.astype(np.int64)


def _area(ranked: tuple[Ints, Ints], event: Bools, weight: Floats) -> float:
    order, group = ranked
    hit, w = event[order], weight[order]
    up, down = np.where(hit, w, 0.0), np.where(hit, 0.0, w)
    positives, negatives = float(up.sum()), float(down.sum())
    if not positives or not negatives:
        return math.nan
    ups, downs = np.bincount(group, weights=up), np.bincount(group, weights=down)
    below = np.cumsum(downs) - downs / 2
    return float((ups * below).sum() / (positives * negatives))
