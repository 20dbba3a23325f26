"""A plain model on the same rows, against the user's."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest

from camelopard.core.arrays import objects
from camelopard.core.batch import Batch
from camelopard.core.records import Prediction
from camelopard.core.schema import Schema
from camelopard.firewall.underfit import UnderfitWarning, rival, sentence

N, HALF = 1600, 800
RNG = np.random.default_rng(0)
A, B = np.where(np.arange(N) == 5, np.inf, RNG.normal(size=N)), RNG.normal(size=N)
X = Batch({"a": A, "b": B, "c": objects("uvw"[i % 3] for i in range(N))}, np.arange(N))
WORTH = np.nan_to_num(X.columns["a"], posinf=0) * X.columns["b"] + (X.columns["c"] == "u")
SCHEMA = Schema.infer(X)


def asked(y: Any, answer: Any, task: Any) -> dict[str, Any]:
    first, second = X.take(slice(0, HALF)), X.take(slice(HALF, N))
    classes = ("no", "yes") if task == "classification" else ()
    return rival(SCHEMA, first, y[:HALF], second, y[HALF:], Prediction(objects(answer[HALF:]), classes=classes), task, 0)


YES = objects("yes" if w > 0.3 else "no" for w in WORTH)


def test_a_model_that_a_plain_one_beats_is_told_so() -> None:
    with pytest.warns(UnderfitWarning, match="a plain model beats yours, retrain first"):
        found = asked(YES, ["no"] * N, "classification")
    assert found["low"] > 0.1
    assert found["plain"] > 0.85
    with pytest.warns(UnderfitWarning, match="errs by"):
        assert asked(WORTH, [0.0] * N, "regression")["low"] > 0.3


def test_a_model_that_is_as_good_or_better_is_left_in_peace() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error", UnderfitWarning)
        assert asked(YES, YES.tolist(), "classification")["high"] < 0
        assert asked(WORTH, WORTH.tolist(), "regression")["high"] < 0


def test_on_labels_that_nothing_can_be_learned_from_no_model_is_accused() -> None:
    accused = 0
    for seed in range(20):
        noise = objects(np.random.default_rng(seed).choice(["yes", "no"], N))
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            asked(noise, np.random.default_rng(seed + 99).choice(["yes", "no"], N).tolist(), "classification")
        accused += any(issubclass(w.category, UnderfitWarning) for w in caught)
    assert accused <= 3  # one of 40 is expected


def test_few_rows_or_a_single_label_say_nothing() -> None:
    few = X.take(slice(0, 100))
    assert rival(SCHEMA, few, YES[:100], few, YES[:100], Prediction(objects(["no"] * 100), classes=("no", "yes")), "classification", 0) == {}
    assert asked(objects(["no"] * N), ["no"] * N, "classification") == {}


def test_the_sentence_names_both_and_the_difference() -> None:
    found = {"figure": "accuracy", "plain": 0.9, "model": 0.8, "low": 0.07, "high": 0.13, "rows": 1000, "taught": 2000}
    assert "right on 90.0% of 1,000 rows, the model on 80.0% (difference 7.0 to 13.0 points)" in sentence(found)


def test_columns_without_a_value_and_many_classes_do_no_harm() -> None:
    gone = X.with_columns({"b": np.full(N, np.nan)})
    first, second = gone.take(slice(0, HALF)), gone.take(slice(HALF, N))
    answer = Prediction(objects(["no"] * HALF), classes=("no", "yes"))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UnderfitWarning)
        assert rival(Schema.infer(gone), first, YES[:HALF], second, YES[HALF:], answer, "classification", 0)["rows"] == HALF
    many = objects(f"class {i % 40}" for i in range(N))
    assert asked(many, many.tolist(), "classification") == {}
