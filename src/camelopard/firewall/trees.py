"""Boosted trees as plain arrays, scored with NumPy alone: no framework is needed to use what one has learned.

Every tree is laid out as a complete binary tree of one depth, so that walking all trees for many rows is a few array look-ups per level.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from camelopard.core.arrays import Floats, Ints

CHUNK = 1024  # rows walked at once: the working arrays stay in the cache


class Trees:
    """A sum of trees. feature, threshold: shape (trees, 2**depth − 1); leaves: (trees, 2**depth)."""

    def __init__(self, feature: Ints, threshold: Floats, leaves: Floats) -> None:
        self.feature, self.threshold, self.leaves = feature, threshold, leaves
        self.depth = int(leaves.shape[1]).bit_length() - 1
        self._feature = np.ascontiguousarray(feature, dtype=np.intp).ravel()
        self._threshold = threshold.ravel()
        self._leaves = leaves.ravel()
        self._base = np.arange(len(feature), dtype=np.intp) * feature.shape[1]
        self._leaf_base = np.arange(len(feature), dtype=np.intp) * leaves.shape[1]

    @classmethod
    def from_lightgbm(cls, dump: Mapping[str, Any], depth: int) -> Trees:
        """Read the trees of `Booster.dump_model()`; no tree may be deeper than `depth` and no feature categorical or missing."""
        trees = [tree["tree_structure"] for tree in dump["tree_info"]]
        feature = np.zeros((len(trees), 2**depth - 1), dtype=np.int64)
        threshold = np.full((len(trees), 2**depth - 1), np.inf)
        leaves = np.zeros((len(trees), 2**depth))
        for t, root in enumerate(trees):
            _lay(root, t, 0, 0, depth, feature, threshold, leaves)
        return cls(feature, threshold, leaves)

    def score(self, table: Floats) -> Floats:
        """Return the sum of the trees per row, shape (n,), for a table without NaN, shape (n, f)."""
        out = np.empty(len(table))
        for start in range(0, len(table), CHUNK):
            out[start : start + CHUNK] = self._walk(np.ascontiguousarray(table[start : start + CHUNK]))
        return out

    def _walk(self, table: Floats) -> Floats:
        n, f = table.shape
        flat = table.ravel()
        row = (np.arange(n, dtype=np.intp) * f)[:, None]
        node = np.zeros((n, len(self._base)), dtype=np.intp)
        for _ in range(self.depth):
            at = node + self._base
            above = flat.take(self._feature.take(at) + row) > self._threshold.take(at)
            node += node
            node += 1
            node += above
        node -= self.feature.shape[1]
        values = self._leaves.take(node + self._leaf_base)
        # Summed tree after tree in a fixed order: the same bytes for one row and for many.
        total: Floats = np.cumsum(values, axis=1)[:, -1]
        return total

    def state(self) -> dict[str, Any]:
        """Return the arrays."""
        return {"feature": self.feature.astype(np.int16), "threshold": self.threshold, "leaves": self.leaves}

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> Trees:
        """Rebuild from `state()`."""
        return cls(state["feature"].astype(np.int64), state["threshold"], state["leaves"])


def _lay(node: Mapping[str, Any], t: int, place: int, level: int, depth: int, feature: Ints, threshold: Floats, leaves: Floats) -> None:
    if "split_feature" not in node:
        width = 2 ** (depth - level)
        first = (place + 1) * width - 2**depth
        leaves[t, first : first + width] = node["leaf_value"]
        return
    feature[t, place] = node["split_feature"]
    threshold[t, place] = node["threshold"]
    _lay(node["left_child"], t, 2 * place + 1, level + 1, depth, feature, threshold, leaves)
    _lay(node["right_child"], t, 2 * place + 2, level + 1, depth, feature, threshold, leaves)
