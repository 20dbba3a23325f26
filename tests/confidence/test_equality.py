from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from camelopard.confidence.equality import by_equal_cost, equal_cost
from camelopard.confidence.operating import Sweep
from camelopard.confidence.outcome_costs import OutcomeCosts
from camelopard.confidence.thresholds import cheapest, cost_of
from camelopard.core.arrays import Array, Bools, Floats, objects

COSTS = OutcomeCosts(missed=10, false_alarm=4)


def patients(n: int, rng: np.random.Generator, hard: float) -> tuple[Floats, Bools, Array]:
    """Return scores, what happens, and the ward: in Minsk the model sees less, by `hard`."""
    odds = rng.normal(-0.5, 2.0, n)
    event = rng.random(n) < 1 / (1 + np.exp(-odds))
    minsk = rng.random(n) < 0.4
    score: Floats = 1 / (1 + np.exp(-odds - hard * minsk * rng.normal(size=n)))
    return score, event, objects(np.where(minsk, "Minsk", "Gomel").tolist())


def spread(found: Any) -> float:
    costs = [g.cost.value for g in found.groups]
    return float(max(costs) - min(costs))


def test_groups_that_cost_differently_cost_the_same_afterwards_and_the_price_is_told() -> None:
    score, event, ward = patients(6000, np.random.default_rng(0), hard=4.0)
    found = by_equal_cost(score, event, ward, COSTS, "ward", 0)
    before = [g.cost_before.value for g in found.groups]
    assert max(before) - min(before) > 400
    assert spread(found) < 120
    assert found.equality is not None
    assert found.equality.interval.low > 0
    assert "by making it dearer for some (per 1,000: Gomel +" in found.notes[0]
    assert [g.group for g in found.groups] == ["Gomel", "Minsk"]


def test_where_groups_are_alike_equality_costs_next_to_nothing_and_nothing_is_said() -> None:
    rng = np.random.default_rng(1)
    said = 0
    for seed in range(12):
        found = by_equal_cost(*patients(1500, rng, hard=0.0), COSTS, "ward", seed)
        said += bool(found.notes)
    assert said <= 2


def test_the_total_is_the_smallest_at_which_all_can_be_equal() -> None:
    rng = np.random.default_rng(2)
    score, event, ward = patients(1000, rng, hard=4.0)
    sweeps = {name: Sweep.of(score[ward == name], event[ward == name]) for name in ("Gomel", "Minsk")}
    found = equal_cost(sweeps, COSTS)
    reached = {name: float(s.costs(COSTS, s.cut(found[name]))) for name, s in sweeps.items()}
    level = max(float(s.costs(COSTS).min()) for s in sweeps.values())
    assert reached == pytest.approx(dict.fromkeys(reached, level), abs=2000 * 10 / 400)


def test_the_cost_told_of_equality_is_fair_and_its_interval_holds_the_true_one() -> None:
    rng = np.random.default_rng(3)
    world, sick, place = patients(100_000, rng, hard=4.0)
    minsk, errors, held = place == "Minsk", [], 0
    for seed in range(20):
        score, event, ward = patients(1500, rng, hard=4.0)
        found, single = by_equal_cost(score, event, ward, COSTS, "ward", seed), cheapest(COSTS)(Sweep.of(score, event))
        limit = np.where(minsk, found.groups[1].value, found.groups[0].value)
        both = [np.where(sick, (world < t) * 10.0, (world >= t) * 4.0).mean() * 1000 for t in (limit, single)]
        assert found.equality is not None
        errors.append(found.equality.value - (both[0] - both[1]))
        held += bool(found.equality.interval.low <= both[0] - both[1] <= found.equality.interval.high)
    assert abs(np.mean(errors)) < 3.3 * np.std(errors) / np.sqrt(20)
    assert held >= 16


def test_a_group_of_few_cases_is_named() -> None:
    score, event, ward = patients(400, np.random.default_rng(4), hard=0.0)
    ward[:8] = "Brest"
    ward[8:] = "Gomel"
    notes = by_equal_cost(score, event, ward, COSTS, "ward", 0).notes
    assert any(note.startswith("only ") and "with ward 'Brest'" in note for note in notes)


def test_the_interval_of_each_cost_knows_that_the_thresholds_were_chosen() -> None:
    """A few rows leave the thresholds open: what the chosen ones cost on new rows lies further off than counts alone say."""
    rng = np.random.default_rng(5)
    world, sick, place = patients(100_000, rng, hard=4.0)
    minsk, held, wider = place == "Minsk", 0, []
    for seed in range(20):
        score, event, ward = patients(150, rng, hard=4.0)
        found = by_equal_cost(score, event, ward, COSTS, "ward", seed)
        limit = np.where(minsk, found.groups[1].value, found.groups[0].value)
        price = np.where(sick, (world < limit) * 10.0, (world >= limit) * 4.0) * 1000
        for group, mine in zip(found.groups, (~minsk, minsk), strict=True):
            held += group.cost.interval.low <= price[mine].mean() <= group.cost.interval.high
        assert found.cost is not None
        bare = cost_of(found.outcome, COSTS)
        wider.append((found.cost.interval.high - found.cost.interval.low) / (bare.interval.high - bare.interval.low))
    assert min(wider) > 1.0
    assert held >= 36
