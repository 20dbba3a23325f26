"""Large pictures are asked some at a time; small ones, and all else, as ever."""

from __future__ import annotations

import numpy as np
import pytest

import camelopard as cp
from camelopard.core.arrays import Array
from camelopard.models import sizes
from camelopard.models.sizes import rows_at_once


def test_the_largest_picture_of_all_columns_says_how_many_rows_are_held(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sizes, "AT_ONCE", 1_000)
    small, large = np.zeros((4, 5), dtype=np.uint8), np.zeros((8, 25), dtype=np.uint8)
    assert rows_at_once(cp.Batch.of([small] * 9), 50) == 50
    assert rows_at_once(cp.Batch.of([small] * 9), 51) == 50
    assert rows_at_once(cp.Batch.of([small, None, large]), 50) == 5
    assert rows_at_once(cp.Batch.of([np.zeros((40, 50))]), 50) == 1
    assert rows_at_once(cp.Batch.of([]), 50) == 50
    assert rows_at_once(cp.Batch.of(["x" * 5_000]), 50) == 50


def test_a_model_is_never_given_more_pictures_at_once_than_that_and_answers_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []

    def bright(pictures: Array) -> Array:
        asked.append(len(pictures))
        p = pictures.reshape(len(pictures), -1).mean(axis=1) / 255
        return np.column_stack([1 - p, p])

    pictures = np.random.default_rng(0).integers(0, 256, (23, 4, 5), dtype=np.uint8)
    whole = cp.wrap(bright, name="bright", task="classification", classes=["dark", "light"]).predict(pictures)
    assert asked == [23]
    monkeypatch.setattr(sizes, "AT_ONCE", 7 * pictures[0].nbytes)
    asked.clear()
    parted = cp.wrap(bright, name="bright", task="classification", classes=["dark", "light"]).predict(pictures)
    assert asked == [7, 7, 7, 2]
    assert whole.proba is not None and parted.proba is not None
    assert whole.proba.tobytes() == parted.proba.tobytes()
