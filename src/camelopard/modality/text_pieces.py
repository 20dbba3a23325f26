"""Into how many pieces an unknown word falls: to a model of sub-words a misspelt one is crumbs, and a new compound two or three known parts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from camelopard.modality.states import texts_of

MOST = 4_000  # pieces
SHORTEST, LONGEST = 2, 8  # letters of one; single letters are pieces always
LONGEST_WORD = 40  # letters of a word that is learned from: longer ones are no words
FEWEST = 3  # words that a piece stands in
SIZES = range(LONGEST, SHORTEST - 1, -1)


class Pieces:
    """Groups of letters that stand in several words, those first that save most: by the words they stand in, times their letters but one.

    A word is divided from its start, the longest piece first, as WordPiece does (Wu et al. 2016).

    >>> pieces = Pieces.learn(["reading", "reader", "reads", "singing", "bringing", "ringing"])
    >>> pieces.divided("rereading"), pieces.divided("qx")
    (['re', 'read', 'ing'], ['q', 'x'])
    """

    def __init__(self, pieces: Sequence[str]) -> None:
        self.pieces = pieces
        self._known = frozenset(pieces)

    @classmethod
    def learn(cls, words: Iterable[str]) -> Pieces:
        """Learn from different words in lower case."""
        inside: Counter[str] = Counter()
        for word in words:
            if len(word) > LONGEST_WORD:
                continue
            inside.update({word[i : i + size] for size in SIZES for i in range(len(word) - size + 1)})
        worth = {piece: n * (len(piece) - 1) for piece, n in inside.items() if n >= FEWEST}
        return cls(sorted(worth, key=lambda piece: (-worth[piece], piece))[:MOST])

    def divided(self, word: str) -> list[str]:
        """Return the pieces of a word in lower case."""
        found, known, at, end = [], self._known, 0, len(word)
        while at < end:
            for size in SIZES:
                piece = word[at : at + size]
                if piece in known:
                    break
            else:
                piece = word[at]
            found.append(piece)
            at += len(piece)
        return found

    def state(self) -> dict[str, Any]:
        """Return what was learned."""
        return {"pieces": list(self.pieces)}

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> Pieces:
        """Rebuild from `state()`. Raises ValueError if it is not one."""
        pieces = texts_of(state, "pieces", MOST, LONGEST)
        if any(len(piece) < SHORTEST for piece in pieces):
            raise ValueError(f"pieces: expected groups of {SHORTEST} to {LONGEST} letters")
        return cls(pieces)
