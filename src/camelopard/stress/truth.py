"""What "fooled" means: the answer is not the one the model gives to the undamaged row, or the model raises."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from camelopard.core.arrays import Array, Bools, Floats
from camelopard.core.records import Prediction, Task

UNLABELLED = 0.1  # tolerance without labels, in robust spreads of the model's answers
NOISE = 1e-6  # tolerance at least, in spreads of the answers: rounding is no other answer


@dataclass(frozen=True)
class Truth:
    """Compares answers before and after damage. Choose rows that the model answered before.

    tolerance
        For regression: how far an answer may move before it counts as another one, in the unit of the answers.

    >>> before, after = Prediction(np.array(["a", "b"])), Prediction(np.array(["a", "a"]))
    >>> Truth("classification", 0.0).fooled(before, after).tolist()
    [False, True]
    """

    task: Task
    tolerance: float

    def flipped(self, before: Prediction, after: Prediction) -> Bools:
        """Return which answers are others than before, shape (n,); False where one of them is none."""
        answered = ~(before.failed | after.failed)
        if self.task == "regression":
            old, new = (p.value.astype(np.float64) for p in (before, after))
            with np.errstate(invalid="ignore"):
                return np.asarray(answered & (np.abs(new - old) > self.tolerance), dtype=bool)
        other = np.asarray(before.value.astype(object) != after.value.astype(object), dtype=bool)
        return np.asarray(answered & other, dtype=bool)

    def fooled(self, before: Prediction, after: Prediction) -> Bools:
        """Return which rows fool the model, shape (n,): another answer, or none where there was one."""
        return self.flipped(before, after) | (after.failed & ~before.failed)


def tolerance_of(answer: Prediction, y: Array | None, task: Task) -> float:
    """Return the regression tolerance: the model's own median absolute error on labelled rows, else 0.1 robust spreads of its answers.

    The robust spread is (q84 − q16) / 2. Never less than a millionth of the answers' standard deviation. 0 for classification.

    >>> tolerance_of(Prediction(np.array([1.0, 2.0])), np.array([1.5, 2.5]), "regression")
    0.5
    """
    known = ~answer.failed
    if task != "regression" or not known.any():
        return 0.0
    values = answer.value[known].astype(np.float64)
    least = NOISE * float(values.std())
    if y is not None:
        return max(least, float(np.median(np.abs(values - y[known].astype(np.float64)))))
    low, high = np.percentile(values, [16, 84])
    return max(least, float(UNLABELLED * (high - low) / 2))


def losses(answer: Prediction, y: Array, task: Task) -> Floats:
    """Return the loss per row, shape (n,): 0 or 1 for classes (no answer is wrong), absolute error for numbers (NaN without an answer: left out)."""
    if task == "regression":
        return np.abs(answer.value.astype(np.float64) - y.astype(np.float64))
    return np.array([float(a != b) for a, b in zip(answer.value.tolist(), y.tolist(), strict=True)], dtype=np.float64)
