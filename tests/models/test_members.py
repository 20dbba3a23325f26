from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.compose import make_column_transformer
from sklearn.ensemble import (
    BaggingClassifier,
    BaggingRegressor,
    ExtraTreesClassifier,
    GradientBoostingClassifier,
    RandomForestClassifier,
    RandomForestRegressor,
    VotingClassifier,
    VotingRegressor,
)
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder
from sklearn.svm import LinearSVC
from sklearn.tree import DecisionTreeClassifier

from camelopard.core.errors import ModelError
from camelopard.models.wrap import wrap

RNG = np.random.default_rng(0)
FRAME = pd.DataFrame({"age": RNG.integers(18, 80, 120), "pay": RNG.normal(size=120), "city": RNG.choice(["Oslo", "Rome", "Kyiv"], 120)})
NUMBERS = FRAME[["age", "pay"]]
LABELS = np.where(FRAME["age"] + 20 * (FRAME["city"] == "Rome") > 55, "yes", np.where(FRAME["pay"] > 0.5, "maybe", "no"))
AMOUNTS = FRAME["age"] * 2.0 + FRAME["pay"]


def members(model: Any, X: Any) -> Any:
    found = wrap(model).members(X)  # type: ignore[attr-defined]
    assert found is not None
    return found


@pytest.mark.parametrize(
    "kind",
    [
        RandomForestClassifier(5, random_state=0),
        ExtraTreesClassifier(5, random_state=0),
        BaggingClassifier(DecisionTreeClassifier(max_depth=2), 5, max_features=0.5, random_state=0),
        BaggingClassifier(LogisticRegression(), 5, max_samples=0.1, random_state=0),  # a few never see a class
        VotingClassifier([("a", LogisticRegression()), ("b", DecisionTreeClassifier())], voting="soft"),
    ],
    ids=lambda kind: type(kind).__name__,
)
def test_the_mean_of_the_members_is_the_answer_of_the_ensemble(kind: Any) -> None:
    model = kind.fit(NUMBERS, LABELS)
    found = members(model, NUMBERS)
    assert found.shape == (len(model.estimators_), 120, 3)
    assert np.allclose(found.mean(axis=0), model.predict_proba(NUMBERS))


@pytest.mark.parametrize(
    "kind", [RandomForestRegressor(4, random_state=0), BaggingRegressor(Ridge(), 4), VotingRegressor([("a", Ridge()), ("b", Ridge(9))])]
)
def test_the_members_of_a_regression_answer_numbers(kind: Any) -> None:
    model = kind.fit(NUMBERS, AMOUNTS)
    found = members(model, NUMBERS)
    assert found.ndim == 2
    assert np.allclose(found.mean(axis=0), model.predict(NUMBERS))


def test_a_forest_at_the_end_of_a_pipeline_has_members_too() -> None:
    columns = make_column_transformer(("passthrough", ["age", "pay"]), (OneHotEncoder(handle_unknown="ignore"), ["city"]))
    model = make_pipeline(columns, RandomForestClassifier(4, random_state=0)).fit(FRAME, LABELS)
    assert np.allclose(members(model, FRAME.to_dict("records")).mean(axis=0), model.predict_proba(FRAME))


def test_members_without_probabilities_vote() -> None:
    model = VotingClassifier([("a", LinearSVC()), ("b", DecisionTreeClassifier())], voting="hard").fit(NUMBERS, LABELS)
    assert set(np.unique(members(model, NUMBERS))) == {0.0, 1.0}


@pytest.mark.parametrize(
    "model",
    [
        GradientBoostingClassifier(n_estimators=3).fit(NUMBERS, LABELS),
        LogisticRegression().fit(NUMBERS, LABELS),
        RandomForestClassifier(1).fit(NUMBERS, LABELS),
        VotingClassifier([("a", LogisticRegression()), ("b", DecisionTreeClassifier())], weights=[1, 2]).fit(NUMBERS, LABELS),
        lambda table: ["yes"] * len(table),
    ],
    ids=["boosting", "linear", "one tree", "weighted votes", "function"],
)
def test_what_is_no_ensemble_says_so_without_raising(model: Any) -> None:
    assert wrap(model).members(NUMBERS) is None  # type: ignore[attr-defined]


def test_a_function_can_speak_for_the_members_of_any_model() -> None:
    def voices(table: Any) -> Any:
        p = np.linspace(0.1, 0.9, 3)[:, None] * np.ones(len(table))
        return np.stack([1 - p, p], axis=2)

    model = wrap(lambda t: np.full(len(t), 0.5), classes=["no", "yes"], members=voices)
    found = model.members(NUMBERS)  # type: ignore[attr-defined]
    assert found.shape == (3, 120, 2)
    assert found[0, 0].tolist() == [0.9, 0.1]
    assert np.array_equal(model.session().members(model_rows()), found[:, :5])  # type: ignore[attr-defined]


def model_rows() -> Any:
    from camelopard.core.batch import Batch

    return Batch.of(NUMBERS.head(5))


def test_rows_on_which_a_member_raises_have_no_answer_and_the_others_do() -> None:
    def voices(table: pd.DataFrame) -> Any:
        if (table["age"] < 20).any():
            raise ValueError("too young")
        return [table["age"], table["age"] + 1]

    found = wrap(lambda t: t["age"] * 1.0, task="regression", members=voices).members(NUMBERS)  # type: ignore[attr-defined]
    young = (NUMBERS["age"] < 20).to_numpy()
    assert 0 < young.sum() < 20
    assert np.array_equal(np.isnan(found).all(axis=0), young)
    assert np.array_equal(found[1, ~young], NUMBERS["age"][~young] + 1.0)


@pytest.mark.parametrize(
    ("voices", "message"),
    [
        (lambda t: np.zeros(len(t)), r"shape \(120,\) for 120 rows; expected the number of each of two or more members, shape \(members, 120\)"),
        (lambda t: np.zeros((1, len(t))), "two or more members"),
        (lambda t: ["a"], "no numbers"),
    ],
)
def test_members_of_the_wrong_shape_are_refused_with_what_was_expected(voices: Any, message: str) -> None:
    model = wrap(lambda t: t["age"] * 1.0, task="regression", members=voices)
    with pytest.raises(ModelError, match=message):
        model.members(NUMBERS)  # type: ignore[attr-defined]


def test_members_must_be_a_function() -> None:
    with pytest.raises(ModelError, match="members=int; expected a function"):
        wrap(lambda t: t["age"], members=5)  # type: ignore[arg-type]
