from __future__ import annotations

import math
import warnings
from typing import Any

import numpy as np
import pytest
from sklearn import metrics as reference

from camelopard.confidence import metrics
from camelopard.confidence.outcome_costs import OutcomeCosts
from camelopard.core.arrays import Floats

RNG = np.random.default_rng(0)
EVENT = RNG.random(400) < 0.3
SCORE: Floats = np.clip(0.3 * EVENT + 0.7 * RNG.random(400), 0, 1).round(2).astype(np.float64)  # with ties
NAMED = SCORE > 0.5
WEIGHT = RNG.random(400)
TRUTH = RNG.integers(0, 4, 400)
ANSWER = np.where(RNG.random(400) < 0.6, TRUTH, RNG.integers(0, 4, 400))
PROBA = RNG.dirichlet(np.ones(4), 400)
PROBA[0] = [0, 0, 0, 1]


@pytest.mark.parametrize("weight", [None, WEIGHT], ids=["plain", "weighted"])
@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (metrics.accuracy, reference.accuracy_score),
        (metrics.balanced_accuracy, reference.balanced_accuracy_score),
        (metrics.precision, reference.precision_score),
        (metrics.recall, reference.recall_score),
        (metrics.specificity, lambda y, p, sample_weight: reference.recall_score(y, p, pos_label=0, sample_weight=sample_weight)),
        (metrics.matthews, reference.matthews_corrcoef),
        (metrics.f_beta, reference.f1_score),
        (
            lambda a, t, weight: metrics.f_beta(a, t, 2.0, weight),
            lambda y, p, sample_weight: reference.fbeta_score(y, p, beta=2, sample_weight=sample_weight),
        ),
    ],
)
def test_figures_of_answers_are_those_of_scikit_learn(ours: Any, theirs: Any, weight: Any) -> None:
    assert ours(NAMED, EVENT, weight=weight) == pytest.approx(theirs(EVENT, NAMED, sample_weight=weight), rel=1e-12)


@pytest.mark.parametrize("weight", [None, WEIGHT], ids=["plain", "weighted"])
@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (metrics.accuracy, reference.accuracy_score),
        (metrics.balanced_accuracy, reference.balanced_accuracy_score),
        (metrics.matthews, reference.matthews_corrcoef),
        (
            lambda a, t, weight: metrics.over_classes(metrics.precision, a, t, weight),
            lambda y, p, sample_weight: reference.precision_score(y, p, average="macro", sample_weight=sample_weight),
        ),
        (
            lambda a, t, weight: metrics.over_classes(metrics.recall, a, t, weight),
            lambda y, p, sample_weight: reference.recall_score(y, p, average="macro", sample_weight=sample_weight),
        ),
    ],
)
def test_figures_of_several_classes_are_those_of_scikit_learn(ours: Any, theirs: Any, weight: Any) -> None:
    assert ours(ANSWER, TRUTH, weight=weight) == pytest.approx(theirs(TRUTH, ANSWER, sample_weight=weight), rel=1e-12)


@pytest.mark.parametrize("weight", [None, WEIGHT], ids=["plain", "weighted"])
def test_figures_of_scores_are_those_of_scikit_learn_ties_included(weight: Any) -> None:
    assert metrics.average_precision(SCORE, EVENT, weight) == pytest.approx(reference.average_precision_score(EVENT, SCORE, sample_weight=weight))
    assert metrics.auroc(SCORE, EVENT, weight) == pytest.approx(reference.roc_auc_score(EVENT, SCORE, sample_weight=weight))
    assert metrics.brier(SCORE, EVENT, weight) == pytest.approx(reference.brier_score_loss(EVENT, SCORE, sample_weight=weight))
    both = np.column_stack([1 - SCORE, SCORE])
    assert metrics.log_loss(both, EVENT.astype(int), weight) == pytest.approx(
        reference.log_loss(EVENT, y_proba=SCORE, sample_weight=weight), rel=1e-12
    )


def test_probabilities_of_several_classes_and_of_exactly_0_are_judged_as_scikit_learn_does() -> None:
    assert metrics.log_loss(PROBA, TRUTH) == pytest.approx(reference.log_loss(TRUTH, PROBA), rel=1e-12)
    assert metrics.brier_parts(PROBA, TRUTH).mean() == pytest.approx(reference.brier_score_loss(TRUTH, PROBA))
    binary = np.column_stack([1 - SCORE, SCORE])
    assert metrics.brier_parts(binary, EVENT.astype(int)).mean() == pytest.approx(reference.brier_score_loss(EVENT, SCORE))


def test_where_nothing_can_be_measured_the_figure_is_unknown_and_not_zero() -> None:
    nobody, everyone = np.zeros(4, dtype=bool), np.ones(4, dtype=bool)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert math.isnan(metrics.precision(nobody, everyone))
        assert math.isnan(metrics.recall(nobody, nobody))
        assert math.isnan(metrics.f_beta(nobody, nobody))
        assert math.isnan(metrics.average_precision(np.arange(4.0), nobody))
    assert metrics.f_beta(nobody, everyone) == 0.0
    assert metrics.matthews(nobody, everyone) == 0.0


def test_cost_counts_each_outcome_once() -> None:
    named, event = np.array([True, True, False, False]), np.array([True, False, True, False])
    assert metrics.cost_per_1000(named, event, OutcomeCosts(missed=50, false_alarm=4, found=3, gain_found=13)) == 1000 * (50 + 4 - 10) / 4


def test_the_commonest_class_is_what_accuracy_is_held_against() -> None:
    assert metrics.baseline(np.array(["a", "b", "b", "b"])) == 0.75


@pytest.mark.parametrize(
    ("metric", "truth"),
    [
        (metrics.matthews, 0.5910805),  # of 90 %, 80 % right at a prevalence of 20 %: by the formula
        (metrics.balanced_accuracy, 0.85),
        (lambda a, t, w: metrics.f_beta(a == 1, t == 1, 1.0, w), 0.6666667),
    ],
)
def test_intervals_of_answers_hold_the_true_figure_95_times_in_100(metric: Any, truth: float) -> None:
    rng = np.random.default_rng(1)
    held = 0
    for _ in range(60):
        event = (rng.random(500) < 0.2).astype(np.int64)
        named = np.where(rng.random(500) < np.where(event == 1, 0.9, 0.8), event, 1 - event)
        found = metrics.spread(metric, named, event, rng)
        held += found.low <= truth <= found.high
    assert held >= 52


def test_an_interval_does_not_vanish_where_all_answers_are_right() -> None:
    truth = np.array([0, 1] * 20)
    found = metrics.spread(metrics.matthews, truth, truth, np.random.default_rng(0))
    assert found.low < 0.98
    assert found.high == 1.0


def test_an_interval_does_not_vanish_where_nobody_was_named() -> None:
    named, event = np.zeros(40, dtype=np.int64), np.array([0, 1] * 20)
    found = metrics.spread(lambda a, t, w: metrics.f_beta(a == 1, t == 1, 1.0, w), named, event, np.random.default_rng(0))
    assert (found.low, found.high > 0.05) == (0.0, True)
