from __future__ import annotations

import lightgbm
import numpy as np

from camelopard.firewall.trees import Trees


def test_scores_are_those_of_the_learner_and_the_same_alone_and_in_a_batch() -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(3000, 6)).round(2)
    y = (x[:, 0] * x[:, 1] + 0.3 * x[:, 2] > 0).astype(int)
    booster = lightgbm.train(
        {"objective": "binary", "max_depth": 6, "num_leaves": 31, "verbosity": -1, "use_missing": False},
        lightgbm.Dataset(x, label=y),
        num_boost_round=40,
    )
    trees = Trees.from_lightgbm(booster.dump_model(), depth=6)
    assert np.allclose(trees.score(x), booster.predict(x, raw_score=True), atol=1e-9)
    together = trees.score(x[:50])
    assert all(trees.score(x[i : i + 1])[0] == together[i] for i in range(50))
    assert np.array_equal(Trees.from_state(trees.state()).score(x), trees.score(x))


def test_a_tree_of_one_leaf_gives_its_value_everywhere() -> None:
    trees = Trees.from_lightgbm({"tree_info": [{"tree_structure": {"leaf_value": 0.5}}]}, depth=3)
    assert trees.score(np.zeros((2, 1))).tolist() == [0.5, 0.5]
