"""Maps of few parameters from a model's probabilities to calibrated ones, drawn towards leaving them alone, and averaged.

All maps are one: new scores = logs · matrixᵀ + offset + curve · odds², followed by a soft maximum, where logs are the model's log-probabilities and
odds, for two classes, the log-odds. Which parts of it are free gives the families that the literature knows: temperature (Guo et al. 2017), Platt
(1999), beta (Kull, Silva Filho & Flach 2017), quadratic and structured matrix scaling (Berta, Holzmüller, Jordan & Bach 2025).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from camelopard.core.arrays import Floats, Ints
from camelopard.core.errors import UnknownName

SMALLEST = 1e-6  # probability below which log-odds are no longer told apart
FREE = {  # which parts of the map each family fits
    "temperature": ("scale",),
    "platt": ("scale", "offset"),
    "beta": ("diagonal", "offset"),
    "quadratic": ("scale", "offset", "curve"),
    "vector": ("diagonal", "offset"),
    "matrix": ("diagonal", "rest", "offset"),
}
BINARY, SEVERAL = ("temperature", "platt", "beta", "quadratic"), ("temperature", "vector", "matrix")
RIDGE = {"scale": 0.1, "diagonal": 1.0, "rest": 10.0, "offset": 0.5, "curve": 20.0}  # in rows: how strongly each part is drawn to doing nothing
STEPS = 200


@dataclass(frozen=True)
class Scaling:
    """A map from probabilities of k classes to better ones.

    matrix, offset, curve
        Shape (k, k), (k,) and a number; the identity and zeros change nothing.
    reach
        Log-odds up to which the map is curved; beyond them, where no row taught it, it goes on straight. More sure never becomes less.

    >>> rng = np.random.default_rng(0); odds = rng.normal(size=2000) * 2; codes = (rng.random(2000) < 1 / (1 + np.exp(-odds / 2))).astype(np.int64)
    >>> proba = np.column_stack([1 / (1 + np.exp(odds)), 1 / (1 + np.exp(-odds))])  # twice too sure
    >>> bool(0.4 < Scaling.fit(proba, codes, "temperature").matrix[0, 0] < 0.6)
    True
    """

    matrix: Floats
    offset: Floats
    curve: float = 0.0
    reach: float = 0.0

    @classmethod
    def nothing(cls, k: int) -> Scaling:
        """Return the map that changes nothing."""
        return cls(np.eye(k), np.zeros(k))

    @classmethod
    def fit(cls, proba: Floats, codes: Ints, family: str) -> Scaling:
        """Fit one family by penalised maximum likelihood.

        Parameters
        ----------
        proba, codes
            The model's probabilities, shape (n, k), and which class was right, shape (n,).
        family
            One of `families_for(k)`.
        """
        from scipy.optimize import minimize

        n, k = proba.shape
        if family not in families_for(k):
            raise UnknownName.among(family, families_for(k), f"scaling of {k} classes")
        parts = _Parts(FREE[family], k)
        logs, target = logs_of(proba), np.eye(k)[codes]
        reach = float(np.abs(logs[:, -1] - logs[:, 0]).max()) if "curve" in parts.free else 0.0
        bend = _bend(logs, reach)

        def loss(theta: Floats) -> tuple[float, Floats]:
            scores = parts.map(theta, reach).scores(logs)
            logp = scores - _log_sum(scores)
            gap = np.exp(logp) - target
            gradient = parts.gradient(gap.T @ logs, gap.sum(axis=0), float((gap[:, -1] * bend).sum()))
            return float(-logp[np.arange(n), codes].sum() + 0.5 * (parts.ridge * theta * theta).sum()), gradient + parts.ridge * theta

        best = minimize(loss, np.zeros(len(parts.ridge)), jac=True, method="L-BFGS-B", bounds=parts.bounds, options={"maxiter": STEPS})
        found = parts.map(np.asarray(best.x, dtype=np.float64), reach)
        steepest = found.matrix[0, 0] / (2 * reach) if reach else 0.0  # a stronger curve would turn back within its reach
        return replace(found, curve=float(np.clip(found.curve, -steepest, steepest)))

    @classmethod
    def average(cls, maps: Sequence[Scaling], weights: Floats) -> Scaling:
        """Return the weighted mean of maps: its scores are the mean of theirs."""
        matrix = np.einsum("m,mij->ij", weights, np.stack([m.matrix for m in maps]))
        curve, reach = float(weights @ np.array([m.curve for m in maps])), max(m.reach for m in maps)
        return cls(matrix, weights @ np.stack([m.offset for m in maps]), curve, reach)

    def scores(self, logs: Floats) -> Floats:
        """Return scores for log-probabilities, shape (n, k)."""
        found: Floats = logs @ self.matrix.T + self.offset
        if self.curve:
            found[:, -1] += self.curve * _bend(logs, self.reach)
        return found

    def proba(self, proba: Floats) -> Floats:
        """Return calibrated probabilities, shape (n, k); rows of NaN stay so."""
        scores = self.scores(logs_of(proba))
        found: Floats = np.exp(scores - _log_sum(scores))
        return found

    def state(self) -> dict[str, Any]:
        """Return what was learned, as plain data."""
        return {"matrix": self.matrix, "offset": self.offset, "curve": self.curve, "reach": self.reach}

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> Scaling:
        """Rebuild from `state()`."""
        return cls(state["matrix"], state["offset"], float(state["curve"]), float(state["reach"]))


class _Parts:
    """The free parts of a map, packed into one vector of parameters."""

    def __init__(self, free: Sequence[str], k: int) -> None:
        self.free, self.k = free, k
        sizes = {"scale": 1, "diagonal": k, "rest": k * k, "offset": k, "curve": 1}
        self.ends = np.cumsum([sizes[part] for part in free])[:-1]
        self.ridge = np.concatenate([np.full(sizes[part], RIDGE[part]) for part in free])
        self.off = 1.0 - np.eye(k)
        # What multiplies a class's own log-probability is never negative.
        self.bounds = [(-1.0, None) if part in ("scale", "diagonal") else (None, None) for part in free for _ in range(sizes[part])]

    def map(self, theta: Floats, reach: float) -> Scaling:
        found = dict(zip(self.free, np.split(theta, self.ends), strict=True))
        matrix = (1.0 + float(found["scale"][0]) if "scale" in found else 1.0) * np.eye(self.k)
        if "diagonal" in found:
            matrix = matrix + np.diag(found["diagonal"])
        if "rest" in found:
            matrix = matrix + found["rest"].reshape(self.k, self.k) * self.off
        return Scaling(matrix, found.get("offset", np.zeros(self.k)), float(found["curve"][0]) if "curve" in found else 0.0, reach)

    def gradient(self, matrix: Floats, offset: Floats, curve: float) -> Floats:
        """Return the slope in the parameters from that in matrix, offset and curve."""
        slopes = {"scale": [np.trace(matrix)], "diagonal": np.diag(matrix), "rest": (matrix * self.off).ravel(), "offset": offset, "curve": [curve]}
        return np.concatenate([np.asarray(slopes[part], dtype=np.float64) for part in self.free])


def families_for(k: int) -> tuple[str, ...]:
    """Return the families that suit k classes."""
    return BINARY if k == 2 else SEVERAL


def logs_of(proba: Floats) -> Floats:
    """Return log-probabilities, bounded from below, of rows brought to a sum of 1, shape (n, k)."""
    bounded = np.maximum(proba, SMALLEST)
    found: Floats = np.log(bounded / bounded.sum(axis=1, keepdims=True))
    return found


def log_loss(proba: Floats, codes: Ints) -> Floats:
    """Return −log of the probability that each row gave to the right class, shape (n,)."""
    found: Floats = -logs_of(proba)[np.arange(len(codes)), codes]
    return found


def _bend(logs: Floats, reach: float) -> Floats:
    """Return the squared log-odds, continued straight beyond `reach`, shape (n,)."""
    odds = np.abs(logs[:, -1] - logs[:, 0])
    found: Floats = np.where(odds <= reach, odds**2, 2 * reach * odds - reach**2)
    return found


def _log_sum(scores: Floats) -> Floats:
    top = scores.max(axis=1, keepdims=True)
    found: Floats = top + np.log(np.exp(scores - top).sum(axis=1, keepdims=True))
    return found
