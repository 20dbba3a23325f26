from __future__ import annotations

import numpy as np
import pytest

from camelopard.core.intervals import at_least, discoveries, mean, paired_excess, share, upper_share


@pytest.mark.parametrize("p", [0.01, 0.1, 0.5, 0.9])
@pytest.mark.parametrize("n", [20, 200])
def test_the_interval_of_a_share_covers_it_about_as_often_as_it_says(p: float, n: int) -> None:
    k = np.random.default_rng(0).binomial(n, p, 4000)
    covered = np.mean([share(int(x), n).low <= p <= share(int(x), n).high for x in k])
    assert 0.92 <= covered <= 1.0


def test_the_exact_upper_bound_is_rarely_too_low() -> None:
    rng = np.random.default_rng(1)
    too_low = np.mean([upper_share(int(rng.binomial(300, 0.02)), 300) < 0.02 for _ in range(2000)])
    assert too_low <= 0.055


def test_a_binomial_tail_is_exact() -> None:
    assert at_least(3, 4, 0.5) == pytest.approx(5 / 16)
    assert (at_least(0, 5, 0.3), at_least(6, 5, 0.3)) == (1.0, 0.0)


def test_the_interval_of_a_paired_difference_covers_it() -> None:
    rng = np.random.default_rng(2)
    hits = 0
    for _ in range(2000):
        u = rng.random(150)
        b, c = int((u < 0.12).sum()), int((u > 0.95).sum())
        _, interval = paired_excess(b, c, 150)
        hits += interval.low <= 0.12 - 0.05 <= interval.high
    assert hits / 2000 >= 0.93


def test_false_discoveries_stay_rare_among_nulls_and_effects() -> None:
    rng = np.random.default_rng(3)
    shares = []
    for _ in range(400):
        p = np.concatenate([rng.random(90), rng.random(10) * 1e-4])
        found = discoveries(p, 0.05)
        shares.append(found[:90].sum() / max(found.sum(), 1))
    assert np.mean(shares) <= 0.055


@pytest.mark.filterwarnings("error")
def test_the_mean_of_numbers_beyond_all_bounds_has_an_interval_and_no_warning() -> None:
    values = np.random.default_rng(0).normal(3, 1, 50)
    usual, huge = mean(values), mean(values * 1e300)
    assert usual is not None and huge is not None
    assert (huge.low / 1e300, huge.high / 1e300) == pytest.approx((usual.low, usual.high))
    endless = mean(np.array([1.0, np.inf]))
    assert endless is not None and np.isnan(endless.low)


def test_no_hypotheses_no_discoveries_and_one_value_no_interval() -> None:
    assert discoveries([]).tolist() == []
    assert mean(np.array([1.0])) is None


def test_a_share_of_none_may_be_exactly_none_and_a_share_of_all_exactly_all() -> None:
    for n in range(1, 400):
        assert share(0, n).low == 0.0 and share(n, n).high == 1.0
        assert share(1, n).low > 0.0 and share(n - 1, n).high < 1.0
