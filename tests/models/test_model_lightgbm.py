from __future__ import annotations

from typing import Any

import lightgbm
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from camelopard.core.errors import ModelError
from camelopard.models.wrap import wrap
from camelopard.testing.models import check_model

RNG = np.random.default_rng(0)
N = 200
FRAME = pd.DataFrame(
    {
        "age": RNG.integers(18, 80, N),
        "home town": pd.Categorical(RNG.choice(["Oslo", "Rome", "Kyiv"], N)),
        "pay": RNG.normal(size=N),
        "grade": pd.Categorical(RNG.choice([1, 2, 3], N)),
    }
)
TEXT = FRAME.astype({"home town": str, "grade": "int64"})
Y = ((FRAME["age"] > 50) ^ (FRAME["home town"] == "Rome")).astype(int).to_numpy()
SETTINGS = {"verbose": -1, "num_threads": 1, "min_data_in_leaf": 5, "min_data_per_group": 5}


def train(objective: str, y: Any = Y, X: Any = FRAME, **more: Any) -> Any:
    return lightgbm.train({"objective": objective, **SETTINGS, **more}, lightgbm.Dataset(X, y), 5)


FORMS = [lambda f: f, lambda f: TEXT, lambda f: pl.from_pandas(f), lambda f: pa.Table.from_pandas(TEXT), lambda f: TEXT.to_dict("records")]


@pytest.mark.parametrize("form", FORMS)
def test_a_binary_booster_answers_alike_in_every_form(form: Any) -> None:
    booster = train("binary")
    model = wrap(booster)
    answer = model.predict(form(FRAME))
    assert answer.proba is not None and np.allclose(answer.proba[:, 1], booster.predict(FRAME))
    assert (model.task, model.classes) == ("classification", (0, 1))
    check_model(model, form(FRAME))


def test_a_model_file_knows_its_categories() -> None:
    booster = lightgbm.Booster(model_str=train("binary").model_to_string())
    answer = wrap(booster, classes=["no", "yes"]).predict(TEXT)
    assert answer.proba is not None and np.allclose(answer.proba[:, 1], booster.predict(FRAME))
    assert set(answer.value.tolist()) == {"no", "yes"}


def test_an_unseen_category_is_asked_as_missing_and_disturbs_nobody() -> None:
    booster = train("binary")
    odd = TEXT.copy()
    odd.loc[0, "home town"] = "Atlantis"
    gone = FRAME.copy()
    gone.loc[0, "home town"] = np.nan
    answer = wrap(booster).predict(odd)
    assert answer.proba is not None and np.allclose(answer.proba[:, 1], booster.predict(gone))


@pytest.mark.parametrize("objective", ["multiclass", "multiclassova"])
def test_a_booster_of_several_classes(objective: str) -> None:
    y = FRAME["age"].to_numpy() // 25 - 0
    y = np.clip(y, 0, 2)
    model = wrap(train(objective, y, num_class=3))
    answer = model.predict(FRAME)
    assert model.classes == (0, 1, 2)
    assert answer.proba is not None and np.allclose(answer.proba.sum(axis=1), 1)
    assert not answer.failed.any()


@pytest.mark.parametrize("objective", ["regression", "mae", "poisson", "quantile"])
def test_a_booster_of_numbers(objective: str) -> None:
    booster = train(objective, FRAME["age"].to_numpy(), FRAME.drop(columns="age"))
    model = wrap(booster)
    assert model.task == "regression"
    assert np.array_equal(model.predict(FRAME).value, booster.predict(FRAME.drop(columns="age")))


def test_an_objective_of_its_own_needs_a_task() -> None:
    def squared(guess: Any, data: Any) -> tuple[Any, Any]:
        return guess - data.get_label(), np.ones(len(guess))

    booster = lightgbm.train({"objective": squared, **SETTINGS}, lightgbm.Dataset(FRAME[["age"]], FRAME["pay"]), 3)
    with pytest.raises(ModelError, match="pass task='regression'|Pass task='regression'"):
        wrap(booster)
    assert wrap(booster, task="regression").predict(FRAME).value.shape == (N,)


def test_numbers_are_no_classes() -> None:
    booster = train("regression", FRAME["pay"].to_numpy(), FRAME[["age"]])
    with pytest.raises(ModelError, match="objective 'regression'"):
        wrap(booster, task="classification")
    with pytest.raises(ModelError, match="trained to tell classes apart"):
        wrap(train("multiclass", np.arange(N) % 3, num_class=3), task="regression")


def test_a_booster_trained_without_names_gets_an_array() -> None:
    numbers = FRAME[["age", "pay"]].to_numpy()
    booster = train("binary", X=numbers)
    answer = wrap(booster).predict(FRAME[["age", "pay"]])
    assert answer.proba is not None and np.allclose(answer.proba[:, 1], booster.predict(numbers))


def test_the_estimators_around_it() -> None:
    labels = np.where(Y == 1, "yes", "no")
    classifier = lightgbm.LGBMClassifier(n_estimators=5, verbose=-1, n_jobs=1).fit(FRAME, labels)
    model = wrap(classifier)
    answer = model.predict(TEXT)
    assert model.classes == ("no", "yes")
    assert answer.value.tolist() == classifier.predict(FRAME).tolist()
    check_model(model, FRAME)
    regressor = lightgbm.LGBMRegressor(n_estimators=5, verbose=-1, n_jobs=1).fit(FRAME[["age"]].to_numpy(), FRAME["pay"])
    assert np.array_equal(wrap(regressor).predict(FRAME[["age"]]).value, regressor.predict(FRAME[["age"]].to_numpy()))
    assert wrap(regressor).task == "regression"
    with pytest.raises(ModelError, match="fitted"):
        wrap(lightgbm.LGBMClassifier())


def test_a_missing_column_is_the_rows_error_and_is_not_printed(capfd: pytest.CaptureFixture[str]) -> None:
    for bare in (train("binary"), lightgbm.LGBMClassifier(n_estimators=5, verbose=-1, n_jobs=1).fit(FRAME, Y)):
        answer = wrap(bare).predict(FRAME.drop(columns="pay").iloc[:3])
        assert answer.errors.tolist() == ["ValueError: the table has 3 features, but the model was fitted on 4"] * 3
    assert "Fatal" not in "".join(capfd.readouterr())
