"""What an attack on pictures found: the smallest change per picture, what each way of attacking found, and how large a change is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from camelopard.core.arrays import Bools, Floats, Ints
from camelopard.core.batch import Batch, plain
from camelopard.core.intervals import share
from camelopard.core.records import Finding, Level, Prediction
from camelopard.stress.attack import ALARMING, EXAMPLES, ROUNDING, AttackResult
from camelopard.stress.runner import Case

UNSEEN = 8 / 255  # the largest change of a value that is called invisible, as a share of its range
FAR = "boundary"  # the way that may go so far that the picture is no longer what it was


@dataclass(frozen=True)
class Way:
    """What one way of attacking found. Arrays have one entry per attacked picture; the three sizes are infinite where the answer was not moved.

    batch
        The pictures with the smallest change that moves the answer; where none was found, with the one that came closest.
    largest
        The largest change of a value, as a share of its range (0–1).
    rms
        The root mean square change of all values, as a share of the range.
    pixels
        How many pixels are changed.
    after
        The model's answers to `batch`.
    queries
        Model rows spent in this way, gradients included.
    """

    name: str
    batch: Batch
    succeeded: Bools
    largest: Floats
    rms: Floats
    pixels: Floats
    after: Prediction
    queries: Ints

    def to_dict(self) -> dict[str, Any]:
        """Return the share of pictures whose answer moved, with its 95 % interval, and the median sizes of the changes that did it."""
        n, k = len(self.succeeded), int(self.succeeded.sum())
        interval = share(k, n)
        sizes = {
            f"median_{name}": float(np.median(values[self.succeeded])) if k else None
            for name, values in (("largest", self.largest), ("rms", self.rms), ("pixels", self.pixels))
        }
        return {"way": self.name, "moved": k / max(n, 1), "low": interval.low, "high": interval.high, **sizes, "queries": int(self.queries.sum())}


@dataclass(frozen=True)
class ImageAttackResult(AttackResult):
    """What the search found in pictures: as `AttackResult`, where a cost is the root mean square change, as a share of the range of values.

    column
        The column that was attacked.
    by_way
        What each way found.
    ways
        Which way made the smallest change, per picture; "" where none moved the answer.
    """

    column: str = ""
    by_way: Mapping[str, Way] = field(default_factory=dict)
    ways: tuple[str, ...] = ()

    @classmethod
    def of(
        cls, rows: Ints, original: Batch, column: str, before: Prediction, by_way: Mapping[str, Way], queries: Ints, drawn: int, complete: bool
    ) -> ImageAttackResult:
        """Put together what all ways found: per picture the smallest change of them."""
        n, names = len(rows), list(by_way)
        costs = np.stack([way.rms for way in by_way.values()]) if names else np.full((1, n), np.inf)
        best = costs.argmin(axis=0)
        cost = costs[best, np.arange(n)]
        cells, answers = np.empty(n, dtype=object), [before.take(slice(i, i + 1)) for i in range(n)]
        cells[:] = original.columns[column]
        for i in range(n if names else 0):
            found = by_way[names[best[i]]]
            cells[i], answers[i] = found.batch.columns[column][i], found.after.take(slice(i, i + 1))
        after = Prediction.joined(answers) if answers else before
        won = np.isfinite(cost)
        ways = tuple(names[k] if ok else "" for k, ok in zip(best, won, strict=True))
        batch = original.with_columns({column: cells})
        return cls(rows, original, batch, won, cost, {column: cost}, {}, before, after, queries, drawn, complete, column, by_way, ways)

    def changes(self, i: int) -> dict[str, tuple[Any, Any]]:
        """Return what was changed in attacked picture i: the old and the new picture by column; nothing where they are the same."""
        old, new = self.original.columns[self.column][i], self.batch.columns[self.column][i]
        return {} if np.array_equal(old, new) else {self.column: (old, new)}

    def cases(self, rows: Ints) -> list[Case]:
        """Return the changes that moved the answer as cases, one per way; `rows` are the positions of the batch's rows.

        All but those of the walk along the boundary keep the label: that one may end far from the original.
        """
        found = []
        for name, way in self.by_way.items():
            won = np.flatnonzero(way.succeeded)
            if len(won):
                no, yes = np.zeros(len(won), dtype=bool), np.ones(len(won), dtype=bool)
                at, before, after = rows[self.rows[won]], self.before.take(won), way.after.take(won)
                flipped = ~after.failed
                found.append(
                    Case(f"{name}-attack", "attack", "*", 0, name != FAR, at, way.batch.take(won), before, after, yes, flipped, no, yes, no, no, no)
                )
        return found

    def to_dict(self) -> dict[str, Any]:
        """Return the result as plain data, without the pictures."""
        return {**super().to_dict(), "by_way": [way.to_dict() for way in self.by_way.values()]}

    def findings(self) -> list[Finding]:
        """Return findings where a change that hardly an eye sees, or one pixel, moves answers; medium where it surely is more than one in ten."""
        n = len(self.rows)
        unseen, single = np.zeros(n, dtype=bool), np.zeros(n, dtype=bool)
        for way in self.by_way.values():
            unseen |= way.largest <= UNSEEN + ROUNDING
            single |= way.pixels <= 1
        found = []
        for code, hit, what in (
            ("invisible-change", unseen, "A change of at most 8 of 255 grey levels, which hardly an eye sees, moves"),
            ("one-pixel", single, "One pixel in another colour moves"),
        ):
            if k := int(hit.sum()):
                interval = share(k, n)
                rows = tuple(int(i) for i in self.rows[hit][:EXAMPLES])
                level: Level = "medium" if interval.low > ALARMING else "low"
                message = f"{what} the answer of {k / n:.0%} of the {n} pictures attacked."
                found.append(Finding(code, self.column, message, level, k / n, ALARMING, interval, rows=rows))
        return found

    def _by_column(self) -> list[dict[str, Any]]:
        return []

    def _example(self, i: int) -> dict[str, Any]:
        way = self.by_way[self.ways[i]]
        grey = f"{way.largest[i]:.1%} of the range at most, in {int(way.pixels[i])} pixels ({way.name})"
        answer = [plain(self.before.value[i]), plain(self.after.value[i])]
        return {
            "row": int(self.rows[i]),
            "changes": {self.column: ["as it was", f"changed by {grey}"]},
            "answer": answer,
            "cost": float(self.costs[i]),
        }
