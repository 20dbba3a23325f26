"""How firm is the model's answer? What it says of slightly other rows and of squeezed pictures, and whether the members of an ensemble agree.

The one idea: three kinds of doubt that a model's own probability does not hold. All are numbers per row, higher is worse, and for an answer that
does not move they are 0. The noise is a fixed pattern, the same for every row, so that nothing is random and a row is measured the same in any batch.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Protocol, runtime_checkable

import numpy as np

from camelopard.core.arrays import Array, Bools, Floats, Ints, objects, summed
from camelopard.core.batch import Batch
from camelopard.core.protocols import Session
from camelopard.core.records import Prediction, Task
from camelopard.evidence.reading import OK, NumberEncoder, Reader, Reading
from camelopard.evidence.views import Squeezing, Views
from camelopard.models.sizes import rows_at_once

NOISES = 8  # copies of a row: four directions and their opposites
FRACTION = 0.1  # of a column's spread, the standard deviation of the noise
KINDS = {"ensemble": 0, "noise": NOISES, "squeezed": 1}  # model rows that each costs for a row; an ensemble costs one pass of its members
FIGURES = {"ensemble": ("ensemble",), "noise": ("noise",), "squeezed": ("squeezed", "squeezed: in all")}  # the numbers of each
UNKNOWN = 1.0  # of a row of which no copy, or no member, has an answer
PIECE = 1024  # rows measured at once: copies and members take room
SMALLEST = 1e-12


@runtime_checkable
class Ensemble(Protocol):
    """A session whose model may be an ensemble."""

    def members(self, batch: Batch) -> Floats | None:
        """Return what each member answers, shape (m, n, k) or (m, n); None where the model is no ensemble."""
        ...


def measure(
    kind: str, batch: Batch, answer: Prediction, reading: Reading, *, reader: Reader, session: Session, task: Task, scale: float
) -> Floats | None:
    """Return how uncertain the answers to a conformed batch are, shape (n,), of a kind with several FIGURES (n, figures).

    None where this kind does not apply to the model or its columns.

    Parameters
    ----------
    kind
        One of KINDS.
    answer, reading
        The model's answers to the batch, and the batch in numbers. Rows without an answer are not asked again; they get 0.
    scale
        One spread of the model's answers, for numbers.
    """
    found = np.zeros((len(batch), len(FIGURES[kind])))
    rows = np.flatnonzero(~answer.failed)
    size = rows_at_once(batch, PIECE) if kind == "squeezed" else PIECE
    for start in range(0, len(rows), size):
        some = rows[start : start + size]
        part = batch.take(some)
        if kind == "noise":
            measured = noise(part, answer.take(some), reading.values[some], reading.states[some], reader, session, task, scale)
        elif kind == "squeezed":
            measured = squeezed(part, answer.take(some), reader.views, session, task, scale)
        else:
            measured = ensemble(part, session, task, scale)
        if measured is None:
            return None
        found[some] = measured.reshape(len(some), -1)
    return found if found.shape[1] > 1 else found[:, 0]


def ensemble(batch: Batch, session: Session, task: Task, scale: float) -> Floats | None:
    """Return how much the members of an ensemble disagree, shape (n,), or None where the model is none (see `disagreement`)."""
    members = session.members(batch) if isinstance(session, Ensemble) else None
    return None if members is None else disagreement(members, task, scale)


def disagreement(members: Floats, task: Task, scale: float) -> Floats:
    """Return how much members disagree, shape (n,), from their probabilities, shape (m, n, k), or their numbers, shape (m, n).

    Classification: the mutual information of answer and member, the entropy of the mean answer less the mean entropy (Depeweg et al. 2018;
    Lakshminarayanan, Pritzel & Blundell 2017). Regression: the standard deviation over the members, in spreads of the answers.

    >>> split, doubtful = [[1.0, 0.0], [0.5, 0.5]], [[0.0, 1.0], [0.5, 0.5]]  # two members, two rows
    >>> disagreement(np.array([split, doubtful]), "classification", 1.0).round(3).tolist()
    [0.693, 0.0]
    """
    gone: Bools = np.asarray(np.isnan(members).any(axis=(0, 2) if members.ndim == 3 else 0), dtype=bool)
    known = np.where(gone[None, :, None] if members.ndim == 3 else gone[None, :], 0.0, members)
    m, n = known.shape[:2]
    if task == "regression":
        deviation = (known - _mean(known)).T
        spread = np.sqrt(summed(deviation * deviation) / m) / max(scale, SMALLEST)
        return np.where(gone, UNKNOWN, spread)
    mean = _mean(known)
    own = _entropy(known.reshape(m * n, -1)).reshape(m, n)
    return np.where(gone, UNKNOWN, np.maximum(_entropy(mean) - _mean(own), 0.0))


def noise(
    batch: Batch, answer: Prediction, values: Floats, states: Array, reader: Reader, session: Session, task: Task, scale: float
) -> Floats | None:
    """Return how far the answer moves when the numbers of a row do a little, shape (n,); None where there are no numbers.

    Classification: the mean total variation distance between the shares of the row and of its copies, 0–1. Regression: the root of the mean squared
    move, in spreads of the answers. Copies on which the model raises are left out.
    """
    copied = copies(batch, values, states, reader)
    if copied is None:
        return None
    after = session.predict(copied)
    gone = after.failed.reshape(-1, NOISES)
    left = NOISES - gone.sum(axis=1)
    if task == "regression":
        moves = (after.value.astype(np.float64).reshape(-1, NOISES) - answer.value.astype(np.float64)[:, None]) / max(scale, SMALLEST)
        spread = np.sqrt(summed(np.where(gone, 0.0, moves * moves)) / np.maximum(left, 1))
        return np.where(left, spread, UNKNOWN)
    before, now = _alike(answer.shares, after.shares)
    apart = 0.5 * summed(np.abs(now - np.repeat(before, NOISES, axis=0))).reshape(-1, NOISES)
    return np.where(left, summed(np.where(gone, 0.0, apart)) / np.maximum(left, 1), UNKNOWN)


def squeezed(batch: Batch, answer: Prediction, views: Views, session: Session, task: Task, scale: float) -> Floats | None:
    """Return how far the answer moves when pictures are squeezed, shape (n, 2); None where no column holds pictures (Xu, Evans & Qi 2018).

    Classification: the largest and the summed distance between the probabilities of the row and of its copy, 0–1 and 0–2. Regression: the move, in
    spreads of the answers, twice.
    """
    pictures = {name: vectors for name, vectors in views.of.items() if isinstance(vectors, Squeezing)}
    if not pictures:
        return None
    after = session.predict(
        batch.with_columns({name: objects(vectors.squeezed(cell) for cell in batch.columns[name]) for name, vectors in pictures.items()})
    )
    if task == "regression":
        gone = after.failed
        move = np.abs(np.where(gone, 0.0, after.value.astype(np.float64)) - answer.value.astype(np.float64)) / max(scale, SMALLEST)
        return np.repeat(np.where(gone, UNKNOWN, move)[:, None], 2, axis=1)
    before, now = _alike(answer.shares, after.shares)
    apart = np.abs(now - before)
    return np.where(after.failed[:, None], UNKNOWN, np.column_stack([apart.max(axis=1), summed(apart)]))


def copies(batch: Batch, values: Floats, states: Array, reader: Reader) -> Batch | None:
    """Return NOISES slightly other copies of each row, one after the other, n × NOISES rows; None where there are no numbers to change.

    Only sound numbers change, by about FRACTION of their column's spread, and not beyond the range of clean data; whole numbers stay whole.
    `values` and `states` are the batch as the reader read it.
    """
    numeric = [(j, e) for j, e in enumerate(reader.encoders) if isinstance(e, NumberEncoder) and not e.date]
    if not numeric:
        return None
    normal, uniform = _pattern(len(reader.encoders))
    columns: dict[str, Array] = {}
    twins = batch.take(np.repeat(np.arange(len(batch)), NOISES))
    for j, encoder in numeric:
        sound = np.flatnonzero(states[:, j] == OK)
        if len(sound):
            columns[encoder.name] = _moved(twins.columns[encoder.name], values[sound, j], sound, encoder, normal[:, j], uniform[:, j])
    return twins.with_columns(columns).renumbered()


def _moved(cells: Array, numbers: Floats, sound: Ints, encoder: NumberEncoder, normal: Floats, uniform: Floats) -> Array:
    """Return the cells of the copies of a column, n × NOISES, those of the sound rows moved by the pattern of the column, shape (NOISES,)."""
    with np.errstate(over="ignore", invalid="ignore"):
        near = numbers[:, None] + FRACTION * encoder.spread * normal
        if encoder.integral:  # up as often as the move is large against one, so that small whole numbers move now and then
            near = np.floor(near + uniform)
        near = np.clip(near, np.minimum(encoder.low, numbers)[:, None], np.maximum(encoder.high, numbers)[:, None])
    at = (sound[:, None] * NOISES + np.arange(NOISES)).ravel()
    found: Array = objects(cells.tolist()) if cells.dtype == object else cells.astype(np.float64)
    found[at] = near.ravel()
    return found


@lru_cache(maxsize=64)
def _pattern(d: int) -> tuple[Floats, Floats]:
    """Return the noise of each copy in each column, and where whole numbers are rounded, both of shape (NOISES, d): each move has its opposite."""
    rng = np.random.default_rng(0)
    normal, uniform = rng.standard_normal((NOISES // 2, d)), rng.random((NOISES // 2, d))
    return np.concatenate([normal, -normal]), np.concatenate([uniform, 1.0 - uniform])


def _alike(before: Floats, now: Floats) -> tuple[Floats, Floats]:
    """Return the shares of rows and of their copies with as many classes: votes of a model may show a class that is learned as it comes."""
    return np.pad(before, ((0, 0), (0, max(0, now.shape[1] - before.shape[1])))), now


def _mean(members: Floats) -> Floats:
    """Return the mean over members, one after the other in a fixed order, shape (m, …) → (…)."""
    m = len(members)
    flat = summed(members.reshape(m, -1).T) / m
    return flat.reshape(members.shape[1:])


def _entropy(p: Floats) -> Floats:
    """Return the entropy of each row, in nats, shape (n,)."""
    bounded = np.maximum(p, SMALLEST)
    return -summed(p * np.log(bounded))
