from __future__ import annotations

from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from camelopard.core.arrays import Floats
from camelopard.core.errors import CamelopardError, InputError
from camelopard.firewall.costs import BLOCK, PASS, REPAIR, REVIEW, Costs, cheapest
from camelopard.firewall.decision import decide
from camelopard.firewall.policy import Policy
from camelopard.firewall.verdicts import Grounds, Verdicts

COSTS = Costs(wrong=100, review=15, block=20)


def verdicts(confidence: Any, repaired_wrong: float | None = None, **known: Any) -> Verdicts:
    """Verdicts on rows with this confidence; `known` are grounds: repairable=[…], unreadable=[…], held=[…], alarmed=[…]."""
    p = np.asarray(confidence, dtype=np.float64)
    n = len(p)
    alarmed, repairable, unreadable, held = (
        np.asarray(known.get(name, np.zeros(n)), dtype=bool) for name in ("alarmed", "repairable", "unreadable", "held")
    )
    no = np.zeros(n, dtype=bool)
    grounds = Grounds(alarmed, repairable, unreadable, held, lambda rule: no, lambda seed, rows: rows / n, lambda i: [], repaired_wrong)
    answers, routes = np.full(n, "yes", dtype=object), np.full(n, "pass", dtype=object)
    return Verdicts(np.arange(n), answers, None, 1 - p, p, 1 - p, routes, lambda i: [], lambda i: None, grounds)


def routes(policy: Policy, confidence: Any, **known: Any) -> list[str]:
    return list(policy.applied(verdicts(confidence, **known)).route)


def test_each_row_takes_the_cheapest_route() -> None:
    assert routes(Policy(costs=COSTS), [0.99, 0.86, 0.84, 0.0]) == ["pass", "pass", "review", "review"]
    assert routes(Policy(costs=Costs(100, 30, 20)), [0.99, 0.81, 0.79]) == ["pass", "pass", "block"]
    assert COSTS.pass_from == pytest.approx(0.85)


def test_of_equals_the_earlier_route_is_taken() -> None:
    table = np.array([[5.0, 5.0, 5.0, 5.0], [6.0, 5.0, 5.0, 5.0], [6.0, 6.0, 5.0, 5.0], [np.inf, np.inf, 9.0, 5.0]])
    assert cheapest(table).tolist() == [PASS, REPAIR, REVIEW, BLOCK]
    assert routes(Policy(costs=Costs(100, 50, 50)), [0.5, 0.25]) == ["pass", "review"]


@given(st.lists(st.sampled_from([0.0, 1.0, 2.0, np.inf]), min_size=4, max_size=4))
def test_the_cheapest_is_the_first_least(row: list[float]) -> None:
    assert cheapest(np.array([row])).tolist() == [int(np.argmin(row))]


def test_errors_of_reviewers_make_reviews_dearer() -> None:
    slips = Costs(wrong=100, review=5, block=20, reviewer_wrong=0.2)
    assert slips.reviewed == 25.0
    assert routes(Policy(costs=slips), [0.5]) == ["block"]


def test_a_measured_repair_competes_and_an_unmeasured_one_replaces_what_would_not_pass() -> None:
    known = {"repairable": [True, True, True]}
    assert routes(Policy(costs=COSTS), [0.99, 0.8, 0.1], **known) == ["pass", "repair", "repair"]
    assert routes(Policy(costs=Costs(100, 15, 20, repaired_wrong=0.5)), [0.99, 0.8, 0.1], **known) == ["pass", "review", "review"]
    assert routes(Policy(costs=Costs(100, 15, 20, repaired_wrong=0.01)), [0.995, 0.98, 0.1], **known) == ["pass", "repair", "repair"]
    assert routes(Policy(costs=COSTS), [0.8], repairable=[True], repaired_wrong=0.5) == ["review"]
    assert routes(Policy(costs=COSTS, repair=False), [0.8], repairable=[True]) == ["review"]


def test_what_cannot_be_read_or_breaks_a_rule_never_passes() -> None:
    cheap = Costs(wrong=10, review=9, block=9.5)
    assert routes(Policy(costs=cheap), [1.0, 1.0, 1.0], unreadable=[True, False, False], held=[False, True, False]) == ["review", "review", "pass"]
    assert routes(Policy(costs=cheap, reviews_per_day=0), [1.0, 1.0], unreadable=[True, False], held=[False, True]) == ["block", "block"]


def test_alarms_do_not_decide_where_there_is_confidence_and_do_where_there_is_none() -> None:
    assert routes(Policy(costs=COSTS), [0.99, 0.5], alarmed=[True, False]) == ["pass", "review"]
    nothing = [np.nan] * 3
    assert routes(Policy(costs=COSTS), nothing, alarmed=[True, False, False], unreadable=[False, False, True]) == ["review", "pass", "block"]
    assert routes(Policy(costs=COSTS, reviews_per_day=0), nothing, alarmed=[True, False, False]) == ["block", "pass", "pass"]


def test_without_reviewers_rows_take_the_next_cheapest_route_and_are_told_so() -> None:
    policy = Policy(costs=COSTS, reviews_per_day=0)
    found = policy.applied(verdicts([0.99, 0.84, 0.7]))
    assert list(found.route) == ["pass", "pass", "block"]
    assert [reason.code for reason in found.reasons(1)] == ["no-reviewer"]
    assert found.reasons(2)[0].message == "nobody reviews; a review would save 5; the next best route is block"
    assert "Nobody reviews" in str(policy)
    assert found.propensity.tolist() == [0.0, 0.0, 0.0]


def test_a_route_by_costs_says_what_it_weighed() -> None:
    found = Policy(costs=COSTS).applied(verdicts([0.99, 0.8]))
    assert found.reasons(0) == []
    (reason,) = found.reasons(1)
    assert (reason.code, reason.contribution) == ("cost", 0.0)
    assert reason.message == "an error at confidence 0.8 costs 20, a review 15, a refusal 20: review is the best of what is open to this row"
    assert found[1].route == "review"
    assert found[1].reasons == (reason,)


def test_route_and_applied_agree() -> None:
    rng = np.random.default_rng(0)
    alarmed, repairable, unreadable, held = rng.random((4, 500)) < 0.2
    rows = verdicts(rng.random(500), alarmed=alarmed, repairable=repairable, unreadable=unreadable, held=held)
    for policy in (Policy(costs=COSTS), Policy(costs=COSTS, reviews_per_day=0), Policy(costs=COSTS, reviews_per_day=9, least_benefit=2.0)):
        again = policy.route(rows.risk, alarmed, repairable, unreadable, held, confidence=rows.confidence)
        assert (again == policy.applied(rows).route).all()


@pytest.mark.parametrize(
    ("prices", "message"),
    [
        ({"wrong": -1, "review": 1, "block": 1}, "Costs(wrong=-1): expected a price"),
        ({"wrong": float("nan"), "review": 1, "block": 1}, "Costs(wrong=nan): expected a price"),
        ({"wrong": 1, "review": float("inf"), "block": 1}, "Costs(review=inf): expected a price"),
        ({"wrong": 1, "review": 0, "block": True}, "Costs(block=True): expected a price"),
        ({"wrong": "9", "review": 0, "block": 1}, "Costs(wrong='9'): expected a price"),
        ({"wrong": 10**400, "review": 1, "block": 1}, "expected a price, a number from 0 to 1e+15"),
        ({"wrong": 10**5000, "review": 1, "block": 1}, "Costs(wrong=a number too large to read): expected a price"),
        ({"wrong": 1.1e15, "review": 1, "block": 1}, "Costs(wrong=1100000000000000.0): expected a price"),
        ({"wrong": 10, "review": 10, "block": 12}, "nothing but passing would ever pay"),
        ({"wrong": 10, "review": 1, "block": 12, "reviewer_wrong": 0.95}, "with the errors of reviewers 10.5"),
        ({"wrong": 0, "review": 0, "block": 0}, "nothing but passing would ever pay"),
        ({"wrong": 9, "review": 1, "block": 2, "reviewer_wrong": 1.5}, "reviewer_wrong=1.5): expected a share"),
        ({"wrong": 9, "review": 1, "block": 2, "reviewer_wrong": None}, "reviewer_wrong=None): expected a share"),
        ({"wrong": 9, "review": 1, "block": 2, "repaired_wrong": -0.1}, "repaired_wrong=-0.1): expected a share"),
    ],
)
def test_prices_that_make_no_sense_are_refused(prices: dict[str, Any], message: str) -> None:
    with pytest.raises(CamelopardError) as raised:
        Costs(**prices)
    assert message in str(raised.value)


def test_a_price_above_that_of_an_error_is_fine_where_the_other_is_below() -> None:
    assert routes(Policy(costs=Costs(wrong=10, review=3, block=50)), [0.0]) == ["review"]
    assert "it passes: a refusal costs more than an error" in Costs(wrong=10, review=3, block=50).words()
    assert "blocked: that is cheaper than a review" in Costs(wrong=10, review=9, block=5).words()


def cost(costs: Costs, confidence: Floats, reviewed: Any) -> float:
    """What rows cost when just these are reviewed, and the others take the cheaper of pass and block."""
    others = np.minimum((1 - confidence) * costs.wrong, costs.block)
    return float(np.where(reviewed, costs.review, others).sum())


@pytest.mark.parametrize("seed", range(20))
def test_the_fitted_cut_is_the_best_of_all_choices_within_the_budget(seed: int) -> None:
    rng = np.random.default_rng(seed)
    n, budget = 9, int(rng.integers(0, 9))
    confidence = rng.choice(np.linspace(0.0, 1.0, 7), n) if seed % 2 else rng.random(n)  # with ties, and without
    costs = Costs(wrong=100, review=float(rng.integers(1, 19)), block=20)
    policy = Policy(costs=costs, reviews_per_day=budget).fitted_to(verdicts(confidence), per_day=n)
    reviewed = decide(policy, verdicts(confidence)).route == REVIEW
    assert reviewed.sum() <= budget
    choices = [list(rows) for k in range(budget + 1) for rows in combinations(range(n), k)]
    best = min(cost(costs, confidence, np.isin(np.arange(n), rows)) for rows in choices)
    if seed % 2 == 0:  # a cut cannot part equal rows
        assert cost(costs, confidence, reviewed) == pytest.approx(best)
    else:
        cuts = [confidence_of_cut(costs, confidence, k) for k in range(budget + 1)]
        assert cost(costs, confidence, reviewed) == pytest.approx(min(cost(costs, confidence, rows) for rows in cuts if rows.sum() <= budget))


def confidence_of_cut(costs: Costs, confidence: Floats, k: int) -> Any:
    """The rows above the k-th largest saving, equals left out."""
    saving = np.minimum((1 - confidence) * costs.wrong, costs.block) - costs.review + 1e-6 * costs.wrong * confidence
    able = np.minimum((1 - confidence) * costs.wrong, costs.block) > costs.review
    order = np.sort(saving[able])[::-1]
    return able & (saving > order[k]) if k < len(order) else able


def test_a_budget_is_spent_on_average_though_all_rows_below_a_confidence_save_the_same() -> None:
    rng = np.random.default_rng(1)
    rows = verdicts(rng.uniform(0.0, 0.7, 4000))
    policy = Policy(costs=COSTS, reviews_per_day=100).fitted_to(rows, per_day=1000)
    assert (policy.applied(rows).route == "review").sum() == 400
    free = Policy(costs=COSTS, reviews_per_day=2000).fitted_to(rows, per_day=1000)
    assert free.least_benefit is None
    assert (free.applied(rows).route == "review").all()


def test_an_audit_gets_its_share_of_the_reviews() -> None:
    rows = verdicts(np.concatenate([np.full(900, 0.99), np.linspace(0.1, 0.6, 100)]))
    free = Policy(costs=COSTS, audit=0.2).fitted_to(rows, per_day=1000)
    assert free.audit_rate == pytest.approx(25 / 900)  # 25 of 125 reviews
    bound = Policy(costs=COSTS, audit=0.2, reviews_per_day=50).fitted_to(rows, per_day=1000)
    assert bound.audit_rate == pytest.approx(10 / 900)
    assert Policy(costs=COSTS, audit=0.2).fitted_to(verdicts([0.1, 0.2]), per_day=2).audit_rate == 0.0
    assert Policy(audit=0.1).fitted_to(verdicts([0.9] * 9, alarmed=[True] + [False] * 8), per_day=9).audit_rate == pytest.approx(1 / 9 / 8)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({}, "say what a day is"),
        ({"per_day": 10, "days": ["2026-01-01"] * 3}, "say what a day is"),
        ({"per_day": 0}, "per_day=0: expected how many rows"),
        ({"per_day": True}, "per_day=True: expected how many rows"),
        ({"days": ["2026-01-01"] * 2}, "days has shape (2,) for 3 verdicts"),
        ({"days": ["2026-01-01", "soon", None]}, "days is 'soon' at position 1"),
        ({"days": ["2026-01-01", None, None]}, "days is missing at position 1"),
        ({"days": [{"a": 1}, 2, 3]}, "days is {'a': 1} at position 0; expected a date"),
        ({"days": [1, 2, 3]}, "days is 1 at position 0; expected a date"),
        ({"days": [["a"], ["b", "c"], 1]}, "days cannot be read as one date per verdict"),
        ({"days": pd.Series([pd.Timestamp("2026-01-01", tz="UTC"), pd.NaT, pd.Timestamp("2026-01-02", tz="UTC")])}, "days is missing at position 1"),
        ({"days": pd.Series([pd.NaT] * 3)}, "days is missing at position 0"),
        ({"days": [pd.NaT] * 3}, "days is missing at position 0"),
        ({"per_day": 10**400}, "expected how many rows come in a day, a number from 1 to 1e+12"),
        ({"per_day": 1e300}, "per_day=1e+300: expected how many rows"),
    ],
)
def test_days_that_cannot_be_told_are_named(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError) as raised:
        Policy(costs=COSTS).fitted_to(verdicts([0.5, 0.6, 0.7]), **settings)
    assert message in str(raised.value)


def test_rows_are_no_verdicts() -> None:
    for ask in (lambda: Policy().applied([{"a": 1}]), lambda: Policy(costs=COSTS).fitted_to("f.csv", per_day=5)):  # type: ignore[arg-type]
        with pytest.raises(CamelopardError, match="is no Verdicts; expected what Firewall.screen returns"):
            ask()
    with pytest.raises(CamelopardError, match="a dict is no Verdicts"):
        Policy(costs=COSTS).simulate({"a": 1}, per_day=1)  # type: ignore[arg-type]


def test_no_rows_are_no_traffic() -> None:
    with pytest.raises(InputError, match="no verdicts to look at"):
        Policy(costs=COSTS).fitted_to(verdicts([]), per_day=10)


def test_days_with_a_time_zone_are_days() -> None:
    days = pd.Series(pd.to_datetime(["2026-01-01", "2026-01-03", "2026-01-01"], utc=True))
    assert Policy(costs=COSTS, reviews_per_day=1).fitted_to(verdicts([0.5, 0.6, 0.7]), days=days).least_benefit is not None
    assert Policy(costs=COSTS).simulate(verdicts([0.5, 0.6, 0.7]), days=days).days == 2.0
