from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from camelopard.core.digits import figure, precisely


@pytest.mark.parametrize(
    ("value", "few", "many"),
    [
        (6332.5, "6332", "6332.5"),
        (285_100.3, "285,100", "285,100.3"),
        (-1_234_567.891, "-1,234,568", "-1,234,567.89"),
        (64.213936503341, "64.21", "64.2139"),
        (float(np.float32(0.1)), "0.1", "0.1"),
        (99_999.99999999, "100,000", "100,000"),
        (0.000012, "1.2e-05", "1.2e-05"),
        (-0.0, "0", "0"),
        (1e15, "1e+15", "1e+15"),
        (float("inf"), "infinity", "infinity"),
        (float("nan"), "nothing", "nothing"),
    ],
)
def test_a_number_is_told_in_few_digits_and_shown_in_more(value: float, few: str, many: str) -> None:
    assert (figure(value), precisely(value)) == (few, many)


@given(st.floats(allow_nan=False, allow_infinity=False), st.floats(allow_nan=False, allow_infinity=False))
def test_two_numbers_that_differ_are_written_so_that_it_can_be_seen(value: float, other: float) -> None:
    shown = float(precisely(value, other).replace(",", ""))
    assert (shown > other, shown < other) == (value > other, value < other)


@given(st.floats(min_value=1e-4, max_value=1e15, exclude_max=True))
def test_no_usual_number_is_written_with_an_exponent(value: float) -> None:
    assert "e" not in precisely(value).replace("1e+15", "") and "e" not in figure(value).replace("1e+15", "")
