"""How sure is a mean over seeds? A bootstrap of two levels: seeds are drawn, and within each the rows, all that come of one clean row together."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from camelopard.core.arrays import Bools, Floats, Ints

DRAWS = 200  # of the rows of a seed
MEANS = 4000  # of the seeds


def weights_of(origin: Ints, weight: Floats, rng: np.random.Generator, draws: int = DRAWS) -> Floats:
    """Return the weights of rows in as many draws of their origins, with replacement, shape (draws, n)."""
    _, at = np.unique(origin, return_inverse=True)
    n = int(at.max()) + 1
    times = rng.multinomial(n, np.full(n, 1 / n), size=draws)
    return np.asarray(times[:, at] * weight, dtype=np.float64)


def aurocs(score: Floats, event: Bools, weights: Floats) -> Floats:
    """Return the area under the ROC curve in each draw, ties counted half, shape (draws,); NaN where one side is empty.

    >>> aurocs(np.array([0.1, 0.4, 0.35, 0.8]), np.array([False, False, True, True]), np.array([[1.0, 1, 1, 1], [1, 0, 1, 1]])).tolist()
    [0.75, 1.0]
    """
    order = np.argsort(score, kind="stable")
    score, event, weights = score[order], event[order], weights[:, order]
    starts = np.flatnonzero(np.append(True, score[1:] > score[:-1]))
    hits, others = (np.add.reduceat(weights * side, starts, axis=1) for side in (event, ~event))
    below = np.cumsum(others, axis=1) - others / 2
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray((hits * below).sum(axis=1) / hits.sum(axis=1) / others.sum(axis=1))


def caughts(score: Floats, clean: Bools, event: Bools, weights: Floats, alarms: float = 0.05) -> Floats:
    """Return in each draw the share of rows that are worse than all but so many clean ones, shape (draws,); NaN where there is no such row.

    >>> caughts(np.arange(20.0), np.arange(20) < 19, np.arange(20) == 19, np.ones((1, 20))).tolist()
    [1.0]
    """
    if not event.any():
        return np.full(len(weights), np.nan)
    order = np.argsort(score[clean], kind="stable")
    below = np.cumsum(np.pad(weights[:, clean][:, order], ((0, 0), (1, 0))), axis=1)
    rank = 1.0 - below[:, np.searchsorted(score[clean][order], score[event], side="left")] / below[:, -1:]
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(((rank < alarms) * weights[:, event]).sum(axis=1) / weights[:, event].sum(axis=1))


def around(draws: Sequence[Sequence[float]], rng: np.random.Generator) -> tuple[float, float]:
    """Return the 95 % interval of the mean over seeds, from the draws of each."""
    table = np.array(draws, dtype=np.float64)
    seeds = rng.integers(len(table), size=(MEANS, len(table)))
    means = table[seeds, rng.integers(table.shape[1], size=seeds.shape)].mean(axis=1)
    low, high = np.nanquantile(means, (0.025, 0.975))
    return float(low), float(high)
