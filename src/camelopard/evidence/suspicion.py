"""How suspicious is each cell? One number per cell from its state and its surprise: roughly −log of how often clean data looks like that."""

from __future__ import annotations

import numpy as np

from camelopard.core.arrays import Array, Bools, Floats
from camelopard.evidence.copula import Surprise
from camelopard.evidence.reading import MISSING, OK, Reading


def hard(states: Array) -> Bools:
    """Return which cells are in a state that no clean cell has, same shape."""
    found: Bools = states > MISSING
    return found


def suspicion(reading: Reading, surprise: Surprise, null_costs: Floats, never: float) -> Floats:
    """Return the suspicion of every cell, shape (n, d).

    A known value costs half its squared conditional residual (the Gaussian's −log density); a missing one −log of the column's null rate
    (`null_costs`, shape (d,)); a state that clean data never shows costs `never`, about −log of one in all the clean rows.
    """
    found = 0.5 * surprise.residual * surprise.residual
    odd = reading.states != OK
    if not odd.any():
        return found
    missing = reading.states == MISSING
    found = np.where(missing, null_costs, found)
    return np.where(odd & ~missing, never + np.minimum(found, never), found)
