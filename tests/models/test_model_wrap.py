from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from camelopard.core.errors import ModelError
from camelopard.models.wrap import wrap

X = np.random.default_rng(0).normal(size=(60, 3))
Y = (X[:, 0] > 0).astype(int)


def test_a_wrapped_model_is_not_wrapped_again() -> None:
    model = wrap(LogisticRegression().fit(X, Y))
    assert wrap(model) is model
    again = wrap(model, name="other")
    assert (again.name, model.name) == ("other", "LogisticRegression")
    assert wrap(model, classes=["no", "yes"]).classes == ("no", "yes")


def test_any_object_with_the_face_of_a_model_is_left_as_it_is() -> None:
    class Own:
        name, task, classes = "own", "regression", ()

        def predict(self, X: Any) -> None: ...

        def session(self, budget: int | None = None) -> None: ...

    own = Own()
    assert wrap(own) is own  # type: ignore[comparison-overlap]


@pytest.mark.parametrize(
    ("obj", "words"),
    [
        (3, "cannot wrap a int"),
        ("model.onnx", "cannot wrap a str"),
        (LogisticRegression, "LogisticRegression is a class"),
        (LogisticRegression(), "not fitted"),
    ],
)
def test_what_cannot_be_asked_is_refused_with_what_to_do(obj: object, words: str) -> None:
    with pytest.raises(ModelError, match=words):
        wrap(obj)


def test_contradictions_are_refused() -> None:
    fitted = LogisticRegression().fit(X, Y)
    with pytest.raises(ModelError, match="3 classes were given, but the model knows 2: 0, 1"):
        wrap(fitted, classes=["a", "b", "c"])
    with pytest.raises(ModelError, match="two or more different classes"):
        wrap(fitted, classes=["a", "a"])
    with pytest.raises(ModelError, match="a regression has none"):
        wrap(lambda x: x, task="regression", classes=["a", "b"])
    with pytest.raises(ModelError, match="expected 'classification' or 'regression'"):
        wrap(lambda x: x, task="ranking")  # type: ignore[arg-type]
    with pytest.raises(ModelError, match="at least 1"):
        wrap(fitted, batch_size=0)
    with pytest.raises(ModelError, match="0 or more"):
        wrap(fitted).session(-1)
