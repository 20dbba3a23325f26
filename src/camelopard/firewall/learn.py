"""Trains a firewall on its material: what teaches fits the heads; what calibrates fits the map from score to probability, the alarm threshold, the
oddity of clean rows, and gives every figure that is reported.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from camelopard.confidence.acceptance import RiskCoverage
from camelopard.confidence.conformal import AlarmThreshold, alarm_threshold, fewest_on_average
from camelopard.confidence.logistic import Logistic
from camelopard.core.arrays import Bools, Floats, Ints
from camelopard.core.batch import Batch, Form
from camelopard.core.protocols import Model, Session
from camelopard.core.records import Prediction
from camelopard.core.schema import MEDIA, Schema
from camelopard.evidence.copula import Copula
from camelopard.evidence.doubt import axis_of
from camelopard.evidence.neighbours import Neighbours
from camelopard.evidence.reading import Reader
from camelopard.evidence.space import Space
from camelopard.evidence.sums import places_of
from camelopard.evidence.suspicion import suspicion
from camelopard.firewall.estimation import learn_estimator
from camelopard.firewall.head import Head
from camelopard.firewall.learned import Judged, Learned, Mix, confidence_columns, confidence_of
from camelopard.firewall.material import MOST_CALIBRATING, Lesson, Material
from camelopard.firewall.measure import measure, repairs
from camelopard.firewall.opinion import Opinion
from camelopard.firewall.panel import GATE, SUMMARY, Panel, never_cost, null_costs, vectors_of
from camelopard.firewall.policy import Policy
from camelopard.firewall.risk_head import RiskHead
from camelopard.firewall.strangeness import Strangeness
from camelopard.stress.report import StressReport
from camelopard.stress.truth import Truth

MOST_REFERENCE = 20_000  # reference rows that the distances are learned from
FEWEST_ROWS = 20
RIDGE = 5.0  # how strongly confidence is drawn towards the model's own word
OWN_WORD = np.array([1.0, 0.0, 0.0])
ERROR_FOLDS = 3
MOST_STACKED = 16_000  # rows that a head of one fold learns from
FOLDS = 5  # for measuring calibration on rows that took no part in it


def learn_panel(
    schema: Schema,
    clean: Batch,
    answer: Prediction | None,
    model: Model | None,
    truth: Truth | None,
    weights: Floats,
    taught: bool,
    session: Session | None = None,
) -> Panel:
    """Learn reader, copula, neighbours and costs from clean rows and the model's answers to them; `taught`: they are the rows that teach, too.

    `session` is asked for the model's features of texts and pictures, where it shows any.
    """
    places = np.arange(len(clean))
    if len(clean) > MOST_REFERENCE:
        step = len(clean) / MOST_REFERENCE
        keep = (np.arange(MOST_REFERENCE) * step).astype(np.int64)
        clean, answer, places = clean.take(keep), None if answer is None else answer.take(keep), places[keep]
    task = model.task if model is not None else "classification"
    axis = axis_of(answer, task) if answer is not None else np.zeros(len(clean))
    reader, reading = Reader.learned(clean, schema, axis)
    weights = np.array([weights[schema.names.index(name)] for name in reader.columns])
    copula = Copula.learn(reading.scores)
    surprise = copula.surprise(reading.scores)
    never = never_cost(len(clean))
    costs = null_costs(reading, never)
    top = suspicion(reading, surprise, costs, never, reader.edges).max(axis=1)
    near = Neighbours.learn(places_of(reading, surprise), answer, task, places if taught else None)
    centre, scale = float(np.median(axis)), float(max(np.subtract(*np.percentile(axis, [84, 16])) / 2, 1e-9))
    tolerance = truth.tolerance if truth is not None else 0.0
    panel = Panel(reader, copula, near, costs, never, weights, float(np.quantile(top, GATE)), task, tolerance, centre, scale)
    vectors = vectors_of(clean, reader, session) if reader.views else None
    if vectors is not None:
        panel.space = Space.learn(vectors, answer, task, getattr(session, "last_layer", None))
    return panel


def conclude(
    panel: Panel, material: Material, alpha: float, rng: np.random.Generator, head: RiskHead | None = None, policy: Policy | None = None
) -> Learned:
    """Fit the head, unless one is given, on the rows that teach; risk, thresholds and every figure come from the rows that calibrate.

    `policy` is what the figures on routes are for.
    """
    odd_by, material = material, heard(panel, material)
    lesson, check = material.lesson, material.check
    if head is None:
        head = RiskHead.learn(lesson, rng, panel.summary, panel.certain)
    score = head.score(check.table, check.answer)
    risk, fooled = learn_risk(check, score)
    threshold = spared(alarm_threshold(score[~check.damaged], alpha), risk, check.least_risk, score[~check.damaged])
    sure = learn_confidence(panel, material, fooled, rng)
    strange = Strangeness.learn(panel, *_odd_and_clean(odd_by), rng, asked=material.further is None)
    if strange is not None:
        check = replace(check, odd=strange.oddness(odd_by.check.table))
    odd = np.sort(check.odd[~check.damaged])
    farthest = float(lesson.odd.max())
    missing = float(lesson.table[:, panel.names.index("missing")].max())
    right = material.right if material.labelled else None
    judged = Judged(score, fooled, sure.held)
    measured = measure(check, right, judged, threshold, rng, policy=policy, repaired_right=material.repaired_right)
    measured.update(repairs(material, score > threshold.value, rng))
    mix = mix_of(check, score, material.right)
    probabilities = (head, sure.errors, risk, sure.line, threshold)
    learned = Learned(panel, *probabilities, odd, farthest, missing, measured, mix, sure.curve, opinion=sure.opinion, trust=material.trust)
    if strange is not None:
        learned = replace(learned, strange=strange, clean_novel=np.sort(strange.novelty(odd_by.check.table[~check.damaged])))
    if not material.labelled:
        return learned
    return replace(learned, estimator=learn_estimator(learned, lesson, check, (material.taught, material.right), sure.held, material.families, rng))


def _odd_and_clean(material: Material) -> tuple[Floats, list[tuple[Floats, Floats]]]:
    """Return the evidence of clean rows that teach, and that of damaged ones with their weights: of texts alone by family, else all together."""
    lesson, damaged = material.lesson, material.lesson.damaged
    if material.further is not None:
        return lesson.table[~damaged], material.further.by_family(material.families)
    return lesson.table[~damaged], [(lesson.table[damaged], lesson.weight[damaged])]


def heard(panel: Panel, material: Material) -> Material:
    """Return the material that heads learn from: numbers that only oddity reads speak to them in the suspicion of a row alone."""
    apart = panel.apart
    if not len(apart):
        return material

    def without(part: Lesson) -> Lesson:
        table = part.table.copy()
        table[:, apart] = 0.0
        return replace(part, table=table)

    return replace(material, lesson=without(material.lesson), check=without(material.check))


def learn_risk(check: Lesson, score: Floats) -> tuple[Logistic, Floats]:
    """Return the map from score to risk, and the risk of rows that took no part in their map, shape (n,)."""
    held = np.empty(len(score))
    for k in range(FOLDS):
        mine = check.origin % FOLDS == k
        held[mine] = risk_of(check, score, ~mine).probability(score[mine, None])
    return risk_of(check, score), held


def risk_of(check: Lesson, score: Floats, rows: Bools | None = None) -> Logistic:
    """Return the map from score to risk learned from rows that calibrate, or some of them."""
    some = np.ones(len(score), dtype=bool) if rows is None else rows
    return Logistic.fit(score[some, None], check.fooled[some], check.weight[some])


def spared(threshold: AlarmThreshold, risk: Logistic, least: float, clean: Floats) -> AlarmThreshold:
    """Return the threshold, raised to where the risk is `least` if it lies below; `clean`: the scores of clean rows, shape (n,).

    What is stopped only gets less, so the promise about false alarms stays.
    """
    slope = float(risk.weights[0])
    if not (slope > 0 and 0 < least < 1 and math.isfinite(threshold.value)):
        return threshold
    value = (math.log(least / (1 - least)) - risk.intercept) / slope
    return replace(threshold, value=value, above=int((clean > value).sum())) if value > threshold.value else threshold


@dataclass(frozen=True)
class Sure:
    """What confidence rests on: the head that knows wrong answers, the second opinion, the map to confidence, how much is accepted at which error.

    None of it without labels. `held`: the confidence of the rows that calibrate, shape (n,), from heads and maps that they took no part in.
    """

    held: Floats
    errors: Head | None = None
    line: Logistic | None = None
    curve: RiskCoverage | None = None
    opinion: Opinion | None = None


def learn_confidence(panel: Panel, material: Material, risk: Floats, rng: np.random.Generator) -> Sure:
    """Return what confidence rests on.

    Labels are dear, and no alarm rests on confidence: head and map learn from all rows, those that calibrate too. The map sees of every row what
    heads say that did not see it (stacking, Wolpert 1992). Without labels `risk` is what confidence is read from.
    """
    lesson, check = material.lesson, material.check
    if not material.labelled:
        return Sure(confidence_of(None, None, None, check.answer, risk, check.table, panel.task))
    rows = Rows.of(material)
    words, held = crossed(rows, (lesson.answer, check.answer), panel.task, rng, panel.summary)
    answered = rows if words.shape[1] == len(OWN_WORD) else replace(rows, label=None)  # an opinion that some fold had not is not formed
    errors, opinion = judges_of(answered, Prediction.joined((lesson.answer, check.answer)), rng, panel.summary)
    curve = RiskCoverage.of(held, rows.wrong, rows.weight, rows.origin)
    line = _confidence_of(words, rows, np.ones(len(held), dtype=bool))
    return Sure(held[len(lesson.table) :], errors, line, curve, opinion)


def crossed(
    rows: Rows, answers: tuple[Prediction, Prediction], task: str, rng: np.random.Generator, summary: Sequence[str] = SUMMARY
) -> tuple[Floats, Floats]:
    """Return what the map to confidence sees of each row, shape (n, 2 or 3), and its confidence, shape (n,), from judges that it took no part in.

    `answers` are the model's, to the rows that teach and to those that calibrate; `summary` names the columns that the evidence begins with.
    """
    fold, answer = rows.dealt(rng), Prediction.joined(answers)
    error, agreed, heard = np.empty(len(fold)), np.empty(len(fold)), True
    for k in range(ERROR_FOLDS):
        some, rest = _some_of(np.flatnonzero(fold != k), rng), np.flatnonzero(fold == k)
        head, opinion = judges_of(rows.take(some), answer.take(some), rng, summary)
        error[rest] = head.score(rows.table[rest])
        heard = heard and opinion is not None
        if opinion is not None:
            agreed[rest] = opinion.agrees(rows.table[rest], answer.take(rest))
    words = confidence_columns(answer, error, agreed if heard else None, task)
    held = np.empty(len(fold))
    for k in range(ERROR_FOLDS):
        held[fold == k] = _confidence_of(words, rows, fold != k).probability(words[fold == k])
    return words, held


def judges_of(rows: Rows, answer: Prediction, rng: np.random.Generator, summary: Sequence[str]) -> tuple[Head, Opinion | None]:
    """Return the head of errors, and the second opinion where there are labels to form one from."""
    head = Head.of_errors(rows.table, rows.wrong, rows.weight, rng, summary)
    return head, None if rows.label is None else Opinion.learn(rows.table, answer, rows.label, rows.weight, rng)


@dataclass(frozen=True)
class Rows:
    """All rows with labels, those that teach first: evidence, whether the answer is wrong, what each counts, where it comes from, its label."""

    table: Floats
    wrong: Bools
    weight: Floats
    origin: Ints
    label: Ints | None = None

    @classmethod
    def of(cls, material: Material) -> Rows:
        lesson, check = material.lesson, material.check
        apart = int(lesson.origin.max()) + 1  # a row that teaches and one that calibrates are never the same
        return cls(
            np.concatenate([lesson.table, check.table]),
            ~np.concatenate([material.taught, material.right]),
            np.concatenate([lesson.weight, check.weight]),
            np.concatenate([lesson.origin, apart + check.origin]),
            None if lesson.label is None or check.label is None else np.concatenate([lesson.label, check.label]),
        )

    def take(self, some: Ints) -> Rows:
        """Return the rows at these positions."""
        label = None if self.label is None else self.label[some]
        return Rows(self.table[some], self.wrong[some], self.weight[some], self.origin[some], label)

    def dealt(self, rng: np.random.Generator) -> Ints:
        """Return a fold for each row, damaged twins with their origin, shape (n,)."""
        folds: Ints = np.arange(int(self.origin.max()) + 1) % ERROR_FOLDS
        return rng.permutation(folds)[self.origin]


def _some_of(rows: Ints, rng: np.random.Generator) -> Ints:
    return rows if len(rows) <= MOST_STACKED else np.sort(rng.choice(rows, MOST_STACKED, replace=False))


def _confidence_of(words: Floats, rows: Rows, among: Bools) -> Logistic:
    """Return the map to confidence learned from some rows; few of them, counted by origin, leave the model's own word nearly as it is."""
    worth = len(np.unique(rows.origin[among]))
    return Logistic.fit(words[among], ~rows.wrong[among], rows.weight[among], RIDGE, prior=OWN_WORD[: words.shape[1]], rows=worth)


def mix_of(check: Lesson, score: Floats, right: Bools) -> Mix:
    """Return what is known of the traffic of fitting."""
    whole, unharmed, w = ~check.fooled, check.damaged, check.weight
    harmless = Logistic.fit(score[whole, None], unharmed[whole], w[whole])
    a = float(np.average(right[check.fooled], weights=w[check.fooled])) if check.fooled.any() else 0.0
    return Mix(float(np.average(check.damaged, weights=w)), harmless, a)


def learn_without_model(panel: Panel, clean: Batch, form: Form, alpha: float) -> Learned:
    """Learn only what data alone can teach: how odd a row is."""
    empty = Prediction(np.full(len(clean), None, dtype=object))
    odd = panel.examine(clean, empty, None, form).odd
    return Learned(
        panel, RiskHead(), None, None, None, alarm_threshold(odd, alpha), np.sort(odd), np.inf, np.inf, {}, Mix(0.5, Logistic(np.zeros(1), 0.0), 0.0)
    )


def rows_for(alpha: float) -> int:
    """Return about how many clean rows a fit needs so that some row can be stopped at all.

    >>> rows_for(0.01), rows_for(0.05)
    (165, 32)
    """
    return math.ceil(fewest_on_average(alpha) / MOST_CALIBRATING)


def no_alarms(threshold: AlarmThreshold, *, alone: bool, budget: bool) -> str:
    """Return that no row can be stopped, and what helps. `alone`: all rows given calibrate; `budget`: it may be that which leaves few of them."""
    enough = fewest_on_average(threshold.alpha) if alone else rows_for(threshold.alpha)
    possible = math.ceil(1000 / (threshold.rows + 1)) / 1000
    return (
        f"this firewall can stop no row: {threshold.rows} clean rows calibrate it, too few to promise at most {threshold.alpha:.1%} false alarms "
        f"even on average; that takes about {enough:,} rows given to fit. Give more rows, {'a larger budget, ' if budget else ''}or an alpha of "
        f"{possible:g} at least."
    )


def weights_of(report: StressReport, schema: Schema) -> Floats:
    """Return how much the model's answer hangs on each column: the share of rows on which a random legal value changes it, shape (d,)."""
    hits = dict.fromkeys(schema.names, 0.0)
    tried = dict.fromkeys(schema.names, 0.0)
    for case in report.cases:
        if case.target in hits:
            what = case.fooled if schema[case.target].kind in MEDIA else case.floor  # no text and no picture is a legal value in place of another
            hits[case.target] += float(what.sum())
            tried[case.target] += len(what)
    return np.array([(hits[n] + 0.5) / (tried[n] + 1.0) for n in schema.names])
