"""What people use today to tell where a model is wrong, as published; and all of it together, stacked, taught by the stress rows and labels that ours has.

Scores are higher for worse. Distances are in the model's own features, so of a model that shows none there is its own confidence alone.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from bench.media.data import Task
from camelopard.core.arrays import Array, Bools, Floats
from camelopard.core.batch import Batch
from camelopard.core.records import Prediction

NEIGHBOURS = 10
TREES, DEPTH, RATE = 200, 4, 0.05  # of the boosted stack


class Rivals:
    """Learned from the rows that the model was trained on."""

    def __init__(self, task: Task) -> None:
        self.session: Any = task.model.session()
        train = Batch.of(task.train.X)
        vectors = self.session.features(train)
        self.shows = vectors is not None
        if not self.shows:
            return
        from sklearn.neighbors import NearestNeighbors

        labels = self.session.predict(train).shares.argmax(axis=1)
        self.near = NearestNeighbors(n_neighbors=NEIGHBOURS).fit(_unit(vectors))
        self.means = np.stack([vectors[labels == k].mean(axis=0) for k in np.unique(labels)])
        centred = vectors - self.means[np.searchsorted(np.unique(labels), labels)]
        self.precision = np.linalg.pinv(np.cov(centred.T) + 1e-6 * np.eye(vectors.shape[1]))
        self.last = self.session.last_layer
        if self.last is None:
            return
        weights, biases = self.last
        self.origin = -np.linalg.pinv(weights) @ biases
        _, axes = np.linalg.eigh(np.cov((vectors - self.origin).T))
        self.rest = axes[:, : max(1, vectors.shape[1] // 2)]
        self.alpha = (vectors @ weights.T + biases).max(axis=1).mean() / np.linalg.norm((vectors - self.origin) @ self.rest, axis=1).mean()

    def scores(self, batch: Batch, answer: Prediction) -> dict[str, Floats]:
        """Return what each says of rows and the model's answers to them, shape (n,) each."""
        found: dict[str, Floats] = {"own confidence": 1 - answer.shares.max(axis=1)}
        if not self.shows:
            return found
        seen = self.session.features(batch)
        found["nearest neighbours"] = self.near.kneighbors(_unit(seen))[0][:, -1]
        found["Mahalanobis"] = np.min([np.einsum("ij,jk,ik->i", seen - m, self.precision, seen - m) for m in self.means], axis=0)
        if self.last is not None:
            weights, biases = self.last
            logits = seen @ weights.T + biases
            energy = np.log(np.exp(logits - logits.max(axis=1, keepdims=True)).sum(axis=1)) + logits.max(axis=1)
            found["energy"] = -energy
            found["ViM"] = np.linalg.norm((seen - self.origin) @ self.rest, axis=1) * self.alpha - energy
        return found


def stacked(taught: Floats, event: Bools, weight: Floats, asked: Floats, seed: int) -> dict[str, Floats]:
    """Return the probability of an event by scores together, learned from rows of scores, shape (n, scores), for each row asked about, shape (m,)."""
    from sklearn.ensemble import HistGradientBoostingClassifier
    from sklearn.linear_model import LogisticRegression
    from sklearn.preprocessing import QuantileTransformer

    ranks = QuantileTransformer(n_quantiles=min(1000, len(taught)), output_distribution="normal", random_state=seed).fit(taught)
    line = LogisticRegression(max_iter=1000).fit(ranks.transform(taught), event, sample_weight=weight)
    trees = HistGradientBoostingClassifier(max_iter=TREES, max_depth=DEPTH, learning_rate=RATE, early_stopping=False, random_state=seed)
    trees.fit(taught, event, sample_weight=weight)
    return {"a logistic regression": line.predict_proba(ranks.transform(asked))[:, 1], "boosted trees": trees.predict_proba(asked)[:, 1]}


def _unit(vectors: Array) -> Floats:
    return np.asarray(vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12), dtype=np.float64)
