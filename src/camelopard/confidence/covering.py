"""Answers that hold the truth as often as promised, whatever the model: sets of classes and intervals of numbers.

Split conformal prediction (Papadopoulos et al. 2002; Vovk, Gammerman & Shafer 2005), within each segment where one is named (Mondrian). The promise
is for rows like those given, in any order; it ends where traffic is different, which `Conformal.watch` finds out.
"""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from camelopard.confidence.error_range import ErrorRange
from camelopard.confidence.scores import checked_seed, left_out
from camelopard.confidence.watching import Watch
from camelopard.core.arrays import Array, Bools, Floats, Ints, objects
from camelopard.core.batch import Batch, plain
from camelopard.core.errors import InputError, UnknownName
from camelopard.core.intervals import mean
from camelopard.core.labels import answered, checked_labels, codes_of, with_labels
from camelopard.core.protocols import Model, wrapped
from camelopard.core.records import Interval, Prediction, Task

MOST_SEGMENTS = 50
FEWEST_ADAPTIVE = 40
WHOLE = "all rows"


@dataclass(frozen=True)
class Limit:
    """How strange the truth may be for its place to be held: infinite where the rows are too few for the promise."""

    value: float
    rows: int
    rank: int

    @classmethod
    def of(cls, scores: Floats, coverage: float) -> Limit:
        """Return the k-th smallest of n scores, k = ⌈(n + 1) · coverage⌉: a new row lies below it with probability k / (n + 1) at least.

        >>> Limit.of(np.arange(99.0), 0.9)
        Limit(value=89.0, rows=99, rank=90)
        """
        n = len(scores)
        rank = max(math.ceil((n + 1) * coverage - 1e-9), 1)
        return cls(float(np.sort(scores)[rank - 1]) if rank <= n else np.inf, n, rank)

    def least(self) -> float:
        """Return what share of new rows is held at least, in 95 of 100 draws of so many rows: of Beta(k, n + 1 − k), more where scores are tied."""
        if not np.isfinite(self.value):
            return 1.0
        from scipy.stats import beta

        return float(beta.ppf(0.05, self.rank, self.rows + 1 - self.rank))


@dataclass(frozen=True)
class Size:
    """The mean of how much is held, its 95 % interval, and how many rows hold everything without end and are left out of it."""

    mean: float
    interval: Interval | None
    rows: int
    endless: int

    @classmethod
    def of(cls, sizes: Floats) -> Size:
        """Measure sizes of rows, shape (n,).

        >>> Size.of(np.array([1.0, 1.0, 2.0, 2.0, np.inf])).told("wide")
        '1.5 wide on average (0.9342 to 2.066), of 4 rows; everything in 1 more'
        """
        known = sizes[np.isfinite(sizes)]
        return cls(float(known.mean()) if len(known) else np.inf, mean(known), len(known), len(sizes) - len(known))

    def told(self, unit: str) -> str:
        """Return it in words."""
        if not self.rows:
            return f"everything in all of {self.endless:,} rows"
        more = f"; everything in {self.endless:,} more" if self.endless else ""
        if self.interval is None or not self.interval.high > self.interval.low:
            return f"{self.mean:.4g} {unit}, the same in each of {self.rows:,} rows{more}"
        return f"{self.mean:.4g} {unit} on average ({self.interval.low:.4g} to {self.interval.high:.4g}), of {self.rows:,} rows{more}"


@dataclass(frozen=True)
class Conformal:
    """A model whose answers come with what else they may be. Made by `camelopard.conformal`.

    limits
        Per value of the column `by`, or for all rows.
    errors
        What is guessed of the model's errors given the row, where the width follows the row.
    size
        How much is held on average, over the rows that made the limits: classes, or the width of an interval.
    since
        What has come since.
    notes
        What to know about the rows that made the limits.
    """

    model: Model
    coverage: float
    by: str | None
    limits: Mapping[Any, Limit]
    errors: ErrorRange | None
    size: Size
    since: Watch
    notes: tuple[str, ...] = ()

    @property
    def holds(self) -> bool:
        """Whether the rows that were watched are still like those given. Once they are not, the promise stays withdrawn."""
        return self.since.holds

    def predict(self, X: Any) -> Prediction:
        """Return the model's own answers."""
        return self.model.predict(X)

    def sets(self, X: Any) -> list[tuple[Any, ...]]:
        """Return for each row the classes that may be right, the likeliest first: the model's own, and all that are not too unlikely.

        All classes, where the model gives no answer, and in a segment of which too little is known. Warns once if the promise is withdrawn.
        """
        if self.model.task != "classification":
            raise InputError(f"{self.model.name} answers numbers; ask interval(X).")
        batch = Batch.of(X)
        answer = self.model.predict(batch)
        held = held_classes(answer, self._limits(batch))
        self.since.warn(self.model.name)
        classes = [plain(c) for c in answer.classes]
        first = answer.shares.copy()
        first[np.arange(len(batch)), own_codes(answer)] = np.inf
        order = np.argsort(-first, axis=1, kind="stable")
        return [tuple(classes[c] for c in row if mine[c]) for row, mine in zip(order.tolist(), held.tolist(), strict=True)]

    def interval(self, X: Any) -> tuple[Floats, Floats]:
        """Return between which numbers the truth lies, each of shape (n,); the whole line where the model gives no answer.

        Warns once if the promise is withdrawn.
        """
        if self.model.task != "regression":
            raise InputError(f"{self.model.name} answers classes; ask sets(X).")
        batch = Batch.of(X)
        answer, reach = self.model.predict(batch), self._limits(batch)
        self.since.warn(self.model.name)
        return between(batch, answer, self.errors, np.where(answer.failed, np.inf, reach))

    def watch(self, X: Any, y: Any = None) -> None:
        """Look at rows in their order of arrival, and withdraw the promise once they are no longer like those given. Give each row once per kind.

        Without labels the model's own word is looked at: how unlikely it calls its answer, or which number it answers. With labels, how far the truth
        lies from the answer. With `by` rows are held against those of their own value, in whatever mix they come. The chance that the promise is ever
        withdrawn while rows are like those given is at most `level`, however often it is looked at (see `camelopard.Exchangeability`).

        Rows that the model does not answer, and those of a value of `by` that was not among the rows given, take no part.
        """
        batch, labels = with_labels(Batch.of(X), y)
        answer = self.model.predict(batch)
        good = np.flatnonzero(~answer.failed)
        batch, answer = batch.take(good), answer.take(good)
        if labels is None:
            scores = doubt(answer, self.model.task)
        else:
            truth = checked_labels(labels[good], self.model, answer) if len(good) else labels[good]
            scores = strangeness(batch, answer, truth, self.model.task, self.errors)
        groups = segments(batch, self.by).tolist() if self.by else None
        self.since.tests["without labels" if labels is None else "with labels"].update(scores, groups)

    def _limits(self, batch: Batch) -> Floats:
        """Return the limit of each row, shape (n,): infinite in a segment that was not seen."""
        names = segments(batch, self.by).tolist()
        self.since.count([name for name in names if name not in self.limits], len(names))
        return np.array([self.limits[s].value if s in self.limits else np.inf for s in names], dtype=np.float64)

    def __repr__(self) -> str:
        each = f", for each {self.by}" if self.by else ""
        if self.holds:
            lines = [f"{self.model.name}: holds the truth in at least {self.coverage:.1%} of rows like those given{each}."]
        else:
            lines = [f"{self.model.name}: NO LONGER PROMISED: the truth in at least {self.coverage:.1%} of rows like those given{each}."]
        for name, limit in self.limits.items():
            if np.isfinite(limit.value):
                lines.append(f"  {name}: {limit.rows:,} rows; so many rows give at least {limit.least():.1%} in 95 of 100 cases")
            else:
                needed = math.ceil(self.coverage / (1 - self.coverage) - 1e-9)
                lines.append(f"  {name}: {limit.rows:,} rows, too few: everything is held. It takes {needed:,}.")
        size = f"sets: {self.size.told('classes')}" if self.model.task == "classification" else f"intervals: {self.size.told('wide')}"
        return "\n".join([*lines, *(f"  {line}" for line in [size, *self.notes, *self.since.told_strange(self.by), *self.since.told()])])


def conformal(
    model: Model, X: Any, y: Any, *, coverage: float = 0.9, by: str | None = None, adaptive: bool = False, level: float = 0.01, seed: int = 0
) -> Conformal:
    """Return the model with sets of classes, or intervals of numbers, that hold the truth in at least `coverage` of rows like those given.

    Parameters
    ----------
    model
        What `camelopard.wrap` or `camelopard.calibrate` returns.
    X, y
        Rows that the model was not trained on, and their labels.
    coverage
        How often the truth is held, above 0 and below 1.
    by
        A column of X of few values: the promise is then kept within each of them.
    adaptive
        For numbers: let the width follow the row. Half of the rows, drawn at random, teach how far the model is off given the row; the other half
        make the promise (conformalised quantile regression: Romano, Patterson & Candès 2019).
    level
        The chance, at most, that the promise is ever withdrawn while the rows that `watch` is given are like these.
    seed
        Seed of everything random.

    Raises
    ------
    InputError
        If coverage, level or seed is no such number, `by` has more than 50 values, y is missing or holds a class that the model never answers, no row
        is answered, or rows are too few to be divided.
    """
    model = wrapped(model)
    for name, share in (("coverage", coverage), ("level", level)):
        if isinstance(share, bool) or not isinstance(share, (int, float)) or not 0 < share < 1:
            raise InputError(f"{name}={share!r}; expected a share above 0 and below 1.")
    seed = checked_seed(seed)
    given = Batch.of(X)
    batch, answer, labels = answered(model, given, y)
    notes = left_out(len(batch), len(given))
    if model.task == "classification":
        _check_answerable(labels, answer, model.name)
        if len({plain(label) for label in labels.tolist()}) == 1:
            notes += (f"all {len(labels)} rows have the label {plain(labels[0])!r}: what is promised is for rows of that label alone",)
    everyone = segments(batch, by).tolist()
    names = sorted(set(everyone), key=str)
    if len(names) > MOST_SEGMENTS:
        raise InputError(f"the column {by!r} has {len(names)} values; expected one of at most {MOST_SEGMENTS}.")
    plainly = (doubt(answer, model.task), everyone if by else None)
    errors = None
    if adaptive:
        if model.task == "classification":
            raise InputError(f"adaptive=True is for numbers, and {model.name} answers classes: its sets follow the row already. Leave it out.")
        if len(batch) < FEWEST_ADAPTIVE:
            raise InputError(f"{len(batch)} rows; adaptive=True divides them in two halves and expects at least {FEWEST_ADAPTIVE}.")
        order = np.random.default_rng(seed).permutation(len(batch))
        taught, kept = order[: len(batch) // 2], np.sort(order[len(batch) // 2 :])
        value = answer.value[taught].astype(np.float64)
        errors = ErrorRange.fit(batch.take(taught), value, labels[taught] - value, coverage)
        batch, answer, labels = batch.take(kept), answer.take(kept), labels[kept]
    scores, where = strangeness(batch, answer, labels, model.task, errors), segments(batch, by).tolist()
    limits = {name: Limit.of(scores[np.array([s == name for s in where], dtype=bool)], coverage) for name in names}
    reach = np.array([limits[s].value for s in where])
    if model.task == "classification":
        sizes: Floats = held_classes(answer, reach).sum(axis=1).astype(np.float64)
    else:
        low, high = between(batch, answer, errors, reach)
        sizes = high - low
    return Conformal(model, coverage, by, limits, errors, Size.of(sizes), Watch(plainly, (scores, where if by else None), level, seed), notes)


def doubt(answer: Prediction, task: Task) -> Floats:
    """Return what a model's own answers say about the row, without its label, shape (n,): how unlikely its answer is, or the number it answers."""
    found: Floats = 1.0 - answer.shares.max(axis=1) if task == "classification" else answer.value.astype(np.float64)
    return found


def strangeness(batch: Batch, answer: Prediction, labels: Array, task: Task, errors: ErrorRange | None) -> Floats:
    """Return how far the truth lies from the answer, shape (n,): infinite for a class that is never answered, negative inside of what was guessed."""
    if task == "classification":
        codes = codes_of(labels, answer.classes)
        return np.where(codes < 0, np.inf, 1.0 - answer.shares[np.arange(len(codes)), codes])
    low, high = guessed(batch, answer.value.astype(np.float64), errors)
    truth = labels.astype(np.float64)
    return np.maximum(low - truth, truth - high)


def held_classes(answer: Prediction, limit: Floats) -> Bools:
    """Return which classes are held, shape (n, k): the model's own, all that are not beyond the limit, and all where there is no answer."""
    held: Bools = 1.0 - answer.shares <= limit[:, None]
    held[np.arange(len(answer)), own_codes(answer)] = True
    held[answer.failed] = True
    return held


def own_codes(answer: Prediction) -> Ints:
    """Return which class each answer is, the likeliest where it is none of them, shape (n,)."""
    own = codes_of(answer.value, [plain(c) for c in answer.classes])
    return np.where(own < 0, answer.shares.argmax(axis=1), own)


def between(batch: Batch, answer: Prediction, errors: ErrorRange | None, reach: Floats) -> tuple[Floats, Floats]:
    """Return the two ends of each interval, each of shape (n,)."""
    low, high = guessed(batch, np.where(answer.failed, 0.0, answer.value).astype(np.float64), errors)
    low, high = low - reach, high + reach
    crossed = low > high  # nothing is left of what was guessed: a point, which only adds to what is held
    low[crossed] = high[crossed] = (low[crossed] + high[crossed]) / 2
    return low, high


def guessed(batch: Batch, value: Floats, errors: ErrorRange | None) -> tuple[Floats, Floats]:
    """Return what is guessed of the truth before any promise: the answer itself, or where its errors lie, each of shape (n,)."""
    if errors is None:
        return value, value
    low, high = errors.of(batch, value)
    return value + low, value + high


def segments(batch: Batch, by: str | None) -> Array:
    """Return to which segment each row belongs, shape (n,)."""
    if by is None:
        return objects([WHOLE] * len(batch))
    check_column(batch, by)
    return objects(_hashable(plain(cell)) for cell in batch.columns[by])


def check_column(batch: Batch, by: object) -> None:
    """Raise an error if it is no column of the batch."""
    if not isinstance(by, str):
        raise InputError(f"by={repr(by)[:60]}; expected the name of one column.")
    if by not in batch.columns:
        raise UnknownName.among(by, batch.names, "column")


def _check_answerable(labels: Array, answer: Prediction, name: str) -> None:
    """Raise an error if the truth may be a class that no set could hold, since the model does not know it."""
    strange = np.flatnonzero(codes_of(labels, answer.classes) < 0)
    if len(strange):
        known = ", ".join(repr(plain(c)) for c in answer.classes[:10])
        raise InputError(
            f"y holds {plain(labels[strange[0]])!r} in {len(strange):,} of {len(labels):,} rows, which {name} never answers (it answers {known}), so "
            "no set of its classes holds the truth there. Name all classes when wrapping it: wrap(…, classes=[…])."
        )


def _hashable(cell: Any) -> Any:
    if isinstance(cell, dt.datetime) and cell.time() == dt.time():
        cell = cell.date()  # as a date, whatever library it came from
    return cell if isinstance(cell, (str, int, float, bool, type(None))) else str(cell)
