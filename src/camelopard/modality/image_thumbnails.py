"""What clean pictures look like from afar: thumbnails of 8 × 8, their mean and spread, and some of them to find the nearest.

Distances are sums of whole numbers, exact in single precision: a picture gets the same bytes alone and in any batch.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from camelopard.core.arrays import Array, Floats
from camelopard.modality.image_numbers import GRID
from camelopard.modality.states import array_of

CELLS = GRID * GRID
MOST_ROWS = 2_000
FARTHEST = 8.0  # standard deviations beyond which far is far
STEPS = 15  # whole numbers per standard deviation: the squares over all cells stay exact
SMALLEST = 0.02  # spread of brightness below which a part of the picture counts as never changing
NEAR = 10  # clean thumbnails that the parts of a picture are compared with
PIECE = 1_024


class Thumbnails:
    """The mean and spread of clean thumbnails, each of shape (64,), and some of them in whole numbers, shape (m, 64)."""

    def __init__(self, mean: Floats, spread: Floats, rows: NDArray[np.int8]) -> None:
        self.mean, self.spread, self.rows = mean, spread, rows
        whole = rows.astype(np.float32)
        self._matrix = np.ascontiguousarray((-2 * whole).T)
        self._squares = (whole * whole).sum(axis=1)

    @classmethod
    def learn(cls, small: Array) -> Thumbnails:
        """Learn from thumbnails of clean pictures, shape (n, 64); at most MOST_ROWS."""
        mean = small.mean(axis=0, dtype=np.float64)
        spread = np.maximum(small.std(axis=0, dtype=np.float64), SMALLEST)
        bare = cls(mean, spread, np.zeros((0, CELLS), dtype=np.int8))
        return cls(mean, spread, _whole(bare.standard(small)).astype(np.int8)[:MOST_ROWS])

    def standard(self, small: Array) -> Floats:
        """Return thumbnails in standard deviations from the mean of clean ones, at most FARTHEST, shape (n, 64)."""
        found: Floats = np.clip((small.astype(np.float64) - self.mean) / self.spread, -FARTHEST, FARTHEST)
        return found

    def distances(self, standard: Floats, own: bool = False) -> Floats:
        """Return the logarithms of the distances to the mean and to the nearest clean thumbnail, shape (n, 2).

        Both are root mean squares over the cells. With `own`, a clean thumbnail that equals the picture's is passed over once.
        """
        found = np.empty((len(standard), 2))
        for start in range(0, len(standard), PIECE):
            whole = _whole(standard[start : start + PIECE])
            squares = (whole * whole).sum(axis=1)
            near = squares[:, None] + (whole @ self._matrix) + self._squares if len(self.rows) else squares[:, None].copy()
            if own and len(self.rows) > 1:
                at, best = np.arange(len(near)), near.argmin(axis=1)
                near[at, best] = np.where(near[at, best] == 0, np.inf, near[at, best])
            both = np.column_stack([squares, near.min(axis=1)]).astype(np.float64)
            found[start : start + PIECE] = np.log(np.sqrt(both / CELLS) / STEPS + 1 / STEPS)
        return found

    def distance(self, standard: Floats) -> float:
        """Return how far one thumbnail, shape (64,), is from the nearest clean one, where no part counts for more than a little."""
        return float(self._bounded(standard).min()) if len(self.rows) else 0.0

    def unlike(self, standard: Floats) -> Floats:
        """Return how far each part is from the same part of the nearest clean thumbnails, shape (64,)."""
        if not len(self.rows):
            return np.abs(standard)
        near = np.argsort(self._bounded(standard), kind="stable")[:NEAR]
        found: Floats = np.abs(standard - self.rows[near].astype(np.float64).mean(axis=0) / STEPS)
        return found

    def _bounded(self, standard: Floats) -> Floats:
        """Return the mean squared distance to each clean thumbnail, where no part counts for more than two standard deviations, shape (m,)."""
        apart: Floats = np.minimum((self.rows.astype(np.float64) / STEPS - standard) ** 2, 4.0).mean(axis=1)
        return apart

    def state(self) -> dict[str, Any]:
        """Return what was learned, as arrays."""
        return {"mean": self.mean, "spread": self.spread, "rows": self.rows}

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> Thumbnails:
        """Rebuild from `state()`. Raises ValueError if it is not one."""
        mean, spread = array_of(state, "mean", "f", (CELLS,)), array_of(state, "spread", "f", (CELLS,))
        rows = array_of(state, "rows", "i", (None, CELLS), most=MOST_ROWS * CELLS)
        if not (spread > 0).all() or (len(rows) and int(np.abs(rows.astype(np.int64)).max()) > 127):
            raise ValueError("spread, rows: expected positive numbers, and small whole ones")
        return cls(mean.astype(np.float64), spread.astype(np.float64), rows.astype(np.int8))


def _whole(standard: Floats) -> NDArray[np.float32]:
    """Return standard deviations in whole numbers of steps."""
    found: NDArray[np.float32] = np.rint(standard * STEPS).astype(np.float32)
    return found
