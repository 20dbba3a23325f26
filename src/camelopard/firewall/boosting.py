"""Gradient boosting of symmetric trees: all nodes of a level ask the same question, so a tree is a table of 2**depth values.

As in CatBoost (Prokhorenkova et al. 2018; decision tables: Kohavi & Sommerfield 1998), with second-order leaves (Chen & Guestrin 2016). Such trees
are as good as others on evidence, and far quicker to score with arrays alone: a few comparisons of whole columns per tree.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from camelopard.confidence.logistic import sigmoid
from camelopard.core import kernel
from camelopard.core.arrays import Array, Bools, Floats, Ints
from camelopard.firewall.trees import Trees

BINS = 32  # values told apart per column
SHARES = np.linspace(0, 1, BINS + 1)[1:-1]
RATE = 0.15
RIDGE = 5.0  # on a leaf's value
COLUMNS, ROWS = 0.4, 0.7  # shares drawn for each tree
LEAST = 1e-9  # gain for which a tree is split
SWEEPS = 20  # over the levels, until no leaf falls where it must rise


@dataclass(frozen=True)
class Binned:
    """Columns as trees see them: the `edges` tried in each, and between which of them each cell lies, `codes` of uint8, shape (f, n)."""

    codes: Array
    edges: list[Floats]

    @classmethod
    def of(cls, table: Floats) -> Binned:
        """Divide the columns of a table without NaN, shape (n, f)."""
        columns = np.ascontiguousarray(table.T)
        edges = [_edges(column) for column in np.sort(columns, axis=1)]
        codes = np.empty(columns.shape, dtype=np.uint8)
        if kernel.compiled is not None:
            starts = np.cumsum([0, *map(len, edges)])
            kernel.compiled.divide(columns, np.concatenate([np.zeros(0), *edges]), starts, codes)
            return cls(codes, edges)
        for row, e, column in zip(codes, edges, columns, strict=True):
            row[:] = np.searchsorted(e, column, side="left")
        return cls(codes, edges)

    @cached_property
    def many(self) -> Ints:
        """How many edges each column has, shape (f,)."""
        return np.array([len(e) for e in self.edges], dtype=np.int64)

    def beside(self, other: Binned) -> Binned:
        """Return the columns of both."""
        return Binned(np.vstack([self.codes, other.codes]), [*self.edges, *other.edges])


def boosted(table: Floats | Binned, event: Bools, weight: Floats, rising: Bools, rng: np.random.Generator, *, trees: int, depth: int) -> Trees:
    """Return trees whose sum is the log-odds of the event.

    Parameters
    ----------
    table, event, weight
        Columns without NaN, shape (n, f), or how they are divided; what happened, and how much each row counts, shape (n,).
    rising
        Columns of which more never lowers the score, shape (f,).

    >>> rng = np.random.default_rng(0); x = rng.normal(size=(2000, 3)); event = x[:, 0] > np.abs(x[:, 1])
    >>> found = boosted(x, event, np.ones(2000), np.zeros(3, dtype=bool), rng, trees=20, depth=3).score(x)
    >>> bool(((found > 0) == event).mean() > 0.9)
    True
    """
    n = len(event)
    weight = weight * (n / weight.sum())
    target = event.astype(np.float64)
    seen = table if isinstance(table, Binned) else Binned.of(table)
    usable = np.flatnonzero(seen.many)
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
        tree = Tree.grown(seen, columns, rows, slope, curve, rising, depth)
        feature[t, : len(tree.feature)] = tree.feature
        threshold[t, : len(tree.feature)] = [seen.edges[j][k] for j, k in zip(tree.feature, tree.place, strict=True)]
        leaves[t] = _risen(-RATE * tree.sums / (tree.masses + RIDGE), tree.masses, np.asarray(rising[feature[t]] & np.isfinite(threshold[t])))
        score = score + leaves[t][tree.leaf]
    return Trees(feature, threshold, leaves, base)


def _edges(column: Floats) -> Floats:
    """Return the thresholds tried in a column that is in order: between its values where they are few, else at its quantiles."""
    values = _distinct(column)
    if len(values) <= BINS:
        middle: Floats = (values[1:] + values[:-1]) / 2
        return middle
    # The inverse of the distribution, as numpy.quantile(method="inverted_cdf") has it, which would put the column in order once more.
    at = np.ceil(len(column) * SHARES - 1).astype(np.int64)
    return _distinct(column[np.maximum(at, 0)])


def _distinct(ordered: Floats) -> Floats:
    """Return the values of a column that is in order, each once."""
    first = np.ones(len(ordered), dtype=bool)
    first[1:] = ordered[1:] != ordered[:-1]
    return ordered[first]


@dataclass(frozen=True)
class Tree:
    """The column and the threshold's place that each level asks for, the leaf of every row, and what slope and curve come to in each leaf."""

    feature: list[int]
    place: list[int]
    leaf: Array
    sums: Floats
    masses: Floats

    @classmethod
    def grown(cls, seen: Binned, columns: Ints, rows: Ints, slope: Floats, curve: Floats, rising: Bools, depth: int) -> Tree:
        """Grow a tree of some columns on some rows, level by level, as long as a question gains anything."""
        if kernel.compiled is not None:
            leaf = np.empty(len(slope), dtype=np.uint8)
            feature, place = np.zeros((2, depth), dtype=np.int64)
            sums, masses = np.empty((2, 2**depth))
            levels = kernel.compiled.grow(
                seen.codes, seen.many, rising, columns, rows, slope, curve, BINS + 1, RIDGE, LEAST, leaf, feature, place, sums, masses
            )
            return cls(feature[:levels].tolist(), place[:levels].tolist(), leaf, sums, masses)
        part, leaf, asked = seen.codes[columns].take(rows, axis=1), np.zeros(len(slope), dtype=np.uint8), []
        for level in range(depth):
            split = _best(part, seen.many, columns, leaf[rows], slope[rows], curve[rows], level, rising)
            if split is None:
                leaf = leaf << (depth - level)
                break
            asked.append(split)
            leaf = (leaf << 1) + (seen.codes[split[0]] > split[1])
        sums, masses = (np.bincount(leaf[rows], weights=what[rows], minlength=2**depth).astype(np.float64) for what in (slope, curve))
        return cls([j for j, _ in asked], [k for _, k in asked], leaf, sums, masses)


def _best(part: Array, many: Ints, columns: Ints, leaf: Array, slope: Floats, curve: Floats, level: int, rising: Bools) -> tuple[int, int] | None:
    """Return the question (column, bin) that gains most in all leaves of a level together, or None where none gains anything.

    `part` holds the rows' bins in each of the `columns`, shape (columns, n), and `leaf` where each row is, both of uint8; `many`: the edges of all.
    """
    best, found = LEAST, None
    shape = (2**level, BINS + 1)
    place = leaf.astype(np.intp) * (BINS + 1)
    for j, codes in zip(columns.tolist(), part, strict=True):
        key, m = place + codes, int(many[j])
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
