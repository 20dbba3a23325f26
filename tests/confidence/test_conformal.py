from __future__ import annotations

import numpy as np
import pytest

from camelopard.confidence.conformal import alarm_threshold, p_values


@pytest.mark.parametrize(("n", "alpha"), [(400, 0.01), (2000, 0.01), (500, 0.05)])
def test_the_promise_on_clean_rows_is_broken_no_more_often_than_stated(n: int, alpha: float) -> None:
    rng = np.random.default_rng(0)
    broken = 0
    for _ in range(2000):
        threshold = alarm_threshold(rng.random(n), alpha)
        broken += (1 - threshold.value) > alpha
    stated = 1 - alarm_threshold(rng.random(n), alpha).confidence
    assert broken / 2000 <= stated + 0.02


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
