"""Models of texts and pictures are asked in their own language, and odd cells apart from the others."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sklearn.datasets import load_digits
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import camelopard as cp

GOOD, BAD = "a good film with a good end", "a bad film with a bad end"


def test_a_text_pipeline_is_asked_in_texts_and_a_cell_that_is_none_fails_alone() -> None:
    pipeline = make_pipeline(CountVectorizer(), LogisticRegression()).fit([GOOD, BAD] * 10, ["yes", "no"] * 10)
    answer = cp.wrap(pipeline).predict([GOOD, None, BAD, 3])
    assert answer.value.tolist() == ["yes", None, "no", None]
    assert answer.failed.tolist() == [False, True, False, True]


def test_a_function_is_given_texts_as_a_list_and_pairs_as_tuples() -> None:
    seen: list[Any] = []

    def longer(rows: list[Any]) -> list[str]:
        seen.append(rows)
        return ["long" if len(row) > 2 else "short" for row in rows]

    model = cp.wrap(longer, classes=["long", "short"])
    assert model.predict(["a", "abc"]).value.tolist() == ["short", "long"]
    model.predict([("a", "b"), ("c", "d")])
    assert seen == [["a", "abc"], [("a", "b"), ("c", "d")]]


def test_pictures_are_stacked_and_those_of_another_shape_or_type_are_asked_apart() -> None:
    shapes: list[tuple[tuple[int, ...], str]] = []

    def bright(images: Any) -> list[str]:
        shapes.append((images.shape, str(images.dtype)))
        return ["bright" if image.mean() > 0.5 else "dark" for image in images]

    cells = [np.zeros((2, 2)), np.ones((3, 2)), np.ones((2, 2)), np.ones((2, 2), dtype=np.uint8), b"file"]
    answer = cp.wrap(bright, classes=["bright", "dark"]).predict(cells)
    assert answer.value.tolist() == ["dark", "bright", "bright", "bright", None]
    assert sorted(shapes) == sorted([((2, 2, 2), "float64"), ((1, 3, 2), "float64"), ((1, 2, 2), "uint8")])
    assert "no picture" in answer.errors[4]


def test_an_estimator_fitted_on_rows_of_numbers_is_given_pictures_as_such_rows() -> None:
    digits = load_digits()
    flat = digits.images[:300].reshape(300, -1)
    network = MLPClassifier(hidden_layer_sizes=(8,), max_iter=30, random_state=0).fit(flat, digits.target[:300])
    assert cp.wrap(network).predict(digits.images[:50]).proba == pytest.approx(network.predict_proba(flat[:50]), abs=0)


def test_a_picture_is_asked_once_and_its_memory_is_small() -> None:
    calls: list[int] = []

    def mean(images: Any) -> Any:
        calls.append(len(images))
        return images.reshape(len(images), -1).mean(axis=1)

    session = cp.wrap(mean, task="regression").session()
    images = np.arange(2 * 400.0).reshape(2, 20, 20)
    first = session.predict(_batch(images))
    again = session.predict(_batch(images.copy()))
    assert calls == [2]
    assert first.value.tolist() == again.value.tolist()


@pytest.mark.parametrize("activation", ["relu", "tanh", "logistic", "identity"])
@pytest.mark.parametrize("classes", [2, 3])
def test_features_and_last_layer_of_a_network_give_its_own_answers(activation: Any, classes: int) -> None:
    rng = np.random.default_rng(0)
    rows, labels = rng.normal(size=(60, 4)), np.arange(60) % classes
    network = make_pipeline(StandardScaler(), MLPClassifier(hidden_layer_sizes=(7, 5), activation=activation, max_iter=20, random_state=0)).fit(
        rows, labels
    )
    model: Any = cp.wrap(network)
    features = model.features(rows)
    weights, biases = model.session().last_layer
    logits = features @ weights.T + biases
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    assert features.shape == (60, 5)
    assert powers / powers.sum(axis=1, keepdims=True) == pytest.approx(network.predict_proba(rows), abs=1e-12)


def test_models_without_hidden_layers_show_no_features_and_regressions_no_last_layer() -> None:
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(40, 3))
    line: Any = cp.wrap(LogisticRegression().fit(rows, rows[:, 0] > 0))
    assert line.features(rows) is None
    network: Any = cp.wrap(MLPRegressor(hidden_layer_sizes=(4,), max_iter=20, random_state=0).fit(rows, rows[:, 0]))
    found = network.features(rows)
    assert found is not None and found.shape == (40, 4)
    assert network.session().last_layer is None


def _batch(images: Any) -> Any:
    from camelopard.core.batch import Batch

    return Batch.of(images)
