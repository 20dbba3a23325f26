"""Words fall into the pieces that other words are made of."""

from __future__ import annotations

import pytest

from camelopard.modality.text_pieces import FEWEST, LONGEST, MOST, Pieces

WORDS = ["reading", "reader", "reads", "singing", "bringing", "ringing", "singer", "bringer"]


def test_pieces_together_are_the_word_and_the_longest_comes_first() -> None:
    pieces = Pieces.learn(WORDS)
    for word in ("rereading", "xreadersinging", "qqq", "é", ""):
        assert "".join(pieces.divided(word)) == word
    assert pieces.divided("readringing") == ["read", "ring", "ing"]
    assert len(pieces.divided("readinging")) < len(pieces.divided("rdaenigign"))


def test_a_piece_stands_in_several_words_and_not_in_one_many_times() -> None:
    assert "ab" not in Pieces.learn(["ababababab", "abab"]).pieces
    assert "ab" in Pieces.learn(["ab", "abc", "xab"]).pieces and FEWEST == 3
    assert all(2 <= len(piece) <= LONGEST for piece in Pieces.learn(WORDS).pieces)


def test_what_is_too_long_to_be_a_word_teaches_nothing() -> None:
    assert Pieces.learn(["ab" * 21, "ab" * 22, "ab" * 23]).pieces == []


def test_the_order_of_words_does_not_matter_and_there_are_not_more_than_so_many() -> None:
    assert Pieces.learn(WORDS).pieces == Pieces.learn(reversed(WORDS)).pieces
    letters = [chr(97 + i) for i in range(26)]
    many = [f"{a}{b}{c}{k}" for a in letters for b in letters for c in letters for k in ("x", "y", "z")]
    assert len(Pieces.learn(many).pieces) <= MOST


def test_what_was_learned_comes_back_and_what_was_not_is_refused() -> None:
    pieces = Pieces.learn(WORDS)
    assert Pieces.from_state(pieces.state()).divided("rereading") == pieces.divided("rereading")
    for bad in ({}, {"pieces": ["a"]}, {"pieces": ["ab", "ab"]}, {"pieces": "abc"}, {"pieces": ["x" * 9]}, {"pieces": [1]}):
        with pytest.raises(ValueError):
            Pieces.from_state(bad)
