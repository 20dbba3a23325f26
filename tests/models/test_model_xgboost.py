from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest
import xgboost

from camelopard.core.errors import ModelError
from camelopard.models.wrap import wrap
from camelopard.testing.models import check_model

RNG = np.random.default_rng(0)
N = 200
FRAME = pd.DataFrame({"age": RNG.integers(18, 80, N), "town": pd.Categorical(RNG.choice(["Oslo", "Rome", "Kyiv"], N)), "pay": RNG.normal(size=N)})
Y = ((FRAME["age"] > 50) ^ (FRAME["town"] == "Rome")).astype(int).to_numpy()
THREE = np.arange(N) % 3


def matrix(X: Any = FRAME, y: Any = None) -> Any:
    return xgboost.DMatrix(X, y, enable_categorical=True)


def train(objective: str, y: Any = Y, **more: Any) -> Any:
    return xgboost.train({"objective": objective, "nthread": 1, **more}, matrix(y=y), 5)


@pytest.mark.parametrize("form", [lambda f: f, lambda f: f.astype({"town": str}), pl.from_pandas, lambda f: f.to_dict("records")])
def test_a_binary_booster_answers_alike_in_every_form(form: Any) -> None:
    booster = train("binary:logistic")
    model = wrap(booster)
    answer = model.predict(form(FRAME))
    assert answer.proba is not None and np.allclose(answer.proba[:, 1], booster.predict(matrix()))
    assert model.classes == (0, 1)
    check_model(model, form(FRAME))


def test_a_model_from_a_file_answers_as_before() -> None:
    booster = train("binary:logistic")
    loaded = xgboost.Booster(model_file=booster.save_raw())
    answer = wrap(loaded, classes=["no", "yes"]).predict(FRAME.astype({"town": str}))
    assert answer.proba is not None and np.allclose(answer.proba[:, 1], booster.predict(matrix()))


def test_raw_scores_become_probabilities() -> None:
    plain, raw = train("binary:logistic"), train("binary:logitraw", base_score=0.0)
    answer = wrap(raw).predict(FRAME)
    assert answer.proba is not None and np.allclose(answer.proba[:, 1], 1 / (1 + np.exp(-raw.predict(matrix()))), atol=1e-6)
    assert wrap(plain).predict(FRAME).value.tolist() == answer.value.tolist()


def test_hard_classes_of_a_softmax_come_with_probabilities() -> None:
    soft, hard = train("multi:softprob", THREE, num_class=3), train("multi:softmax", THREE, num_class=3)
    one, other = wrap(soft).predict(FRAME), wrap(hard, classes=["a", "b", "c"]).predict(FRAME)
    assert one.proba is not None and other.proba is not None and np.allclose(one.proba, other.proba, atol=1e-5)
    assert other.value.tolist() == ["abc"[int(i)] for i in hard.predict(matrix())]


def test_a_hinge_answers_classes() -> None:
    model = wrap(train("binary:hinge"))
    answer = model.predict(FRAME)
    assert answer.proba is None and set(answer.value.tolist()) <= {0, 1} and model.classes == (0, 1)


def test_a_booster_of_numbers() -> None:
    booster = train("reg:squarederror", FRAME["pay"].to_numpy())
    model = wrap(booster)
    assert model.task == "regression"
    assert np.allclose(model.predict(FRAME).value, booster.predict(matrix()))
    with pytest.raises(ModelError, match="reg:squarederror"):
        wrap(booster, task="classification")


def test_a_booster_trained_without_names_gets_an_array() -> None:
    numbers = FRAME[["age", "pay"]].to_numpy()
    booster = xgboost.train({"objective": "binary:logistic", "nthread": 1}, xgboost.DMatrix(numbers, Y), 3)
    answer = wrap(booster).predict(FRAME[["age", "pay"]])
    assert answer.proba is not None and np.allclose(answer.proba[:, 1], booster.predict(xgboost.DMatrix(numbers)))


def test_the_estimators_around_it() -> None:
    classifier = xgboost.XGBClassifier(n_estimators=5, n_jobs=1, enable_categorical=True).fit(FRAME, THREE)
    model = wrap(classifier)
    answer = model.predict(FRAME[["pay", "town", "age"]])
    assert model.classes == (0, 1, 2)
    assert answer.proba is not None and np.allclose(answer.proba, classifier.predict_proba(FRAME))
    check_model(model, FRAME)
    regressor = xgboost.XGBRegressor(n_estimators=5, n_jobs=1).fit(FRAME[["age"]].to_numpy(), FRAME["pay"])
    assert wrap(regressor).task == "regression"
    assert np.allclose(wrap(regressor).predict(FRAME[["age"]]).value, regressor.predict(FRAME[["age"]].to_numpy()))
    with pytest.raises(ModelError, match="fitted"):
        wrap(xgboost.XGBClassifier())


def test_an_unseen_category_is_its_rows_error_without_a_time_stamp() -> None:
    frame = FRAME.iloc[:5].astype({"town": str})
    frame.loc[2, "town"] = "Zurich"
    answer = wrap(train("binary:logistic")).predict(frame)
    assert answer.failed.tolist() == [False, False, True, False, False]
    assert answer.errors[2].startswith("XGBoostError: Found a category not in the training set")


def test_a_row_whose_category_is_missing_is_answered_alone() -> None:
    booster = train("binary:logistic")
    frame = FRAME.astype({"town": object})
    frame["town"] = None
    gone = FRAME.copy()
    gone["town"] = pd.Categorical([None] * N, categories=["Kyiv", "Oslo", "Rome"])
    for X in (frame, frame.iloc[:1], frame.to_dict("records")):
        answer = wrap(booster).predict(X)
        assert answer.proba is not None and np.allclose(answer.proba[:, 1], booster.predict(matrix(gone))[: len(X)])
