"""What the texts of a row say about the label, learned from labelled rows and kept beside the evidence.

Rows that teach or calibrate are read by lines that were learned without them and their damaged twins; new rows by the line learned from all.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from camelopard.core.arrays import Array, Bools, Floats, Ints
from camelopard.core.batch import Batch
from camelopard.core.labels import codes_of
from camelopard.evidence.views import Views
from camelopard.modality.text import TextVectors
from camelopard.modality.text_content import Content, weighed

Half = Literal["teach", "calibrate"]
FEWEST = 60  # labelled rows of each class
MOST_CLASSES = 20
FOLDS = 5


@dataclass(frozen=True)
class Contents:
    """What is made of each column of texts: by what was learned from all labelled rows, and, while learning, from all but one fold of them."""

    whole: Mapping[str, Content]
    folds: Sequence[Mapping[str, Content]] = ()

    @classmethod
    def learn(cls, views: Views, halves: Mapping[Half, tuple[Batch, Array]], classes: Sequence[Any]) -> Contents | None:
        """Learn from the labelled rows that teach and that calibrate; None where there are no texts, or too few rows of a class."""
        columns = {name: vectors for name, vectors in views.of.items() if isinstance(vectors, TextVectors)}
        label = np.concatenate([codes_of(y, classes) for _, y in halves.values()])
        fold = np.concatenate([np.arange(len(y)) % FOLDS for _, y in halves.values()])
        if not columns or not 2 <= len(classes) <= MOST_CLASSES:
            return None
        if int(np.bincount(label[label >= 0], minlength=len(classes)).min()) < FEWEST:
            return None

        rarity = {name: vectors.embedding.rarity for name, vectors in columns.items()}
        read = {name: [weighed(cell, rarity[name]) for batch, _ in halves.values() for cell in batch.columns[name].tolist()] for name in columns}

        def learned(rows: Bools) -> dict[str, Content]:
            some = np.flatnonzero(rows).tolist()
            return {name: Content.learn([read[name][i] for i in some], label[some], len(classes), rarity[name]) for name in columns}

        return cls(learned(np.ones(len(label), dtype=bool)), [learned(fold != k) for k in range(FOLDS)])

    @property
    def names(self) -> tuple[str, ...]:
        """Return the names of the columns of evidence."""
        return tuple(f"says:{name}:{k}" for name, content in self.whole.items() for k in range(len(content.biases)))

    def measure(self, batch: Batch, origin: Ints | None) -> Floats:
        """Return what the texts of each row say, shape (n, len(names)); `origin`: which row of its half each comes from, None for new rows."""
        if origin is None:
            return _said(self.whole, batch)
        found = np.empty((len(batch), len(self.names)))
        for k, known in enumerate(self.folds):
            mine = np.flatnonzero(origin % FOLDS == k)
            found[mine] = _said(known, batch.take(mine))
        return found

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


def _said(known: Mapping[str, Content], batch: Batch) -> Floats:
    return np.hstack([content.scores(batch.columns[name]) for name, content in known.items()])
