from __future__ import annotations

import datetime as dt
import json
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from camelopard.core.arrays import Bools, Floats
from camelopard.core.batch import Batch
from camelopard.core.errors import CamelopardError, InputError
from camelopard.core.records import Repair
from camelopard.firewall.costs import Costs
from camelopard.firewall.drawing import tickets
from camelopard.firewall.overrides import Override, Rows
from camelopard.firewall.policy import Policy
from camelopard.firewall.simulation import REVIEWED, TODAY, Simulation
from camelopard.firewall.telling import number
from camelopard.firewall.verdicts import Grounds, Verdicts, joined, refused

COSTS = Costs(wrong=100, review=5, block=20)


def rows(confidence: Any, answers: Any = None, repairs: Any = None, tolerance: float | None = None, alarmed: Any = None) -> Verdicts:
    """Verdicts with this confidence; `repairs` are repaired answers, None where there is no repair."""
    p = np.asarray(confidence, dtype=np.float64)
    n = len(p)
    no: Bools = np.zeros(n, dtype=bool)
    able = no if repairs is None else np.array([repair is not None for repair in repairs])
    batch, reasons = Batch({"x": p}, np.arange(n)), lambda i: list[Any]()
    alarms = no if alarmed is None else np.asarray(alarmed, dtype=bool)
    grounds = Grounds(alarms, able, no, no, Rows(batch, list).fit, lambda s, at: tickets(batch, s, at), reasons, tolerance=tolerance)
    said = np.full(n, "yes", dtype=object) if answers is None else np.asarray(answers)
    mended: Any = lambda i: None if repairs is None or repairs[i] is None else Repair({"a": 1}, repairs[i])
    return Verdicts(np.arange(n), said, None, 1 - p, p, 1 - p, np.full(n, "pass", dtype=object), reasons, mended, grounds)


def labelled(n: int, seed: int, excess: float = 1.0) -> tuple[Floats, Any]:
    """Confidence, and labels by which answers are wrong `excess` times as often as it says."""
    rng = np.random.default_rng(seed)
    confidence = rng.beta(9, 1, n)
    return confidence, np.where(rng.random(n) < excess * (1 - confidence), "no", "yes")


def test_the_figures_are_those_that_can_be_worked_out_by_hand() -> None:
    found = Policy(costs=COSTS).simulate(rows([0.98, 0.96, 0.9, 0.6, 0.0]), per_day=5, y=["yes", "no", "no", "yes", "no"])
    mine, everything = found.outcome, found.rivals[1]
    assert found.route.tolist() == ["pass", "pass", "review", "review", "review"]
    assert mine.answered.value == pytest.approx(0.4)
    assert [mine.routes[name].value for name in ("pass", "repair", "review", "block")] == pytest.approx([400, 0, 600, 0])
    assert (mine.reviews_per_day.value, mine.most_reviews) == (3.0, 3)
    assert mine.errors.value == pytest.approx(1000 * (0.02 + 0.04) / 5)
    assert mine.caught.value == pytest.approx(1000 * (0.1 + 0.4 + 1.0) / 5)
    assert mine.prevented.value == pytest.approx(150.0)
    assert (mine.review_cost.value, mine.block_cost.value) == (15.0, 0.0)
    assert mine.net.value == pytest.approx(135.0)
    assert mine.errors_counted is not None
    assert mine.errors_counted.value == pytest.approx(200.0)
    assert mine.net_counted is not None
    assert mine.net_counted.value == pytest.approx(100 * 2 - 15)
    assert everything.net.value == pytest.approx(0.0)
    assert everything.behind is not None
    assert everything.behind.value == pytest.approx(135.0)
    assert found.rivals[2].name == REVIEWED
    assert found.rivals[2].reviews_per_day.value == 5.0


def test_blocked_rows_and_slips_of_reviewers_are_counted() -> None:
    slips = Costs(wrong=100, review=5, block=20, reviewer_wrong=0.1)
    reviewed = Policy(costs=slips).simulate(rows([0.5, 0.5]), per_day=2).outcome
    assert (reviewed.errors.value, reviewed.caught.value) == pytest.approx((100.0, 450.0))
    assert reviewed.net.value == pytest.approx(100 * (1.0 - 0.2) - 10)
    blocked = Policy(costs=COSTS, reviews_per_day=0).simulate(rows([0.5, 0.9]), per_day=2)
    assert blocked.outcome.block_cost.value == 20.0
    assert "Nobody reviews" in repr(blocked)


def test_days_are_told_by_dates_or_by_rows_and_each_keeps_the_budget() -> None:
    days = ["2026-01-02"] * 30 + ["2026-01-01"] * 10 + ["2026-01-05"] * 20
    doubtful = 0.9 - 0.1 * np.random.default_rng(0).random(60)
    policy = Policy(costs=COSTS, reviews_per_day=12)
    for said in (days, pd.to_datetime(pd.Series(days)), [dt.date.fromisoformat(day) for day in days], [f"{day}T13:00:00" for day in days]):
        found = policy.simulate(rows(doubtful), days=said)
        reviewed = found.route == "review"
        assert (reviewed[:30].sum(), reviewed[30:40].sum(), reviewed[40:].sum()) == (12, 10, 12)
        assert found.days == 3
        assert found.outcome.most_reviews == 12
    parts = policy.simulate(rows(doubtful), per_day=20)
    assert (parts.outcome.reviews_per_day.value, parts.days) == (12.0, 3.0)
    little = policy.simulate(rows(doubtful[:5]), per_day=20)
    assert (little.route == "review").sum() <= 3
    assert "figures per day are scaled up" in repr(little)


def test_expected_errors_are_counted_ones_where_confidence_fits_and_it_is_said_where_it_does_not() -> None:
    policy = Policy(costs=COSTS)
    silent, told = 0, {3.0: 0, 0.3: 0}
    for seed in range(200):
        confidence, y = labelled(600, seed)
        silent += not any("recalibrate" in note for note in policy.simulate(rows(confidence), per_day=600, y=y).notes)
    for seed in range(20):
        for excess, word in ((3.0, "more"), (0.3, "fewer")):
            confidence, y = labelled(3000, seed, excess)
            notes = policy.simulate(rows(confidence), per_day=1000, y=y).notes
            told[excess] += any(f"{word} than chance explains: confidence does not fit this traffic: recalibrate" in note for note in notes)
    assert silent >= 185
    assert min(told.values()) >= 19


@pytest.mark.parametrize("by_day", [False, True])
def test_intervals_hold_the_truth_as_often_as_they_say(by_day: bool) -> None:
    policy = Policy(costs=COSTS)
    wide, truth = labelled(200_000, 1)[0], 0.0
    passing = wide >= COSTS.pass_from
    truth, held, money = 1000 * float(((1 - wide) * passing).mean()), 0, 0
    saved = 100 * float((100 * (1 - wide) * ~passing - 5 * ~passing).mean())
    for seed in range(200):
        confidence, _ = labelled(2000, 1000 + seed)
        days = [f"2026-01-{1 + k // 100:02d}" for k in range(2000)]
        outcome = policy.simulate(rows(confidence), **({"days": days} if by_day else {"per_day": 2000 / 3})).outcome
        held += outcome.errors.low <= truth <= outcome.errors.high
        scale = 1.0 if by_day else 3 / 20
        money += outcome.net.low * scale <= saved <= outcome.net.high * scale
    assert 178 <= held <= 200
    assert 178 <= money <= 200


def test_ten_days_are_resampled_as_days() -> None:
    confidence, _ = labelled(1000, 0)
    assert Policy(costs=COSTS).simulate(rows(confidence), per_day=100).resampled == "10 parts of about a day"
    assert Policy(costs=COSTS).simulate(rows(confidence), per_day=112).resampled == "rows"
    bad = np.where(np.arange(1000) // 100 % 2 == 0, 0.99, 0.5)  # every second day is bad: rows alone would not show it
    days = [f"2026-02-{1 + k // 100:02d}" for k in range(1000)]
    whole = Policy(costs=COSTS).simulate(rows(bad), days=days).outcome.answered
    assert whole.high - whole.low > 0.4
    assert no_interval_without_errors().low == 0.0


def no_interval_without_errors() -> Any:
    found = Policy(costs=COSTS).simulate(rows(np.full(100, 0.999)), per_day=10, y=["yes"] * 100).outcome.errors_counted
    assert found is not None
    assert found.value == 0.0
    assert found.high > 10.0  # of 1,000: that none of 100 was wrong says no more
    return found


def test_repairs_are_counted_by_labels_and_said_to_be_unknown_without() -> None:
    known = rows([0.99, 0.2, 0.2, 0.2], repairs=[None, "yes", "no", "yes"])
    without = Policy(costs=COSTS).simulate(known, per_day=4)
    assert without.route.tolist() == ["pass", "repair", "repair", "repair"]
    assert "Errors after repair are not counted" in repr(without)
    assert without.outcome.errors.value == pytest.approx(2.5)
    counted = Policy(costs=COSTS).simulate(known, per_day=4, y=["yes", "yes", "yes", "yes"])
    assert counted.outcome.errors_counted is not None
    assert counted.outcome.errors_counted.value == pytest.approx(250.0)
    assert "Wrong after repair, counted: 1 of 3 (6.1 to 79.2 %)." in repr(counted)
    many = rows(np.full(60, 0.2), repairs=["yes", "no", "yes"] * 20)
    assert "Costs(repaired_wrong=0.33) would say so" in repr(Policy(costs=COSTS).simulate(many, per_day=60, y=["yes"] * 60))
    priced = Policy(costs=Costs(100, 5, 20, repaired_wrong=0.04)).simulate(known, per_day=4)
    assert priced.outcome.errors.value == pytest.approx(1000 * (0.01 + 3 * 0.04) / 4)
    assert "not counted" not in repr(priced)


def test_rivals_are_todays_routing_everything_passed_and_everything_reviewed() -> None:
    alarmed = np.arange(1000) % 10 == 0
    found = Policy(costs=COSTS, reviews_per_day=50).simulate(rows(np.full(1000, 0.9), alarmed=alarmed), per_day=1000)
    assert [rival.name for rival in found.rivals] == [TODAY, "pass everything", "review everything"]
    assert [rival.reviews_per_day.value for rival in found.rivals] == [100.0, 0.0, 1000.0]
    assert found.outcome.reviews_per_day.value <= 50
    for rival in found.rivals:
        assert rival.behind is not None
        assert rival.behind.value == pytest.approx(found.outcome.net.value - rival.net.value)
        assert rival.behind.low <= rival.behind.value <= rival.behind.high


def test_with_prices_that_fit_the_cheapest_routes_beat_every_rival() -> None:
    confidence, _ = labelled(3000, 4)
    found = Policy(costs=COSTS).simulate(rows(confidence), per_day=1000)
    assert min(rival.behind.low for rival in found.rivals if rival.behind is not None) > 0


def test_of_numbers_no_answer_is_called_wrong_but_off_by_more_than_the_tolerance() -> None:
    prices, numbers = Policy(costs=COSTS), rows([0.99] * 4, answers=[1.0, 2.0, 3.0, 4.0], tolerance=0.5)
    found = prices.simulate(numbers, per_day=4)
    assert "Answers off by more than 0.5 (the model's median error) that get through, per 1,000 rows" in repr(found)
    assert "Such answers caught by review" in repr(found) and found.to_dict()["within"] == 0.5
    assert "Wrong answers that get through" in repr(prices.simulate(rows([0.99] * 4), per_day=4))


def test_numbers_are_right_within_their_tolerance() -> None:
    found = Policy(costs=COSTS).simulate(rows([0.99] * 4, answers=[1.0, 2.0, np.nan, 4.0], tolerance=0.5), per_day=4, y=[1.4, 3.0, 3.0, 4])
    assert found.outcome.errors_counted is not None
    assert found.outcome.errors_counted.value == pytest.approx(500.0)


def test_without_a_model_routes_are_counted_and_money_is_unknown() -> None:
    found = Policy(costs=COSTS, reviews_per_day=5).simulate(rows([np.nan] * 100, alarmed=np.arange(100) % 10 == 0), per_day=100)
    assert 4 <= found.outcome.reviews_per_day.value <= 5
    assert found.outcome.routes["block"].value == 10 * (10 - found.outcome.reviews_per_day.value)
    assert np.isnan(found.outcome.net.value)
    assert "100 rows have no confidence" in repr(found)
    assert "unknown expected by confidence" in repr(found)


def test_the_same_question_gets_the_same_answer_and_plain_data() -> None:
    confidence, y = labelled(500, 3)
    policy = Policy(costs=COSTS, reviews_per_day=20, audit=0.1).fitted_to(rows(confidence), per_day=250)
    first, second = (policy.simulate(rows(confidence), per_day=250, y=y) for _ in range(2))
    assert repr(first) == repr(second)
    told = json.loads(json.dumps(first.to_dict()))
    assert told["net"].keys() == {"value", "low", "high"}
    assert {"routes", "errors_counted", "rivals", "notes", "policy"} <= told.keys()
    assert isinstance(first, Simulation)
    assert ((first.propensity > 0) & (first.propensity < 1)).sum() > 100


def test_it_reads_like_an_account() -> None:
    confidence, y = labelled(2000, 5)
    text = repr(Policy(costs=COSTS, reviews_per_day=40, audit=0.1).simulate(rows(confidence), per_day=500, y=y))
    for part in (
        "What this policy would have done on 2,000 rows, 4 days of traffic",
        "Wrong answers that get through, per 1,000 rows",
        "Per day, against passing everything",
        "routing by risk, as without costs",
        "In brackets 95 % intervals, from resampling rows",
        "Note: No audit was drawn",
    ):
        assert part in text
    assert max(len(line) for line in text.splitlines()) < 200


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"y": ["yes"] * 2}, "y has shape (2,) for 3 rows"),
        ({"y": ["yes", None, "no"]}, "y is missing in 1 rows, the first at position 1"),
        ({"y": [0, 1, 0]}, "y holds 0, 1, but the model answers 'yes': no label is one of its answers"),
        ({"y": ["yes", float("inf"), "no"]}, "y is inf at position 1; expected a class"),
        ({"y": ["yes", {"a": 1}, "no"]}, "y is {'a': 1} at position 1; expected a class"),
        ({"y": [["yes"], ["no", "no"], "no"]}, "y cannot be read as one label per verdict"),
        ({"y": ["yes", pd.NA, "no"]}, "y is missing in 1 rows, the first at position 1"),
        ({"y": pd.array(["yes", pd.NA, "no"])}, "y is missing in 1 rows, the first at position 1"),
        ({"y": pa.array(["yes", "no", None])}, "y is missing in 1 rows, the first at position 2"),
        ({"y": "income"}, "y='income': expected one right answer per verdict"),
        ({"per_day": -5}, "per_day=-5: expected how many rows"),
    ],
)
def test_what_does_not_fit_is_named(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError) as raised:
        Policy(costs=COSTS).simulate(rows([0.5, 0.6, 0.7]), **{"per_day": 3, **settings})
    assert message in str(raised.value)


def test_labels_beyond_the_classes_that_a_model_gives_probabilities_for_are_refused() -> None:
    known = replace(rows([0.9, 0.9, 0.9], answers=["yes", "no", "yes"]), proba=np.full((3, 2), 0.5))
    policy = Policy(costs=COSTS)
    strange: list[Any] = [["yes", "no", "maybe"], ["yes", "no", " yes"], ["yes", 0, "no"]]
    fitting: list[Any] = [["yes", "no", "no"], pa.array(["yes", "no", "no"]), pd.Categorical(["yes", "no", "no"]), np.array(["yes", "no", "no"])]
    for y in strange:
        with pytest.raises(InputError, match=r"but the model knows 2 classes and answers 'no', 'yes'\."):
            policy.simulate(known, per_day=3, y=y)
    for y in fitting:
        found = policy.simulate(known, per_day=3, y=y).rivals[1].errors_counted
        assert found is not None
        assert found.value == pytest.approx(1000 / 3)
    unseen = replace(known, proba=np.full((3, 3), 1 / 3))  # a third class is known, though none of these answers is it
    assert policy.simulate(unseen, per_day=3, y=["yes", "no", "maybe"]).outcome.errors_counted is not None


@pytest.mark.parametrize("seed", [-1, "a", None, 1.5])
def test_a_seed_that_is_no_whole_number_is_refused(seed: Any) -> None:
    with pytest.raises(CamelopardError, match="expected a whole number from 0"):
        Policy(costs=COSTS).simulate(rows([0.5]), per_day=1, seed=seed)


def test_a_part_of_a_day_never_shows_more_reviews_than_a_day_has() -> None:
    policy = Policy(costs=COSTS, reviews_per_day=20)
    little = policy.simulate(rows(np.full(50, 0.5)), per_day=10_000)
    assert (little.outcome.reviews_per_day.value, little.outcome.most_reviews) == (0.0, 0)
    assert "too little of a day for one of 20 reviews, so none is made here: give at least 500 rows." in repr(little)
    enough = policy.simulate(rows(np.full(500, 0.5)), per_day=10_000)
    assert (enough.outcome.reviews_per_day.value, enough.outcome.most_reviews) == (20.0, 20)
    assert "too little of a day" not in repr(enough)
    for n in (70, 150, 333, 1040):
        for budget in (1, 3, 20):
            outcome = Policy(costs=COSTS, reviews_per_day=budget).simulate(rows(np.full(n, 0.5)), per_day=100).outcome
            assert outcome.reviews_per_day.value <= budget + 1e-9
            assert outcome.most_reviews <= budget
            assert (outcome.reviews_per_day.value > 0) == (budget * n >= 100)


def test_ten_days_that_differ_give_intervals_that_hold_the_truth() -> None:
    rng, held = np.random.default_rng(5), 0
    policy, days = Policy(costs=Costs(wrong=10, review=9, block=9)), np.repeat([f"2026-01-{k + 1:02d}" for k in range(10)], 4)
    for _ in range(600):
        doubt = np.repeat(rng.uniform(0.1, 0.3, 10), 4)
        errors = policy.simulate(rows(1 - doubt), days=days).outcome.errors
        held += errors.low <= 200.0 <= errors.high
    assert 0.93 <= held / 600 <= 0.98


def test_that_confidence_was_never_checked_is_said_only_where_it_is_so() -> None:
    told = "The firewall was fitted without labels"
    for labelled_at_fit, said in ((False, True), (True, False), (None, False)):
        known = rows([0.9, 0.5])
        object.__setattr__(known.grounds, "labelled", labelled_at_fit)
        assert (told in repr(Policy(costs=COSTS).simulate(known, per_day=2))) is said


def test_money_needs_prices_and_numbers_need_numbers() -> None:
    with pytest.raises(CamelopardError, match="this policy has no costs"):
        Policy().simulate(rows([0.5]), per_day=1)
    with pytest.raises(InputError, match="y holds 'a', but the model answers numbers"):
        Policy(costs=COSTS).simulate(rows([0.9], answers=[1.0], tolerance=0.5), per_day=1, y=["a"])
    for y in ([float("inf")], [10**400]):
        with pytest.raises(InputError, match="y "):
            Policy(costs=COSTS).simulate(rows([0.9], answers=[1.0], tolerance=0.5), per_day=1, y=y)
    huge = Policy(costs=Costs(1e15, 1, 1)).simulate(rows([0.5]), per_day=1e12)
    assert np.isfinite(huge.outcome.net.high)
    assert number(float("inf")) == "infinity"


def test_refused_rows_are_decided_like_any_row_that_cannot_be_read_and_never_drawn() -> None:
    no_rows = refused(Batch({"channel": np.array(["test", "shop"], dtype=object)}, np.arange(2)), "they cannot be dealt with")
    whole = joined([rows([0.999]), no_rows])
    assert list(Policy(costs=COSTS).applied(whole).route) == ["pass", "review", "review"]
    assert list(Policy(costs=COSTS, reviews_per_day=0).applied(whole).route) == ["pass", "block", "block"]
    policy = Policy(overrides=[Override("pass", reason="unreadable"), Override("review", segment={"channel": "test"})])
    found = policy.applied(no_rows)
    assert list(found.route) == ["review", "block"]
    assert [reason.code for reason in found.reasons(0)] == ["unreadable", "override"]
    certain = Policy.from_state({**Policy(audit=0.5).state(), "audit_rate": 1.0})
    assert list(certain.applied(whole).route) == ["review", "block", "block"]


def test_verdicts_made_by_hand_or_joined_carry_what_is_needed() -> None:
    confidence, _ = labelled(300, 6)
    whole, parts = rows(confidence), [rows(confidence[:100]), rows(confidence[100:])]
    policy = Policy(costs=COSTS, reviews_per_day=30, audit=0.2).fitted_to(whole, per_day=300)
    one, two = policy.applied(whole), policy.applied(joined(parts))
    assert one.route.tolist() == two.route.tolist() == joined([policy.applied(part) for part in parts]).route.tolist()
    assert one.propensity.tolist() == two.propensity.tolist() == joined([policy.applied(part) for part in parts]).propensity.tolist()
    n = len(confidence)
    by_hand = Verdicts(np.arange(n), whole.prediction, None, 1 - confidence, confidence, confidence, whole.route, lambda i: [], lambda i: None)
    assert by_hand.propensity.tolist() == [0.0] * n
    free = Policy(costs=COSTS)
    assert free.applied(by_hand).route.tolist() == free.applied(whole).route.tolist()
    with pytest.raises(CamelopardError, match="came without their rows"):
        policy.applied(by_hand)
