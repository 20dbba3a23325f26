"""Symmetric trees as plain arrays, scored by the compiled kernel or NumPy alone: no framework is needed to use what one has learned."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from camelopard.core import kernel
from camelopard.core.arrays import Floats, Ints

FEW = 32  # rows up to which all trees are asked at once
DEEPEST = 8  # a leaf's number is a byte


class Trees:
    """A sum of symmetric trees. feature, threshold: shape (trees, depth); leaves: (trees, 2**depth).

    Level by level, a tree asks whether `feature` is greater than `threshold`; the answers are the bits of the leaf's number, the highest first.
    """

    def __init__(self, feature: Ints, threshold: Floats, leaves: Floats, base: float = 0.0) -> None:
        self.feature, self.base = np.ascontiguousarray(feature), base
        self.threshold, self.leaves = np.ascontiguousarray(threshold, np.float64), np.ascontiguousarray(leaves, np.float64)
        self.depth = feature.shape[1]
        if not 0 < self.depth <= DEEPEST:
            raise ValueError(f"trees of depth {self.depth}; expected 1 to {DEEPEST}")
        self._used, place = np.unique(feature, return_inverse=True)
        places: Ints = place.reshape(feature.shape)
        self._questions = [list(zip(at, above, strict=True)) for at, above in zip(places.tolist(), threshold.tolist(), strict=True)]
        # For few rows: eight questions per tree, the first of them never true, so that the answers are the bits of a byte.
        lead = ((0, 0), (DEEPEST - self.depth, 0))
        self._eight_features = np.pad(feature, lead).ravel()
        self._eight_thresholds = np.pad(threshold, lead, constant_values=np.inf).ravel()
        self._flat_leaves = leaves.ravel().copy()
        self._flat_leaves[: 2**self.depth] += base
        self._first = np.arange(len(feature)) * 2**self.depth

    def score(self, table: Floats, more: Floats | None = None) -> Floats:
        """Return the sum of the trees per row, shape (n,), for a table without NaN, shape (n, f): the same bytes for a row alone and among others.

        `more`: columns that follow those of the table, shape (n, g).
        """
        if not len(self.feature):
            return np.full(len(table), self.base)
        if kernel.compiled is not None:
            total = np.empty(len(table))
            follow = table[:, :0] if more is None else more
            kernel.compiled.score_trees(table, follow, self.feature, self.threshold, self.leaves, self.base, total)
            return total
        whole = table if more is None else np.hstack([table, more])
        return self._few(whole) if len(whole) <= FEW else self._many(whole)

    def _few(self, table: Floats) -> Floats:
        leaf = np.packbits(table.take(self._eight_features, axis=1) > self._eight_thresholds, axis=1) + self._first
        total: Floats = self._flat_leaves.take(leaf).cumsum(axis=1)[:, -1]  # tree after tree, in a fixed order
        return total

    def _many(self, table: Floats) -> Floats:
        columns = np.ascontiguousarray(table[:, self._used].T)
        total = np.full(len(table), self.base)
        leaf, digit = np.empty(len(table), dtype=np.uint8), np.empty(len(table), dtype=np.uint8)
        first, bit = leaf.view(bool), digit.view(bool)
        for questions, leaves in zip(self._questions, self.leaves, strict=True):
            place, threshold = questions[0]
            np.greater(columns[place], threshold, out=first)
            for place, threshold in questions[1:]:
                np.greater(columns[place], threshold, out=bit)
                np.add(leaf, leaf, out=leaf)
                np.bitwise_or(leaf, digit, out=leaf)
            total += leaves.take(leaf)
        return total

    def state(self) -> dict[str, Any]:
        """Return the arrays."""
        return {"feature": self.feature.astype(np.int16), "threshold": self.threshold, "leaves": self.leaves, "base": self.base}

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> Trees:
        """Rebuild from `state()`."""
        return cls(state["feature"].astype(np.int64), state["threshold"], state["leaves"], float(state["base"]))
