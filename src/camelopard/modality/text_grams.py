"""How much each character of a text surprises after the three before it.

Groups of characters of clean texts are counted; where a group is not known, a shorter one counts less (stupid backoff; Brants and others 2007).
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from functools import cached_property
from itertools import accumulate
from typing import Any

import numpy as np
from numpy.typing import NDArray

from camelopard.core import kernel
from camelopard.core.arrays import Floats
from camelopard.modality.states import array_of, texts_of
from camelopard.modality.text_forms import lowered

ORDER = 4  # characters of the longest group
MOST_GRAMS = 20_000
BACK_OFF = float(np.log2(0.4))  # what a shorter group counts where the longer one is not known
HIGHEST = 1 << 16  # characters from here on are in no group
SETS = 2  # of groups that are looked up together
SYMBOLS = (1 << 16) // SETS  # of one set
SHIFT = 49  # of a scattered key: what is left says which of 2**15 buckets it lies in
NO_SYMBOL = 0xFFFF  # stands before a group shorter than ORDER
SPACES = "\t\n\x0b\x0c\r\x1c\x1d\x1e\x1f \x85\xa0\u1680\u2028\u2029\u202f\u205f\u3000" + "".join(map(chr, range(0x2000, 0x200B)))

PLAIN = {ord(c): "0" for c in "123456789"} | {ord(c): " " for c in SPACES}  # digits and white space, one each

_SCATTER = np.uint64(0x9E3779B97F4A7C15)

Codes = NDArray[np.uint32]
Keys = NDArray[np.uint64]


class Grams:
    """Groups of up to ORDER characters, and the bits of the last of each after the others; `unseen`: those of a character never seen.

    >>> grams = Grams.of(Counter({"a": 6, "b": 6, "ab": 6}), {"a", "b", "ab"})
    >>> grams.surprise(padding("ab")).round(1).tolist()
    [5.2, 2.9]
    """

    def __init__(self, grams: Sequence[str], bits: Floats, unseen: float) -> None:
        self.grams, self.bits, self.unseen = grams, bits, unseen

    @classmethod
    def of(cls, counts: Mapping[str, int], kept: set[str]) -> Grams:
        """Learn from how often each group was seen; only those `kept` become known. One sight less is counted: a group does not vouch for itself."""
        total = max(sum(n for gram, n in counts.items() if len(gram) == 1), 1)
        after: Counter[str] = Counter()
        for gram, n in counts.items():
            after[gram[:-1]] += n
        chosen = sorted((g for g in kept if g), key=lambda g: (-counts[g], g))[:MOST_GRAMS]
        bits = [float(np.log2(after[g[:-1]] / max(counts[g] - 1, 0.5)) - (ORDER - len(g)) * BACK_OFF) for g in chosen]
        return cls(chosen, np.array(bits), float(np.log2(total + 1) - (ORDER - 1) * BACK_OFF))

    def surprise(self, line: str) -> Floats:
        """Return the bits by which each character of a text surprises, shape (characters,).

        `line`: the text as the groups are read from it, behind ORDER − 1 spaces; see `padding`.
        """
        return self._lookup.surprise(line)[0]

    @cached_property
    def _lookup(self) -> Lookup:
        return Lookup(self)

    def state(self) -> dict[str, Any]:
        """Return what was learned, as lists and arrays."""
        return {"grams": list(self.grams), "bits": self.bits, "unseen": self.unseen}

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> Grams:
        """Rebuild from `state()`. Raises ValueError if it is not one."""
        grams, unseen = texts_of(state, "grams", MOST_GRAMS, ORDER), state.get("unseen")
        bits = array_of(state, "bits", "f", (len(grams),)).astype(np.float64)
        if not isinstance(unseen, float) or not 0 <= unseen < 1e6 or "" in grams or len(set("".join(grams))) > SYMBOLS - 3:
            raise ValueError("grams, unseen: expected groups of characters, and a number of bits")
        return cls(grams, bits, unseen)


class Lookup:
    """Looks groups of one set or two up, all in one pass: for a short text, calling NumPy takes longer than what it does.

    A group is one whole number: a symbol of 16 bits for each of four characters, the first in the lowest. Where its first characters are left out,
    all of their bits are set; where all are, what remains says which set it is, and stands for a character never seen.

    >>> both = Lookup(Grams(["a"], np.array([1.0]), 9.0), Grams(["b", "ab"], np.array([2.0, 3.0]), 8.0))
    >>> [bits.tolist() for bits in both.surprise(padding("ab"), padding("ab"))]
    [[1.0, 9.0], [8.0, 3.0]]
    """

    def __init__(self, *sets: Grams) -> None:
        table = np.zeros((SETS, HIGHEST + 1), dtype="<u2")
        keys, bits = [], []
        for k, grams in enumerate(sets):
            symbols = {c: k * SYMBOLS + i for i, c in enumerate(sorted({c for c in "".join(grams.grams) if ord(c) < HIGHEST}), 1)}
            table[k] = k * SYMBOLS
            table[k, [ord(c) for c in symbols]] = [*symbols.values()]
            never = (k + 1) * SYMBOLS - 2  # a symbol that stands for no character
            keys += [_key([symbols.get(c, never) for c in gram]) for gram in grams.grams] + [int(_NOTHING) | (k * SYMBOLS) << 48]
            bits += [*grams.bits.tolist(), grams.unseen]
        whole = np.array(keys, dtype=np.uint64)
        ascending = np.argsort(whole, kind="stable")
        self._symbols, self._keys, self._bits = table.ravel(), whole[ascending], np.array(bits)[ascending]
        # The same for the kernel: bucket by bucket, and where each of these begins.
        buckets: Keys = (self._keys * _SCATTER) >> np.uint64(SHIFT)
        beside = np.argsort(buckets, kind="stable")
        self._beside = self._keys[beside], self._bits[beside]
        self._starts = buckets[beside].searchsorted(np.arange(2 ** (64 - SHIFT) + 1, dtype=np.uint64)).astype(np.int64)

    def surprise(self, *lines: str) -> list[Floats]:
        """Return the bits by which each character of each line surprises by the groups of its set; of as many lines as there are sets."""
        found, ends = self._looked_up("".join(lines), len(lines[0])), accumulate(map(len, lines))
        return [found[end - len(line) : end - ORDER + 1] for line, end in zip(lines, ends, strict=True)]

    def _looked_up(self, text: str, cut: int) -> Floats:
        """Return the bits of each group of a text, those from `cut` on by the second set."""
        codes = codes_of(text)
        if kernel.compiled is not None and sys.byteorder == "little":
            bits = np.empty(max(len(codes) - ORDER + 1, 0))
            keys, of_keys = self._beside
            kernel.compiled.grams(codes, cut, self._symbols, keys, self._starts, SHIFT, of_keys, bits)
            return bits
        codes = np.minimum(codes, HIGHEST)
        codes[cut:] += HIGHEST + 1
        symbols = self._symbols.take(codes)
        groups: Keys = np.array(np.ndarray(len(symbols) - ORDER + 1, "<u8", symbols, strides=(2,)))
        at = self._keys.searchsorted(groups)
        (left,) = (self._keys.take(at) != groups).nonzero()
        if len(left):
            shorter = groups.take(left) | _GONE
            places = self._keys.searchsorted(shorter)
            longest = (self._keys.take(places) == shorter).argmax(axis=0)
            at[left] = places[longest, np.arange(len(left))]
        found: Floats = self._bits.take(at)
        return found


def codes_of(text: str) -> Codes:
    """Return the code points of a text, shape (characters,).

    >>> codes_of("aé").tolist()
    [97, 233]
    """
    return np.frombuffer(text.encode("utf-32-le", "surrogatepass"), dtype="<u4")


def worst(total: Floats, window: int) -> float:
    """Return the largest mean over so many characters in a row, of the running sum of their bits; of fewer characters, their mean.

    >>> worst(np.cumsum([1.0, 5.0, 3.0]), 2)
    4.0
    """
    if len(total) <= window:
        return float(total[-1]) / len(total)
    return max(float((total[window:] - total[:-window]).max()), float(total[window - 1])) / window


def padding(text: str) -> str:
    """Return the text as groups of characters are read from it: lower case, every digit 0, white space as plain spaces, and spaces before it.

    >>> padding("In 1999")
    '   in 0000'
    """
    return " " * (ORDER - 1) + lowered(text).translate(PLAIN)


_GONE = np.array([[(1 << 16 * gone) - 1] for gone in range(1, ORDER)] + [[(1 << 63) - 1]], dtype=np.uint64)  # of a key, without its first symbols
_NOTHING = _GONE[-1, 0]


def _key(symbols: Sequence[int]) -> int:
    return sum(symbol << 16 * place for place, symbol in enumerate([NO_SYMBOL] * (ORDER - len(symbols)) + list(symbols)))
