from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from camelopard.confidence.conformal import AlarmThreshold
from camelopard.core.arrays import Array, Bools, objects
from camelopard.core.intervals import share
from camelopard.core.records import Prediction
from camelopard.firewall.costs import Costs
from camelopard.firewall.learned import Judged
from camelopard.firewall.material import Lesson
from camelopard.firewall.measure import clean_stopped, measure
from camelopard.firewall.policy import Policy

N = 600


def lesson(classes: tuple[str, ...] = ("a", "b"), repaired: Array | None = None) -> Lesson:
    """Return N rows, every other one damaged, every tenth fooled, with the answer "a"."""
    rng = np.random.default_rng(0)
    proba = np.full((N, len(classes)), 0.1)
    proba[:, 0] = rng.uniform(0.6, 0.99, N)
    answer = Prediction(np.full(N, "a", dtype=object), proba, classes=classes)
    damaged = np.arange(N) % 2 == 1
    kind = np.where(damaged, "typo", "")
    return Lesson(np.zeros((N, 1)), np.arange(N) % 10 == 9, damaged, np.ones(N), rng.random(N), answer, np.arange(N) // 2, kind, repaired)


def figures(test: Lesson, right: Bools | None, **settings: Any) -> dict[str, Any]:
    judged = Judged(test.fooled.astype(np.float64), np.where(test.fooled, 0.9, 0.05), np.where(test.fooled, 0.3, 0.9))
    return measure(test, right, judged, AlarmThreshold(0.5, 0.01, 0.95, 300, 0), np.random.default_rng(0), **settings)


def test_without_labels_nothing_is_said_of_confidence_or_routes() -> None:
    found = figures(lesson(), None)
    assert found["labelled"] is False and found["fooled_caught"]["value"] == 1.0
    assert not {"reliability", "risk_coverage", "costs", "routes", "ece_confidence"} & set(found)


def test_with_labels_the_four_are_there_as_plain_data() -> None:
    test = lesson()
    found = figures(test, ~test.fooled)
    assert set(found["reliability"]) == set(found["risk_coverage"]) - {"sureness"} == {"confidence", "own"}
    assert [curve["ratio"] for curve in found["costs"]] == [2, 5, 20]
    assert found["routes"]["per_1000"]["block"]["value"] == 100 and found["routes"]["through"]["value"] == 0


def test_answers_that_repair_makes_right_are_caught_and_those_that_it_makes_wrong_are_spoilt() -> None:
    test = lesson(repaired=objects(["b" if i % 10 == 9 else None for i in range(N)]))
    right = ~test.fooled | (np.arange(N) % 20 == 19)
    found = figures(test, right, repaired_right=test.fooled & ~right)["routes"]
    assert [found["per_1000"][route]["value"] for route in ("pass", "repair")] == [900, 100]
    assert [found[key]["value"] for key in ("before", "caught", "spoilt", "through")] == [50, 50, 50, 50]


def test_what_is_not_known_of_repairs_is_not_told() -> None:
    test = lesson(("a", "b", "c"), objects(["b" if i % 10 == 9 else None for i in range(N)]))
    assert figures(test, ~test.fooled)["routes"]["wrong_repaired"] is None
    told = figures(test, ~test.fooled, repaired_right=test.fooled)["routes"]
    assert (told["wrong_repaired"]["value"], told["caught"]["value"]) == (0, 100)


def test_routes_are_those_of_the_policy_given() -> None:
    test = lesson()
    found = figures(test, ~test.fooled, policy=Policy(costs=Costs(wrong=10, review=1, block=20)))["routes"]
    assert found["per_1000"]["review"]["value"] == 100 and found["policy"]["costs"]["wrong"] == 10


def test_an_own_word_is_measured_only_where_the_model_says_it() -> None:
    test = lesson()
    mute = Lesson(**{**vars(test), "answer": Prediction(test.answer.value, classes=("a", "b"))})
    assert list(figures(mute, ~test.fooled)["reliability"]) == ["confidence"]


def test_what_is_measured_more_leaves_other_figures_as_they_are() -> None:
    test = lesson()
    first, second = np.random.default_rng(0), np.random.default_rng(0)
    judged = Judged(test.fooled.astype(np.float64), np.where(test.fooled, 0.9, 0.05), np.full(N, 0.9))
    threshold = AlarmThreshold(0.5, 0.01, 0.95, 300, 0)
    with_labels, without = measure(test, ~test.fooled, judged, threshold, first), measure(test, None, judged, threshold, second)
    assert {key: with_labels[key] for key in without if key != "labelled"} == {key: without[key] for key in without if key != "labelled"}
    assert first.random() == second.random(), "labels draw nothing further"
    assert with_labels["auroc_fooled"]["value"] == pytest.approx(1.0)


def test_clean_alarms_are_counted_with_an_interval_for_rows_that_did_not_set_the_threshold() -> None:
    test = lesson()
    score = np.where(~test.damaged & (np.arange(N) % 100 == 0), 1.0, 0.0)
    found = clean_stopped(test, score, AlarmThreshold(0.5, 0.01, 0.95, 300, 0))["clean_stopped"]
    assert found == {"value": 0.02, "low": share(6, 300).low, "high": share(6, 300).high, "alpha": 0.01}


def test_wrong_answers_are_ranked_by_confidence_and_by_the_models_own_word() -> None:
    test = lesson()
    right = ~test.fooled & (np.arange(N) % 6 != 0)
    found = figures(test, right)
    confidence, own = np.where(test.fooled, 0.3, 0.9), test.answer.shares.max(axis=1)
    for key, said in (("auroc_wrong", confidence), ("auroc_wrong_by_own_doubt", own)):
        pairs = [(a < b) + (a == b) / 2 for a in said[~right] for b in said[right]]
        assert found[key]["value"] == pytest.approx(np.mean(pairs))
        assert found[key]["low"] < found[key]["value"] < found[key]["high"]


def test_what_would_be_stopped_at_five_percent_clean_alarms_is_counted_by_what_it_did() -> None:
    test = lesson()
    place = np.arange(N)
    score = place / N  # of 300 clean rows the fifteen above 568.1 are stopped, and all damaged ones from 569 on
    right = ~test.fooled | (place < 585)
    judged = Judged(score, np.full(N, 0.1), np.full(N, 0.9))
    found = measure(test, right, judged, AlarmThreshold(0.5, 0.01, 0.95, 300, 0), np.random.default_rng(0))
    assert found["fooled_caught_at_5_percent"]["value"] == 4 / 60  # 569, 579, 589, 599
    assert found["harmful_caught_at_5_percent"]["value"] == 2 / 2  # 589, 599
    assert found["harmless_flagged_at_5_percent"]["value"] == 12 / 240
    assert "harmful_caught_at_5_percent" not in measure(test, None, judged, AlarmThreshold(0.5, 0.01, 0.95, 300, 0), np.random.default_rng(0))
