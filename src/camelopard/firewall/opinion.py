"""A second opinion on the answer: what would somebody say who learned from the labels that the firewall has seen, damaged rows among them?

A head of errors learns where the model errs; a second opinion learns the question itself, knows the model's own word, and disagrees with reasons.
It is never given as an answer: only how far it agrees is read, as one of the things that confidence rests on (stacking, Wolpert 1992).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from camelopard.confidence.logistic import logit, logit_of, sigmoid
from camelopard.core.arrays import Bools, Floats, Ints
from camelopard.core.records import Prediction
from camelopard.firewall.boosting import Binned, boosted
from camelopard.firewall.trees import Trees

TREES, DEPTH = 128, 4
MOST_CLASSES = 12  # a set of trees for each
FEWEST = 60  # labelled rows of a class, and of all others, that its trees learn from
FURTHEST = 12.0  # log-odds


@dataclass(frozen=True)
class Opinion:
    """One set of trees per class, each saying how likely the label is that class; of two classes one set, for the second.

    They look at the evidence, and at the log-odds that the model gives their class.
    """

    voices: tuple[Trees, ...]

    @classmethod
    def learn(cls, table: Floats, answer: Prediction, label: Ints, weight: Floats, rng: np.random.Generator) -> Opinion | None:
        """Learn from evidence, shape (n, f), answers, and the labels as places among the classes, −1 for another one; None where that is too little.

        >>> rng = np.random.default_rng(0); x = rng.normal(size=(900, 2)); label = (x[:, 0] > 0).astype(int)
        >>> unsure = Prediction(np.array(["a"] * 900, dtype=object), np.tile([0.6, 0.4], (900, 1)), classes=("a", "b"))
        >>> found = Opinion.learn(x, unsure, label, np.ones(900), rng).agrees(x, unsure)
        >>> bool(((found > 0) == (label == 0)).mean() > 0.95)
        True
        """
        k = len(answer.classes)
        if not 2 <= k <= MOST_CLASSES:
            return None
        known = label >= 0
        evidence, voices = Binned.of(table[known]), []
        for c in range(1 if k == 2 else 0, k):
            event = np.asarray(label == c, dtype=bool)
            if min(int(event.sum()), int((~event & known).sum())) < FEWEST:
                return None
            seen = evidence.beside(Binned.of(_word(answer.take(np.flatnonzero(known)), c)))
            rising: Bools = np.arange(table.shape[1] + 1) == table.shape[1]
            voices.append(boosted(seen, event[known], weight[known], rising, rng, trees=TREES, depth=DEPTH))
        return cls(tuple(voices))

    def agrees(self, table: Floats, answer: Prediction) -> Floats:
        """Return the log-odds that the label is the model's answer, shape (n,)."""
        said = answer.shares.argmax(axis=1)
        if len(self.voices) == 1:
            score = self.voices[0].score(table, _word(answer, 1))
            if len(said) == 1:  # the same number, and quicker
                alone = score.item() if said.item() == 1 else -score.item()
                return np.array([min(max(alone, -FURTHEST), FURTHEST)])
            return np.clip(np.where(said == 1, score, -score), -FURTHEST, FURTHEST)
        shares = np.stack([sigmoid(voice.score(table, _word(answer, c))) for c, voice in enumerate(self.voices)], axis=1)
        total = shares[:, 0].copy()
        for c in range(1, shares.shape[1]):  # in a fixed order: the same bytes for a row alone and in any batch
            total = total + shares[:, c]
        return np.clip(logit(shares[np.arange(len(said)), said] / np.maximum(total, 1e-12)), -FURTHEST, FURTHEST)

    def state(self) -> list[dict[str, Any]]:
        """Return what was learned, as plain data and arrays."""
        return [voice.state() for voice in self.voices]

    @classmethod
    def from_state(cls, state: Sequence[Mapping[str, Any]]) -> Opinion:
        """Rebuild from `state()`."""
        return cls(tuple(Trees.from_state(part) for part in state))


def _word(answer: Prediction, c: int) -> Floats:
    """Return the log-odds that the model gives a class, which its trees look at beside the evidence, shape (n, 1)."""
    return np.array([[logit_of(answer.shares[0, c].item())]]) if len(answer) == 1 else logit(answer.shares[:, c])[:, None]
