from __future__ import annotations

import numpy as np
import pytest

from camelopard.confidence.acceptance import GRID, RiskCoverage
from camelopard.core.arrays import Bools, Floats, Ints
from camelopard.core.errors import InputError

TWINS = 2


def traffic(seed: int, origins: int) -> tuple[Floats, Bools, Floats, Ints]:
    """Return confidence, whether the answer is wrong, weight and origin of rows; twins are mostly wrong together, and rows weigh differently."""
    rng = np.random.default_rng(seed)
    n = TWINS * origins
    confidence = np.clip(np.repeat(rng.beta(5, 1.5, origins), TWINS) + rng.normal(0, 0.05, n), 0.01, 0.999)
    luck = np.where(rng.random(n) < 0.7, np.repeat(rng.random(origins), TWINS), rng.random(n))
    return confidence, luck > confidence, rng.choice([0.3, 1.0, 4.0], n), np.repeat(np.arange(origins), TWINS)


def wrong_among(threshold: float, large: tuple[Floats, Bools, Floats, Ints]) -> float:
    confidence, wrong, weight, _ = large
    some = confidence >= threshold
    return float(np.average(wrong[some], weights=weight[some]))


@pytest.mark.parametrize(("origins", "errors"), [(200, 0.1), (1000, 0.1), (1000, 0.05)])
def test_the_promise_is_broken_in_at_most_one_draw_of_ten(origins: int, errors: float) -> None:
    large, draws = traffic(999, 100_000), 100
    found = [RiskCoverage.of(*traffic(seed, origins)).accept(errors, 0.9) for seed in range(draws)]
    broken = [np.isfinite(a.threshold) and wrong_among(a.threshold, large) > errors for a in found]
    assert np.mean(broken) <= 0.1
    assert any(np.isfinite(a.threshold) for a in found)


def test_more_rows_accept_more() -> None:
    few, many = (RiskCoverage.of(*traffic(1, n)).accept(0.1).coverage for n in (500, 20_000))
    assert few < many
    large = traffic(2, 100_000)
    assert wrong_among(RiskCoverage.of(*traffic(1, 20_000)).accept(0.1).threshold, large) > 0.08  # and no more is withheld than must be


def test_with_too_few_rows_nothing_is_accepted_and_that_is_said() -> None:
    found = RiskCoverage.of(*traffic(1, 20)).accept(0.01)
    assert found.threshold == np.inf and found.coverage == 0.0
    assert "No answers can be accepted" in repr(found)


def test_rows_without_an_error_are_no_proof_that_there_are_none() -> None:
    n = 20
    curve = RiskCoverage.of(np.full(n, 0.9), np.zeros(n, dtype=bool), np.ones(n), np.arange(n))
    at = int(np.flatnonzero(curve.coverage == 1.0)[0])
    assert curve.at_most(0.9)[at] == pytest.approx(1 - 0.1 ** (1 / n))  # Clopper–Pearson of none among twenty
    assert not np.isfinite(curve.accept(0.05).threshold)
    assert np.isfinite(curve.accept(0.3).threshold)


@pytest.mark.parametrize("weights", [(1.0,), (0.25, 0.5, 1.0)])
def test_where_every_answer_is_wrong_none_is_accepted(weights: tuple[float, ...]) -> None:
    for n in (5, 64, 100, 128):
        w = np.random.default_rng(n).choice(weights, n)
        curve = RiskCoverage.of(np.full(n, 0.95), np.ones(n, dtype=bool), w, np.arange(n))
        assert not np.isfinite(curve.accept(0.5).threshold)


def test_twins_that_are_wrong_together_count_once() -> None:
    rng = np.random.default_rng(0)
    confidence, wrong = rng.uniform(0.5, 1, 1000), rng.random(1000) < 0.2
    once = RiskCoverage.of(confidence, wrong, np.ones(1000), np.arange(1000))
    ten = RiskCoverage.of(np.repeat(confidence, 10), np.repeat(wrong, 10), np.ones(10_000), np.repeat(np.arange(1000), 10))
    assert ten.worth == pytest.approx(once.worth)
    assert ten.coverage == pytest.approx(once.coverage)


def test_where_confidence_tells_nothing_all_or_nothing_is_accepted() -> None:
    rng = np.random.default_rng(0)
    curve = RiskCoverage.of(rng.uniform(0, 1, 5000), rng.random(5000) < 0.2, np.ones(5000), np.arange(5000))
    assert curve.accept(0.1).coverage == 0.0
    assert curve.accept(0.25).coverage > 0.98


def test_nothing_known_is_nothing_promised() -> None:
    none = np.zeros(0)
    curve = RiskCoverage.of(none, none.astype(bool), none, none.astype(np.int64))
    assert (curve.at_most(0.9) == 1.0).all()
    assert not np.isfinite(curve.accept(0.5).threshold)


@pytest.mark.parametrize("share", [0, 1, -0.1, True, "few", float("nan")])
def test_shares_are_checked(share: object) -> None:
    curve = RiskCoverage.of(*traffic(1, 100))
    with pytest.raises(InputError, match="errors="):
        curve.accept(share)  # type: ignore[arg-type]
    with pytest.raises(InputError, match="sureness="):
        curve.accept(0.1, share)  # type: ignore[arg-type]


def test_what_was_measured_survives_being_kept() -> None:
    curve = RiskCoverage.of(*traffic(1, 300))
    again = RiskCoverage.from_state(curve.state())
    assert again.accept(0.1) == curve.accept(0.1)
    assert (np.diff(GRID) < 0).all()


def test_of_numbers_it_is_said_how_far_off_too_many_are() -> None:
    curve = RiskCoverage.of(*traffic(1, 2000))
    found = curve.accept(0.2, within=2.5)
    assert f"{found.wrong:.1%} of it off by more than 2.5 (the model's median error), at most" in repr(found)
    assert "keeps answers off by more than 2.5 (the model's median error) to 0.1%" in repr(curve.accept(0.001, within=2.5))
    assert f"{found.wrong:.1%} of it wrong (at most" in repr(curve.accept(0.2)) and found.threshold == curve.accept(0.2).threshold
