"""What the damages to spelling, layout and encoding do, with values."""

from __future__ import annotations

import unicodedata

import numpy as np
import pytest

from camelopard.core.arrays import objects
from camelopard.core.batch import Batch
from camelopard.core.schema import Column, Schema
from camelopard.stress.damages import named
from camelopard.stress.damages.text_invisible import CONTROLS, ENDS, OVERRIDES, ZERO_WIDTH
from camelopard.stress.damages.text_lookalike import LOOK_ALIKES
from camelopard.stress.damages.text_typing import KEYS

SCHEMA = Schema({"text": Column("text", "text")})
REVIEW = "The gorgeously elaborate continuation of a trilogy, so huge that no column of words can describe it."


def damaged(kind: str, severity: int, *texts: object, seed: int = 0) -> list[str]:
    batch = Batch({"text": objects(texts)}, np.arange(len(texts)))
    return [str(v) for v in named(kind).apply(batch, "text", severity, np.random.default_rng(seed), SCHEMA).columns["text"].tolist()]


def test_a_wrong_key_lies_next_to_the_right_one() -> None:
    new = damaged("neighbour-key", 3, REVIEW)[0]
    slips = [(a, b) for a, b in zip(REVIEW.lower(), new.lower(), strict=True) if a != b]
    assert len(slips) == round(0.1 * sum(a.isalpha() for a in REVIEW))
    assert all(b in KEYS[a] for a, b in slips)
    assert all(a.isupper() == b.isupper() for a, b in zip(REVIEW, new, strict=True))


def test_letters_are_added_lost_swapped_and_held() -> None:
    letters = sum(a.isalpha() for a in REVIEW)
    assert len(damaged("inserted-letters", 5, REVIEW)[0]) == len(REVIEW) + round(0.4 * letters)
    assert len(damaged("dropped-letters", 5, REVIEW)[0]) == len(REVIEW) - round(0.4 * letters)
    swapped = damaged("swapped-letters", 3, REVIEW)[0]
    assert swapped != REVIEW
    assert sorted(swapped) == sorted(REVIEW)
    assert [sorted(word) for word in swapped.split()] == [sorted(word) for word in REVIEW.split()]  # no letter leaves its word
    assert set(damaged("held-key", 5, "no")) <= {"nnnnnnnnnno", "noooooooooo"}


def test_a_text_of_one_letter_survives_slips() -> None:
    assert damaged("dropped-letters", 1, "a", "", "?") == ["", "", "?"]
    assert damaged("swapped-letters", 5, "a", "aa") == ["a", "aa"]


def test_capitals_change_and_nothing_else() -> None:
    assert [damaged("letter-case", s, "Good film")[0] for s in (1, 2, 3, 4)] == ["good film", "Good Film", "GOOD FILM", "gOOD FILM"]
    assert damaged("letter-case", 1, "good") == ["GOOD"]
    mixed = damaged("letter-case", 5, REVIEW)[0]
    assert mixed.lower() == REVIEW.lower()
    assert mixed not in (REVIEW, REVIEW.lower(), REVIEW.upper())


def test_punctuation_is_removed_or_repeated_and_words_stay() -> None:
    assert damaged("removed-punctuation", 5, "Well, it isn't!") == ["Well it isnt"]
    assert damaged("repeated-punctuation", 3, "Well!") == ["Well!!!!"]
    assert damaged("repeated-punctuation", 1, "Well") == ["Well!!"]


@pytest.mark.parametrize("kind", ["irregular-spaces", "line-breaks"])
def test_white_space_of_any_kind_leaves_the_words(kind: str) -> None:
    for severity in (1, 2, 3):
        new = damaged(kind, severity, REVIEW)[0]
        assert new != REVIEW
        assert new.split() == REVIEW.split()


def test_lines_break_within_words_with_a_hyphen_at_high_severity() -> None:
    new = damaged("line-breaks", 5, REVIEW)[0]
    assert "".join(new.replace("-", "").split()) == "".join(REVIEW.split())
    assert "-" in new


def test_lost_spaces_run_words_together() -> None:
    assert damaged("lost-spaces", 5, "so very good") == ["soverygood"]
    assert damaged("lost-spaces", 1, "so very good")[0].count(" ") == 1


def test_utf8_read_as_cp1252_can_be_undone_once_per_layer() -> None:
    assert damaged("utf8-as-cp1252", 1, "café – isn’t") == ["cafÃ© â€“ isnâ€™t"]
    twice = damaged("utf8-as-cp1252", 3, "café")[0]
    assert twice.encode("cp1252").decode("utf-8").encode("cp1252").decode("utf-8") == "café"
    assert "â€™" in damaged("utf8-as-cp1252", 1, "isn't")[0]


def test_utf16_and_utf8_taken_for_each_other_can_be_undone() -> None:
    assert damaged("utf16-as-bytes", 1, "ab") == ["ÿþa\0b\0"]
    assert damaged("utf8-as-utf16", 1, "good film!")[0].encode("utf-16-le").decode("utf-8") == "good film!"


def test_lost_characters_are_marked_those_beyond_ascii_always() -> None:
    new = damaged("lost-characters", 1, "naïve café", REVIEW)
    assert all(len(a) == len(b) for a, b in zip(("naïve café", REVIEW), new, strict=True))
    assert new[0].isascii() == ("\ufffd" not in new[0] and "\u25a1" not in new[0])
    assert "ï" not in new[0]


def test_ascii_only_loses_accents_then_quotes_then_all_other_characters() -> None:
    assert [damaged("ascii-only", s, "naïve “café” 電")[0] for s in (1, 2, 4, 5)] == [
        "naive “cafe” 電",
        'naive "cafe" 電',
        'naive "cafe" ',
        'naive "cafe" ?',
    ]
    assert damaged("ascii-only", 5, REVIEW) == [REVIEW]


def test_markup_surrounds_the_words_and_can_be_taken_off() -> None:
    tagged = damaged("html-tags", 5, "good film")[0]
    assert tagged.startswith("<")
    assert tagged.count("</") == 2
    assert damaged("web-addresses", 5, "good film")[0].split()[::2] == ["good", "film"]
    escaped = damaged("escape-sequences", 5, "isn't it")[0]
    assert " " not in escaped.replace("<br />", "")
    assert any(code in escaped for code in ("&#39;", "%27", "\\u0027"))


def test_look_alikes_keep_the_length_and_leave_no_letter_that_has_one() -> None:
    new = damaged("look-alike-letters", 5, REVIEW)[0]
    assert len(new) == len(REVIEW)
    assert not set(new) & set(LOOK_ALIKES)
    assert all(b == a or b in LOOK_ALIKES[a] for a, b in zip(REVIEW, new, strict=True))


def test_no_look_alike_is_a_plain_letter() -> None:
    assert all(len(letter) == 1 and not (set(alike) & set(LOOK_ALIKES)) and not alike.isascii() for letter, alike in LOOK_ALIKES.items())


def test_leet_scans_accents_and_ornaments_are_what_they_are_called() -> None:
    assert damaged("leet", 5, "oz")[0] == "02"
    assert set(damaged("scanned-text", 1, *["m"] * 3)) == {"rn"}
    accented = damaged("added-accents", 5, REVIEW)[0]
    assert "".join(c for c in unicodedata.normalize("NFD", accented) if not unicodedata.combining(c)) == REVIEW
    ornate = damaged("ornate-letters", 5, REVIEW)[0]
    assert ornate != REVIEW
    assert unicodedata.normalize("NFKC", ornate) == REVIEW


@pytest.mark.parametrize(("kind", "unseen"), [("zero-width-characters", ZERO_WIDTH), ("control-characters", CONTROLS)])
def test_what_nobody_sees_can_be_taken_out_and_the_text_is_there(kind: str, unseen: str) -> None:
    for severity in (1, 5):
        new = damaged(kind, severity, REVIEW)[0]
        assert new != REVIEW
        assert "".join(c for c in new if c not in unseen) == REVIEW


def test_direction_marks_surround_words_that_are_shown_as_they_were() -> None:
    words = damaged("direction-marks", 5, REVIEW)[0].split()
    assert {(w[0], w[-1]) for w in words} <= set(zip(OVERRIDES, ENDS, strict=True))
    assert [w[1:-1][::-1] if w[0] == "\u202e" else w[1:-1] for w in words] == REVIEW.split()
