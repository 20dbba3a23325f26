"""Nearest rows of the same and of other answers: golden distances, the same bytes in any batch, and no row compared with itself."""

from __future__ import annotations

import numpy as np
import pytest

from camelopard.core.arrays import objects
from camelopard.core.records import Prediction
from camelopard.evidence.neighbours import MOST, SMALL, Neighbours

CLASSES = ("a", "b")


def classes(values: str) -> Prediction:
    return Prediction(objects(values), proba=np.array([[v == c for c in CLASSES] for v in values], dtype=float), classes=CLASSES)


def numbers(values: list[float]) -> Prediction:
    return Prediction(objects(values))


def test_distances_are_those_to_the_nearest_row_of_each_answer() -> None:
    near = Neighbours.learn(np.array([[0.0, 0.0], [3.0, 4.0]]), classes("ab"), "classification")
    found = near.measure(np.array([[0.0, 0.0], [0.0, 0.0], [0.0, 1.0]]), classes("aba"), "classification")
    other = np.hypot(3.0, 3.0)
    assert found[:, 0] == pytest.approx([0.0, 0.0, np.log1p(1.0)])
    assert found[:, 1] == pytest.approx([np.log(SMALL / (5 + SMALL)), np.log((5 + SMALL) / SMALL), np.log((1 + SMALL) / (other + SMALL))], abs=0.02)


def test_a_row_gets_the_same_bytes_alone_and_in_a_batch() -> None:
    rng = np.random.default_rng(0)
    for d in (1, 3, 14, 60, 700):
        near = Neighbours.learn(rng.normal(size=(900, d)), classes("ab" * 450), "classification")
        rows, answer = 4 * rng.normal(size=(40, d)), classes("ab" * 20)
        together = near.measure(rows, answer, "classification")
        for i in (0, 7, 39):
            assert near.measure(rows[i : i + 1], answer.take(np.array([i])), "classification").tobytes() == together[i : i + 1].tobytes()
        again = Neighbours.from_state(near.state())
        assert again.measure(rows, answer, "classification").tobytes() == together.tobytes()


def test_while_learning_a_row_is_not_compared_with_itself() -> None:
    rows = np.array([[0.0], [1.0], [5.0]])
    near = Neighbours.learn(rows, classes("aab"), "classification", np.arange(3))
    found = near.measure(rows, classes("aab"), "classification", np.arange(3))
    assert found[:, 0] == pytest.approx(np.log1p([1.0, 1.0, 4.0]))
    assert near.measure(rows, classes("aab"), "classification")[:, 0] == pytest.approx([0.0, 0.0, 0.0])


def test_rare_answers_get_their_share_of_what_is_kept() -> None:
    rows = np.random.default_rng(0).normal(size=(5000, 2))
    near = Neighbours.learn(rows, classes("a" * 4990 + "b" * 10), "classification")
    assert len(near.rows) == MOST
    assert (near.groups == 1).sum() == 10


def test_answers_of_a_regression_are_told_apart_by_where_they_lie() -> None:
    values = np.linspace(0, 1, 100)
    near = Neighbours.learn(values[:, None] * 4, numbers(values.tolist()), "regression")
    found = near.measure(np.array([[0.2], [0.2]]), numbers([0.05, 0.95]), "regression")
    assert found[0, 1] < -1 < 1 < found[1, 1]


def test_an_answer_that_no_clean_row_got_is_far_from_all() -> None:
    near = Neighbours.learn(np.zeros((5, 2)), classes("aaaaa"), "classification")
    found = near.measure(np.zeros((2, 2)), classes("ab"), "classification")
    assert found[0, 1] < -5 and found[1, 1] > 5
    assert np.isfinite(found).all()


def test_without_rows_or_answers_nothing_is_said() -> None:
    near = Neighbours.learn(np.zeros((0, 2)), None, "classification")
    assert not near.measure(np.ones((3, 2)), classes("aba"), "classification").any()
