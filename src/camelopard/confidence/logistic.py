"""Logistic maps of a few parameters, fitted by Newton's method: calibration that keeps the order of the scores (Platt 1999)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property, reduce
from operator import add, mul
from typing import Any

import numpy as np

from camelopard.core.arrays import Bools, Floats, summed

STEPS, HALVINGS = 50, 30
SHORT = 4  # columns up to which a single row is faster in plain numbers
FARTHEST = 35.0  # log-odds beyond which a probability is 0 or 1 in double precision


def sigmoid(logits: Floats) -> Floats:
    """Return 1 / (1 + exp(−logits)), without overflow."""
    result: Floats = 1.0 / (1.0 + np.exp(-np.minimum(np.maximum(logits, -FARTHEST), FARTHEST)))
    return result


def sigmoid_of(logit: float) -> float:
    """Return the same of a single number."""
    return float(1.0 / (1.0 + np.exp(-min(max(logit, -FARTHEST), FARTHEST))))


def logit_of(p: float) -> float:
    """Return `logit` of a single number."""
    bounded = min(max(p, 1e-6), 1 - 1e-6)
    return float(np.log(bounded / (1 - bounded)))


def logit(p: Floats) -> Floats:
    """Return log-odds of probabilities, bounded at 1e-6 and 1 − 1e-6."""
    bounded = np.minimum(np.maximum(p, 1e-6), 1 - 1e-6)
    result: Floats = np.log(bounded / (1 - bounded))
    return result


@dataclass(frozen=True)
class Logistic:
    """P(event) = sigmoid(weights · columns + intercept).

    >>> x = np.linspace(-3, 3, 400)[:, None]; y = np.random.default_rng(0).random(400) < sigmoid(2 * x[:, 0])
    >>> bool(1.5 < Logistic.fit(x, y).weights[0] < 2.5)
    True
    """

    weights: Floats
    intercept: float

    @classmethod
    def fit(
        cls,
        columns: Floats,
        event: Bools,
        sample_weight: Floats | None = None,
        ridge: float = 1e-3,
        *,
        prior: Floats | None = None,
        rows: float | None = None,
    ) -> Logistic:
        """Fit by Newton's method, each step halved until the loss falls, with a slight ridge, so that separable data stays finite.

        Parameters
        ----------
        columns, event
            Shape (n, k), and what happened, shape (n,).
        sample_weight
            How much each row counts, shape (n,).
        ridge, prior
            How strongly the weights are drawn towards the prior (zeros, where it is not given), shape (k,).
        rows
            How many independent rows these are worth, where they hang together; n, where it is not given.
        """
        n, k = columns.shape
        if not n:
            return cls(np.zeros(k) if prior is None else prior, 0.0)
        worth = float(n if rows is None else rows)
        w = np.full(n, worth / n) if sample_weight is None else sample_weight * (worth / sample_weight.sum())
        target = event.astype(np.float64)
        positives = float(w[event].sum())
        # Platt's targets: a class seen n times is never given probability 1 (Platt 1999, section 2.2).
        target = np.where(event, (positives + 1) / (positives + 2), 1 / (worth - positives + 2))
        design = np.column_stack([columns, np.ones(n)])
        start = np.zeros(k + 1)
        start[:k] = 0.0 if prior is None else prior
        beta = start.copy()
        penalty = np.full(k + 1, ridge)
        penalty[-1] = 1e-9

        def loss(at: Floats) -> float:
            logits = design @ at
            return float((w * (np.logaddexp(0.0, logits) - target * logits)).sum() + 0.5 * (penalty * (at - start) ** 2).sum())

        now = loss(beta)
        for _ in range(STEPS):
            p = sigmoid(design @ beta)
            gradient = design.T @ (w * (p - target)) + penalty * (beta - start)
            curvature = (design * (w * np.maximum(p * (1 - p), 1e-9))[:, None]).T @ design + np.diag(penalty)
            step = np.linalg.solve(curvature, gradient)
            for _ in range(HALVINGS):
                lower = loss(beta - step)
                if lower <= now:
                    break
                step = step / 2
            else:
                break
            beta, now = beta - step, lower
            if float(np.abs(step).max()) < 1e-8:
                break
        return cls(beta[:-1], float(beta[-1]))

    def logits(self, columns: Floats) -> Floats:
        """Return log-odds per row, column after column in a fixed order, shape (n,)."""
        if len(columns) == 1 and columns.shape[1] <= SHORT:
            return np.array([self._logit_of(columns[0].tolist())])
        found: Floats = summed(columns * self.weights) + self.intercept
        return found

    def probability(self, columns: Floats) -> Floats:
        """Return P(event) per row, shape (n,)."""
        if len(columns) == 1 and columns.shape[1] <= SHORT:
            return np.array([sigmoid_of(self._logit_of(columns[0].tolist()))])
        return sigmoid(self.logits(columns))

    def _logit_of(self, row: list[float]) -> float:
        """Return the log-odds of a single row of few columns: the same numbers, and several times faster."""
        return float(reduce(add, map(mul, row, self._weights)) + self.intercept)

    @cached_property
    def _weights(self) -> list[float]:
        weights: list[float] = self.weights.tolist()
        return weights

    def state(self) -> dict[str, Any]:
        """Return what was learned, as plain data."""
        return {"weights": self.weights, "intercept": self.intercept}

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> Logistic:
        """Rebuild from `state()`."""
        return cls(state["weights"], state["intercept"])
