"""A quantile of a number, given a row: few small trees, each fitted to what the ones before it miss (gradient boosting, Friedman 2001).

All branches of a tree on one level ask the same question (oblivious trees, as in CatBoost: Prokhorenkova et al. 2018), so that a tree is a few
numbers and is fitted by counting. Small on purpose: a few thousand rows take a fraction of a second, and conformal prediction mends its mistakes.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from camelopard.core.arrays import Floats, Ints, summed

ROUNDS, DEPTH, RATE = 100, 2, 0.1  # depth 3 had the worse interval score on three of five data sets, and took 1.5 times as long
RIDGE = 20.0  # rows' worth of doing nothing in every leaf
BLOCK = 4096  # rows that are asked all questions at once


@dataclass(frozen=True)
class QuantileTrees:
    """A quantile of a number given whole codes of a row.

    start
        The quantile over all rows.
    columns, cuts
        The questions of each tree, "is the code of this column above this cut?", both of shape (trees, depth).
    steps
        What each leaf adds, shape (trees, 2 ** depth).

    >>> rng = np.random.default_rng(0); codes = rng.integers(0, 8, (4000, 3)); target = rng.normal(size=4000) * (1 + codes[:, 1])
    >>> trees = QuantileTrees.fit(codes, target, 0.9)
    >>> trees.predict(np.array([[3, 0, 3], [3, 7, 3]])).round(1)  # the truth: 1.3 and 10.3
    array([1.2, 9.9])
    """

    start: float
    columns: Ints
    cuts: Ints
    steps: Floats

    @classmethod
    def fit(cls, codes: Ints, target: Floats, quantile: float) -> QuantileTrees:
        """Fit by the slope of the pinball loss (Koenker & Bassett 1978).

        Parameters
        ----------
        codes, target
            Whole numbers from 0, shape (n, k), and the number, shape (n,).
        quantile
            Which share of the numbers lies below, above 0 and below 1.
        """
        start = float(np.quantile(target, quantile))
        so_far = np.full(len(target), start)
        questions, steps = [], []
        for _ in range(ROUNDS):
            slope = np.where(target > so_far, quantile, quantile - 1.0)
            leaf, asked = np.zeros(len(target), dtype=np.int64), []
            for _ in range(DEPTH):
                column, cut = _question(codes, leaf, slope)
                leaf = 2 * leaf + (codes[:, column] > cut)
                asked.append((column, cut))
            step = np.array([_step(target[leaf == k] - so_far[leaf == k], quantile) for k in range(2**DEPTH)])
            so_far = so_far + step[leaf]
            questions.append(asked)
            steps.append(step)
        columns, cuts = np.moveaxis(np.array(questions, dtype=np.int64), 2, 0)
        return cls(start, columns, cuts, np.array(steps))

    def predict(self, codes: Ints) -> Floats:
        """Return the quantile of each row, shape (m,)."""
        found = np.full(len(codes), self.start)
        trees, powers = np.arange(len(self.steps)), 2 ** np.arange(self.cuts.shape[1])[::-1]
        for i in range(0, len(codes), BLOCK):
            leaf = (codes[i : i + BLOCK, self.columns] > self.cuts) @ powers
            found[i : i + BLOCK] += summed(self.steps[trees, leaf])
        return found


def _question(codes: Ints, leaf: Ints, slope: Floats) -> tuple[int, int]:
    """Return the column and the cut that part the slopes best, in all leaves at once."""
    best, chosen = -np.inf, (0, 0)
    leaves = int(leaf.max()) + 1
    for column in range(codes.shape[1]):
        width = int(codes[:, column].max()) + 1
        place = leaf * width + codes[:, column]
        rows, total = (np.bincount(place, weights, leaves * width).reshape(leaves, width).cumsum(axis=1) for weights in (np.ones(len(leaf)), slope))
        gain = (total**2 / (rows + RIDGE) + (total[:, -1:] - total) ** 2 / (rows[:, -1:] - rows + RIDGE)).sum(axis=0)
        if gain.max() > best:
            best, chosen = float(gain.max()), (column, int(gain.argmax()))
    return chosen


def _step(missed: Floats, quantile: float) -> float:
    return RATE * float(np.quantile(missed, quantile)) * len(missed) / (len(missed) + RIDGE) if len(missed) else 0.0
