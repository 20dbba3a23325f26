"""Products on a grid: close to what they stand for, and the same bytes in any shape and order."""

from __future__ import annotations

import numpy as np
import pytest

from camelopard.evidence.exact import coarse, gridded


@pytest.mark.parametrize("d", [1, 2, 14, 57, 300])
def test_products_are_exact_in_any_batch_and_order(d: int) -> None:
    rng = np.random.default_rng(d)
    rows, matrix = gridded(3 * rng.normal(size=(64, d))), coarse(rng.normal(size=(d, d)) * 10.0 ** rng.integers(-3, 4))
    together = rows @ matrix
    order = rng.permutation(d)
    assert (np.ascontiguousarray(rows[:, order]) @ np.ascontiguousarray(matrix[order])).tobytes() == together.tobytes()
    for i in (0, 13, 63):
        assert (rows[i : i + 1] @ matrix).tobytes() == together[i : i + 1].tobytes()


def test_the_grid_is_finer_than_anything_that_matters() -> None:
    rng = np.random.default_rng(0)
    rows, matrix = rng.normal(size=(50, 30)), rng.normal(size=(30, 30))
    assert np.abs(gridded(rows) - rows).max() < 2e-4
    assert np.abs(gridded(rows) @ coarse(matrix) - rows @ matrix).max() < 1e-2
    assert np.isnan(gridded(np.array([[np.nan]]))).all()
    assert not coarse(np.zeros((2, 2))).any()


def test_a_coarse_matrix_stays_as_it_is() -> None:
    matrix = coarse(np.random.default_rng(0).normal(size=(7, 7)))
    assert coarse(matrix).tobytes() == matrix.tobytes()
