"""The worst of what a run found: one of each kind, bounded, and without the words of errors, which may quote rows."""

from __future__ import annotations

import pytest

from camelopard.core.records import Finding
from camelopard.stress.foremost import LONGEST_NAME, LONGEST_WORDS, MOST, foremost


def test_the_worst_of_each_kind_is_kept_and_the_others_are_counted() -> None:
    found = [Finding("sign", "a", "A.", "high"), Finding("unit-scale", "a", "B.", "medium"), Finding("sign", "b", "C.", "low")]
    kept = foremost(found)
    assert kept[0] == {"level": "high", "code": "sign", "subject": "a", "message": "A.", "others": 1}
    assert [(one["code"], one["others"]) for one in kept] == [("sign", 1), ("unit-scale", 0)]


def test_what_was_no_finding_in_the_end_is_left_out() -> None:
    assert foremost([Finding("sign", "a", "A.", "none")]) == []


def test_checks_that_could_not_run_are_kept_each_for_itself() -> None:
    assert [one["others"] for one in foremost([Finding("not-run", check, "No.", "medium") for check in "abb"])] == [0, 1]


def test_what_is_kept_has_an_end() -> None:
    many = foremost([Finding(f"kind-{i}", "a" * 1_000, "w" * 5_000, "high") for i in range(500)])
    assert len(many) == MOST
    assert {len(one["message"]) for one in many} == {LONGEST_WORDS}
    assert {len(one["subject"]) for one in many} == {LONGEST_NAME}


@pytest.mark.parametrize(
    ("message", "kept"),
    [
        ("`a` makes the model raise an error in 9 % of rows: ValueError: 'Ann'.", "`a` makes the model raise an error in 9 % of rows: ValueError."),
        ("m raises on 3 of 9 clean rows; the first error: Odd: Ann Low", "m raises on 3 of 9 clean rows; the first error: Odd."),
        ("The damage 'x' could not be tried on `age`: TypeError: Ann\nLow", "The damage 'x' could not be tried on `age`: TypeError."),
        ("`age` changes the answer in 80 % of rows (49–94 %).", "`age` changes the answer in 80 % of rows (49–94 %)."),
    ],
)
def test_of_an_error_only_its_name_is_told(message: str, kept: str) -> None:
    assert foremost([Finding("sign", "a", message, "high")])[0]["message"] == kept
