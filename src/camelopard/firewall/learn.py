"""Trains a firewall from a model's own stress run.

Rows are split once, by origin: two thirds are stressed and teach the head, one third only calibrates: the map from score to probability, the alarm
threshold, the oddity of clean rows, and every figure that is reported. No damaged twin of a row ever crosses from one side to the other.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from camelopard.confidence.conformal import AlarmThreshold, alarm_threshold, fewest
from camelopard.confidence.logistic import Logistic
from camelopard.confidence.quality import Resampled, auroc, brier, calibration_error
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
from camelopard.firewall.learned import Judged, Learned, confidence_columns, confidence_of
from camelopard.firewall.panel import Panel, never_cost, null_costs
from camelopard.stress.report import StressReport
from camelopard.stress.runner import Case
from camelopard.stress.truth import Truth

CALIBRATION_SHARE = 0.35
DAMAGED_ROWS, CLEAN_ROWS = 12_000, 10_000  # rows of evidence the head learns from
CALIBRATION_DAMAGED = 8_000
GATE = 0.9  # share of clean rows that are not suspicious enough to ask the model about repairs
MOST_REFERENCE = 20_000  # reference rows that the distances are learned from
FEWEST_ROWS = 20
PIECE = 4096  # rows examined at once
CONFIDENCE_COLUMNS = ((0,), (0, 1, 2), (0, 1, 2, 3, 4), (0, 1, 2, 3, 4, 5))  # the model's own word; the risk too; squares; what errors look like
RIDGE = 5.0  # how strongly confidence is drawn towards the model's own word
FOLDS = 5  # for measuring calibration on rows that took no part in it


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

    @property
    def rows(self) -> Ints:
        """All positions, sorted."""
        return np.sort(np.concatenate([self.teach, self.calibrate]))

    def thinned(self, most: int | None, rng: np.random.Generator) -> Split:
        """Return a split of at most so many rows, drawn at random, in the same proportion."""
        n = len(self.teach) + len(self.calibrate)
        if most is None or n <= most:
            return self
        parts = (np.sort(rng.permutation(part)[: max(1, round(len(part) * most / n))]) for part in (self.teach, self.calibrate))
        return Split(*parts)

    def only(self, keep: Bools) -> Split:
        """Return the split without the rows that are not to be kept."""
        return Split(self.teach[keep[self.teach]], self.calibrate[keep[self.calibrate]])


def answered(model: Model, batch: Batch, rows: Ints, session: Session) -> tuple[Bools, Prediction]:
    """Return which rows of the batch were asked and answered, and the answers, both in the length of the batch.

    Raises
    ------
    ModelError
        If the model answers fewer than half of the rows asked.
    """
    answer = session.predict(batch.take(rows))
    if (~answer.failed).sum() < max(1, len(rows) / 2):
        example = next(e for e in answer.errors if e is not None)
        raise ModelError(
            f"{model.name} answers {int((~answer.failed).sum())} of the {len(rows)} rows given; the first error: {example}. "
            "Give rows in the form the model was trained on."
        )
    good = np.zeros(len(batch), dtype=bool)
    good[rows] = ~answer.failed
    place = np.zeros(len(batch), dtype=np.int64)
    place[rows] = np.arange(len(rows))
    return good, answer.take(place)


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


def collect(
    panel: Panel,
    schema: Schema,
    truth: Truth,
    teach: tuple[Batch, Sequence[Case], Array | None, Purse],
    calibrate: tuple[Batch, Sequence[Case], Array | None, Purse],
    rng: np.random.Generator,
    progress: Progress,
) -> Material:
    """Return the evidence to learn from. `teach` and `calibrate` hold clean rows, the stress cases made of them, and what they may cost."""
    progress("measuring evidence", 0, 2)
    clean, cases, taught, purse = teach
    stressed = gather(cases, schema, truth, purse.session, purse.damaged(DAMAGED_ROWS), rng, enriched=True)
    kept = _some(len(clean), purse.clean(CLEAN_ROWS), rng)
    lesson = examined(panel, clean.take(kept), stressed, purse, schema.form, rng, kept)
    progress("measuring evidence", 1, 2)
    batch, twins, y, purse = calibrate
    stressed = gather(twins, schema, truth, purse.session, purse.damaged(CALIBRATION_DAMAGED), rng)
    kept = _some(len(batch), purse.clean(len(batch)), rng)
    check = examined(panel, batch.take(kept), stressed, purse, schema.form, rng, kept)
    progress("measuring evidence", 2, 2)
    right = tuple(right_answers(part, labels, truth.tolerance) for part, labels in ((lesson, taught), (check, y)))
    return Material(lesson, check, right[0], right[1], y is not None)


def conclude(panel: Panel, material: Material, alpha: float, rng: np.random.Generator) -> Learned:
    """Fit the head on the rows that teach; probabilities, thresholds and every figure come from the rows that calibrate."""
    lesson, check = material.lesson, material.check
    errors = (
        Head.fit(lesson.table, panel.names, ~material.taught, lesson.weight, rng, free=True, rows=len(np.unique(lesson.origin)))
        if material.labelled
        else None
    )
    error = errors.score(check.table) if errors is not None else np.zeros(len(check.table))
    head = Head.fit(lesson.table, panel.names, lesson.fooled, lesson.weight, rng)
    score = head.score(check.table)
    threshold = alarm_threshold(score[~check.damaged], alpha)
    risk, confidence, held = calibrated(panel, material, score, error)
    odd = np.sort(check.odd[~check.damaged])
    farthest = float(lesson.odd.max())
    missing = float(lesson.table[:, panel.names.index("missing")].max())
    measured = measure(check, material.right if material.labelled else None, Judged(score, held[0], held[1]), threshold, rng)
    return Learned(panel, head, errors, risk, confidence, threshold, odd, farthest, missing, measured)


def calibrated(panel: Panel, material: Material, score: Floats, error: Floats) -> tuple[Logistic, Logistic | None, Floats]:
    """Return the maps to risk and, where there are labels, to confidence; and both of rows that took no part in their map, shape (2, n).

    Confidence is read from as many columns as are worth it: more of them only where that surely lowers the log loss on rows that took no part.
    """
    check, every = material.check, np.ones(len(score), dtype=bool)
    risk = Logistic.fit(score[:, None], check.fooled, check.weight)
    out = [check.origin % FOLDS == fold for fold in range(FOLDS)]
    fooled = np.empty(len(score))
    for mine in out:
        fooled[mine] = Logistic.fit(score[~mine, None], check.fooled[~mine], check.weight[~mine]).probability(score[mine, None])
    if not material.labelled:
        return risk, None, np.stack([fooled, confidence_of(None, None, check.answer, fooled, check.table, panel.task)])
    table = confidence_columns(check.answer, fooled, error, panel.task)
    best: tuple[int, ...] = CONFIDENCE_COLUMNS[0]
    held = _held_out(table, best, material, out)
    for columns in CONFIDENCE_COLUMNS[1:]:
        richer = _held_out(table, columns, material, out)
        gain = np.bincount(check.origin, weights=check.weight * (_log_losses(held, material.right) - _log_losses(richer, material.right)))
        if gain.sum() > np.sqrt(len(gain)) * gain.std():  # by more than one standard error, rows with all their twins counted as one
            best, held = columns, richer
    return risk, _on_some(table, best, material, every), np.stack([fooled, held])


def _held_out(table: Floats, columns: Sequence[int], material: Material, folds: Sequence[Bools]) -> Floats:
    """Return confidence of every row from a map that it took no part in, shape (n,)."""
    held = np.empty(len(table))
    for mine in folds:
        held[mine] = _on_some(table, columns, material, ~mine).probability(table[mine])
    return held


def _on_some(table: Floats, columns: Sequence[int], material: Material, rows: Bools) -> Logistic:
    """Return the map to confidence from some columns, with a weight of 0 for the others; few rows leave the model's own word nearly as it is."""
    check, word = material.check, np.eye(table.shape[1])[0]
    line = Logistic.fit(
        table[rows][:, columns],
        material.right[rows],
        check.weight[rows],
        RIDGE,
        prior=word[list(columns)],
        rows=len(np.unique(check.origin[rows])),
    )
    weights = np.zeros(table.shape[1])
    weights[list(columns)] = line.weights
    return Logistic(weights, line.intercept)


def _log_losses(p: Floats, event: Bools) -> Floats:
    losses: Floats = -np.log(np.clip(np.where(event, p, 1.0 - p), 1e-6, 1.0))
    return losses


def learn_without_model(panel: Panel, clean: Batch, form: Form, alpha: float) -> Learned:
    """Learn only what data alone can teach: how odd a row is."""
    empty = Prediction(np.full(len(clean), None, dtype=object))
    odd = panel.examine(clean, empty, None, form).odd
    return Learned(panel, Head(), None, None, None, alarm_threshold(odd, alpha), np.sort(odd), np.inf, np.inf, {})


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
    """Damaged rows drawn from cases, each kind alike: the rows, the model's answers, whether they fooled it, where they come from; and how many rows
    each stands for."""

    batch: Batch
    after: Prediction
    fooled: Bools
    origin: Ints
    kind: Array
    weight: Floats


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

    def without(self, kinds: Collection[str]) -> Lesson:
        """Return the lesson without the rows of these kinds of damage, the others weighed anew."""
        keep = np.flatnonzero(~np.isin(self.kind, list(kinds)))
        kind = self.kind[keep]
        return Lesson(
            self.table[keep],
            self.fooled[keep],
            self.damaged[keep],
            _weights(kind, self.weight[keep]),
            self.odd[keep],
            self.answer.take(keep),
            self.origin[keep],
            kind,
        )


@dataclass(frozen=True)
class Material:
    """What there is to learn from: evidence of rows that teach and of rows that calibrate, and which answers to either are right."""

    lesson: Lesson
    check: Lesson
    taught: Bools
    right: Bools
    labelled: bool

    def without(self, kinds: Collection[str]) -> Material:
        """Return the same without these kinds of damage, as if they had never been tried."""
        first, second = (~np.isin(part.kind, list(kinds)) for part in (self.lesson, self.check))
        return Material(self.lesson.without(kinds), self.check.without(kinds), self.taught[first], self.right[second], self.labelled)


def gather(
    cases: Sequence[Case], schema: Schema, truth: Truth, session: Session, most: int, rng: np.random.Generator, *, enriched: bool = False
) -> Stressed | None:
    """Return up to `most` damaged rows, the same number from every kind as far as there are any, only rows that the damage changed.

    With `enriched`, up to half of a kind's rows are such that fooled the model in the stress run, and `weight` says how many rows each stands for:
    few damages fool a good model, and evidence is dear. The rows are brought to the schema, as in screening, and the model is asked about them in
    that form: a column that is absent is missing there.
    """
    kinds: dict[str, list[Case]] = {}
    for case in cases:
        if case.batch is not None and case.changed.any():
            kinds.setdefault(case.kind, []).append(case)
    batches, before, origin, names, weights = [], [], [], [], []
    for kind, group in kinds.items():
        for case, rows, weight in _drawn(group, max(1, most // len(kinds)), rng, enriched):
            batches.append(schema.conform(case.batch.take(rows)))
            before.append(case.before.take(rows))
            origin.append(case.rows[rows])
            names.append(np.full(len(rows), kind))
            weights.append(weight)
    if not batches:
        return None
    batch, answers = concat(batches).renumbered(), Prediction.joined(before)
    after = session.predict(batch)
    return Stressed(batch, after, truth.fooled(answers, after), np.concatenate(origin), np.concatenate(names), np.concatenate(weights))


def _drawn(group: Sequence[Case], quota: int, rng: np.random.Generator, enriched: bool) -> list[tuple[Case, Ints, Floats]]:
    """Return rows of the cases of one kind, drawn at random, each with the number of rows that it stands for."""
    case_of = np.concatenate([np.full(int(case.changed.sum()), k) for k, case in enumerate(group)])
    row_of = np.concatenate([np.flatnonzero(case.changed) for case in group])
    fooled = np.concatenate([case.fooled[case.changed] for case in group]) if enriched else np.zeros(len(row_of), dtype=bool)
    hits, others = rng.permutation(np.flatnonzero(fooled)), rng.permutation(np.flatnonzero(~fooled))
    most = min(len(hits), max(quota // 2, quota - len(others)))
    hits_taken, others_taken = hits[:most], others[: quota - most]
    taken = np.concatenate([hits_taken, others_taken])
    weight = np.concatenate([np.full(len(part), len(whole) / max(len(part), 1)) for part, whole in ((hits_taken, hits), (others_taken, others))])
    order = np.lexsort((row_of[taken], case_of[taken]))
    taken, weight = taken[order], weight[order]
    cuts = np.flatnonzero(np.diff(case_of[taken])) + 1
    return [
        (group[int(case_of[part[0]])], row_of[part], heavy)
        for part, heavy in zip(np.split(taken, cuts), np.split(weight, cuts), strict=True)
        if len(part)
    ]


def examined(
    panel: Panel, clean: Batch, stressed: Stressed | None, purse: Purse, form: Form, rng: np.random.Generator, positions: Ints | None = None
) -> Lesson:
    """Return the evidence of clean and damaged rows, in random order as far as the purse goes; each side weighs half, each kind of damage alike.

    `positions` are the clean rows' places in the batch that labels belong to; by default they are counted from 0.
    """
    places = np.arange(len(clean)) if positions is None else positions
    batch, kind, fooled, origin = clean, np.full(len(clean), "", dtype="<U60"), np.zeros(len(clean), dtype=bool), places
    stands_for = np.ones(len(clean))
    if stressed is not None:
        batch = concat([clean, stressed.batch]).renumbered()
        kind, fooled = np.concatenate([kind, stressed.kind]), np.concatenate([fooled, stressed.fooled])
        origin, stands_for = np.concatenate([origin, stressed.origin]), np.concatenate([stands_for, stressed.weight])
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
    rows, answer = np.concatenate(done), Prediction.joined(answers)
    keep = np.flatnonzero(~answer.failed)
    rows = rows[keep]
    kinds = kind[rows]
    return Lesson(
        np.vstack(tables)[keep],
        fooled[rows],
        kinds != "",
        _weights(kinds, stands_for[rows]),
        np.concatenate(odds)[keep],
        answer.take(keep),
        origin[rows],
        kinds,
    )


def _weights(kinds: Array, stands_for: Floats) -> Floats:
    """Return weights with mean 1: half for clean rows, half for damaged ones, each kind alike, and within a kind by what each row stands for."""
    names, inverse = np.unique(kinds, return_inverse=True)
    share_of = np.where(names == "", 0.5, 0.5 / max((names != "").sum(), 1))
    totals = np.bincount(inverse, weights=stands_for, minlength=len(names))
    weights: Floats = (share_of / totals)[inverse] * stands_for * len(kinds)
    return weights


def _some(n: int, most: int, rng: np.random.Generator) -> Ints:
    return np.arange(n) if n <= most else np.sort(rng.choice(n, most, replace=False))


def right_answers(test: Lesson, y: Array | None, tolerance: float) -> Bools:
    """Return which answers are right, shape (n,): by the labels of the undamaged rows, or, without labels, those that the damage did not change."""
    if y is None:
        return ~test.fooled
    labels = y[test.origin]
    if test.answer.classes:
        return np.asarray([a == b for a, b in zip(test.answer.value.tolist(), labels.tolist(), strict=True)], dtype=bool)
    gap = np.abs(test.answer.value.astype(np.float64) - labels.astype(np.float64))
    return np.asarray(gap <= tolerance, dtype=bool)


def measure(test: Lesson, right: Bools | None, judged: Judged, threshold: AlarmThreshold, rng: np.random.Generator) -> dict[str, Any]:
    """Return what rows say of a firewall, each with its interval: how well it tells fooled from not, and what gets through.

    Every figure is for the declared mix of traffic (the rows' weights). `right`, which answers are right, is None without labels. What is judged must
    come from maps that the row took no part in.
    """
    score, risk, confidence = judged.score, judged.risk, judged.confidence
    clean, damaged, fooled, w = ~test.damaged, test.damaged, test.fooled, test.weight
    own = 1.0 - class_scores(test.answer).max(axis=1)
    rows = Resampled(test.origin, w, rng)
    flagged = np.asarray(score > threshold.value, dtype=bool)

    def area(values: Floats) -> dict[str, Any]:
        return _figure(auroc(values, fooled, w), rows.auroc(values, fooled))

    def rate(hit: Bools, among: Bools) -> dict[str, Any]:
        value = float(np.average(hit[among], weights=w[among])) if among.any() else np.nan
        return _figure(value, rows.rate(hit, among))

    found = {
        "rows": {"clean": int(clean.sum()), "damaged": int(damaged.sum()), "fooled": int(fooled.sum()), "origins": len(np.unique(test.origin))},
        "labelled": right is not None,
        "auroc_fooled": area(score),
        "auroc_fooled_by_own_doubt": area(own),
        "auroc_fooled_by_oddity": area(test.odd),
        "fooled_caught": rate(flagged, fooled),
        "harmless_flagged": rate(flagged, damaged & ~fooled),
        "fooled_caught_at_5_percent": rate(score > np.quantile(score[clean], 0.95), fooled) if clean.any() else rate(flagged, fooled),
        "ece_risk": calibration_error(risk, fooled, weight=w),
        "brier_risk": brier(risk, fooled, w),
        "by_kind": {str(kind): _of_kind(test, score, np.asarray(test.kind == kind, dtype=bool)) for kind in np.unique(test.kind) if kind},
    }
    if right is not None:
        found["ece_confidence"], found["brier_confidence"] = calibration_error(confidence, right, weight=w), brier(confidence, right, w)
    return found


def _of_kind(test: Lesson, score: Floats, mine: Bools) -> dict[str, Any]:
    """Return how many rows of a kind there are, how many fool the model, and how well those are told from the others and from clean rows."""
    n, k = int(mine.sum()), int(test.fooled[mine].sum())
    rows = mine | ~test.damaged
    interval = share(k, n)
    return {"n": n, "fooled": k / n, "low": interval.low, "high": interval.high, "auroc": auroc(score[rows], test.fooled[rows])}


def _figure(value: float, interval: Interval) -> dict[str, Any]:
    return {"value": value, "low": interval.low, "high": interval.high}


def rows_for(alpha: float) -> int:
    """Return about how many clean rows a fit needs so that some row can be stopped at all."""
    return math.ceil(fewest(alpha) / CALIBRATION_SHARE)


def weights_of(report: StressReport, schema: Schema) -> Floats:
    """Return how much the model's answer hangs on each column: the share of rows on which a random legal value changes it, shape (d,)."""
    hits = dict.fromkeys(schema.names, 0.0)
    tried = dict.fromkeys(schema.names, 0.0)
    for case in report.cases:
        if case.target in hits:
            hits[case.target] += float(case.floor.sum())
            tried[case.target] += len(case.floor)
    return np.array([(hits[n] + 0.5) / (tried[n] + 1.0) for n in schema.names])
