from __future__ import annotations

import datetime as dt
import json
import warnings
from typing import Any

import numpy as np
import pandas as pd
import pytest

from camelopard.core.arrays import Bools, Floats
from camelopard.core.batch import Batch
from camelopard.core.errors import CamelopardError
from camelopard.firewall.costs import Costs
from camelopard.firewall.desk import Desk
from camelopard.firewall.drawing import FewDistinctWarning, chance, tickets
from camelopard.firewall.overrides import Override, Rows
from camelopard.firewall.policy import Policy
from camelopard.firewall.verdicts import Grounds, Verdicts

COSTS = Costs(wrong=100, review=5, block=60)
MORNING = dt.datetime(2026, 1, 5, 0, 0)


def rows(confidence: Any, **columns: Any) -> Verdicts:
    """Verdicts on rows with this confidence; their other columns make segments, and the lots of the audit."""
    p = np.asarray(confidence, dtype=np.float64)
    n = len(p)
    batch = Batch({"x": p, **{name: np.asarray(values, dtype=object) for name, values in columns.items()}}, np.arange(n))
    no: Bools = np.zeros(n, dtype=bool)
    reasons: Any = lambda i: []
    grounds = Grounds(no, no, no, no, Rows(batch, list).fit, lambda seed, at: tickets(batch, seed, at), reasons)
    answers, routes = np.full(n, "yes", dtype=object), np.full(n, "pass", dtype=object)
    return Verdicts(np.arange(n), answers, None, 1 - p, p, 1 - p, routes, reasons, lambda i: None, grounds)


def reviewed(found: Verdicts) -> Bools:
    return np.asarray(found.route == "review", dtype=bool)


def test_the_budget_of_a_day_is_never_exceeded() -> None:
    rng = np.random.default_rng(0)
    for trial in range(30):
        budget, rush = int(rng.integers(0, 40)), [Override("review", segment={"vip": True})]
        policy = Policy(costs=COSTS, reviews_per_day=budget, audit=0.3 if budget else 0.0, overrides=rush, seed=trial)
        policy = Policy.from_state({**policy.state(), "audit_rate": 0.05} if budget else policy.state())
        desk, spent = Desk(policy), dict[dt.date, int]()
        now = MORNING
        for _ in range(60):
            n = int(rng.integers(0, 60))
            found = desk.admit(rows(rng.random(n), vip=(rng.random(n) < 0.1).tolist()), now)
            spent[now.date()] = spent.get(now.date(), 0) + int(reviewed(found).sum())
            assert budget - spent[now.date()] == desk.left >= 0
            now += dt.timedelta(minutes=int(rng.integers(0, 120)))
        assert len(spent) > 1


def test_overrides_come_first_and_then_the_rows_on_which_a_review_saves_most() -> None:
    policy = Policy(costs=COSTS, reviews_per_day=3, overrides=[Override("review", segment={"vip": True})])
    found = Desk(policy).admit(rows([0.9, 0.5, 0.999, 0.7, 0.6, 0.99], vip=[False, False, True, False, False, False]), MORNING)
    assert list(found.route) == ["pass", "review", "review", "pass", "review", "pass"]
    assert [reason.code for reason in found.reasons(3)] == ["no-reviewer"]
    assert found.reasons(3)[0].message == "all 3 reviews of 2026-01-05 are given away; a review would save 25; the next best route is pass"
    assert [reason.code for reason in found.reasons(2)] == ["override"]
    assert found.reasons(5) == []


def test_more_overrides_than_places_are_told_so_and_take_the_next_cheapest_route() -> None:
    policy = Policy(costs=COSTS, reviews_per_day=1, overrides=[Override("review", segment={"vip": True})])
    found = Desk(policy).admit(rows([0.99, 0.3, 0.2], vip=[True, True, False]), MORNING)
    assert list(found.route) == ["pass", "review", "block"]
    assert [reason.code for reason in found.reasons(0)] == ["override", "no-reviewer"]


def test_a_new_day_is_a_new_budget() -> None:
    desk = Desk(Policy(costs=COSTS, reviews_per_day=2))
    assert reviewed(desk.admit(rows([0.5, 0.6, 0.7]), MORNING)).tolist() == [True, True, False]
    assert not reviewed(desk.admit(rows([0.5]), MORNING + dt.timedelta(hours=23))).any()
    assert reviewed(desk.admit(rows([0.5, 0.6]), MORNING + dt.timedelta(hours=24))).all()
    assert repr(desk) == "<Desk: 2 of 2 reviews made, on 2026-01-06>"


def test_time_that_goes_back_or_is_no_time_is_refused() -> None:
    desk = Desk(Policy(costs=COSTS, reviews_per_day=2))
    desk.admit(rows([0.5]), MORNING)
    with pytest.raises(CamelopardError, match="time goes back: now=2026-01-04T23:00:00, but rows were admitted at 2026-01-05T00:00:00"):
        desk.admit(rows([0.5]), MORNING - dt.timedelta(hours=1))
    with pytest.raises(CamelopardError, match="with a time zone now, without one before"):
        desk.admit(rows([0.5]), MORNING.replace(tzinfo=dt.UTC))
    with pytest.raises(CamelopardError, match=r"expected a datetime\.datetime"):
        desk.admit(rows([0.5]), 1767571200)  # type: ignore[arg-type]
    with pytest.raises(CamelopardError, match=r"now=NaT: expected a datetime\.datetime"):
        desk.admit(rows([0.5]), pd.NaT)  # type: ignore[arg-type]
    assert desk.left == 1


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"policy": Policy()}, "expected a policy with a budget of reviews"),
        ({"policy": "strict"}, "expected a policy with a budget of reviews"),
        ({"band": 0}, "Desk(band=0): expected a share"),
        ({"hours": (18, 8)}, "expected two hours of a day"),
        ({"hours": 8}, "expected two hours of a day"),
    ],
)
def test_a_desk_that_cannot_work_is_refused(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(CamelopardError) as raised:
        Desk(**{"policy": Policy(costs=COSTS, reviews_per_day=2), **settings})
    assert message in str(raised.value)


def test_a_desk_goes_on_where_it_was_kept() -> None:
    rng = np.random.default_rng(3)
    policy = Policy(costs=COSTS, reviews_per_day=40, audit=0.1, overrides=[Override("review", segment={"vip": True})]).fitted_to(
        rows(rng.random(500), vip=[False] * 500), per_day=500
    )
    one = other = Desk(policy, band=0.05, hours=(0, 12))
    for k in range(40):
        batch = rows(rng.random(30), vip=(rng.random(30) < 0.05).tolist())
        now = MORNING + dt.timedelta(hours=k)
        other = Desk.from_state(json.loads(json.dumps(other.state())))
        first, second = one.admit(batch, now), other.admit(batch, now)
        assert first.route.tolist() == second.route.tolist()
        assert first.propensity.tolist() == second.propensity.tolist()
        assert one.state() == other.state()
        one = Desk.from_state(one.state())
    with pytest.raises(CamelopardError, match="this does not make a desk"):
        Desk.from_state({"policy": {}, "spent": 3})


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"spent": -1}, "spent is -1, which is no whole number"),
        ({"spent": 21}, "0 audits among 21 reviews, where the policy allows 0 among 20"),
        ({"audits": 1}, "1 audits among 3 reviews, where the policy allows 0 among 20"),
        ({"spent": 2.5}, "spent is 2.5"),
        ({"spent": "3"}, "spent is '3'"),
        ({"wanted": float("inf")}, "wanted is inf"),
        ({"moved": float("nan")}, "no finite number"),
        ({"moved": -1.0}, "moved is -1.0"),
        ({"cut": float("inf")}, "no finite number"),
        ({"recent": [1.0, 10**400]}, "no finite number"),
        ({"recent": [1.0] * 1000}, "recent holds 1000"),
        ({"day": None}, "is not on its day"),
        ({"last": "2026-01-06T00:00:00"}, "is not on its day"),
        ({"hours": [0, 10**400]}, "expected two hours of a day"),
        ({"policy": {"reviews_per_day": float("inf")}}, "reviews_per_day=inf): expected a whole number"),
        ({"policy": 5}, "this does not make a desk"),
    ],
)
def test_a_state_in_which_no_desk_can_be_is_refused(change: dict[str, Any], message: str) -> None:
    desk = Desk(Policy(costs=COSTS, reviews_per_day=20))
    desk.admit(rows([0.5, 0.6, 0.7]), MORNING)
    assert Desk.from_state(desk.state()).left == 17
    with pytest.raises(CamelopardError) as raised:
        Desk.from_state({**desk.state(), **change})
    assert message in str(raised.value)


def day(desk: Desk, traffic: list[Floats]) -> tuple[float, list[int], list[float]]:
    """Spread batches over a day. Returns what the reviews saved, the reviews made so far, and where the cut was."""
    saved, made, cuts = 0.0, [0], list[float]()
    for k, confidence in enumerate(traffic):
        found = reviewed(desk.admit(rows(confidence), MORNING + dt.timedelta(hours=24 * k / len(traffic))))
        saved += float(np.minimum(100 * (1 - confidence), 60)[found].sum()) - 5 * found.sum()
        made.append(made[-1] + int(found.sum()))
        cuts.append(desk.cut or 0.0)
    return saved, made, cuts


def test_a_day_of_too_many_rows_is_paced_without_flapping_and_saves_more_than_first_come_first_served() -> None:
    for seed in range(10):
        rng = np.random.default_rng(seed)
        traffic = [rng.random(20) ** 0.5 for _ in range(240)]  # more than ten times as many as there are reviews
        saved, made, cuts = day(Desk(Policy(costs=COSTS, reviews_per_day=200)), traffic)
        first_come = sorted((np.minimum(100 * (1 - c), 60) - 5 for c in np.concatenate(traffic)[:215].tolist()), reverse=True)[:200]
        everything = np.sort(np.minimum(100 * (1 - np.concatenate(traffic)), 60) - 5)[::-1][:200].sum()
        assert max(np.array(made[1:]) / 200 - np.arange(1, 241) / 240) <= 0.35  # the first minutes show what is coming
        assert made[-1] >= 190
        changes = np.sign(np.diff([0.0, *cuts]))
        assert (changes != 0).sum() <= 40
        assert np.diff(np.flatnonzero(changes)).min() > 1  # it rests between two changes
        ahead = np.array(made[:-1]) / 200 - np.arange(240) / 240
        assert (ahead[changes > 0] > 0.1 - 1e-9).all()
        assert (ahead[changes < 0] < 1e-9).all()
        assert saved > 1.3 * sum(first_come)
        assert saved > 0.85 * everything


def test_a_day_with_room_enough_is_never_cut() -> None:
    for seed in range(20):
        rng = np.random.default_rng(seed)
        traffic = [rng.choice([0.99, 0.5], 10, p=[0.95, 0.05]) for _ in range(240)]  # 120 reviews wanted
        _, made, cuts = day(Desk(Policy(costs=COSTS, reviews_per_day=200)), traffic)
        assert set(cuts) == {0.0}
        assert made[-1] == sum(int((confidence == 0.5).sum()) for confidence in traffic)


def test_the_budget_is_spread_over_the_opening_hours() -> None:
    policy, confidence = Policy(costs=COSTS, reviews_per_day=10), np.full(1, 0.5)
    late, whole = Desk(policy, hours=(8, 18)), Desk(policy)
    for desk in (late, whole):
        for k in range(6):
            desk.admit(rows(confidence), MORNING.replace(hour=8, minute=k))
    assert (whole.left, late.left) == (5, 8)  # the budget of a whole day is a third behind at eight o'clock


def test_the_chance_of_an_audit_is_right_where_places_are_few() -> None:
    rng = np.random.default_rng(0)
    for rate, n, places in ((0.1, 30, 2), (0.05, 200, 12), (0.5, 10, 3), (0.1, 30, 30), (0.02, 100_000, 1990)):
        drawn = np.minimum(rng.binomial(n, rate, 20_000), places).mean() / n
        assert chance(rate, n, places) == pytest.approx(drawn, rel=0.02)
    assert chance(0.1, 0, 5) == chance(0.0, 9, 5) == 0.0


def world(n: int, seed: int) -> tuple[Floats, Bools]:
    """Confidence that says too little of errors: half of the rows have twice as many as it says."""
    rng = np.random.default_rng(seed)
    confidence = rng.uniform(0.8, 1.0, n)
    hidden = rng.random(n) < 0.5
    return confidence, rng.random(n) < (1 - confidence) * np.where(hidden, 2.0, 1.0)


@pytest.mark.parametrize("at_desk", [False, True])
def test_errors_seen_in_reviews_are_unbiased_when_weighted_by_propensity_and_biased_when_not(at_desk: bool) -> None:
    confidence, wrong = world(1500, 1)
    batches = [np.arange(k, k + 300) for k in range(0, 1500, 300)]
    parts = [rows(confidence[at]) for at in batches]
    whole = rows(confidence)
    fitted = Policy(costs=COSTS, reviews_per_day=150, audit=0.4).fitted_to(whole, per_day=1500)
    state = fitted.state()
    off, raw = [], []
    for seed in range(200):
        policy = Policy.from_state({**state, "seed": seed})
        desk = Desk(policy)
        found = [desk.admit(part, MORNING + dt.timedelta(hours=4 * k)) for k, part in enumerate(parts)] if at_desk else [policy.applied(whole)]
        seen, p = np.concatenate([reviewed(part) for part in found]), np.concatenate([part.propensity for part in found])
        reached = p > 0
        off.append((wrong[seen] / p[seen]).sum() / reached.sum() - wrong[reached].mean())
        raw.append(wrong[seen].mean() - wrong[reached].mean())
    error = float(np.std(off, ddof=1)) / np.sqrt(len(off))
    assert abs(np.mean(off)) < 3 * error
    assert np.mean(raw) > 10 * error
    assert error < 0.01


def test_an_audit_gets_about_its_share_of_the_days_reviews_and_says_so() -> None:
    confidence, _ = world(3000, 2)
    policy = Policy(costs=COSTS, reviews_per_day=200, audit=0.2).fitted_to(rows(confidence), per_day=3000)
    found = Desk(policy).admit(rows(confidence), MORNING)
    audited = reviewed(found) & (found.propensity < 1)
    assert 25 <= audited.sum() <= 55
    reason = found.reasons(int(np.flatnonzero(audited)[0]))[0]
    assert (reason.code, reason.contribution) == ("audit", 0.0)


def test_a_flood_of_rows_that_pass_does_not_turn_all_reviews_into_audits() -> None:
    policy = Policy.from_state({**Policy(costs=COSTS, reviews_per_day=100, audit=0.1).state(), "audit_rate": 0.01})
    desk = Desk(policy)
    rng = np.random.default_rng(0)
    found = desk.admit(rows(np.concatenate([rng.uniform(0.97, 1.0, 20_000), np.full(90, 0.5)])), MORNING)
    audited = reviewed(found) & (found.propensity < 1)
    assert audited.sum() == 20  # twice its share
    assert reviewed(found)[-90:].sum() == 80


def test_an_audit_of_few_distinct_rows_is_warned_of_and_one_of_distinct_rows_is_not() -> None:
    policy, doubt = Policy(costs=COSTS, reviews_per_day=200, audit=0.5), np.full(100, 0.5)
    with pytest.warns(FewDistinctWarning, match="distinct rows among the 1,900 that would pass: 9"):
        fitted = policy.fitted_to(rows(np.concatenate([0.97 + np.arange(1900) % 9 / 1000, doubt])), per_day=2000)
    assert fitted.audit_rate == pytest.approx(100 / 1900)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        policy.fitted_to(rows(np.concatenate([np.linspace(0.97, 0.98, 1900), doubt])), per_day=2000)
        policy.fitted_to(rows([0.99, 0.99, 0.5]), per_day=3)
