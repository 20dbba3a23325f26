"""What a damaged text may have been: each step undoes one kind of damage, towards how clean texts are written."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from math import exp

from camelopard.modality.text_forms import INVISIBLE, LEET, LOOK_ALIKE, RUN, WORD, decoded, lowered, plain, script, scripts_of, without_markup
from camelopard.modality.text_grams import padding
from camelopard.modality.text_language import Language
from camelopard.modality.text_marks import repeated_from

MOST = 6
LEEWAY = 1.25  # times the length of the longest clean texts, from where on a text is cut
TOGETHER = "all of it undone"
LATIN_FOR = {(script(odd), latin): odd for odd, latin in reversed(LOOK_ALIKE.items())}
DISGUISED = re.compile(r"(?<![^\s(\"'])(?=\S{0,40}[A-Za-z])(?=\S{0,40}[0-9@$!])[A-Za-z0-9@$!]{3,40}(?![^\s).,;:?\"'!])")

Limits = Mapping[str, Sequence[float]]
Step = Callable[[str, Language, Limits], str]


def repairs(text: str, language: Language, limits: Limits) -> list[tuple[str, str]]:
    """Return up to MOST different texts, each with what was undone. `limits`: the 0.5 %, 50 % and 99.5 % points of each number of clean texts."""
    alone: list[tuple[str, str]] = []
    together, undone = text, 0
    for name, step in STEPS:
        changed = step(text, language, limits)
        if _is_new(changed, text):
            alone.append((name, changed))
        further = step(together, language, limits)
        if _is_new(further, together):
            together, undone = further, undone + 1
    before = _surprise(text, language)
    alone.sort(key=lambda repair: round(_surprise(repair[1], language) - before, 6))
    found = [(TOGETHER, together), *alone] if undone > 1 else alone or [(TOGETHER, together)]
    seen, different = {text}, []
    for name, repaired in found:
        if repaired not in seen:
            seen.add(repaired)
            different.append((name, repaired))
    return different[:MOST]


def _is_new(changed: str, text: str) -> bool:
    return changed != text and bool(changed.strip())


def _surprise(text: str, language: Language) -> float:
    return float(language.grams.surprise(padding(text)).mean())


def _encoding(text: str, language: Language, limits: Limits) -> str:
    text = decoded(text)
    if any(0x2E80 <= ord(c) < 0xFB00 for c in text) and not language.scripts & {"Han", "Hangul"}:
        for order in ("utf-16-le", "utf-16-be"):  # bytes read two at a time
            again = text.encode(order, "surrogatepass").decode("utf-8", "ignore")
            if again and sum(c in language.characters for c in again) > 0.9 * len(again):
                return again
    return text


def _visible(text: str, language: Language, limits: Limits) -> str:
    return INVISIBLE.sub(lambda m: m.group() if m.group() in language.characters else "", text)


def _unmarked(text: str, language: Language, limits: Limits) -> str:
    return text if limits["markup"][2] > 0 else without_markup(text)


def _alphabet(text: str, language: Language, limits: Limits) -> str:
    text = plain(text, language.characters)
    others = sorted(language.scripts - {"Latin"})
    if not text.isascii() and others:  # Latin letters inside words of another alphabet
        text = WORD.sub(lambda m: _in_alphabet(m.group(), others), text)
    return DISGUISED.sub(lambda m: _undisguised(m.group(), language), text)


def _in_alphabet(word: str, alphabets: Sequence[str]) -> str:
    scripts = scripts_of(word)
    home = next((a for a in alphabets if a in scripts), None)
    return word if home is None or "Latin" not in scripts else "".join(LATIN_FOR.get((home, c), c) for c in word)


def _undisguised(word: str, language: Language) -> str:
    """Return a word in which digits and signs stand for letters with the letters, if that makes it a known one."""
    for table in (LEET, LEET | {ord("1"): "i"}, LEET | {ord("!"): None}):
        letters = word.translate(table)
        if language.known(lowered(letters)) and not language.known(lowered(word)):
            return letters
    return word


def _spaces(text: str, language: Language, limits: Limits) -> str:
    return " ".join(text.split())


def _once(text: str, language: Language, limits: Limits) -> str:
    """Squeeze letters that stand three or more times in a row: to two or one, whichever makes a known word."""
    if not RUN.search(text):
        return text

    def word(match: re.Match[str]) -> str:
        two, one = RUN.sub(r"\1\1", match.group()), RUN.sub(r"\1", match.group())
        return match.group() if two == match.group() else two if language.known(lowered(two)) else one

    return RUN.sub(lambda m: m.group() if m.group(1) in ".-" else m.group(1), WORD.sub(word, text))


def _case(text: str, language: Language, limits: Limits) -> str:
    words = WORD.findall(text)
    capitals = sum(c.isupper() for c in text) / max(sum(c.isalpha() for c in text), 1)
    inner = sum(w[1:] != lowered(w[1:]) for w in words) / max(len(words), 1)
    if limits["capitals"][0] <= capitals <= limits["capitals"][2] and inner <= limits["inner capitals"][2]:
        return text

    def spelt(match: re.Match[str]) -> str:
        low = lowered(match.group())
        return language.spelt(low) if language.known(low) else low

    changed = WORD.sub(spelt, text)
    first = WORD.search(changed)
    if first is None or limits["capitals"][1] == 0:
        return changed
    at = first.start()
    return changed[:at] + changed[at].upper() + changed[at + 1 :]


def _spelling(text: str, language: Language, limits: Limits) -> str:
    def nearest(match: re.Match[str]) -> str:
        word, low = match.group(), lowered(match.group())
        near = None if language.known(low) else language.nearest(low)
        if near is None:
            return word
        right = language.spelt(near)
        return right.upper() if word.isupper() and len(word) > 1 else right[0].upper() + right[1:] if word[0].isupper() else right

    return WORD.sub(nearest, text)


def _length(text: str, language: Language, limits: Limits) -> str:
    """Cut a text that says the same again to its first time, and one longer than clean texts to the length of the longest."""
    at = repeated_from(text)
    if at is not None:
        return text[:at].rstrip()
    most = int(LEEWAY * exp(min(limits["characters"][2], 20.0)))
    if len(text) <= most:
        return text
    cut = text[: most + 1].rsplit(None, 1)[0] if text[most : most + 1].strip() else text[:most]
    return cut.rstrip() or text[:most]


STEPS: tuple[tuple[str, Step], ...] = (
    ("broken encoding decoded", _encoding),
    ("invisible characters removed", _visible),
    ("markup and links removed", _unmarked),
    ("letters written as in clean texts", _alphabet),
    ("white space evened", _spaces),
    ("repeated characters squeezed", _once),
    ("cut to the length of clean texts", _length),
    ("case as in clean texts", _case),
    ("unknown words as the nearest known ones", _spelling),
)
