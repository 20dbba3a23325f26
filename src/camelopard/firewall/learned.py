"""What a fitted firewall keeps, and how confidence is read from it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from camelopard.confidence.conformal import AlarmThreshold
from camelopard.confidence.logistic import Logistic, logit
from camelopard.core.arrays import Bools, Floats
from camelopard.core.records import Prediction
from camelopard.evidence.doubt import class_scores
from camelopard.evidence.reading import MISSING
from camelopard.firewall.head import Head
from camelopard.firewall.panel import Examination, Panel


@dataclass(frozen=True)
class Learned:
    """All that a firewall keeps. `risk` is None without a model; `errors`, a head that knows wrong answers, and `confidence` without labels.

    `farthest_odd` and `most_missing` bound what was tested: the oddest row, and the most missing cells in a row, that the head learned from.
    """

    panel: Panel
    head: Head
    errors: Head | None
    risk: Logistic | None
    confidence: Logistic | None
    threshold: AlarmThreshold
    clean_odd: Floats
    farthest_odd: float
    most_missing: float
    measured: Mapping[str, Any]

    def outside(self, found: Examination) -> tuple[Bools, Bools]:
        """Return which rows lie outside of everything that was tested, and which of them miss more cells than repairs reach, both of shape (n,)."""
        lacking = np.asarray((found.reading.states == MISSING).sum(axis=1) > self.most_missing, dtype=bool)
        return np.asarray(lacking | (found.odd > self.farthest_odd), dtype=bool), lacking

    def judge(self, answer: Prediction, table: Floats) -> Judged:
        """Return score, risk and confidence for evidence, shape (n, f)."""
        assert self.risk is not None, "without a model there is no risk"
        score = self.head.score(table)
        risk = self.risk.probability(score[:, None])
        return Judged(score, risk, confidence_of(self.confidence, self.errors, answer, risk, table, self.panel.task))


@dataclass(frozen=True)
class Judged:
    """What a firewall makes of rows, each of shape (n,): the head's score, and the two probabilities."""

    score: Floats
    risk: Floats
    confidence: Floats


def confidence_of(line: Logistic | None, errors: Head | None, answer: Prediction, risk: Floats, table: Floats, task: str) -> Floats:
    """Return P(the answer is right), shape (n,): as learned from labels; without, the model's own word for it, times P(it is not fooled)."""
    if line is not None and errors is not None:
        return line.probability(confidence_columns(answer, risk, errors.score(table), task))
    word = class_scores(answer).max(axis=1) if task == "classification" else np.ones(len(answer))
    return np.asarray((1.0 - risk) * word, dtype=np.float64)


def confidence_columns(answer: Prediction, risk: Floats, error: Floats, task: str) -> Floats:
    """Return what confidence is read from, shape (n, 3): log-odds of the model's own word, of the risk, and of what the head of errors says."""
    columns = np.empty((len(risk), 3))
    columns[:, 0] = logit(class_scores(answer).max(axis=1)) if task == "classification" else 0.0
    columns[:, 1], columns[:, 2] = logit(risk), error
    return columns
