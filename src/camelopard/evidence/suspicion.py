"""How suspicious is each cell? One number per cell from its state and its surprise: roughly −log of how often clean data looks like that."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from camelopard.core.arrays import Array, Bools, Floats
from camelopard.evidence.copula import Surprise
from camelopard.evidence.reading import MISSING, OK, VARIANT, Reading


def hard(states: Array) -> Bools:
    """Return which cells are in a state that no clean cell has, same shape."""
    found: Bools = states > MISSING
    return found


def unmasked(reading: Reading, surprise: Surprise, never: float) -> Reading:
    """Return the reading in which a value that clean data never shows is no longer hidden by its unusual form: "1985" for an age is a wrong number.

    `never` is the suspicion of what was never seen in clean rows.
    """
    if not reading.odd:
        return reading
    masked = reading.states == VARIANT
    masked &= 0.5 * surprise.residual * surprise.residual >= 2 * never  # from where on it is the more suspicious without its form
    return replace(reading, states=np.where(masked, OK, reading.states)) if masked.any() else reading


def suspicion(reading: Reading, surprise: Surprise, null_costs: Floats, never: float, edges: Floats) -> Floats:
    """Return the suspicion of every cell, shape (n, d).

    A known value costs half its squared conditional residual (the Gaussian's −log density); a missing one −log of the column's null rate
    (`null_costs`, shape (d,)); a state that clean data never shows costs `never`, about −log of one in all the clean rows. A number beyond all clean
    ones, whose scores end at `edges`, shape (2, d), costs no less than half its squared score, however well it fits the others: where all numbers of
    a row are in other units, they fit each other.
    """
    found: Floats = 0.5 * surprise.residual * surprise.residual
    beyond = (reading.scores < edges[0]) | (reading.scores > edges[1])
    if beyond.any():
        found = np.where(beyond, np.maximum(found, 0.5 * reading.scores * reading.scores), found)
    if not reading.odd:
        return found
    odd, missing = reading.states != OK, reading.states == MISSING
    found = np.where(missing, null_costs, found)
    return np.where(odd & ~missing, never + np.minimum(found, never), found)
