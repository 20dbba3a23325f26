"""Gradient boosting of symmetric trees: all nodes of a level ask the same question, so a tree is a table of 2**depth values.

As in CatBoost (Prokhorenkova et al. 2018; decision tables: Kohavi & Sommerfield 1998), with second-order leaves (Chen & Guestrin 2016). Such trees
are as good as others on evidence, and far quicker to score with arrays alone: a few comparisons of whole columns per tree.
"""

from __future__ import annotations

import numpy as np

from camelopard.confidence.logistic import sigmoid
from camelopard.core import kernel
from camelopard.core.arrays import Array, Bools, Floats, Ints
from camelopard.firewall.trees import Trees

BINS = 32  # values told apart per column
RATE = 0.15
RIDGE = 5.0  # on a leaf's value
COLUMNS, ROWS = 0.4, 0.7  # shares drawn for each tree
LEAST = 1e-9  # gain for which a tree is split
SWEEPS = 20  # over the levels, until no leaf falls where it must rise


def boosted(table: Floats, event: Bools, weight: Floats, rising: Bools, rng: np.random.Generator, *, trees: int, depth: int) -> Trees:
    """Return trees whose sum is the log-odds of the event.

    Parameters
    ----------
    table, event, weight
        Columns without NaN, shape (n, f); what happened, and how much each row counts, shape (n,).
    rising
        Columns of which more never lowers the score, shape (f,).

    >>> rng = np.random.default_rng(0); x = rng.normal(size=(2000, 3)); event = x[:, 0] > np.abs(x[:, 1])
    >>> found = boosted(x, event, np.ones(2000), np.zeros(3, dtype=bool), rng, trees=20, depth=3).score(x)
    >>> bool(((found > 0) == event).mean() > 0.9)
    True
    """
    n = len(table)
    weight = weight * (n / weight.sum())
    target = event.astype(np.float64)
    edges = [_edges(table[:, j]) for j in range(table.shape[1])]
    binned = np.array([np.searchsorted(e, table[:, j], side="left") for j, e in enumerate(edges)], dtype=np.uint8).reshape(len(edges), n)
    usable = np.array([j for j, e in enumerate(edges) if len(e)], dtype=np.int64)
    share = float(np.clip((weight * target).sum() / n, 1e-4, 1 - 1e-4))
    base = float(np.log(share / (1 - share)))
    score = np.full(n, base)
    feature, threshold = np.zeros((trees, depth), dtype=np.int64), np.full((trees, depth), np.inf)
    leaves = np.zeros((trees, 2**depth))
    for t in range(trees):
        p = sigmoid(score)
        slope, curve = weight * (p - target), weight * np.maximum(p * (1 - p), 1e-6)
        rows = np.flatnonzero(rng.random(n) < ROWS)
        columns = rng.permutation(usable)[: max(1, int(COLUMNS * len(usable)))]
        part, slopes, curves = binned[columns].take(rows, axis=1), slope[rows], curve[rows]
        leaf: Array = np.zeros(n, dtype=np.uint8)
        for level in range(depth):
            split = _best(part, edges, columns, leaf[rows], slopes, curves, level, rising)
            if split is None:
                leaf = leaf << (depth - level)
                break
            j, k = split
            feature[t, level], threshold[t, level] = j, edges[j][k]
            leaf = (leaf << 1) + (binned[j] > k)
        sums = np.bincount(leaf[rows], weights=slopes, minlength=2**depth)
        mass: Floats = np.bincount(leaf[rows], weights=curves, minlength=2**depth).astype(np.float64)
        leaves[t] = _risen(-RATE * sums / (mass + RIDGE), mass, np.asarray(rising[feature[t]] & np.isfinite(threshold[t])))
        score = score + leaves[t][leaf]
    return Trees(feature, threshold, leaves, base)


def _edges(column: Floats) -> Floats:
    """Return the thresholds tried in a column: between its values where they are few, else at its quantiles."""
    values = np.unique(column)
    if len(values) <= BINS:
        middle: Floats = (values[1:] + values[:-1]) / 2
        return middle
    return np.unique(np.quantile(column, np.linspace(0, 1, BINS + 1)[1:-1], method="inverted_cdf"))


def _best(
    part: Array, edges: list[Floats], columns: Ints, leaf: Array, slope: Floats, curve: Floats, level: int, rising: Bools
) -> tuple[int, int] | None:
    """Return the question (column, bin) that gains most in all leaves of a level together, or None where none gains anything.

    `part` holds the rows' bins in each of the `columns`, shape (columns, n), and `leaf` where each row is, both of uint8.
    """
    if kernel.compiled is not None:
        tried = np.array([len(edges[j]) for j in columns.tolist()], dtype=np.int64)
        most = kernel.compiled.best_split(part, tried, rising[columns], leaf, slope, curve, 2**level, BINS + 1, RIDGE, LEAST)
        return None if most is None else (int(columns[most[0]]), most[1])
    best, found = LEAST, None
    shape = (2**level, BINS + 1)
    place = leaf.astype(np.intp) * (BINS + 1)
    for j, codes in zip(columns.tolist(), part, strict=True):
        key, m = place + codes, len(edges[j])
        g = np.bincount(key, weights=slope, minlength=shape[0] * shape[1]).reshape(shape).cumsum(axis=1)
        h = np.bincount(key, weights=curve, minlength=shape[0] * shape[1]).reshape(shape).cumsum(axis=1)
        below, small = g[:, :m], h[:, :m] + RIDGE
        above, large = g[:, -1:] - below, h[:, -1:] - h[:, :m] + RIDGE
        gains = below * below / small + above * above / large - (g[:, -1:] ** 2 / (h[:, -1:] + RIDGE))
        gain = gains.cumsum(axis=0)[-1]  # leaf after leaf, in a fixed order
        if rising[j]:
            gain = np.where((-below / small > -above / large + 1e-12).any(axis=0), -1.0, gain)
        k = int(gain.argmax())
        if gain[k] > best:
            best, found = float(gain[k]), (j, k)
    return found


def _risen(leaves: Floats, mass: Floats, rising: Bools) -> Floats:
    """Return leaves that never fall where a rising column grows: pairs that do are pooled, weighed by their mass."""
    leaves = leaves.copy()
    depth = len(rising)
    for _ in range(SWEEPS):
        pooled = False
        for level in np.flatnonzero(rising):
            shape = (2**level, 2, 2 ** (depth - level - 1))
            values, weights = leaves.reshape(shape), mass.reshape(shape) + 1e-9
            low, high = values[:, 0], values[:, 1]
            falls = low > high + 1e-12
            if falls.any():
                middle = (low * weights[:, 0] + high * weights[:, 1]) / weights.sum(axis=1)
                low[falls] = high[falls] = middle[falls]
                pooled = True
        if not pooled:
            break
    return leaves
