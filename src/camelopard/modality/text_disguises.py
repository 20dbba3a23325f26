"""Words that a text holds in another form than clean ones: accents lost, debris of an encoding inside, a mark where a letter was.

A word counts only if undoing that makes a known one of it, and if clean texts do not write it so themselves.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from camelopard.modality.states import texts_of
from camelopard.modality.text_forms import TYPOGRAPHY, WORD, decoded, lowered
from camelopard.modality.text_language import LONGEST_WORD, Language

MOST_FORMS = 5_000
AROUND = ".,;:!?\"'()[]{}`…“”‘’«»–—-"  # marks that stand around a word, not in it
WITHIN = "'’-/.,&()[]{}"  # marks that people write in words, and so replace no letter
SHORTEST = 4  # letters of a word with a mark for one of them
ODD_INSIDE = re.compile(rf"[^A-Za-z\s{re.escape(WITHIN)}](?<=[A-Za-z].)(?=[A-Za-z])")  # in ASCII; what is looked for stands first, for speed


class Disguises:
    """Forms of words that stand in two clean texts or more and hold other characters than the letters of ASCII; the first `solid` are in three.

    >>> language = Language.learn(["the film is better"] * 3 + ["a café near the film"] * 3)
    >>> disguises = Disguises.learn(["the film is better"] * 3 + ["a café near the film"] * 3)
    >>> [disguises.count(text, language, frozenset()) for text in ("the bettÃ©r film", "the be?ter film", "a better café")]
    [1, 1, 0]
    """

    def __init__(self, forms: Sequence[str], solid: int) -> None:
        self.forms, self.solid = forms, solid
        self._place = {lowered(form): i for i, form in reversed(list(enumerate(forms)))}
        self._bare: dict[str, int] = {}
        for i, form in enumerate(forms):
            for bare in {(without := _without_accents(form)), without.encode("ascii", "ignore").decode()} - {form, ""} if not form.isascii() else ():
                self._bare.setdefault(lowered(bare), i)

    @classmethod
    def learn(cls, texts: Sequence[str]) -> Disguises:
        """Learn from clean texts, all of which are read whole."""
        inside: Counter[str] = Counter()
        for text in texts:
            inside.update(set(_forms(text)))
        fewest = 2 if len(texts) > 1 else 1
        forms = sorted((f for f, n in inside.items() if n >= fewest and len(f) <= LONGEST_WORD), key=lambda f: (-inside[f], f))[:MOST_FORMS]
        return cls(forms, sum(inside[f] > fewest for f in forms))

    def count(self, text: str, language: Language, unknown: frozenset[str], own: bool = False) -> int:
        """Return how many words of a text are known ones in disguise. `unknown`: its words in lower case that are not known.

        With `own`, the text is one that was learned from, and vouches for none of its words.
        """
        places, words = (self.solid, language.solid) if own else (len(self.forms), len(language.words))
        found = 0
        if not text.isascii() or ODD_INSIDE.search(text):
            for form in _forms(text):
                low = lowered(form)
                if len(form) > LONGEST_WORD or self._place.get(low, places) < places or language.rank.get(low, words) < words:
                    continue
                found += self._bare.get(low, places) < places or _is_disguised(form, low, language, words)
        return found + sum(self._bare.get(word, places) < places and self._place.get(word, places) >= places for word in unknown)

    def state(self) -> dict[str, Any]:
        """Return what was learned, as plain data."""
        return {"forms": list(self.forms), "solid": self.solid}

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> Disguises:
        """Rebuild from `state()`. Raises ValueError if it is not one."""
        forms, solid = texts_of(state, "forms", MOST_FORMS, LONGEST_WORD), state.get("solid")
        if type(solid) is not int or not 0 <= solid <= len(forms) or "" in forms:
            raise ValueError("forms, solid: expected forms of words, and how many of them are in three texts")
        return cls(forms, solid)


def _forms(text: str) -> Iterator[str]:
    """Yield what stands between white space, without the marks around it, where it holds more than letters of ASCII."""
    for chunk in text.split():
        form = chunk.strip(AROUND)
        if form and not (form.isascii() and form.isalpha()):
            yield form


def _is_disguised(form: str, low: str, language: Language, words: int) -> bool:
    """Whether a form becomes a known word when its debris is decoded and its accents are left out, or when its one odd mark is a letter."""
    if not form.isascii():
        plain = lowered(_without_accents(decoded(form)).translate(TYPOGRAPHY))
        if plain != low and language.rank.get(plain, words) < words and WORD.fullmatch(plain):
            return True
    odd = [i for i, c in enumerate(low) if not "a" <= c <= "z" and c not in WITHIN]
    return len(odd) == 1 and len(low) >= SHORTEST and 0 < odd[0] < len(low) - 1 and language.fits(low, odd[0], words)


def _without_accents(text: str) -> str:
    return "".join(c for c in unicodedata.normalize("NFD", text) if not unicodedata.combining(c))
