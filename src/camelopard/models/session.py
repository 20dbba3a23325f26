"""A model during one run: the same row is never asked twice, and the budget of rows is kept."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import cached_property

import numpy as np

from camelopard.core.arrays import Floats, Ints
from camelopard.core.batch import Batch
from camelopard.core.records import Prediction
from camelopard.models.answers import Answers, Reader
from camelopard.models.asking import Asker, Meter
from camelopard.models.features import Features, Gradient, LastLayer
from camelopard.models.members import Members
from camelopard.models.rowhash import RowHasher

FEWEST = 1024  # answers that there is room for


class Session:
    """Answers rows from memory where it can. Made by `Model.session`.

    Parameters
    ----------
    asker, reader, meter
        Who asks the model, what its answers mean, what was spent.
    max_rows
        Rows remembered; beyond that many, new rows are answered but not kept.
    members
        Gives the members of an ensemble, None for any other model, and for a function whose task is not known yet.
    features
        Reads what the model makes of a row before it decides, None where it does not show.
    """

    def __init__(
        self,
        asker: Asker,
        reader: Reader,
        meter: Meter,
        max_rows: int = 1_000_000,
        members: Callable[[], Members | None] = lambda: None,
        features: Features | None = None,
    ) -> None:
        self._asker, self._reader, self._meter, self._max_rows = asker, reader, meter, max_rows
        self._members, self._features = members, features
        self._places: dict[bytes, int] = {}
        self._kept = Answers.none(0)
        self._alone: tuple[Batch, Answers] | None = None  # the first row, asked alone, until there is another one

    @property
    def asked(self) -> int:
        """Rows that the model was really asked so far, those asked again alone because their batch raised included."""
        return self._meter.asked

    @property
    def calls(self) -> int:
        """Calls of the model so far."""
        return self._meter.calls

    @property
    def seconds(self) -> float:
        """Seconds spent inside the model so far."""
        return self._meter.seconds

    def predict(self, batch: Batch) -> Prediction:
        """Return the answers to the batch; rows asked before, or twice in this batch, are answered from memory.

        Raises
        ------
        BudgetSpent
            If the new rows go beyond the budget. What was answered until then is remembered.
        """
        if len(batch) == 1 and not self._places and self._alone is None:
            self._alone = batch, self._asker.ask(batch)
            return self._reader.prediction(self._alone[1])
        if self._alone is not None:
            (first_row, its_answers), self._alone = self._alone, None
            self._keeper(self._hasher.keys(first_row, self._asker.form))(np.zeros(1, dtype=np.int64), its_answers)
        keys = self._hasher.keys(batch, self._asker.form)
        places = np.fromiter((self._places.get(key, -1) for key in keys), dtype=np.int64, count=len(keys))
        unknown = np.flatnonzero(places < 0)
        if not len(unknown):
            return self._reader.prediction(self._kept.take(places))
        fresh: dict[bytes, int] = {}
        first: list[int] = []
        where = np.empty(len(unknown), dtype=np.int64)  # per unknown row, its place among the rows that are asked
        for i, row in enumerate(unknown.tolist()):
            where[i] = place = fresh.setdefault(keys[row], len(first))
            if place == len(first):
                first.append(row)
        asked = batch if len(first) == len(batch) else batch.take(first)
        answers = self._asker.ask(asked, self._keeper(list(fresh)))
        if len(unknown) == len(batch):
            return self._reader.prediction(answers.take(where))
        known = np.flatnonzero(places >= 0)
        every = Answers.none(len(batch)).put(known, self._kept.take(places[known])).put(unknown, answers.take(where))
        return self._reader.prediction(every)

    @cached_property
    def _hasher(self) -> RowHasher:
        return RowHasher.lent(self)

    def members(self, batch: Batch) -> Floats | None:
        """Return what each member of an ensemble answers, shape (m, n, k) or (m, n), NaN where one raises; None where the model is no ensemble.

        Nothing of it is remembered or counted as rows asked.
        """
        found = self._members()
        return None if found is None else found.answers(batch)

    @property
    def last_layer(self) -> LastLayer | None:
        """The linear layer that turns features into scores, where the model has one that is known."""
        return None if self._features is None else self._features.last()

    def features(self, batch: Batch) -> Floats | None:
        """Return what the model makes of each row before it decides, shape (n, d), NaN where it raises; None where it does not show.

        Nothing of it is remembered or counted as rows asked.
        """
        return None if self._features is None else self._features.of(batch)

    @property
    def gradient(self) -> Gradient | None:
        """How the loss of the answers grows with each number of a picture or a row, where the model can say; of rows (n, …) and a label for each."""
        return None if self._features is None else self._features.gradient

    def _keeper(self, keys: list[bytes]) -> Callable[[Ints, Answers], None]:
        def keep(rows: Ints, part: Answers) -> None:
            start = len(self._places)
            room = max(0, self._max_rows - start)
            rows, part = rows[:room], part.take(slice(0, room))
            self._grow(start + len(rows))
            self._kept = self._kept.put(np.arange(start, start + len(rows)), part)
            self._places.update(zip((keys[i] for i in rows.tolist()), range(start, start + len(rows)), strict=True))

        return keep

    def _grow(self, rows: int) -> None:
        if rows <= len(self._kept):
            return
        old = self._kept
        self._kept = Answers.none(max(rows, 2 * len(old), FEWEST)).put(slice(0, len(old)), replace(old))
