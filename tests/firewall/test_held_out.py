from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from camelopard.confidence.quality import Resampled
from camelopard.core.arrays import Bools, Floats
from camelopard.firewall.costs import Costs
from camelopard.firewall.held_out import MOST_POINTS, RATIOS, THRESHOLDS, HeldOut, cost_curve, equal_bins, reliability, risk_coverage, routes
from camelopard.firewall.policy import Policy


def world(seed: int, exaggeration: float = 1.0, origins: int = 300) -> tuple[Floats, Bools, Floats, Any, np.random.Generator]:
    """Return what is said of answers, whether they are right, weights and origins: three twins of each origin, right or wrong together."""
    rng = np.random.default_rng(seed)
    origin = np.repeat(np.arange(origins), 3)
    log_odds = np.repeat(rng.normal(2.0, 1.2, origins), 3) + rng.normal(0.0, 0.3, 3 * origins)
    right = np.repeat(rng.random(origins), 3) < 1 / (1 + np.exp(-log_odds))
    return 1 / (1 + np.exp(-exaggeration * log_odds)), right, rng.choice([0.5, 1.0, 2.0], 3 * origins), origin, rng


def bins_with_truth_inside(exaggeration: float) -> Bools:
    inside = []
    for seed in range(100):
        said, right, weight, origin, rng = world(seed, exaggeration)
        found = reliability(said, right, weight, Resampled(origin, weight, rng), bins=5)
        inside.append([low <= p <= high for p, low, high in zip(found["said"], found["low"], found["high"], strict=True)])
    return np.array(inside)


def held(said: Floats, right: Bools, own: Floats | None = None, seed: int = 0) -> HeldOut:
    n = len(said)
    weight, origin = np.ones(n), np.arange(n)
    return HeldOut(said, own, right, weight, origin, Resampled(origin, weight, np.random.default_rng(seed)))


def calibrated(n: int = 4000, seed: int = 0) -> tuple[Floats, Bools]:
    rng = np.random.default_rng(seed)
    said = rng.uniform(0.3, 1.0, n)
    return said, rng.random(n) < said


def test_what_is_rightly_said_lies_in_the_interval_of_nine_bins_of_ten() -> None:
    assert bins_with_truth_inside(1.0).mean() >= 0.9


def test_what_is_wrongly_said_does_not() -> None:
    assert bins_with_truth_inside(2.0).mean() < 0.4


def test_twins_are_no_further_rows() -> None:
    said, right, weight, origin, _ = world(0)
    together = reliability(said, right, weight, Resampled(origin, weight, np.random.default_rng(0)))
    apart = reliability(said, right, weight, Resampled(np.arange(len(said)), weight, np.random.default_rng(0)))
    widths = [np.subtract(found["high"], found["low"]).mean() for found in (together, apart)]
    assert widths[0] > 1.2 * widths[1]


def test_bins_hold_equal_weight_and_equal_values_share_one() -> None:
    rng = np.random.default_rng(0)
    values, weight = rng.random(1000), rng.uniform(0.5, 2.0, 1000)
    parts = equal_bins(values, weight, 10)
    assert np.concatenate(parts).size == 1000
    assert [weight[part].sum() / weight.sum() for part in parts] == pytest.approx([0.1] * 10, abs=0.003)
    assert [len(part) for part in equal_bins(np.full(50, 0.7), np.ones(50), 10)] == [50]
    assert equal_bins(np.zeros(0), np.zeros(0), 10) == []


def test_a_bin_in_which_all_are_right_still_has_an_interval() -> None:
    found = reliability(np.full(30, 0.99), np.ones(30, dtype=bool), np.ones(30), Resampled(np.arange(30), np.ones(30), np.random.default_rng(0)))
    assert (found["right"], found["high"]) == ([1.0], [1.0])
    assert 0.85 < found["low"][0] < 0.95


def test_risk_coverage_ends_with_everything_accepted_and_its_limit_lies_above() -> None:
    said, right = calibrated(1000)
    found = risk_coverage(said, ~right, np.ones(len(said)), np.arange(len(said)))
    assert found["coverage"][-1] == 1.0 and found["wrong"][-1] == pytest.approx((~right).mean(), abs=1e-4)
    assert all(most > wrong for most, wrong in zip(found["at_most"], found["wrong"], strict=True))
    assert len(found["coverage"]) <= MOST_POINTS and found["coverage"] == sorted(found["coverage"])


def test_the_limit_of_the_share_wrong_holds_in_nineteen_of_twenty_draws() -> None:
    kept = []
    for seed in range(120):
        said, right = calibrated(400, seed)
        found = risk_coverage(said, ~right, np.ones(400), np.arange(400))
        k = int(np.abs(np.array(found["coverage"]) - 0.5).argmin())
        kept.append(found["at_most"][k] >= (1 - found["threshold"][k]) / 2)  # evenly spread above the threshold, so half of what is left
    assert np.mean(kept) > 0.93


def test_calibrated_confidence_is_cheapest_where_theory_says_so_and_an_exaggerating_word_costs_more() -> None:
    said, right = calibrated(8000)
    own = said**0.2  # says too much, in the same order
    curves = [cost_curve(ratio, held(said, right, own)) for ratio in RATIOS]
    for curve in curves:
        k = int(np.argmin(curve["cost"]))
        assert abs(THRESHOLDS[k] - curve["at"]) <= 0.06 or curve["cost"][k] > curve["by_confidence"]["low"]
        assert curve["by_own"]["value"] > curve["by_confidence"]["high"] or curve["ratio"] < 3
        assert curve["cost"][0] == pytest.approx(curve["accept_all"], abs=0.01) == pytest.approx(1000 * curve["ratio"] * (~right).mean(), abs=0.01)
        assert curve["review_all"] == 1000 and curve["low"][10] < curve["cost"][10] < curve["high"][10]
    assert [curve["at"] for curve in curves] == pytest.approx([0.5, 0.8, 0.95])


def test_the_interval_of_a_cost_holds_in_nineteen_of_twenty_draws() -> None:
    truth = 1000 * (2 / 7 + 5 * (5 / 7) * 0.25)  # of 0.3 to 1.0 two sevenths lie below 0.5; of those above a quarter is wrong
    kept = []
    for seed in range(200):
        said, right = calibrated(500, seed)
        curve = cost_curve(5.0, held(said, right))
        k = int(np.flatnonzero(THRESHOLDS == 0.5)[0])
        kept.append(curve["low"][k] <= truth <= curve["high"][k])
    assert 0.91 < np.mean(kept) < 0.99


def test_a_model_that_says_nothing_of_itself_has_no_curves_of_its_own() -> None:
    figures = held(*calibrated(400)).figures()
    assert "own" not in figures["reliability"] and "own" not in figures["risk_coverage"] and "own" not in figures["costs"][0]
    assert "by_own" not in figures["costs"][0]


def eight() -> dict[str, Any]:
    """Return eight rows: the last four alarmed, two of these repairable, and one of the repairs wrong."""
    return {
        "risk": np.array([0.1, 0.1, 0.1, 0.1, 0.5, 0.9, 0.9, 0.9]),
        "alarmed": np.arange(8) >= 4,
        "repairable": np.arange(8) >= 6,
        "repaired_right": np.array([False] * 6 + [True, False]),
        "held": held(np.array([0.9, 0.9, 0.9, 0.2, 0.3, 0.3, 0.3, 0.6]), np.array([True, True, True, False, False, False, False, True])),
    }


def values(found: dict[str, Any], key: str) -> list[float]:
    return [figure["value"] for figure in found[key].values()]


def test_routes_by_risk_are_counted_and_their_wrong_answers() -> None:
    found = routes(Policy(), **eight())
    assert values(found, "per_1000") == [500, 250, 125, 125]
    assert values(found, "wrong") == [125, 125, 125, 125]
    assert [found[key]["value"] for key in ("before", "through", "caught", "spoilt", "wrong_repaired")] == [500, 250, 375, 125, 125]
    assert found["before"]["value"] - found["caught"]["value"] + found["spoilt"]["value"] == found["through"]["value"]
    assert found["through"]["low"] < 250 < found["through"]["high"] and found["policy"] == Policy().state()


def test_a_policy_with_costs_stops_what_is_likely_wrong_though_no_alarm_was_raised() -> None:
    by_risk, by_cost = (routes(policy, **eight()) for policy in (Policy(), Policy(costs=Costs(wrong=10, review=2, block=20))))
    assert by_cost["wrong"]["pass"]["value"] == 0 < by_risk["wrong"]["pass"]["value"]
    assert by_cost["policy"]["costs"]["wrong"] == 10


def test_where_nobody_knows_whether_repairs_are_right_they_are_neither_caught_nor_through() -> None:
    found = routes(Policy(), **{**eight(), "repaired_right": None})
    assert found["wrong_repaired"] is None
    assert [found[key]["value"] for key in ("through", "caught")] == [125, 250]


def test_figures_are_small_and_the_same_every_time() -> None:
    said, right = calibrated(1000)
    first, second = (held(said, right, said**0.5).figures() for _ in range(2))
    assert first == second

    def longest(found: Any) -> int:
        if isinstance(found, dict):
            return max((longest(part) for part in found.values()), default=0)
        return max(len(found), *map(longest, found)) if isinstance(found, list) else 0

    assert longest(first) <= 60
