"""How a text is written, whatever it says: a letter is a small one or a capital, and marks, digits and rare letters stand as they are.

What follows what is learned as groups of such shapes (word shapes; Collins 2002): "e?j", " ?h" or a capital inside a word are hardly ever written, in
whatever word they stand. An end stands behind every text, so that one which breaks off within a word shows it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from camelopard.core.arrays import Floats
from camelopard.modality.states import texts_of
from camelopard.modality.text_forms import script
from camelopard.modality.text_grams import ORDER, PLAIN, Grams, worst

SMALL, CAPITAL, END = "a", "A", "\x03"
USUAL = 0.1  # share of the texts that hold a letter, from which on an accented one is a letter like others
MOST_ALIKE = 5_000
WINDOW = 3  # characters over which the worst is a mean: an odd one, and the two that follow upon it


class Shapes:
    """Groups of shapes of clean texts. `alike`: letters beyond ASCII that count by their case; so do all of an alphabet but Latin with one.

    >>> shapes = Shapes.learn(["One fine film.", "Two dull films.", "A new story."] * 10)
    >>> shapes.numbers("Few go?d actors.")[1] > 2 * shapes.numbers("Few good actors.")[1]
    True
    """

    def __init__(self, alike: Sequence[str], grams: Grams) -> None:
        self.alike, self.grams = alike, grams
        self._written = _Written(alike)

    @classmethod
    def learn(cls, texts: Sequence[str]) -> Shapes:
        """Learn from clean texts, all of which are read whole. A group that stands in one text only is not known."""
        inside: Counter[str] = Counter()
        for text in texts:
            inside.update(set(text))
        alike = sorted(_alike(inside, len(texts)))[:MOST_ALIKE]
        written = _Written(alike)
        grams: Counter[str] = Counter()
        shared: Counter[str] = Counter()
        for text in texts:
            line = _line(text, written)
            own = [line[i - n : i] for n in range(1, ORDER + 1) for i in range(ORDER, len(line) + 1)]
            grams.update(own)
            shared.update(set(own))
        fewest = 2 if len(texts) > 1 else 1
        return cls(alike, Grams.of(grams, {g for g, n in shared.items() if n >= fewest}))

    def numbers(self, text: str) -> tuple[float, float, float]:
        """Return how much the shapes of a text surprise, in bits: on the mean, over the worst three characters in a row, and its end."""
        return summed_up(self.grams.surprise(self.line(text)))

    def line(self, text: str) -> str:
        """Return the shapes of a text, as groups are read from them: spaces before, the end behind."""
        return _line(text, self._written)

    def state(self) -> dict[str, Any]:
        """Return what was learned, as lists and arrays."""
        return {"alike": list(self.alike), **self.grams.state()}

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> Shapes:
        """Rebuild from `state()`. Raises ValueError if it is not one."""
        alike = texts_of(state, "alike", MOST_ALIKE, 1)
        if "" in alike:
            raise ValueError("alike: expected single letters")
        return cls(alike, Grams.from_state(state))


def summed_up(bits: Floats) -> tuple[float, float, float]:
    """Return the mean, the worst mean over WINDOW shapes in a row, and the last of the bits by which shapes surprise."""
    total = np.cumsum(bits)
    return float(total[-1]) / len(bits), worst(total, WINDOW), float(bits[-1])


class _Written(dict[int, str]):
    """What characters are written as, for `str.translate`: letters by their case, all digits and all white space alike, marks as they are."""

    def __init__(self, alike: Sequence[str]) -> None:
        super().__init__({code: _cased(chr(code)) if chr(code).isalpha() else chr(code) for code in range(128)} | PLAIN)
        self.update((ord(c), _cased(c)) for c in alike)
        self.scripts = {script(c) for c in alike} - {"Latin"}

    def __missing__(self, code: int) -> str:
        c = chr(code)
        return _cased(c) if self.scripts and c.isalpha() and script(c) in self.scripts else c


def _alike(inside: Mapping[str, int], n: int) -> Iterable[str]:
    """Yield the letters beyond ASCII that are in a tenth of the texts."""
    return (c for c in inside if not c.isascii() and c.isalpha() and inside[c] >= USUAL * n)


def _cased(letter: str) -> str:
    return CAPITAL if letter.isupper() else SMALL


def _line(text: str, written: Mapping[int, str]) -> str:
    return " " * (ORDER - 1) + text.translate(written) + END
