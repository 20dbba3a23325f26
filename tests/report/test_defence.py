from __future__ import annotations

from typing import Any

import pytest

from camelopard.report import defence


def plain(text: str) -> str:
    return text.replace("\u00a0", " ")


def test_changes_are_listed_from_small_to_large_whatever_their_order() -> None:
    found = defence.attacks({"attacks": {"fooled_within": {"1": 0.8, "0.05": 0.1, "0.5": 0.4, "all": 1.0}}})
    assert [(s.size, plain(s.share)) for s in found.steps] == [("0.05 spreads", "10 %"), ("0.5 spreads", "40 %"), ("1 spread", "80 %")]


def test_no_attacks_are_nothing_to_show() -> None:
    assert not defence.attacks({})
    assert not defence.attacks({"attacks": {"rows": 0, "fooled_within": {}, "by_column": [], "examples": []}})


@pytest.mark.parametrize("quality", [{"value": 0.957, "low": 0.948, "high": 0.966}, {"value": 0.957, "interval": {"low": 0.948, "high": 0.966}}])
def test_measured_quality_may_hold_its_interval_either_way(quality: dict[str, Any]) -> None:
    found = defence.firewall({"firewall": {"measured": {"auroc_fooled": quality, "rows": {"clean": 3}, "labelled": True}}})
    assert [(f.value, f.span) for f in found.figures] == [("0.957", "0.948–0.966")]


def test_a_model_without_confidence_has_no_figure_for_it_and_a_repaired_number_is_not_called_wrong() -> None:
    none, some = {"value": 0.5, "low": 0.5, "high": 0.5}, {"value": 0.5, "low": 0.48, "high": 0.52}
    measured = {
        "auroc_fooled": none,
        "auroc_fooled_by_own_doubt": none,
        "auroc_unseen_by_own_doubt": some,
        "repaired": {"value": 0.25},
        "auroc_wrong": some,
    }
    found = defence.firewall({"firewall": {"measured": measured, "tolerance": 2.5, "model": {"task": "regression"}}})
    assert [f.name for f in found.figures] == [
        defence.FIGURES["auroc_fooled"],
        defence.FIGURES["auroc_unseen_by_own_doubt"],
        "Answers off by more than 2.5 (the model's median error) among those given to repaired rows",
        "AUROC: answers off by more than 2.5 (the model's median error) above right ones, by confidence",
    ]


def test_promise_names_alpha_and_calibration_rows() -> None:
    found = defence.firewall({"firewall": {"threshold": {"alpha": 0.01, "confidence": 0.95, "rows": 4000, "alarms_possible": True, "risk": 0.41}}})
    assert plain(found.promise[0]) == (
        "Of clean rows like those it was fitted on, at most 1 % are stopped. This holds with a probability of 95 %, given 4,000 calibration rows."
    )
    assert found.promise[1] == "A row is stopped from a risk of 0.41."


def test_a_promise_kept_on_average_is_told_as_that() -> None:
    threshold = {"alpha": 0.01, "confidence": 0.64, "on_average": True, "rows": 102, "alarms_possible": True, "risk": 0.41}
    found = defence.firewall({"firewall": {"threshold": threshold}})
    assert plain(found.promise[0]) == (
        "Of clean rows like those it was fitted on, at most 1 % are stopped on average over such fits. "
        "This fit keeps to it with a probability of 64 %, given 102 calibration rows."
    )


def test_a_firewall_that_cannot_promise_says_so() -> None:
    found = defence.firewall({"firewall": {"threshold": {"alpha": 0.01, "rows": 50, "alarms_possible": False, "risk": None}}})
    assert [plain(line) for line in found.promise] == ["No alarms: 50 calibration rows are too few to promise at most 1 % false alarms."]


def test_kinds_hardest_to_see_come_first_and_unmeasured_ones_last() -> None:
    by_kind = {
        "a": {"n": 10, "fooled": 0.0, "auroc": float("nan")},
        "b": {"n": 10, "fooled": 0.5, "auroc": 0.9},
        "c": {"n": 10, "fooled": 0.5, "auroc": 0.7},
    }
    found = defence.firewall({"firewall": {"measured": {"by_kind": by_kind}}})
    assert [(head, plain(cells[1]), cells[2]) for head, cells in found.table] == [("c", "50 %", "0.7"), ("b", "50 %", "0.9"), ("a", "0 %", "–")]


def test_a_given_table_is_shown_instead() -> None:
    found = defence.firewall(
        {"firewall": {"table": [{"group": "women", "n": 1200, "auroc": {"value": 0.91}}], "measured": {"by_kind": {"a": {"n": 1}}}}}
    )
    assert (found.heads, found.table) == (("group", "rows", "AUROC"), (("women", ("1,200", "0.91")),))


def test_only_a_wrong_answer_is_marked_in_a_screened_row() -> None:
    rows = [{"should_be": "a", "before": "b"}, {"should_be": "a", "before": "a"}, {"before": "b"}, {"should_be": "a", "before": None}]
    assert [r.mistaken for r in defence.screened({"screen": {"rows": rows}})] == [True, False, False, True]


def test_an_unknown_route_is_not_passed_on() -> None:
    assert [r.route for r in defence.screened({"screen": {"rows": [{"route": "pass"}, {"route": '"><b>'}, {"route": ["pass"]}]}})] == [
        "pass",
        "unknown",
        "unknown",
    ]


def test_a_firewall_that_learned_next_to_nothing_says_so_before_its_promise() -> None:
    little = {"told": "this firewall hardly knows what fools the model: 12 damaged rows taught it."}
    found = defence.firewall({"firewall": {"little_learned": little, "threshold": {"alpha": 0.01, "rows": 50, "alarms_possible": False}}})
    assert found.promise[0] == little["told"] and found.promise[1].startswith("No alarms")
    assert "hardly" not in " ".join(defence.firewall({"firewall": {"threshold": {"alpha": 0.01, "alarms_possible": True}}}).promise)
