"""Tells a text that is surely in another language than those it may be in, by the commonest words of languages. In doubt it says nothing."""

from __future__ import annotations

from collections.abc import Collection
from functools import cache
from math import log2

from camelopard.modality.text_foreign import COMMON_WORDS
from camelopard.modality.text_forms import WORD, lowered, script

LANGUAGES = tuple(COMMON_WORDS)
UNLISTED = 1000  # the place of a word that is not among the commonest, about
SURE = 20.0  # bits by which another language must be likelier: a million to one
FEWEST = 3  # different words of it
LONGEST = 20_000  # characters that are looked at


def other_language(text: str, allowed: Collection[str]) -> tuple[str, list[str]] | None:
    """Return the language that a text is surely in, and the words that say so, if it is none of those allowed; else None.

    A word at place r of a language is about as likely as 1/r (Zipf 1949). The other language must explain the text a million times better than any
    that is allowed. Most letters in another alphabet than that of the languages are another language, too.

    >>> other_language("Der Film ist nicht gut, und das Ende war sehr lang.", ["English"])
    ('German', ['der', 'ist', 'nicht'])
    >>> other_language("A fine film noir by de la Rosa.", ["English"])
    """
    text = text[:LONGEST]
    letters = [c for c in text if not c.isascii() and c.isalpha() and script(c) != "Latin"]
    if 2 * len(letters) > sum(c.isalpha() for c in text):
        return script(letters[0]), ["".join(letters[:20])]
    worth = _worth()
    bits, told = dict.fromkeys(LANGUAGES, 0.0), {language: dict[str, None]() for language in LANGUAGES}
    for word in WORD.findall(lowered(text)):
        for language, gained in worth.get(word, ()):
            bits[language] += gained
            told[language][word] = None
    likeliest = max(LANGUAGES, key=bits.__getitem__)
    if bits[likeliest] - max(bits[language] for language in allowed) < SURE or len(told[likeliest]) < FEWEST:
        return None
    return likeliest, list(told[likeliest])[:FEWEST]


@cache
def _worth() -> dict[str, list[tuple[str, float]]]:
    """Return for each common word the languages that it is one of, and the bits by which they explain it better than one without it."""
    found: dict[str, list[tuple[str, float]]] = {}
    for language, words in COMMON_WORDS.items():
        for place, word in enumerate(words.split(), 1):
            found.setdefault(word, []).append((language, log2(UNLISTED / place)))
    return found
