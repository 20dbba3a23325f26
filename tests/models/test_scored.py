from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import camelopard as cp
from camelopard.core.errors import ModelError
from camelopard.models.scored import Scoring, scores_of
from camelopard.models.wrap import wrap
from camelopard.testing.models import check_model

TEXTS = ["a fine film", "a bad film", "fine and good", "so bad it hurts", "not bad", "a film"]
POSITIVE = [0.9, 0.2, 0.95, 0.05, 0.4, 0.75]


def positive(text: str) -> float:
    return POSITIVE[TEXTS.index(text)]


def best(texts: list[str]) -> list[dict[str, Any]]:
    """Answer as pipeline("text-classification") does."""
    return [{"label": "POSITIVE", "score": p} if p >= 0.5 else {"label": "NEGATIVE", "score": 1 - p} for p in map(positive, texts)]


def every(texts: list[str]) -> list[list[dict[str, Any]]]:
    """Answer as the same with top_k=None: the surest class first."""
    pairs = [[("POSITIVE", p), ("NEGATIVE", 1 - p)] for p in map(positive, texts)]
    return [[{"label": label, "score": score} for label, score in sorted(row, key=lambda pair: -pair[1])] for row in pairs]


def moods(texts: list[str], most: int = 4) -> list[list[dict[str, Any]]]:
    """Answer with the first of four classes."""
    shares = {"joy": 0.5, "anger": 0.3, "fear": 0.15, "shame": 0.05}
    turned = [dict(zip(shares, np.roll(list(shares.values()), len(text)).tolist(), strict=True)) for text in texts]
    return [[{"label": label, "score": s} for label, s in sorted(row.items(), key=lambda pair: -pair[1])][:most] for row in turned]


@pytest.mark.parametrize("answer", [best, every])
def test_two_classes_with_scores_are_answers_with_probabilities(answer: Callable[[list[str]], Any]) -> None:
    model = wrap(answer)
    found = model.predict(TEXTS)
    assert found.value.tolist() == ["POSITIVE", "NEGATIVE", "POSITIVE", "NEGATIVE", "NEGATIVE", "POSITIVE"]
    assert (model.task, model.classes) == ("classification", ("NEGATIVE", "POSITIVE"))
    assert found.proba is not None and found.proba[:, 1] == pytest.approx(POSITIVE)
    assert found.proba.sum(axis=1) == pytest.approx(np.ones(6))
    check_model(model, TEXTS)


@pytest.mark.parametrize("answer", [best, every, lambda texts: [[row] for row in best(texts)]])
def test_given_classes_set_the_order(answer: Callable[[list[str]], Any]) -> None:
    found = wrap(answer, classes=["POSITIVE", "NEGATIVE"]).predict(TEXTS[:1])
    assert found.proba is not None and found.proba.tolist() == [pytest.approx([0.9, 0.1])]
    assert found.classes == ("POSITIVE", "NEGATIVE")


def test_lists_of_all_classes_in_any_order_are_their_probabilities() -> None:
    model = wrap(moods)
    found = model.predict(TEXTS)
    assert model.classes == ("anger", "fear", "joy", "shame")
    assert found.proba is not None and found.proba.shape == (6, 4)
    assert found.proba[0].tolist() == [0.15, 0.05, 0.3, 0.5]  # joy, anger, fear and shame, turned by eleven letters
    assert found.value[0] == "shame"
    check_model(model, TEXTS)


@pytest.mark.parametrize("most", [1, 2, 3])
def test_the_best_of_more_classes_are_labels_without_probabilities(most: int) -> None:
    model = wrap(lambda texts: moods(texts, most))
    found = model.predict(TEXTS)
    assert found.proba is None and not found.failed.any()
    assert found.value.tolist() == [row[0]["label"] for row in moods(TEXTS)]
    check_model(model, TEXTS)


def test_scores_of_several_labels_at_once_are_no_probabilities() -> None:
    found = wrap(lambda texts: [[{"label": "toxic", "score": 0.9}, {"label": "rude", "score": 0.8}]] * len(texts)).predict(TEXTS)
    assert found.proba is None and found.value.tolist() == ["toxic"] * 6


def test_a_third_class_that_comes_later_leaves_labels_alone() -> None:
    def answer(texts: list[str]) -> list[dict[str, Any]]:
        return [{"label": "MIXED", "score": 0.6} if text == "not bad" else best([text])[0] for text in texts]

    model = wrap(answer)
    with_session = model.session()
    first = with_session.predict(cp.Batch.of(TEXTS[:1]))
    assert first.value.tolist() == ["POSITIVE"] and first.proba is None  # of the second class nothing is known yet
    two = with_session.predict(cp.Batch.of(TEXTS[:4]))
    assert two.classes == ("POSITIVE", "NEGATIVE")
    assert two.proba is not None and two.proba[:, 0] == pytest.approx(POSITIVE[:4])  # that of the row which was answered before, too
    three = with_session.predict(cp.Batch.of(TEXTS))
    assert three.proba is None and three.value.tolist() == ["POSITIVE", "NEGATIVE", "POSITIVE", "NEGATIVE", "MIXED", "POSITIVE"]
    assert model.classes == ("POSITIVE", "NEGATIVE", "MIXED")


def test_a_sure_row_alone_does_not_make_the_best_two_all_classes() -> None:
    def answer(texts: list[str]) -> list[list[dict[str, Any]]]:
        sure = [{"label": "a", "score": 0.9999}, {"label": "b", "score": 0.0001}]
        return [sure if text == "a film" else [{"label": "c", "score": 0.6}, {"label": "a", "score": 0.3}] for text in texts]

    model = wrap(answer)
    session = model.session()
    assert session.predict(cp.Batch.of(["a film"])).value.tolist() == ["a"]
    found = session.predict(cp.Batch.of(TEXTS))
    assert found.value.tolist() == ["c"] * 5 + ["a"]
    assert found.proba is None and not found.failed.any()


def test_a_best_class_below_one_half_shows_that_there_are_more() -> None:
    found = wrap(lambda texts: [{"label": "a" if len(text) > 8 else "b", "score": 0.4} for text in texts]).predict(TEXTS)
    assert found.proba is None and not found.failed.any()


@pytest.mark.parametrize(
    ("odd", "words"),
    [
        ({"label": "POSITIVE"}, "no answer: {'label': 'POSITIVE'}; expected {'label': …, 'score': …}"),
        ({"score": 0.9}, "no answer: {'score': 0.9}; expected {'label': …, 'score': …}"),
        ({"label": None, "score": 0.9}, "no answer: the label is None"),
        ({"label": ["POSITIVE"], "score": 0.9}, "no answer: the label is \"['POSITIVE']\""),
        ({"label": "POSITIVE", "score": float("nan")}, "no probability: the score of 'POSITIVE' is nan"),
        ({"label": "POSITIVE", "score": None}, "no probability: the score of 'POSITIVE' is None"),
        ({"label": "POSITIVE", "score": "0.9"}, "no probability: the score of 'POSITIVE' is 0.9"),
        ({"label": "POSITIVE", "score": 1.5}, "no probability: the score of 'POSITIVE' is 1.5, outside 0–1"),
        ({"label": "POSITIVE", "score": -0.1}, "no probability: the score of 'POSITIVE' is -0.1, outside 0–1"),
        (None, "no answer: None"),
        ([], "no answer: it names no class"),
        ("POSITIVE", "no answer: POSITIVE; expected {'label': …, 'score': …}"),
        ([{"label": "POSITIVE", "score": 0.5}] * 2, "no answer: 'POSITIVE' is named twice"),
    ],
)
@pytest.mark.parametrize("answer", [best, every])
def test_malformed_ones_are_the_error_of_their_row(answer: Callable[[list[str]], Any], odd: Any, words: str) -> None:
    found = wrap(lambda texts: [odd if text == "so bad it hurts" else answer([text])[0] for text in texts]).predict(TEXTS)
    assert found.errors.tolist() == [None, None, None, words, None, None]
    assert found.value.tolist() == ["POSITIVE", "NEGATIVE", "POSITIVE", None, "NEGATIVE", "POSITIVE"]
    assert found.proba is not None and np.isnan(found.proba[3]).all()
    assert found.proba[[0, 1, 2, 4, 5], 1] == pytest.approx([0.9, 0.2, 0.95, 0.4, 0.75])


@pytest.mark.parametrize(
    ("odd", "words"),
    [
        ([{"label": "POSITIVE", "score": 0.9}], "no probability of 'NEGATIVE'; expected one of each class"),
        ([{"label": "POSITIVE", "score": 0.5}, {"label": "NEGATIVE", "score": 0.4}], "no probabilities: they sum to 0.9, expected 1"),
        ([{"label": "POSITIVE", "score": 0.5}, {"label": "ODD", "score": 0.5}], "unknown class 'ODD'; expected one of 'NEGATIVE', 'POSITIVE'"),
    ],
)
def test_rows_that_say_less_than_all_others_are_errors_once_that_is_sure(odd: Any, words: str) -> None:
    model = wrap(lambda texts: [odd if text == "odd" else every([text])[0] for text in texts])
    assert not model.predict([*TEXTS, *TEXTS]).failed.any()
    found = model.predict(["odd", "a film"])
    assert found.errors.tolist() == [words, None]


def test_scores_of_given_classes_are_held_to_them() -> None:
    found = wrap(best, classes=["POSITIVE", "OTHER"]).predict(TEXTS[:2])
    assert found.errors.tolist() == [None, "unknown class 'NEGATIVE'; expected one of 'POSITIVE', 'OTHER'"]
    assert found.proba is not None and found.proba[0].tolist() == [0.9, pytest.approx(0.1)]
    assert np.isnan(found.proba[1]).all()
    low = wrap(lambda texts: [{"label": "a", "score": 0.3}] * len(texts), classes=["a", "b"]).predict(TEXTS[:1])
    assert low.errors.tolist() == ["no probabilities: 'a' is answered with 0.3; expected 0.5 or more of the better of two classes"]
    three = wrap(lambda texts: [{"label": "a", "score": 0.3}] * len(texts), classes=["a", "b", "c"]).predict(TEXTS[:1])
    assert three.value.tolist() == ["a"] and three.proba is None


def test_malformed_answers_alone_settle_nothing() -> None:
    answers = iter([[{"label": "POSITIVE"}] * 2, ["yes", "no"]])
    model = wrap(lambda texts: next(answers))
    assert model.predict(TEXTS[:2]).failed.all()
    assert model.predict(TEXTS[:2]).value.tolist() == ["yes", "no"]


def test_the_wrong_number_of_them_is_refused_with_both_numbers() -> None:
    with pytest.raises(ModelError, match=r"expected 6 labels with scores, one object or list of them per row; got 2\."):
        wrap(lambda texts: best(TEXTS[:2])).predict(TEXTS)


def test_pictures_are_answered_alike() -> None:
    pictures = np.stack([np.full((4, 4), v, dtype=np.uint8) for v in (0, 200)])
    model = wrap(lambda images: [{"label": "light" if image.mean() > 99 else "dark", "score": np.float32(0.75)} for image in images])
    found = model.predict(pictures)
    assert found.value.tolist() == ["dark", "light"]
    assert found.proba is not None and found.proba.tolist() == [[0.75, 0.25], [0.25, 0.75]]


def test_an_array_of_objects_is_read_like_a_list() -> None:
    assert wrap(lambda texts: np.array(best(texts), dtype=object)).predict(TEXTS[:2]).value.tolist() == ["POSITIVE", "NEGATIVE"]
    assert wrap(lambda texts: np.array(every(texts), dtype=object)).predict(TEXTS[:2]).value.tolist() == ["POSITIVE", "NEGATIVE"]


def test_a_pipeline_is_asked_as_a_function_though_it_has_predict() -> None:
    class Pipeline:
        task = "text-classification"

        def __call__(self, texts: list[str]) -> Any:
            return best(texts)

        def predict(self, texts: list[str]) -> Any:
            raise AssertionError("asked as an estimator")

    Pipeline.__module__ = "transformers.pipelines.base"
    model = wrap(Pipeline())
    assert model.name == "Pipeline"
    assert model.predict(TEXTS[:2]).value.tolist() == ["POSITIVE", "NEGATIVE"]


def test_a_stand_in_learns_from_them() -> None:
    rng = np.random.default_rng(0)
    rows = [{"x": float(x)} for x in rng.normal(size=300)]
    said = [{"label": "up" if row["x"] > 0 else "down", "score": 0.75 if abs(row["x"]) < 1 else 0.99} for row in rows]
    stand_in = cp.imitate(rows, said)
    found = stand_in.predict([{"x": -2.0}, {"x": 2.0}])
    assert found.value.tolist() == ["down", "up"]
    assert found.proba is not None and found.proba[1, 1] > 0.9


def test_a_firewall_of_such_a_model_is_fitted_saved_loaded_and_screens_a_row(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    words = ["fine", "good", "bad", "dull", "film", "actor", "plot", "scene"]

    def answer(texts: list[str]) -> list[dict[str, Any]]:
        sure = [1 / (1 + np.exp(text.count("bad") + text.count("dull") - text.count("fine") - text.count("good"))) for text in texts]
        return [{"label": "POSITIVE", "score": p} if p >= 0.5 else {"label": "NEGATIVE", "score": 1 - p} for p in sure]

    texts = [" ".join(rng.choice(words, 12)) for _ in range(300)]
    firewall = cp.Firewall(alpha=0.1, budget=2000).fit(wrap(answer), texts)
    before = firewall.screen(texts[:20])
    assert before.proba is not None and not np.isnan(before.proba).any()
    firewall.save(tmp_path / "reviews.firewall")
    after = cp.Firewall.load(tmp_path / "reviews.firewall", wrap(answer)).screen(texts[:20])
    assert after.proba is not None and after.proba.tolist() == before.proba.tolist()
    assert after.risk.tolist() == before.risk.tolist()


def test_where_scores_are_sure_to_be_of_all_classes_is_told_by_eight_rows() -> None:
    whole: Any = {"a": 0.75, "b": 0.25}
    scoring = Scoring(None)
    scoring.hear([whole] * 7, 1e-3)
    assert (scoring.layout, scoring.closed) == ("all", False)
    scoring.hear([whole], 1e-3)
    assert (scoring.layout, scoring.closed) == ("all", True)
    given = Scoring(["a", "b"])
    given.hear([whole], 1e-3)
    assert given.closed


def test_scores_are_kept_in_the_order_of_the_names() -> None:
    assert list(scores_of([{"label": "b", "score": 0.5}, {"label": "a", "score": 0.5}])) == ["a", "b"]
