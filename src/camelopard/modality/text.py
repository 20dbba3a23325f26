"""What a text is: some thirty numbers that move when it is damaged, what is wrong with it, how it may have been, and where it lies among others.

All is learned from clean texts: what is strange in one language or trade is usual in another.
"""

from __future__ import annotations

import unicodedata
import zlib
from collections.abc import Mapping, Sequence
from itertools import pairwise
from math import expm1, log1p
from typing import Any

import numpy as np

from camelopard.core.arrays import Array, Floats, objects
from camelopard.core.errors import InputError
from camelopard.modality.states import array_of, spread_over
from camelopard.modality.text_disguises import Disguises
from camelopard.modality.text_embedding import SIZE, Embedding
from camelopard.modality.text_foreign import Foreign
from camelopard.modality.text_forms import INVISIBLE, IRREGULAR_SPACE, MARKUP, MARKUP_SIGNS, MOJIBAKE, RUN, parted, scripts_of
from camelopard.modality.text_grams import Lookup, padding, worst
from camelopard.modality.text_language import COMMON, Language
from camelopard.modality.text_marks import marks
from camelopard.modality.text_pieces import Pieces
from camelopard.modality.text_repairs import repairs
from camelopard.modality.text_seams import Seams
from camelopard.modality.text_shapes import Shapes, summed_up

NAMES = (
    "characters", "word length", "longest word", "unknown words", "misspelt words", "pieces of words", "common words", "surprise",
    "worst surprise", "word order", "foreign letters", "mixed words", "new characters", "digits", "capitals", "inner capitals",
    "punctuation", "irregular white space", "invisible characters", "broken encoding", "markup", "repeated characters", "repeated phrases",
    "compressed size", "disguised words", "foreign words", "other language", "surprise in writing", "worst writing", "ending", "seam",
    "distance to the nearest",
)  # fmt: skip
LOGARITHMS = frozenset(("characters", "longest word", "invisible characters", "broken encoding", "markup"))  # of 1 + the number of them
BITS = frozenset(("surprise", "worst surprise", "word order", "other language", "surprise in writing", "worst writing", "ending", "seam"))
SHARES = frozenset(NAMES) - LOGARITHMS - BITS - {"word length", "pieces of words", "compressed size", "distance to the nearest"}
FOR_ODDITY = ("disguised words", "foreign words", "other language", "surprise in writing", "worst writing", "ending", "seam")  # say nothing of errors
LONGEST = 1_000_000  # characters beyond which a text is not judged
EACH_END = 10_000  # characters that are looked at from the start and the end of a longer text
COMPRESSED = 60  # bytes that compression needs to get going: without them, its size would be the length once more
WINDOW = 8  # characters over which the worst surprise is a mean
MOST_LEARNED, MOST_MEASURED = 20_000, 1_000  # texts that the language, and the usual range of the numbers, are learned from
MOST_LIMIT = 20_000.0  # of any number: that of word length, in a text of one word
TAILS = (0.005, 0.5, 0.995)
PARTS = ("language", "pieces", "shapes", "disguises", "seams", "embedding")

LOWER, UPPER, DIGIT, MARK, REST = range(5)


class TextVectors:
    """Texts as numbers, learned from clean texts.

    Attributes
    ----------
    names
        What each number is.
    limits
        The values below which 0.5 %, half and 99.5 % of the clean texts lie in each number, shape (3, len(names)).

    >>> vectors = TextVectors.learn(objects(["A fine film.", "A dull film.", "What a fine, fine cast."] * 20))
    >>> numbers = dict(zip(vectors.names, vectors.measure(objects(["A f\u0456ne film."]))[0].round(2).tolist()))
    >>> numbers["unknown words"], numbers["mixed words"]
    (0.33, 0.33)
    """

    kind = "text"
    names = NAMES
    apart = FOR_ODDITY
    longest = LONGEST

    def __init__(
        self, language: Language, pieces: Pieces, shapes: Shapes, disguises: Disguises, seams: Seams, embedding: Embedding, limits: Floats
    ) -> None:
        self.language, self.pieces, self.shapes, self.disguises, self.seams = language, pieces, shapes, disguises, seams
        self.embedding, self.limits = embedding, limits
        self._lookup = Lookup(language.grams, shapes.grams)
        self._foreign = [Foreign(language.rank, most) for most in (len(language.words), language.solid)]

    @classmethod
    def learn(cls, texts: Array) -> TextVectors:
        """Learn from clean texts, an object array of str and None, shape (n,). The same texts in the same order give the same bytes.

        Raises
        ------
        InputError
            If there is no text among them.
        """
        clean = [str.__str__(t) for t in texts if isinstance(t, str) and t.strip()]
        if not clean:
            raise InputError(f"there is no text among the {len(texts)} cells to learn from. Give a column with clean texts.")
        clean = [sample(clean[i]) for i in spread_over(len(clean), MOST_LEARNED)]
        language = Language.learn(clean)
        parts = Pieces.learn(language.rank), Shapes.learn(clean), Disguises.learn(clean), Seams.learn(clean, language.small), Embedding.learn(clean)
        vectors = cls(language, *parts, np.zeros((3, len(NAMES))))
        numbers = vectors.measure(objects(clean[i] for i in spread_over(len(clean), MOST_MEASURED)), own=True)
        vectors.limits = np.quantile(numbers, TAILS, axis=0)
        return vectors

    def measure(self, texts: Array, *, own: bool = False) -> Floats:
        """Return the numbers of each text, shape (n, len(names)), NaN for a cell that is missing, empty or no text.

        A text gets the same bytes alone and in any batch. Of one with more than 20,000 characters, the first and last 10,000 are looked at.

        Parameters
        ----------
        own
            The texts are those that were learned from: none of them vouches for its own words, or is its own nearest. Then they look like new ones.
        """
        found = np.full((len(texts), len(NAMES)), np.nan)
        rows, vectors = [], []
        for i, text in enumerate(texts.tolist()):
            if isinstance(text, str) and not text.isspace() and text:
                text = str.__str__(text)
                part = sample(text)
                found[i, :-1] = self._numbers(part, len(text), own)
                rows.append(i)
                vectors.append(self.embedding.vector(part))
        if rows:
            found[rows, -1] = self.embedding.distance(np.array(vectors), own)
        return found

    def problems(self, texts: Array) -> list[str | None]:
        """Return why each cell cannot be judged: "missing", "empty", its type where it is no text, or that it is too long; else None."""
        return [_problem(cell) for cell in texts.tolist()]

    def repairs(self, text: str) -> list[tuple[str, str]]:
        """Return up to six texts that this one may have been, each with what was undone; all of it together first, then the likeliest.

        >>> TextVectors.learn(objects(["A fine film.", "A dull film."] * 20)).repairs("A fi\u200bne film.")
        [('invisible characters removed', 'A fine film.')]
        """
        if _problem(text) in ("missing", "empty") or not isinstance(text, str):
            return []
        return repairs(str.__str__(text)[: 2 * EACH_END], self.language, dict(zip(NAMES, self.limits.T.tolist(), strict=True)))

    def marks(self, text: str, most: int = 8) -> list[tuple[int, int, str]]:
        """Return what is new or damaged in a text: (start, end, why), the worst first, none inside another.

        >>> TextVectors.learn(objects(["A fine film.", "A dull film."] * 20)).marks("A fine flim.")
        [(7, 11, "unknown word, perhaps 'film'")]
        """
        return marks(str.__str__(text)[: 2 * EACH_END], self.language, most) if isinstance(text, str) else []

    def embed(self, texts: Array) -> Floats:
        """Return where each text lies, unit vectors of shape (n, 128): texts about the same lie near each other. Zeros for what is no text."""
        found = np.zeros((len(texts), SIZE))
        for i, text in enumerate(texts.tolist()):
            if isinstance(text, str):
                found[i] = self.embedding.vector(sample(str.__str__(text)))
        return found

    def examples(self, n: int) -> Array:
        """Return n made-up texts of common words, as long as clean ones, always the same: no text of anyone's data, shape (n,)."""
        typical = dict(zip(NAMES, self.limits[1].tolist(), strict=True))
        length = max(1, round(min(expm1(min(typical["characters"], 10.0)), EACH_END) / (max(typical["word length"], 0.0) + 1)))
        words = [*self.language.words[:COMMON]] or [c for c in self.language.alphabet if c.isalpha()] or ["text"]
        return objects(" ".join(words[(7 * i + 13 * k + i * k) % len(words)] for k in range(length)) for i in range(n))

    def state(self) -> dict[str, Any]:
        """Return what was learned, as lists and arrays."""
        return {**{part: getattr(self, part).state() for part in PARTS}, "limits": self.limits}

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> TextVectors:
        """Rebuild from `state()`.

        Raises
        ------
        ValueError
            If it is not what `state()` returned: it may come from a file that somebody changed.
        """
        if not isinstance(state, Mapping) or not all(isinstance(state.get(part), Mapping) for part in PARTS):
            raise ValueError(f"expected what was learned from texts: {', '.join(PARTS)} and limits")
        limits = array_of(state, "limits", "f", (3, len(NAMES))).astype(np.float64)
        if limits.max() > MOST_LIMIT:
            raise ValueError("limits: larger than those of any texts")
        language = Language.from_state(state["language"])
        pieces, shapes, disguises = Pieces.from_state(state["pieces"]), Shapes.from_state(state["shapes"]), Disguises.from_state(state["disguises"])
        seams, embedding = Seams.from_state(state["seams"], language.small), Embedding.from_state(state["embedding"])
        return cls(language, pieces, shapes, disguises, seams, embedding, limits)

    def _numbers(self, text: str, length: int, own: bool = False) -> list[float]:
        """Return all numbers of a text but the last. `length` is that of the whole, of which `text` may be a part."""
        language, n = self.language, len(text)
        low, spoken, words, between = parted(text)
        several, chunks = max(len(words), 1), text.split() or [""]
        lengths, even = [*map(len, chunks)], text == " ".join(chunks)
        most = language.solid if own else len(language.words)  # a text does not vouch for its own words
        ranks = [language.rank.get(w, most) for w in words]
        unknown = [w for w, rank in zip(words, ranks, strict=True) if rank >= most]
        letters_bits, shapes_bits = self._lookup.surprise(padding(text), self.shapes.line(text))
        bits = np.cumsum(letters_bits)
        encoded = text.encode("utf-8", "surrogatepass")
        kinds = _kinds(text, encoded)
        letters = max(kinds[LOWER] + kinds[UPPER], 1)
        mixed, foreign = (0, 0) if text.isascii() and "Latin" in language.scripts else _alphabets(spoken, language)
        phrases = list(pairwise(words))
        compressed = len(zlib.compress(encoded, 1))
        disguised = self.disguises.count(text, language, frozenset(unknown), own)
        strangers, other = self._foreign[own].numbers(words)
        return [
            log1p(length),
            sum(lengths) / len(lengths),
            log1p(max(lengths)),
            len(unknown) / several,
            language.misspelt(unknown) / several,
            1.0 + sum([len(self.pieces.divided(w)) - 1 for w in unknown]) / several,
            sum([rank < COMMON for rank in ranks]) / several,
            float(bits[-1]) / n,
            worst(bits, WINDOW),
            language.disorder(words, own),
            foreign / letters,
            mixed / several,
            language.new_characters(text, encoded) / n,
            kinds[DIGIT] / n,
            kinds[UPPER] / letters,
            0.0 if text == low else sum([w[1:] != w[1:].lower() for w in spoken if not w.islower()]) / several,
            kinds[MARK] / n,
            0.0 if even else sum([len(m) for m in IRREGULAR_SPACE.findall(text)]) / n,
            log1p(len(INVISIBLE.findall(text))),
            0.0 if text.isascii() else log1p(len(MOJIBAKE.findall(text))),
            log1p(len(MARKUP.findall(text))) if any(sign in text for sign in MARKUP_SIGNS) else 0.0,
            sum([m.end() - m.start() for m in RUN.finditer(text)]) / n,
            1.0 - len(set(phrases)) / max(len(phrases), 1) if phrases else 0.0,
            compressed / (len(encoded) + COMPRESSED),
            disguised / several,
            strangers / several,
            other,
            *summed_up(shapes_bits),
            self.seams.worst(spoken, between),
        ]


def _problem(cell: object) -> str | None:
    if cell is None or (isinstance(cell, float) and cell != cell):
        return "missing"
    if not isinstance(cell, str):
        return f"not a text but of the type {type(cell).__name__}"
    if len(cell) > LONGEST:
        return f"{len(cell):,} characters, longer than {LONGEST:,}"
    return None if cell and not cell.isspace() else "empty"


def sample(text: str) -> str:
    """Return what is looked at of a text: all of it, or its start and its end."""
    return text if len(text) <= 2 * EACH_END else text[:EACH_END] + text[-EACH_END:]


def _kinds(text: str, encoded: bytes) -> list[int]:
    """Return how many characters are small letters, capitals, digits, and marks; `encoded` is the text in UTF-8."""
    kinds = encoded.translate(_ASCII)
    counts = [kinds.count(kind) for kind in (LOWER, UPPER, DIGIT, MARK, REST)]
    if not text.isascii():
        for c in text:
            if c > "\x7f":
                counts[_kind(c)] += 1
    return counts


def _kind(character: str) -> int:
    group = unicodedata.category(character)
    return UPPER if group == "Lu" else LOWER if group[0] == "L" else DIGIT if group[0] == "N" else MARK if group[0] in "PS" else REST


_ASCII = bytes([*map(_kind, map(chr, range(128)))]) + bytes([REST + 1]) * 128  # and one for the bytes of all others


def _alphabets(words: Sequence[str], language: Language) -> tuple[int, int]:
    """Return how many words mix alphabets, and how many letters are of alphabets that the language does not use."""
    mixed = foreign = 0
    for word in words:
        scripts = scripts_of(word)
        mixed += len(scripts) > 1
        if not scripts <= language.scripts:
            foreign += sum(c.isalpha() and not scripts_of(c) <= language.scripts for c in word)
    return mixed, foreign
