"""Large pictures are asked some at a time; small ones, and all else, as ever."""

from __future__ import annotations

import numpy as np
import pytest

import camelopard as cp
from camelopard.core.arrays import Array
from camelopard.models import sizes
from camelopard.models.sizes import pictures_within, portions, rows_at_once, weight


def test_the_largest_picture_of_all_columns_says_how_many_rows_are_held(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sizes, "AT_ONCE", 1_000)
    small, large = np.zeros((4, 5), dtype=np.uint8), np.zeros((8, 25), dtype=np.uint8)
    assert rows_at_once(cp.Batch.of([small] * 9), 50) == 50
    assert rows_at_once(cp.Batch.of([small] * 9), 51) == 50
    assert rows_at_once(cp.Batch.of([small, None, large]), 50) == 5
    assert rows_at_once(cp.Batch.of([np.zeros((40, 50))]), 50) == 1
    assert rows_at_once(cp.Batch.of([]), 50) == 50
    assert rows_at_once(cp.Batch.of(["x" * 5_000]), 50) == 50
    assert rows_at_once(cp.Batch.of([b"a file", large]), 50) == 5  # whatever comes first
    assert rows_at_once(cp.Batch.of([small, large]), 50, 400) == 2


def test_portions_hold_all_rows_in_order_and_no_more_bytes_than_fit_unless_one_row_does(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sizes, "AT_ONCE", 100)
    found = list(portions([60, 40, 1, 300, 0, 0, 0, 99], 3))
    assert [(part.start, part.stop) for part in found] == [(0, 2), (2, 3), (3, 4), (4, 7), (7, 8)]
    assert list(portions([], 3)) == []


def test_pictures_are_counted_by_what_the_mean_one_shows() -> None:
    mixed = cp.Batch.of([np.zeros((10, 20)), np.zeros((30, 20, 3), dtype=np.uint8), None, None])
    assert pictures_within(mixed, 2_000) == 10
    assert pictures_within(mixed, 199) == 0
    assert weight(mixed) == 10 * 20 * 8 + 30 * 20 * 3


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
