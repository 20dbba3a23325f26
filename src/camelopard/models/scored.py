"""Reads classes that come with their scores, {"label": "good", "score": 0.98}, as text-classification pipelines and many servers give them.

The one idea: scores are probabilities only where they say all there is to say: of two classes the score of one does, of more classes only all do.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import numpy as np

from camelopard.core.arrays import Floats
from camelopard.core.cells import cell

Scores = dict[Any, float]
Layout = Literal["one", "all", "some"]
SURE = 8  # rows that name the same classes and sum to 1 after which the best of more classes cannot have done so by chance
SHOWN = 100  # characters kept of what is no answer


class Scoring:
    """Finds out what the scores of one model say: of its answer alone ("one"), of all its classes ("all"), or of some ("some": no probabilities).

    Parameters
    ----------
    classes
        Those that the model has, where they are known beforehand; otherwise they are learned, and may grow.
    """

    def __init__(self, classes: Sequence[Any] | None) -> None:
        self.layout: Layout | None = None
        self._given = None if classes is None else set(classes)
        self._named: set[Any] = set()  # the classes that all rows named, where they named all
        self._rows = 0  # that did

    @property
    def closed(self) -> bool:
        """Whether no class can be added: all rows are known to name all classes."""
        return self.layout == "all" and self._rows >= SURE

    def hear(self, found: Sequence[Scores | str], tolerance: float) -> None:
        """Take in the next rows. What turns out to be "some" stays so."""
        rows = [row for row in found if not isinstance(row, str)]
        if not rows or self.layout == "some" or self.closed:
            return
        if self.layout != "all" and all(len(row) == 1 for row in rows):
            low = self._given is None and any(max(row.values()) < 0.5 - tolerance for row in rows)
            self.layout = "some" if low else "one"  # the best of two classes has half or more
            return
        every = (self._given or set()).union(self._named, *rows)
        whole = sum(set(row) == every and abs(sum(row.values()) - 1.0) <= tolerance for row in rows)
        if self.layout == "one" or 2 * whole <= len(rows):
            self.layout = "some"
            return
        self.layout, self._named = "all", every
        self._rows += SURE if self._given is not None else whole


def named(values: Any) -> bool:
    """Return whether answers are objects, or lists of objects.

    >>> named([{"label": "good", "score": 0.9}]), named([[{"label": "good", "score": 0.9}]]), named(["good"]), named([[0.1, 0.9]])
    (True, True, False, False)
    """
    return any(isinstance(v, Mapping) or (isinstance(v, (list, tuple)) and len(v) > 0 and isinstance(v[0], Mapping)) for v in listed(values) or ())


def listed(values: Any) -> list[Any] | None:
    """Return answers as a list; None for what holds no objects."""
    if isinstance(values, (list, tuple)):
        return list(values)
    return list(values.tolist()) if getattr(getattr(values, "dtype", None), "kind", None) == "O" else None


def scores_of(answer: Any) -> Scores | str:
    """Return the score of each class that an answer names, in the order of their names, or what is wrong with it.

    >>> scores_of({"label": "good", "score": 0.9}), scores_of([{"label": "good", "score": 0.9}, {"label": "bad", "score": 0.1}])
    ({'good': 0.9}, {'bad': 0.1, 'good': 0.9})
    >>> scores_of({"label": "good", "score": 90})
    "no probability: the score of 'good' is 90, outside 0–1"
    """
    items = answer if isinstance(answer, (list, tuple, np.ndarray)) else [answer]
    found: Scores = {}
    for item in items:
        if not isinstance(item, Mapping) or not {"label", "score"} <= item.keys():
            return f"no answer: {str(item)[:SHOWN]}; expected {{'label': …, 'score': …}}" if item is not None else "no answer: None"
        label, score = cell(item["label"]), _number(item["score"])
        if not isinstance(label, (str, int, float)):
            return f"no answer: the label is {str(label)[:SHOWN]!r}" if label is not None else "no answer: the label is None"
        if label in found:
            return f"no answer: {str(label)[:SHOWN]!r} is named twice"
        if not np.isfinite(score):
            return f"no probability: the score of {str(label)[:SHOWN]!r} is {str(item['score'])[:SHOWN]}"
        if not -1e-6 <= score <= 1 + 1e-6:
            return f"no probability: the score of {str(label)[:SHOWN]!r} is {score:.6g}, outside 0–1"
        found[label] = score
    return dict(sorted(found.items(), key=lambda pair: str(pair[0]))) if found else "no answer: it names no class"


def best(scores: Scores | str) -> Any:
    """Return the class with the highest score, None where there is none."""
    return None if isinstance(scores, str) else max(scores, key=scores.__getitem__)


def of_two(codes: Sequence[int], sure: Floats) -> Floats:
    """Return the probabilities of two classes, shape (n, 2), from that of the class that was answered, shape (n,).

    >>> of_two([1, 0], np.array([0.75, 1.0])).tolist()
    [[0.25, 0.75], [1.0, 0.0]]
    """
    own = np.clip(sure, 0.0, 1.0)
    first = np.asarray(codes) == 0
    return np.column_stack([np.where(first, own, 1.0 - own), np.where(first, 1.0 - own, own)])


def _number(value: Any) -> float:
    if isinstance(value, (str, bytes)) or value is None:
        return np.nan
    try:
        return float(value)
    except (TypeError, ValueError, OverflowError):
        return np.nan
