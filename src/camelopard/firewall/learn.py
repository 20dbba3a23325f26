"""Trains a firewall from a model's own stress run.

Rows are split once, by origin: two thirds are stressed and teach the head, one third only calibrates: the map from score to probability, the alarm
threshold, the oddity of clean rows, and every figure that is reported. No damaged twin of a row ever crosses from one side to the other.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from camelopard.confidence.conformal import AlarmThreshold, alarm_threshold
from camelopard.confidence.logistic import Logistic
from camelopard.confidence.quality import auroc, auroc_interval, brier, calibration_error, caught
from camelopard.core.arrays import Array, Bools, Floats, Ints
from camelopard.core.batch import Batch, Form, concat
from camelopard.core.errors import BudgetSpent, CamelopardError, ModelError
from camelopard.core.intervals import share
from camelopard.core.protocols import Model, Progress, Session
from camelopard.core.records import Interval, Prediction
from camelopard.core.schema import Schema
from camelopard.evidence.copula import Copula
from camelopard.evidence.doubt import axis_of, class_scores
from camelopard.evidence.impact import CANDIDATES
from camelopard.evidence.reading import Reader
from camelopard.evidence.suspicion import suspicion
from camelopard.firewall.head import Head
from camelopard.firewall.learned import Learned, confidence_columns
from camelopard.firewall.panel import Panel, never_cost, null_costs
from camelopard.stress.report import StressReport
from camelopard.stress.runner import Case
from camelopard.stress.truth import Truth

CALIBRATION_SHARE = 0.35
DAMAGED_ROWS, CLEAN_ROWS = 30_000, 10_000  # rows of evidence the head learns from
CALIBRATION_DAMAGED = 8_000
GATE = 0.6  # share of clean rows that are not suspicious enough to ask the model about repairs
MOST_REFERENCE = 20_000  # reference rows that the distances are learned from
FEWEST_ROWS = 20
PIECE = 4096  # rows examined at once


@dataclass(frozen=True)
class Split:
    """Positions of the rows that teach and of the rows that calibrate, sorted."""

    teach: Ints
    calibrate: Ints

    @classmethod
    def of(cls, n: int, rng: np.random.Generator) -> Split:
        """Split n rows at random."""
        order = rng.permutation(n)
        cut = max(1, round(n * CALIBRATION_SHARE))
        return cls(np.sort(order[cut:]), np.sort(order[:cut]))


def answered(model: Model, batch: Batch, session: Session) -> tuple[Ints, Prediction]:
    """Return the positions of the rows that the model answers, and all its answers. Raises ModelError where it answers fewer than half."""
    answer = session.predict(batch)
    good = np.flatnonzero(~answer.failed)
    if len(good) < max(1, len(batch) / 2):
        example = next(e for e in answer.errors if e is not None)
        raise ModelError(
            f"{model.name} answers {len(good)} of the {len(batch)} rows given; the first error: {example}. "
            "Give rows in the form the model was trained on."
        )
    return good, answer


def learn_panel(
    schema: Schema, clean: Batch, answer: Prediction | None, model: Model | None, truth: Truth | None, weights: Floats, session: Session | None
) -> Panel:
    """Learn reader, copula and costs from clean rows and the model's answers to them."""
    if len(clean) > MOST_REFERENCE:
        step = len(clean) / MOST_REFERENCE
        keep = (np.arange(MOST_REFERENCE) * step).astype(np.int64)
        clean, answer = clean.take(keep), None if answer is None else answer.take(keep)
    task = model.task if model is not None else "classification"
    axis = axis_of(answer, task) if answer is not None else np.zeros(len(clean))
    reader = Reader.learn(clean, schema, axis)
    reading = reader.read(clean)
    copula = Copula.learn(reading.scores)
    never = never_cost(len(clean))
    costs = null_costs(reading, never)
    top = suspicion(reading, copula.surprise(reading.scores), costs, never).max(axis=1)
    centre, scale = float(np.median(axis)), float(max(np.subtract(*np.percentile(axis, [84, 16])) / 2, 1e-9))
    tolerance = truth.tolerance if truth is not None else 0.0
    return Panel(reader, copula, costs, never, weights, float(np.quantile(top, GATE)), task, tolerance, centre, scale)


def learn(
    model: Model,
    panel: Panel,
    schema: Schema,
    truth: Truth,
    teach: tuple[Batch, Sequence[Case], Purse],
    calibrate: tuple[Batch, Sequence[Case], Array | None, Purse],
    alpha: float,
    rng: np.random.Generator,
    progress: Progress,
) -> Learned:
    """Fit head, probabilities and thresholds. `teach` and `calibrate` hold clean rows, the stress cases made of them, and what they may cost."""
    progress("learning what fools the model", 0, 4)
    clean, cases, purse = teach
    stressed = gather(cases, schema, truth, purse.session, purse.damaged(DAMAGED_ROWS), rng)
    lesson = examined(panel, clean.take(_some(len(clean), purse.clean(CLEAN_ROWS), rng)), stressed, purse, schema.form, rng)
    progress("learning what fools the model", 2, 4)
    head = Head.fit(lesson.table, panel.names, lesson.fooled, lesson.weight, rng)
    progress("learning what fools the model", 3, 4)
    batch, twins, y, purse = calibrate
    stressed = gather(twins, schema, truth, purse.session, purse.damaged(CALIBRATION_DAMAGED), rng)
    kept = _some(len(batch), purse.clean(len(batch)), rng)
    test = examined(panel, batch.take(kept), stressed, purse, schema.form, rng, kept)
    score = head.score(test.table)
    risk = Logistic.fit(score[:, None], test.fooled, test.weight)
    threshold = alarm_threshold(score[~test.damaged], alpha)
    probability = risk.probability(score[:, None])
    right = right_answers(test, y)
    confidence = Logistic.fit(confidence_columns(test.answer, probability, model.task), right, test.weight)
    odd = np.sort(test.odd[~test.damaged])
    measured = measure(
        test, score, probability, confidence.probability(confidence_columns(test.answer, probability, model.task)), right, threshold, y is not None
    )
    progress("learning what fools the model", 4, 4)
    farthest = float(lesson.odd.max()) if len(lesson.odd) else np.inf
    return Learned(panel, head, risk, confidence, threshold, odd, farthest, measured)


def learn_without_model(panel: Panel, clean: Batch, form: Form, alpha: float) -> Learned:
    """Learn only what data alone can teach: how odd a row is."""
    empty = Prediction(np.full(len(clean), None, dtype=object))
    odd = panel.examine(clean, empty, None, form).odd
    return Learned(panel, Head(), None, None, alarm_threshold(odd, alpha), np.sort(odd), np.inf, {})


@dataclass(frozen=True)
class Purse:
    """A session, and the model rows it may ask; None for no limit."""

    session: Session
    rows: int | None = None

    def damaged(self, most: int) -> int:
        """Return how many damaged rows this pays for: one question each, and repairs of most of them."""
        return most if self.rows is None else max(20, min(most, int(0.6 * self.rows / (1 + CANDIDATES))))

    def clean(self, most: int) -> int:
        """Return how many clean rows this pays for: one question each, and repairs of the suspicious ones."""
        return most if self.rows is None else max(20, min(most, int(0.4 * self.rows / (1 + CANDIDATES * (1 - GATE)))))

    @property
    def piece(self) -> int:
        """Return how many rows to examine at once: few where a limit is near, so that what is asked is not asked in vain."""
        return PIECE if self.rows is None else max(8, min(PIECE, self.rows // 200))


@dataclass(frozen=True)
class Stressed:
    """Damaged rows sampled from cases, each kind alike: the rows, the model's answers, whether they fooled it, where they come from."""

    batch: Batch
    after: Prediction
    fooled: Bools
    origin: Ints
    kind: Array


@dataclass(frozen=True)
class Lesson:
    """Evidence and outcomes of clean and damaged rows: rows on which the model raises are left out, they need no probability."""

    table: Floats
    fooled: Bools
    damaged: Bools
    weight: Floats
    odd: Floats
    answer: Prediction
    origin: Ints
    kind: Array


def gather(cases: Sequence[Case], schema: Schema, truth: Truth, session: Session, most: int, rng: np.random.Generator) -> Stressed | None:
    """Return up to `most` damaged rows, the same number from every kind as far as there are any, only rows that the damage changed.

    The rows are brought to the schema, as in screening, and the model is asked about them in that form: a column that is absent is missing there.
    """
    usable = [case for case in cases if case.batch is not None and case.changed.any()]
    kinds: dict[str, list[Case]] = {}
    for case in usable:
        kinds.setdefault(case.kind, []).append(case)
    batches, before, origin, names = [], [], [], []
    for kind, group in kinds.items():
        quota = max(1, most // len(kinds) // len(group))
        for case in group:
            rows = np.flatnonzero(case.changed)
            rows = rows if len(rows) <= quota else np.sort(rng.choice(rows, quota, replace=False))
            batches.append(schema.conform(case.batch.take(rows)))
            before.append(case.before.take(rows))
            origin.append(case.rows[rows])
            names.append(np.full(len(rows), kind))
    if not batches:
        return None
    batch, answers = concat(batches).renumbered(), joined(before)
    after = session.predict(batch)
    return Stressed(batch, after, truth.fooled(answers, after), np.concatenate(origin), np.concatenate(names))


def joined(answers: Sequence[Prediction]) -> Prediction:
    """Return the answers one after the other; where a part has no probabilities because no row of it was answered, they are NaN."""
    values = [a.value for a in answers]
    value = np.concatenate(values) if len({v.dtype.kind for v in values}) == 1 else np.concatenate([v.astype(object) for v in values])
    classes = next((a.classes for a in answers if a.classes), ())
    proba, scores = (_stacked([getattr(a, name) for a in answers], [len(a) for a in answers]) for name in ("proba", "scores"))
    return Prediction(value, proba, scores, np.concatenate([a.errors for a in answers]), classes)


def _stacked(tables: Sequence[Floats | None], lengths: Sequence[int]) -> Floats | None:
    width = next((t.shape[1] for t in tables if t is not None), None)
    if width is None:
        return None
    return np.concatenate([np.full((n, width), np.nan) if t is None else t for t, n in zip(tables, lengths, strict=True)])


def examined(
    panel: Panel, clean: Batch, stressed: Stressed | None, purse: Purse, form: Form, rng: np.random.Generator, positions: Ints | None = None
) -> Lesson:
    """Return the evidence of clean and damaged rows, in random order as far as the purse goes; each side weighs half, each kind of damage alike.

    `positions` are the clean rows' places in the batch that labels belong to; by default they are counted from 0.
    """
    places = np.arange(len(clean)) if positions is None else positions
    batch, kind, fooled, origin = clean, np.full(len(clean), "", dtype="<U60"), np.zeros(len(clean), dtype=bool), places
    if stressed is not None:
        batch = concat([clean, stressed.batch]).renumbered()
        kind, fooled = np.concatenate([kind, stressed.kind]), np.concatenate([fooled, stressed.fooled])
        origin = np.concatenate([origin, stressed.origin])
    order = rng.permutation(len(batch))
    tables, odds, answers, done = [], [], [], []
    for start in range(0, len(order), purse.piece):
        rows = np.sort(order[start : start + purse.piece])
        part = batch.take(rows)
        try:
            answer = purse.session.predict(part)
            found = panel.examine(part, answer, purse.session, form)
        except BudgetSpent:
            break
        tables.append(found.table)
        odds.append(found.odd)
        answers.append(answer)
        done.append(rows)
    if not done:
        raise CamelopardError("the budget ended before the firewall could learn from a single row. Give some thousand model rows more.")
    rows, answer = np.concatenate(done), joined(answers)
    keep = np.flatnonzero(~answer.failed)
    rows = rows[keep]
    kinds = kind[rows]
    return Lesson(
        np.vstack(tables)[keep], fooled[rows], kinds != "", _weights(kinds), np.concatenate(odds)[keep], answer.take(keep), origin[rows], kinds
    )


def _weights(kinds: Array) -> Floats:
    names, inverse, counts = np.unique(kinds, return_inverse=True, return_counts=True)
    share_of = np.where(names == "", 0.5, 0.5 / max((names != "").sum(), 1))
    weights: Floats = (share_of / counts)[inverse] * len(kinds)
    return weights


def _some(n: int, most: int, rng: np.random.Generator) -> Ints:
    return np.arange(n) if n <= most else np.sort(rng.choice(n, most, replace=False))


def right_answers(test: Lesson, y: Array | None) -> Bools:
    """Return which answers are right, shape (n,): by the labels of the undamaged rows, or, without labels, those that the damage did not change."""
    if y is None:
        return ~test.fooled
    labels = y[test.origin]
    if test.answer.classes:
        return np.asarray([a == b for a, b in zip(test.answer.value.tolist(), labels.tolist(), strict=True)], dtype=bool)
    gap = np.abs(test.answer.value.astype(np.float64) - labels.astype(np.float64))
    limit = float(np.median(gap[~test.damaged])) if (~test.damaged).any() else 0.0
    return gap <= limit


def measure(test: Lesson, score: Floats, risk: Floats, confidence: Floats, right: Bools, threshold: AlarmThreshold, labelled: bool) -> dict[str, Any]:
    """Return what the calibration rows say of the firewall, each with its interval: how well it tells fooled from not, and what gets through."""
    clean, damaged = ~test.damaged, test.damaged
    own = 1.0 - class_scores(test.answer).max(axis=1)
    fooled = test.fooled
    harmless = damaged & ~fooled
    positives, negatives = int(fooled.sum()), int((~fooled).sum())
    flagged = score > threshold.value

    def area(values: Floats) -> dict[str, Any]:
        value = auroc(values, fooled)
        return _figure(value, auroc_interval(value, positives, negatives))

    def rate(mask: Bools) -> dict[str, Any]:
        k, n = int(flagged[mask].sum()), int(mask.sum())
        return _figure(k / n if n else np.nan, share(k, n))

    return {
        "rows": {"clean": int(clean.sum()), "damaged": int(damaged.sum()), "fooled": positives},
        "labelled": labelled,
        "auroc_fooled": area(score),
        "auroc_fooled_by_own_doubt": area(own),
        "auroc_fooled_by_oddity": area(test.odd),
        "fooled_caught": rate(fooled),
        "harmless_flagged": rate(harmless),
        "fooled_caught_at_5_percent": caught(score, fooled, score[clean], 0.05),
        "ece_risk": calibration_error(risk, fooled),
        "brier_risk": brier(risk, fooled),
        "ece_confidence": calibration_error(confidence, right),
        "by_kind": {
            str(kind): {
                "n": int((test.kind == kind).sum()),
                "fooled": float(fooled[test.kind == kind].mean()),
                "auroc": auroc(np.r_[score[clean], score[test.kind == kind]], np.r_[fooled[clean], fooled[test.kind == kind]]),
            }
            for kind in np.unique(test.kind)
            if kind
        },
    }


def _figure(value: float, interval: Interval) -> dict[str, Any]:
    return {"value": value, "low": interval.low, "high": interval.high}


def weights_of(report: StressReport, schema: Schema) -> Floats:
    """Return how much the model's answer hangs on each column: the share of rows on which a random legal value changes it, shape (d,)."""
    hits = dict.fromkeys(schema.names, 0.0)
    tried = dict.fromkeys(schema.names, 0.0)
    for case in report.cases:
        if case.target in hits:
            hits[case.target] += float(case.floor.sum())
            tried[case.target] += len(case.floor)
    return np.array([(hits[n] + 0.5) / (tried[n] + 1.0) for n in schema.names])
