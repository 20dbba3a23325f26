"""Reads what a model answered: checks its shape and values, settles what the answers mean, and holds them as arrays.

The one idea: an answer of the wrong shape is an error of the call, an answer that makes no sense is an error of its row.
"""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np

from camelopard.core.arrays import Array, Bools, Floats, Ints, Objects, objects
from camelopard.core.batch import plain
from camelopard.core.cells import cell
from camelopard.core.errors import ModelError
from camelopard.core.records import Prediction, Task
from camelopard.models.scored import Scores, Scoring, best, listed, named, of_two, scores_of

Meaning = Literal["labels", "numbers", "proba", "positive", "scored"]
SUM_TOLERANCE = 1e-3  # float32 softmax over thousands of classes stays well within
RANGE_TOLERANCE = 1e-6


class WrongShape(ModelError):
    """Answers in another number or layout than the rows asked for."""


class TaskUnknown(ModelError, AttributeError):
    """A function whose task nobody named and that has not answered yet. An AttributeError too, so that `hasattr` says no instead of failing."""


@dataclass(frozen=True)
class Raw:
    """What an adapter got from its framework.

    meaning
        "labels", "numbers", "proba" (n, k), "positive" (the probability of the second class, shape (n,)), "scored" (objects with a label and its
        score, or lists of them), or None where only the answer can tell.
    scores
        Raw decision values, shape (n, k), or None.
    """

    values: Any
    meaning: Meaning | None = None
    scores: Floats | None = None


@dataclass(frozen=True)
class Answers:
    """Checked answers: a class code (-1: none) or a number (NaN: none) per row, probabilities, scores and errors.

    `proba` has one column where only the probability of the class that was answered is known: see `Reader.known`.
    """

    codes: Ints
    numbers: Floats
    proba: Floats | None
    scores: Floats | None
    errors: Objects

    def __len__(self) -> int:
        return len(self.errors)

    @classmethod
    def none(cls, n: int, error: str | None = None) -> Answers:
        """Return n rows without an answer."""
        errors = np.full(n, error, dtype=object)
        return cls(np.full(n, -1, dtype=np.int64), np.full(n, np.nan), None, None, errors)

    def take(self, index: Ints | slice) -> Answers:
        proba = None if self.proba is None else self.proba[index]
        scores = None if self.scores is None else self.scores[index]
        return Answers(self.codes[index], self.numbers[index], proba, scores, self.errors[index])

    def put(self, index: Ints | slice, part: Answers) -> Answers:
        """Return these answers with the part written at `index`. The arrays are this object's own, so they are written in place."""
        self.codes[index], self.numbers[index], self.errors[index] = part.codes, part.numbers, part.errors
        proba, scores = _room(self.proba, part.proba, len(self)), _room(self.scores, part.scores, len(self))
        if proba is not None:
            proba[index] = np.nan if part.proba is None else part.proba
        if scores is not None:
            scores[index] = np.nan if part.scores is None else part.scores
        return replace(self, proba=proba, scores=scores)


def _room(mine: Floats | None, theirs: Floats | None, n: int) -> Floats | None:
    if mine is None and theirs is not None:
        return np.full((n, theirs.shape[1]), np.nan)
    return mine


class Reader:
    """Knows what one model's answers mean: its task, its classes, and the layout in which they come.

    Parameters
    ----------
    task
        None where only the first answer can tell.
    own
        The classes as the model spells them, in the order of its probabilities; None where unknown.
    classes
        The classes as they are to be shown; default: as the model spells them.

    Where the first answer must tell: text, bool and int mean classes, float means numbers, rows of two or more columns that sum to 1 mean
    probabilities of the classes 0 … k-1, objects with a label and a score classes. Classes that were learned from answers may still grow; given
    ones may not.
    """

    def __init__(self, task: Task | None, own: Sequence[Any] | None = None, classes: Sequence[Any] | None = None) -> None:
        if classes is not None and (isinstance(classes, str) or len(classes) < 2 or len({_key(c) for c in classes}) != len(classes)):
            raise ModelError(f"classes={classes!r}; expected a list of two or more different classes, in the order of the model's probabilities.")
        if task is not None and task not in ("classification", "regression"):
            raise ModelError(f"task={task!r}; expected 'classification' or 'regression'.")
        if task == "regression" and classes is not None:
            raise ModelError("task='regression' with classes: a regression has none. Leave out classes=, or say task='classification'.")
        if own is not None and classes is not None and len(own) != len(classes):
            raise ModelError(f"{len(classes)} classes were given, but the model knows {len(own)}: {_shown(own)}.")
        self._task: Task | None = "classification" if classes is not None else task
        self._shown: list[Any] = [plain(c) for c in (classes if classes is not None else own or ())]
        self._codes = {_key(c): i for i, c in enumerate(own if own is not None else self._shown)}
        self._labels: Array = natural(())  # the same, as an array
        self._open = not self._shown
        self._meaning: Meaning | None = None
        self._scoring = Scoring(None if self._open else tuple(self._codes))

    @property
    def settled(self) -> bool:
        """Whether the model has answered at least once as a model must."""
        return self._meaning is not None

    @property
    def task(self) -> Task:
        if self._task is None:
            raise TaskUnknown("the task is not known before the first answer. Say wrap(…, task='classification') or task='regression'.")
        return self._task

    @property
    def classes(self) -> tuple[Any, ...]:
        if self._task is None:
            raise TaskUnknown("the classes are not known before the first answer. Say wrap(…, classes=[…]), or task='regression'.")
        return tuple(self._shown)

    def named(self, classes: Sequence[Any]) -> Reader:
        """Return the same with other names for the classes it knows, in their order.

        Raises
        ------
        ModelError
            If there are not as many, or what it knows was learned from labels in answers and may still grow.
        """
        if self._open or len(classes) != len(self._shown):
            raise ModelError(f"{len(classes)} names were given for the classes {_shown(self._shown)}.")
        twin = copy(self)
        twin._shown, twin._labels = [plain(c) for c in classes], natural(())
        return twin

    def read(self, raw: Raw, n: int) -> Answers:
        """Return the answers to n rows.

        Raises
        ------
        WrongShape
            If these are not n answers in this model's layout.
        ModelError
            If it cannot be told what they mean.
        """
        if "scored" in (raw.meaning, self._meaning) or (raw.meaning is None and self._meaning is None and self._may_be_scored(raw.values)):
            return self._read_scored(raw.values, n)
        values = _array(raw.values, n)
        meaning = raw.meaning or self._meaning or self._guess(values)
        if meaning is None:
            return Answers.none(n, "no answer: every value is missing")
        answers = _READ[meaning](self, values, n)
        self._meaning = meaning
        self._task = "regression" if meaning == "numbers" else "classification"
        return replace(answers, scores=raw.scores) if raw.scores is not None and raw.scores.shape == (n, len(self._shown)) else answers

    def known(self, answers: Answers) -> Answers:
        """Return the answers with the probabilities that are known of all classes by now."""
        if self._meaning != "scored" or answers.proba is None or self._scoring.layout == "all":
            return answers
        two = self._scoring.layout == "one" and len(self._shown) == 2
        return replace(answers, proba=of_two(answers.codes.tolist(), answers.proba[:, 0]) if two else None)

    def prediction(self, answers: Answers) -> Prediction:
        """Return the answers as the record that callers see."""
        answers = self.known(answers)
        failed = np.array([e is not None for e in answers.errors.tolist()], dtype=bool)
        if self._task == "regression":
            return Prediction(np.where(failed, np.nan, answers.numbers), errors=answers.errors)
        if failed.any() or not self._shown:
            value: Array = objects(None if gone else self._shown[code] for code, gone in zip(answers.codes.tolist(), failed, strict=True))
        else:
            if len(self._labels) != len(self._shown):
                self._labels = natural(self._shown)
            value = self._labels[answers.codes]
        return Prediction(value, answers.proba, answers.scores, answers.errors, tuple(self._shown))

    def _guess(self, values: Array) -> Meaning | None:
        """Return what the first answer means, None where it holds nothing to tell by."""
        if values.ndim == 2 and values.shape[1] == 1:
            values = values[:, 0]
        if self._task == "regression":
            return "numbers"
        if values.ndim == 2:
            if self._task is None and _sound_rows(_as_floats(values)).mean() < 0.5:
                raise ModelError(
                    f"answers of shape {values.shape} whose rows do not sum to 1: neither labels, numbers nor probabilities. "
                    "Return one answer per row, or probabilities, and pass task= to wrap."
                )
            return "proba"
        present = [v for v in map(cell, values.tolist()) if v is not None]
        if not present:
            return None
        if not any(type(v) is float for v in present):
            return "labels"
        if self._task is None:
            return "numbers"
        if len(self._shown) == 2 and all(isinstance(v, float) and 0 <= v <= 1 for v in present):
            return "positive"
        if all(isinstance(v, str) or v in self._codes or (not self._codes and v == round(v)) for v in present):
            return "labels"
        raise ModelError(
            "fractions as answers of a classifier: pass classes=[negative, positive] to wrap if each is the probability of the positive class, "
            "or task='regression' if they are numbers."
        )

    def _may_be_scored(self, values: Any) -> bool:
        return self._task != "regression" and named(values)

    def _read_scored(self, values: Any, n: int) -> Answers:
        said = listed(values)
        if said is None or len(said) != n:
            came = f"{len(said)}" if said is not None else f"a {type(values).__name__}"
            raise WrongShape(f"wrong shape: expected {n} labels with scores, one object or list of them per row; got {came}.")
        found = [scores_of(answer) for answer in said]
        self._scoring.hear(found, SUM_TOLERANCE)
        sound = [row for row in found if not isinstance(row, str)]
        if sound:
            self._meaning, self._task = "scored", "classification"
        if self._open:
            self._learn([label for row in sound for label in row])
            self._open = not self._scoring.closed
        if self._scoring.layout == "all":
            answers = self._read_proba(np.array([self._in_order(row) for row in found]), n)
        else:
            answers = self._coded([best(row) for row in found], n)
        if self._scoring.layout == "one":
            answers = replace(answers, proba=np.array([[np.nan if isinstance(row, str) else max(row.values())] for row in found]))
        for i, row in enumerate(found):
            wrong = self._wrong_scores(row)
            if wrong is not None:
                answers.codes[i], answers.errors[i] = -1, wrong
        if answers.proba is not None:
            answers.proba[answers.codes < 0] = np.nan
        return answers

    def _in_order(self, row: Scores | str) -> list[float]:
        """Return one row's scores in the order of the classes, NaN where one is missing."""
        return [np.nan if isinstance(row, str) else row.get(label, np.nan) for label in self._codes]

    def _wrong_scores(self, row: Scores | str) -> str | None:
        """Return what is wrong with one row's classes and scores, None where they are as those of this model must be."""
        if isinstance(row, str):
            return row
        if self._scoring.layout == "one" and not self._open and len(self._shown) == 2 and max(row.values()) < 0.5 - SUM_TOLERANCE:
            return f"no probabilities: {best(row)!r} is answered with {max(row.values()):.6g}; expected 0.5 or more of the better of two classes"
        if self._scoring.layout != "all":
            return None
        for label in row:
            if label not in self._codes:
                return f"unknown class {str(label)[:80]!r}; expected one of {_shown(self._codes)}"
        gone = [label for label in self._codes if label not in row]
        return f"no probability of {gone[0]!r}; expected one of each class" if gone else None

    def _read_numbers(self, values: Array, n: int) -> Answers:
        if values.ndim == 2 and values.shape[1] == 1:
            values = values[:, 0]
        if values.ndim != 1:
            raise WrongShape(f"wrong shape: expected one number per row, shape ({n},); got {values.shape}.")
        numbers = _as_floats(values)
        answers = Answers.none(n)
        bad = ~np.isfinite(numbers)
        answers.numbers[:] = np.where(bad, np.nan, numbers)
        answers.errors[bad] = [f"no number: {str(v)[:100]}" for v in values[bad]]
        return answers

    def _read_labels(self, values: Array, n: int) -> Answers:
        if values.ndim == 2 and values.shape[1] == 1:
            values = values[:, 0]
        if values.ndim != 1:
            raise WrongShape(f"wrong shape: expected one class per row, shape ({n},); got {values.shape}.")
        if values.dtype == object:
            cells = [cell(v) for v in values.tolist()]
        else:
            unique, inverse = np.unique(values, return_inverse=True)
            return self._coded([plain(v) for v in unique], n, inverse)
        return self._coded(cells, n)

    def _coded(self, cells: list[Any], n: int, inverse: Ints | None = None) -> Answers:
        if self._open:
            self._learn(cells)
        codes = np.array([self._codes.get(_key(v), -1) for v in cells], dtype=np.int64)
        wrong = {i: f"no answer: {v!r}" if v is None else f"unknown class {str(v)[:80]!r}; expected one of {_shown(self._codes)}"
                 for i, v in enumerate(cells) if codes[i] < 0}  # fmt: skip
        answers = Answers.none(n)
        answers.codes[:] = codes if inverse is None else codes[inverse]
        for i in np.flatnonzero(answers.codes < 0):
            answers.errors[i] = wrong[int(i if inverse is None else inverse[i])]
        return answers

    def _learn(self, cells: list[Any]) -> None:
        new = {_key(v): v for v in cells if v is not None and _key(v) not in self._codes and isinstance(v, (str, int, float))}
        try:
            ordered = sorted(new)
        except TypeError:
            ordered = sorted(new, key=str)
        for key in ordered:
            self._codes[key] = len(self._shown)
            self._shown.append(new[key])

    def _read_positive(self, values: Array, n: int) -> Answers:
        if values.ndim == 2 and values.shape[1] == 1:
            values = values[:, 0]
        if values.ndim != 1:
            raise WrongShape(f"wrong shape: expected the probability of {self._shown[1]!r} per row, shape ({n},); got {values.shape}.")
        positive = _as_floats(values)
        return self._read_proba(np.column_stack([1.0 - positive, positive]), n)

    def _read_proba(self, values: Array, n: int) -> Answers:
        if not self._shown and values.ndim == 2 and values.shape[1] >= 2:
            self._shown = list(range(values.shape[1]))
            self._codes, self._open = {c: c for c in self._shown}, False
        k = len(self._shown)
        if values.shape != (n, k):
            raise WrongShape(f"wrong shape: expected a probability per row and class, shape ({n}, {k}); got {values.shape}.")
        proba = _as_floats(values)
        if n == 1 and (best := _surest(proba[0])) is not None:
            return Answers(np.array([best]), np.array([np.nan]), proba.copy(), None, np.array([None]))
        sound = _sound_rows(proba)
        answers = Answers.none(n)
        answers.codes[:] = np.where(sound, np.argmax(np.where(np.isnan(proba), -1.0, proba), axis=1), -1)
        for i in np.flatnonzero(~sound):
            answers.errors[i] = _wrong_row(proba[i])
        return replace(answers, proba=np.where(sound[:, None], proba, np.nan))


_READ = {"numbers": Reader._read_numbers, "labels": Reader._read_labels, "positive": Reader._read_positive, "proba": Reader._read_proba}


def natural(labels: Sequence[Any]) -> Array:
    """Return class labels as the array that NumPy would give them, objects where their types differ.

    >>> natural(["no", "yes"]).dtype.kind, natural([0, "yes"]).dtype.kind
    ('U', 'O')
    """
    kinds = {type(label) for label in labels}
    return np.array(labels) if len(kinds) == 1 and kinds <= {str, int, bool, float} else objects(labels)


def _array(values: Any, n: int) -> Array:
    """Return any framework's answers as an array of one or two dimensions with n rows."""
    if values is None:
        raise WrongShape(f"wrong shape: expected {n} answers; got None.")
    if isinstance(values, (list, tuple)) and any(isinstance(v, str) or v is None for v in values):
        array: Array = objects(values)  # NumPy would turn a mixture of text and numbers into text
    else:
        try:
            array = np.asarray(values)
        except ValueError as error:
            raise WrongShape(f"wrong shape: expected {n} answers of the same length; got a ragged {type(values).__name__}.") from error
    if array.ndim not in (1, 2) or len(array) != n:
        raise WrongShape(f"wrong shape: expected {n} answers, one per row; got {type(values).__name__} of shape {array.shape}.")
    return array


def _as_floats(values: Array) -> Floats:
    """Return numbers as float64, NaN for what is none."""
    if values.dtype.kind in "fiub":
        return values.astype(np.float64, copy=False)
    flat = [_as_float(v) for v in values.ravel().tolist()]
    return np.array(flat, dtype=np.float64).reshape(values.shape)


def _as_float(value: Any) -> float:
    if isinstance(value, str):
        return np.nan
    try:
        return float(value)
    except (TypeError, ValueError, OverflowError):
        return np.nan


def _sound_rows(proba: Floats) -> Bools:
    with np.errstate(invalid="ignore", over="ignore"):
        within = np.all((proba >= -RANGE_TOLERANCE) & (proba <= 1 + RANGE_TOLERANCE), axis=1)
        return np.asarray(within & (np.abs(proba.sum(axis=1) - 1) <= SUM_TOLERANCE))


def _surest(shares: Floats) -> int | None:
    """Return the place of the largest of one row's probabilities; None where they are none. The same as for many rows, and quicker."""
    with np.errstate(invalid="ignore", over="ignore"):
        total = float(shares.sum())
    known = shares.tolist()
    fine = abs(total - 1) <= SUM_TOLERANCE and all(-RANGE_TOLERANCE <= share <= 1 + RANGE_TOLERANCE for share in known)
    return known.index(max(known)) if fine else None


def _wrong_row(row: Floats) -> str:
    if not np.isfinite(row).all():
        return "no probabilities: NaN or infinite"
    if (row < -RANGE_TOLERANCE).any() or (row > 1 + RANGE_TOLERANCE).any():
        return f"no probabilities: outside 0–1 ({float(row.min()):.6g} to {float(row.max()):.6g})"
    return f"no probabilities: they sum to {float(row.sum()):.6g}, expected 1"


def _key(label: Any) -> Any:
    value = plain(label)
    try:
        hash(value)
    except TypeError:
        return repr(value)
    return value


def _shown(labels: Any) -> str:
    items = [repr(plain(label)) for label in list(labels)[:10]]
    return ", ".join(items) + (", …" if len(labels) > 10 else "")
