"""Shares of an event in new rows, from probabilities made for another share."""

from __future__ import annotations

import numpy as np
import pytest

from camelopard.confidence.logistic import sigmoid
from camelopard.confidence.prior import moved, prevalence, shift
from camelopard.confidence.quality import calibration_error
from camelopard.core.arrays import Bools, Floats


def traffic(share: float, n: int, seed: int) -> tuple[Floats, Bools]:
    """Rows of two bells two apart, with the probability that holds where both are alike common."""
    rng = np.random.default_rng(seed)
    event = rng.random(n) < share
    return sigmoid(2 * (rng.normal(size=n) + 2 * event) - 2), event


@pytest.mark.parametrize("share", [0.0, 0.02, 0.3, 0.5, 0.97])
def test_the_interval_holds_the_share_as_often_as_it_says(share: float) -> None:
    hits = 0
    for seed in range(100):
        p, _ = traffic(share, 1500, seed)
        interval = prevalence(p, 0.5)[1]
        hits += interval.low <= share <= interval.high
        assert 0 <= interval.low <= interval.high <= 1
    assert hits >= 89  # 95 of 100 expected; fewer than 89 in one of 200 such tests


def test_moved_probabilities_are_calibrated_for_the_new_traffic() -> None:
    p, event = traffic(0.03, 40_000, 0)
    value, _ = prevalence(p, 0.5)
    assert value == pytest.approx(0.03, abs=0.006)
    before, after = (calibration_error(q, event) for q in (p, moved(p, shift(value, 0.5))))
    assert before > 0.1 and after < 0.01


def test_the_same_traffic_moves_nothing_and_no_rows_say_nothing() -> None:
    p, _ = traffic(0.5, 100, 1)
    assert shift(0.5, 0.5) == 0.0
    assert moved(p, 0.0) is p
    value, interval = prevalence(np.zeros(0), 0.4)
    assert (value, interval.low, interval.high) == (0.4, 0.0, 1.0)
    assert prevalence(np.ones(50), 0.5)[0] == 1.0
    assert prevalence(np.zeros(50), 0.5)[0] == 0.0
