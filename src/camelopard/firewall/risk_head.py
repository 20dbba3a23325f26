"""The score that risk rests on: what fools the model, as a head knows it, and an opinion on what the model said before the damage.

A head of what fools looks at how odd a row is and never at where it lies: places do not carry over to damage never seen. An opinion looks at all of
it, but asks another question: what would the model have answered to the undamaged row? Where the answer is not that, the row fools the model.
It needs no labels: the model itself has answered the undamaged rows.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from camelopard.core.arrays import Floats
from camelopard.core.records import Prediction
from camelopard.firewall.head import Head
from camelopard.firewall.material import Lesson
from camelopard.firewall.opinion import Opinion
from camelopard.firewall.panel import SUMMARY

SHARE = 0.25  # of the score where an opinion was formed: about as good from 0.15 to 0.4, on sixteen models


@dataclass(frozen=True)
class RiskHead:
    """A score per row in log-odds: of a head, blended with how little the opinion on what the model said `before` agrees with its answer.

    `seen`: how many columns the opinion looks at; 0 without one.
    """

    known: Head = field(default_factory=Head)
    before: Opinion | None = None
    seen: int = 0

    @classmethod
    def learn(cls, lesson: Lesson, rng: np.random.Generator, summary: Sequence[str] = SUMMARY, seen: int | None = None) -> RiskHead:
        """Learn from evidence that begins with the columns `summary`; an opinion of its first `seen` columns is formed where trees have enough.

        There is none on numbers and none where it is not known what the model said to the undamaged rows.
        """
        known = Head.of_risk(lesson.table, lesson.fooled, lesson.weight, rng, summary)
        if known.trees is None or lesson.before is None:
            return cls(known)
        part = np.ascontiguousarray(lesson.table[:, :seen])
        opinion = Opinion.learn(part, lesson.answer, lesson.before, lesson.weight, rng)
        return cls(known, opinion, 0 if opinion is None else part.shape[1])

    @property
    def learned(self) -> bool:
        """Whether there was anything to learn: something was found that fools the model."""
        return self.known.trees is not None or self.known.line is not None

    def score(self, table: Floats, answer: Prediction) -> Floats:
        """Return scores, shape (n,), of evidence, shape (n, f), and the model's answers."""
        known = self.known.score(table)
        return known if self.before is None else (1 - SHARE) * known - SHARE * self.before.agrees(table[:, : self.seen], answer)

    def state(self) -> dict[str, Any]:
        """Return what was learned, as plain data and arrays."""
        return {"known": self.known.state(), "before": None if self.before is None else self.before.state(), "seen": self.seen}

    @classmethod
    def from_state(cls, s: Mapping[str, Any]) -> RiskHead:
        """Rebuild from `state()`."""
        return cls(Head.from_state(s["known"]), None if s["before"] is None else Opinion.from_state(s["before"]), s["seen"])
