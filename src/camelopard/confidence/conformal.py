"""Thresholds and p-values that hold on data like the calibration data, whatever the score: conformal prediction."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from camelopard.core.arrays import Floats
from camelopard.core.intervals import at_least

SURE = 0.95  # how probable it is to be, at least, where there are rows enough, that a promise is kept


@dataclass(frozen=True)
class AlarmThreshold:
    """A limit on a score: at most `alpha` of clean rows lie above it, with probability `confidence` over the calibration sample.

    Where the rows are few, `confidence` is below what was asked for, and the promise is kept on average over calibration samples. Where they are too
    few for that, `value` is infinite, no row lies above it, and `confidence` is 1.
    """

    value: float
    alpha: float
    confidence: float
    rows: int
    above: int

    @property
    def on_average(self) -> bool:
        """Whether the promise is only kept on average over calibration samples."""
        return self.confidence < SURE


def alarm_threshold(clean: Floats, alpha: float) -> AlarmThreshold:
    """Return the lowest threshold that keeps the promise with confidence SURE, from scores of clean rows that took no part in learning the score.

    With the threshold at the (k+1)-th largest of n scores the share of new clean rows above it is at most Beta(k + 1, n − k) distributed; the
    promise is kept with probability P(Binomial(n, alpha) ≥ k + 1) (Vovk 2012, proposition 2a). Ties only make it stricter. Where not even the largest
    score keeps it so surely, it is the threshold all the same if it keeps the promise on average: the mean share above it is at most 1 / (n + 1).

    >>> t = alarm_threshold(np.arange(1000.0), alpha=0.01)
    >>> t.above, t.value, round(t.confidence, 2)
    (4, 995.0, 0.97)
    >>> t = alarm_threshold(np.arange(150.0), alpha=0.01)
    >>> t.above, t.value, round(t.confidence, 2)
    (0, 149.0, 0.78)
    >>> alarm_threshold(np.arange(50.0), alpha=0.01).value
    inf
    """
    n = len(clean)
    ordered = np.sort(clean)[::-1]
    best = AlarmThreshold(np.inf, alpha, 1.0, n, 0)
    if n >= fewest_on_average(alpha):
        best = AlarmThreshold(float(ordered[0]), alpha, at_least(1, n, alpha), n, 0)
    for k in range(min(n, int(alpha * n) + 1)):
        kept = at_least(k + 1, n, alpha)
        if kept < SURE:
            break
        best = AlarmThreshold(float(ordered[k]), alpha, kept, n, k)
    return best


def fewest(alpha: float) -> int:
    """Return the fewest clean rows from which the promise is kept with confidence SURE.

    >>> fewest(0.01), fewest(0.05)
    (299, 59)
    """
    return math.ceil(math.log(1 - SURE) / math.log(1 - alpha))


def fewest_on_average(alpha: float) -> int:
    """Return the fewest clean rows from which the promise is kept on average over calibration samples: from fewer there is no threshold.

    >>> fewest_on_average(0.01), fewest_on_average(0.05)
    (99, 19)
    """
    return max(1, math.ceil(1 / alpha - 1e-9) - 1)


def p_values(scores: Floats, clean: Floats) -> Floats:
    """Return conformal p-values: (1 + how many clean scores are as large) / (n + 1), for clean scores sorted ascending; shape (m,).

    >>> p_values(np.array([0.0, 10.0]), np.arange(9.0)).tolist()
    [1.0, 0.1]
    """
    larger = len(clean) - np.searchsorted(clean, scores, side="left")
    return np.asarray((1.0 + larger) / (len(clean) + 1.0), dtype=np.float64)
