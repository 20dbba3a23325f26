"""Results are data: what a model answers, what a check finds, what a verdict says."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import cached_property
from typing import Any, Literal

import numpy as np

from camelopard.core.arrays import Array, Bools, Floats, Ints, Objects
from camelopard.core.cells import told

Task = Literal["classification", "regression"]
Route = Literal["pass", "repair", "review", "block"]
Level = Literal["none", "low", "medium", "high"]
LONGEST = 1000  # characters of a cell that is told
LEVELS: tuple[Level, ...] = ("none", "low", "medium", "high")


@dataclass(frozen=True)
class Prediction:
    """A model's answer to a batch.

    value
        The class or number per row, shape (n,); None or NaN where the model gave no answer.
    proba
        Class probabilities, shape (n, k), columns in the order of `classes`; None where the model has none. NaN rows where it gave no answer.
    scores
        Raw decision values, shape (n, k), for classifiers without probabilities; None otherwise.
    errors
        What went wrong per row, shape (n,), None where the model answered.
    """

    value: Array
    proba: Floats | None = None
    scores: Floats | None = None
    errors: Objects = field(default_factory=lambda: np.empty(0, dtype=object))
    classes: tuple[Any, ...] = ()

    def __post_init__(self) -> None:
        if len(self.errors) != len(self.value):
            object.__setattr__(self, "errors", np.full(len(self.value), None, dtype=object))

    def __len__(self) -> int:
        return len(self.value)

    @cached_property
    def failed(self) -> Bools:
        """Return which rows have no answer, shape (n,)."""
        return np.asarray(self.errors != None, dtype=bool)  # noqa: E711  cell by cell

    @cached_property
    def shares(self) -> Floats:
        """Return a probability-like number per class, shape (n, k): the model's own, a soft maximum of its decision values, or a plain vote.

        >>> Prediction(np.array(["b"]), classes=("a", "b")).shares.tolist()
        [[0.0, 1.0]]
        """
        if self.proba is not None:
            if not np.isnan(self.proba).any():
                return self.proba
            return np.where(np.isnan(self.proba), 1.0 / max(self.proba.shape[1], 1), self.proba)
        if self.scores is not None:
            scores = np.where(np.isnan(self.scores), 0.0, self.scores)
            powers: Floats = np.exp(np.clip(scores - scores.max(axis=1, keepdims=True), -50.0, 0.0))
            soft: Floats = powers / powers.sum(axis=1, keepdims=True)
            return soft
        if not self.classes:
            return np.ones((len(self), 1))
        return np.stack([np.asarray(self.value == c, dtype=np.float64) for c in self.classes], axis=1)

    @classmethod
    def joined(cls, parts: Sequence[Prediction]) -> Prediction:
        """Return the answers one after the other; where a part has no probabilities because no row of it was answered, they are NaN.

        >>> one, none = Prediction(np.array(["a"]), np.array([[0.9, 0.1]])), Prediction(np.array([None]), errors=np.array(["no"], dtype=object))
        >>> Prediction.joined([one, none]).proba.tolist()
        [[0.9, 0.1], [nan, nan]]
        """
        values = [p.value for p in parts]
        value = np.concatenate(values) if len({v.dtype.kind for v in values}) == 1 else np.concatenate([v.astype(object) for v in values])
        proba, scores = (_stacked([getattr(p, name) for p in parts], [len(p) for p in parts]) for name in ("proba", "scores"))
        return cls(value, proba, scores, np.concatenate([p.errors for p in parts]), next((p.classes for p in parts if p.classes), ()))

    def take(self, index: Ints | Bools | slice) -> Prediction:
        """Return the answers at these positions."""
        return Prediction(
            self.value[index],
            None if self.proba is None else self.proba[index],
            None if self.scores is None else self.scores[index],
            self.errors[index],
            self.classes,
        )


def _stacked(tables: Sequence[Floats | None], lengths: Sequence[int]) -> Floats | None:
    width = next((t.shape[1] for t in tables if t is not None), None)
    if width is None:
        return None
    return np.concatenate([np.full((n, width), np.nan) if t is None else t for t, n in zip(tables, lengths, strict=True)])


@dataclass(frozen=True)
class Interval:
    """An estimate's interval and the confidence it was made with."""

    low: float
    high: float
    confidence: float = 0.95


@dataclass(frozen=True)
class Finding:
    """One result of any check: what was found, on what, how bad, how sure.

    `value` is the measured quantity and `limit` what it was held against; `rows` are positions of example rows; `details` is plain data.
    """

    code: str
    subject: str
    message: str
    level: Level = "none"
    value: float = np.nan
    limit: float = np.nan
    interval: Interval | None = None
    p_value: float = np.nan
    rows: tuple[int, ...] = ()
    details: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def not_run(cls, check: str, error: Exception) -> Finding:
        """Return the finding that a check could not run: never a silent pass."""
        return cls("not-run", check, f"The check {check!r} could not run: {error}", level="medium")

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True)
class Point:
    """One point of a dose–response curve: a kind of damage, on a column, at a severity.

    `fooled` is the share of rows that fool the model: the answer flips (moves beyond the tolerance) or the model raises. `flips` and `exceptions`
    are its two parts. `loss_change` is the mean change of loss where labels are given (0–1 loss for classes, absolute error for numbers).
    `floor` is the share fooled by an in-range resample of the same column, on the same rows.
    """

    kind: str
    family: str
    column: str
    severity: int
    n: int
    fooled: float
    fooled_interval: Interval
    flips: float
    exceptions: float
    loss_change: float
    loss_interval: Interval | None
    floor: float


@dataclass(frozen=True)
class Reason:
    """Why a row is not simply passed: strongest first in a verdict.

    `contribution` is a share of the row's evidence, 0–1; 0 marks a remark without weight (an extra column).
    """

    code: str
    field: str | None
    observed: Any
    expected: str
    contribution: float
    message: str

    def to_dict(self) -> dict[str, Any]:
        """Return it as plain data, without megabytes of what was observed."""
        return {**vars(self), "observed": _bounded(self.observed)}


@dataclass(frozen=True)
class Repair:
    """The most plausible undamaged values, and the model's answer to the row with them.

    >>> Repair({"age": 36}, ">50K", None).changes
    {'age': 36}
    """

    changes: Mapping[str, Any]
    prediction: Any
    proba: Floats | None = None


@dataclass(frozen=True)
class Verdict:
    """What the firewall says about one row."""

    id: Any
    prediction: Any
    risk: float
    confidence: float
    oddity: float
    route: Route
    reasons: tuple[Reason, ...]
    repair: Repair | None
    doubt: str | None = None
    novelty: float | None = None

    def to_dict(self) -> dict[str, Any]:
        repair = None if self.repair is None else {"changes": dict(self.repair.changes), "prediction": self.repair.prediction}
        return {**vars(self), "reasons": [reason.to_dict() for reason in self.reasons], "repair": repair}


def _bounded(observed: Any) -> Any:
    """Return what was observed without megabytes: a long text is cut, a picture is told by its shape, a file by its length."""
    if isinstance(observed, str) and len(observed) > LONGEST:
        return f"{observed[:LONGEST]}…"
    return told(observed) or observed if isinstance(observed, (np.ndarray, bytes)) else observed


@dataclass(frozen=True)
class Assumption:
    """Something the model was found to rely on, with evidence and the cost of breaking it.

    code
        "presence", "type", "range", "values", "null", "case", "whitespace", "format", "characters", "unit", "pair", "sum", "order", "dependency",
        "monotone", "ignored"; of texts and pictures also "length", "language", "size", "channels", "brightness".
    fields
        The columns it is about.
    statement
        In words: "age is a whole number between 17 and 90, never missing".
    limits
        Its parameters as plain data: {"low": 17, "high": 90}.
    evidence
        How it was found: {"rows": 16280, "exceptions": 0}.
    cost
        Share of rows on which breaking it fooled the model in the stress run; NaN where it was not tried.
    cost_interval
        The interval of that share.
    muted
        True where the user, or the finding that the model ignores the column, switched it off.
    """

    code: str
    fields: tuple[str, ...]
    statement: str
    limits: Mapping[str, Any] = field(default_factory=dict)
    evidence: Mapping[str, Any] = field(default_factory=dict)
    cost: float = np.nan
    cost_interval: Interval | None = None
    muted: bool = False
