"""What the language of clean texts is like: its words, which follow which, and its groups of letters. Whatever stands in one text only is not known.

That rule makes a text that was learned from look like a new one: its own words do not vouch for it.
"""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from camelopard.core.arrays import Ints
from camelopard.modality.states import array_of, texts_of
from camelopard.modality.text_forms import WORD, lowered, script
from camelopard.modality.text_grams import ORDER, Grams, padding

MOST_WORDS = 20_000
MOST_LETTERS = 200  # of a word: what is longer is none, such as a text without spaces
MOST_CHARACTERS = 5_000
COMMON = 120  # words that are a class of their own
ENDINGS = 80  # classes of the other words, by their last two letters
CLASSES = COMMON + ENDINGS + 2  # and words with other endings, and the edge of the text
EDGE, OTHER = CLASSES - 1, CLASSES - 2
PRIOR = 20.0  # pairs that the shares of single classes count for
SHORTEST, LONGEST_WORD = 4, 40  # letters of a word that is looked for among the known ones one slip away
RARE_SCRIPT = 0.002  # share of letters below which an alphabet is not one of the language


class Language:
    """Words, groups of letters and word order of clean texts.

    `words` stand in the order of how many texts they are in, in the spelling they mostly have; the first `solid` of them are in three or more.

    >>> language = Language.learn(["the cat sat on the mat", "the cat sat on the hat", "a dog sat on the mat"])
    >>> language.known("mat"), language.known("dog"), language.nearest("matt")
    (True, False, 'mat')
    """

    def __init__(self, words: Sequence[str], solid: int, endings: Sequence[str], pairs: Ints, grams: Grams, alphabet: str) -> None:
        self.words, self.solid, self.endings, self.pairs, self.grams = words, solid, endings, pairs, grams
        self.characters = frozenset(alphabet)
        self.alphabet = alphabet
        letters = Counter(script(c) for c in alphabet if c.isalpha())
        self.scripts = frozenset(letters) or frozenset({"Latin"})
        self.rank = {lowered(word): i for i, word in reversed(list(enumerate(words)))}
        self.small = frozenset(lowered(word) for word in words if not word[0].isupper())
        self._endings = {ending: COMMON + i for i, ending in enumerate(endings)}
        self._common = {word: i for word, i in self.rank.items() if i < COMMON}
        self._order = _ordered(pairs, 1.0)
        self._own = _ordered(pairs, 2.0)
        self._plain = bytes(ord(c) for c in alphabet if c.isascii())
        self._slips: dict[str, str] | None = None

    @classmethod
    def learn(cls, texts: Sequence[str]) -> Language:
        """Learn from clean texts, all of which are read whole."""
        inside: Counter[str] = Counter()
        grams: Counter[str] = Counter()
        shared: Counter[str] = Counter()
        forms: dict[str, Counter[str]] = {}
        alphabet: Counter[str] = Counter()
        spoken = []
        for text in texts:
            words = WORD.findall(text)
            for word in words:
                forms.setdefault(lowered(word), Counter())[word] += 1
            low = [lowered(w) for w in words]
            inside.update(set(low))
            spoken.append(low)
            padded = padding(text)
            own = [padded[i - n : i] for n in range(1, ORDER + 1) for i in range(ORDER, len(padded) + 1)]
            grams.update(own)
            shared.update(set(own))
            alphabet.update(set(text))
        fewest = 2 if len(texts) > 1 else 1
        ranked = sorted((w for w, n in inside.items() if n >= fewest and len(w) <= MOST_LETTERS), key=lambda w: (-inside[w], w))[:MOST_WORDS]
        rank = {w: i for i, w in enumerate(ranked)}
        tails = Counter(w[-2:] for words in spoken for w in words if rank.get(w, COMMON) >= COMMON)
        endings = sorted(tails, key=lambda e: (-tails[e], e))[:ENDINGS]
        solid = sum(inside[w] > fewest for w in ranked)
        spelt = [min(forms[w].items(), key=lambda item: (-item[1], item[0]))[0] for w in ranked]
        scored = Grams.of(grams, {g for g, n in shared.items() if n >= fewest})
        letters = sorted((c for c, n in alphabet.items() if n >= fewest), key=lambda c: (-alphabet[c], c))[:MOST_CHARACTERS]
        language = cls(spelt, solid, endings, np.zeros((CLASSES, CLASSES), dtype=np.int64), scored, _settled(letters, alphabet))
        pairs = np.zeros((CLASSES, CLASSES), dtype=np.int64)
        for words in spoken:
            line = np.array([EDGE, *map(language.class_of, words), EDGE])
            np.add.at(pairs, (line[:-1], line[1:]), 1)
        return cls(spelt, solid, endings, pairs, scored, language.alphabet)

    def known(self, word: str) -> bool:
        """Whether a word in lower case was seen in two clean texts or more."""
        return word in self.rank

    def new_characters(self, text: str, encoded: bytes) -> int:
        """Return how many characters of a text are not of the language; `encoded` is the text in UTF-8."""
        if len(encoded) == len(text):
            return len(encoded.translate(None, self._plain))
        return sum([text.count(c) for c in set(text) - self.characters])

    def class_of(self, word: str) -> int:
        """Return the class of a word in lower case: itself if it is common, else its ending."""
        found = self._common.get(word)
        return self._endings.get(word[-2:], OTHER) if found is None else found

    def disorder(self, words: Sequence[str], own: bool = False) -> float:
        """Return how much less likely words in lower case follow each other than by chance, in bits per pair; 0 for no word.

        With `own`, the words are of a text that was learned from.
        """
        if not words:
            return 0.0
        classes = [EDGE, *map(self.class_of, words), EDGE]
        order = self._own if own else self._order
        return sum([order[CLASSES * a + b] for a, b in pairwise(classes)]) / (len(words) + 1)

    def misspelt(self, words: Sequence[str]) -> int:
        """Return how many of these unknown words in lower case have a known one that is one slip away, as `nearest` finds it."""
        known, slips, found = self.rank.keys(), self._index(), 0
        for word in words:
            if SHORTEST <= len(word) <= LONGEST_WORD:
                shorter = [word[:i] + word[i + 1 :] for i in range(len(word))]
                found += (
                    word in slips
                    or not known.isdisjoint(shorter)
                    or any(_one_slip(word, other) for other in map(slips.get, shorter) if other is not None)
                )
        return found

    def nearest(self, word: str) -> str | None:
        """Return the most frequent known word one slip away from an unknown one in lower case: a letter more, less, other, or two swapped."""
        if not SHORTEST <= len(word) <= LONGEST_WORD:
            return None
        slips = self._index()
        shorter = [word[:i] + word[i + 1 :] for i in range(len(word))]
        found = {w for w in shorter if w in self.rank}
        if (w := slips.get(word)) is not None:
            found.add(w)
        found.update(w for s in shorter if (w := slips.get(s)) is not None and _one_slip(word, w))
        found.discard(word)
        found = {w for w in found if len(w) >= SHORTEST - 1}
        return min(found, key=self.rank.__getitem__) if found else None

    def fits(self, word: str, at: int, most: int) -> bool:
        """Whether a word in lower case is one of the first `most` known ones, if the character at this place is left out or is some letter."""
        rest = word[:at] + word[at + 1 :]
        if self.rank.get(rest, most) < most:
            return True
        other = self._index().get(rest)
        return other is not None and len(other) == len(word) and other[:at] + other[at + 1 :] == rest and self.rank[other] < most

    def spelt(self, word: str) -> str:
        """Return a known word in lower case in the spelling it mostly has: names with capitals."""
        return self.words[self.rank[word]]

    def _index(self) -> dict[str, str]:
        """Return the known words by what is left of them without one letter; the most frequent, where several leave the same."""
        if self._slips is None:
            slips: dict[str, str] = {}
            for word in map(lowered, self.words):
                if SHORTEST - 1 <= len(word) <= LONGEST_WORD:
                    for i in range(len(word)):
                        slips.setdefault(word[:i] + word[i + 1 :], word)
            self._slips = slips
        return self._slips

    def state(self) -> dict[str, Any]:
        """Return what was learned, as lists and arrays."""
        return {
            "words": list(self.words),
            "endings": list(self.endings),
            "pairs": self.pairs.astype(np.int32),
            "solid": self.solid,
            **self.grams.state(),
            "alphabet": self.alphabet,
        }

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> Language:
        """Rebuild from `state()`. Raises ValueError if it is not one."""
        words, endings = texts_of(state, "words", MOST_WORDS), texts_of(state, "endings", ENDINGS)
        pairs, solid, alphabet = array_of(state, "pairs", "i", (CLASSES, CLASSES)), state.get("solid"), state.get("alphabet")
        if type(solid) is not int or not 0 <= solid <= len(words) or not isinstance(alphabet, str) or len(alphabet) > MOST_CHARACTERS:
            raise ValueError("solid, alphabet: expected a number of words and a text of characters")
        if len(set(map(lowered, words))) != len(words) or "" in words:
            raise ValueError("words: a word stands in it twice")
        if pairs.min() < 0:
            raise ValueError("pairs: expected how often classes follow each other")
        return cls(words, solid, endings, pairs.astype(np.int64), Grams.from_state(state), alphabet)


def _ordered(pairs: Ints, less: float) -> array[float]:
    """Return how many bits less likely than by chance each class follows each, row by row, had every pair been seen `less` times less often.

    A pair does not vouch for itself: one less for new texts, where chance pairs count too much, and two for the texts that were learned from.
    """
    counts = np.maximum(pairs - less, 0.0)
    share = (counts.sum(axis=0) + 0.5) / (counts.sum() + 0.5 * CLASSES)
    follows = (counts + PRIOR * share) / (counts.sum(axis=1, keepdims=True) + PRIOR)
    return array("d", (np.log2(share) - np.log2(follows)).tobytes())


def _settled(letters: Iterable[str], seen: Mapping[str, int]) -> str:
    """Return the characters of the language: without the letters of alphabets that hardly occur in it."""
    letters = list(letters)
    scripts: Counter[str] = Counter()
    for c in letters:
        if c.isalpha():
            scripts[script(c)] += seen[c]
    enough = RARE_SCRIPT * sum(scripts.values())
    return "".join(c for c in letters if not c.isalpha() or scripts[script(c)] >= enough)


def _one_slip(a: str, b: str) -> bool:
    """Whether two words differ by one letter in the same place, or by two neighbours swapped."""
    if len(a) != len(b):
        return False
    off = [i for i, (x, y) in enumerate(zip(a, b, strict=True)) if x != y]
    return len(off) == 1 or (len(off) == 2 and off[1] == off[0] + 1 and a[off[0]] == b[off[1]] and a[off[1]] == b[off[0]])
