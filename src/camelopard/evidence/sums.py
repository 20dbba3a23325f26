"""What do the cells of a row come to? Their suspicions, states and rarities in a few numbers, and where each of them stands."""

from __future__ import annotations

import numpy as np

from camelopard.core import kernel
from camelopard.core.arrays import Floats, Ints, summed
from camelopard.evidence.copula import Surprise
from camelopard.evidence.impact import RANKS
from camelopard.evidence.reading import MISSING, OK, TYPE, UNSEEN, VARIANT, Reading
from camelopard.evidence.suspicion import hard

NAMES = (
    *(f"suspicion_{k}" for k in range(RANKS)),
    *(f"weight_{k}" for k in range(RANKS)),
    "suspicion_sum",
    "weighted_sum",
    "weighted_top",
    "farthest",
    "missing",
    "unseen",
    "mistyped",
    "varied",
    "hard_weight",
    "rarity",
    "rarity_weight",
)
MARKS = np.array([0.0, -20.0, 20.0, 24.0, 28.0, 40.0])  # where a cell stands in each state but OK: far outside


def sum_up(
    reading: Reading,
    surprise: Surprise,
    suspicions: Floats,
    weights: Floats,
    category_weights: Floats,
    most: float,
    sums: Floats,
    places: Floats,
) -> Floats:
    """Write the sums of each row, shape (n, len(NAMES)), and the places of its cells, shape (n, d); return how odd each row is, shape (n,).

    `weights` are those of the columns, shape (d,), `category_weights` those of the columns of categories. The oddity of a row is the sum of its
    suspicions, each counted up to `most`.
    """
    if kernel.compiled is not None:
        odd = np.empty(len(suspicions))
        rows = (suspicions, reading.states, surprise.filled, reading.rarities)
        kernel.compiled.sum_up(*rows, weights, category_weights, MARKS, most, sums, places, odd)
        return odd
    places[:] = places_of(reading, surprise)
    order, weighted = _leading(suspicions), suspicions * weights
    sums[:, :RANKS] = suspicions[np.arange(len(suspicions))[:, None], order]
    sums[:, RANKS : 2 * RANKS] = weights[order]
    width = 2 * RANKS
    sums[:, width], sums[:, width + 1], sums[:, width + 2] = summed(suspicions), summed(weighted), weighted.max(axis=1)
    sums[:, width + 3] = np.abs(surprise.filled).max(axis=1)
    width += 4
    if reading.odd:
        for k, state in enumerate((MISSING, UNSEEN, TYPE, VARIANT)):
            sums[:, width + k] = (reading.states == state).sum(axis=1)
        sums[:, width + 4] = summed(hard(reading.states) * weights)
    else:
        sums[:, width : width + 5] = 0.0
    sums[:, width + 5], sums[:, width + 6] = _rarest(reading.rarities, category_weights)
    return summed(np.minimum(suspicions, most))


def places_of(reading: Reading, surprise: Surprise) -> Floats:
    """Return where each cell stands: its normal score, or a mark far outside for what is no value of its column, shape (n, d)."""
    return np.where(reading.states != OK, MARKS[reading.states], surprise.filled) if reading.odd else surprise.filled


def _rarest(rarities: Floats, weights: Floats) -> tuple[Floats, Floats]:
    """Return the rarest category of each row, as −log of its share, and the weight of its column."""
    if not rarities.shape[1]:
        return np.zeros(len(rarities)), np.zeros(len(rarities))
    rarest = rarities.argmax(axis=1)
    found = rarities[np.arange(len(rarities)), rarest]
    return found, np.where(found > 0.0, weights[rarest], 0.0)


def _leading(suspicions: Floats) -> Ints:
    """Return the columns of the three most suspicious cells of each row, the first of equals first, shape (n, 3)."""
    n, d = suspicions.shape
    order, left, at = np.empty((RANKS, n), dtype=np.int64), np.array(suspicions.T, order="C"), np.arange(n)
    places = np.arange(d, dtype=np.int32)[:, None]
    for k in range(RANKS):
        # The first of the largest, as argmax finds it, which is slow over few columns.
        order[k] = np.where(left == left.max(axis=0), places, np.int32(d)).min(axis=0) if k < d else order[d - 1]
        left[order[k], at] = -np.inf
    return order.T
