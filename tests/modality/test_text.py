"""Texts as numbers: golden values, what moves under which damage, silence on clean texts, repairs, marks, hostile cells and states."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from camelopard.core.arrays import objects
from camelopard.core.codec import read, write
from camelopard.core.errors import InputError
from camelopard.modality.text import NAMES, TextVectors
from camelopard.modality.text_embedding import BUCKETS, SIZE, Embedding
from camelopard.modality.text_forms import decoded, lowered, plain, script, without_markup

SUBJECTS = ("the film", "this movie", "the story", "her acting", "the script", "a director", "the music", "that comedy")
VERBS = ("is", "was", "feels", "seems", "remains", "becomes")
ENDS = ("wonderful", "boring", "too long", "surprisingly funny", "predictable", "a great pleasure", "charming and clever", "hard to follow")


def sentences(n: int, seed: int = 0) -> list[str]:
    rng = np.random.default_rng(seed)

    def one() -> str:
        a, b, c = rng.choice(SUBJECTS), rng.choice(VERBS), rng.choice(ENDS)
        d, e, f = rng.choice(SUBJECTS), rng.choice(VERBS), rng.choice(ENDS)
        return f"{a} {b} {c}, and {d} {e} {f}.".capitalize()

    return [one() for _ in range(n)]


@pytest.fixture(scope="module")
def vectors() -> TextVectors:
    return TextVectors.learn(objects(sentences(300)))


def numbers(vectors: TextVectors, text: str) -> dict[str, float]:
    return dict(zip(NAMES, vectors.measure(objects([text]))[0].tolist(), strict=True))


CLEAN = "The film is wonderful, and this movie was boring."


def test_the_numbers_of_a_clean_text_are_these(vectors: TextVectors) -> None:
    found = numbers(vectors, CLEAN)
    assert found["characters"] == pytest.approx(np.log1p(49))
    assert found["word length"] == pytest.approx(41 / 9)
    assert found["longest word"] == pytest.approx(np.log1p(10))
    assert found["punctuation"] == pytest.approx(2 / 49)
    assert found["capitals"] == pytest.approx(1 / 39)
    assert found["common words"] == found["pieces of words"] == 1.0
    quiet = (
        "unknown words",
        "misspelt words",
        "foreign letters",
        "mixed words",
        "new characters",
        "digits",
        "inner capitals",
        "irregular white space",
    )
    assert [found[name] for name in quiet] == [0.0] * len(quiet)


@pytest.mark.parametrize(
    ("damaged", "name", "least"),
    [
        ("The film is wondreful, and this movie was boring.", "misspelt words", 1 / 9),
        ("The film is xqzwvk, and this movie was boring.", "unknown words", 1 / 9),
        ("The film is xqzwvk, and this movie was boring.", "pieces of words", (8 + 6) / 9),
        ("The f\u0456lm is wonderful, and this m\u043evie was boring.", "mixed words", 2 / 9),
        ("Этот фильм is wonderful.", "foreign letters", 0.4),
        ("The film is wonderful☃", "new characters", 1 / 22),
        ("Th3 f1lm 1s w0nderful", "digits", 4 / 21),
        ("THE FILM IS WONDERFUL", "capitals", 1.0),
        ("tHe FiLm iS wOnDeRfUl", "inner capitals", 1.0),
        ("The film!!! is (wonderful)", "punctuation", 5 / 26),
        ("The  film \t is wonderful", "irregular white space", 5 / 24),
        ("The f\u200bilm is won\u202ederful", "invisible characters", np.log1p(2)),
        ("The filmâ€™s wonderful ï¿½", "broken encoding", np.log1p(2)),
        ("<p>The film</p> &amp; http://a.b/c", "markup", np.log1p(4)),
        ("The film is wooonderful", "repeated characters", 3 / 23),
        (f"{CLEAN} {CLEAN}", "repeated phrases", 0.4),
        ("jk qx vv zpt wq", "surprise", 8.0),
    ],
)
def test_a_damage_moves_its_number_far_beyond_clean_texts(vectors: TextVectors, damaged: str, name: str, least: float) -> None:
    found = numbers(vectors, damaged)[name]
    assert found >= least - 1e-9
    assert found > vectors.limits[2, NAMES.index(name)]


def test_new_clean_texts_stay_inside_the_limits_as_often_as_they_say(vectors: TextVectors) -> None:
    new = vectors.measure(objects(sentences(400, seed=1)))
    outside = (new < vectors.limits[0] - 1e-12) | (new > vectors.limits[2] + 1e-12)
    assert outside.mean() < 0.02
    assert outside.mean(axis=0).max() < 0.05


def test_shuffled_words_are_in_disorder_and_clean_ones_are_not(vectors: TextVectors) -> None:
    rng = np.random.default_rng(2)
    new = sentences(100, seed=3)
    shuffled = [" ".join(rng.permutation(lowered(t).split()).tolist()) for t in new]
    column = NAMES.index("word order")
    clean, damaged = vectors.measure(objects(new))[:, column], vectors.measure(objects(shuffled))[:, column]
    assert np.quantile(damaged, 0.1) > np.quantile(clean, 0.9)


def test_measured_as_its_own_a_text_learned_from_looks_like_a_new_one() -> None:
    rng = np.random.default_rng(0)
    words = ["".join(rng.choice(list("abcdefghij"), 6).tolist()) for _ in range(1500)]
    share = 1 / np.arange(1, 1501)
    texts = [" ".join(rng.choice(words, 12, p=share / share.sum()).tolist()) for _ in range(600)]
    vectors = TextVectors.learn(objects(texts[:300]))
    own, new = vectors.measure(objects(texts[:300]), own=True), vectors.measure(objects(texts[300:]))
    for name in ("unknown words", "distance to the nearest"):
        k = NAMES.index(name)
        error = np.hypot(own[:, k].std(), new[:, k].std()) / np.sqrt(300)
        assert abs(own[:, k].mean() - new[:, k].mean()) < 4 * error
    naive = vectors.measure(objects(texts[:300]))
    assert naive[:, -1].max() < 1e-3 < own[:, -1].min()


def test_a_text_gets_the_same_bytes_alone_in_any_batch_and_after_saving(vectors: TextVectors, tmp_path: Any) -> None:
    texts = objects([*sentences(40, seed=5), None, "", "  ", 3, "f\u0456lm \ud800 \x00", "x" * 30_000, "é" * 3, "."])
    together, placed = vectors.measure(texts), vectors.embed(texts)
    write(tmp_path / "kept", "test", vectors.state())
    again = TextVectors.from_state(read(tmp_path / "kept", "test"))
    assert again.measure(texts).tobytes() == together.tobytes()
    assert again.repairs("Teh f\u0456lm  is GOOOD") == vectors.repairs("Teh f\u0456lm  is GOOOD")
    for i in range(len(texts)):
        assert vectors.measure(texts[i : i + 1]).tobytes() == together[i : i + 1].tobytes()
        assert vectors.embed(texts[i : i + 1]).tobytes() == placed[i : i + 1].tobytes()
    backwards = vectors.measure(texts[::-1])
    assert backwards[::-1].tobytes() == together.tobytes()
    assert TextVectors.learn(objects(sentences(300))).measure(texts).tobytes() == together.tobytes()


@pytest.mark.parametrize("word", ["x" * 250, "好" * 300, "A" * 1000, "б" * 201])
def test_what_is_too_long_to_be_a_word_does_not_keep_what_was_learned_from_coming_back(word: str) -> None:
    learned = TextVectors.learn(objects([f"A good film {word}", f"A bad film {word}"] * 20))
    back = TextVectors.from_state(learned.state())
    texts = objects(["A good film", f"A good film {word}"])
    assert back.measure(texts).tobytes() == learned.measure(texts).tobytes()


def test_what_is_no_text_has_a_reason_and_no_numbers(vectors: TextVectors) -> None:
    cells = objects([None, float("nan"), 3, "", " \n", "a" * 1_000_001, "fine", np.str_("fine")])
    assert vectors.problems(cells) == [
        "missing",
        "missing",
        "not a text but of the type int",
        "empty",
        "empty",
        "1,000,001 characters, longer than 1,000,000",
        None,
        None,
    ]
    missing = np.isnan(vectors.measure(cells))
    assert missing.all(axis=1).tolist() == [True, True, True, True, True, False, False, False]
    assert not missing[5:].any()
    assert vectors.measure(cells[:0]).shape == (0, len(NAMES))


def test_learning_from_no_text_says_so() -> None:
    with pytest.raises(InputError, match="no text among the 2 cells"):
        TextVectors.learn(objects([None, " "]))


@pytest.mark.parametrize(
    ("damaged", "repaired"),
    [
        ("The film is w\u200bonderful.", "The film is wonderful."),
        ("The f\u0456lm \u0456s wonderful.", "The film is wonderful."),
        ("The \uff46\uff49\uff4c\uff4d is wonderful.", "The film is wonderful."),
        ("<b>The film</b> is wonderful.", "The film is wonderful."),
        ("The   film\tis wonderful.", "The film is wonderful."),
        ("THE FILM IS WONDERFUL.", "The film is wonderful."),
        ("The film is wondreful.", "The film is wonderful."),
        ("The film is wooooonderful.", "The film is wonderful."),
        ("The f1lm is w0nderful.", "The film is wonderful."),
        ("The film is wonderful. The film is wonderful.", "The film is wonderful."),
        ("THE  F\u0406LM <br>IS WON\u200bDERFUL.", "The film is wonderful."),
    ],
)
def test_the_first_repair_is_the_undamaged_text(vectors: TextVectors, damaged: str, repaired: str) -> None:
    assert vectors.repairs(damaged)[0][1] == repaired


def test_a_clean_text_has_nothing_to_repair_and_nothing_to_mark(vectors: TextVectors) -> None:
    for text in sentences(50, seed=7):
        assert vectors.repairs(text) == []
        assert vectors.marks(text) == []


def test_a_glued_text_is_cut_to_the_length_of_clean_ones(vectors: TextVectors) -> None:
    glued = " ".join(sentences(8, seed=8))
    cut = dict(vectors.repairs(glued))["cut to the length of clean texts"]
    assert glued.startswith(cut)
    assert len(cut) < 120 < len(glued)


def test_marks_name_what_is_wrong_and_where_the_worst_first(vectors: TextVectors) -> None:
    text = "The f\u0456lm is wond\u200berful, and teh music xqzwvk."
    found = [(text[a:b], why) for a, b, why in vectors.marks(text)]
    assert found[:2] == [("\u200b", "invisible character"), ("f\u0456lm", "letters of two alphabets")]
    assert ("xqzwvk", "unknown word") in found
    assert vectors.marks(text, most=1) == [(16, 17, "invisible character")]
    assert vectors.marks(f"{CLEAN} {CLEAN}") == [(50, 99, "says again what came before")]


def test_letters_of_another_language_are_at_home_in_texts_of_that_language() -> None:
    texts = [f"Этот фильм {end}, и музыка тоже {end}." for end in ("хороший", "плохой", "скучный", "смешной")] * 10
    vectors = TextVectors.learn(objects(texts))
    assert numbers(vectors, texts[0])["foreign letters"] == 0
    damaged = texts[0].replace("о", "o", 1)
    assert numbers(vectors, damaged)["mixed words"] > 0
    assert vectors.repairs(damaged)[0][1] == texts[0]


def test_texts_about_the_same_lie_nearer(vectors: TextVectors) -> None:
    a, b, c = vectors.embed(objects(["The script was boring.", "This script seems boring.", "Her acting feels charming and clever."]))
    assert a @ b > a @ c + 0.2
    assert np.linalg.norm(a) == pytest.approx(1.0)
    assert not vectors.embed(objects([None, ""])).any()


def test_examples_are_texts_like_the_clean_ones_but_none_of_them(vectors: TextVectors) -> None:
    made = vectors.examples(5)
    assert vectors.problems(made) == [None] * 5
    assert not set(made.tolist()) & set(sentences(300))
    assert made.tolist() == vectors.examples(5).tolist()


def test_huge_texts_are_bounded_work(vectors: TextVectors) -> None:
    for text in ("x" * 10_000_000, "ab " * 3_000_000, '"' * 100_000, "<a" * 100_000, "a'" * 100_000):
        assert not np.isnan(vectors.measure(objects([text]))).any()
        assert len(vectors.marks(text)) <= 8
        assert all(len(repaired) <= 20_000 for _, repaired in vectors.repairs(text))


@given(st.text(st.characters(codec=None, categories=None), max_size=60))
def test_any_text_gets_a_verdict(text: str) -> None:
    vectors = LEARNED
    row = vectors.measure(objects([text]))
    assert np.isnan(row).all() == (not text or text.isspace())
    assert (vectors.problems(objects([text])) == [None]) == (not np.isnan(row).any())
    repairs = vectors.repairs(text)
    assert len(repairs) <= 6
    assert all(repaired != text and repaired.strip() for _, repaired in repairs)
    assert len({repaired for _, repaired in repairs}) == len(repairs)
    marks = vectors.marks(text)
    assert len(marks) <= 8
    assert all(0 <= a < b <= len(text) and why for a, b, why in marks)


@given(st.lists(st.one_of(st.none(), st.text(max_size=30)), min_size=1, max_size=8))
def test_anything_with_a_text_in_it_can_be_learned(texts: list[str | None]) -> None:
    if not any(t and t.strip() for t in texts):
        return
    vectors = TextVectors.learn(objects(texts))
    assert np.isfinite(vectors.limits).all()
    assert not np.isnan(vectors.measure(objects(["anything"]))).any()
    assert all(isinstance(t, str) for t in vectors.examples(2))


LEARNED = TextVectors.learn(objects([*sentences(40), "Наш фильм хороший", "das ist für dich"]))


def _broken() -> list[tuple[str, Any]]:
    return [
        ("language", None),
        ("limits", np.zeros((2, 2))),
        ("limits", np.full((3, len(NAMES)), np.nan)),
        ("language.words", "the"),
        ("language.words", ["a", "A"]),
        ("language.words", [3]),
        ("language.solid", 10**9),
        ("language.pairs", np.zeros((2, 2), dtype=np.int64)),
        ("language.bits", np.zeros(3)),
        ("language.grams", ["abcdefgh"]),
        ("language.unseen", "x"),
        ("language.alphabet", 3),
        ("embedding.rows", np.zeros((3, 5), dtype=np.int8)),
        ("embedding.rows", np.zeros((100_000, 128), dtype=np.int8)),
        ("embedding.rarity", np.full(1 << 14, np.inf)),
    ]


@pytest.mark.parametrize("case", range(len(_broken())))
def test_a_state_that_somebody_changed_is_refused(vectors: TextVectors, case: int) -> None:
    name, value = _broken()[case]
    state: dict[str, Any] = copy.deepcopy(vectors.state())
    place = state
    *folders, last = name.split(".")
    for folder in folders:
        place = place[folder]
    place[last] = value
    with pytest.raises(ValueError):
        TextVectors.from_state(state)


def test_forms_of_characters() -> None:
    assert [script(c) for c in "aéяα語한ا"] == ["Latin", "Latin", "Cyrillic", "Greek", "Han", "Hangul", "Arabic"]
    assert decoded("Ã¢â‚¬â„¢ and â€œquotesâ€\u009d") == "’ and “quotes”"
    assert decoded("É à l’été") == "É à l’été"
    assert without_markup("a <b>c</b> &lt; 3") == "a c < 3"
    assert without_markup(" 2 < 3 ") == " 2 < 3 "
    assert plain("ﬁlm “x” é", frozenset('film "xe')) == 'film "x" e'
    assert len(lowered("İİ")) == 2


def test_a_text_that_is_its_own_nearest_is_passed_over_even_among_its_opposites() -> None:
    row = np.zeros((2, SIZE), dtype=np.int8)
    row[0, :4], row[1, :4] = 100, -100
    kept = Embedding(np.ones(BUCKETS), row)
    unit = np.zeros((1, SIZE))
    unit[0, :4] = 0.5
    assert kept.distance(unit)[0] == pytest.approx(0.0)
    assert kept.distance(unit, own=True)[0] == pytest.approx(2.0)
