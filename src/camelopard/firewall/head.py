"""Learns P(fooled) from the evidence of stressed rows; keeps plain arrays and scores without the learner.

Boosted trees where there is enough to learn from, a logistic map of the summary columns below that, a constant where nothing fooled the model.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from camelopard.confidence.logistic import Logistic, logit
from camelopard.core.arrays import Bools, Floats
from camelopard.firewall.boosting import boosted
from camelopard.firewall.panel import RISING, summary_columns
from camelopard.firewall.trees import Trees

FEW_ROWS, FEW_FOOLED = 800, 100  # below either, boosted trees fit noise
DEPTH = 6
TREES = 64


@dataclass(frozen=True)
class Head:
    """A score per row of evidence, higher for rows more likely to fool the model. One of `trees` and `line` is set, or neither."""

    trees: Trees | None = None
    line: Logistic | None = None
    centre: Floats | None = None
    spread: Floats | None = None

    @classmethod
    def fit(
        cls,
        table: Floats,
        names: Sequence[str],
        fooled: Bools,
        weight: Floats,
        rng: np.random.Generator,
        *,
        free: bool = False,
        rows: int | None = None,
    ) -> Head:
        """Fit on evidence, shape (n, f), and outcomes, shape (n,); `free`: nothing needs to be monotone.

        `rows` is how many rows tell anything of their own, where twins share their outcome.
        """
        few = min(int(fooled.sum()), int((~fooled).sum()))
        if few < 10:
            return cls()
        if (len(table) if rows is None else rows) >= FEW_ROWS and few >= FEW_FOOLED:
            rising = np.array([name in RISING and not free for name in names])
            return cls(trees=boosted(table, fooled, weight, rising, rng, trees=TREES, depth=DEPTH))
        part = table[:, summary_columns(table.shape[1])]
        centre, spread = part.mean(axis=0), np.maximum(part.std(axis=0), 1e-9)
        return cls(line=Logistic.fit(_scaled(part, centre, spread), fooled, weight, ridge=3.0), centre=centre, spread=spread)

    def score(self, table: Floats) -> Floats:
        """Return log-odds-like scores, shape (n,)."""
        if self.trees is not None:
            return self.trees.score(table)
        if self.line is not None and self.centre is not None and self.spread is not None:
            part = table[:, : len(self.centre)]
            return logit(self.line.probability(_scaled(part, self.centre, self.spread)))
        return np.zeros(len(table))

    def state(self) -> dict[str, Any]:
        """Return what was learned, as plain data and arrays."""
        return {
            "trees": None if self.trees is None else self.trees.state(),
            "line": None if self.line is None else self.line.state(),
            "centre": self.centre,
            "spread": self.spread,
        }

    @classmethod
    def from_state(cls, s: Mapping[str, Any]) -> Head:
        """Rebuild from `state()`."""
        trees = None if s["trees"] is None else Trees.from_state(s["trees"])
        return cls(trees, None if s["line"] is None else Logistic.from_state(s["line"]), s["centre"], s["spread"])


def _scaled(part: Floats, centre: Floats, spread: Floats) -> Floats:
    scaled: Floats = np.clip((part - centre) / spread, -6.0, 6.0)
    return scaled
