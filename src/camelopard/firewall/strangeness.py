"""How odd is a text or a picture, and how far from all that the model learned from does it lie? Two questions with two answers.

Odd is what looks damaged: learned from damaged rows against clean ones. Novel is what nobody showed the model, a giraffe among cats and dogs: it may
look perfect, and damage teaches nothing about it. So novelty is learned from clean rows alone: the distances in the model's own feature space, each
by how rarely a clean row lies that far, together as Fisher (1932) joins tests.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from camelopard.core.arrays import Bools, Floats, Ints, summed
from camelopard.firewall.boosting import boosted
from camelopard.firewall.panel import Panel
from camelopard.firewall.trees import Trees

TREES, DEPTH = 128, 6
FAR = ("nearest_5", "mahalanobis", "relative", "vim", "fdbd")  # of the feature space: what measures a distance, not the model's doubt
SEEN = ("suspicion_sum", "suspicion_0", "suspicion_1", "farthest", "distance", "hard_weight")
RUNGS = 64  # tail probabilities that are kept of each distance
BEYOND = 1.5  # gained per e-fold of distance beyond the farthest clean row, in spreads
FEWEST = 50  # rows of either sort, below which nothing is learned


@dataclass(frozen=True)
class Strangeness:
    """What tells odd rows and novel ones.

    trees, columns
        The log-odds of damage, and the columns of evidence that they look at.
    far, ladder, spread
        The columns of evidence that are distances, shape (m,); the values that clean rows exceed ever more rarely, shape (RUNGS, m); their spreads.
    deepest
        −log of the share of clean rows at the end of the ladder.
    """

    trees: Trees
    columns: Ints
    far: Ints
    ladder: Floats
    spread: Floats
    deepest: float

    @classmethod
    def learn(cls, panel: Panel, table: Floats, damaged: Bools, weight: Floats, rng: np.random.Generator) -> Strangeness | None:
        """Learn from evidence, shape (n, f), and which rows are damaged, shape (n,); None where there are no texts or pictures, or too few rows."""
        if not panel.reader.views or min(int(damaged.sum()), int((~damaged).sum())) < FEWEST:
            return None
        names = panel.names
        columns = np.array([k for k, n in enumerate(names) if n.startswith(("place:", "space:")) or n in SEEN], dtype=np.int64)
        far = np.array([k for k, n in enumerate(names) if n in {f"space:{what}" for what in FAR}], dtype=np.int64)
        part = np.ascontiguousarray(table[:, columns])
        trees = boosted(part, damaged, weight, np.zeros(len(columns), dtype=bool), rng, trees=TREES, depth=DEPTH)
        clean = table[~damaged][:, far]
        tail = np.geomspace(1.0, 1.0 / len(clean), RUNGS)
        low, high = np.quantile(clean, (0.16, 0.84), axis=0) if len(far) else (np.zeros(0), np.zeros(0))
        return cls(trees, columns, far, np.quantile(clean, 1.0 - tail, axis=0), np.maximum((high - low) / 2, 1e-9), float(np.log(len(clean))))

    def oddness(self, table: Floats) -> Floats:
        """Return how much each row looks damaged, shape (n,)."""
        return self.trees.score(np.ascontiguousarray(table[:, self.columns]))

    def novelty(self, table: Floats) -> Floats:
        """Return how far each row lies from what the model learned from, shape (n,): the sum of −log of tail probabilities."""
        if not len(self.far):
            return np.zeros(len(table))
        cost = np.linspace(0.0, self.deepest, RUNGS)  # the tails are in geometric progression
        found = np.empty((len(table), len(self.far)))
        for j, k in enumerate(self.far.tolist()):
            values = table[:, k]
            over = np.maximum(values - self.ladder[-1, j], 0.0) / self.spread[j]
            found[:, j] = np.interp(values, self.ladder[:, j], cost) + BEYOND * np.log1p(over)
        return summed(found)

    def state(self) -> dict[str, Any]:
        """Return what was learned, as plain data and arrays."""
        return {
            "trees": self.trees.state(),
            "columns": self.columns,
            "far": self.far,
            "ladder": self.ladder,
            "spread": self.spread,
            "deepest": self.deepest,
        }

    @classmethod
    def from_state(cls, s: Mapping[str, Any], width: int) -> Strangeness:
        """Rebuild from `state()`; `width`: how many columns the evidence has. Raises ValueError where columns lie outside of it."""
        columns, far = (np.asarray(s[name]).astype(np.int64) for name in ("columns", "far"))
        if columns.ndim != 1 or far.ndim != 1 or any(len(a) and not 0 <= a.min() <= a.max() < width for a in (columns, far)):
            raise ValueError("columns of evidence that there are not")
        ladder, spread = np.asarray(s["ladder"], dtype=np.float64), np.asarray(s["spread"], dtype=np.float64)
        if ladder.shape != (RUNGS, len(far)) or spread.shape != (len(far),) or not (np.isfinite(ladder).all() and (spread > 0).all()):
            raise ValueError("a ladder of another shape than its columns")
        return cls(Trees.from_state(s["trees"]), columns, far, ladder, spread, float(s["deepest"]))
