"""What does a text say, to somebody who learned from other texts and their labels? A line through its words and groups of letters.

It is not asked for an answer: how far it agrees with the model is evidence about the model. Sums run in a fixed order, so that a text gets the same
bytes alone and in any batch.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from camelopard.core.arrays import Array, Floats, Ints
from camelopard.modality.states import array_of
from camelopard.modality.text_embedding import BUCKETS, features

LOOSE = 3.0  # how little the line is drawn towards saying nothing (scikit-learn's C)
MOST_LEARNED = 20_000
MOST_CLASSES = 64
FURTHEST = 12.0  # log-odds
EACH_END = 10_000  # characters that are looked at from the start and the end of a longer text
_BUCKET = np.uint64(8)


class Content:
    """Lines over hashed features. weights: shape (lines, BUCKETS), biases: (lines,), rarity: (BUCKETS,). Of two classes one line, for the second."""

    def __init__(self, weights: NDArray[np.float32], biases: Floats, rarity: Floats) -> None:
        self.weights, self.biases, self.rarity = weights, biases, rarity

    @classmethod
    def learn(cls, texts: Sequence[Any], label: Ints, classes: int, rarity: Floats) -> Content:
        """Learn from texts and the places of their labels among the classes, shape (n,); there must be texts of each class.

        >>> texts = ["a good film", "a bad film", "good and true", "bad and false"] * 10
        >>> content = Content.learn(texts, np.tile([1, 0, 1, 0], 10), 2, np.ones(BUCKETS))
        >>> scores = content.scores(np.array(["how good", "how bad"], dtype=object))[:, 0]
        >>> bool(scores[0] > 0 > scores[1])
        True
        """
        from scipy.sparse import csr_array
        from sklearn.linear_model import LogisticRegression

        rows = np.flatnonzero([isinstance(text, str) for text in texts] & (label >= 0))[:MOST_LEARNED]
        bare = cls(np.zeros((0, BUCKETS), dtype=np.float32), np.zeros(0), rarity)
        parts = [bare.weighed(texts[i]) for i in rows.tolist()]
        lengths = np.cumsum([0, *(len(at) for at, _ in parts)])
        joined = [np.concatenate([part[k] for part in parts]) for k in (1, 0)]
        matrix = csr_array((joined[0], joined[1], lengths), shape=(len(rows), BUCKETS))
        lines = [1] if classes == 2 else range(classes)
        fitted = [LogisticRegression(C=LOOSE, max_iter=200).fit(matrix, label[rows] == c) for c in lines]
        weights = np.concatenate([line.coef_ for line in fitted]).astype(np.float32)
        return cls(weights, np.concatenate([line.intercept_ for line in fitted]).astype(np.float64), rarity)

    def scores(self, texts: Array) -> Floats:
        """Return the log-odds of each line, shape (n, lines); the line's own bias for what is no text."""
        found = np.tile(self.biases, (len(texts), 1))
        for i, text in enumerate(texts.tolist()):
            if isinstance(text, str):
                at, values = self.weighed(text)
                if len(at):
                    found[i] += np.cumsum(self.weights[:, at] * values, axis=1)[:, -1]
        return np.clip(found, -FURTHEST, FURTHEST)

    def weighed(self, text: str) -> tuple[Ints, Floats]:
        """Return the buckets of a text's features, ascending, and what each counts: its rarity times 1 + log of how often it occurs, to length 1."""
        sample = text if len(text) <= 2 * EACH_END else text[:EACH_END] + text[-EACH_END:]
        at, counts = np.unique(((features(sample) >> _BUCKET) % np.uint64(BUCKETS)).astype(np.int64), return_counts=True)
        values = (1.0 + np.log(counts)) * self.rarity[at]
        size = float(np.sqrt(np.cumsum(values * values)[-1])) if len(at) else 0.0
        return at, values / size if size > 0 else values

    def state(self) -> dict[str, Any]:
        """Return what was learned, as arrays."""
        return {"weights": self.weights, "biases": self.biases}

    @classmethod
    def from_state(cls, state: Mapping[str, Any], rarity: Floats) -> Content:
        """Rebuild from `state()`. Raises ValueError if it is not one."""
        weights = array_of(state, "weights", "f", (None, BUCKETS), most=MOST_CLASSES * BUCKETS)
        return cls(weights.astype(np.float32), array_of(state, "biases", "f", (len(weights),)).astype(np.float64), rarity)
