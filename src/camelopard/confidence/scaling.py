"""Calibration of a model's own probabilities by maps of few parameters, drawn towards leaving them alone.

All maps are one: new scores = logs · matrixᵀ + offset + curve · odds², followed by a soft maximum, where logs are the model's log-probabilities and
odds, for two classes, the log-odds. Which parts of it are free gives the families that the literature knows: temperature (Guo et al. 2017), Platt
(1999), beta (Kull, Silva Filho & Flach 2017), quadratic and structured matrix scaling (Berta, Holzmüller, Jordan & Bach 2025).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from camelopard.core.arrays import Floats, Ints
from camelopard.core.errors import InputError

SMALLEST = 1e-6  # probability below which log-odds are no longer told apart
BINARY = ("temperature", "platt", "beta", "quadratic")
SEVERAL = ("temperature", "vector", "matrix")
FREE = {  # which parts of the map each family fits
    "temperature": ("scale",),
    "platt": ("scale", "offset"),
    "beta": ("scale", "diagonal", "offset"),
    "quadratic": ("scale", "offset", "curve"),
    "vector": ("scale", "diagonal", "offset"),
    "matrix": ("scale", "diagonal", "rest", "offset"),
}
RIDGE = {"scale": 0.1, "diagonal": 1.0, "rest": 10.0, "offset": 0.5, "curve": 20.0}  # in observations: how strongly a part is drawn to doing nothing
STEPS = 200


@dataclass(frozen=True)
class Scaling:
    """A map from probabilities of k classes to better ones. `family` is "none" for the map that changes nothing.

    >>> rng = np.random.default_rng(0); odds = rng.normal(size=2000) * 2; codes = (rng.random(2000) < 1 / (1 + np.exp(-odds / 2))).astype(np.int64)
    >>> proba = np.column_stack([1 / (1 + np.exp(odds)), 1 / (1 + np.exp(-odds))])  # twice too sure
    >>> bool(0.4 < Scaling.fit(proba, codes, "temperature").matrix[0, 0] < 0.6)
    True
    """

    family: str
    matrix: Floats
    offset: Floats
    curve: float = 0.0

    @classmethod
    def none(cls, k: int) -> Scaling:
        """Return the map that changes nothing."""
        return cls("none", np.eye(k), np.zeros(k))

    @classmethod
    def fit(cls, proba: Floats, codes: Ints, family: str, sample_weight: Floats | None = None) -> Scaling:
        """Fit one family by penalised maximum likelihood.

        Parameters
        ----------
        proba, codes
            The model's probabilities, shape (n, k), and which class was right, shape (n,).
        family
            "temperature", "platt", "beta", "quadratic" (two classes), "vector" or "matrix".
        sample_weight
            How much each row counts, shape (n,).
        """
        from scipy.optimize import minimize

        n, k = proba.shape
        if family in ("platt", "beta", "quadratic") and k != 2:
            raise InputError(f"{family} scaling is for two classes; expected one of {', '.join(SEVERAL)} for {k}.")
        free, logs = FREE[family], logs_of(proba)
        w = np.ones(n) if sample_weight is None else sample_weight * (n / sample_weight.sum())
        target = np.eye(k)[codes]
        odds = (logs[:, -1] - logs[:, 0]) ** 2 if "curve" in free else np.zeros(n)
        sizes = {"scale": 1, "diagonal": k, "rest": k * k, "offset": k, "curve": 1}
        ends = np.cumsum([sizes[part] for part in free])
        ridge = np.concatenate([np.full(sizes[part], RIDGE[part]) for part in free])
        off = 1.0 - np.eye(k)

        def unpacked(theta: Floats) -> tuple[Floats, Floats, float]:
            parts = dict(zip(free, np.split(theta, ends[:-1]), strict=True))
            matrix = (1.0 + parts["scale"][0]) * np.eye(k)
            if "diagonal" in parts:
                matrix = matrix + np.diag(parts["diagonal"])
            if "rest" in parts:
                matrix = matrix + parts["rest"].reshape(k, k) * off
            return matrix, parts.get("offset", np.zeros(k)), float(parts["curve"][0]) if "curve" in parts else 0.0

        def loss(theta: Floats) -> tuple[float, Floats]:
            scores = _scores(logs, *unpacked(theta))
            logp = scores - _log_sum(scores)
            gap = (np.exp(logp) - target) * w[:, None]
            slope = gap.T @ logs
            found = {"scale": [np.trace(slope)], "diagonal": np.diag(slope), "rest": (slope * off).ravel()}
            found |= {"offset": gap.sum(axis=0), "curve": [(gap[:, -1] * odds).sum()]}
            gradient = np.concatenate([np.asarray(found[part], dtype=np.float64) for part in free])
            return float(-(w * logp[np.arange(n), codes]).sum() + 0.5 * (ridge * theta * theta).sum()), gradient + ridge * theta

        best = minimize(loss, np.zeros(len(ridge)), jac=True, method="L-BFGS-B", options={"maxiter": STEPS})
        return cls(family, *unpacked(np.asarray(best.x, dtype=np.float64)))

    def proba(self, proba: Floats) -> Floats:
        """Return calibrated probabilities, shape (n, k); rows that hold NaN stay so."""
        if self.family == "none":
            return proba
        scores = _scores(logs_of(proba), self.matrix, self.offset, self.curve)
        return np.asarray(np.exp(scores - _log_sum(scores)), dtype=np.float64)

    def state(self) -> dict[str, Any]:
        """Return what was learned, as plain data."""
        return {"family": self.family, "matrix": self.matrix, "offset": self.offset, "curve": self.curve}

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> Scaling:
        """Rebuild from `state()`."""
        return cls(state["family"], state["matrix"], state["offset"], float(state["curve"]))


def logs_of(proba: Floats) -> Floats:
    """Return log-probabilities, bounded from below, of rows brought to a sum of 1, shape (n, k)."""
    bounded = np.maximum(proba, SMALLEST)
    found: Floats = np.log(bounded / bounded.sum(axis=1, keepdims=True))
    return found


def log_loss(proba: Floats, codes: Ints) -> Floats:
    """Return −log of the probability that each row gave to the right class, shape (n,)."""
    found: Floats = -logs_of(proba)[np.arange(len(codes)), codes]
    return found


def _scores(logs: Floats, matrix: Floats, offset: Floats, curve: float) -> Floats:
    scores: Floats = logs @ matrix.T + offset
    if curve:
        scores[:, -1] += curve * (logs[:, -1] - logs[:, 0]) ** 2
    return scores


def _log_sum(scores: Floats) -> Floats:
    top = scores.max(axis=1, keepdims=True)
    found: Floats = top + np.log(np.exp(scores - top).sum(axis=1, keepdims=True))
    return found


def families_for(k: int) -> Sequence[str]:
    """Return the families that suit k classes."""
    return BINARY if k == 2 else SEVERAL
