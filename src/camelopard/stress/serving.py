"""Faults of serving: does the answer hang on the batch, the order of rows or columns, on when it is asked?"""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np

from camelopard.core.arrays import Bools
from camelopard.core.batch import Batch
from camelopard.core.errors import CamelopardError
from camelopard.core.protocols import Model
from camelopard.core.records import Finding, Level, Prediction

ROWS = 64
SAME = 1e-6  # probabilities and relative numbers closer than this are the same answer
SLOW = 20.0  # times the median latency from which a single call is an outlier


def check(model: Model, batch: Batch, rng: np.random.Generator, rows: int = ROWS, clock: Callable[[], float] = time.perf_counter) -> list[Finding]:
    """Return the serving faults of a model, asked about clean rows without any memory of answers; an empty list for a sound one.

    Where the same question gets two answers, that is the only fault: no other can be told from chance. In an array without column names the order of
    the columns is their name, and is not changed. A check that cannot run is a finding.
    """
    if not len(batch):
        return []
    part = batch.take(np.sort(rng.permutation(len(batch))[:rows])).renumbered()
    together = model.predict(part)
    chance = _compared("not-deterministic", "Asked the same rows twice, the model gives other answers", together, lambda: model.predict(part))
    if chance is not None:
        return [chance]
    seconds: list[float] = []
    found = [
        _compared("order-dependent", "The answer to a row hangs on the order of the rows around it", together, lambda: _reversed(model, part)),
        _compared(
            "batch-dependent",
            "The answer to a row alone is not the answer to it in a batch",
            together,
            lambda: _one_by_one(model, part, clock, seconds),
        ),
        _slow(seconds),
    ]
    if batch.form.kind not in ("numpy", "texts", "images"):
        words = "The answer hangs on the order in which the columns come"
        found.append(_compared("column-order-dependent", words, together, lambda: model.predict(part.select(part.names[::-1]))))
    return [f for f in found if f is not None]


def _compared(code: str, words: str, before: Prediction, again: Callable[[], Prediction]) -> Finding | None:
    try:
        return _differs(code, words, before, again())
    except CamelopardError as error:
        return Finding.not_run(code, error)


def _reversed(model: Model, part: Batch) -> Prediction:
    return model.predict(part.take(np.arange(len(part))[::-1])).take(np.arange(len(part))[::-1])


def _one_by_one(model: Model, part: Batch, clock: Callable[[], float], seconds: list[float]) -> Prediction:
    """Return the answers to the rows asked singly; appends to `seconds` how long each took."""
    answers = []
    for i in range(len(part)):
        start = clock()
        answers.append(model.predict(part.take(slice(i, i + 1))))
        seconds.append(clock() - start)
    return Prediction.joined(answers)


def _differs(code: str, words: str, before: Prediction, after: Prediction) -> Finding | None:
    """Return a finding where two answers to the same rows differ: high where the answer itself does, low where only a probability moves."""
    other = _other_answers(before, after)
    moved = np.zeros(len(before), dtype=bool)
    if before.proba is not None and after.proba is not None:
        moved = np.abs(np.nan_to_num(before.proba) - np.nan_to_num(after.proba)).max(axis=1) > SAME
    if not (other | moved).any():
        return None
    level: Level = "high" if other.any() else "low"
    bad = np.flatnonzero(other if other.any() else moved)
    what = "answers" if other.any() else "probabilities, but no answer,"
    message = f"{words}: {len(bad)} of {len(before)} {what} differ."
    return Finding(code, "serving", message, level, len(bad) / len(before), 0.0, rows=tuple(int(i) for i in bad[:5]))


def _other_answers(before: Prediction, after: Prediction) -> Bools:
    failed = before.failed != after.failed
    both = ~before.failed & ~after.failed
    if not before.classes and both.any():
        a, b = (np.where(both, p.value, 0.0).astype(np.float64) for p in (before, after))
        return np.asarray(failed | (np.abs(a - b) > SAME * np.maximum(1.0, np.abs(a))))
    return np.asarray(failed | (both & (before.value.astype(object) != after.value.astype(object))), dtype=bool)


def _slow(seconds: list[float]) -> Finding | None:
    """Return a remark, without a level, on single calls that took much longer than the others: timings decide nothing."""
    if len(seconds) < 20:
        return None
    middle, worst = float(np.median(seconds)), max(seconds)
    if worst < 0.05 or worst < SLOW * middle:
        return None
    return Finding(
        "slow-call",
        "serving",
        f"One of {len(seconds)} single calls took {worst:.2f} s; the median is {middle * 1e3:.1f} ms.",
        "none",
        worst,
        SLOW * middle,
    )
