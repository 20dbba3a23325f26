"""What the damages to words, extent, language and pairs of texts do, with values."""

from __future__ import annotations

import numpy as np
import pytest

from camelopard.core.arrays import objects
from camelopard.core.batch import Batch
from camelopard.core.schema import Column, Schema
from camelopard.stress.damages import named
from camelopard.stress.damages.text_extent import LENGTHS
from camelopard.stress.damages.text_language import ALPHABETS, LANGUAGES, TRANSLATED, VOCABULARY, WORDS_OF, WRITINGS
from camelopard.stress.damages.text_words import opposite

SCHEMA = Schema({"text": Column("text", "text")})
FOUR = "no no no no way way way way"
PAIRS = Schema({"first": Column("first", "text"), "second": Column("second", "text")})
REVIEW = "The gorgeously elaborate continuation of a trilogy, so huge that no column of words can describe it."


def damaged(kind: str, severity: int, *texts: object, seed: int = 0) -> list[str]:
    batch = Batch({"text": objects(texts)}, np.arange(len(texts)))
    return [str(v) for v in named(kind).apply(batch, "text", severity, np.random.default_rng(seed), SCHEMA).columns["text"].tolist()]


def paired(kind: str, *pairs: tuple[object, object]) -> list[tuple[object, object]]:
    batch = Batch.of(list(pairs))
    after = named(kind).apply(batch, "first|second", 3, np.random.default_rng(0), PAIRS)
    return list(zip(after.columns["first"].tolist(), after.columns["second"].tolist(), strict=True))


def test_shuffled_words_are_the_same_words_elsewhere() -> None:
    new = damaged("shuffled-words", 5, REVIEW)[0]
    assert sorted(new.split()) == sorted(REVIEW.split())
    assert all(a != b for a, b in zip(new.split(), REVIEW.split(), strict=True) if REVIEW.split().count(a) == 1)
    moved = [a != b for a, b in zip(damaged("shuffled-words", 1, REVIEW)[0].split(), REVIEW.split(), strict=True)]
    assert sum(moved) == 2
    assert damaged("shuffled-words", 5, "one", "a b") == ["one", "b a"]


def test_dropped_and_repeated_words_are_counted() -> None:
    assert len(damaged("dropped-words", 3, REVIEW)[0].split()) == len(REVIEW.split()) - round(0.4 * len(REVIEW.split()))
    assert damaged("dropped-words", 5, "one", "") == ["one", ""]
    assert len(damaged("dropped-words", 5, "a b")[0]) == 1
    assert [damaged("repeated-words", s, "no way")[0] for s in (1, 5)] in (["no no way", FOUR], ["no way way", FOUR])
    assert damaged("repeated-words", 4, "no") == ["no no no"]


def test_numbers_become_words_and_words_numbers() -> None:
    assert damaged("numbers-rewritten", 5, "One of 42 films from 1998, the Second of 7.") == [
        "1 of forty-two films from one nine nine eight, the 2nd of seven."
    ]
    assert damaged("numbers-rewritten", 5, "someone alone 20 100") == ["someone alone twenty one zero zero"]


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("It is good.", "It is not good."),
        ("It is not good.", "It is good."),
        ("You can't miss it.", "You can miss it."),
        ("You cannot miss it.", "You can miss it."),
        ("It won’t bore you.", "It will bore you."),
        ("It doesn't work.", "It does work."),
        ("Never dull.", "dull."),
        ("A fine film.", "It is not true that a fine film."),
        ("Another notable piece.", "It is not true that another notable piece."),
        ("  ", "  "),
    ],
)
def test_a_negation_is_taken_out_or_put_in(said: str, meant: str) -> None:
    assert opposite(said) == meant
    assert damaged("negated", 3, said) == [meant]


def test_a_cut_text_is_a_beginning_and_never_nothing() -> None:
    assert [damaged("cut-text", s, "0123456789")[0] for s in (1, 2, 3, 4, 5)] == ["01234567", "012345", "0123", "01", "0"]
    assert damaged("cut-text", 1, "ab", "a", "") == ["a", "a", ""]


@pytest.mark.parametrize("severity", [1, 2, 3, 4, 5])
def test_an_over_long_text_repeats_itself_beyond_a_known_length(severity: int) -> None:
    short, long = damaged("over-long-text", severity, "good film", REVIEW * 600)
    assert LENGTHS[severity - 1] < len(short) < LENGTHS[severity - 1] + 30
    assert set(short.split()) == {"good", "film"}
    assert len(long) == len(REVIEW * 600) + LENGTHS[severity - 1]


def test_an_empty_text_has_no_character_that_is_seen() -> None:
    assert [new.strip() for new in damaged("empty-text", 3, *[REVIEW] * 30)] == [""] * 30
    assert len(set(damaged("empty-text", 3, *[REVIEW] * 60))) > 3


def test_said_twice_and_glued_to_other_rows() -> None:
    assert [damaged("doubled-text", s, "good")[0] for s in (1, 2, 3)] == ["good good", "good\ngood", "good\ngood\ngood"]
    new = damaged("glued-texts", 2, "aaaa", "bbbb", None)
    assert new[0].startswith("aaaa ")
    assert new[1] in ("bbbb aaaa", "bbbb ")
    assert new[2] == "None"
    assert damaged("glued-texts", 1, "aaaa", "bbbb") == ["aaaa bb", "bbbb aa"]
    assert damaged("glued-texts", 5, "a") == ["a a a a a a"]


def test_common_words_are_translated_and_others_become_any_word_of_that_language() -> None:
    versions = {damaged("other-language", 5, "This is not a good film", seed=seed)[0] for seed in range(30)}
    assert versions == {
        "Dieser ist nicht ein gut Film",
        "Ce est pas un bon film",
        "Este es no un bueno película",
        "Questo è non un buono film",
        "Deze is niet een goed film",
    }
    for k, language in enumerate(LANGUAGES):
        found = [v for v in (damaged("other-language", 5, "the zyx of", seed=s)[0] for s in range(30)) if v.split()[0] == TRANSLATED[k]["the"]]
        assert found, language
        assert any(v.split()[1] in VOCABULARY[k] for v in found)


def test_the_tables_of_languages_and_alphabets_are_complete() -> None:
    assert {len(row) for row in WORDS_OF} == {1 + len(LANGUAGES)}
    assert len({row[0] for row in WORDS_OF}) == len(WORDS_OF) > 100
    assert {len(alphabet) for alphabet in ALPHABETS} == {26}
    assert all(len(words) >= 25 and not any(word.isascii() for word in words) for words in WRITINGS)


def test_another_script_or_alphabet_leaves_no_latin_letter() -> None:
    for kind in ("other-script", "other-alphabet"):
        for new in damaged(kind, 5, *[REVIEW] * 12):
            assert not any("a" <= c.lower() <= "z" for c in new)
    assert "Фил" in " ".join(damaged("other-alphabet", 5, *["Film"] * 12))


def test_nonsense_replaces_words_and_a_placeholder_the_text() -> None:
    assert not set(damaged("keyboard-mash", 5, REVIEW)[0].split()) & set(REVIEW.split())
    assert not set(damaged("random-characters", 5, REVIEW)[0].split()) & set(REVIEW.split())
    assert sum(a != b for a, b in zip(damaged("keyboard-mash", 2, REVIEW)[0].split(), REVIEW.split(), strict=True)) == round(0.2 * 17)
    assert "asdf" in damaged("placeholder-text", 3, *[REVIEW] * 200)


def test_pairs_are_exchanged_doubled_or_mixed_with_other_pairs() -> None:
    given = [("a", "b"), ("c", "d"), ("e", None)]
    assert paired("exchanged-texts", *given) == [("b", "a"), ("d", "c"), (None, "e")]
    assert paired("text-with-itself", *given) == [("a", "a"), ("c", "c"), ("e", "e")]
    mixed = paired("text-of-another-pair", *given)
    assert all((new[0] == old[0]) != (new[1] == old[1]) for new, old in zip(mixed, given, strict=True))
    assert paired("text-of-another-pair", ("a", "b")) == [("a", "b")]
