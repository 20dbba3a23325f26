"""Does the oddity move this model's answer? Puts plausible originals in place of the most suspicious cells and asks the model again.

This is what separates odd-and-harmless from fooled: the share of plausible originals on which the answer changes is nearly P(fooled) itself.
The originals are fixed quantiles of the cell's conditional distribution, so nothing is random and a row is measured the same in any batch.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from statistics import NormalDist
from types import MappingProxyType

import numpy as np

from camelopard.core.arrays import Array, Bools, Floats, Ints, objects
from camelopard.core.batch import Batch, Form
from camelopard.core.protocols import Session
from camelopard.core.records import Prediction, Task
from camelopard.evidence.copula import Copula
from camelopard.evidence.exact import gridded
from camelopard.evidence.reading import VARIANT, Reader, Reading
from camelopard.evidence.suspicion import hard

PLACES = (0.5, 0.1, 0.3, 0.7, 0.9)  # quantiles drawn for the most suspicious cell; the middle one is the repair
LATER_PLACES = (0.5, 0.15, 0.85)  # for the second and the third
RANKS = 3  # suspicious cells looked at, one at a time, then the first two and the first three together
HEIGHTS = np.array([NormalDist().inv_cdf(p) for p in (*PLACES, *LATER_PLACES, *LATER_PLACES)])  # of the candidates in which one cell is put anew
RANK = np.repeat(np.arange(RANKS), [len(PLACES), len(LATER_PLACES), len(LATER_PLACES)])  # of that cell
BY_RANK = tuple((int(np.searchsorted(RANK, rank)), int(np.searchsorted(RANK, rank, "right"))) for rank in range(RANKS))
CANDIDATES = len(HEIGHTS) + 2
NAMES = (
    *(f"{what}_{rank}" for rank in range(RANKS) for what in ("moved", "shift")),
    "moved_two",
    "shift_two",
    "moved_three",
    "shift_three",
    "repair_raises",
)


@dataclass(frozen=True)
class Impact:
    """What repairs do to the model's answers.

    table
        Shape (n, len(NAMES)): per rank the share of plausible originals on which the answer moves, and the mean move; then the joint repairs.
    rows
        Positions of the rows that were looked at, shape (m,).
    values
        Their repaired values, shape (m, CANDIDATES, d), in the reader's numbers.
    answers
        The model's answers to them, m × CANDIDATES in that order.
    moved
        Which of them move the answer, shape (m, CANDIDATES).
    media
        The texts and pictures of the candidates by column, each of shape (m × CANDIDATES,).
    """

    table: Floats
    rows: Ints
    values: Floats
    answers: Prediction | None
    moved: Bools
    media: Mapping[str, Array] = field(default_factory=dict)


def impact(
    batch: Batch,
    reading: Reading,
    suspicions: Floats,
    rows: Ints,
    answer: Prediction,
    *,
    reader: Reader,
    copula: Copula,
    session: Session,
    task: Task,
    tolerance: float,
    form: Form,
    far: float,
) -> Impact:
    """Measure the impact of repairing the most suspicious cells of `rows` (positions) of a batch; the other rows get zeros.

    `far` is the suspicion from which a cell counts as standing out.
    """
    table = np.zeros((len(reading), len(NAMES)))
    if not len(rows):
        return Impact(table, rows, np.empty((0, CANDIDATES, len(reader.encoders))), None, np.zeros((0, CANDIDATES), dtype=bool))
    media, led = texts_and_pictures(batch, suspicions, rows, reader)
    values = candidates(reading, suspicions, rows, reader, copula, far)
    values[led] = reading.values[rows[led], None, :]
    m, c, d = values.shape
    answers = session.predict(batch_of(values.reshape(m * c, d), reader, form, media, own_new(batch, reading, rows, reader)))
    moved, shift = _moves(answer.take(rows), answers, c, task, tolerance)
    both = np.stack([moved, shift])
    singly = [_mean(both[:, :, start:stop]) for start, stop in BY_RANK]
    table[rows, :-1] = np.concatenate([*singly, both[:, :, -2], both[:, :, -1]]).T
    failed = answers.failed
    if failed.any():
        table[rows, -1] = _mean(failed.reshape(m, c))
    return Impact(table, rows, values, answers, moved, media)


def texts_and_pictures(batch: Batch, suspicions: Floats, rows: Ints, reader: Reader) -> tuple[dict[str, Array], Bools]:
    """Return the candidates' texts and pictures by column, m × CANDIDATES each, and the rows that these lead, shape (m,).

    Where the most suspicious thing about a row is a text or a picture, that one is repaired and all else stays; else it stays as it is.
    """
    views, m = reader.views, len(rows)
    if not views:
        return {}, np.zeros(m, dtype=bool)
    worst = suspicions[rows].argmax(axis=1).tolist()
    leader = [reader.columns[j] for j in worst]
    slots = (len(PLACES), len(LATER_PLACES), len(LATER_PLACES), 2)
    media = {}
    for name in views:
        cells = batch.columns[name][rows].tolist()
        media[name] = objects(
            cell
            for own, lead in zip(cells, leader, strict=True)
            for cell in (views.alternatives(name, own, slots) if lead == name else [own] * CANDIDATES)
        )
    return media, np.array([not reader.cells[j] for j in worst], dtype=bool)


def own_new(batch: Batch, reading: Reading, rows: Ints, reader: Reader) -> dict[str, tuple[Bools, Array]]:
    """Return by column, where new values are usual: which candidates keep the row's own, shape (m × CANDIDATES,), and these cells in order."""
    new = reader.new(reading.values[rows])
    if new is None:
        return {}
    found = {}
    for j in np.flatnonzero(new.any(axis=0)).tolist():
        name, here = reader.encoders[j].name, new[:, j]
        found[name] = np.repeat(here, CANDIDATES), np.repeat(batch.columns[name][rows[here]], CANDIDATES)
    return found


def candidates(reading: Reading, suspicions: Floats, rows: Ints, reader: Reader, copula: Copula, far: float) -> Floats:
    """Return plausible originals of the rows, shape (m, CANDIDATES, d).

    Where a row has cells in an impossible state, all of these are repaired in every candidate: to what was meant where that could be recovered
    ("1.234,5", " private"), else to quantiles of the distribution given the rest. Where it has none, the most suspicious cell comes first. The next
    most suspicious cells follow, alone and together with the first; and last of all the first three with all others that stand out. A new value where
    these are usual stays what it is.
    """
    m, d = len(rows), reading.values.shape[1]
    states, costs = reading.states[rows], suspicions[rows]
    impossible = hard(states)
    if reader.views:
        costs, impossible = np.where(reader.cells, costs, 0.0), impossible & reader.cells
    able, new = np.broadcast_to(reader.cells, (m, d)), reader.new(reading.values[rows])
    if new is not None:
        costs, able = np.where(new, 0.0, costs), able & ~new
    unknown = np.isnan(reading.scores[rows]) | (impossible & (states != VARIANT))
    filled = gridded(np.where(unknown, 0.0, reading.scores[rows]))
    if unknown.any():
        filled = copula.fill(filled, unknown)
    base = _decoded(filled, impossible & (states != VARIANT), reading.values[rows], reader)
    cells = _order(costs, impossible, states, able)
    out = np.repeat(base[:, None, :], CANDIDATES, axis=1)
    varied = cells[:, RANK]
    drawn = _expected(filled, cells, copula)[:, RANK] + copula.sd[varied] * HEIGHTS
    for j in set(cells.ravel().tolist()) - {-1}:
        row, slot = (varied == j).nonzero()
        out[row, slot, j] = reader.encoders[j].decode(drawn[row, slot])
    gaps = np.zeros((2, m, d), dtype=bool)
    for rank in range(RANKS):
        own = (cells[:, rank] >= 0).nonzero()[0]
        gaps[0 if rank < 2 else 1 :, own, cells[own, rank]] = True
    gaps[1] |= (costs > far) & ~impossible
    both = gaps.reshape(2 * m, d)
    together = copula.fill(np.where(both, 0.0, np.concatenate([filled, filled])), both)
    out[:, -2:] = _decoded(together, both, np.concatenate([base, base]), reader).reshape(2, m, d).swapaxes(0, 1)
    return out


def _order(costs: Floats, impossible: Bools, states: Array, able: Bools) -> Ints:
    """Return per row the cells to vary at each rank, shape (m, RANKS), −1 for none; `able`: which can be, shape (m, d).

    First the most suspicious impossible cell that could not be recovered (none where all were), or, in a row without impossible cells, the most
    suspicious one; then the most suspicious of the others.
    """
    m, d = costs.shape
    soft = np.argsort(np.where(impossible, 1.0, -costs), axis=1, kind="stable")[:, :RANKS]
    rows = np.arange(m)[:, None]
    soft = np.where(impossible[rows, soft] | ~able[rows, soft], -1, soft)
    if d < RANKS:
        soft = np.pad(soft, ((0, 0), (0, RANKS - d)), constant_values=-1)
    lost = impossible & (states != VARIANT)
    lead = np.where(lost.any(axis=1), np.argmax(np.where(lost, costs, -1.0), axis=1), -1)
    led: Ints = np.column_stack([lead, soft[:, : RANKS - 1]])
    order: Ints = np.where(np.any(impossible, axis=1, keepdims=True), led, soft)
    return order


def batch_of(
    values: Floats, reader: Reader, form: Form, media: Mapping[str, Array], own: Mapping[str, tuple[Bools, Array]] = MappingProxyType({})
) -> Batch:
    """Return rows of the reader's numbers as a batch of clean cells, shape (m, d) → m rows; texts and pictures are given, by column.

    `own`: rows that keep a cell of their own, by column, and those cells (see `own_new`).
    """
    columns: dict[str, Array] = {}
    for j, encoder in enumerate(reader.encoders):
        if reader.cells[j]:
            columns[encoder.name] = encoder.cells(np.ascontiguousarray(values[:, j]))
            if encoder.name in own:
                where, cells = own[encoder.name]
                columns[encoder.name][where] = cells
        elif reader.whole[j]:
            columns[encoder.name] = media[encoder.name]
    return Batch(columns, np.arange(len(values)), form)


def _expected(filled: Floats, cells: Ints, copula: Copula) -> Floats:
    """Return the conditional means of some cells per row, each given all others, shape (m, k)."""
    total: Floats = np.einsum("ij,ikj->ik", filled, copula.precision[cells])  # exact on the grid, in whatever order
    own = filled[np.arange(len(filled))[:, None], cells]
    return np.asarray(own - total / copula.diagonal[cells], dtype=np.float64)


def _decoded(scores: Floats, where: Bools, values: Floats, reader: Reader) -> Floats:
    """Return the values with the cells at `where` replaced by what their scores stand for, shape (m, d)."""
    found = values.copy()
    for j in np.flatnonzero(where.any(axis=0)).tolist():
        at = where[:, j].nonzero()[0]
        found[at, j] = reader.encoders[j].decode(scores[at, j])
    return found


def _moves(before: Prediction, after: Prediction, c: int, task: Task, tolerance: float) -> tuple[Bools, Floats]:
    """Return (whether each repair moves the answer, how far), shape (m, c). A repair on which the model raises counts as no move."""
    failed = after.failed.reshape(-1, c)
    if task == "regression":
        old = np.repeat(before.value.astype(np.float64), c).reshape(-1, c)
        new = after.value.astype(np.float64).reshape(-1, c)
        gap = np.abs(np.where(failed, 0.0, new - old)) / max(tolerance, 1e-12)
        gap = np.where(np.isnan(gap), 0.0, gap)
        return gap > 1.0, np.minimum(gap, 20.0)
    p, q = before.shares, after.shares
    best = np.argmax(p, axis=1)
    answered = np.argmax(q, axis=1).reshape(-1, c)
    drop = p[np.arange(len(p)), best][:, None] - q[np.arange(len(q)), np.repeat(best, c)].reshape(-1, c)
    lost = before.failed[:, None]
    return (answered != best[:, None]) & ~failed & ~lost, np.where(failed | lost, 0.0, drop)


def _mean(cells: Array) -> Floats:
    """Return the means along the last axis, summed in its order: the same bytes whatever the shape."""
    total: Floats = cells[..., 0].astype(np.float64)
    for k in range(1, cells.shape[-1]):
        total = total + cells[..., k]
    mean: Floats = total / cells.shape[-1]
    return mean
