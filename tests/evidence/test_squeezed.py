"""How far an answer moves when the picture is squeezed: worked out again by a plain loop, and 0 where the model sees only what stays."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from camelopard.core.arrays import Array, Floats, objects
from camelopard.core.batch import Batch
from camelopard.core.schema import Schema
from camelopard.evidence.reading import Reader
from camelopard.evidence.uncertainty import UNKNOWN, measure
from camelopard.modality.image_squeezing import squeezed
from camelopard.models.wrap import wrap

CLEAN = np.random.default_rng(0).integers(0, 256, (40, 4, 4), dtype=np.uint8)
SCHEMA = Schema.infer(Batch.of(CLEAN))
READER = Reader.learn(Batch.of(CLEAN), SCHEMA, np.zeros(40))


def spot(images: Array) -> Floats:
    """Answer by one pixel, with three classes."""
    p = images[:, 1, 1] / 255
    return np.column_stack([p, (1 - p) / 4, 3 * (1 - p) / 4])


def even(images: Array) -> Floats:
    """Answer by how large a picture is: squeezing does not move that."""
    return np.tile([0.25, 0.75], (len(images), 1))


def of(model: Any, batch: Batch, scale: float = 1.0) -> tuple[Any, Any]:
    batch = SCHEMA.conform(batch)
    session = model.session()
    answer = session.predict(batch)
    asked = session.asked
    found = measure("squeezed", batch, answer, READER.read(batch), reader=READER, session=session, task=model.task, scale=scale)
    return found, session.asked - asked


def test_the_numbers_are_those_of_a_plain_loop() -> None:
    pictures = np.zeros((2, 4, 4), dtype=np.uint8)
    pictures[0, 1, 1] = 255  # a speck, which squeezing takes away
    pictures[1] = 51
    found, asked = of(wrap(spot, classes=["a", "b", "c"]), Batch.of(pictures))
    loop = []
    for picture in pictures:
        before, after = spot(picture[None])[0], spot(squeezed(picture, 0.0, 255.0)[None])[0]
        loop.append([max(abs(a - b) for a, b in zip(before, after, strict=True)), sum(abs(a - b) for a, b in zip(before, after, strict=True))])
    assert found == pytest.approx(np.array(loop))
    assert found == pytest.approx(np.array([[1.0, 2.0], [2 / 255, 4 / 255]]))  # 51 becomes 49, the seventh of 32 shades
    assert asked == 2  # one more row for each


def test_a_model_that_squeezing_does_not_move_gets_zeros() -> None:
    found, asked = of(wrap(even, classes=["a", "b"]), Batch.of(CLEAN))
    assert found.tolist() == [[0.0, 0.0]] * 40
    assert asked == 40


def test_a_picture_that_squeezing_does_not_change_costs_nothing() -> None:
    found, asked = of(wrap(spot, classes=["a", "b", "c"]), Batch.of(np.full((3, 4, 4), 255, dtype=np.uint8)))
    assert found.tolist() == [[0.0, 0.0]] * 3
    assert asked == 0


def test_votes_move_or_do_not_and_numbers_move_in_spreads() -> None:
    struck = np.zeros((1, 4, 4), dtype=np.uint8)
    struck[0, 1, 1] = 255
    votes = wrap(lambda images: ["light" if image[1, 1] > 99 else "dark" for image in images], task="classification")
    assert of(votes, Batch.of(struck))[0].tolist() == [[1.0, 2.0]]
    numbers = wrap(lambda images: images[:, 1, 1].astype(float), task="regression")
    assert of(numbers, Batch.of(struck), scale=100.0)[0].tolist() == [[2.55, 2.55]]


def test_a_copy_on_which_the_model_raises_is_bad_and_a_row_without_an_answer_is_not_asked_again() -> None:
    def fragile(images: Array) -> Floats:
        if (images[:, 1, 1] == 0).any():
            raise ValueError("dark")
        return spot(images)

    struck = np.zeros((2, 4, 4), dtype=np.uint8)
    struck[0, 1, 1] = 255
    found, _ = of(wrap(fragile, classes=["a", "b", "c"]), Batch.of(struck))
    assert found.tolist() == [[UNKNOWN, UNKNOWN], [0.0, 0.0]]


def test_a_row_is_measured_the_same_alone_and_in_any_batch() -> None:
    model = wrap(spot, classes=["a", "b", "c"])
    odd = np.full((5, 7, 3), 0.5)
    batch = Batch({"image": objects([None, *CLEAN, odd])}, np.arange(42), Batch.of(CLEAN).form)
    whole, _ = of(model, batch)
    for i in (0, 1, 20, 41):
        assert of(model, batch.take([i]))[0].tobytes() == whole[i : i + 1].tobytes(), i


def test_there_is_nothing_to_squeeze_in_a_table_without_pictures() -> None:
    batch = Batch.of([{"age": float(i)} for i in range(10)])
    schema = Schema.infer(batch)
    reader, model = Reader.learn(batch, schema, np.zeros(10)), wrap(lambda t: ["a"] * len(t), classes=["a", "b"])
    session = model.session()
    answer = session.predict(batch)
    assert measure("squeezed", batch, answer, reader.read(batch), reader=reader, session=session, task="classification", scale=1.0) is None
