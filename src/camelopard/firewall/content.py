"""What the texts of a row say about the label, learned from labelled rows and kept beside the evidence.

Rows that teach are read by what was learned from the rows that calibrate, and the other way round; new rows by the line between the two.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np

from camelopard.core.arrays import Array, Floats, Ints
from camelopard.core.batch import Batch
from camelopard.evidence.views import Views
from camelopard.modality.text import TextVectors
from camelopard.modality.text_content import Content

Half = Literal["teach", "calibrate"]
FEWEST = 30  # labelled rows of each class in either half
MOST_CLASSES = 20


@dataclass(frozen=True)
class Contents:
    """What is made of each column of texts: by what was learned from both halves, and, while learning, from either."""

    whole: Mapping[str, Content]
    by: Mapping[Half, Mapping[str, Content]] = field(default_factory=dict)

    @classmethod
    def learn(cls, views: Views, halves: Mapping[Half, tuple[Batch, Array]], classes: Sequence[Any]) -> Contents | None:
        """Learn from the labelled rows of both halves; None where there are no texts, or too few rows of a class."""
        columns = {name: vectors for name, vectors in views.of.items() if isinstance(vectors, TextVectors)}
        place = {c: k for k, c in enumerate(classes)}
        labels = {half: np.array([place.get(v, -1) for v in y.tolist()], dtype=np.int64) for half, (_, y) in halves.items()}
        if not columns or not 2 <= len(classes) <= MOST_CLASSES or min(_fewest(y, len(classes)) for y in labels.values()) < FEWEST:
            return None
        found: dict[Half, dict[str, Content]] = {
            half: {
                name: Content.learn(batch.columns[name].tolist(), labels[half], len(classes), vectors.embedding.rarity)
                for name, vectors in columns.items()
            }
            for half, (batch, _) in halves.items()
        }
        one, other = found["teach"], found["calibrate"]
        return cls({name: one[name].mean(other[name]) for name in columns}, {"teach": other, "calibrate": one})

    @property
    def names(self) -> tuple[str, ...]:
        """Return the names of the columns of evidence."""
        return tuple(f"says:{name}:{k}" for name, content in self.whole.items() for k in range(len(content.biases)))

    def measure(self, batch: Batch, half: Half | None) -> Floats:
        """Return what the texts of each row say, shape (n, len(names)); `half`: the rows that are learned from and belong to it."""
        known = self.whole if half is None else self.by[half]
        return np.hstack([content.scores(batch.columns[name]) for name, content in known.items()])

    def state(self) -> dict[str, Any]:
        """Return what is kept, as plain data and arrays."""
        return {name: content.state() for name, content in self.whole.items()}

    @classmethod
    def from_state(cls, state: Mapping[str, Any], views: Views) -> Contents:
        """Rebuild from `state()`. Raises ValueError where it names a column that is none of texts."""
        found = {}
        for name, part in state.items():
            vectors = views.of.get(name)
            if not isinstance(vectors, TextVectors):
                raise ValueError(f"{name!r} is no column of texts")
            found[name] = Content.from_state(part, vectors.embedding.rarity)
        return cls(found)


def _fewest(label: Ints, classes: int) -> int:
    return int(np.bincount(label[label >= 0], minlength=classes).min())
