from __future__ import annotations

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from camelopard.core.batch import Batch
from camelopard.core.schema import Schema
from camelopard.stress.damage import BatchDamage, ColumnDamage
from camelopard.stress.plan import FEWEST, MOST, Plan, plan


def schema_of(width: int) -> Schema:
    return Schema.infer(Batch.of([{f"x{j}": float(i * (j + 1)) for j in range(width)} for i in range(4)]))


def shift(kind: str) -> ColumnDamage:
    return ColumnDamage(kind, "range", ("number",), "range", lambda values, column, severity, rng: values + severity)


def planned(budget: int, kinds: int = 3, width: int = 4, pool: int = 2000) -> Plan:
    return plan([shift(f"k{i}") for i in range(kinds)], schema_of(width), pool, budget, np.random.default_rng(0))


def test_severities_three_and_five_of_everything_come_first_round_the_kinds() -> None:
    steps = planned(10_000).steps
    assert [severity for _, _, severity in steps[:12]] == [3] * 12
    assert [severity for _, _, severity in steps[12:24]] == [5] * 12
    assert [damage.kind for damage, _, _ in steps[:6]] == ["k0", "k1", "k2"] * 2
    assert len({(d.kind, t, s) for d, t, s in steps}) == 60


@given(st.integers(1, 300_000), st.integers(1, 12), st.integers(1, 90), st.integers(1, 3000))
def test_a_plan_keeps_its_budget_or_tries_the_least_there_is(budget: int, kinds: int, width: int, pool: int) -> None:
    found = planned(budget, kinds, width, pool)
    counts = Counter(damage.kind for damage, _, _ in found.steps)
    assert len(set(counts.values())) == 1
    targets = counts["k0"] // 5
    assert targets <= 60
    assert found.targets_left_out == kinds * (width - targets)
    assert 1 <= found.rows_per_case <= min(MOST, pool)
    assert found.model_rows <= budget or (targets == 1 and found.rows_per_case <= FEWEST)


def test_a_larger_budget_buys_more_rows_up_to_a_limit() -> None:
    assert planned(3_000).rows_per_case < planned(6_000).rows_per_case < planned(50_000).rows_per_case == MOST


def test_severities_get_rows_of_their_own_where_the_pool_is_large_enough() -> None:
    assert planned(10**6, pool=300).rows_per_case == 60
    assert planned(10**6, pool=40).rows_per_case == 40


def test_given_rows_per_case_are_kept_whatever_the_budget() -> None:
    found = plan([shift("k")], schema_of(3), 2000, 10, np.random.default_rng(0), rows_per_case=12)
    assert (found.rows_per_case, len(found.steps), found.targets_left_out) == (12, 15, 0)


def test_what_is_not_graded_is_tried_once() -> None:
    found = plan([replace(shift("k"), graded=False)], schema_of(2), 2000, 1000, np.random.default_rng(0))
    assert [(target, severity) for _, target, severity in found.steps] == [("x0", 3), ("x1", 3)]


def test_a_damage_that_cannot_say_its_targets_is_noted_and_the_others_are_planned() -> None:
    def broken(schema: Schema) -> list[str]:
        raise ValueError("no idea")

    bad = BatchDamage("bad", "range", "range", lambda batch, *rest: batch, broken)
    found = plan([bad, shift("k")], schema_of(2), 2000, 1000, np.random.default_rng(0))
    assert found.broken == {"bad": "ValueError: no idea"}
    assert {damage.kind for damage, _, _ in found.steps} == {"k"}


@pytest.mark.parametrize("damages", [[], [BatchDamage("none", "range", "range", lambda batch, *rest: batch, lambda schema: [])]])
def test_nothing_to_try_is_an_empty_plan(damages: list[BatchDamage]) -> None:
    assert plan(damages, schema_of(2), 2000, 1000, np.random.default_rng(0)).steps == ()


def test_the_same_seed_draws_the_same_targets_and_another_seed_others() -> None:
    def targets(seed: int) -> set[str]:
        return {target for _, target, _ in plan([shift("k")], schema_of(100), 2000, 10**6, np.random.default_rng(seed)).steps}

    assert targets(1) == targets(1)
    assert targets(1) != targets(2)
    assert len(targets(1)) == 60


def large(pictures: int | None, at_once: int = MOST) -> Plan:
    found = [shift(f"k{i}") for i in range(10)]
    return plan(found, schema_of(1), 2000, 100_000, np.random.default_rng(0), at_once=at_once, pictures=pictures)


def test_of_large_pictures_fewer_are_damaged_and_then_fewer_severities_tried_but_every_kind_once() -> None:
    assert [(found.rows_per_case, len(found.steps), found.fewer) for found in map(large, (None, 10_000, 600, 100, 1))] == [
        (200, 50, False),
        (200, 50, False),
        (12, 50, True),
        (4, 25, True),
        (4, 10, True),
    ]
    assert {damage.kind for damage, _, _ in large(1).steps} == {f"k{i}" for i in range(10)}
    assert large(100).model_rows == 4 * (25 + 2 * 3)  # three severities, each with two legal values in its place


def test_a_case_is_no_larger_than_what_fits_into_memory_at_once() -> None:
    assert (large(None, 70).rows_per_case, large(None, 1).rows_per_case) == (70, 4)
    assert large(None, 70).fewer
