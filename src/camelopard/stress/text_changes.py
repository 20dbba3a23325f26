"""The small changes of one word that an attack on a text tries: slips, look-alikes, what nobody sees, and another word of the vocabulary."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from itertools import islice

import numpy as np

from camelopard.stress.damages._texts import cased_like, one_of
from camelopard.stress.damages.text_lookalike import LOOK_ALIKES
from camelopard.stress.damages.text_typing import KEYS

SPELLING = ("invisible", "look-alike", "letters")  # a reader hardly sees them; what the text says stays
WAYS = (*SPELLING, "words")
TOKEN = re.compile(r"\w+(?:['’]\w+)*")
MOST_WORDS = 400  # of a text that are looked at, from its beginning
REACH = 20_000  # characters of a text that are looked at, from its beginning
MOST_KNOWN = 5_000  # words of the vocabulary, the most frequent
EACH = 2  # changes tried per word and way
UNSEEN = "\u200b"  # the space of no width

Span = tuple[int, int]


def tokens(text: str) -> list[Span]:
    """Return where the words of a text stand: (begin, end).

    >>> tokens("It's good, no?")
    [(0, 4), (5, 9), (11, 13)]
    """
    return [found.span() for found in islice(TOKEN.finditer(text, 0, REACH), MOST_WORDS)]


class Vocabulary:
    """The words of clean texts, most frequent first, and which of them are one slip apart.

    >>> known = Vocabulary(["from here to there", "a form from there"])
    >>> known.near("form"), known.near("their")
    (['from'], ['there'])
    """

    def __init__(self, texts: Iterable[str]) -> None:
        counts = Counter(text[a:b].lower() for text in texts for a, b in tokens(text))
        self.words = tuple(word for word, _ in sorted(counts.items(), key=lambda item: (-item[1], item[0]))[:MOST_KNOWN])
        self._shorter: dict[str, list[int]] = {}
        for rank, word in enumerate(self.words):
            for form in _forms(word):
                self._shorter.setdefault(form, []).append(rank)

    def near(self, word: str, most: int = EACH) -> list[str]:
        """Return known words one slip apart (a letter more, less, another, or out of place), most frequent first, with the capitals of the word."""
        plain = word.lower()
        ranks = {rank for form in _forms(plain) for rank in self._shorter.get(form, ())}
        return [cased_like(self.words[rank], word) for rank in sorted(ranks) if self.words[rank] != plain][:most]


def changes_of(word: str, way: str, vocabulary: Vocabulary, rng: np.random.Generator) -> list[str]:
    """Return at most EACH other spellings of a word, or other words; none where the way has none.

    >>> changes_of("good", "invisible", Vocabulary([]), np.random.default_rng(0))
    ['go\\u200bod']
    """
    if way == "words":
        return vocabulary.near(word)
    if way == "invisible":
        middle = len(word) // 2
        return [word[:middle] + UNSEEN + word[middle:]]
    if way == "look-alike":
        places = [i for i, letter in enumerate(word) if letter in LOOK_ALIKES]
        return _at(word, places, LOOK_ALIKES, rng)[:1]
    inner = [i for i in range(1, len(word) - 2) if word[i] != word[i + 1]]
    found = []
    if inner:
        i = inner[int(rng.random() * len(inner))]
        found.append(word[:i] + word[i + 1] + word[i] + word[i + 2 :])
    return [*found, *_at(word, [i for i, letter in enumerate(word) if letter in KEYS], KEYS, rng)][:EACH]


def size(old: str, new: str) -> int:
    """Return how many characters differ between two spellings: what is left when the same beginning and end are taken off.

    >>> size("form", "from"), size("good", "god"), size("bad", "bad"), size("bad", "")
    (2, 1, 0, 3)
    """
    least = min(len(old), len(new))
    head = next((i for i in range(least) if old[i] != new[i]), least)
    tail = next((i for i in range(least - head) if old[-1 - i] != new[-1 - i]), least - head)
    return max(len(old), len(new)) - head - tail


def written(text: str, spans: Sequence[Span], news: Sequence[str]) -> str:
    """Return the text with the words at these places, in order, written anew; with an empty one goes the space behind it.

    >>> written("not a good film", [(0, 3), (6, 10)], ["", "great"])
    'a great film'
    """
    pieces, end = [], 0
    for (begin, stop), new in zip(spans, news, strict=True):
        pieces += [text[end:begin], new]
        end = stop + (1 if not new and text[stop : stop + 1].isspace() else 0)
    return "".join([*pieces, text[end:]])


def _forms(word: str) -> set[str]:
    """Return the word and what is left of it without one letter: words that share one are one slip apart."""
    return {word} | ({word[:i] + word[i + 1 :] for i in range(len(word))} if 3 <= len(word) <= 20 else set())


def _at(word: str, places: Sequence[int], options: Mapping[str, str], rng: np.random.Generator) -> list[str]:
    if not places:
        return []
    i = places[int(rng.random() * len(places))]
    return [word[:i] + one_of(options[word[i]], rng) + word[i + 1 :]]
