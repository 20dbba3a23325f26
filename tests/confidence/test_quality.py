from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from camelopard.confidence.quality import Resampled, auroc, brier, calibration_error


def test_auroc_agrees_with_the_reference_implementation_ties_included() -> None:
    rng = np.random.default_rng(0)
    scores, event = rng.integers(0, 20, 500).astype(float), rng.random(500) < 0.2
    assert auroc(scores, event) == pytest.approx(roc_auc_score(event, scores))


def test_without_events_there_is_no_area() -> None:
    assert np.isnan(auroc(np.arange(3.0), np.zeros(3, dtype=bool)))
    rows = Resampled(np.arange(3), np.ones(3), np.random.default_rng(0))
    assert (rows.auroc(np.arange(3.0), np.zeros(3, dtype=bool)).low, rows.rate(np.zeros(3, dtype=bool), np.zeros(3, dtype=bool)).high) == (0.0, 1.0)


def twins(rng: np.random.Generator, origins: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return scores, events and origins of rows that come in groups of ten which hang together."""
    origin = np.repeat(np.arange(origins), 10)
    event = rng.random(len(origin)) < 0.3
    scores = np.repeat(rng.normal(size=origins), 10) + event + rng.normal(0, 0.5, len(origin))
    return scores, event, origin


def test_intervals_of_rows_that_hang_together_cover_the_truth() -> None:
    rng = np.random.default_rng(1)
    scores, event, _ = twins(rng, 40_000)
    true_area, true_rate = auroc(scores, event), float((scores > 1.5)[event].mean())
    hits = np.zeros(2)
    for _ in range(150):
        scores, event, origin = twins(rng, 60)
        rows = Resampled(origin, np.ones(len(origin)), rng)
        area, rate = rows.auroc(scores, event), rows.rate(scores > 1.5, event)
        hits += [area.low <= true_area <= area.high, rate.low <= true_rate <= rate.high]
    assert (hits / 150 >= 0.88).all()


def test_where_all_rows_agree_the_interval_counts_clusters() -> None:
    rows = Resampled(np.repeat(np.arange(5), 100), np.ones(500), np.random.default_rng(0))
    assert rows.rate(np.zeros(500, dtype=bool), np.ones(500, dtype=bool)).high > 0.3


def test_a_weight_is_as_good_as_a_repetition() -> None:
    rng = np.random.default_rng(3)
    scores, event, weight = rng.integers(0, 9, 200).astype(float), rng.random(200) < 0.4, rng.integers(0, 4, 200)
    many = np.repeat(np.arange(200), weight)
    assert auroc(scores, event, weight.astype(float)) == pytest.approx(auroc(scores[many], event[many]))
    p = scores / 9
    assert brier(p, event, weight.astype(float)) == pytest.approx(brier(p[many], event[many]))
    assert calibration_error(p, event, weight=weight.astype(float)) == pytest.approx(calibration_error(p[many], event[many]), abs=0.03)


def test_a_true_probability_has_little_calibration_error_and_a_wrong_one_much() -> None:
    rng = np.random.default_rng(2)
    p = rng.random(20_000)
    event = rng.random(20_000) < p
    assert calibration_error(p, event) < 0.02
    assert calibration_error(np.minimum(p + 0.3, 1), event) > 0.15
    assert brier(p, event) < brier(np.minimum(p + 0.3, 1), event)
