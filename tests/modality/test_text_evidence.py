"""What gives a damaged text away: how it is written, words in disguise, words of another language, a seam. Each with texts on which it is silent."""

from __future__ import annotations

import unicodedata

import numpy as np
import pytest

from camelopard.core.arrays import objects
from camelopard.modality.text import NAMES, TextVectors
from camelopard.modality.text_disguises import Disguises
from camelopard.modality.text_foreign import COMMON_WORDS, Foreign
from camelopard.modality.text_forms import WORD
from camelopard.modality.text_language import Language
from camelopard.modality.text_seams import NO_WORDS, Seams
from camelopard.modality.text_shapes import Shapes

ENGLISH = (
    ("the film", "this movie", "the story", "her acting", "the script", "a director", "the music", "that comedy"),
    ("is", "was", "feels", "seems", "remains", "becomes"),
    ("wonderful", "boring", "too long", "surprisingly funny", "predictable", "a great pleasure", "charming and clever", "hard to follow"),
)
FRENCH = (
    ("le cinéma", "ce théâtre", "la scène", "cette comédie", "le héros", "la mère", "une idée", "le café"),
    ("a été", "était", "reste", "semble", "paraît", "devient"),
    ("très réussi", "décevant", "trop léger", "drôle à pleurer", "sans intérêt", "une révélation", "bien joué", "passé à côté"),
)
ORDERS = (("item", "part", "valve", "bolt"), ("no.", "ref.", "lot"), ("A-12/3*", "C#7 (2x)", "#55-B/9", "X*Y*Z 100%"))


def texts(parts: tuple[tuple[str, ...], ...], n: int, seed: int = 0) -> list[str]:
    rng = np.random.default_rng(seed)
    halves = [" ".join(str(rng.choice(part)) for part in parts) for _ in range(2 * n)]
    return [f"{a[0].upper()}{a[1:]}, {b}." for a, b in zip(halves[::2], halves[1::2], strict=True)]


@pytest.fixture(scope="module")
def english() -> TextVectors:
    return TextVectors.learn(objects(texts(ENGLISH, 300)))


@pytest.fixture(scope="module")
def french() -> TextVectors:
    return TextVectors.learn(objects(texts(FRENCH, 300)))


def number(vectors: TextVectors, name: str, *said: str) -> list[float]:
    return [float(v) for v in vectors.measure(objects(said))[:, NAMES.index(name)]]


def bare(text: str) -> str:
    return "".join(c for c in unicodedata.normalize("NFD", text) if not unicodedata.combining(c))


@pytest.mark.parametrize(
    "odd", ["The film is wond?rful, a story.", "The film is wonderfuL, a story.", "The film ,is wonderful. a story", "The f1lm is fine."]
)
def test_a_mark_a_digit_or_a_capital_in_the_wrong_place_is_seen_in_any_word(english: TextVectors, odd: str) -> None:
    assert number(english, "worst writing", odd)[0] > english.limits[2, NAMES.index("worst writing")]


def test_how_texts_are_written_says_nothing_about_what_they_say(english: TextVectors) -> None:
    known, new = "The film is wonderful, a story was boring.", "Old lute is marvelous, a fugue was lovely."
    assert number(english, "worst writing", known) == number(english, "worst writing", new)


def test_what_a_trade_writes_is_not_odd_in_that_trade(english: TextVectors) -> None:
    vectors, new = TextVectors.learn(objects(texts(ORDERS, 300))), objects(texts(ORDERS, 200, seed=1))
    column = NAMES.index("worst writing")
    assert (vectors.measure(new)[:, column] > vectors.limits[2, column]).mean() < 0.03
    assert (english.measure(new)[:, column] > english.limits[2, column]).mean() > 0.97


def test_a_text_that_breaks_off_within_a_word_ends_oddly(english: TextVectors) -> None:
    whole, broken = number(english, "ending", "The film is wonderful, the story was boring.", "The film is wonderful, the story was bor")
    assert broken > whole + 5


def test_an_unknown_character_is_none_of_the_rare_ones_that_are_known() -> None:
    shapes = Shapes.learn(["fine \U0001f600 film", "dull \U0001f600 film"] * 20)
    assert shapes.numbers("fine \u2603 film")[1] > shapes.numbers("fine film")[1] + 5


def test_letters_of_other_alphabets_are_shapes_like_others_where_they_are_at_home() -> None:
    shapes = Shapes.learn(["Этот фильм хороший.", "Новый фильм скучный."] * 20)
    clean, odd = shapes.numbers("Юный щегол жуёт.")[1], shapes.numbers("Юный щ?гол жуёт.")[1]
    assert odd > 2 * clean
    assert "é" not in Shapes.learn(["plain words only"] * 20 + ["a café"]).alike
    assert "é" in Shapes.learn(["plain words only"] * 20 + ["a café"] * 5).alike


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ("The film was b?ring.", 1), ("The stÃ³ry was bÃ¶ring.", 2), ("The film was bo\ufffding and cle\ufffder.", 2), ("Thé fílm.", 2),
        ("The st0ry.", 1),
        ("The film (was) boring?", 0), ("The xq?zw.", 0), ("The BMW M*A*S*H 100%.", 0), ("(T)he film.", 0), ("A gr8 film.", 0),
    ],
)  # fmt: skip
def test_a_word_in_disguise_is_one_that_becomes_known(english: TextVectors, said: str, words: int) -> None:
    assert number(english, "disguised words", said)[0] == pytest.approx(words / len(WORD.findall(said)))


def test_words_that_lost_their_accents_are_disguised_where_clean_texts_write_them(english: TextVectors, french: TextVectors) -> None:
    new = texts(FRENCH, 100, seed=1)
    assert max(number(french, "disguised words", *new)) == 0.0
    assert np.mean(np.array(number(french, "disguised words", *map(bare, new))) > 0) > 0.9
    assert max(number(english, "disguised words", *map(bare, new))) == 0.0  # where nobody writes them so, they are only unknown


def test_a_text_does_not_vouch_for_its_own_disguise() -> None:
    said = ["the film is better"] * 3 + ["a bett€r film"] * 2
    language, disguises = Language.learn(said), Disguises.learn(said)
    assert disguises.count("a bett€r film", language, frozenset()) == 0
    assert disguises.count("a bett€r film", language, frozenset(), own=True) == 1


def test_words_of_another_language_are_seen_and_those_of_the_own_are_not(english: TextVectors, french: TextVectors) -> None:
    clean = texts(ENGLISH, 100, seed=2)
    assert max(number(english, "foreign words", *clean)) == 0.0
    assert (np.array(number(english, "other language", *clean)) > english.limits[2, NAMES.index("other language")]).mean() < 0.05
    german = number(english, "foreign words", "The film ist nicht wonderful, this story war sehr boring.")
    assert german[0] == pytest.approx(4 / 10)
    assert Foreign({f"w{i}": i for i in range(5_000)}, 5_000).numbers(["ich", "habe", "den", "film", "nicht", "gesehen", "aber", "sie"])[1] > 30
    assert np.mean(number(french, "foreign words", *clean)) > 0.2
    assert number(french, "foreign words", "Le cinéma a été très réussi.") == [0.0]


def test_borrowed_words_that_clean_texts_hold_are_their_own() -> None:
    borrowed = TextVectors.learn(objects([*texts(ENGLISH, 100), *(f"{t} C'est la vie avec vous." for t in texts(ENGLISH, 50, seed=4))]))
    assert number(borrowed, "foreign words", "The film is boring. C'est la vie avec vous.") == [0.0]


def test_the_lists_hold_different_words_in_small_letters() -> None:
    for language, words in COMMON_WORDS.items():
        listed = words.split()
        assert len(set(listed)) == len(listed) >= 50, language
        assert all(word == word.lower() and WORD.fullmatch(word) for word in listed), language
    assert Foreign({}, 0).numbers(["und", "der", "xqz"])[0] == 2


def test_two_texts_run_together_show_a_seam_and_one_of_two_sentences_does_not_where_that_is_usual() -> None:
    rng = np.random.default_rng(0)
    one = [text[: None if rng.random() < 0.7 else -1] for text in texts(ENGLISH, 300)]
    two = [f"{a} {b}" for a, b in zip(texts(ENGLISH, 300, seed=1), texts(ENGLISH, 300, seed=2), strict=True)]
    said = f"{texts(ENGLISH, 1, seed=3)[0]} {texts(ENGLISH, 1, seed=5)[0]}"
    seldom, often = (TextVectors.learn(objects(clean)) for clean in ([*one, two[0]], two))
    column = NAMES.index("seam")
    assert number(seldom, "seam", said)[0] > seldom.limits[2, column] >= number(seldom, "seam", one[0])[0]
    assert number(often, "seam", said)[0] <= often.limits[2, column]
    assert number(seldom, "seam", said)[0] > number(often, "seam", said)[0] + 3


def test_a_capital_without_a_mark_before_it_is_a_seam_where_texts_end_without_one() -> None:
    clean = [text[:-1] for text in texts(ENGLISH, 300)]
    vectors = TextVectors.learn(objects(clean))
    assert number(vectors, "seam", f"{clean[0]} {clean[1]}")[0] > vectors.limits[2, NAMES.index("seam")]
    assert number(vectors, "seam", "Film") == [NO_WORDS]
    assert Seams.learn([""], frozenset()).worst([], [""]) == NO_WORDS


@pytest.mark.parametrize(
    "said", ["a?b " * 6_000, "Ã©" * 12_000, "x. A" * 8_000, "é?é " * 6_000, "der " * 9_000, "\x03\x03 a" * 6_000, "'" * 20_000, "a.b" * 9_000]
)
def test_hostile_texts_get_finite_numbers(english: TextVectors, said: str) -> None:
    assert np.isfinite(english.measure(objects([said, said * 200]))).all()
