"""A plain model: gradient boosting with the settings of the shelf, on rows read into numbers. What any other model should beat."""

from __future__ import annotations

import numpy as np

from camelopard.core.arrays import Array, Floats
from camelopard.core.records import Task

TREES = 100
LARGEST = 1e300  # what it takes for a number


def plain_answers(rows: Floats, y: Array, new: Floats, task: Task, seed: int) -> Array:
    """Return the answers to new rows, shape (m, d), of a plain model taught on others, shape (n, d): labels as text, or numbers.

    >>> x = np.linspace(0, 1, 200)[:, None]
    >>> plain_answers(x, x[:, 0] > 0.5, np.array([[0.1], [0.9]]), "classification", 0).tolist()
    ['False', 'True']
    """
    from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

    settings = {"max_iter": TREES, "early_stopping": False, "random_state": seed}
    told = np.isfinite(rows).any(axis=0)
    if not told.any():
        rows, new, told = np.zeros((len(rows), 1)), np.zeros((len(new), 1)), np.ones(1, dtype=bool)
    rows, new = (np.minimum(np.maximum(part[:, told], -LARGEST), LARGEST) for part in (rows, new))
    if task == "regression":
        return np.asarray(HistGradientBoostingRegressor(**settings).fit(rows, y.astype(np.float64)).predict(new))
    return np.asarray(HistGradientBoostingClassifier(**settings).fit(rows, [str(v) for v in y.tolist()]).predict(new))
