"""How common is an event in new rows, from calibrated probabilities that were made for another share of it?

If only the share has changed, and not what rows with and without the event look like, the likelihood of the new share is known, and probabilities are
corrected by moving their log-odds (Saerens, Latinne & Decaestecker 2002).
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from camelopard.confidence.logistic import logit, sigmoid
from camelopard.core.arrays import Floats
from camelopard.core.records import Interval

HALVINGS = 60
DROP = 1.92  # of the log-likelihood, at the ends of a 95 % interval


def prevalence(p: Floats, declared: float) -> tuple[float, Interval]:
    """Return the share of the event in rows with probabilities p, shape (n,), made for the declared share; and its 95 % profile interval.

    >>> rng = np.random.default_rng(0); event = rng.random(20_000) < 0.1; x = rng.normal(size=20_000) + 2 * event
    >>> value, interval = prevalence(sigmoid(2 * x - 2), 0.5)  # right where half of the rows are events
    >>> bool(interval.low < 0.1 < interval.high), bool(interval.high - interval.low < 0.02)
    (True, True)
    """
    if not len(p):
        return declared, Interval(0.0, 1.0)
    gain = np.exp(logit(p) - float(logit(np.array([declared]))[0])) - 1.0  # likelihood ratio, less one

    def slope(share: float) -> float:
        return float((gain / (1.0 + share * gain)).sum())

    def likelihood(share: float) -> float:
        return float(np.log1p(share * gain).sum())

    best = _zero(slope, 0.0, 1.0)
    top = likelihood(best) - DROP
    low = 0.0 if likelihood(0.0) >= top else _zero(lambda share: top - likelihood(share), 0.0, best)
    high = 1.0 if best >= 1.0 or likelihood(1.0) >= top else _zero(lambda share: likelihood(share) - top, best, 1.0)
    return best, Interval(low, high)


def _zero(falling: Callable[[float], float], low: float, high: float) -> float:
    """Return where a function that falls from left to right is zero, or the end that it does not reach."""
    if falling(low) <= 0:
        return low
    if falling(high) >= 0:
        return high
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        low, high = (middle, high) if falling(middle) > 0 else (low, middle)
    return (low + high) / 2


def shift(share: float, declared: float) -> float:
    """Return by how much log-odds made for the declared share move for another one."""
    ends = logit(np.array([share, declared]))
    return float(ends[0] - ends[1])


def moved(p: Floats, by: float) -> Floats:
    """Return probabilities with their log-odds moved, shape (n,); the same bytes where they are not."""
    return sigmoid(logit(p) + by) if by else p
