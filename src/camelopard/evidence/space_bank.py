"""How far is a row from the nearest clean ones, in the directions of their feature vectors?

Distances between vectors of length one (Sun, Ming, Zhu & Li 2022), kept as whole numbers so small that a product in single precision is exact: the
whole bank is searched with one fast product, and no neighbour is missed.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import sqrt
from typing import Any

import numpy as np

from camelopard.core.arrays import Array, Floats, Ints, summed
from camelopard.evidence.space_rows import Rows

NEAR = 5  # neighbours whose mean distance is taken
FARTHEST = 2.0  # distance of opposite directions, and to rows that there are none of
SMALL = 0.05  # added to both distances of the ratio
EXACT = 2**24  # whole numbers up to here are exact in single precision
PIECE = 512  # rows compared at once
FEW = 8  # rows up to which a product each is faster than one of all
BLOCK = 16  # products of which only the least is looked at first
FINE = 256  # columns up to which two bytes are kept for each entry, and one beyond


class Bank:
    """Directions of clean rows in the order of their groups. `rows`: whole numbers, shape (m, d), of vectors of length `scale`; `groups`: shape (m,).

    `source` may say where each stood among the rows it was learned from, so that a row is not compared with itself; it is not kept.
    """

    source: Ints | None = None

    def __init__(self, rows: Array, groups: Ints, scale: float) -> None:
        self.rows, self.groups, self.scale = rows, groups, scale
        whole = rows.astype(np.float32)
        # |x − r|² = |x|² + x·(−2r) + |r|²: the last two in one product, with a column of ones beside x.
        self._matrix = np.ascontiguousarray(np.column_stack([-2 * whole, np.einsum("ij,ij->i", whole, whole)]).T)
        present, starts = np.unique(groups, return_index=True)
        self._starts = starts
        self._place = np.full(int(present.max()) + 2, len(present))  # of a group among those present; the last, of one that no row is in
        self._place[present] = np.arange(len(present))

    @classmethod
    def learn(cls, rows: Rows, groups: Ints, chosen: Ints) -> Bank:
        """Keep the rows at these places, which are in the order of their groups."""
        units = rows.whole[chosen] / np.maximum(np.sqrt(rows.square[chosen]), 1.0)[:, None]
        d = units.shape[1]
        widest, kind = (2**15 - 1, np.int16) if d <= FINE else (2**7 - 1, np.int8)
        # Rounding lengthens a vector by at most √d / 2; three squares of the longest bound every sum of the product.
        scale = min(widest / max(float(np.abs(units).max(initial=0.0)), 1e-9), sqrt(EXACT / 3) - sqrt(d) / 2 - 1)
        scale = float(np.floor(scale))
        return cls(np.rint(units * scale).astype(kind), groups[chosen], scale)

    def measure(self, rows: Rows, groups: Ints, origin: Ints | None = None) -> Floats:
        """Return the distance to the nearest row, the mean distance to the nearest five, and the trust ratio, shape (n, 3).

        The ratio is that of Jiang, Kim, Guan & Gupta (2018), turned round so that higher is worse, as a logarithm: the distance to the nearest row
        of the own group over that to the nearest of another. `origin` says from which of the rows learned from each comes, shape (n,).
        """
        found = np.empty((len(groups), 3))
        for start in range(0, len(groups), PIECE):
            part = slice(start, start + PIECE)
            whole = self.directions(rows.whole[part], rows.square[part])
            few = 1 < len(whole) <= FEW
            products = np.stack([row @ self._matrix for row in whole]) if few else whole @ self._matrix
            if origin is not None and self.source is not None:
                products[origin[part, None] == self.source] = np.inf
            near = least(products, NEAR)
            own, other = self._of_groups(products, self._place[np.minimum(groups[part], len(self._place) - 1)])
            size = np.einsum("ij,ij->i", whole[:, :-1], whole[:, :-1])[:, None]
            squares = np.concatenate([near, own[:, None], other[:, None]], axis=1, dtype=np.float64) + size
            apart = np.minimum(np.sqrt(squares) / self.scale, FARTHEST)
            found[part, 0], found[part, 1] = apart[:, 0], summed(apart[:, :-2]) / near.shape[1]
            found[part, 2] = np.log((apart[:, -2] + SMALL) / (apart[:, -1] + SMALL))
        return found

    def directions(self, whole: Floats, square: Floats) -> Array:
        """Return rows as they are compared, with a column of ones, shape (n, d + 1)."""
        found = np.ones((len(whole), whole.shape[1] + 1), dtype=np.float32)
        np.rint(whole * (self.scale / np.maximum(np.sqrt(square), 1.0))[:, None], out=found[:, :-1], casting="same_kind")
        return found

    def _of_groups(self, products: Array, place: Ints) -> tuple[Array, Array]:
        """Return the least product of each row with rows of its own group, infinite where it has none, and with those of any other, shapes (n,)."""
        lowest = np.full((len(products), len(self._starts) + 1), np.inf, dtype=np.float32)
        np.minimum.reduceat(products, self._starts, axis=1, out=lowest[:, :-1])
        at = np.arange(len(products))
        own = lowest[at, place]
        lowest[at, place] = np.inf
        return own, lowest.min(axis=1)

    def state(self) -> dict[str, Any]:
        """Return what was learned, as arrays."""
        return {"rows": self.rows, "groups": self.groups.astype(np.int32), "scale": self.scale}

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> Bank:
        """Rebuild from `state()`; raises ValueError for what is none."""
        rows, groups, scale = np.asarray(state["rows"]), np.asarray(state["groups"]), float(state["scale"])
        if rows.ndim != 2 or rows.dtype not in (np.int8, np.int16) or not len(rows) or groups.shape != (len(rows),) or groups.dtype.kind != "i":
            raise ValueError("the rows of a bank are whole numbers of one or two bytes, shape (m, d), and their groups whole numbers, shape (m,)")
        groups = groups.astype(np.int64)
        if groups.min() < 0 or groups.max() >= 2**20 or (np.diff(groups) < 0).any():
            raise ValueError("the groups of a bank are in order, from 0 up")
        longest = float(np.sqrt(np.einsum("ij,ij->i", rows.astype(np.float64), rows.astype(np.float64)).max()))
        if not (scale >= 1 and max(longest, scale + sqrt(rows.shape[1]) / 2) <= sqrt(EXACT / 3)):
            raise ValueError("the scale of a bank, or its rows, are out of range")
        return cls(rows, groups, scale)


def least(values: Array, count: int) -> Array:
    """Return the least numbers of each row, in order, shape (n, m) → (n, at most count): several times faster than sorting out the whole row.

    The least five lie among the five blocks whose own least are least. A block is every w-th number, so that blocks are compared side by side.

    >>> least(np.array([[5.0, 1.0, 4.0, 2.0, 3.0]]), 2).tolist()
    [[1.0, 2.0]]
    """
    n, m = values.shape
    w = m // BLOCK
    if w <= count:
        return np.sort(values, axis=1)[:, :count]
    blocks = values[:, : w * BLOCK].reshape(n, BLOCK, w)
    lowest = np.argpartition(blocks.min(axis=1), count - 1, axis=1)[:, :count]
    some = blocks[np.arange(n)[:, None], :, lowest].reshape(n, -1)
    return np.sort(np.concatenate([some, values[:, w * BLOCK :]], axis=1), axis=1)[:, :count]
