"""Rows that are not kept are made again when they are looked at, and only then."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

import camelopard as cp
from camelopard.core.batch import Batch
from camelopard.stress.remade import Lately, bytes_of, remade


def counted(batch: Batch) -> tuple[Callable[[], Batch], list[int]]:
    made: list[int] = []

    def make() -> Batch:
        made.append(1)
        return batch

    return make, made


def pictures(n: int = 4) -> Batch:
    return cp.Batch.of(np.arange(n * 64, dtype=np.uint8).reshape(n, 8, 8))


def test_what_is_made_again_is_the_same_and_its_names_ids_and_length_are_known_without() -> None:
    batch = pictures()
    make, made = counted(batch)
    again = remade(batch, make)
    assert (len(again), again.names, again.ids.tolist(), bytes_of(again), "image" in again.columns) == (4, ("image",), [0, 1, 2, 3], 256, True)
    assert made == []
    assert np.array_equal(again.take([2]).columns["image"][0], batch.columns["image"][2])
    assert np.array_equal(again.row(3)["image"], batch.columns["image"][3])
    assert np.array_equal(again.columns["image"][1], batch.columns["image"][1])
    assert len(made) == 3


def test_a_column_that_there_is_not_is_not_looked_for() -> None:
    make, made = counted(pictures())
    again = remade(pictures(), make)
    assert again.columns.get("text") is None
    with pytest.raises(KeyError, match="text"):
        again.columns["text"]
    assert made == []


def test_bytes_of_kept_rows_are_those_of_their_pictures() -> None:
    assert (bytes_of(pictures()), bytes_of(Batch.of(["a text"]))) == (256, 0)


def test_the_rows_looked_at_last_are_kept_and_no_others() -> None:
    lately, batches = Lately(), [pictures(2), pictures(3)]
    makes = [counted(batch) for batch in batches]
    first, second = (lately.kept(batch, make) for batch, (make, _) in zip(batches, makes, strict=True))
    for batch in (second, second, first, first, first, second):
        assert len(batch.columns["image"]) == len(batch)
    assert [len(made) for _, made in makes] == [1, 1]
