"""Does the row look like rows to which the model gives this answer? Distances to the nearest clean row of the same and of any other answer.

The ratio is the trust score of Jiang, Kim, Guan & Gupta (2018), taken to some hundred rows in normal scores. Distances are sums of whole numbers
small enough to be exact in single precision, so that a fast matrix product gives the same bytes for a row alone and in any batch.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import sqrt
from typing import Any

import numpy as np

from camelopard.core import kernel
from camelopard.core.arrays import Floats, Ints
from camelopard.core.records import Prediction, Task

NAMES = ("nearest", "trust")
MOST = 512  # rows kept
FARTHEST = 6.0  # normal score beyond which far is far
STEPS = 16  # per normal score
EXACT = 2**24  # whole numbers up to here are exact in single precision
PIECE = 2048  # rows compared at once
PARTS = (0.25, 0.5, 0.75)  # quantiles that divide the answers of a regression
NOWHERE = 1e4  # distance to rows that there are none of
SMALL = 0.05  # added to both distances of the ratio


class Neighbours:
    """Clean rows, by the model's answer to them. `rows`: whole numbers, shape (m, d), in the order of their `groups`, shape (m,).

    `source` says where each stood among the rows it was learned from, so that a row is not compared with itself while learning; it is not kept.
    """

    def __init__(self, rows: Floats, groups: Ints, cuts: Floats, source: Ints | None = None) -> None:
        self.rows, self.groups, self.cuts, self.source = rows, groups, cuts, source
        steps = steps_of(rows.shape[1])
        whole = rows.astype(np.float32)
        # |x − r|² = |x|² + x·(−2r) + |r|²: the last two in one product, with a column of ones beside x.
        self._matrix = np.ascontiguousarray(np.column_stack([-2 * whole, (whole * whole).sum(axis=1)]).T)
        self._steps = steps
        # The same for the kernel: −2r two cells side by side, and |r|².
        even = np.pad(-2 * rows, ((0, 0), (0, rows.shape[1] % 2))).astype(np.int16)
        self._pairs = np.ascontiguousarray(even.reshape(len(rows), even.shape[1] // 2, 2).swapaxes(0, 1))
        self._sizes = (rows * rows).sum(axis=1).astype(np.int32)
        present, self._starts = np.unique(groups, return_index=True)
        self._column = np.full(
            int(present.max()) + 2 if len(present) else 1, len(present), dtype=np.int64
        )  # of a group; the last, of one that no row is in
        self._column[present] = np.arange(len(present))

    @classmethod
    def learn(cls, scores: Floats, answer: Prediction | None, task: Task, source: Ints | None = None) -> Neighbours:
        """Choose among clean rows: normal scores without NaN, shape (n, d), the model's answers, and where they stood. Answers get equal shares."""
        cuts = np.zeros(0)
        if answer is not None and task == "regression":
            values = answer.value.astype(np.float64)
            cuts = np.quantile(values[~np.isnan(values)], PARTS) if (~np.isnan(values)).any() else cuts
        groups = groups_of(answer, task, cuts) if answer is not None else np.zeros(len(scores), dtype=np.int64)
        chosen = _chosen(groups)
        return cls(whole(scores[chosen]), groups[chosen], cuts, None if source is None else source[chosen])

    def measure(self, scores: Floats, answer: Prediction, task: Task, origin: Ints | None = None) -> Floats:
        """Return the logarithm of the distance to the nearest row, and of how much nearer the row's own answer is than another, shape (n, 2).

        `origin` says from which of the rows learned from each comes, shape (n,): with that one it is not compared.
        """
        n = len(scores)
        found = np.zeros((n, len(NAMES)))
        if not len(self.rows) or not n:
            return found
        groups = groups_of(answer, task, self.cuts)
        if kernel.compiled is not None and origin is None:
            place = (self._pairs, self._sizes, self._starts, groups, self._column)
            kernel.compiled.nearest(scores, *place, FARTHEST, self._steps, NOWHERE, SMALL, found)
            np.log1p(found[:, 0], out=found[:, 0])
            np.log(found[:, 1], out=found[:, 1])
            return found
        if n == 1 and origin is None:
            own, other = self._of_one(scores[0], int(self._column[min(int(groups[0]), len(self._column) - 1)]))
            found[0, 0], found[0, 1] = np.log1p(min(own, other)), np.log((own + SMALL) / (other + SMALL))
            return found
        column = self._column[np.minimum(groups, len(self._column) - 1)]
        for start in range(0, n, PIECE):
            part = slice(start, start + PIECE)
            near, at = self._distances(scores[part], None if origin is None else origin[part]), np.arange(len(scores[part]))
            own = near[at, column[part]]
            near[at, column[part]] = NOWHERE
            other = near.min(axis=1)
            found[part, 0] = np.log1p(np.minimum(own, other))
            found[part, 1] = np.log((own + SMALL) / (other + SMALL))
        return found

    def _of_one(self, scores: Floats, column: int) -> tuple[float, float]:
        """Return the distance of a single row to its own group, and to the nearest other: the same numbers, several times faster."""
        row = np.empty(len(scores) + 1, dtype=np.float32)
        row[:-1], row[-1] = np.rint(np.minimum(np.maximum(scores, -FARTHEST), FARTHEST) * self._steps), 1.0
        size = float(row[:-1] @ row[:-1])
        near = [min(sqrt(square + size) / self._steps, NOWHERE) for square in np.minimum.reduceat(row @ self._matrix, self._starts).tolist()]
        near.append(NOWHERE)
        own, near[column] = near[column], NOWHERE
        return own, min(near)

    def _distances(self, scores: Floats, origin: Ints | None) -> Floats:
        """Return the distance to the nearest row of every group, at most NOWHERE, and NOWHERE for the group without rows, shape (n, groups + 1)."""
        rows = np.ones((len(scores), scores.shape[1] + 1), dtype=np.float32)
        rows[:, :-1] = whole(scores)
        products = rows @ self._matrix
        if origin is not None and self.source is not None:
            products[origin[:, None] == self.source] = np.inf
        squares = np.minimum.reduceat(products, self._starts, axis=1) + np.einsum("ij,ij->i", rows[:, :-1], rows[:, :-1])[:, None]
        distances = np.full((len(scores), len(self._starts) + 1), NOWHERE)
        distances[:, :-1] = np.minimum(np.sqrt(squares.astype(np.float64)) / self._steps, NOWHERE)
        return distances

    def state(self) -> dict[str, Any]:
        """Return what was learned, as arrays."""
        return {"rows": self.rows.astype(np.int8), "groups": self.groups.astype(np.int16), "cuts": self.cuts}

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> Neighbours:
        """Rebuild from `state()`."""
        return cls(state["rows"].astype(np.float64), state["groups"].astype(np.int64), state["cuts"])


def groups_of(answer: Prediction, task: Task, cuts: Floats) -> Ints:
    """Return which group of answers each belongs to, shape (n,): its class, or the part of the range in which a number lies."""
    if task == "regression":
        groups: Ints = np.searchsorted(cuts, answer.value.astype(np.float64)).astype(np.int64)
    else:
        groups = answer.shares.argmax(axis=1).astype(np.int64)
    return groups


def whole(scores: Floats) -> Floats:
    """Return normal scores as whole numbers of steps, bounded, shape (n, d)."""
    found: Floats = np.rint(np.minimum(np.maximum(scores, -FARTHEST), FARTHEST) * steps_of(scores.shape[1]))
    return found


def steps_of(d: int) -> float:
    """Return how many steps a normal score is divided into: so few that no sum over d columns leaves the exact whole numbers."""
    return float(max(1, min(STEPS, int(np.sqrt(EXACT / (4 * FARTHEST**2 * max(d, 1)))))))


def _chosen(groups: Ints) -> Ints:
    """Return the places of at most MOST rows in the order of their groups, from each up to an equal share, evenly over the rows."""
    names, counts = np.unique(groups, return_counts=True)
    left, quota = MOST, np.zeros(len(names), dtype=np.int64)
    for k, i in enumerate(np.argsort(counts, kind="stable").tolist()):
        quota[i] = min(int(counts[i]), left // (len(names) - k))
        left -= int(quota[i])
    parts = []
    for name, most in zip(names.tolist(), quota.tolist(), strict=True):
        mine = np.flatnonzero(groups == name)
        parts.append(mine[(np.arange(most) * (len(mine) / max(most, 1))).astype(np.int64)])
    return np.concatenate(parts) if parts else np.zeros(0, dtype=np.int64)
