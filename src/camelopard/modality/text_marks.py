"""Where in a text something is new or damaged, for showing it: places and reasons, the worst first."""

from __future__ import annotations

from collections.abc import Iterator

from camelopard.modality.text_forms import INVISIBLE, IRREGULAR_SPACE, MARKUP, MOJIBAKE, RUN, WORD, lowered, scripts_of
from camelopard.modality.text_language import Language

Mark = tuple[int, int, str]
SPACES = 3  # white space in a row that is shown


def marks(text: str, language: Language, most: int) -> list[Mark]:
    """Return what is new or damaged: (start, end, why), the worst first, none inside another."""
    chosen: list[Mark] = []
    ordered = sorted(_found(text, language), key=lambda m: (-m[0], m[1], m[2]))
    for _, start, end, why in ordered:
        if len(chosen) >= most:
            break
        if all(end <= a or start >= b for a, b, _ in chosen):
            chosen.append((start, end, why))
    return chosen


def _found(text: str, language: Language) -> Iterator[tuple[float, int, int, str]]:
    """Yield what is found, with how bad it is."""
    for m in INVISIBLE.finditer(text):
        if m.group() not in language.characters:
            yield 9.0, *m.span(), "invisible character"
    for m in MOJIBAKE.finditer(text):
        yield 8.0, *m.span(), "broken encoding"
    for m in MARKUP.finditer(text):
        yield 6.0, *m.span(), "markup"
    for m in RUN.finditer(text):
        if m.group(1) not in ".!?-":
            yield 5.0, *m.span(), "repeated character"
    for m in IRREGULAR_SPACE.finditer(text):
        if len(m.group()) >= SPACES or m.group().strip(" "):
            yield 2.0, *m.span(), "irregular white space"
    for m in WORD.finditer(text):
        why = _word(m.group(), language)
        if why is not None:
            yield why[0], *m.span(), why[1]
    for i, c in enumerate(text):
        if c not in language.characters and not c.isspace() and not c.isalpha():
            yield 1.5, i, i + 1, "new character"
    repeat = repeated_from(text)
    if repeat is not None:
        yield 7.0, repeat, len(text), "says again what came before"


def _word(word: str, language: Language) -> tuple[float, str] | None:
    scripts, low = scripts_of(word), lowered(word)
    if len(scripts) > 1:
        return 8.5, "letters of two alphabets"
    if not scripts <= language.scripts:
        return 7.5, "letters of another alphabet"
    if language.known(low):
        return None
    near = language.nearest(low)
    return (3.0, "unknown word") if near is None else (4.0, f"unknown word, perhaps {language.spelt(near)!r}")


def repeated_from(text: str) -> int | None:
    """Return where a text that says the same several times over begins its second time; None for one that does not.

    >>> repeated_from("A fine film. A fine film.")
    13
    """
    bare = text.strip()
    for separated in (f"{bare} ", f"{bare}\n", bare):
        at = (separated + separated).find(separated, 1)
        if 4 <= at <= len(separated) // 2:
            return len(text) - len(text.lstrip()) + at
    return None
