from __future__ import annotations

from typing import Any

import pytest

from camelopard.report.certainty import certainty, digest


@pytest.fixture
def measured(labelled: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = labelled["firewall"]["measured"]
    return found


def told(measured: dict[str, Any]) -> dict[str, str]:
    return {name: text.replace("\u00a0", " ") for name, text in certainty({"firewall": {"measured": measured}}).sentences.items()}


def test_what_is_said_is_held_against_what_is_found(measured: dict[str, Any]) -> None:
    assert told(measured)["reliability"] == (
        "73 % of the answers are right; confidence says 73 % on average, the model’s own word 73 %. "
        "Bin by bin, what is said and what is found lie 0.0 percentage points apart on average, 10.0 by the model’s own word."
    )


def test_two_lines_say_how_much_can_be_accepted_and_what_becomes_of_a_thousand_rows(measured: dict[str, Any]) -> None:
    assert digest(measured) == [
        "Accept the surest 80 % and 12 % of those are wrong (at most 13 %, with 95 % probability); "
        "of as many by the model's own word, 15 % (at most 16 %); accept everything, and 15 % are.",
        "The firewall passes 900 of 1,000 rows, repairs 50, sends 30 to review and blocks 20. Of the 150 (138–162) that the model answers wrong, "
        "50 (44–56) are caught; 103 wrong answers (93–113) get through, 3 of them made by repair.",
    ]


def test_without_labels_there_is_nothing_to_digest() -> None:
    assert digest({"auroc_fooled": {"value": 0.9}}) == [] and not certainty({"firewall": {"measured": {"labelled": False}}})


def test_the_sentence_on_costs_is_about_the_middle_ratio(measured: dict[str, Any]) -> None:
    assert told(measured)["costs"] == (
        "Where a wrong answer costs as much as 5 reviews, reviewing what is below a confidence of 0.8 makes 1,000 rows cost 400 reviews (380–420); "
        "accepting everything 750, reviewing everything 1,000, going by the model’s own word 450."
    )


def test_the_own_word_is_not_spoken_of_where_there_is_none(measured: dict[str, Any]) -> None:
    del measured["reliability"]["own"], measured["risk_coverage"]["own"]
    for curve in measured["costs"]:
        del curve["own"], curve["by_own"]
    assert not [text for text in told(measured).values() if "own word" in text]


def test_repairs_that_nobody_judged_are_said_to_be_left_out(measured: dict[str, Any]) -> None:
    measured["routes"]["wrong_repaired"] = None
    assert told(measured)["routes"].endswith("get through, 3 of them made by repair, those after repair not counted.")
    routes = certainty({"firewall": {"measured": measured}}).routes
    assert [(route.name, route.through) for route in routes] == [("pass", "95"), ("repair", "unknown"), ("review", "0"), ("block", "0")]


def test_routes_of_another_policy_than_the_one_in_force_are_said_to_be_that(labelled: dict[str, Any]) -> None:
    firewall = labelled["firewall"]
    for policy, n in (({"review": None, "block": 0.8, "repair": True}, 0), ({"review": 0.5, "block": 0.8, "repair": True}, 1)):
        assert len(certainty({"firewall": {**firewall, "policy": policy}}).notes) == n
    assert len(certainty({"firewall": {**firewall, "traffic": {"rows": 500}}}).notes) == 1


def test_shares_that_are_none_and_numbers_without_end_are_left_out(measured: dict[str, Any]) -> None:
    measured["reliability"]["confidence"]["said"][3] = 7.0
    measured["risk_coverage"]["confidence"]["wrong"][0] = float("nan")
    measured["costs"][0]["cost"][2] = float("inf")
    found = certainty({"firewall": {"measured": measured}})
    assert len(found.reliability["confidence"]) == 9 and len(found.accepting["confidence"]) == 9 and len(found.costs[0].prices) == 20


def test_of_numbers_it_is_said_how_far_off_a_right_answer_may_be(labelled: dict[str, Any]) -> None:
    firewall = {**labelled["firewall"], "tolerance": 2.345}
    for task, within in (("regression", "2.345"), ("classification", "")):
        assert certainty({"firewall": {**firewall, "model": {"task": task}}}).within == within


def test_of_numbers_no_answer_is_called_wrong_but_off_by_more_than_the_median_error(labelled: dict[str, Any]) -> None:
    firewall = {**labelled["firewall"], "tolerance": 2.345, "model": {"task": "regression"}}
    found = certainty({"firewall": firewall})
    said = {name: text.replace("\u00a0", " ") for name, text in found.sentences.items()}
    assert not [text for text in said.values() if "wrong" in text or " right" in text]
    assert said["reliability"].startswith("73 % of the answers are within 2.345 of the truth (the model’s median error); confidence says 73 %")
    assert "Accept the surest 80 % and 12 % of those are off by more than 2.345 (the model’s median error), at most 13 %" in said["accepting"]
    assert "Of the 150 (138–162) that are off by more than 2.345 (the model’s median error), 50 (44–56) are caught; 103 such" in said["routes"]
    assert "Where an answer off by more than 2.345" in said["costs"] and found.costs[1].title == "An answer off by more than 2.345 costs 5 reviews"
    assert digest(firewall["measured"], 2.345)[0] == said["accepting"].replace("’", "'")


def test_routes_add_up_to_a_thousand(measured: dict[str, Any]) -> None:
    for name, value in (("pass", 935.4), ("repair", 3.6), ("review", 58.5), ("block", 2.5)):
        measured["routes"]["per_1000"][name]["value"] = value
    assert [route.rows for route in certainty({"firewall": {"measured": measured}}).routes] == ["935", "4", "59", "2"]
