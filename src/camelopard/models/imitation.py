"""A stand-in for a model of which only the answers are at hand, and how far it may be trusted.

The one idea: what is measured on the stand-in is worth as much as its agreement with the model on rows it has not seen.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from camelopard.core.arrays import Array, Floats, Ints, objects
from camelopard.core.batch import Batch
from camelopard.core.cells import number
from camelopard.core.errors import InputError
from camelopard.core.intervals import mean, share
from camelopard.core.records import Interval, Task
from camelopard.core.schema import Column, Schema, date_days
from camelopard.models.answers import Answers, Raw, Reader
from camelopard.models.functions import FunctionAdapter
from camelopard.models.model import Wrapped
from camelopard.models.native import Eats

FOLDS = 5
FEWEST = 50  # answered rows: below it a held-out fold has fewer than ten
MOST_CODES = 1000  # categories told apart per column; rarer ones are missing
FAINT = 0.01  # probabilities below it do not count as an answer


@dataclass(frozen=True)
class Agreement:
    """How well a stand-in agrees with the model, on rows that it was not trained on.

    `measure`: "share" of equal answers, or "r2" (1 − squared error / variance of the answers). `rows`: how many answers it rests on.
    """

    value: float
    interval: Interval
    measure: Literal["share", "r2"]
    rows: int


class Imitation(Wrapped):
    """A model that imitates another one's answers. `agreement` says how well."""

    def __init__(self, imitator: Imitator, name: str, reader: Reader, agreement: Agreement) -> None:
        super().__init__(imitator, name, FunctionAdapter(imitator, Eats(kinds=("batch",))), reader)
        self.agreement = agreement


@dataclass(frozen=True)
class Encoder:
    """Turns mixed rows into numbers: categories become their rank by frequency; what is unseen or unreadable is missing.

    >>> batch = Batch.of([{"a": 1, "b": "x"}, {"a": 2, "b": "y"}])
    >>> Encoder(Schema.infer(batch)).encode(Batch.of([{"a": "one", "b": "y"}]))
    array([[nan,  1.]])
    """

    schema: Schema

    def encode(self, batch: Batch) -> Floats:
        """Return one number per cell, shape (n, columns)."""
        conformed = self.schema.conform(batch)
        columns = [_encoded(conformed.columns[c.name], c) for c in self.schema.columns.values()]
        return np.column_stack(columns) if columns else np.empty((len(batch), 0))

    @property
    def categorical(self) -> list[int]:
        """The positions of the columns whose numbers are mere names."""
        return [i for i, c in enumerate(self.schema.columns.values()) if c.kind == "category"]


@dataclass(frozen=True)
class Imitator:
    """A function from a table to answers: encodes the rows and asks the trees trained on the model's answers."""

    encoder: Encoder
    trees: Callable[[Floats], Floats]

    def __call__(self, table: Any) -> Raw | Floats:
        return self.trees(self.encoder.encode(Batch.of(table)))


def imitate(
    X: Any, predictions: Any, name: str = "imitation", task: Task | None = None, classes: Sequence[Any] | None = None, seed: int = 0
) -> Imitation:
    """Return a model that stands in for the one that gave these answers to X.

    Gradient-boosted trees, trained on the answers; rows without an answer are left out.

    Parameters
    ----------
    X
        Any table.
    predictions
        One class or number per row, probabilities of shape (n, k), or, with two `classes`, the probability of the second, shape (n,).
    task, classes
        As for `wrap`.
    seed
        Draws the folds on which the agreement is measured.

    Raises
    ------
    InputError
        If there are not as many answers as rows, fewer than 50 answers, or only one class.
    ModelError
        If it cannot be told what the answers mean.
    """
    batch = Batch.of(X)
    if len(predictions) != len(batch):
        raise InputError(f"{len(predictions)} predictions for {len(batch)} rows; expected one per row.")
    reader = Reader(task, None, classes)
    answers = reader.known(reader.read(Raw(predictions), len(batch)))
    rows = np.flatnonzero([error is None for error in answers.errors])
    if len(rows) < FEWEST:
        raise InputError(f"{len(rows)} rows with an answer; at least {FEWEST} are needed to imitate a model.")
    batch, answers = batch.take(rows), answers.take(rows)
    shown = reader.classes
    if reader.task == "classification" and len(np.unique(answers.codes)) < 2:
        raise InputError(f"every answer is {shown[answers.codes[0]]!r}; there is nothing to imitate.")
    encoder = Encoder(Schema.infer(batch))
    numbers = encoder.encode(batch)
    k = len(shown)
    agreement = _agreement(numbers, answers, k, encoder.categorical, np.random.default_rng(seed))
    imitator = Imitator(encoder, _trees(numbers, answers, k, encoder.categorical))
    return Imitation(imitator, name, _settled(reader.task, shown), agreement)


def _settled(task: Task, shown: tuple[Any, ...]) -> Reader:
    if task == "regression":
        return Reader("regression")
    return Reader("classification", range(len(shown)), shown if len(shown) > 1 else None)


def _agreement(numbers: Floats, answers: Answers, k: int, categorical: list[int], rng: np.random.Generator) -> Agreement:
    """Return the agreement on rows left out of training, cross-fitted."""
    n = len(answers)
    fold = rng.permutation(n) % FOLDS
    guessed = np.empty(n)
    for part in range(FOLDS):
        inside, outside = np.flatnonzero(fold != part), np.flatnonzero(fold == part)
        answer = _trees(numbers[inside], answers.take(inside), k, categorical)(numbers[outside])
        guessed[outside] = answer if k == 0 else np.argmax(answer, axis=1)
    if k:
        equal = int((guessed == answers.codes).sum())
        return Agreement(equal / n, share(equal, n), "share", n)
    lost = (guessed - answers.numbers) ** 2
    variance = float(answers.numbers.var())
    if variance == 0:
        return Agreement(float(lost.max() == 0), Interval(0.0, 1.0), "r2", n)
    spread = mean(lost / variance)
    assert spread is not None  # there are at least FEWEST rows
    return Agreement(1 - float(lost.mean()) / variance, Interval(1 - spread.high, 1 - spread.low), "r2", n)


def _trees(numbers: Floats, answers: Answers, k: int, categorical: list[int]) -> Callable[[Floats], Floats]:
    """Return a function from numbers to answers, trained on these; probabilities count as so many answers of each class."""
    import lightgbm

    data, target, weight = numbers, answers.numbers, None
    settings: dict[str, Any] = {"objective": "regression"}
    if k:
        place, target, weight = _spread(answers, k)
        data = numbers[place]
        settings = {"objective": "binary"} if k == 2 else {"objective": "multiclass", "num_class": k}
    trained = lightgbm.train(
        settings | _SETTINGS, lightgbm.Dataset(data, target, weight=weight, categorical_feature=categorical, free_raw_data=True), ROUNDS
    )

    def answer(asked: Floats) -> Floats:
        values = np.asarray(trained.predict(asked, num_threads=1), dtype=np.float64)
        return np.column_stack([1 - values, values]) if k == 2 else values

    return answer


ROUNDS = 150
_SETTINGS: dict[str, Any] = {
    "learning_rate": 0.1,
    "num_leaves": 31,
    "min_data_in_leaf": 5,
    "cat_smooth": 5,
    "min_data_per_group": 20,
    "deterministic": True,
    "force_col_wise": True,
    "num_threads": 1,
    "seed": 0,
    "verbosity": -1,
}


def _spread(answers: Answers, k: int) -> tuple[Ints, Floats, Floats]:
    """Return rows, classes and weights: one line per row and class that it is likely to have."""
    if answers.proba is None:
        return np.arange(len(answers)), answers.codes.astype(np.float64), np.ones(len(answers))
    place, code = np.nonzero((answers.proba >= FAINT) | (np.arange(k) == answers.codes[:, None]))
    return place, code.astype(np.float64), np.maximum(answers.proba[place, code], FAINT)


def _encoded(values: Array, column: Column) -> Floats:
    if column.kind == "date":
        return date_days(values, column.date_format)
    if column.kind == "number":
        if values.dtype.kind in "fi":
            return values.astype(np.float64, copy=False)
        return np.array([number(v) if type(v) in (int, float) else np.nan for v in values.tolist()], dtype=np.float64)
    codes = {(type(v), v): float(i) for i, v in enumerate(list(column.values)[:MOST_CODES])}
    cells = values if values.dtype == object else objects(values.tolist())
    return np.array([_code(codes, v) for v in cells], dtype=np.float64)


def _code(codes: Mapping[tuple[type, Any], float], value: Any) -> float:
    try:
        return codes.get((type(value), value), np.nan)
    except TypeError:
        return np.nan
