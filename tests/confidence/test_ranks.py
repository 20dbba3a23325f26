from __future__ import annotations

import numpy as np
import pytest

from camelopard.confidence.ranks import BLOCK, MOST_EDGES, Ranks
from camelopard.core.arrays import Floats


def stream(clean: Floats, new: Floats, seed: int, block: int | None = None) -> Floats:
    """Return the p-values of a stream, given in blocks."""
    rng = np.random.default_rng([seed, 99])
    ranks, drawn = Ranks(clean, rng.random(len(clean))), rng.random((len(new), 2))
    step = block or len(new)
    parts = [ranks.p_values(new[i : i + step], drawn[i : i + step, 0], drawn[i : i + step, 1]) for i in range(0, len(new), step)]
    return np.concatenate(parts)


@pytest.mark.parametrize("step", [0.0, 1.0, 10.0])
@pytest.mark.parametrize("n", [1, 10, 3 * MOST_EDGES])
def test_ranks_of_rows_like_the_clean_ones_are_uniform_and_independent(n: int, step: float) -> None:
    """Over draws of the clean rows: for few and many of them, and with ties, up to all scores being equal."""
    found = []
    for seed in range(2000 if n < 100 else 200):
        rng = np.random.default_rng([n, seed])
        clean, new = rng.normal(size=n), rng.normal(size=20)
        if step:
            clean, new = np.floor(clean / step), np.floor(new / step)
        found.append(stream(clean, new, seed))
    p = np.array(found)
    error = 1 / np.sqrt(p.size)
    assert abs(p.mean() - 0.5) < 3.5 * 0.289 * error
    assert np.abs(np.histogram(p, 10, (0, 1))[0] / p.size - 0.1).max() < 4 * 0.3 * error
    assert abs(((p[:, 1:] - 0.5) * (p[:, :-1] - 0.5)).mean() * 12) < 4 * error
    assert abs((p.mean(axis=1).var() * 20 * 12) - 1) < 4 * np.sqrt(2 / len(p))  # the mean of a stream strays no more than that of fair draws


def test_ranks_among_clean_scores_that_stay_fixed_would_hang_together() -> None:
    """Why earlier rows must count: with 30 clean rows the mean over a stream strays far too much."""
    means = []
    for seed in range(300):
        rng = np.random.default_rng(seed)
        clean, new = np.sort(rng.normal(size=30)), rng.normal(size=200)
        means.append(((30 - np.searchsorted(clean, new) + rng.random(200)) / 31).mean())
    assert np.var(means) * 200 * 12 > 4


@pytest.mark.parametrize("block", [1, 7, BLOCK, BLOCK + 1])
def test_rows_get_the_same_ranks_alone_and_in_blocks_of_any_size(block: int) -> None:
    rng = np.random.default_rng(0)
    clean, new = rng.integers(0, 20, 50).astype(np.float64), rng.integers(0, 20, 2 * BLOCK + 5).astype(np.float64)
    assert stream(clean, new, 0, block).tobytes() == stream(clean, new, 0).tobytes()


def test_a_rank_is_what_counting_says() -> None:
    """Four clean rows: the next lies in the second gap from the top, the one after above all, and the third again in the second gap."""
    ranks = Ranks(np.array([1.0, 2.0, 3.0, 4.0]), np.full(4, 0.5))
    p = ranks.p_values(np.array([3.5, 9.0, 3.2]), np.full(3, 0.5), np.full(3, 0.5))
    assert p.tolist() == [(1 + 0.5) / 5, 0.5 / 6, (2 + 0.5 * 2) / 7]


def test_memory_stays_the_same_however_long_the_stream() -> None:
    rng = np.random.default_rng(0)
    ranks = Ranks(rng.normal(size=20_000), rng.random(20_000))
    ranks.p_values(rng.normal(size=30_000), rng.random(30_000), rng.random(30_000))
    state = ranks.state()
    assert [len(state[name]) for name in ("edges", "ties", "counts")] == [MOST_EDGES, MOST_EDGES, MOST_EDGES + 1]
    assert state["counts"].sum() == 50_001
