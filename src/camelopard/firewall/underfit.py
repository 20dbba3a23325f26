"""Is the model itself the problem? A plain model, taught on some of the same rows, is held against it on the others.

A firewall in front of a model that a default of the shelf beats defends the wrong thing: retrain first.
"""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from camelopard.core.arrays import Array, Bools, Floats
from camelopard.core.batch import Batch
from camelopard.core.intervals import paired_excess
from camelopard.core.records import Prediction, Task
from camelopard.core.schema import Schema
from camelopard.evidence.reading import Reader
from camelopard.models.plain import plain_answers

FEWEST, MOST = 200, 20_000  # rows to teach the plain model; of several classes, fewer
MOST_CLASSES = 20  # beyond them it is not tried: it would take too long


class UnderfitWarning(UserWarning):
    """A plain model taught on fewer rows beats the model: retrain first."""


def rival(schema: Schema, taught: Batch, y: Array, held: Batch, labels: Array, answer: Prediction, task: Task, seed: int) -> dict[str, Any]:
    """Return how much better a plain gradient boosting is than the model, with its interval; warn where it surely is.

    `taught` with labels `y` teaches it; `held` with `labels` and the model's `answer` measures both. Empty where there are too few rows, or labels
    that no plain model could learn. For classes, the gain is in the share of right answers; for numbers, in the mean absolute error, in shares of it.
    """
    classes = len({str(v) for v in y.tolist()}) if task == "classification" else 2
    if len(taught) < FEWEST or len(held) < FEWEST // 2 or not 2 <= classes <= MOST_CLASSES:
        return {}
    reader = Reader.learn(taught, schema, np.zeros(len(taught)))
    rows = np.random.default_rng(seed).permutation(len(taught))[: MOST * 2 // classes]
    x, new = (reader.read(part).values for part in (taught.take(rows), held))
    found = _classes(x, y[rows], new, labels, answer, seed) if task == "classification" else _numbers(x, y[rows], new, labels, answer, seed)
    if found and found["low"] > 0:
        warnings.warn(sentence(found), UnderfitWarning, stacklevel=5)
    return found


def sentence(found: dict[str, Any]) -> str:
    """Return what was found as a sentence."""
    plain, own, low, high = (found[key] for key in ("plain", "model", "low", "high"))
    if found["figure"] == "accuracy":
        what = f"is right on {plain:.1%} of {found['rows']:,} rows, the model on {own:.1%} (difference {100 * low:.1f} to {100 * high:.1f} points)"
    else:
        what = f"errs by {plain:.4g} on average on {found['rows']:,} rows, the model by {own:.4g} ({low:.0%} to {high:.0%} less)"
    return f"a plain model beats yours, retrain first: a gradient boosting off the shelf, taught on {found['taught']:,} of these rows, {what}."


def _classes(x: Floats, y: Array, new: Floats, labels: Array, answer: Prediction, seed: int) -> dict[str, Any]:
    truth = [str(v) for v in labels.tolist()]
    theirs: Bools = np.asarray(plain_answers(x, y, new, "classification", seed) == np.array(truth), dtype=bool)
    own = np.array([a == b for a, b in zip(answer.value.tolist(), labels.tolist(), strict=True)], dtype=bool)
    _, interval = paired_excess(int((theirs & ~own).sum()), int((own & ~theirs).sum()), len(own))
    return {
        "figure": "accuracy",
        "plain": float(theirs.mean()),
        "model": float(own.mean()),
        "low": interval.low,
        "high": interval.high,
        "rows": len(own),
        "taught": len(x),
    }


def _numbers(x: Floats, y: Array, new: Floats, labels: Array, answer: Prediction, seed: int) -> dict[str, Any]:
    truth = labels.astype(np.float64)
    theirs, own = np.abs(plain_answers(x, y, new, "regression", seed) - truth), np.abs(answer.value.astype(np.float64) - truth)
    gain, size = own - theirs, max(float(own.mean()), 1e-12)
    half = 1.96 * float(gain.std(ddof=1)) / np.sqrt(len(gain))
    return {
        "figure": "mean absolute error",
        "plain": float(theirs.mean()),
        "model": float(own.mean()),
        "low": float((gain.mean() - half) / size),
        "high": float((gain.mean() + half) / size),
        "rows": len(own),
        "taught": len(x),
    }
