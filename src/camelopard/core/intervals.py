"""Intervals and tests for shares, and the control of false discoveries. NumPy and the standard library only."""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import NormalDist

import numpy as np

from camelopard.core.arrays import Bools, Floats
from camelopard.core.records import Interval

SQUARED = 1e150  # beyond it the square of a number is none


def share(k: float, n: float, confidence: float = 0.95) -> Interval:
    """Return Wilson's score interval for k of n (Wilson 1927); the whole range where n is 0.

    >>> i = share(0, 2000)
    >>> round(i.low, 4), round(i.high, 4)
    (0.0, 0.0019)
    """
    if n <= 0:
        return Interval(0.0, 1.0, confidence)
    z = NormalDist().inv_cdf(0.5 + confidence / 2)
    centre = (k + z * z / 2) / (n + z * z)
    half = z / (n + z * z) * math.sqrt(max(0.0, k * (n - k) / n + z * z / 4))
    low, high = max(0.0, centre - half), min(1.0, centre + half)
    return Interval(0.0 if k <= 0 else low, 1.0 if k >= n else high, confidence)  # exactly, where rounding leaves a trace


def mean(values: Floats, confidence: float = 0.95) -> Interval | None:
    """Return the normal interval of a mean, or None for fewer than two values.

    >>> i = mean(np.array([1e200, 3e200]))  # what a linear model says of a number beyond all bounds; its square is none
    >>> f"{i.low:.2g} to {i.high:.2g}"
    '4e+198 to 4e+200'
    """
    if len(values) < 2:
        return None
    z = NormalDist().inv_cdf(0.5 + confidence / 2)
    largest = float(np.abs(values).max())
    scale = largest if SQUARED < largest < math.inf else 1.0
    with np.errstate(invalid="ignore"):  # infinite values have no spread
        centre, half = float((values / scale).mean()), z * float((values / scale).std(ddof=1)) / math.sqrt(len(values))
    return Interval((centre - half) * scale, (centre + half) * scale, confidence)


def at_least(k: int, n: int, p: float) -> float:
    """Return P(X ≥ k) for X ~ Binomial(n, p), exactly.

    >>> round(at_least(8, 10, 0.5), 4)
    0.0547
    """
    if k <= 0:
        return 1.0
    if k > n or p <= 0:
        return 0.0
    if p >= 1:
        return 1.0
    i = np.arange(k, n)
    steps = np.log((n - i) / (i + 1)) + (math.log(p) - math.log1p(-p))
    logs = _log_choose(n, k) + k * math.log(p) + (n - k) * math.log1p(-p) + np.concatenate([[0.0], np.cumsum(steps)])
    top = float(logs.max())
    return min(1.0, math.exp(top) * float(np.exp(logs - top).sum()))


def upper_share(k: int, n: int, confidence: float = 0.95) -> float:
    """Return the one-sided exact upper bound for a share (Clopper & Pearson 1934): the p at which seeing at most k of n has chance 1 − confidence.

    >>> round(upper_share(0, 2000), 5)
    0.0015
    """
    if n <= 0 or k >= n:
        return 1.0
    low, high = k / n, 1.0
    for _ in range(60):
        middle = (low + high) / 2
        if 1.0 - at_least(k + 1, n, middle) > 1.0 - confidence:
            low = middle
        else:
            high = middle
    return high


def paired_excess(only_first: int, only_second: int, n: int, confidence: float = 0.95) -> tuple[float, Interval]:
    """Return the difference of two shares seen on the same n rows, and its interval (Agresti & Min 2005: half a pair added to each cell).

    `only_first` rows showed the first event alone, `only_second` the second alone.

    >>> value, interval = paired_excess(30, 5, 100)
    >>> value, interval.low > 0.1
    (0.25, True)
    """
    if n <= 0:
        return 0.0, Interval(-1.0, 1.0, confidence)
    z = NormalDist().inv_cdf(0.5 + confidence / 2)
    b, c, m = only_first + 0.5, only_second + 0.5, n + 2.0
    centre = (b - c) / m
    half = z * math.sqrt(max(0.0, (b + c) - (b - c) ** 2 / m)) / m
    return (only_first - only_second) / n, Interval(max(-1.0, centre - half), min(1.0, centre + half), confidence)


def discoveries(p_values: Sequence[float] | Floats, rate: float = 0.05) -> Bools:
    """Return which hypotheses are rejected at this false discovery rate (Benjamini & Hochberg 1995), shape (n,).

    >>> discoveries([0.001, 0.2, 0.01]).tolist()
    [True, False, True]
    """
    p = np.asarray(p_values, dtype=np.float64)
    if not len(p):
        return np.zeros(0, dtype=bool)
    order = np.argsort(p, kind="stable")
    passed = np.flatnonzero(p[order] <= rate * np.arange(1, len(p) + 1) / len(p))
    found = np.zeros(len(p), dtype=bool)
    if len(passed):
        found[order[: passed[-1] + 1]] = True
    return found


def _log_choose(n: int, k: int) -> float:
    return math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1)
