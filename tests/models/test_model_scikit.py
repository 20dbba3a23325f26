from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from sklearn.cluster import KMeans
from sklearn.compose import make_column_transformer
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder
from sklearn.svm import LinearSVC
from sklearn.tree import DecisionTreeClassifier

from camelopard.core.errors import ModelError
from camelopard.models.wrap import wrap
from camelopard.testing.models import check_model

RNG = np.random.default_rng(0)
FRAME = pd.DataFrame({"age": RNG.integers(18, 80, 120), "pay": RNG.normal(size=120), "city": RNG.choice(["Oslo", "Rome", "Kyiv"], 120)})
LABELS = np.where(FRAME["age"] + 20 * (FRAME["city"] == "Rome") > 55, "yes", "no")


def pipeline() -> Any:
    columns = make_column_transformer((SimpleImputer(), ["age", "pay"]), (OneHotEncoder(handle_unknown="ignore"), ["city"]))
    return make_pipeline(columns, LogisticRegression())


@pytest.fixture(scope="module")
def fitted() -> Any:
    return pipeline().fit(FRAME, LABELS)


def test_a_pipeline_answers_as_it_does_bare(fitted: Any) -> None:
    model = wrap(fitted)
    answer = model.predict(FRAME)
    assert answer.value.tolist() == fitted.predict(FRAME).tolist()
    assert answer.proba is not None and np.array_equal(answer.proba, fitted.predict_proba(FRAME))
    assert (model.task, model.classes) == ("classification", ("no", "yes"))
    check_model(model, FRAME)


@pytest.mark.parametrize(
    "form", [pl.from_pandas, pa.Table.from_pandas, lambda f: f.to_dict("records"), lambda f: f[["city", "pay", "age"]].assign(extra=1)]
)
def test_every_form_of_the_same_rows_has_the_same_answers(fitted: Any, form: Any) -> None:
    model = wrap(fitted)
    answer = model.predict(form(FRAME))
    assert answer.proba is not None and np.allclose(answer.proba, fitted.predict_proba(FRAME))
    check_model(model, form(FRAME))


def test_a_model_fitted_without_names_gets_an_array() -> None:
    numbers = FRAME[["age", "pay"]].to_numpy()
    bare = LogisticRegression().fit(numbers, LABELS)
    for X in (numbers, FRAME[["age", "pay"]], FRAME[["age", "pay"]].to_dict("records")):
        answer = wrap(bare).predict(X)
        assert answer.proba is not None and np.array_equal(answer.proba, bare.predict_proba(numbers))
    check_model(wrap(bare), numbers)


def test_an_array_reaches_a_model_fitted_on_names(recwarn: pytest.WarningsRecorder) -> None:
    bare = LogisticRegression().fit(FRAME[["age", "pay"]], LABELS)
    numbers = FRAME[["age", "pay"]].to_numpy()
    assert wrap(bare).predict(numbers).value.tolist() == bare.predict(FRAME[["age", "pay"]]).tolist()
    assert not [w for w in recwarn if "feature names" in str(w.message)]


def test_a_first_step_that_knows_no_names_gets_the_frame() -> None:
    class Adder:
        def fit(self, X: Any, y: Any = None) -> Adder:
            return self

        def transform(self, X: Any) -> Any:
            return X[["age"]].to_numpy() + X[["pay"]].to_numpy()

    bare = make_pipeline(Adder(), DecisionTreeClassifier(max_depth=2)).fit(FRAME, LABELS)
    assert wrap(bare).predict(FRAME).value.tolist() == bare.predict(FRAME).tolist()


def test_a_pipeline_that_reads_texts_gets_the_column_and_not_its_name() -> None:
    texts = ["good film", "a bad film", "good, good", "bad, so bad"] * 5
    pipeline = make_pipeline(CountVectorizer(), LogisticRegression()).fit(texts, ["+", "-"] * 10)
    model = wrap(pipeline)
    column = {"review": texts}
    for form in (texts, pd.DataFrame(column), pl.DataFrame(column), pa.table(column), [{"review": t} for t in texts]):
        answer = model.predict(form)
        assert answer.value.tolist() == pipeline.predict(texts).tolist()
        assert np.allclose(answer.shares, pipeline.predict_proba(texts))
    wide = pd.DataFrame({"id": range(3), "stars": range(3), "review": texts[:3]})
    assert "expected one column of them, or two of pairs, got id, stars, review" in model.predict(wide).errors[0]


def test_several_classes_and_given_names() -> None:
    y = FRAME["age"] // 25
    tree = DecisionTreeClassifier(max_depth=3).fit(FRAME[["age", "pay"]], y)
    model = wrap(tree, classes=["teen", "young", "middle", "old"])
    assert model.predict(FRAME).value.tolist() == [model.classes[i] for i in tree.predict(FRAME[["age", "pay"]])]
    check_model(model, FRAME)


def test_a_classifier_without_probabilities_has_scores() -> None:
    svm = LinearSVC().fit(FRAME[["pay"]], LABELS)
    answer = wrap(svm).predict(FRAME)
    assert answer.proba is None and answer.scores is not None
    assert answer.value.tolist() == svm.predict(FRAME[["pay"]]).tolist()
    assert np.array_equal(answer.scores[:, 1], svm.decision_function(FRAME[["pay"]]))
    assert np.array_equal(answer.scores[:, 0], -answer.scores[:, 1])


def test_a_regression_answers_numbers() -> None:
    line = LinearRegression().fit(FRAME[["age"]], FRAME["pay"])
    model = wrap(line)
    assert np.array_equal(model.predict(FRAME).value, line.predict(FRAME[["age"]]))
    assert (model.task, model.classes) == ("regression", ())
    check_model(model, FRAME)


def test_a_clusterer_answers_classes() -> None:
    model = wrap(KMeans(3, n_init=1, random_state=0).fit(FRAME[["pay"]]))
    model.predict(FRAME)
    assert (model.task, model.classes) == ("classification", (0, 1, 2))


def test_a_search_and_fixed_categories() -> None:
    frame = FRAME.astype({"city": "category"})
    boosting = HistGradientBoostingClassifier(max_iter=5, categorical_features="from_dtype")
    search = GridSearchCV(boosting, {"max_depth": [2]}, cv=2).fit(frame, LABELS)
    model = wrap(search)
    assert np.array_equal(model.predict(frame).proba, search.predict_proba(frame))  # type: ignore[arg-type]
    alone = model.predict(frame.iloc[[0]])
    assert np.array_equal(alone.proba, search.predict_proba(frame)[:1])  # type: ignore[arg-type]


def test_an_unfitted_regression_says_so() -> None:
    with pytest.raises(ModelError, match="has not been fitted"):
        wrap(LinearRegression()).predict(FRAME[["age"]])


def test_several_questions_at_once_are_refused() -> None:
    many = DecisionTreeClassifier().fit(FRAME[["age"]], np.column_stack([LABELS, LABELS]))
    with pytest.raises(ModelError, match="2 questions at once"):
        wrap(many)


def test_a_missing_column_is_the_rows_error(fitted: Any) -> None:
    answer = wrap(fitted).predict(FRAME[["age", "pay"]].iloc[:3])
    assert answer.failed.all() and "city" in answer.errors[0]
    assert answer.value.tolist() == [None, None, None]


def test_a_text_cell_in_a_number_fails_alone(fitted: Any) -> None:
    frame = FRAME.iloc[:6].astype({"age": object})
    frame.loc[2, "age"] = "forty"
    answer = wrap(fitted).predict(frame)
    assert answer.failed.tolist() == [False, False, True, False, False, False]
    assert answer.errors[2].startswith("ValueError: ")
    assert answer.value[answer.failed == 0].tolist() == fitted.predict(FRAME.iloc[[0, 1, 3, 4, 5]]).tolist()
    assert answer.proba is not None and np.isnan(answer.proba[2]).all()
