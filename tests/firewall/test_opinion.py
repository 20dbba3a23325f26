"""A second opinion agrees where labels say so, knows when it knows nothing, and crosses no fold."""

from __future__ import annotations

import numpy as np
import pytest

from camelopard.confidence.quality import auroc
from camelopard.core.arrays import Floats, Ints
from camelopard.core.records import Prediction
from camelopard.firewall.opinion import FEWEST, FURTHEST, MOST_CLASSES, Opinion


def said(p: Floats) -> Prediction:
    names = tuple("abcdefghijklmnopqrstuvwxyz"[: p.shape[1]])
    return Prediction(np.array([names[k] for k in p.argmax(axis=1)], dtype=object), p, classes=names)


def world(n: int, classes: int, seed: int) -> tuple[Floats, Prediction, Ints]:
    """Return evidence that tells the label, a model that hardly looks at it, and the labels."""
    rng = np.random.default_rng(seed)
    table = rng.normal(size=(n, 4))
    label = np.digitize(table[:, 0], np.quantile(rng.normal(size=4000), np.linspace(0, 1, classes + 1)[1:-1])).astype(np.int64)
    p = rng.dirichlet(np.full(classes, 3.0), n)
    return table, said(p), label


@pytest.mark.parametrize("classes", [2, 3, 5])
def test_it_knows_which_answers_of_a_careless_model_are_right(classes: int) -> None:
    table, answer, label = world(1500, classes, 0)
    opinion = Opinion.learn(table, answer, label, np.ones(1500), np.random.default_rng(0))
    assert opinion is not None and len(opinion.voices) == (1 if classes == 2 else classes)
    new, more, truth = world(1500, classes, 1)
    right = more.shares.argmax(axis=1) == truth
    agrees = opinion.agrees(new, more)
    assert auroc(agrees, right) > 0.95 > 0.6 > auroc(more.shares.max(axis=1), right)
    assert np.abs(agrees).max() <= FURTHEST


def test_labels_drawn_at_random_give_no_opinion_worth_having() -> None:
    table, answer, _ = world(2000, 2, 2)
    label = np.random.default_rng(3).integers(0, 2, 2000)
    opinion = Opinion.learn(table[:1000], answer.take(slice(0, 1000)), label[:1000], np.ones(1000), np.random.default_rng(0))
    assert opinion is not None
    rest = answer.take(slice(1000, 2000))
    assert 0.44 < auroc(opinion.agrees(table[1000:], rest), rest.shares.argmax(axis=1) == label[1000:]) < 0.56


def test_too_few_rows_of_a_class_one_class_numbers_or_very_many_classes_give_none() -> None:
    table, answer, label = world(400, 2, 4)
    rng, ones = np.random.default_rng(0), np.ones(400)
    few = np.where(np.arange(400) < FEWEST - 1, 1, 0)
    assert Opinion.learn(table, answer, few, ones, rng) is None
    assert Opinion.learn(table, answer, np.zeros(400, dtype=np.int64), ones, rng) is None
    assert Opinion.learn(table, Prediction(np.zeros(400)), label, ones, rng) is None
    many = said(np.full((400, MOST_CLASSES + 1), 1 / (MOST_CLASSES + 1)))
    assert Opinion.learn(table, many, label, ones, rng) is None


def test_rows_of_a_class_that_the_model_does_not_know_teach_nothing() -> None:
    table, answer, label = world(900, 2, 5)
    rows = np.arange(900) < 600
    strange = np.where(rows, label, -1)
    one = Opinion.learn(table, answer, strange, np.ones(900), np.random.default_rng(0))
    other = Opinion.learn(table[:600], answer.take(slice(0, 600)), label[:600], np.ones(600), np.random.default_rng(0))
    assert one is not None and other is not None
    assert one.agrees(table, answer).tobytes() == other.agrees(table, answer).tobytes()


@pytest.mark.parametrize("classes", [2, 4])
def test_a_row_gets_the_same_bytes_alone_in_any_batch_and_from_a_file(classes: int) -> None:
    table, answer, label = world(900, classes, 6)
    opinion = Opinion.learn(table, answer, label, np.ones(900), np.random.default_rng(0))
    assert opinion is not None
    whole = opinion.agrees(table, answer)
    assert [opinion.agrees(table[i : i + 1], answer.take(slice(i, i + 1)))[0] for i in range(0, 900, 90)] == whole[::90].tolist()
    assert Opinion.from_state(opinion.state()).agrees(table, answer).tobytes() == whole.tobytes()
