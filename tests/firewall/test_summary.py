from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from camelopard.firewall.summary import _contract, quality

FIGURE = {"value": 0.25, "low": 0.2, "high": 0.3}


def measured(**more: Any) -> dict[str, Any]:
    rows = {"clean": 100, "damaged": 200, "fooled": 50, "origins": 100}
    return {"rows": rows, "labelled": True, "auroc_fooled": FIGURE, "ece_risk": 0.01, "brier_risk": 0.04, "by_kind": {}, **more}


@pytest.mark.parametrize(
    ("key", "line"),
    [
        ("clean_stopped", "share stopped of the clean rows (alpha is 0.01)"),
        ("auroc_wrong", "AUROC, answer wrong or not: confidence"),
        ("auroc_wrong_by_own_doubt", "the model's own confidence"),
        ("fooled_caught_at_5_percent", "stopped at 5 % clean alarms, of the rows that fooled it"),
        ("harmful_caught_at_5_percent", "of those that fooled and whose answer is wrong"),
        ("harmless_flagged_at_5_percent", "of the damaged rows that did not"),
        ("repaired", "share wrong of the answers to repaired rows"),
    ],
)
def test_what_is_measured_is_printed_with_its_interval_and_what_is_not_is_left_out(key: str, line: str) -> None:
    figure = {**FIGURE, "alpha": 0.01} if key == "clean_stopped" else FIGURE
    lines = [text.removesuffix(" 0.250  (0.200–0.300)").strip() for text in quality(measured(**{key: figure})) if "(0.200–0.300)" in text]
    assert lines == ["AUROC, fooled or not: this firewall", line]
    assert line not in "\n".join(quality(measured()))


def test_a_figure_that_is_not_defined_is_no_line() -> None:
    nothing = {"value": np.nan, "low": 0.0, "high": 1.0}
    assert quality(measured(auroc_wrong=nothing)) == quality(measured())


def test_calibration_is_told_by_its_error_and_by_the_brier_score() -> None:
    text = "\n".join(quality(measured(ece_confidence=0.02, brier_confidence=0.15)))
    for line in ("calibration error of risk", "Brier score of risk", "calibration error of confidence", "Brier score of confidence"):
        assert line in text
    assert "of confidence" not in "\n".join(quality(measured()))


def test_of_numbers_it_is_said_how_far_off_they_are_and_never_that_they_are_wrong() -> None:
    keys = ("auroc_wrong", "harmful_caught_at_5_percent", "repaired")
    text = "\n".join(quality(measured(**dict.fromkeys(keys, FIGURE)), within=2.5))
    assert text.count("off by more than 2.5") == 3 and "wrong" not in text


def test_the_contract_has_a_line_for_each_column_and_one_for_each_rule_on_several() -> None:
    def rule(fields: list[str], statement: str, cost: float | None = None, muted: bool = False) -> dict[str, Any]:
        return {"fields": fields, "statement": statement, "cost": cost, "muted": muted}

    lines = _contract(
        [
            rule(["age"], "The column age is there.", 0.2),
            rule(["age", "years"], "age is never less than years.", 0.1),
            rule(["job"], "job is one of a, b.", 0.0),
            rule(["age"], "age is never missing.", float("nan")),
            rule(["age"], "age lies between 18 and 89.", muted=True),
        ]
    )
    assert lines[1:4] == [
        "  - age: there (broken, 20.0 % of rows fool the model); never missing.",
        "  - job: is one of a, b.",
        "  - age is never less than years (broken, 10.0 % of rows fool the model).",
    ]
    assert lines[5:] == ["  - age lies between 18 and 89."]
