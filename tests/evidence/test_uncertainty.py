from __future__ import annotations

import datetime as dt
from typing import Any

import numpy as np
import pytest

from camelopard.core.arrays import Floats, objects
from camelopard.core.batch import Batch
from camelopard.core.records import Prediction
from camelopard.core.schema import Schema
from camelopard.evidence.reading import Reader
from camelopard.evidence.uncertainty import NOISES, PIECE, UNKNOWN, copies, disagreement, measure
from camelopard.models.wrap import wrap

RNG = np.random.default_rng(0)
CLEAN = Batch.of(
    [
        {"dose": d, "age": int(a), "colour": c}
        for d, a, c in zip(RNG.normal(50, 10, 400), RNG.integers(18, 90, 400), RNG.choice(["r", "g"], 400), strict=True)
    ]
)
SCHEMA = Schema.infer(CLEAN)
READER = Reader.learn(CLEAN, SCHEMA, np.zeros(400))


def steps(table: Any) -> Floats:
    """Answer 0.9 above a dose of 50, 0.1 below: sure of itself everywhere, and unstable at the step."""
    p = np.where(np.array([float(row["dose"] or 0.0) for row in table]) > 50, 0.9, 0.1)
    return np.column_stack([1 - p, p])


def of(model: Any, kind: str, batch: Batch, scale: float = 1.0) -> Floats | None:
    batch = SCHEMA.conform(batch)
    session = model.session()
    answer = session.predict(batch)
    return measure(kind, batch, answer, READER.read(batch), reader=READER, session=session, task=model.task, scale=scale)


def doses(*values: Any) -> Batch:
    return Batch.of([{"dose": v, "age": 40, "colour": "r"} for v in values])


def test_noise_tells_a_row_at_a_step_from_rows_far_from_it_although_the_model_is_as_sure_of_both() -> None:
    found = of(wrap(steps, classes=["no", "yes"]), "noise", doses(20.0, 50.01, 80.0))
    assert found is not None
    assert found[0] == found[2] == 0.0
    assert 0.2 < found[1] <= 0.8


def test_bare_votes_and_numbers_have_noise_too() -> None:
    votes = of(wrap(lambda t: ["yes" if row["dose"] > 50 else "no" for row in t], classes=["no", "yes"]), "noise", doses(20.0, 50.01))
    numbers = of(wrap(lambda t: [3 * row["dose"] for row in t], task="regression"), "noise", doses(20.0, 50.01), scale=30.0)
    assert votes is not None and votes[0] == 0.0 and 0.3 < votes[1] < 0.7
    assert numbers is not None and np.allclose(numbers[1], 0.1, atol=0.06)  # a tenth of the dose's spread


def test_classes_that_a_copy_is_the_first_to_show_count_as_another_answer() -> None:
    model = wrap(lambda t: ["yes" if row["dose"] > 50 else "no" for row in t], task="classification")
    assert of(model, "noise", doses(50.01))[0] > 0.3  # type: ignore[index]


def test_copies_change_sound_numbers_a_little_and_nothing_else() -> None:
    batch = SCHEMA.conform(
        Batch.of([{"dose": 50.0, "age": 40, "colour": "r"}, {"dose": None, "age": 18, "colour": "new"}, {"dose": "?", "age": 33.5}])
    )
    reading = READER.read(batch)
    found = copies(batch, reading.values, reading.states, READER)
    assert found is not None and len(found) == 3 * NOISES
    dose, age, colour = (found.columns[name].reshape(3, NOISES) for name in ("dose", "age", "colour"))
    assert np.unique(dose[0]).size == NOISES and abs(dose[0].astype(float) - 50).max() < 4
    assert dose[1].tolist() == [None] * NOISES and dose[2].tolist() == ["?"] * NOISES
    ages = age.astype(float)
    assert (ages[:2] == np.rint(ages[:2])).all() and np.unique(ages[0]).size > 1
    assert ages[1].min() >= 18  # not beyond what clean data holds
    assert (ages[2] == 33.5).all()  # a whole number that is none is no sound number
    assert colour.tolist() == [["r"] * NOISES, ["new"] * NOISES, [None] * NOISES]


def test_each_move_has_its_opposite_so_the_middle_stays_where_it_is() -> None:
    batch = SCHEMA.conform(doses(50.0))
    reading = READER.read(batch)
    found = copies(batch, reading.values, reading.states, READER)
    assert found is not None
    assert np.isclose(found.columns["dose"].mean(), 50.0) and found.columns["age"].mean() == 40.0


def test_noise_does_not_apply_where_no_column_holds_numbers() -> None:
    batch = Batch.of([{"colour": c, "day": d} for c, d in [("r", dt.datetime(2020, 1, 1)), ("g", dt.datetime(2020, 1, 9))]])
    schema = Schema.infer(batch)
    reader, model = Reader.learn(batch, schema, np.zeros(2)), wrap(lambda t: ["a"] * len(t), classes=["a", "b"])
    session = model.session()
    reading = reader.read(batch)
    assert measure("noise", batch, session.predict(batch), reading, reader=reader, session=session, task="classification", scale=1.0) is None


def test_copies_on_which_the_model_raises_are_left_out_and_none_left_is_bad() -> None:
    def fragile(table: Any) -> Any:
        if any(row["dose"] not in (20.0, 80.0) and row["dose"] > limit for row in table):
            raise ValueError("too much")
        return steps(table)

    model = wrap(fragile, classes=["no", "yes"])
    limit = 20.0
    assert of(model, "noise", doses(20.0))[0] == 0.0  # type: ignore[index]
    limit = -1.0
    assert of(model, "noise", doses(20.0))[0] == UNKNOWN  # type: ignore[index]


def test_a_row_without_an_answer_is_not_asked_again() -> None:
    def refuses(table: Any) -> Any:
        raise ValueError("no")

    model = wrap(refuses, task="classification", classes=["no", "yes"])
    batch = SCHEMA.conform(doses(20.0))
    session = model.session()
    answer = session.predict(batch)
    asked = session.asked
    found = measure("noise", batch, answer, READER.read(batch), reader=READER, session=session, task="classification", scale=1.0)
    assert found is not None and found.tolist() == [0.0] and session.asked == asked


def voices(table: Any) -> Any:
    p = 0.5 + np.array([-0.4, 0.0, 0.4])[:, None] * np.array([min(abs(row["dose"] - 50) / 50, 1.0) for row in table])
    return np.stack([1 - p, p], axis=2)


@pytest.mark.parametrize("kind", ["noise", "ensemble"])
def test_a_row_is_measured_the_same_alone_and_in_any_batch(kind: str) -> None:
    model = wrap(steps, classes=["no", "yes"], members=voices)
    odd: list[Any] = [None, "77 mg", float("inf"), "?", 1, True]
    values = [*odd, *RNG.normal(50, 1, PIECE).tolist()]
    batch = Batch.of([{"dose": v, "age": 40 + i % 3, "colour": "r"} for i, v in enumerate(values)])
    whole = of(model, kind, batch)
    assert whole is not None
    for i in (0, 1, 2, 3, 4, 5, 6, 100, PIECE + 5):
        assert of(model, kind, batch.take([i])).tobytes() == whole[i : i + 1].tobytes(), values[i]  # type: ignore[union-attr]
    backwards = of(model, kind, batch.take(np.arange(len(batch))[::-1]))
    assert backwards is not None and backwards[::-1].tobytes() == whole.tobytes()


def test_members_that_disagree_are_uncertain_and_members_that_all_doubt_are_not() -> None:
    apart, doubtful, sure = [[1.0, 0.0], [0.0, 1.0]], [[0.5, 0.5], [0.5, 0.5]], [[0.9, 0.1], [0.9, 0.1]]
    members = np.array([apart, doubtful, sure]).transpose(1, 0, 2)
    assert np.allclose(disagreement(members, "classification", 1.0), [np.log(2), 0.0, 0.0])
    assert np.allclose(disagreement(np.array([[1.0, 5.0], [3.0, 5.0]]), "regression", 2.0), [0.5, 0.0])


def test_members_without_an_answer_are_unknown() -> None:
    members = np.full((3, 2, 2), 0.5)
    members[1, 0] = np.nan
    assert disagreement(members, "classification", 1.0).tolist() == [UNKNOWN, 0.0]


def test_what_is_no_ensemble_has_no_disagreement() -> None:
    assert of(wrap(steps, classes=["no", "yes"]), "ensemble", doses(20.0)) is None
    session = type("Bare", (), {"asked": 0, "predict": lambda self, batch: Prediction(objects(["a"] * len(batch)))})()
    batch = SCHEMA.conform(doses(20.0))
    answer = session.predict(batch)
    assert measure("ensemble", batch, answer, READER.read(batch), reader=READER, session=session, task="classification", scale=1.0) is None
