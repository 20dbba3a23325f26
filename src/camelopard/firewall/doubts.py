"""Why is an answer in doubt? There are three kinds of doubt, and each asks for something else.

Near the boundary the model itself is unsure: a person decides. In a region of known errors the model is sure, and was wrong in rows like this: it has
to be trained again. Outside the data the row is not what the model was made for: the data are to be mended.
"""

from __future__ import annotations

import numpy as np

from camelopard.core.arrays import Bools, Floats, Objects
from camelopard.core.records import Prediction

BOUNDARY, REGION, DATA = "boundary", "region", "data"
ASKS = {
    BOUNDARY: "the model itself is unsure here: let a person decide",
    REGION: "the model is sure, but was wrong in rows like this: train it again with such rows",
    DATA: "the row is not what the model was made for: mend the data",
}
MOST = 0.5  # of the chance to be wrong: what explains so much of it is the reason


def doubts(answer: Prediction, risk: Floats, confidence: Floats, outside: Bools) -> Objects:
    """Return which kind of doubt explains the chance that an answer is wrong, shape (n,).

    Damage that fools the model, where it explains half of it, or a row outside everything tested; else the model's own word, where that does; else
    what labels have taught. A row without an answer is a matter of the data. Sure rows get a kind, too, which says nothing.

    >>> answer = Prediction(np.array(["a"] * 3), np.array([[0.55, 0.45], [0.99, 0.01], [0.99, 0.01]]), classes=("a", "b"))
    >>> doubts(answer, np.array([0.1, 0.05, 0.8]), np.array([0.5, 0.6, 0.2]), np.zeros(3, dtype=bool)).tolist()
    ['boundary', 'region', 'data']
    """
    wrong = 1.0 - confidence
    unsure = 1.0 - answer.shares.max(axis=1)
    data = outside | answer.failed | (risk >= MOST * wrong)
    return np.select([data, unsure >= MOST * wrong], [DATA, BOUNDARY], REGION).astype(object)
