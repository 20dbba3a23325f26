"""How surprising is each cell, given the rest of its row? A Gaussian copula of clean rows.

One matrix product with its precision matrix gives the conditional residual of every cell given all the others, the distance of the row, and
the most plausible value of each cell (Liu, Lafferty & Wasserman 2009). The products are exact, so that a row gets the same bytes alone and in any
batch.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from camelopard.core import kernel
from camelopard.core.arrays import Bools, Floats, summed
from camelopard.evidence.exact import coarse, gridded

SHRINK = 0.02  # share of the identity mixed into the correlations: keeps exact dependencies invertible
NARROWEST = 0.05  # spread of clean residuals below which a column counts as determined by the others
SWEEPS = 3  # rounds of conditional means for cells that are unknown
WIDEST = 64  # columns up to which the kernel's product is the faster one


@dataclass(frozen=True)
class Surprise:
    """What the copula says of a batch; every array has shape (n, d), `distance` (n,).

    `residual`: difference from what the rest of the row suggests, in the copula's `sd`. `filled`: the scores with unknown cells filled in.
    """

    filled: Floats
    residual: Floats
    distance: Floats


class Copula:
    """The correlations of clean rows, in normal scores."""

    def __init__(self, precision: Floats, spread: Floats) -> None:
        self.precision, self.spread = np.ascontiguousarray(coarse(precision)), spread
        self.diagonal = np.diag(self.precision).copy()
        self.sd = spread / np.sqrt(self.diagonal)
        self.unit = 1.0 / (spread * np.sqrt(self.diagonal))

    @classmethod
    def learn(cls, scores: Floats) -> Copula:
        """Learn from normal scores, shape (n, d), NaN where unknown.

        >>> z = np.random.default_rng(0).normal(size=(500, 1)); copula = Copula.learn(np.hstack([z, z, -z]))
        >>> surprise = copula.surprise(np.array([[1.0, 1.0, -1.0], [1.0, 1.0, 1.0]]))
        >>> bool(abs(surprise.residual[1, 2]) > 5 * abs(surprise.residual[0]).max())
        True
        """
        known = ~np.isnan(scores)
        z = np.where(known, scores, 0.0)
        pairs = known.astype(np.float64).T @ known.astype(np.float64)
        covariance = (z.T @ z) / np.maximum(pairs, 1.0)
        scale = np.sqrt(np.maximum(np.diag(covariance), 1e-6))
        correlation = np.clip(covariance / np.outer(scale, scale), -1.0, 1.0) * np.minimum(1.0, pairs / (pairs + 20.0))
        np.fill_diagonal(correlation, 1.0)
        shrink = max(SHRINK, min(0.5, scores.shape[1] / max(len(scores), 1)))
        mixed = (1 - shrink) * correlation + shrink * np.eye(len(correlation))
        smallest = float(np.linalg.eigvalsh(mixed)[0])
        if smallest < 1e-3:
            mixed = (mixed + (1e-3 - smallest) * np.eye(len(mixed))) / (1 + 1e-3 - smallest)
        precision = np.linalg.inv(mixed)
        # Shrinking and ties make clean residuals narrower than 1: their own spread is what they are measured in.
        residuals = (z @ precision) / np.sqrt(np.diag(precision))
        spread = np.sqrt(np.maximum((residuals**2 * known).sum(axis=0) / np.maximum(known.sum(axis=0), 1), NARROWEST**2))
        return cls(precision, spread)

    def surprise(self, scores: Floats) -> Surprise:
        """Return residuals, expectations and distances for normal scores with NaN where unknown, shape (n, d)."""
        if kernel.compiled is not None and 0 < scores.shape[1] <= WIDEST:
            found = Surprise(np.empty_like(scores), np.empty_like(scores), np.empty(len(scores)))
            kernel.compiled.surprise(scores, self.precision, self.unit, SWEEPS, found.filled, found.residual, found.distance)
            return found
        unknown = np.isnan(scores)
        some = bool(unknown.any())
        filled = gridded(np.where(unknown, 0.0, scores) if some else scores)
        if some:
            filled = self.fill(filled, unknown)
        product = (self.precision.T @ filled.T).T + 0.0  # a column's cells lie side by side, as in the scores; a zero has no sign
        residual = product * self.unit
        if some:
            residual[unknown] = 0.0
        distance = np.maximum(summed(filled * product), 0.0) + 0.0
        return Surprise(filled, residual, distance)

    def fill(self, scores: Floats, unknown: Bools) -> Floats:
        """Return the scores with the unknown cells at their conditional means, shape (n, d); rows with none untouched.

        A few sweeps of Gauss and Seidel, cell after cell: these come nearer with every step, whatever the correlations.
        """
        rows = np.flatnonzero(unknown.any(axis=1))
        part, gaps = gridded(scores[rows]), unknown[rows]
        sweeps = SWEEPS if int(gaps.sum(axis=1).max(initial=0)) > 1 else 1
        if kernel.compiled is not None:
            part, gaps = np.ascontiguousarray(part), np.ascontiguousarray(gaps)
            kernel.compiled.fill(part, gaps, self.precision, sweeps)
        else:
            self._swept(part, gaps, sweeps)
        filled = scores.copy(order="K")
        filled[rows] = part
        return filled

    def _swept(self, part: Floats, gaps: Bools, sweeps: int) -> None:
        places = [(j, np.flatnonzero(gaps[:, j])) for j in np.flatnonzero(gaps.any(axis=0)).tolist()]
        for _ in range(sweeps):
            for j, at in places:
                some = part[at]
                part[at, j] = gridded(some[:, j] - some @ self.precision[:, j] / self.diagonal[j])

    def state(self) -> dict[str, Any]:
        """Return what was learned, as arrays."""
        return {"precision": self.precision, "spread": self.spread}

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> Copula:
        """Rebuild a copula from `state()`."""
        return cls(state["precision"], state["spread"])
