"""Does a converted model answer like the one that it was made from?

The one idea: before a conversion replaces a model, both are asked the same rows, and what differs is named.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from camelopard.core.arrays import Bools, Floats, Ints
from camelopard.core.batch import Batch
from camelopard.core.errors import InputError, ModelError
from camelopard.core.intervals import share
from camelopard.core.records import Interval, Prediction
from camelopard.models.wrap import wrap

SHOWN = 5  # rows named in words


@dataclass(frozen=True)
class Sameness:
    """What two models answered to the same rows.

    rows, tolerance
        How many rows were asked, and how far apart answers may be.
    distance
        How far apart the answers are, shape (n,): the largest difference between probabilities; for numbers the difference divided by the larger
        of 1 and the original's answer; 0 or 1 for bare classes. Infinite where only one of them answers.
    differing
        Positions of the rows that are further apart than the tolerance, the furthest first.
    flipped
        Positions of the rows with another class.
    only_original, only_converted
        Positions of the rows that only one of them answers.
    share
        The share of differing rows among rows like these, with its 95 % interval (Wilson 1927).
    """

    rows: int
    tolerance: float
    distance: Floats
    differing: Ints
    flipped: Ints
    only_original: Ints
    only_converted: Ints
    share: Interval

    @property
    def same(self) -> bool:
        """Return whether no row differs."""
        return len(self.differing) == 0

    def __bool__(self) -> bool:
        return self.same

    def __str__(self) -> str:
        finite = self.distance[np.isfinite(self.distance)]
        furthest = f"{finite.max():.2g}" if len(finite) else "none"
        if self.same:
            return (
                f"The same on all {self.rows:,} rows: at most {furthest} apart, tolerance {self.tolerance:g}. "
                f"On rows like these at most {self.share.high:.2%} differ."
                + (f" Another class, within the tolerance: {len(self.flipped):,} ({_few(self.flipped)})." if len(self.flipped) else "")
            )
        parts = [
            f"{len(self.differing):,} of {self.rows:,} rows differ by more than {self.tolerance:g}, the furthest by {furthest} "
            f"({self.share.low:.2%} to {self.share.high:.2%} of rows like these): rows {_few(self.differing)}.",
            f"Another class: {len(self.flipped):,} ({_few(self.flipped)})." if len(self.flipped) else "",
            f"Answered by the original alone: {len(self.only_original):,} ({_few(self.only_original)})." if len(self.only_original) else "",
            f"Answered by the converted one alone: {len(self.only_converted):,} ({_few(self.only_converted)})." if len(self.only_converted) else "",
        ]
        return " ".join(part for part in parts if part)


def same_answers(converted: Any, original: Any, X: Any, tolerance: float = 1e-4) -> Sameness:
    """Return whether a converted model answers rows as the original does, and where not.

    Parameters
    ----------
    converted, original
        Two models: anything that `wrap` takes.
    X
        Rows as the original meets them, odd ones included: conversions go wrong at the edges (a threshold rounded to single precision, a
        category never seen, a missing cell).
    tolerance
        How far apart probabilities may be, or numbers in relation to their size.

    Raises
    ------
    ModelError
        If they answer different questions: another task, other classes.
    InputError
        If there are no rows.

    >>> check = same_answers(lambda rows: [r["x"] * 2.0 for r in rows], lambda rows: [r["x"] + r["x"] for r in rows], [{"x": 1.5}, {"x": 3.0}])
    >>> check.same, check.distance.tolist()
    (True, [0.0, 0.0])
    """
    if not tolerance >= 0:
        raise ModelError(f"tolerance={tolerance}; expected a number, 0 or more.")
    batch = Batch.of(X)
    if not len(batch):
        raise InputError("no rows to compare on. Give rows as the original meets them, some hundreds at least.")
    one, other = wrap(original), wrap(converted)
    first, second = one.predict(batch), other.predict(batch)
    if hasattr(one, "task") and hasattr(other, "task") and (one.task != other.task or set(one.classes) != set(other.classes)):
        raise ModelError(
            f"the original is a {one.task} with the classes {list(one.classes)!r}, the converted one a {other.task} with "
            f"{list(other.classes)!r}. Wrap the converted one with the classes of the original, in the order of its probabilities: classes=[…]."
        )
    distance = np.where(first.failed & second.failed, 0.0, _apart(first, second))
    distance[first.failed != second.failed] = np.inf
    wrong: Bools = distance > tolerance
    order = np.argsort(-distance, kind="stable")
    both = ~first.failed & ~second.failed
    flipped = both & (first.value != second.value) if first.classes else np.zeros(len(batch), dtype=bool)
    return Sameness(
        len(batch),
        tolerance,
        distance,
        order[wrong[order]],
        np.flatnonzero(flipped),
        np.flatnonzero(~first.failed & second.failed),
        np.flatnonzero(first.failed & ~second.failed),
        share(int(wrong.sum()), len(batch)),
    )


def _apart(first: Prediction, second: Prediction) -> Floats:
    """Return how far apart two predictions are, row by row."""
    if not first.classes:
        numbers, others = np.asarray(first.value, dtype=np.float64), np.asarray(second.value, dtype=np.float64)
        return np.nan_to_num(np.abs(numbers - others) / np.maximum(1.0, np.abs(numbers)))
    if first.proba is None or second.proba is None:
        return np.asarray(first.value != second.value, dtype=np.float64)
    columns = [second.classes.index(c) for c in first.classes]
    return np.asarray(np.nan_to_num(np.abs(first.proba - second.proba[:, columns]).max(axis=1)))


def _few(rows: Ints) -> str:
    return ", ".join(str(i) for i in rows[:SHOWN].tolist()) + (", …" if len(rows) > SHOWN else "")
