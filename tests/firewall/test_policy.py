from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from camelopard.core.errors import CamelopardError
from camelopard.firewall.costs import Costs
from camelopard.firewall.overrides import Override
from camelopard.firewall.policy import Policy

COSTS = Costs(wrong=100, review=5, block=20)


def routes(policy: Policy, risk: float, alarmed: bool, repairable: bool, unreadable: bool) -> str:
    return str(policy.route(np.array([risk]), np.array([alarmed]), np.array([repairable]), np.array([unreadable]))[0])


def test_no_alarm_no_stop_whatever_the_risk() -> None:
    assert routes(Policy(), 0.99, alarmed=False, repairable=False, unreadable=False) == "pass"


def test_a_stricter_review_level_only_lets_more_pass() -> None:
    assert routes(Policy(), 0.3, True, False, False) == "review"
    assert routes(Policy(review=0.5), 0.3, True, False, False) == "pass"


def test_a_repair_is_used_only_where_it_is_allowed() -> None:
    assert routes(Policy(), 0.9, True, True, False) == "repair"
    assert routes(Policy(repair=False), 0.9, True, True, False) == "block"
    assert routes(Policy(), 1.0, False, True, True) == "repair"
    assert routes(Policy(), 1.0, False, False, True) == "block"


@pytest.mark.parametrize(
    "settings",
    [{"review": 1.2}, {"block": -0.1}, {"review": 0.9, "block": 0.5}, {"block": "high"}, {"block": None}, {"block": True}, {"accept": [0.5, 0.6]}],
)
def test_impossible_settings_are_refused(settings: dict[str, Any]) -> None:
    with pytest.raises(CamelopardError, match="expected"):
        Policy(**settings)


@pytest.mark.parametrize("policy", [Policy(), Policy(review=0.5), Policy(repair=False)])
def test_without_costs_confidence_changes_nothing(policy: Policy) -> None:
    rng = np.random.default_rng(0)
    risk, (alarmed, repairable, unreadable, held) = rng.random(300), rng.random((4, 300)) < 0.3
    by_risk = policy.route(risk, alarmed, repairable, unreadable, held)
    assert (policy.route(risk, alarmed, repairable, unreadable, held, confidence=rng.random(300), repaired_wrong=0.1) == by_risk).all()
    assert policy.plain


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"costs": 5}, "Policy(costs=5): expected Costs("),
        ({"reviews_per_day": 10}, "without costs nothing says which reviews pay most"),
        ({"costs": COSTS, "reviews_per_day": -1}, "reviews_per_day=-1): expected a whole number"),
        ({"costs": COSTS, "reviews_per_day": 1.5}, "reviews_per_day=1.5): expected a whole number"),
        ({"costs": COSTS, "reviews_per_day": True}, "reviews_per_day=True): expected a whole number"),
        ({"audit": 0.6}, "audit=0.6): expected a share of the reviews between 0 and 0.5"),
        ({"audit": -0.1}, "audit=-0.1): expected a share"),
        ({"audit": float("nan")}, "audit=nan): expected a share"),
        ({"audit": True}, "audit=True): expected a share"),
        ({"costs": COSTS, "audit": 0.1, "reviews_per_day": 0}, "an audit is made of reviews, and nobody reviews"),
        ({"overrides": ["review"]}, "expected a list of Override"),
        ({"seed": -1, "audit": 0.1}, "seed=-1): expected a whole number"),
        ({"seed": -1}, "seed=-1): expected a whole number"),
        ({"seed": 10**5000}, "seed=a number too large to read): expected a whole number"),
        ({"least_benefit": "x"}, "least_benefit='x'): expected a number"),
        ({"least_benefit": 10**400}, "expected a number, as fitted_to finds it"),
        ({"audit_rate": 5}, "audit_rate=5): expected a share"),
        ({"audit": None}, "audit=None): expected a share"),
        ({"costs": COSTS, "reviews_per_day": 10**400}, "expected a whole number from 0 to 1e+15"),
        ({"costs": COSTS, "audit_rate": 2.0}, "audit_rate=2.0): expected a share"),
        ({"costs": COSTS, "least_benefit": float("nan")}, "least_benefit=nan): expected a number"),
    ],
)
def test_settings_that_contradict_each_other_are_refused(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(CamelopardError) as raised:
        Policy(**settings)
    assert message in str(raised.value)


def test_a_policy_is_the_same_after_it_was_kept() -> None:
    overrides = [Override("review", reason="unseen-value", column="a"), Override("block", segment={"channel": ["test", 1, None]})]
    full = Policy(costs=Costs(100, 5, 20, 0.1, 0.2), reviews_per_day=7, audit=0.1, overrides=overrides, seed=3, least_benefit=1.5, audit_rate=0.01)
    for policy in (Policy(), Policy(review=0.1, block=0.5, repair=False), full):
        assert Policy.from_state(policy.state()) == policy
    assert Policy().state() == {"review": None, "block": 0.8, "repair": True}  # as files were written before there were costs


def test_a_policy_speaks_in_words() -> None:
    assert str(Policy()) == "A row is reviewed from the alarm threshold on, blocked from a risk of 0.8, repaired where a repair can be trusted."
    assert repr(Policy(review=0.2)) == "Policy(review=0.2, block=0.8, repair=True)"
    words = str(Policy(costs=COSTS, reviews_per_day=200, audit=0.05, overrides=[Override("block", segment={"channel": "test"})]))
    assert "A row passes from a confidence of 0.95" in words
    assert "Reviews per day: 200 at most" in words
    assert "none is drawn before policy.fitted_to" in words
    assert "block rows where channel is test" in words


def test_other_prices_keep_the_overrides_and_forget_the_cut() -> None:
    overrides = (Override("review", column="a"),)
    old = Policy(costs=COSTS, reviews_per_day=5, overrides=overrides, least_benefit=3.0, audit=0.1, audit_rate=0.5)
    new = old.with_costs(Costs(50, 5, 20), reviews_per_day=9)
    assert (new.overrides, new.reviews_per_day, new.least_benefit, new.audit, new.audit_rate) == (overrides, 9, None, 0.0, None)
