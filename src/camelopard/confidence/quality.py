"""How good is a score or a probability? AUROC with an interval, Brier score, calibration error, what is caught at a given alarm rate."""

from __future__ import annotations

import math

import numpy as np

from camelopard.core.arrays import Bools, Floats
from camelopard.core.records import Interval


def auroc(scores: Floats, event: Bools) -> float:
    """Return the area under the ROC curve, ties counted half; NaN where one side is empty.

    >>> auroc(np.array([0.1, 0.4, 0.35, 0.8]), np.array([False, False, True, True]))
    0.75
    """
    positives = int(event.sum())
    negatives = len(event) - positives
    if not positives or not negatives:
        return math.nan
    _, inverse, counts = np.unique(scores, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(counts) - (counts - 1) / 2)[inverse]
    return float((ranks[event].sum() - positives * (positives + 1) / 2) / (positives * negatives))


def auroc_interval(value: float, positives: int, negatives: int) -> Interval:
    """Return the 95 % interval of an AUROC (Hanley & McNeil 1982)."""
    if not positives or not negatives or value != value:
        return Interval(0.0, 1.0)
    q1, q2 = value / (2 - value), 2 * value * value / (1 + value)
    spread = value * (1 - value) + (positives - 1) * (q1 - value**2) + (negatives - 1) * (q2 - value**2)
    half = 1.96 * math.sqrt(max(spread, 0.0) / (positives * negatives))
    return Interval(max(0.0, value - half), min(1.0, value + half))


def brier(p: Floats, event: Bools) -> float:
    """Return the mean squared difference between probability and event."""
    return float(np.mean((p - event) ** 2))


def calibration_error(p: Floats, event: Bools, bins: int = 15) -> float:
    """Return the expected calibration error over bins of equal mass (ECE-15)."""
    order = np.argsort(p, kind="stable")
    parts = [part for part in np.array_split(order, bins) if len(part)]
    return float(sum(len(part) * abs(p[part].mean() - event[part].mean()) for part in parts) / max(len(p), 1))


def caught(scores: Floats, event: Bools, clean: Floats, alarms: float) -> float:
    """Return the share of events above the threshold that lets `alarms` of the clean scores through; NaN without events."""
    if not event.any() or not len(clean):
        return math.nan
    return float(np.mean(scores[event] > np.quantile(clean, 1 - alarms)))
