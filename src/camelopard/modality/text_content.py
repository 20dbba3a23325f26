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
from camelopard.modality.text import sample
from camelopard.modality.text_embedding import BUCKETS, features

LOOSE = 3.0  # how little the line is drawn towards saying nothing (scikit-learn's C)
MOST_LEARNED = 20_000
MOST_CLASSES = 64
FURTHEST = 12.0  # log-odds
_BUCKET = np.uint64(8)

Weighed = tuple[Ints, Floats]


class Content:
    """Lines over hashed features. weights: shape (lines, BUCKETS), biases: (lines,), rarity: (BUCKETS,). Of two classes one line, for the second."""

    def __init__(self, weights: NDArray[np.float32], biases: Floats, rarity: Floats) -> None:
        self.weights, self.biases, self.rarity = weights, biases, rarity

    @classmethod
    def learn(cls, texts: Sequence[Weighed | None], label: Ints, classes: int, rarity: Floats) -> Content:
        """Learn from weighed texts, None for what is none, and the places of their labels among the classes, shape (n,); there must be some of each.

        >>> rarity = np.ones(BUCKETS)
        >>> texts = [weighed(text, rarity) for text in ["a good film", "a bad film", "good and true", "bad and false"] * 10]
        >>> content = Content.learn(texts, np.tile([1, 0, 1, 0], 10), 2, rarity)
        >>> scores = content.scores(np.array(["how good", "how bad"], dtype=object))[:, 0]
        >>> bool(scores[0] > 0 > scores[1])
        True
        """
        from scipy.sparse import csr_array
        from sklearn.linear_model import LogisticRegression

        there = [(text, y) for text, y in zip(texts, label.tolist(), strict=True) if text is not None and y >= 0][:MOST_LEARNED]
        at, values = (np.concatenate([text[k] for text, _ in there]) for k in (0, 1))
        matrix = csr_array((values, at, np.cumsum([0, *(len(text[0]) for text, _ in there)])), shape=(len(there), BUCKETS))
        known = np.array([y for _, y in there])
        lines = [LogisticRegression(C=LOOSE, max_iter=200).fit(matrix, known == c) for c in ([1] if classes == 2 else range(classes))]
        weights = np.concatenate([line.coef_ for line in lines]).astype(np.float32)
        return cls(weights, np.concatenate([line.intercept_ for line in lines]).astype(np.float64), rarity)

    def scores(self, texts: Array) -> Floats:
        """Return the log-odds of each line, shape (n, lines); the line's own bias for what is no text."""
        found = np.tile(self.biases, (len(texts), 1))
        for i, text in enumerate(texts.tolist()):
            read = weighed(text, self.rarity)
            if read is not None and len(read[0]):
                found[i] += np.cumsum(self.weights[:, read[0]] * read[1], axis=1)[:, -1]
        return np.clip(found, -FURTHEST, FURTHEST)

    def state(self) -> dict[str, Any]:
        """Return what was learned, as arrays."""
        return {"weights": self.weights, "biases": self.biases}

    @classmethod
    def from_state(cls, state: Mapping[str, Any], rarity: Floats) -> Content:
        """Rebuild from `state()`. Raises ValueError if it is not one."""
        weights = array_of(state, "weights", "f", (None, BUCKETS), most=MOST_CLASSES * BUCKETS)
        return cls(weights.astype(np.float32), array_of(state, "biases", "f", (len(weights),)).astype(np.float64), rarity)


def weighed(text: object, rarity: Floats) -> Weighed | None:
    """Return the buckets of a text's features, ascending, and what each counts: its rarity times 1 + log of how often it occurs, to length 1.

    None for what is no text.
    """
    if not isinstance(text, str):
        return None
    at, counts = np.unique(((features(sample(text)) >> _BUCKET) % np.uint64(BUCKETS)).astype(np.int64), return_counts=True)
    values = (1.0 + np.log(counts)) * rarity[at]
    size = float(np.sqrt(np.cumsum(values * values)[-1])) if len(at) else 0.0
    return at, values / size if size > 0 else values
