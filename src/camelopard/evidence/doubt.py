"""How sure is the model itself? Numbers read off its answer alone."""

from __future__ import annotations

import numpy as np

from camelopard.core.arrays import Floats, summed
from camelopard.core.records import Prediction, Task

NAMES = ("doubt", "runner_up", "entropy", "answer", "logit")
SMALLEST = 1e-6


def axis_of(answer: Prediction, task: Task) -> Floats:
    """Return one number per row along which the model's answers differ most, shape (n,): orders categories by what the model makes of them."""
    if task == "regression":
        values = answer.value.astype(np.float64)
        return np.where(np.isnan(values), np.nanmean(values) if not np.isnan(values).all() else 0.0, values)
    logs = np.log(np.clip(answer.shares, SMALLEST, 1.0))
    centred = logs - logs.mean(axis=0)
    if centred.shape[1] == 1:
        return np.zeros(len(answer))
    _, directions = np.linalg.eigh(centred.T @ centred)
    direction = directions[:, -1]
    direction = direction * np.sign(direction[int(np.argmax(np.abs(direction)))])
    along: Floats = centred @ direction
    return along


def doubt(answer: Prediction, task: Task, centre: float = 0.0, scale: float = 1.0) -> Floats:
    """Return the model's own doubt per row, shape (n, 5), columns as in NAMES.

    Classification: 1 − highest probability, second highest, entropy, position of the answered class, log-odds of the answer. Regression:
    zeros, and the answer in spreads from the middle.
    """
    n = len(answer)
    if n == 1 and task == "classification":
        return np.array([_of_one(answer.shares[0].tolist())])
    found = np.zeros((n, len(NAMES)))
    if task == "regression":
        values = answer.value.astype(np.float64)
        found[:, 3] = np.where(np.isnan(values), 0.0, np.clip((values - centre) / scale, -50.0, 50.0))
        return found
    p = np.minimum(np.maximum(answer.shares, SMALLEST), 1.0)
    rows = np.arange(n)
    best = p.argmax(axis=1)
    top = p[rows, best]
    other = 1.0 - top
    found[:, 0] = other
    if p.shape[1] > 1:
        rest = p.copy()
        rest[rows, best] = 0.0
        found[:, 1] = rest.max(axis=1)
    found[:, 2] = -summed(p * np.log(p))
    found[:, 3] = best
    found[:, 4] = np.log(np.minimum(np.maximum(top, SMALLEST), 1 - SMALLEST) / np.maximum(other, SMALLEST))
    return found


def _of_one(scores: list[float]) -> list[float]:
    """Return the same for a single row of classification: the same numbers, several times faster."""
    shares = [min(max(score, SMALLEST), 1.0) for score in scores]
    logs: list[float] = np.log(shares).tolist()
    top = max(shares)
    best = shares.index(top)
    entropy = -shares[0] * logs[0]
    for share, log in zip(shares[1:], logs[1:], strict=True):
        entropy -= share * log
    rest = [*shares[:best], *shares[best + 1 :]]
    other = 1.0 - top
    odds = min(max(top, SMALLEST), 1 - SMALLEST) / max(other, SMALLEST)
    return [other, max(rest, default=0.0), entropy, float(best), float(np.log(odds))]
