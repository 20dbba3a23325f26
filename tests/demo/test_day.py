from __future__ import annotations

import io
from typing import Any

import numpy as np
import pytest
from rich.console import Console

from camelopard.core.records import Verdict
from camelopard.demo.data import BOARD, CHALK, digits, reviews
from camelopard.demo.day import Case, card, table
from camelopard.demo.digit_story import half_loaded, out_of_focus, with_stuck_pixel
from camelopard.demo.drawing import excerpt, small
from camelopard.demo.review_story import mistyped


def case(good: Any, bad: Any, truth: Any = "good", prediction: Any = "bad", sure: float | None = 0.934) -> Case[Any]:
    return Case("what is wrong", False, good, bad, truth, Verdict(0, prediction, 0.9, 0.1, 1.0, "review", (), None), sure)


def shown(*cases: Case[Any], own: bool) -> str:
    out = io.StringIO()
    Console(file=out, width=160).print(table(cases, "the text", lambda c: c.bad, own=own))
    return out.getvalue()


def test_reviews_are_divided_as_promised_and_named_with_their_source() -> None:
    from pathlib import Path

    from camelopard.demo import data as place

    data = reviews()
    assert (len(data.train), len(data.held), len(data.test)) == (3000, 2000, 1000)
    assert set(data.test_labels) == {"good", "bad"}
    assert not set(data.train) & set(data.test) and not set(data.train) & set(data.held)
    assert "MIT" in (Path(place.__file__).parent / "reviews.md").read_text(encoding="utf-8")


def test_two_digits_are_kept_from_the_model() -> None:
    data = digits()
    assert set(data.train_labels) == set(data.held_labels) == set(data.test_labels) == set(range(8))
    assert set(data.strange_labels) == {8, 9}
    assert len(data.train) + len(data.held) + len(data.test) + len(data.strange) == 1797
    assert data.train.shape[1:] == (8, 8, 3) and data.train.dtype == np.uint8
    assert (data.train.min(axis=(0, 1, 2)) >= np.minimum(CHALK, BOARD)).all() and (data.train.max(axis=(0, 1, 2)) <= np.maximum(CHALK, BOARD)).all()


def test_the_table_says_how_sure_the_model_was_only_where_asked() -> None:
    assert "bad (93 %)" in shown(case("a", "b"), own=True)
    assert "93 %" not in shown(case("a", "b"), own=False)
    assert "no answer" in shown(case("a", "b", prediction=None, sure=None), own=True)


def test_a_card_keeps_numbers_as_numbers() -> None:
    found = card(case("a", "b", truth=8, prediction=2), "an 8")
    assert (found["should_be"], found["before"], found["after"], found["wrong"]) == (8, 2, None, "an 8")


def test_an_excerpt_begins_shortly_before_what_changed() -> None:
    good = f"{'word ' * 30}a wonderful film."
    found = excerpt(case(good, good.replace("wonderful", "wоnderful")))
    assert found.plain == "…rd word word word a wоnderful film."
    assert [str(span.style) for span in found.spans if "bold" in str(span.style)] == ["bold magenta"]
    assert excerpt(case(good, "")).plain == "(nothing)"
    assert len(excerpt(case("A film.", "x" * 5000)).plain) <= 90


@pytest.mark.parametrize(
    ("system", "drawn"),
    [("truecolor", "\n".join(["▀" * 8] * 4)), (None, "█·······" + "\n········" * 3)],
)
def test_a_picture_is_drawn_by_what_the_console_can(system: Any, drawn: str) -> None:
    pixels = np.zeros((8, 8))
    pixels[:2, 0] = 16.0
    console = Console(file=io.TextIOWrapper(io.BytesIO(), encoding="utf-8"), width=80, force_terminal=system is not None, color_system=system)
    assert small(pixels, (0.0, 16.0), console).plain == drawn
    ascii_only = Console(file=io.TextIOWrapper(io.BytesIO(), encoding="ascii"), width=80)
    assert small(pixels, (0.0, 16.0), ascii_only).plain == "8 × 8 pixels"


def test_a_coloured_picture_is_drawn_in_its_colours() -> None:
    red_on_blue = np.zeros((3, 1, 3), dtype=np.uint8)
    red_on_blue[0, 0, 0] = red_on_blue[1, 0, 2] = 255
    console = Console(file=io.TextIOWrapper(io.BytesIO(), encoding="utf-8"), width=80, force_terminal=True, color_system="truecolor")
    drawn = small(red_on_blue, (0.0, 255.0), console)
    assert drawn.plain == "▀\n▀" and [str(span.style) for span in drawn.spans] == ["rgb(255,0,0) on rgb(0,0,255)", "rgb(0,0,0) on rgb(0,0,0)"]
    grey = Console(file=io.TextIOWrapper(io.BytesIO(), encoding="utf-8"), width=80)
    assert small(np.full((2, 2, 3), 255), (0.0, 255.0), grey).plain == "██"


def test_what_is_no_picture_is_told_in_words() -> None:
    console = Console(file=io.StringIO())
    assert small(b"file", (0.0, 1.0), console).plain == "a file of bytes"  # type: ignore[arg-type]
    assert small(np.zeros((1, 8, 8)), (0.0, 1.0), console).plain == "an array of shape (1, 8, 8)"


def test_mishaps_change_what_they_say_and_leave_the_original_alone() -> None:
    pixels = np.arange(192, dtype=np.uint8).reshape(8, 8, 3)
    before = pixels.copy()
    assert mistyped("A wonderful film") == "A wonedrful flim"
    assert (with_stuck_pixel(pixels)[0, 0] == 255).all()
    assert (half_loaded(pixels)[4:] == 128).all() and (half_loaded(pixels)[:4] == pixels[:4]).all()
    assert out_of_focus(pixels).std() < pixels.std()
    assert np.array_equal(pixels, before)
