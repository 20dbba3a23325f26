from __future__ import annotations

import numpy as np
import pytest

from camelopard.confidence.quantile_trees import DEPTH, ROUNDS, QuantileTrees
from camelopard.core.arrays import Floats, Ints


def world(n: int, seed: int) -> tuple[Ints, Floats]:
    """Return codes, and numbers that spread by the second of them."""
    rng = np.random.default_rng(seed)
    codes = rng.integers(0, 10, (n, 4))
    return codes, rng.normal(size=n) * (1 + codes[:, 1])


@pytest.mark.parametrize("quantile", [0.05, 0.5, 0.95])
def test_as_many_numbers_lie_below_as_asked_in_every_part(quantile: float) -> None:
    trees = QuantileTrees.fit(*world(4000, 0), quantile)
    codes, target = world(8000, 1)
    below = target < trees.predict(codes)
    assert abs(below.mean() - quantile) < 0.02
    for part in (codes[:, 1] < 3, codes[:, 1] > 6):
        assert abs(below[part].mean() - quantile) < 0.04


def test_where_the_row_says_nothing_nothing_is_made_of_it() -> None:
    """The null twin: the quantile of all rows, nearly, and one constant column is no reason to fail."""
    rng = np.random.default_rng(0)
    codes, target = rng.integers(0, 10, (3000, 4)), rng.normal(size=3000)
    assert QuantileTrees.fit(codes, target, 0.95).predict(codes).std() < 0.15
    alone = QuantileTrees.fit(np.zeros((50, 1), dtype=np.int64), target[:50], 0.95).predict(np.zeros((3, 1), dtype=np.int64))
    assert abs(alone - np.quantile(target[:50], 0.95)).max() < 0.2


def test_a_row_gets_the_same_bytes_alone_and_in_a_batch_and_every_time() -> None:
    codes, target = world(500, 0)
    trees = QuantileTrees.fit(codes, target, 0.9)
    whole = trees.predict(codes)
    assert [trees.predict(codes[[i]])[0].hex() for i in range(20)] == [v.hex() for v in whole[:20]]
    assert QuantileTrees.fit(codes, target, 0.9).predict(codes).tobytes() == whole.tobytes()
    assert (trees.columns.shape, trees.cuts.shape, trees.steps.shape) == ((ROUNDS, DEPTH), (ROUNDS, DEPTH), (ROUNDS, 2**DEPTH))
