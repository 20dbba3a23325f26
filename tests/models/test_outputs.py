from __future__ import annotations

import numpy as np
import pytest

from camelopard.core.errors import ModelError, UnknownName
from camelopard.models.outputs import ENOUGH, HALF_TOLERANCE, Settling

RNG = np.random.default_rng(0)


def test_probabilities_are_left_alone_and_logits_are_not() -> None:
    proba = RNG.dirichlet(np.ones(3), size=20)
    assert np.array_equal(Settling(None, None, None).raw(proba).values, proba)
    assert np.allclose(Settling(None, None, None).raw(np.log(proba) + 5).values, proba)
    assert np.allclose(Settling(None, None, None).raw(np.log(proba)).values, proba)


def test_what_was_found_out_stays() -> None:
    settling = Settling(None, None, None)
    settling.raw(RNG.normal(size=(20, 2)) * 5)
    assert settling.raw(np.array([[0.4, 0.6]])).values[0, 0] == pytest.approx(1 / (1 + np.exp(0.2)))
    settling = Settling(None, None, None)
    settling.raw(np.full((20, 2), 0.5))
    assert settling.raw(np.array([[3.0, 1.0]])).values.tolist() == [[3.0, 1.0]]  # the reader says that this is none


def test_one_row_of_logits_that_sums_to_one_by_chance_settles_nothing() -> None:
    settling = Settling(None, None, None)
    assert settling.raw(np.array([[0.4, 0.6]])).values.tolist() == [[0.4, 0.6]]
    settling.raw(np.array([[4.0, -1.0]]))
    assert settling.outputs == "logits"


@pytest.mark.parametrize("seed", range(30))
def test_logits_are_never_taken_for_probabilities_nor_probabilities_for_logits(seed: int) -> None:
    rng = np.random.default_rng(seed)
    k = int(rng.integers(2, 12))
    logits = rng.normal(scale=rng.choice([0.3, 1.0, 5.0]), size=(50, k))
    proba = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    for values, meaning in ((logits, "logits"), (proba, "probabilities"), (proba.astype(np.float32), "probabilities")):
        settling = Settling(None, None, None)
        settling.raw(values)
        assert settling.outputs == meaning


def test_probabilities_of_half_precision_are_brought_to_one() -> None:
    proba = RNG.dirichlet(np.ones(5), size=30).astype(np.float16) * np.float16(1.004)
    found = Settling(None, None, None).raw(proba, HALF_TOLERANCE).values
    assert np.allclose(found.sum(axis=1), 1, atol=1e-12)


def test_several_labels_at_once_are_named() -> None:
    settling = Settling(None, None, None)
    with pytest.raises(ModelError, match="several labels at once"):
        settling.raw(RNG.uniform(size=(ENOUGH, 3)))
    assert Settling("logits", None, None).raw(RNG.uniform(size=(ENOUGH, 3))).meaning == "proba"


def test_one_column_is_a_number_or_speaks_of_the_second_class() -> None:
    values = RNG.normal(size=(100, 1)) * 3
    assert Settling(None, None, None).raw(values).meaning == "numbers"
    raw = Settling(None, None, ["no", "yes"]).raw(values)
    assert raw.meaning == "positive" and np.allclose(raw.values, 1 / (1 + np.exp(-values[:, 0])))
    within = RNG.uniform(size=100)
    assert np.array_equal(Settling(None, "classification", None).raw(within).values, within)
    with pytest.raises(ModelError, match="the probability of the second class or its logit"):
        Settling(None, "classification", None).raw(within[:5])
    assert Settling("probabilities", None, None).raw(within[:5]).values.tolist() == within[:5].tolist()


def test_rows_without_numbers_settle_nothing() -> None:
    settling = Settling(None, None, None)
    assert np.isnan(settling.raw(np.full((3, 2), np.nan)).values).all()
    assert settling.outputs is None
    found = Settling("logits", None, None).raw(np.array([[np.inf, 0.0], [-np.inf, 0.0], [1e308, -1e308]])).values
    assert np.isnan(found[0]).all() and found[1:].tolist() == [[0.0, 1.0], [1.0, 0.0]]


def test_the_task_is_known_where_somebody_said_enough() -> None:
    assert Settling("logits", None, None).task == Settling(None, None, ["a", "b"]).task == "classification"
    assert Settling("numbers", None, None).task == Settling(None, "regression", None).task == "regression"
    assert Settling(None, None, None).task is None


def test_contradictions_are_refused() -> None:
    with pytest.raises(UnknownName, match="Did you mean 'logits'"):
        Settling("logit", None, None)  # type: ignore[arg-type]
    with pytest.raises(ModelError, match="outputs='numbers' of a classifier"):
        Settling("numbers", None, ["a", "b"])
    with pytest.raises(ModelError, match="outputs='logits' of a regression"):
        Settling("logits", "regression", None)
