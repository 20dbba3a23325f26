from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from camelopard.evidence.recovery import plain_forms, recovered_boolean, recovered_category, recovered_number

KNOWN = ["Private", "State-gov", "Self-emp-inc", "Self-emp-not-inc", "Zürich"]


@pytest.mark.parametrize(
    ("cell", "number"),
    [("36", 36.0), ("1,5", 1.5), ("1.234.567", 1234567.0), ("1'234", 1234.0), ("12 345,6", 12345.6), ("€ 12", 12.0), ("1e3", 1000.0), ("-4", -4.0)],
)
def test_numbers_are_read_from_how_people_write_them(cell: str, number: float) -> None:
    assert recovered_number(cell) == number


@pytest.mark.parametrize("cell", ["", "abc", "3 of 4", "nan", "inf", "1_000x", None, [1], "9" * 500])
def test_what_is_no_single_number_is_not_guessed(cell: object) -> None:
    assert recovered_number(cell) is None


@pytest.mark.parametrize("cell", ["private", " Private ", "PRIVATE", "Privat", "Prviate", "private\t"])
def test_spellings_of_a_known_value_are_recovered(cell: str) -> None:
    assert recovered_category(cell, plain_forms(KNOWN), KNOWN) == "Private"


def test_broken_encoding_is_undone() -> None:
    assert recovered_category("Zürich".encode().decode("latin-1"), plain_forms(KNOWN), KNOWN) == "Zürich"


@pytest.mark.parametrize("cell", ["Federal", "", "   ", "x", 7, "Self-emp"])
def test_a_new_value_is_not_taken_for_a_known_one(cell: object) -> None:
    assert recovered_category(cell, plain_forms(KNOWN), KNOWN) is None


def test_two_values_with_one_plain_form_are_not_mixed_up() -> None:
    assert recovered_category("AB", plain_forms(["ab", "a b"]), ["ab", "a b"]) is None


@pytest.mark.parametrize(("cell", "value"), [("yes", True), ("N", False), (1, True), (2, None), ("maybe", None), ([], None)])
def test_truth_values(cell: object, value: bool | None) -> None:
    assert recovered_boolean(cell) is value


@given(st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary() | st.lists(st.integers()))
def test_nothing_raises_on_any_cell(cell: object) -> None:
    recovered_number(cell)
    recovered_boolean(cell)
    recovered_category(cell, plain_forms(KNOWN), KNOWN)


def test_a_number_in_the_midst_of_something_else_is_not_what_was_meant() -> None:
    for text in ("x<script>alert(1)</script>", "{'age': 36}", "one of 7 who never said", "SELECT 1;", "=36"):
        assert recovered_number(text) is None, text
    for text, meant in (("€ 1.234,50", 1234.5), ("36 years old", 36.0), ("ca. 36 J.", 36.0), ("36°", 36.0), ("(36)", 36.0), ("age: 36", 36.0)):
        assert recovered_number(text) == meant, text
