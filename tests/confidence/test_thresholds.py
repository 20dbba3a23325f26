from __future__ import annotations

import math

import numpy as np
import pytest

from camelopard.confidence.folds import folds
from camelopard.confidence.operating import Sweep
from camelopard.confidence.outcome_costs import OutcomeCosts
from camelopard.confidence.thresholds import (
    EVERYONE,
    NOBODY,
    Outcome,
    by_cost,
    cheapest,
    chosen,
    cost_of,
    crossed,
    finding,
    fitting,
    precise,
    rows_for,
)
from camelopard.core.arrays import Bools, Floats
from camelopard.core.intervals import at_least

COSTS = OutcomeCosts(missed=50, false_alarm=4)


def patients(n: int, rng: np.random.Generator, bias: float = 0.0) -> tuple[Floats, Bools]:
    """Return the probabilities of a model, right where `bias` is 0, and what happens."""
    odds = rng.normal(-1.2, 1.5, n)
    score: Floats = 1 / (1 + np.exp(-odds - bias))
    return score, rng.random(n) < 1 / (1 + np.exp(-odds))


WORLD = Sweep.of(*patients(400_000, np.random.default_rng(99)))
TRUE_COST = WORLD.costs(COSTS)


def test_the_cost_seen_is_optimistic_and_the_crossed_one_is_not() -> None:
    rng = np.random.default_rng(0)
    seen, fair, rule = [], [], cheapest(COSTS)
    for _ in range(200):
        score, event = patients(300, rng)
        sweep = Sweep.of(score, event)
        truth = TRUE_COST[WORLD.cut(rule(sweep))]
        seen.append(sweep.costs(COSTS).min() - truth)
        fair.append(cost_of(Outcome.of(crossed(score, event, rule, folds(event, rng)), event), COSTS).value - truth)
    error = float(np.std(fair)) / math.sqrt(len(fair))
    assert np.mean(seen) < -200
    assert abs(np.mean(fair)) < 3 * error
    assert abs(np.mean(fair)) < 0.35 * abs(np.mean(seen))


def test_the_interval_of_the_cost_holds_the_true_cost_of_the_threshold_chosen() -> None:
    rng = np.random.default_rng(1)
    held = 0
    for seed in range(60):
        found = by_cost(*patients(600, rng), COSTS, seed)
        assert found.cost is not None
        held += bool(found.cost.interval.low <= TRUE_COST[WORLD.cut(found.value)] <= found.cost.interval.high)
    assert held >= 52


def test_the_interval_of_the_cheapest_threshold_mostly_holds_the_true_one() -> None:
    rng = np.random.default_rng(2)
    found = [by_cost(*patients(2000, rng), COSTS, seed).interval for seed in range(40)]
    assert sum(i.low <= COSTS.usual <= i.high for i in found) >= 34


def test_four_times_the_rows_halve_the_interval_as_is_said() -> None:
    rng = np.random.default_rng(3)
    few = [by_cost(*patients(500, rng), COSTS, seed) for seed in range(15)]
    many = [by_cost(*patients(few[0].labels_needed, rng), COSTS, seed) for seed in range(15)]
    assert few[0].labels_needed == 2000
    assert np.mean([t.half_width for t in many]) / np.mean([t.half_width for t in few]) == pytest.approx(0.5, abs=0.1)


@pytest.mark.parametrize("least", [0.6, 0.9, 0.99])
def test_a_promised_recall_is_kept_as_surely_as_is_said(least: float) -> None:
    rng = np.random.default_rng(4)
    kept = dict.fromkeys((None, 0.9), 0)
    for _ in range(200):
        sweep = Sweep.of(*patients(1500, rng))
        for sure in kept:
            kept[sure] += bool(WORLD.found[WORLD.cut(finding(least, sure)(sweep))] / WORLD.events >= least)
    assert at_least(200 - kept[0.9], 200, 0.1) > 0.01
    assert kept[None] < 150


@pytest.mark.parametrize("least", [0.6, 0.8])
def test_a_promised_precision_is_kept_as_surely_as_is_said(least: float) -> None:
    rng = np.random.default_rng(5)
    kept, used, precision = dict.fromkeys((None, 0.9), 0), 0, np.concatenate([[1.0], WORLD.precision()])
    for _ in range(200):
        sweep = Sweep.of(*patients(3000, rng))
        for sure in kept:
            kept[sure] += bool(precision[WORLD.cut(precise(least, sure)(sweep))] >= least)
        used += precise(least, 0.9)(sweep) < NOBODY
    assert at_least(200 - kept[0.9], 200, 0.1) > 0.01
    assert kept[None] < 150
    assert used > (150 if least == 0.6 else 60)


def test_where_too_little_is_known_to_promise_everyone_or_nobody_is_named() -> None:
    few = Sweep.of(np.linspace(0, 1, 20), np.arange(20) >= 10)
    assert rows_for(0.9, 0.95) == 29
    assert [finding(0.9, 0.95)(few), finding(0.9)(few)] == pytest.approx([EVERYONE, 11 / 19])
    assert [precise(0.9, 0.95)(few), precise(0.9)(few)] == pytest.approx([NOBODY, 9 / 19])
    assert precise(0.9)(Sweep.of(np.array([0.5, 0.5]), np.array([True, False]))) == NOBODY


def test_the_rank_of_a_promised_recall_is_the_smallest_that_suffices() -> None:
    events = 100
    sweep = Sweep.of(np.linspace(0.01, 1, events), np.ones(events, dtype=bool))
    rank = int(sweep.found[sweep.cut(finding(0.9, 0.95)(sweep))])
    assert at_least(rank, events, 0.9) <= 0.05 < at_least(rank - 1, events, 0.9)


@pytest.mark.parametrize("per_1000", [10, 50, 333.3, 999])
def test_no_more_are_named_than_can_be_looked_at_ties_included(per_1000: float) -> None:
    score, event = patients(777, np.random.default_rng(6))
    score = score.round(2)
    sweep = Sweep.of(score, event)
    named = score >= fitting(per_1000)(sweep)
    next_more = int(sweep.named[sweep.cut(fitting(per_1000)(sweep)) + 1])
    assert named.sum() <= 0.777 * per_1000 < next_more


def test_thresholds_by_rows_and_by_right_probabilities_agree_and_nothing_is_said() -> None:
    rng = np.random.default_rng(7)
    notes = [by_cost(*patients(n, rng), COSTS, seed).notes for seed in range(25) for n in (300, 1500)]
    assert sum(map(bool, notes)) <= 3


def test_probabilities_that_are_off_are_told_and_what_they_cost() -> None:
    rng = np.random.default_rng(8)
    found = [by_cost(*patients(3000, rng, bias=2.0), OutcomeCosts(missed=10, false_alarm=4), seed) for seed in range(10)]
    assert all(t.notes and "its probabilities are off" in t.notes[0] for t in found)
    assert all(t.usual_cost is not None and t.cost is not None and t.usual_cost.value > t.cost.value for t in found)


def test_no_row_takes_part_in_naming_itself() -> None:
    rng = np.random.default_rng(9)
    score, event = rng.random(50), rng.random(50) < 0.5
    fold = folds(event, rng)
    before = crossed(score, event, cheapest(COSTS), fold)
    for k in range(5):
        other = event ^ (fold == k)
        assert (crossed(score, other, cheapest(COSTS), fold)[fold == k] == before[fold == k]).all()


def test_counts_per_1000_are_whole_and_add_up() -> None:
    rng = np.random.default_rng(10)
    for parts in rng.integers(0, 400, (50, 4)).tolist():
        assert sum(Outcome(*parts).per(1000).values()) == 1000


def test_an_outcome_that_was_not_seen_still_has_its_share_in_the_interval() -> None:
    found = cost_of(Outcome(found=20, missed=0, alarms=0, left=20), COSTS)
    assert (found.value, found.interval.low, found.interval.high > 500) == (0.0, 0.0, True)


def test_without_costs_a_threshold_has_none_and_its_recall_is_what_more_labels_make_surer() -> None:
    found = chosen("recall", {"least": 0.9}, finding(0.9), *patients(800, np.random.default_rng(11)), None, 0)
    assert (found.cost, found.cost_seen, found.labels_needed) == (None, None, 3200)
    assert found.half_width == pytest.approx((found.recall.interval.high - found.recall.interval.low) / 2)
