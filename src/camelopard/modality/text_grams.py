"""How much each character of a text surprises after the three before it.

Groups of characters of clean texts are counted; where a group is not known, a shorter one counts less (stupid backoff; Brants and others 2007).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from camelopard.core.arrays import Floats
from camelopard.modality.states import array_of, texts_of
from camelopard.modality.text_forms import lowered

ORDER = 4  # characters of the longest group
MOST_GRAMS = 20_000
BACK_OFF = float(np.log2(0.4))  # what a shorter group counts where the longer one is not known
HIGHEST = 1 << 16  # characters from here on are in no group
SYMBOL_BITS = 15  # four symbols in one whole number
NO_SYMBOL = (1 << SYMBOL_BITS) - 1  # before a group shorter than ORDER
SPACES = "\t\n\x0b\x0c\r\x1c\x1d\x1e\x1f \x85\xa0\u1680\u2028\u2029\u202f\u205f\u3000" + "".join(map(chr, range(0x2000, 0x200B)))

PLAIN = {ord(c): "0" for c in "123456789"} | {ord(c): " " for c in SPACES}  # digits and white space, one each

Codes = NDArray[np.uint32]


class Grams:
    """Groups of up to ORDER characters, and the bits of the last of each after the others; `unseen`: those of a character never seen.

    >>> grams = Grams.of(Counter({"a": 6, "b": 6, "ab": 6}), {"a", "b", "ab"})
    >>> grams.surprise(padding("ab")).round(1).tolist()
    [5.2, 2.9]
    """

    def __init__(self, grams: Sequence[str], bits: Floats, unseen: float) -> None:
        self.grams, self.bits, self.unseen = grams, bits, unseen
        symbols = {c: i for i, c in enumerate(sorted({c for c in "".join(grams) if ord(c) < HIGHEST}), 1)}
        self._table = np.zeros(HIGHEST + 1, dtype=np.int64)
        self._table[[ord(c) for c in symbols]] = [*symbols.values()]
        keys = np.array([_key([symbols.get(c, NO_SYMBOL - 1) for c in gram]) for gram in grams], dtype=np.int64)
        ascending = np.argsort(keys, kind="stable")
        self._keys, self._sorted = np.append(keys[ascending], np.iinfo(np.int64).max), np.append(bits[ascending], 0.0)

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
        symbols = self._table[np.minimum(codes_of(line), HIGHEST)]
        pairs = symbols[:-1] << SYMBOL_BITS | symbols[1:]
        key = pairs[:-2] << 2 * SYMBOL_BITS | pairs[2:]
        found = np.full(len(key), self.unseen)
        left = np.arange(len(key))
        for mask in _MASKS:
            at = self._keys.searchsorted(key)
            hit = self._keys[at] == key
            found[left[hit]] = self._sorted[at[hit]]
            left = left[~hit]
            if not len(left):
                break
            key = key[~hit] | mask
        return found

    def state(self) -> dict[str, Any]:
        """Return what was learned, as lists and arrays."""
        return {"grams": list(self.grams), "bits": self.bits, "unseen": self.unseen}

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> Grams:
        """Rebuild from `state()`. Raises ValueError if it is not one."""
        grams, unseen = texts_of(state, "grams", MOST_GRAMS, ORDER), state.get("unseen")
        bits = array_of(state, "bits", "f", (len(grams),)).astype(np.float64)
        if not isinstance(unseen, float) or not 0 <= unseen < 1e6 or "" in grams or len(set("".join(grams))) >= NO_SYMBOL - 1:
            raise ValueError("grams, unseen: expected groups of characters, and a number of bits")
        return cls(grams, bits, unseen)


def codes_of(text: str) -> Codes:
    """Return the code points of a text, shape (characters,).

    >>> codes_of("aé").tolist()
    [97, 233]
    """
    return np.frombuffer(text.encode("utf-32-le", "surrogatepass"), dtype="<u4")


def padding(text: str) -> str:
    """Return the text as groups of characters are read from it: lower case, every digit 0, white space as plain spaces, and spaces before it.

    >>> padding("In 1999")
    '   in 0000'
    """
    return " " * (ORDER - 1) + lowered(text).translate(PLAIN)


_MASKS = [sum(NO_SYMBOL << (3 - j) * SYMBOL_BITS for j in range(gone)) for gone in range(1, ORDER + 1)]  # of a key, without its first symbols


def _key(symbols: Sequence[int]) -> int:
    key = 0
    for symbol in [NO_SYMBOL] * (ORDER - len(symbols)) + list(symbols):
        key = key << SYMBOL_BITS | symbol
    return key
