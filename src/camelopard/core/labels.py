"""Labels beside rows: read, checked, and compared with what the model answers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from camelopard.core.arrays import Array, Ints, is_missing, objects
from camelopard.core.batch import Batch, plain
from camelopard.core.cells import cell
from camelopard.core.errors import InputError
from camelopard.core.protocols import Model
from camelopard.core.records import Prediction


def with_labels(batch: Batch, y: Any) -> tuple[Batch, Array | None]:
    """Return the batch and its labels: an array-like of one label per row, or the name of the column that holds them.

    Raises
    ------
    InputError
        If the length differs, a label is missing, or there is no such column.
    """
    if y is None:
        return batch, None
    if isinstance(y, str):
        if y not in batch.columns:
            raise InputError(f"y={y!r} is no column of X. Its columns: {', '.join(batch.names[:30])}.")
        values: Array = batch.columns[y]
        batch = batch.select([name for name in batch.names if name != y])
    else:
        values = _array_of(y)
    if values.ndim != 1 or len(values) != len(batch):
        raise InputError(f"y has shape {values.shape} for {len(batch)} rows; expected one label per row.")
    gone = is_missing(values)
    if gone.any():
        raise InputError(f"y is missing in {int(gone.sum())} rows, the first at position {int(np.flatnonzero(gone)[0])}. Leave those rows out.")
    return batch, values


def _array_of(y: Any) -> Array:
    """Return labels as an array, cell by cell where they are no plain numbers: NumPy would turn a gap among texts into the text "nan"."""
    items = y.to_pylist() if hasattr(y, "to_pylist") else list(y) if isinstance(y, (list, tuple)) else None
    if items is not None and not any(isinstance(v, (list, tuple, np.ndarray)) for v in items):
        numbers = all(isinstance(v, (int, float, np.number)) and not isinstance(v, bool) for v in items)
        return np.asarray(items) if numbers else objects(cell(v) for v in items)
    values: Array = np.asarray(y.to_numpy() if hasattr(y, "to_numpy") else y)
    return objects(cell(v) for v in values) if values.dtype == object and values.ndim == 1 else values


def answered(model: Model, X: Any, y: Any, fewest: int = 1) -> tuple[Batch, Prediction, Array]:
    """Return the rows that the model answers, its answers, and the labels as they are compared with these.

    Raises
    ------
    InputError
        If fewer rows than `fewest` are answered, y is missing, or as `with_labels` and `checked_labels`.
    """
    batch, labels = with_labels(Batch.of(X), y)
    if labels is None:
        raise InputError("y is missing; labels are what answers are held against.")
    if not len(batch):
        raise InputError("X has no rows; labelled rows are needed to measure on.")
    answer = model.predict(batch)
    good = np.flatnonzero(~answer.failed)
    if len(good) < fewest:
        why = f" The first without one: {answer.errors[answer.failed][0]}." if answer.failed.any() else ""
        raise InputError(f"{len(good)} of the {len(batch)} rows given have an answer; expected at least {fewest} labelled rows.{why}")
    answer = answer.take(good)
    return batch.take(good), answer, checked_labels(labels[good], model, answer)


def checked_labels(labels: Array, model: Model, answer: Prediction) -> Array:
    """Return the labels as they are compared with the model's answers.

    Raises
    ------
    InputError
        If a regression's labels are no numbers, or a label is none of the model's classes (of those that a model without probabilities has shown so
        far, at least one must occur).
    """
    if model.task == "regression":
        try:
            numbers = labels.astype(np.float64)
        except (TypeError, ValueError) as error:
            raise InputError(f"y holds {labels[0]!r}, but {model.name} answers numbers; expected numbers.") from error
        if not np.isfinite(numbers).all():
            raise InputError(f"y is not finite at position {int(np.flatnonzero(~np.isfinite(numbers))[0])}. Leave those rows out.")
        return numbers
    found = {plain(label) for label in labels.tolist()}
    known = {plain(label) for label in model.classes}
    unknown = found - known
    if (answer.proba is not None and unknown) or (known and found == unknown):
        shown = ", ".join(repr(c) for c in sorted(unknown, key=str)[:5])
        classes = ", ".join(repr(c) for c in list(model.classes)[:10])
        raise InputError(
            f"y holds {shown}, but the classes of {model.name} are {classes}. Give labels as the model spells them, or name its classes: "
            "wrap(…, classes=[…]), on the command line --classes."
        )
    return labels


def codes_of(labels: Array, classes: Sequence[Any]) -> Ints:
    """Return which of the classes each label is, shape (n,); −1 for one that is none of them.

    >>> codes_of(np.array(["b", "c"]), ["a", "b"]).tolist()
    [1, -1]
    """
    place = {plain(c): i for i, c in enumerate(classes)}
    return np.array([place.get(plain(label), -1) for label in labels.tolist()], dtype=np.int64)
