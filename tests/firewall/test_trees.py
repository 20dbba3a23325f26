from __future__ import annotations

import numpy as np
import pytest

from camelopard.core.arrays import Bools, Floats
from camelopard.firewall.boosting import boosted
from camelopard.firewall.trees import FEW, Trees


def plain(trees: Trees, row: np.ndarray) -> float:
    """Return the score of one row, tree by tree, as the class describes it."""
    total = trees.base
    for feature, threshold, leaves in zip(trees.feature, trees.threshold, trees.leaves, strict=True):
        bits = "".join(str(int(row[f] > t)) for f, t in zip(feature, threshold, strict=True))
        total += leaves[int(bits, 2)]
    return float(total)


def some(trees: int = 20, depth: int = 4) -> tuple[Trees, np.ndarray]:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(500, 6)).round(1)
    y = x[:, 0] * x[:, 1] + 0.3 * x[:, 2] > 0
    return boosted(x, y, np.ones(500), np.zeros(6, dtype=bool), rng, trees=trees, depth=depth), x


def test_a_row_gets_the_same_bytes_alone_among_few_and_among_many() -> None:
    trees, x = some()
    together = trees.score(x)
    assert together.tolist() == [plain(trees, row) for row in x]
    assert together.tobytes() == np.concatenate([trees.score(x[i : i + 1]) for i in range(len(x))]).tobytes()
    assert together[:FEW].tobytes() == trees.score(x[:FEW]).tobytes()
    assert np.array_equal(Trees.from_state(trees.state()).score(x), together)


def test_no_tree_gives_the_base_everywhere() -> None:
    empty = Trees(np.zeros((0, 3), dtype=np.int64), np.zeros((0, 3)), np.zeros((0, 8)), 0.5)
    assert empty.score(np.zeros((2, 1))).tolist() == [0.5, 0.5]


def test_trees_deeper_than_a_byte_can_number_are_refused() -> None:
    with pytest.raises(ValueError, match="depth 9; expected 1 to 8"):
        Trees(np.zeros((1, 9), dtype=np.int64), np.zeros((1, 9)), np.zeros((1, 512)))


def truth(t: Floats) -> Bools:
    return np.asarray(t[:, 0] + np.abs(t[:, 2]) * (t[:, 1] > 0) > 1)


def test_boosting_is_nearly_as_good_as_the_reference_library() -> None:
    from sklearn.ensemble import HistGradientBoostingClassifier

    rng = np.random.default_rng(1)
    x, z = rng.normal(size=(4000, 5)), rng.normal(size=(4000, 5))
    ours = boosted(x, truth(x), np.ones(4000), np.zeros(5, dtype=bool), rng, trees=60, depth=6).score(z)
    theirs = HistGradientBoostingClassifier(max_iter=60, max_leaf_nodes=31, random_state=0).fit(x, truth(x)).predict(z)
    assert np.mean((ours > 0) == truth(z)) > np.mean(theirs == truth(z)) - 0.03


@pytest.mark.parametrize("seed", range(3))
def test_more_of_a_rising_column_never_lowers_the_score(seed: int) -> None:
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(800, 4))
    event = rng.random(800) < 1 / (1 + np.exp(-x[:, 0] * x[:, 1] - 0.3 * x[:, 0]))  # falls in column 0 where column 1 is negative
    rising = np.array([True, False, False, False])
    trees = boosted(x, event, np.ones(800), rising, rng, trees=40, depth=5)
    low, high = x.copy(), x.copy()
    high[:, 0] += rng.random(800) * 2
    assert (trees.score(high) >= trees.score(low) - 1e-12).all()


def test_weights_count_as_repetitions_do() -> None:
    rng = np.random.default_rng(4)
    x = rng.normal(size=(600, 3))
    event = x[:, 0] > 0
    heavy = boosted(x, event, np.where(event, 10.0, 1.0), np.zeros(3, dtype=bool), np.random.default_rng(0), trees=5, depth=2)
    light = boosted(x, event, np.ones(600), np.zeros(3, dtype=bool), np.random.default_rng(0), trees=5, depth=2)
    assert heavy.base > light.base


def test_columns_of_one_value_and_events_that_never_happen_are_no_trouble() -> None:
    x = np.zeros((50, 2))
    scores = boosted(x, np.zeros(50, dtype=bool), np.ones(50), np.zeros(2, dtype=bool), np.random.default_rng(0), trees=3, depth=3).score(x)
    assert np.isfinite(scores).all()
    assert (scores < 0).all()
