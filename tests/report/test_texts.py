from __future__ import annotations

from typing import Any

import pytest

from camelopard.report import texts
from camelopard.report.texts import differences, marked, strange


def flat(parts: tuple[texts.Part, ...]) -> str:
    signs = {"del": "-", "ins": "+", "mark": "!", "": "", "gap": ""}
    return "".join(f"[{signs[p.kind]}{p.text}]" if signs[p.kind] else p.text for p in parts)


def test_what_differs_is_marked_in_both_texts_word_by_word() -> None:
    before, after = differences("A fine film with a plot, they say.", "A fine flim with a plot, said.")
    assert flat(before) == "A fine [-film] with a plot, [-they say]."
    assert flat(after) == "A fine [+flim] with a plot, [+said]."


def test_equal_texts_have_no_marks() -> None:
    assert flat(differences("A fine film.", "A fine film.")[1]) == "A fine film."


def test_where_nearly_all_differs_nothing_is_marked() -> None:
    before, after = differences("A sharp study of fame.", "Eine kluge Studie über Ruhm.")
    assert (flat(before), flat(after)) == ("A sharp study of fame.", "Eine kluge Studie über Ruhm.")


def test_long_texts_show_what_stands_around_the_change() -> None:
    before = "word " * 500 + "fine" + " word" * 500
    _, after = differences(before, before.replace("fine", "f1ne"))
    assert "[+f1ne]" in flat(after)
    assert flat(after).count("…") == 2 and len(flat(after)) < 200


def test_what_nobody_sees_is_made_visible() -> None:
    _, after = differences("A fine film for all of us.", "A fine\u00a0film fo\u200br all of us.")
    assert "[U+00A0]" in flat(after) and "[U+200B]" in flat(after)


def test_hostile_texts_take_little_room() -> None:
    pairs = [("a b " * 5000, "b a " * 5000), ("x" * 10**6, "\x00" * 10**6), ("\u202e" * 10**5, "[" * 10**5), ("a\n" * 9000, "a " * 9000)]
    for before, after in pairs:
        for parts in differences(before, after):
            assert sum(len(p.text) for p in parts) < 20_000


def test_new_letters_of_other_alphabets_are_named() -> None:
    assert strange("a film", "\u0430 film") == "new: “\u0430” is CYRILLIC SMALL LETTER A"
    assert strange("a film", "ä film") == ""
    assert strange("a film", "какой хороший фильм") == "", "there is nothing to confuse"


def test_marks_are_numbered_by_their_reason() -> None:
    found = marked("A fine flim, a dull flim.", [(7, 11, "unknown"), (0, 1, "new"), (20, 24, "unknown")])
    assert flat(found.parts) == "[!A] fine [!flim], a dull [!flim]."
    assert [p.note for p in found.parts if p.kind == "mark"] == [1, 2, 2]
    assert found.reasons == ("new", "unknown")


@pytest.mark.parametrize("marks", [None, 3, "text", [None], [(1, 2)], [(5, 2, "why")], [(0, 99, "why")], [(True, 2, "why")], [("a", 2, "why")]])
def test_marks_that_fit_no_place_are_left_out(marks: Any) -> None:
    assert marked("A film.", marks).reasons == ()


@pytest.mark.parametrize(
    ("value", "text"), [("Private", False), ("Married-civ-spouse", False), ("A film to see.", True), ("x" * 80, True), (None, False)]
)
def test_an_entry_of_a_table_is_no_text_to_read(value: Any, text: bool) -> None:
    assert texts.is_text(value) is text
