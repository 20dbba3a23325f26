from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from camelopard.confidence.quality import auroc, auroc_interval, brier, calibration_error, caught


def test_auroc_agrees_with_the_reference_implementation_ties_included() -> None:
    rng = np.random.default_rng(0)
    scores, event = rng.integers(0, 20, 500).astype(float), rng.random(500) < 0.2
    assert auroc(scores, event) == pytest.approx(roc_auc_score(event, scores))


def test_without_events_there_is_no_area() -> None:
    assert np.isnan(auroc(np.arange(3.0), np.zeros(3, dtype=bool)))
    assert auroc_interval(float("nan"), 0, 3).low == 0.0


def test_the_interval_of_an_area_covers_it() -> None:
    rng = np.random.default_rng(1)
    true = 0.7602  # P(N(1, 1) > N(0, 1))
    hits = 0
    for _ in range(500):
        scores = np.r_[rng.normal(1, 1, 60), rng.normal(0, 1, 200)]
        interval = auroc_interval(auroc(scores, np.arange(260) < 60), 60, 200)
        hits += interval.low <= true <= interval.high
    assert hits / 500 >= 0.92


def test_a_true_probability_has_little_calibration_error_and_a_wrong_one_much() -> None:
    rng = np.random.default_rng(2)
    p = rng.random(20_000)
    event = rng.random(20_000) < p
    assert calibration_error(p, event) < 0.02
    assert calibration_error(np.minimum(p + 0.3, 1), event) > 0.15
    assert brier(p, event) < brier(np.minimum(p + 0.3, 1), event)


def test_caught_counts_events_above_the_clean_quantile() -> None:
    assert caught(np.array([5.0, 0.0]), np.array([True, True]), np.arange(5.0), 0.05) == 0.5
