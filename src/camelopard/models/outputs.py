"""Settles what the bare numbers of a network mean: probabilities, logits, or numbers.

The one idea: it is found out once, from the answers themselves; where these can be read in two ways, that is said instead of guessed.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np

from camelopard.core.arrays import Array, Floats
from camelopard.core.errors import ModelError, UnknownName
from camelopard.core.records import Task
from camelopard.models.answers import SUM_TOLERANCE, Raw

Outputs = Literal["probabilities", "logits", "numbers"]
OUTPUTS = ("probabilities", "logits", "numbers")
ENOUGH = 64  # answers between 0 and 1 after which chance cannot have put them all there
SURE = 8  # rows that sum to 1 after which chance cannot have made them do so
HALF_TOLERANCE = 2e-2  # a softmax that was computed in half precision


class Settling:
    """Turns a network's numbers into what they stand for, the same way for every call.

    Parameters
    ----------
    outputs
        What they are, where somebody knows; None: found out from the first answers. Rows of two or more columns that sum to 1 are probabilities, any
        others logits (also log-probabilities, whose soft maximum they are). One column is a number, or, for a classifier, the logit of the
        second class where it leaves 0–1, and its probability where 64 answers stay within.
    task, classes
        What `wrap` was told.

    >>> Settling(None, None, None).raw(np.array([[0.0, np.log(3.0)]])).values.round(2).tolist()
    [[0.25, 0.75]]
    """

    def __init__(self, outputs: Outputs | None, task: Task | None, classes: Sequence[Any] | None) -> None:
        if outputs is not None and outputs not in OUTPUTS:
            raise UnknownName.among(outputs, OUTPUTS, "kind of outputs")
        if outputs == "numbers" and (classes is not None or task == "classification"):
            raise ModelError("outputs='numbers' of a classifier; expected 'logits' or 'probabilities', or no classes and task='regression'.")
        if outputs in ("logits", "probabilities") and task == "regression":
            raise ModelError(f"outputs={outputs!r} of a regression; expected outputs='numbers', or task='classification'.")
        self._outputs: Outputs | None = "numbers" if task == "regression" else outputs
        self._told = self._outputs is not None
        self._classifies = task == "classification" or classes is not None or outputs in ("logits", "probabilities")
        self._within = 0  # answers seen between 0 and 1, as long as none was outside
        self._summing = 0  # rows seen that sum to 1

    @property
    def task(self) -> Task | None:
        """Return the task, None where only the first answer can tell."""
        if self._outputs == "numbers":
            return "regression"
        return "classification" if self._classifies else None

    @property
    def outputs(self) -> Outputs | None:
        """Return what the numbers are, None before the first answer."""
        return self._outputs

    def raw(self, values: Array, tolerance: float = SUM_TOLERANCE) -> Raw:
        """Return the answers, numbers of shape (n,), (n, 1) or (n, k), with what they mean.

        `tolerance`: how far probabilities may be from summing to 1; above the usual, they are divided by their sum.

        Raises
        ------
        ModelError
            If they can be read in two ways: several labels at once or logits, the logit or the probability of one class.
        """
        values = np.asarray(values, dtype=np.float64)
        if values.ndim == 2 and values.shape[1] == 1:
            values = values[:, 0]
        if values.ndim not in (1, 2):
            return Raw(values)
        if self._outputs == "numbers" or (values.ndim == 1 and not self._classifies):
            self._outputs = "numbers"
            return Raw(values, "numbers")
        with np.errstate(all="ignore"):
            if not self._told:
                self._settle(values, tolerance)
            if values.ndim == 1:
                return Raw(1.0 / (1.0 + np.exp(-values)) if self._outputs == "logits" else values, "positive")
            if self._outputs == "logits":
                return Raw(softmax(values), "proba")
            return Raw(values / values.sum(axis=1, keepdims=True) if tolerance > SUM_TOLERANCE else values, "proba")

    def _settle(self, values: Array, tolerance: float) -> None:
        """Find out what a classifier's numbers are, and whether that can still be doubted."""
        rows = values[~np.isnan(values)] if values.ndim == 1 else values[~np.isnan(values).any(axis=1)]
        if not len(rows):
            return
        if ((rows < -tolerance) | (rows > 1 + tolerance)).any():
            self._outputs, self._told = "logits", True
        elif values.ndim == 2 and (np.abs(rows.sum(axis=1) - 1) <= tolerance).mean() > 0.5:
            self._summing += len(rows)
            self._outputs, self._told = "probabilities", self._summing >= SURE
        else:
            self._within += rows.size
            self._doubt(values.ndim)

    def _doubt(self, columns: int) -> None:
        """Decide on answers that lie between 0 and 1 and are no probabilities of classes that exclude each other."""
        if columns == 1 and self._within < ENOUGH:
            raise ModelError(
                f"one number per row, all of {self._within} between 0 and 1: the probability of the second class or its logit? "
                "Say outputs='probabilities' or outputs='logits', or ask 64 rows at once first."
            )
        if columns == 1:
            self._outputs, self._told = "probabilities", True
        elif self._within >= ENOUGH:
            raise ModelError(
                "answers between 0 and 1 whose rows do not sum to 1: probabilities of several labels at once? Wrap one model per label (a function "
                "that picks its column), or say outputs='logits' if they are logits."
            )
        else:
            self._outputs = "logits"


def softmax(logits: Floats) -> Floats:
    """Return the soft maximum of each row, shape (n, k); a row with NaN or +inf has none and becomes NaN."""
    powers: Floats = np.exp(logits - logits.max(axis=1, keepdims=True, initial=-np.inf))
    return np.asarray(powers / powers.sum(axis=1, keepdims=True))
