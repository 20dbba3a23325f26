"""What characters are: their alphabet, what they look like, which cannot be seen, what a broken encoding leaves behind. Facts, nothing learned."""

from __future__ import annotations

import html
import re
import unicodedata
from bisect import bisect_right
from functools import lru_cache
from typing import NamedTuple

WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)*")
PARTED = re.compile(f"({WORD.pattern})")  # splits a text into what stands between its words, and the words
INVISIBLE = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164"
    "\ud800-\udfff\ufe00-\ufe0f\ufeff\uffa0\ufff9-\ufffb\U000e0000-\U000e0fff]"
)
MARKUP = re.compile(
    r"<[/!]?[A-Za-z][^<>]{0,300}>|&(?:#\d{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z]{2,8});|(?:https?://|www\.)\S{1,500}|%[0-9A-F]{2}(?:%[0-9A-F]{2})*"
)
MARKUP_SIGNS = ("<", "&", "http", "www.", "%")  # one of them is in all markup
IRREGULAR_SPACE = re.compile(r"\s{2,}|[^\S ]|^\s|\s$")
RUN = re.compile(r"(\S)\1{2,}")

_CONTINUED = "".join(sorted({chr(b) for b in range(0x80, 0xC0)} | {bytes([b]).decode("cp1252", "ignore") for b in range(0x80, 0xA0)} - {""}))
MOJIBAKE = re.compile(
    f"[\u00c2-\u00df][{_CONTINUED}]|[\u00e0-\u00ef][{_CONTINUED}]{{2}}|[\u00f0-\u00f4][{_CONTINUED}]{{3}}|\ufffd+|\u00ff\u00fe|\u00fe\u00ff"
)
_BYTES = {chr(b): b for b in range(0x80, 0x100)} | {c: b for b in range(0x80, 0xA0) if (c := bytes([b]).decode("cp1252", "ignore"))}

SCRIPTS = (
    (0x0000, "Latin"), (0x0370, "Greek"), (0x0400, "Cyrillic"), (0x0530, "Armenian"), (0x0590, "Hebrew"), (0x0600, "Arabic"), (0x0700, "other"),
    (0x0750, "Arabic"), (0x0780, "other"), (0x08A0, "Arabic"), (0x0900, "Devanagari"), (0x0980, "Bengali"), (0x0A00, "Gurmukhi"),
    (0x0A80, "Gujarati"), (0x0B00, "other"), (0x0B80, "Tamil"), (0x0C00, "Telugu"), (0x0C80, "Kannada"), (0x0D00, "Malayalam"), (0x0D80, "Sinhala"),
    (0x0E00, "Thai"), (0x0E80, "Lao"), (0x0F00, "Tibetan"), (0x1000, "Burmese"), (0x10A0, "Georgian"), (0x1100, "Hangul"), (0x1200, "Ethiopic"),
    (0x13A0, "Cherokee"), (0x1400, "other"), (0x1780, "Khmer"), (0x1800, "Mongolian"), (0x18B0, "other"), (0x1C80, "Cyrillic"),
    (0x1C90, "Georgian"), (0x1CC0, "other"), (0x1D00, "Latin"), (0x1F00, "Greek"), (0x2000, "Latin"), (0x2C60, "Latin"), (0x2C80, "other"),
    (0x2DE0, "Cyrillic"), (0x2E00, "other"), (0x3005, "Han"), (0x3040, "Japanese"), (0x3100, "Han"), (0x3130, "Hangul"), (0x3190, "Han"),
    (0x31F0, "Japanese"), (0x3200, "other"), (0x3400, "Han"), (0xA000, "other"), (0xA640, "Cyrillic"), (0xA6A0, "other"), (0xA720, "Latin"),
    (0xA800, "other"), (0xAB30, "Latin"), (0xAB70, "Cherokee"), (0xABC0, "other"), (0xAC00, "Hangul"), (0xD800, "other"), (0xF900, "Han"),
    (0xFB00, "Latin"), (0xFB13, "Armenian"), (0xFB1D, "Hebrew"), (0xFB50, "Arabic"), (0xFE00, "other"), (0xFE70, "Arabic"), (0xFEFF, "other"),
    (0xFF21, "Latin"), (0xFF66, "Japanese"), (0xFFA0, "Hangul"), (0xFFDD, "other"), (0x20000, "Han"), (0x32000, "other"),
)  # fmt: skip
_STARTS = [start for start, _ in SCRIPTS]

# Letters of other alphabets that look like one of Latin, as in the Unicode list of confusables (Davis & Suignard 2023), the plainest of them.
_ALIKE = (
    ("Cyrillic", "аесорхуіїјѕһԁԛԝкмтАВЕКМНОРСТХУІЇЈЅҮԌ", "aecopxyiïjshdqwkmtABEKMHOPCTXYIÏJSYG"),
    ("Greek", "οναικρτυχεηωΑΒΕΖΗΙΚΜΝΟΡΤΥΧ", "ovaikptuxenwABEZHIKMNOPTYX"),
    ("Armenian", "օոսցհզ", "onughq"),
    ("Latin", "ɑɡıǀⅼꜱʀ", "agillsr"),
)
LOOK_ALIKE = {odd: plain for _, odds, plains in _ALIKE for odd, plain in zip(odds, plains, strict=True)}
TYPOGRAPHY = str.maketrans({"‘": "'", "’": "'", "‚": "'", "“": '"', "”": '"', "„": '"', "–": "-", "—": "-", "−": "-", "‐": "-", "‑": "-", "′": "'"})
LEET = str.maketrans("013457@$!", "oleastasi")


def script(letter: str) -> str:
    """Return the alphabet that a letter belongs to: "Latin", "Cyrillic", "Han", …, or "other".

    >>> script("a"), script("я"), script("語")
    ('Latin', 'Cyrillic', 'Han')
    """
    return SCRIPTS[bisect_right(_STARTS, ord(letter)) - 1][1]


def scripts_of(word: str) -> set[str]:
    """Return the alphabets of a word's letters; kana and Han, which are written together, count as one.

    >>> sorted(scripts_of("p\u0430ypal"))
    ['Cyrillic', 'Latin']
    """
    if word.isascii():
        return {"Latin"}
    found = {script(c) for c in word if c.isalpha()}
    return (found - {"Japanese"}) | {"Han"} if "Japanese" in found else found


def lowered(text: str) -> str:
    """Return the text in lower case, character for character: places stay what they were.

    >>> len(lowered("\u0130x"))
    2
    """
    low = text.lower()
    return low if len(low) == len(text) else "".join(c if len(c.lower()) != 1 else c.lower() for c in text)


class Parts(NamedTuple):
    """A text in lower case, its words as they stand and in lower case, and what stands before, between and behind them."""

    low: str
    spoken: tuple[str, ...]
    words: tuple[str, ...]
    between: tuple[str, ...]


@lru_cache(maxsize=1)  # several ask for the parts of a text, one after the other
def parted(text: str) -> Parts:
    """Return a text in its parts.

    >>> parted("A fine film!")
    Parts(low='a fine film!', spoken=('A', 'fine', 'film'), words=('a', 'fine', 'film'), between=('', ' ', ' ', '!'))
    """
    low, parts = lowered(text), PARTED.split(text)
    spoken = tuple(parts[1::2])
    words = tuple([w.lower() for w in spoken]) if text.isascii() else tuple(WORD.findall(low))
    return Parts(low, spoken, words, tuple(parts[::2]))


def decoded(text: str) -> str:
    """Return the text with UTF-8 that was read as Latin-1 or Windows-1252 put right, up to three times over.

    >>> decoded("na\u00c3\u00afve")
    'naïve'
    """
    for _ in range(3):
        before, text = text, MOJIBAKE.sub(_decoded, text)
        if text == before:
            break
    return text


def without_markup(text: str) -> str:
    """Return the text without tags and links, and with character references as the characters that they stand for.

    >>> without_markup("<p>Tom &amp; Jerry</p>")
    'Tom & Jerry'
    """
    if not MARKUP.search(text):
        return text
    return MARKUP.sub(lambda m: html.unescape(m.group()) if m.group()[0] == "&" else "" if m.group()[0] == "<" else " ", text).strip()


def plain(text: str, known: frozenset[str]) -> str:
    """Return the text with every character that is not `known` as the known one it looks like or is a form of, where there is such a one.

    >>> plain("n\u0430\u00efve \uff41nd \u201cold\u201d", frozenset("navie d\\"ol"))
    'naive and "old"'
    """
    if all(c in known for c in set(text)):
        return text
    forms = {c: _plain(c, known) for c in set(text)}
    return "".join(forms[c] for c in text)


def _plain(character: str, known: frozenset[str]) -> str:
    if character in known:
        return character
    folded = unicodedata.normalize("NFKC", character)
    for form in (folded, character.translate(TYPOGRAPHY), LOOK_ALIKE.get(folded, folded), *_bare(folded)):
        if form != character and all(c in known for c in form):
            return form
    return "" if unicodedata.combining(character) else character


def _bare(text: str) -> tuple[str, ...]:
    """Return the text without its accents, if it has any."""
    bare = "".join(c for c in unicodedata.normalize("NFD", text) if not unicodedata.combining(c))
    return (bare, LOOK_ALIKE.get(bare, bare)) if bare and bare != text else ()


def _decoded(match: re.Match[str]) -> str:
    span = match.group()
    try:
        return bytes([_BYTES[c] for c in span]).decode("utf-8")
    except (KeyError, UnicodeDecodeError):
        return span
