from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from camelopard.core.batch import Batch
from camelopard.core.errors import ModelError
from camelopard.core.protocols import Model
from camelopard.models.wrap import wrap
from camelopard.testing.models import check_model

FRAME = pd.DataFrame({"age": [20, 30, 60, 70], "sex": ["F", "M", "F", "M"]})


def old(frame: pd.DataFrame) -> Any:
    return np.where(frame["age"] > 50, "old", "young")


def test_text_answers_mean_classes() -> None:
    model = wrap(old)
    answer = model.predict(FRAME)
    assert answer.value.tolist() == ["young", "young", "old", "old"]
    assert (model.name, model.task, model.classes) == ("old", "classification", ("old", "young"))
    check_model(model, FRAME)


def test_bool_and_int_answers_mean_classes() -> None:
    assert wrap(lambda frame: (frame["age"] > 50).tolist()).predict(FRAME).value.tolist() == [False, False, True, True]
    assert wrap(lambda frame: (frame["age"] > 50).astype(int)).predict(FRAME).value.tolist() == [0, 0, 1, 1]


def test_float_answers_mean_numbers() -> None:
    model = wrap(lambda frame: frame["age"] * 0.5)
    assert model.predict(FRAME).value.tolist() == [10.0, 15.0, 30.0, 35.0]
    assert (model.task, model.classes) == ("regression", ())
    check_model(model, FRAME)


def test_rows_that_sum_to_one_mean_probabilities() -> None:
    model = wrap(lambda frame: np.column_stack([frame["age"] / 100, 1 - frame["age"] / 100]))
    answer = model.predict(FRAME)
    assert model.classes == (0, 1)
    assert answer.proba is not None and answer.proba[0].tolist() == [0.2, 0.8]
    assert answer.value.tolist() == [1, 1, 0, 0]
    check_model(model, FRAME)


def test_two_classes_make_fractions_the_probability_of_the_second() -> None:
    model = wrap(lambda frame: frame["age"] / 100, classes=["no", "yes"])
    answer = model.predict(FRAME)
    assert answer.value.tolist() == ["no", "no", "yes", "yes"]
    assert answer.proba is not None and np.allclose(answer.proba[:, 1], [0.2, 0.3, 0.6, 0.7])


def test_integers_are_numbers_where_the_task_says_so() -> None:
    model = wrap(lambda frame: frame["age"], task="regression")
    assert model.predict(FRAME).value.dtype == np.float64


def test_fractions_of_a_classifier_without_classes_are_refused() -> None:
    with pytest.raises(ModelError, match=r"pass classes=\[negative, positive\]"):
        wrap(lambda frame: frame["age"] / 100, task="classification").predict(FRAME)


def test_columns_that_do_not_sum_to_one_are_refused_until_the_task_is_named() -> None:
    with pytest.raises(ModelError, match="do not sum to 1"):
        wrap(lambda frame: np.ones((len(frame), 3))).predict(FRAME)


def test_the_task_is_unknown_before_the_first_answer() -> None:
    model = wrap(old)
    with pytest.raises(ModelError, match="task='classification'"):
        _ = model.task
    model.predict(FRAME)
    assert isinstance(model, Model)


def test_learned_classes_grow_and_given_ones_do_not() -> None:
    def answer(frame: pd.DataFrame) -> list[str]:
        return ["new" if age > 65 else "known" if age > 25 else "other" for age in frame["age"]]

    growing = wrap(answer)
    growing.predict(FRAME.iloc[:2])
    assert growing.predict(FRAME).value.tolist() == ["other", "known", "known", "new"]
    fixed = wrap(answer, classes=["known", "other"]).predict(FRAME)
    assert fixed.value.tolist() == ["other", "known", "known", None]
    assert fixed.errors.tolist()[:3] == [None, None, None]
    assert "unknown class 'new'" in fixed.errors[3]


@pytest.mark.parametrize(
    ("X", "kind"),
    [
        (FRAME, pd.DataFrame),
        (pl.from_pandas(FRAME), pl.DataFrame),
        (pa.Table.from_pandas(FRAME), pa.Table),
        (FRAME.to_dict("records"), list),
        (np.arange(8.0).reshape(4, 2), np.ndarray),
    ],
)
def test_a_function_gets_the_form_in_which_the_rows_came(X: Any, kind: type) -> None:
    seen: list[object] = []

    def answer(table: Any) -> list[float]:
        seen.append(table)
        return [0.0] * len(table)

    wrap(answer).predict(X)
    assert isinstance(seen[0], kind) and len(seen) == 1


def test_a_reference_sets_the_form_the_types_and_the_order() -> None:
    seen: list[pd.DataFrame] = []

    def answer(frame: pd.DataFrame) -> list[int]:
        seen.append(frame)
        return [1] * len(frame)

    reference = FRAME.astype({"age": "int32", "sex": "category"})
    wrap(answer, reference=reference).predict([{"sex": "F", "age": 3, "extra": 0}])
    assert list(seen[0].columns) == ["age", "sex"]
    assert seen[0].dtypes.astype(str).tolist() == ["int32", "category"]
    assert seen[0]["sex"].cat.categories.tolist() == ["F", "M"]


def test_a_plain_list_of_mixed_labels_is_not_turned_into_text() -> None:
    answer = wrap(lambda frame: ["a", 1, "a", 1]).predict(FRAME)
    assert answer.value.tolist() == ["a", 1, "a", 1]


def test_an_empty_table_has_no_answers() -> None:
    answer = wrap(old, classes=["old", "young"]).predict(Batch.of(FRAME).take(slice(0, 0)))
    assert len(answer) == 0
