from __future__ import annotations

import numpy as np

from camelopard.core.arrays import objects
from camelopard.core.records import Prediction
from camelopard.stress.truth import Truth, losses, tolerance_of

RAISED = objects([None, "ValueError: no"])


def test_another_class_is_a_flip_and_the_same_class_is_none() -> None:
    before, after = Prediction(np.array(["a", "b", "a"])), Prediction(np.array(["a", "a", "b"]))
    assert Truth("classification", 0.0).flipped(before, after).tolist() == [False, True, True]


def test_a_number_flips_only_beyond_the_tolerance() -> None:
    before, after = Prediction(np.array([1.0, 1.0, 1.0])), Prediction(np.array([1.5, 1.51, 0.4]))
    assert Truth("regression", 0.5).flipped(before, after).tolist() == [False, True, True]


def test_a_model_that_raises_is_fooled_but_does_not_flip() -> None:
    before = Prediction(np.array(["a", "a"]))
    after = Prediction(objects(["a", None]), errors=RAISED)
    truth = Truth("classification", 0.0)
    assert truth.flipped(before, after).tolist() == [False, False]
    assert truth.fooled(before, after).tolist() == [False, True]


def test_a_row_without_an_answer_before_cannot_be_fooled() -> None:
    before = Prediction(np.array([1.0, np.nan]), errors=RAISED)
    assert Truth("regression", 0.1).fooled(before, Prediction(np.array([9.0, 9.0]))).tolist() == [True, False]


def test_the_tolerance_is_the_median_error_on_labels_and_a_tenth_of_the_spread_without() -> None:
    answers = Prediction(np.arange(101.0))
    assert tolerance_of(answers, np.arange(101.0) + 2.0, "regression") == 2.0
    assert abs(tolerance_of(answers, None, "regression") - 0.1 * (84 - 16) / 2) < 1e-9
    assert tolerance_of(answers, None, "classification") == 0.0


def test_the_tolerance_of_a_perfect_model_still_forgives_rounding() -> None:
    answers = Prediction(np.arange(100.0))
    truth = Truth("regression", tolerance_of(answers, np.arange(100.0), "regression"))
    assert not truth.flipped(answers, Prediction(np.arange(100.0) + 1e-9)).any()
    assert truth.flipped(answers, Prediction(np.arange(100.0) + 1e-3)).all()


def test_no_answer_is_a_wrong_class_and_no_loss_of_a_number() -> None:
    y = np.array(["a", "a"], dtype=object)
    assert losses(Prediction(objects(["a", None]), errors=RAISED), y, "classification").tolist() == [0.0, 1.0]
    found = losses(Prediction(np.array([1.0, np.nan]), errors=RAISED), np.array([3, 3]), "regression")
    assert found[0] == 2.0
    assert np.isnan(found[1])
