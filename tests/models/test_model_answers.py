from __future__ import annotations

from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
import pytest

from camelopard.core.errors import ModelError
from camelopard.models.answers import Raw, Reader
from camelopard.models.wrap import wrap

FRAME = pd.DataFrame({"x": np.arange(6.0)})


@pytest.mark.parametrize(
    ("answer", "got"),
    [
        (lambda n: np.zeros(3), r"expected 6 answers.*\(3,\)"),
        (lambda n: 0.5, r"expected 6 answers.*\(\)"),
        (lambda n: None, "expected 6 answers; got None"),
        (lambda n: np.zeros((n, 2, 2)), r"\(6, 2, 2\)"),
        (lambda n: [[1], [1, 2]], "ragged"),
    ],
)
def test_the_wrong_shape_is_refused_with_both_shapes(answer: Any, got: str) -> None:
    with pytest.raises(ModelError, match=got):
        wrap(lambda frame: answer(6)).predict(FRAME)


def test_probabilities_of_the_wrong_number_of_classes_are_refused() -> None:
    with pytest.raises(ModelError, match=r"shape \(6, 3\); got \(6, 2\)"):
        wrap(lambda frame: np.full((len(frame), 2), 0.5), classes=["a", "b", "c"]).predict(FRAME)


def test_the_wrong_shape_for_some_rows_is_their_error() -> None:
    answer = wrap(lambda frame: frame["x"][frame["x"] != 2]).predict(FRAME)
    assert answer.failed.tolist() == [False, False, True, False, False, False]
    assert answer.errors[2].startswith("wrong shape: expected 1 answers")
    assert np.isnan(answer.value[2]) and answer.value[3] == 3.0


@pytest.mark.parametrize(
    ("row", "words"),
    [((np.nan, np.nan), "NaN or infinite"), ((np.inf, 0), "NaN or infinite"), ((1.2, -0.2), "outside 0–1"), ((0.5, 0.4), "they sum to 0.9")],
)
def test_probabilities_that_are_none_are_the_rows_error(row: tuple[float, float], words: str) -> None:
    def answer(frame: pd.DataFrame) -> Any:
        return np.where(frame[["x"]].to_numpy() == 2, [row], [(0.25, 0.75)])

    found = wrap(answer, classes=["no", "yes"]).predict(FRAME)
    assert found.failed.tolist() == [False, False, True, False, False, False]
    assert words in found.errors[2]
    assert found.value.tolist() == ["yes", "yes", None, "yes", "yes", "yes"]
    assert found.proba is not None and np.isnan(found.proba[2]).all()


def test_small_rounding_is_no_error() -> None:
    proba = np.array([0.5, 0.5005], dtype=np.float32)
    assert not wrap(lambda frame: np.tile(proba, (len(frame), 1))).predict(FRAME).failed.any()
    assert not wrap(lambda frame: np.tile([1 + 1e-7, -1e-7], (len(frame), 1))).predict(FRAME).failed.any()


def test_a_number_that_is_none_is_the_rows_error() -> None:
    with np.errstate(all="ignore"):
        answer = wrap(lambda frame: np.log(frame["x"] - 1)).predict(FRAME)
    assert answer.failed.tolist() == [True, True, False, False, False, False]
    assert answer.errors[:2].tolist() == ["no number: nan", "no number: -inf"]
    assert np.isnan(answer.value[:2]).all()


def test_no_label_is_the_rows_error() -> None:
    answer = wrap(lambda frame: [None, "a", float("nan"), "a", "a", pd.NA], classes=["a", "b"]).predict(FRAME)
    assert answer.failed.tolist() == [True, False, True, False, False, True]


@pytest.mark.parametrize("labels", [["a", "b"], [0, 1], [False, True], [0.0, 1.0]])
def test_classes_keep_their_type_and_become_objects_beside_a_failure(labels: list[Any]) -> None:
    def answer(frame: pd.DataFrame) -> list[Any]:
        if (frame["x"] == 5).any():
            raise ValueError("five")
        return [labels[int(x) % 2] for x in frame["x"]]

    model = wrap(answer, task="classification", classes=labels)
    clean, broken = model.predict(FRAME.iloc[:4]), model.predict(FRAME)
    assert clean.value.dtype == np.array(labels).dtype
    assert clean.value.tolist() == [labels[0], labels[1], labels[0], labels[1]]
    assert broken.value.dtype == object and broken.value[5] is None
    assert {type(v) for v in broken.value[:5]} == {type(labels[0])}


def test_an_answer_of_missing_values_settles_nothing() -> None:
    answers = iter([[None, None], ["a", "b"]])
    model = wrap(lambda frame: next(answers))
    assert model.predict(FRAME.iloc[:2]).failed.all()
    assert model.predict(FRAME.iloc[:2]).value.tolist() == ["a", "b"]


def test_a_single_column_of_answers_is_as_good_as_none() -> None:
    assert wrap(lambda frame: frame[["x"]]).predict(FRAME).value.tolist() == FRAME["x"].tolist()
    assert wrap(lambda frame: [["a"]] * len(frame)).predict(FRAME).value.tolist() == ["a"] * 6
    assert wrap(lambda frame: np.full((len(frame), 1), 0.7), classes=["no", "yes"]).predict(FRAME).value.tolist() == ["yes"] * 6


def test_numbers_of_any_kind_are_read() -> None:
    answers = [1, 2.5, Decimal("3.5"), True, "4", None]
    found = wrap(lambda frame: answers[: len(frame)], task="regression").predict(FRAME)
    assert found.value[:4].tolist() == [1.0, 2.5, 3.5, 1.0]
    assert found.failed.tolist() == [False, False, False, False, True, True]


@pytest.mark.parametrize("settled", [["a"], [1.0], [[0.5, 0.5]]])
def test_answers_of_another_layout_than_before_are_the_rows_error(settled: list[Any]) -> None:
    answers = {1: settled, 2: np.zeros((2, 3)), 6: np.zeros((6, 3))}
    model = wrap(lambda frame: answers[len(frame)] if len(frame) > 1 or frame["x"].iloc[0] == 0 else np.zeros((1, 3)))
    assert not model.predict(FRAME.iloc[:1]).failed.any()
    found = model.predict(FRAME.iloc[4:])
    assert all(error.startswith("wrong shape: expected") for error in found.errors)


def test_more_classes_than_two_make_whole_numbers_labels() -> None:
    model = wrap(lambda frame: frame["x"] % 3, task="classification", classes=[0, 1, 2])
    assert model.predict(FRAME).value.tolist() == [0, 1, 2, 0, 1, 2]


@pytest.mark.parametrize(
    "row",
    [
        [0.5, 0.5],
        [0.2, 0.8],
        [1.0, 0.0],
        [np.nan, 1.0],
        [-0.5, 1.5],
        [np.inf, 0.0],
        [0.6, 0.6],
        [1.0 + 1e-7, -1e-7],
        [1.0009, -0.0009],
        [0.4995, 0.4995],
    ],
)
def test_probabilities_of_one_row_are_read_as_they_are_among_others(row: list[float]) -> None:
    reader = Reader("classification", classes=["no", "yes"])
    alone, among = (reader.read(Raw(np.array([row] * n), "proba"), n) for n in (1, 3))
    assert (alone.codes[0], alone.errors[0]) == (among.codes[0], among.errors[0])
    assert alone.proba is not None and among.proba is not None
    assert alone.proba[0].tobytes() == among.proba[0].tobytes()
