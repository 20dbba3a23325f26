"""Learns P(event) from the evidence of stressed rows; keeps plain arrays and scores without the learner.

Boosted trees where there is enough to learn from, a logistic map below that, a constant where nothing happened.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from camelopard.confidence.logistic import Logistic
from camelopard.core import kernel
from camelopard.core.arrays import Bools, Floats
from camelopard.firewall.boosting import boosted
from camelopard.firewall.panel import RISING, SUMMARY
from camelopard.firewall.trees import Trees

FEW_ROWS, FEW_EVENTS = 800, 100  # below either, boosted trees fit noise
FEWEST_EVENTS = 10
DEPTH, TREES = 6, 64
LINE_SHARE = 0.2  # of the score where both speak: trees know the kinds of damage they saw better, a line those that they did not
RIDGE = 3.0
BOUND = 14.0  # log-odds
FARTHEST = 6.0  # standard deviations up to which a line looks at a column
DOUBT_SCALE = 4.0  # the model's own log-odds go to 14, what is scaled to 6


@dataclass(frozen=True)
class Head:
    """A score per row of evidence, in log-odds: of `trees`, of a `line` through the summary columns, or a blend of both; 0 of neither."""

    trees: Trees | None = None
    line: Logistic | None = None
    centre: Floats | None = None
    spread: Floats | None = None

    @classmethod
    def of_risk(cls, table: Floats, fooled: Bools, weight: Floats, rng: np.random.Generator, summary: Sequence[str] = SUMMARY) -> Head:
        """Learn what fools the model, from the summary columns alone: what says where a row lies does not carry over to damage never seen.

        `table` is evidence, shape (n, f), which begins with the columns `summary`; `fooled` and `weight` have shape (n,).
        """
        if not _enough(fooled, FEWEST_EVENTS):
            return cls()
        part = np.ascontiguousarray(table[:, : len(summary)])
        line, centre, spread = _line(part, fooled, weight)
        if len(table) < FEW_ROWS or not _enough(fooled, FEW_EVENTS):
            return cls(None, line, centre, spread)
        rising = np.array([name in RISING for name in summary])
        return cls(boosted(part, fooled, weight, rising, rng, trees=TREES, depth=DEPTH), line, centre, spread)

    @classmethod
    def of_errors(cls, table: Floats, wrong: Bools, weight: Floats, rng: np.random.Generator, summary: Sequence[str] = SUMMARY) -> Head:
        """Learn what wrong answers look like, from all columns where there is enough: a model's weak regions are places."""
        if not _enough(wrong, FEWEST_EVENTS):
            return cls()
        if len(table) < FEW_ROWS or not _enough(wrong, FEW_EVENTS):
            return cls(None, *_line(table[:, : len(summary)], wrong, weight))
        return cls(boosted(table, wrong, weight, np.zeros(table.shape[1], dtype=bool), rng, trees=TREES, depth=DEPTH))

    @classmethod
    def of_doubt(cls, summary: Sequence[str] = SUMMARY) -> Head:
        """Return the head that has only the model's own word: for where learning from damage does not carry over."""
        weights = np.where(np.array(summary) == "logit", -DOUBT_SCALE, 0.0)
        return cls(None, Logistic(weights, 0.0), np.zeros(len(summary)), np.full(len(summary), DOUBT_SCALE))

    @cached_property
    def _folded(self) -> tuple[Floats, Floats, Logistic]:
        """Return bounds for the summary columns, and the line through columns within them: scaling folded into its weights."""
        assert self.line is not None and self.centre is not None and self.spread is not None
        weights = self.line.weights / self.spread
        line = Logistic(weights, self.line.intercept - float((weights * self.centre).sum()))
        return self.centre - FARTHEST * self.spread, self.centre + FARTHEST * self.spread, line

    def score(self, table: Floats) -> Floats:
        """Return log-odds-like scores, shape (n,), of evidence, shape (n, f)."""
        if self.line is None:
            return np.zeros(len(table)) if self.trees is None else self.trees.score(table)
        straight = self._straight(table)
        return straight if self.trees is None else (1 - LINE_SHARE) * self.trees.score(table) + LINE_SHARE * straight

    def _straight(self, table: Floats) -> Floats:
        """Return what the line says, shape (n,)."""
        low, high, line = self._folded
        if kernel.compiled is not None:
            found = np.empty(len(table))
            kernel.compiled.line(table, low, high, line.weights, line.intercept, BOUND, found)
            return found
        return np.minimum(np.maximum(line.logits(np.minimum(np.maximum(table[:, : len(low)], low), high)), -BOUND), BOUND)

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


def _enough(event: Bools, fewest: int) -> bool:
    """Return whether both what happened and what did not are there that often."""
    return min(int(event.sum()), int((~event).sum())) >= fewest


def _line(part: Floats, event: Bools, weight: Floats) -> tuple[Logistic, Floats, Floats]:
    centre, spread = part.mean(axis=0), np.maximum(part.std(axis=0), 1e-9)
    return Logistic.fit(_scaled(part, centre, spread), event, weight, RIDGE), centre, spread


def _scaled(part: Floats, centre: Floats, spread: Floats) -> Floats:
    scaled: Floats = np.minimum(np.maximum((part - centre) / spread, -FARTHEST), FARTHEST)
    return scaled
