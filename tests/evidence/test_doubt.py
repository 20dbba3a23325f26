from __future__ import annotations

import numpy as np

from camelopard.core.records import Prediction
from camelopard.evidence.doubt import axis_of, doubt


def test_an_even_answer_is_more_doubtful_than_a_sure_one() -> None:
    found = doubt(Prediction(np.array([0, 1]), np.array([[0.5, 0.5], [0.01, 0.99]]), classes=(0, 1)), "classification")
    assert found[0, 0] > found[1, 0]
    assert found[0, 2] > found[1, 2]
    assert found[0, 4] < found[1, 4]


def test_decision_values_and_bare_labels_make_scores_too() -> None:
    by_scores = Prediction(np.array([1]), scores=np.array([[0.0, 2.0]]), classes=(0, 1)).shares
    by_labels = Prediction(np.array(["b"], dtype=object), classes=("a", "b")).shares
    assert np.isclose(by_scores.sum(), 1.0)
    assert by_scores[0, 1] > 0.8
    assert by_labels.tolist() == [[0.0, 1.0]]


def test_rows_without_an_answer_stay_finite() -> None:
    answer = Prediction(np.array([None, 0], dtype=object), np.array([[np.nan, np.nan], [0.9, 0.1]]), classes=(0, 1))
    assert np.isfinite(doubt(answer, "classification")).all()
    assert np.isfinite(axis_of(answer, "classification")).all()


def test_the_axis_orders_rows_by_the_answer() -> None:
    p = np.linspace(0.1, 0.9, 5)
    axis = axis_of(Prediction(np.zeros(5), np.column_stack([1 - p, p]), classes=(0, 1)), "classification")
    assert np.all(np.diff(axis) > 0) or np.all(np.diff(axis) < 0)
    assert axis_of(Prediction(np.array([1.0, np.nan])), "regression").tolist() == [1.0, 1.0]
