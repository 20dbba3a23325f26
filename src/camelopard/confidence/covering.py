"""Answers that hold the truth as often as promised, whatever the model: sets of classes and intervals of numbers.

Split conformal prediction (Papadopoulos et al. 2002; Vovk, Gammerman & Shafer 2005), within each segment where one is named (Mondrian). The promise
is for rows like those given, in any order; it ends where traffic is different.
"""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from camelopard.core.arrays import Array, Floats, objects
from camelopard.core.batch import Batch, plain
from camelopard.core.errors import InputError, UnknownName
from camelopard.core.labels import answered, codes_of
from camelopard.core.protocols import Model, wrapped
from camelopard.core.records import Prediction

MOST_SEGMENTS = 50
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
class Conformal:
    """A model whose answers come with what else they may be. Made by `camelopard.conformal`.

    limits
        Per value of the column `by`, or for all rows.
    """

    model: Model
    coverage: float
    by: str | None
    limits: Mapping[Any, Limit]

    def predict(self, X: Any) -> Prediction:
        """Return the model's own answers."""
        return self.model.predict(X)

    def sets(self, X: Any) -> list[tuple[Any, ...]]:
        """Return for each row the classes that may be right, the likeliest first: the model's own, and all that are not too unlikely.

        All classes, where the model gives no answer, and in a segment of which too little is known.
        """
        if self.model.task != "classification":
            raise InputError(f"{self.model.name} answers numbers; ask interval(X).")
        batch = Batch.of(X)
        answer, limit = self.model.predict(batch), self._limits(batch)
        shares = answer.shares
        held = 1.0 - shares <= limit[:, None]
        classes = [plain(c) for c in answer.classes]
        own = codes_of(answer.value, classes)
        own = np.where(own < 0, shares.argmax(axis=1), own)
        held[np.arange(len(batch)), own] = True
        held[answer.failed] = True
        first = shares.copy()
        first[np.arange(len(batch)), own] = np.inf
        order = np.argsort(-first, axis=1, kind="stable")
        return [tuple(classes[c] for c in row if mine[c]) for row, mine in zip(order.tolist(), held.tolist(), strict=True)]

    def interval(self, X: Any) -> tuple[Floats, Floats]:
        """Return between which numbers the truth lies, each of shape (n,); the whole line where the model gives no answer."""
        if self.model.task != "regression":
            raise InputError(f"{self.model.name} answers classes; ask sets(X).")
        batch = Batch.of(X)
        answer, reach = self.model.predict(batch), self._limits(batch)
        value = np.where(answer.failed, 0.0, answer.value).astype(np.float64)
        reach = np.where(answer.failed, np.inf, reach)
        return value - reach, value + reach

    def _limits(self, batch: Batch) -> Floats:
        """Return the limit of each row, shape (n,): infinite in a segment that was not seen."""
        return np.array([self.limits[s].value if s in self.limits else np.inf for s in segments(batch, self.by).tolist()], dtype=np.float64)

    def __repr__(self) -> str:
        lines = [
            f"{self.model.name}: holds the truth in at least {self.coverage:.1%} of rows like those given"
            + (f", for each {self.by}." if self.by else ".")
        ]
        for name, limit in self.limits.items():
            if np.isfinite(limit.value):
                lines.append(f"  {name}: {limit.rows:,} rows; so many rows give at least {limit.least():.1%} in 95 of 100 cases")
            else:
                needed = math.ceil(self.coverage / (1 - self.coverage) - 1e-9)
                lines.append(f"  {name}: {limit.rows:,} rows, too few: everything is held. It takes {needed:,}.")
        return "\n".join(lines)


def conformal(model: Model, X: Any, y: Any, *, coverage: float = 0.9, by: str | None = None) -> Conformal:
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

    Raises
    ------
    InputError
        If coverage is no such share, `by` has more than 50 values, y is missing, or no row is answered.
    """
    model = wrapped(model)
    if not isinstance(coverage, (int, float)) or not 0 < coverage < 1:
        raise InputError(f"coverage={coverage!r}; expected a share above 0 and below 1.")
    batch, answer, labels = answered(model, X, y)
    if model.task == "classification":
        codes = codes_of(labels, answer.classes)
        scores = np.where(codes < 0, np.inf, 1.0 - answer.shares[np.arange(len(codes)), codes])  # a class that is never answered is never held
    else:
        scores = np.abs(answer.value.astype(np.float64) - labels.astype(np.float64))
    where = segments(batch, by).tolist()
    names = sorted(set(where), key=str)
    if len(names) > MOST_SEGMENTS:
        raise InputError(f"the column {by!r} has {len(names)} values; expected one of at most {MOST_SEGMENTS}.")
    part = {name: np.array([s == name for s in where], dtype=bool) for name in names}
    return Conformal(model, coverage, by, {name: Limit.of(scores[mine], coverage) for name, mine in part.items()})


def segments(batch: Batch, by: str | None) -> Array:
    """Return to which segment each row belongs, shape (n,)."""
    if by is None:
        return objects([WHOLE] * len(batch))
    if by not in batch.columns:
        raise UnknownName.among(by, batch.names, "column")
    return objects(_hashable(plain(cell)) for cell in batch.columns[by])


def _hashable(cell: Any) -> Any:
    if isinstance(cell, dt.datetime) and cell.time() == dt.time():
        cell = cell.date()  # as a date, whatever library it came from
    return cell if isinstance(cell, (str, int, float, bool, type(None))) else str(cell)
