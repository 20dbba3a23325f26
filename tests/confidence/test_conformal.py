from __future__ import annotations

import numpy as np
import pytest

from camelopard.confidence.conformal import alarm_threshold, fewest_on_average, p_values
from camelopard.confidence.conformal import fewest as fewest_for_sure


@pytest.mark.parametrize(("n", "alpha"), [(400, 0.01), (2000, 0.01), (500, 0.05)])
def test_the_promise_on_clean_rows_is_broken_no_more_often_than_stated(n: int, alpha: float) -> None:
    rng = np.random.default_rng(0)
    broken = 0
    for _ in range(2000):
        threshold = alarm_threshold(rng.random(n), alpha)
        broken += (1 - threshold.value) > alpha
    stated = 1 - alarm_threshold(rng.random(n), alpha).confidence
    assert broken / 2000 <= stated + 0.02


@pytest.mark.parametrize(("n", "alpha"), [(99, 0.01), (150, 0.01), (298, 0.01), (19, 0.05), (40, 0.05)])
def test_from_few_rows_the_promise_is_kept_on_average_and_no_more_often_broken_than_stated(n: int, alpha: float) -> None:
    rng = np.random.default_rng(0)
    found = [alarm_threshold(rng.random(n), alpha) for _ in range(4000)]
    assert all(t.on_average and t.above == 0 for t in found)
    alarms = 1 - np.array([t.value for t in found])  # the scores are uniform
    assert alarms.mean() <= alpha + 4 * alarms.std() / np.sqrt(len(alarms))
    assert np.mean(alarms > alpha) <= 1 - found[0].confidence + 0.03


@pytest.mark.parametrize("alpha", [0.003, 0.01, 0.05, 0.1, 0.5])
def test_there_is_a_threshold_exactly_from_so_many_rows_on(alpha: float) -> None:
    fewest, sure = fewest_on_average(alpha), fewest_for_sure(alpha)
    assert 1 / (fewest + 1) <= alpha + 1e-12 < 1 / fewest + 2e-12
    assert alarm_threshold(np.arange(fewest - 1.0), alpha).value == np.inf
    assert np.isfinite(alarm_threshold(np.arange(float(fewest)), alpha).value)
    assert alarm_threshold(np.arange(sure - 1.0), alpha).on_average
    assert not alarm_threshold(np.arange(float(sure)), alpha).on_average


def test_ties_never_raise_the_share_of_alarms() -> None:
    clean = np.repeat([0.0, 1.0], [990, 10])
    threshold = alarm_threshold(clean, 0.02)
    assert np.mean(clean > threshold.value) <= 0.02


def test_too_few_rows_promise_nothing_and_so_never_alarm() -> None:
    assert alarm_threshold(np.arange(20.0), 0.01).value == np.inf


def test_p_values_of_clean_rows_are_uniform_or_larger() -> None:
    rng = np.random.default_rng(1)
    p = np.concatenate([p_values(rng.normal(size=50), np.sort(rng.normal(size=99))) for _ in range(400)])
    for level in (0.01, 0.05, 0.2, 0.5):
        assert np.mean(p <= level) <= level + 0.01
