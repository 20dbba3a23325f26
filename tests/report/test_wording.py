from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from camelopard.report import wording


@pytest.mark.parametrize(
    ("share", "text"),
    [
        (0.0, "0 %"),
        (0.00001, "< 0.1 %"),
        (0.001, "0.1 %"),
        (0.0099, "0.99 %"),
        (0.0996, "10 %"),
        (0.5, "50 %"),
        (0.994, "99.4 %"),
        (1.0, "100 %"),
        (-0.03, "−3 %"),
    ],
)
def test_shares_have_the_digits_that_matter(share: float, text: str) -> None:
    assert wording.percent(share).replace(wording.SPACE, " ") == text


def test_only_everything_is_a_hundred_percent_and_only_nothing_is_zero() -> None:
    assert "100" not in wording.percent(0.9999999)
    assert wording.percent(1e-300) == wording.percent(0.0001)


@given(st.floats(0, 1))
def test_a_share_is_never_far_from_what_is_said(share: float) -> None:
    text = wording.percent(share).replace(wording.SPACE, " ").removesuffix(" %")
    if text[0] not in "<>":
        assert abs(float(text) - share * 100) <= 0.5


@given(st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(), st.lists(st.text())))
def test_any_value_can_be_shown_and_is_never_invisible_nor_endless(value: object) -> None:
    cell = wording.cell(value)
    assert cell.text.strip() or cell.remark
    assert len(cell.text) <= 12 * wording.LONGEST_CELL
    cell.text.encode("utf-8")


def test_huge_numbers_are_not_written_out() -> None:
    assert wording.cell(10**5000).text == "a number too large to show"
    assert wording.cell(math.inf).text == "infinity"


def test_invisible_characters_are_made_visible() -> None:
    assert wording.clean("a\u200bb\ud800c\x1bd") == "a[U+200B]b[U+D800]c[U+001B]d"
    assert wording.cell("x\u00a0y").text == "x[U+00A0]y"
    assert wording.cell("a\nb").text == "a↵b"


def test_text_that_looks_like_a_number_is_told_from_the_number() -> None:
    assert wording.cell("36") != wording.cell(36)
    assert wording.cell("12,5").remark == "text"


def test_years_have_no_separators_but_large_counts_do() -> None:
    assert (wording.figure(1985), wording.figure(123456.0), wording.figure(-2.5), wording.count(16281)) == ("1985", "123,456", "−2.5", "16,281")


def test_an_odd_number_of_back_ticks_is_left_alone() -> None:
    assert wording.prose("a ` b") == [(False, "a ` b")]


@given(st.text(alphabet=st.characters(codec="ascii"), max_size=200))
def test_prose_loses_nothing_but_back_ticks(text: str) -> None:
    said = wording.sentence(text).replace("`", "")
    assert said == wording.clean(text.replace("\n", " ")).replace("`", "")


def test_a_sentence_is_cut_where_it_is_too_long() -> None:
    assert wording.sentence("a" * 700) == "a" * wording.LONGEST_TEXT + "…"


def test_times_are_told_in_the_unit_that_fits() -> None:
    assert [wording.duration(s) for s in (0.04, 119.0, 3600.0, None)] == ["0.0 s", "119.0 s", "60 min 0 s", "unknown"]


def test_a_date_that_cannot_be_is_said_to_be_impossible() -> None:
    assert (wording.day(-1e9), wording.day(0), wording.day(None)) == ("an impossible date", "1970-01-01", "")
