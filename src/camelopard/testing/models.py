"""The contract of every model: what holds for one adapter holds for all."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from typing import Any

import numpy as np

from camelopard.core.arrays import is_missing, objects
from camelopard.core.batch import Batch
from camelopard.core.protocols import Model
from camelopard.core.records import Prediction

ODD_CELLS: tuple[Any, ...] = ("###", True, 1e308, -7, None)
CLOSE = 1e-6  # probabilities and numbers: libraries sum in another order for another batch size


def check_model(model: Model, X: Any, rows: int = 24) -> None:
    """Check that a model keeps the contract on X: rows on which it answers.

    Shapes; the same answer twice, in any order, alone or in a batch, from a session or without one; damaged rows do not disturb the
    others; the wrapped object is as it was.

    Raises
    ------
    AssertionError
        Naming the first promise that is broken.
    """
    batch = Batch.of(X)
    batch = batch.take(slice(0, rows)).renumbered()
    before = _fingerprint(model)
    answers = model.predict(batch)
    _check_shapes(model, answers, len(batch))
    _same(answers, model.predict(batch), "the same rows asked twice")
    order = np.arange(len(batch))[::-1]
    _same(answers.take(order), model.predict(batch.take(order)), "the rows in reverse order")
    for i in range(min(len(batch), 5)):
        _same(answers.take(slice(i, i + 1)), model.predict(batch.take([i])), f"row {i} asked alone")
    _check_session(model, batch, answers)
    for name in batch.names:
        _check_damaged(model, batch, answers, name)
    after = _fingerprint(model)
    assert before == after, "asking changed the wrapped object"


def _check_shapes(model: Model, answers: Prediction, n: int) -> None:
    assert len(answers.value) == n, f"{len(answers.value)} answers to {n} rows"
    assert not answers.failed.any(), f"clean rows failed: {answers.errors[answers.failed][0]}"
    if model.task == "regression":
        assert answers.value.dtype == np.float64, f"numbers of dtype {answers.value.dtype}; expected float64"
        assert answers.proba is None and model.classes == (), "a regression has neither probabilities nor classes"
        return
    assert set(answers.value.tolist()) <= set(model.classes), "an answer is not among the classes"
    assert answers.classes == model.classes, "the answers name other classes than the model"
    if answers.proba is not None:
        k = len(model.classes)
        assert answers.proba.shape == (n, k), f"probabilities of shape {answers.proba.shape}; expected ({n}, {k})"
        best = [model.classes[i] for i in answers.proba.argmax(axis=1)]
        assert answers.value.tolist() == best, "the class is not the most probable one"


def _check_session(model: Model, batch: Batch, answers: Prediction) -> None:
    session = model.session(budget=len(batch))
    _same(answers, session.predict(batch), "a session")
    asked = session.asked
    _same(answers.take(slice(0, 3)), session.predict(batch.take([0, 1, 2][: len(batch)])), "a session's memory")
    assert session.asked == asked, "a session asked the same rows twice"


def _check_damaged(model: Model, batch: Batch, answers: Prediction, name: str) -> None:
    """Check that odd cells in one row of a column leave the answers to the other rows as they are."""
    values = batch.columns[name]
    others = np.arange(1, len(batch))
    for odd in ODD_CELLS:
        cells = objects(None if gone else v for v, gone in zip(values.tolist(), is_missing(values), strict=True))
        cells[0] = odd
        damaged = model.predict(batch.with_columns({name: cells}))
        assert len(damaged) == len(batch), f"{odd!r} in column {name!r}: {len(damaged)} answers to {len(batch)} rows"
        _same(answers.take(others), damaged.take(others), f"{odd!r} in another row's {name!r}")


def _same(one: Prediction, other: Prediction, when: str) -> None:
    assert one.errors.tolist() == other.errors.tolist(), f"{when}: other errors: {one.errors.tolist()} and {other.errors.tolist()}"
    if one.value.dtype.kind == "f" and other.value.dtype.kind == "f":
        assert np.allclose(one.value, other.value, rtol=CLOSE, atol=CLOSE, equal_nan=True), f"{when}: other numbers"
    else:
        assert one.value.tolist() == other.value.tolist(), f"{when}: other answers"
    assert (one.proba is None) == (other.proba is None), f"{when}: probabilities once, none the other time"
    if one.proba is not None and other.proba is not None:
        assert np.allclose(one.proba, other.proba, atol=CLOSE, equal_nan=True), f"{when}: other probabilities"


def _fingerprint(model: Model) -> bytes | None:
    """Return the wrapped object as bytes, None where it cannot be told."""
    obj = getattr(model, "obj", None)
    for how in _WAYS:
        try:
            return how(obj)
        except Exception:  # a foreign object may refuse in any way; then another one is tried
            continue
    return None


_WAYS: tuple[Callable[[Any], bytes], ...] = (
    lambda obj: bytes(obj.get_booster().save_raw()),
    lambda obj: bytes(obj.save_raw()),
    lambda obj: str(obj.model_to_string()).encode(),
    pickle.dumps,
)
