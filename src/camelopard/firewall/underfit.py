"""Is the model itself the problem? A plain model, taught on some of the same rows, is held against it on the others.

A firewall in front of a model that a default of the shelf beats defends the wrong thing: retrain first.
"""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from camelopard.core.arrays import Array, Floats, objects
from camelopard.core.batch import Batch
from camelopard.core.intervals import paired_excess
from camelopard.core.records import Prediction, Task
from camelopard.core.schema import Schema
from camelopard.evidence.reading import Reader
from camelopard.models.plain import plain_answers
from camelopard.stress.truth import losses

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
    plain, named = plain_answers(x, y[rows], new, task, seed), labels
    if task == "classification":
        named = objects(str(v) for v in labels.tolist())
    theirs, own = losses(Prediction(plain), named, task), losses(answer, labels, task)
    low, high = _classes(theirs, own) if task == "classification" else _numbers(theirs, own)
    shown = [float(1.0 - loss.mean() if task == "classification" else loss.mean()) for loss in (theirs, own)]
    found = {
        "figure": "accuracy" if task == "classification" else "mean absolute error",
        "plain": shown[0],
        "model": shown[1],
        "low": low,
        "high": high,
        "rows": len(own),
        "taught": len(x),
    }
    if low > 0:
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


def _classes(theirs: Floats, own: Floats) -> tuple[float, float]:
    """Return the interval of how much more often the plain model is right, from losses of 0 and 1."""
    interval = paired_excess(int((theirs < own).sum()), int((own < theirs).sum()), len(own))[1]
    return interval.low, interval.high


def _numbers(theirs: Floats, own: Floats) -> tuple[float, float]:
    """Return the interval of how much less the plain model errs, in shares of the model's mean error."""
    gain, size = own - theirs, max(float(own.mean()), 1e-12)
    half = 1.96 * float(gain.std(ddof=1)) / np.sqrt(len(gain))
    return float((gain.mean() - half) / size), float((gain.mean() + half) / size)
