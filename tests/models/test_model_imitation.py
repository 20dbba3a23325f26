from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from camelopard.core.errors import InputError
from camelopard.models.imitation import imitate
from camelopard.models.wrap import wrap
from camelopard.testing.models import check_model

RNG = np.random.default_rng(0)
N = 600
FRAME = pd.DataFrame(
    {
        "age": RNG.integers(18, 80, N),
        "town": RNG.choice(np.array(["Oslo", "Rome", "Kyiv", None], dtype=object), N),
        "pay": RNG.normal(size=N),
        "member": RNG.random(N) < 0.5,
        "since": pd.to_datetime("2020-01-01") + pd.to_timedelta(RNG.integers(0, 1000, N), unit="D"),
    }
)
LABELS = np.where((FRAME["age"] > 50) & (FRAME["town"] == "Rome"), "yes", "no")


def test_a_simple_model_is_imitated_well() -> None:
    model = imitate(FRAME, LABELS, name="stand-in")
    assert (model.name, model.task, model.classes) == ("stand-in", "classification", ("no", "yes"))
    assert model.agreement.measure == "share" and model.agreement.rows == N
    assert model.agreement.value > 0.95 and model.agreement.interval.low > 0.93
    assert (model.predict(FRAME).value == LABELS).mean() > 0.97
    check_model(model, FRAME)


def test_answers_drawn_by_lot_are_not_imitated() -> None:
    drawn = np.random.default_rng(1).integers(0, 2, N)
    assert imitate(FRAME, drawn).agreement.interval.low < 0.55
    numbers = imitate(FRAME, np.random.default_rng(1).normal(size=N)).agreement
    assert numbers.measure == "r2" and numbers.value < 0.1


def test_numbers_are_imitated() -> None:
    model = imitate(FRAME, FRAME["age"] * 2.0 + FRAME["member"])
    assert (model.task, model.classes) == ("regression", ())
    assert model.agreement.value > 0.95 and model.agreement.interval.low <= model.agreement.value <= model.agreement.interval.high
    check_model(model, FRAME)


def test_probabilities_are_imitated_as_such() -> None:
    positive = 1 / (1 + np.exp(-FRAME["pay"]))
    one = imitate(FRAME, positive, classes=["no", "yes"])
    two = imitate(FRAME, np.column_stack([1 - positive, positive]))
    for model in (one, two):
        answer = model.predict(FRAME)
        assert answer.proba is not None and np.abs(answer.proba[:, 1] - positive).mean() < 0.05
    assert one.classes == ("no", "yes") and two.classes == (0, 1)


def test_several_classes_are_imitated() -> None:
    bands = FRAME["age"] // 25
    model = imitate(FRAME, bands)
    assert model.classes == tuple(sorted(set(bands))) and model.agreement.value > 0.95


def test_rows_without_an_answer_are_left_out() -> None:
    answers = LABELS.astype(object)
    answers[:100] = None
    assert imitate(FRAME, answers).agreement.rows == N - 100


def test_what_it_cannot_read_it_takes_as_missing() -> None:
    model = imitate(FRAME, LABELS)
    odd = model.predict([{"age": "old", "town": "Atlantis", "pay": None, "member": 3, "since": "?"}, {"extra": [1]}])
    assert not odd.failed.any() and odd.value[0] == odd.value[1]


def test_the_same_answers_make_the_same_model() -> None:
    one, other = imitate(FRAME, LABELS), imitate(FRAME, LABELS)
    assert one.agreement == other.agreement
    assert np.array_equal(one.predict(FRAME).proba, other.predict(FRAME).proba)  # type: ignore[arg-type]


def test_too_little_to_imitate_is_said() -> None:
    with pytest.raises(InputError, match="599 predictions for 600 rows"):
        imitate(FRAME, LABELS[:-1])
    with pytest.raises(InputError, match="at least 50"):
        imitate(FRAME.iloc[:20], LABELS[:20])
    with pytest.raises(InputError, match="every answer is 'no'"):
        imitate(FRAME, ["no"] * N)


def test_an_imitation_can_be_renamed() -> None:
    model = imitate(FRAME, LABELS)
    again = wrap(model, name="other")
    assert again.name == "other" and again.predict(FRAME).value.tolist() == model.predict(FRAME).value.tolist()
