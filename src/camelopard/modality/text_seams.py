"""Where does one text end and another begin? What stands between two words is held against what stands at the edges of clean texts.

Two texts run together leave their edges in the middle: the mark that ends the one, a space, and the capital that begins the other. How much
likelier that is at a seam than inside of a text is a likelihood ratio of counts, all from clean texts; where many are of two sentences, a full stop
and a capital are likely inside, too.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from math import log2
from typing import Any

import numpy as np

from camelopard.core.arrays import Ints
from camelopard.modality.states import array_of, texts_of
from camelopard.modality.text_forms import WORD, lowered

MOST = 200  # of different marks at each place
LONGEST = 12  # characters between two words; of more, the first
CASES = 3  # of the word that follows: small, a capital though it is mostly written small, another capital
EVEN = 0.5  # sights that every case of every mark counts for beforehand
NO_WORDS = -20.0  # bits where there are not two words


class Seams:
    """How often marks stand between words, behind the last one, and before the first, shapes (marks, CASES), (marks,), (marks, CASES).

    >>> texts = ["A fine film, all in all.", "The cast is good", "Then comes the end."] * 10
    >>> small = frozenset({"a", "the", "then"})
    >>> seams = Seams.learn(texts, small)
    >>> said = "The cast is good. Then comes the end", "The cast, all in all, is good."
    >>> glued, clean = (seams.worst(WORD.findall(text), WORD.split(text)) for text in said)
    >>> glued > clean
    True
    """

    def __init__(self, marks: Sequence[str], inside: Ints, ends: Ints, starts: Ints, small: frozenset[str]) -> None:
        self.marks, self.inside, self.ends, self.starts, self.small = marks, inside, ends, starts, small
        texts, pairs = int(ends.sum()) + 1.0, int(inside.sum()) + 1.0
        places = {mark: i for i, mark in enumerate(marks)}
        spread = EVEN * (len(marks) + 1)
        self._bits: dict[tuple[str, int], float] = {}
        for mark, at in places.items():
            for case in range(CASES):
                seam = 0.0
                for k in range(len(mark) + 1):
                    before, after = places.get(mark[:k].rstrip()), places.get(mark[k:].lstrip())
                    if before is not None and after is not None:
                        seam += (int(ends[before]) + EVEN) / (texts + spread) * (int(starts[after, case]) + EVEN) / (texts + spread * CASES)
                self._bits[mark, case] = log2(max(seam, 1e-12)) - log2((int(inside[at, case]) + EVEN) / (pairs + spread * CASES))

    @classmethod
    def learn(cls, texts: Sequence[str], small: frozenset[str]) -> Seams:
        """Learn from clean texts, all of which are read whole. `small`: words, in lower case, that are mostly written with a small letter."""
        inside: Counter[tuple[str, int]] = Counter()
        starts: Counter[tuple[str, int]] = Counter()
        ends: Counter[str] = Counter()
        seen: Counter[str] = Counter()
        for text in texts:
            words, between = WORD.findall(text), [*map(_mark, WORD.split(text))]
            seen.update(set(between))
            if words:
                starts[between[0], _case(words[0], small)] += 1
                ends[between[-1]] += 1
                inside.update((mark, _case(word, small)) for mark, word in zip(between[1:-1], words[1:], strict=True))
        fewest = 2 if len(texts) > 1 else 1
        usual = sorted((m for m, n in seen.items() if n >= fewest), key=lambda m: (-seen[m], m))[:MOST]
        joined = [f"{end} {start}".strip() for end in _most(ends) for start in _most(Counter(m for m, _ in starts.elements()))]
        marks = list(dict.fromkeys([*usual, *(mark[:LONGEST] for mark in joined)]))[:MOST]
        return cls(
            marks,
            np.array([[inside[m, c] for c in range(CASES)] for m in marks], dtype=np.int64).reshape(-1, CASES),
            np.array([ends[m] for m in marks], dtype=np.int64),
            np.array([[starts[m, c] for c in range(CASES)] for m in marks], dtype=np.int64).reshape(-1, CASES),
            small,
        )

    def worst(self, words: Sequence[str], between: Sequence[str]) -> float:
        """Return the bits by which the likeliest seam of a text is likelier than the inside of one; what no clean text has says nothing.

        `between`: what stands before, between and behind its words.
        """
        worst, plain = NO_WORDS, False
        for mark, word in zip(between[1:-1], words[1:], strict=True):
            if mark == " " and not word[0].isupper():  # as most words follow each other
                plain = True
            else:
                worst = max(worst, self._bits.get((_mark(mark), _case(word, self.small)), 0.0))
        return max(worst, self._bits.get(("", 0), 0.0)) if plain else worst

    def state(self) -> dict[str, Any]:
        """Return what was learned, as lists and arrays."""
        return {"marks": list(self.marks), **{name: getattr(self, name).astype(np.int32) for name in ("inside", "ends", "starts")}}

    @classmethod
    def from_state(cls, state: Mapping[str, Any], small: frozenset[str]) -> Seams:
        """Rebuild from `state()`. Raises ValueError if it is not one."""
        marks = texts_of(state, "marks", MOST, LONGEST)
        n = len(marks)
        counts = [
            array_of(state, name, "i", shape).astype(np.int64) for name, shape in (("inside", (n, CASES)), ("ends", (n,)), ("starts", (n, CASES)))
        ]
        if any(len(part) and part.min() < 0 for part in counts):
            raise ValueError("inside, ends, starts: expected how often marks stand somewhere")
        return cls(marks, counts[0], counts[1], counts[2], small)


def _most(counts: Counter[str], most: int = 8) -> list[str]:
    return sorted(counts, key=lambda m: (-counts[m], m))[:most]


def _mark(between: str) -> str:
    return between.strip()[:LONGEST]


def _case(word: str, small: frozenset[str]) -> int:
    if not word[0].isupper():
        return 0
    return 1 if lowered(word) in small else 2
