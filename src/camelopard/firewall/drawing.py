"""A lottery ticket per row: a number that looks drawn at random and is the same for the same row, alone, in any batch and in any process.

Equal rows share one ticket: they are drawn together, or not at all.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import math
from statistics import NormalDist

import numpy as np

from camelopard.core.arrays import Array, Floats, Ints, objects
from camelopard.core.batch import Batch
from camelopard.core.cells import number
from camelopard.core.intervals import at_least

NEVER = 1.0  # a ticket that is never drawn
EXACT = 2_000_000  # rows times places up to which chances are summed one by one


class FewDistinctWarning(UserWarning):
    """So many rows are equal that an audit may draw none of them: equal rows share one ticket."""


def tickets(batch: Batch, seed: int, rows: Ints) -> Floats:
    """Return a number in [0, 1) for each of these rows, shape (m,), from what the cells hold and the seed; ids and order do not matter.

    >>> batch = Batch.of([{"age": 36, "sex": "F"}, {"age": 36, "sex": "M"}, {"age": 36.0, "sex": "F"}])
    >>> first, second, third = tickets(batch, 0, np.arange(3)).tolist()
    >>> first == third != second
    True
    """
    if not len(rows):
        return np.zeros(0)
    names = sorted(batch.names)
    words = np.empty((len(rows), max(len(names), 1)), dtype="<u8")
    for j, name in enumerate(names):
        words[:, j] = _words(batch.columns[name][rows])
    key = hashlib.blake2b(repr((seed, names)).encode("utf-8", "surrogatepass"), digest_size=16).digest()
    drawn = b"".join(hashlib.blake2b(row.tobytes(), digest_size=8, key=key).digest() for row in words)
    return np.asarray((np.frombuffer(drawn, dtype="<u8") >> np.uint64(11)) * 2.0**-53, dtype=np.float64)


def chance(rate: float, rows: int, places: int) -> float:
    """Return the chance of a row to be drawn and find a place, where each of so many rows is drawn at this rate and the lowest get the places.

    The mean of min(drawn, places) over the rows: Σ P(drawn ≥ k) for k up to the places, or the same of a normal number where that is long.

    >>> chance(0.1, 50, 50), round(chance(0.1, 50, 2), 4)
    (0.1, 0.0392)
    """
    if not rows or not rate:
        return 0.0
    if places >= min(rows, rate * rows + 8.0 * (rate * rows) ** 0.5 + 8.0):
        return rate
    if rows * places <= EXACT:
        return sum(at_least(k, rows, rate) for k in range(1, places + 1)) / rows
    mean, spread = rate * rows, math.sqrt(rate * rows * (1.0 - rate))
    z, normal = (places - mean) / spread, NormalDist()
    return (mean - spread * (normal.pdf(z) - z * normal.cdf(-z))) / rows


def _words(values: Array) -> Array:
    """Return 64 bits per cell: equal for equal values, whatever array they came in; numbers are told apart as floats are."""
    if values.dtype.kind in "fi":
        return _bits(values.astype(np.float64))
    if values.dtype.kind == "M":
        values = objects(values.astype("datetime64[us]").tolist())  # what is missing becomes None
    known: dict[object, int] = {}

    def word(value: object) -> int:
        key = (type(value), value)
        try:
            found = known.get(key)
        except TypeError:  # a list or a dict
            return _word(value)
        if found is None:
            found = known[key] = _word(value)
        return found

    return np.fromiter((word(value) for value in values.tolist()), dtype="<u8", count=len(values))


def _word(value: object) -> int:
    if type(value) in (int, float):
        return int(_bits(np.array([number(value)]))[0])
    try:
        text = "" if value is None else value.isoformat() if isinstance(value, (dt.date, dt.datetime)) else str(value)
    except Exception:  # what stands in a list may be of any class
        text = ""
    data = f"{type(value).__name__}:{text}".encode("utf-8", "surrogatepass")
    return int.from_bytes(hashlib.blake2b(data, digest_size=8).digest(), "little")


def _bits(numbers: Floats) -> Array:
    bits = np.asarray((numbers + 0.0).view("<u8"))  # the sum makes -0.0 a 0.0
    missing = np.isnan(numbers)
    return np.where(missing, np.uint64(_word(None)), bits) if missing.any() else bits
