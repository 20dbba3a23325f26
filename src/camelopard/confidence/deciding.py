"""Choose metric and threshold with those who bear the costs: what a classifier does per 1,000, and what each threshold on offer would do.

Everything is measured on labelled rows that the model was not trained on, and a threshold on rows that took no part in choosing it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from camelopard.confidence import figures
from camelopard.confidence.covering import check_column
from camelopard.confidence.decision import Decision as Decision
from camelopard.confidence.decision import Offers, Texts, checked
from camelopard.confidence.decision_record import DecisionRecord as DecisionRecord
from camelopard.confidence.decision_record import place_of
from camelopard.confidence.figures import Metric, Words
from camelopard.confidence.operating import Sweep, curves
from camelopard.confidence.outcome_costs import OutcomeCosts
from camelopard.confidence.scores import checked_seed, left_out
from camelopard.core.arrays import Array
from camelopard.core.batch import Batch, plain
from camelopard.core.errors import InputError, UnknownName
from camelopard.core.labels import answered, codes_of
from camelopard.core.protocols import Model, wrapped
from camelopard.core.records import Prediction
from camelopard.report import wording

LARGEST_BETA = 1000
FEW = 30  # rows of the rarer class below which little is known
WHERE = "Give rows that the model was not trained on, drawn as they come."


def decide(
    model: Model,
    X: Any,
    y: Any,
    *,
    positive: Any = None,
    costs: Mapping[str, float] | OutcomeCosts | None = None,
    by: str | None = None,
    least_recall: float = 0.9,
    least_precision: float = 0.8,
    capacity: float = 50,
    beta: float = 1.0,
    noun: str = "people",
    seed: int = 0,
) -> Decision:
    """Return what a classifier does per 1,000 rows, its metrics with intervals, and the thresholds on offer.

    Parameters
    ----------
    model
        What `camelopard.wrap` or `camelopard.calibrate` returns: a classifier.
    X, y
        Rows that the model was not trained on, in any form, and their labels (or the name of the column that holds them).
    positive
        The class that is sought. Must be named for two classes; for several, there are thresholds only if it is.
    costs
        What a `missed` row and a `false_alarm` cost, and if you like a `found` one, and what that brings in (`gain_found`).
    by
        A column of few values: groups for which a row is to cost the same.
    least_recall, least_precision, capacity
        What the thresholds on offer are asked for.
    beta
        How much more recall counts than precision in the F-measure.
    noun
        What the rows are called.
    seed
        Seed of everything random.

    Raises
    ------
    InputError
        For a regression, labels that are missing or of one class only, costs by which no threshold makes sense.
    UnknownName
        If `positive` is none of the model's classes, or `by` no column.
    """
    model, costs = wrapped(model), OutcomeCosts.of(costs)
    seed = checked_seed(seed)
    if isinstance(beta, bool) or not isinstance(beta, (int, float)) or not 0 < beta <= LARGEST_BETA:
        raise InputError(f"beta={beta!r}; expected a number above 0, at most {LARGEST_BETA:,}.")
    if not isinstance(noun, str):
        raise InputError(f"noun={repr(noun)[:60]}; expected what the rows are called, e.g. 'patients'.")
    offers = Offers(checked("least_recall", least_recall, 1), checked("least_precision", least_precision, 1), checked("capacity", capacity, 1000), by)
    given = Batch.of(X)
    batch, answer, labels = answered(model, given, y)
    if model.task != "classification":
        raise InputError(f"{model.name} answers numbers; thresholds and these metrics are for classifiers.")
    if by is not None:
        check_column(batch, by)
    classes = tuple(dict.fromkeys(plain(c) for c in [*answer.classes, *labels.tolist()]))  # bare answers may lack a class that occurs
    noun = wording.clean(noun, 40) or "rows"
    notes = _notes(answer, len(given))
    if positive is None:
        if len(classes) < 3:
            raise InputError(
                f"positive is missing: which class is sought, {' or '.join(repr(c) for c in classes)}? Name it: positive={classes[-1]!r}."
            )
        if costs is not None:
            notes += ("costs are of one class against the rest, and no class was named as positive: they were not used",)
        story, told, more = _of_several(answer, labels, classes, noun, seed)
        return Decision(model.name, type(model).__name__, None, classes, len(batch), story, told, {}, None, offers, noun, seed, notes + more)
    place = place_of(positive, classes)
    if place is None:
        raise UnknownName.among(positive, [str(c) for c in classes], "class")
    positive, shares = classes[place], answer.shares
    score = shares[:, place].astype(np.float64) if place < shares.shape[1] else np.zeros(len(batch))
    event = codes_of(labels, classes) == place
    rarer = int(min(event.sum(), (~event).sum()))
    if not rarer:
        raise InputError(f"{'all' if event.any() else 'none'} of the {len(event)} labels are {positive!r}; expected rows of both sides. {WHERE}")
    if rarer < FEW:
        notes += (f"only {rarer} of the {len(event):,} rows are of the rarer side: intervals are wide, and thresholds hardly known",)
    if len(classes) > 2:
        notes += (f"{model.name} knows {len(classes)} classes: {positive!r} is taken against all the others",)
    rest = next(str(c) for c in classes if c != positive) if len(classes) == 2 else f"not {positive}"
    words = Words(noun, wording.clean(str(positive), 80), wording.clean(rest, 80))
    named = np.array([plain(v) == positive for v in answer.value.tolist()], dtype=bool)
    rng = np.random.default_rng(seed)
    lines, (area, average) = curves(Sweep.of(score, event), costs, rng)
    measured = [figures.of_costs(named, event, costs, words)] if costs is not None else []
    measured += list(figures.of_answers(named, event, words, beta, rng))
    if answer.proba is not None or answer.scores is not None:
        measured += list(figures.of_scores(score, event, area, average, words))
    made = Decision(
        model=model.name,
        kind=type(model).__name__,
        positive=positive,
        classes=classes,
        rows=len(event),
        story=figures.told(named, event, words, costs),
        metrics=tuple(measured),
        curves=lines,
        costs=costs,
        offers=offers,
        noun=noun,
        seed=seed,
        notes=notes,
        score=score,
        event=event,
        named=named,
        batch=batch,
        probabilities=answer.proba is not None,
    )
    if by is not None:
        made.groups(by)
    return made


def _of_several(answer: Prediction, labels: Array, classes: tuple[Any, ...], noun: str, seed: int) -> tuple[Texts, tuple[Metric, ...], Texts]:
    """Return the sentences, metrics and notes of several classes."""
    says, truth = codes_of(answer.value, classes), codes_of(labels, classes)
    seen = np.bincount(truth, minlength=len(classes))
    if (seen > 0).sum() < 2:
        raise InputError(f"all {len(truth)} labels are {classes[int(truth[0])]!r}; expected rows of several classes. {WHERE}")
    gone, few = ([repr(classes[i]) for i in np.flatnonzero(mask).tolist()[:5]] for mask in (seen == 0, (seen > 0) & (seen < FEW)))
    notes: Texts = ()
    if gone:
        notes += (f"no row has the label {', '.join(gone)}: nothing is known about it",)
    if few:
        notes += (f"fewer than {FEW} rows have the label {', '.join(few)}: little is known about it",)
    shares = None if (answer.proba is None and answer.scores is None) or answer.shares.shape[1] < len(classes) else answer.shares
    told = figures.of_several(says, truth, shares, noun, np.random.default_rng(seed))
    return figures.told_of_several(says, truth, [wording.clean(str(c), 80) for c in classes], noun), tuple(told), notes


def _notes(answer: Prediction, rows: int) -> Texts:
    notes: Texts = left_out(len(answer), rows)
    if answer.proba is None and answer.scores is None:
        notes += ("the model gives bare answers without probabilities: there is one operating point only, beside naming nobody or everyone",)
    elif answer.proba is None:
        notes += ("the model gives decision values, which were turned into shares that are no probabilities; camelopard.calibrate makes some",)
    return notes
