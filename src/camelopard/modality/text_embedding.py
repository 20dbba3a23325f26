"""Where a text lies among others: a unit vector of its hashed words and groups of letters, and how near the nearest clean text is.

Each feature adds its rarity, with a fixed sign, to one of a few numbers (feature hashing; Weinberger and others 2009). Distances are sums of whole
numbers, exact in single precision: a text gets the same bytes alone and in any batch.
"""

from __future__ import annotations

import sys
import zlib
from collections.abc import Mapping, Sequence
from functools import lru_cache
from math import sqrt
from typing import Any

import numpy as np
from numpy.typing import NDArray

from camelopard.core import kernel
from camelopard.core.arrays import Floats
from camelopard.modality.states import array_of, spread_over
from camelopard.modality.text_forms import parted
from camelopard.modality.text_grams import codes_of

SIZE = 128
BUCKETS = 1 << 14  # of features, whose rarity is learned
MOST_ROWS = 1_000  # clean texts kept
WHOLE = 400.0  # whole numbers per unit: beyond 127 they are cut, and 128 products of these stay exact in single precision
ALIKE = 0.9999  # likeness of a text to itself, after rounding
PIECE = 1_024

Words = NDArray[np.uint64]
_FACTORS = np.array([[0x9E3779B97F4A7C15], [0xC2B2AE3D27D4EB4F], [0x165667B19E3779F9], [0xD6E8FEB86659FD93]], dtype=np.uint64)
_MIX = np.uint64(0xFF51AFD7ED558CCD)
_SHIFT, _BUCKET = np.uint64(33), np.uint64(8)
_SIGN = 7  # bit; below it the place in the vector, above it the bucket


class Embedding:
    """Unit vectors of texts. `rarity`: the weight of each bucket of features, shape (BUCKETS,); `rows`: kept clean texts, shape (m, SIZE)."""

    def __init__(self, rarity: Floats, rows: NDArray[np.int8]) -> None:
        self.rarity, self.rows = rarity, rows
        self._signed = np.column_stack([rarity, -rarity]).astype(np.float32).ravel()  # exactly; by bucket, and by the sign below it
        self._matrix, self._rows = np.ascontiguousarray(rows.astype(np.float32).T), np.ascontiguousarray(rows, dtype=np.int16)
        sizes = np.sqrt((rows.astype(np.int64) ** 2).sum(axis=1))
        self._sizes = np.maximum(sizes, 1.0)

    @classmethod
    def learn(cls, texts: Sequence[str]) -> Embedding:
        """Learn which features are rare, and keep some of the texts."""
        counts = np.zeros(BUCKETS)
        for text in texts:
            counts[np.unique((features(text) >> _BUCKET) % np.uint64(BUCKETS)).astype(np.int64)] += 1.0
        rarity = (np.log((len(texts) + 1.0) / (counts + 1.0)) + 0.1).astype(np.float32).astype(np.float64)  # as it is kept
        bare = cls(rarity, np.zeros((0, SIZE), dtype=np.int8))
        rows = [_whole(bare.vector(texts[i])) for i in spread_over(len(texts), MOST_ROWS)]
        return cls(rarity, np.array(rows, dtype=np.int8).reshape(-1, SIZE))

    def vector(self, text: str) -> Floats:
        """Return the unit vector of a text, shape (SIZE,); zeros where nothing is left of it."""
        found = features(text)
        if not len(found):
            return np.zeros(SIZE)
        if kernel.compiled is not None:
            there = np.empty(SIZE)
            kernel.compiled.unit(found, self._signed, there)
            return there
        places = found.view(np.int64)
        worth = self._signed.take((places >> _SIGN) & (2 * BUCKETS - 1))
        vector: Floats = np.asarray(np.bincount(places & (SIZE - 1), worth, SIZE), dtype=np.float64)
        size = sqrt(float((vector * vector).cumsum()[-1]))
        unit: Floats = vector / size if size > 0 else vector
        return unit

    def distance(self, vectors: Floats, own: bool = False) -> Floats:
        """Return 1 less the cosine to the nearest kept text, shape (n,); with `own`, a kept text that equals the vector is passed over once."""
        found = np.ones(len(vectors))
        if not len(self.rows):
            return found
        for start in range(0, len(vectors), PIECE):
            whole = _whole(vectors[start : start + PIECE])
            sizes = np.maximum(np.sqrt((whole * whole).sum(axis=1, dtype=np.float64)), 1.0)
            if kernel.compiled is not None and not own:
                best = np.empty(len(whole))
                kernel.compiled.most_alike(whole.astype(np.int16), self._rows, self._sizes, best)
                found[start : start + PIECE] = 1.0 - best / sizes
                continue
            likeness = np.divide(whole @ self._matrix, self._sizes, dtype=np.float64)  # times the size of the vector
            if own and len(self.rows) > 1:
                first = likeness.argmax(axis=1)
                at = np.arange(len(first))
                likeness[at, first] = np.where(likeness[at, first] / sizes > ALIKE, -sizes, likeness[at, first])
            found[start : start + PIECE] = 1.0 - likeness.max(axis=1) / sizes
        return found

    def state(self) -> dict[str, Any]:
        """Return what was learned, as arrays."""
        return {"rarity": self.rarity.astype(np.float32), "rows": self.rows}

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> Embedding:
        """Rebuild from `state()`. Raises ValueError if it is not one."""
        rarity, rows = array_of(state, "rarity", "f", (BUCKETS,)), array_of(state, "rows", "i", (None, SIZE), most=MOST_ROWS * SIZE)
        return cls(rarity.astype(np.float64), rows.astype(np.int8))


@lru_cache(maxsize=1)  # a single text is measured, embedded and read for what it says, one after the other
def features(text: str) -> Words:
    """Return the hashes of a text's groups of three and four letters and of its words, shape (k,), not to be written to; the same in every process.

    >>> len(features("a cat"))
    11
    """
    low, _, words, _ = parted(text)
    codes = codes_of(f" {' '.join(low.split())} ")
    n = len(codes) - 2
    if n < 1:
        return np.zeros(0, dtype=np.uint64)
    encoded = map(str.encode, words) if low.isascii() else (w.encode("utf-8", "surrogatepass") for w in words)
    spoken = np.fromiter(map(zlib.crc32, encoded), dtype=np.uint64, count=len(words))
    mixed: Words = np.empty(2 * n - 1 + len(words), dtype=np.uint64)
    if kernel.compiled is not None and sys.byteorder == "little":
        kernel.compiled.hashed(codes, spoken, _FACTORS.ravel(), int(_MIX), mixed)
        mixed.setflags(write=False)
        return mixed
    first, second, third, fourth = codes.astype(np.uint64) * _FACTORS
    three = mixed[:n]
    np.add(first[:-2], second[1:-1], out=three)
    three += third[2:]
    np.add(three[:-1], fourth[3:], out=mixed[n : 2 * n - 1])
    mixed[2 * n - 1 :] = spoken * _FACTORS[0, 0]
    mixed ^= mixed >> _SHIFT
    mixed *= _MIX
    mixed ^= mixed >> _SHIFT
    mixed.setflags(write=False)
    return mixed


def _whole(vectors: Floats) -> NDArray[np.float32]:
    """Return vectors as whole numbers between −127 and 127."""
    return np.rint(np.minimum(np.maximum(vectors * WHOLE, -127.0), 127.0)).astype(np.float32)
