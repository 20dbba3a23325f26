"""Two texts side by side with what differs marked, and one text with its odd places marked; both of bounded length, whatever came in."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Any, Literal

from camelopard.report import wording

Kind = Literal["", "del", "ins", "mark", "gap"]

TOKEN = re.compile(r"\s+|\w+|[^\w\s]")
WORDS = 4  # from so many words on a value is a text that is read, no entry in a table
LONGEST_READ = 20_000  # characters of a text that are looked at
LONGEST_PART = 300  # characters of one part that are shown
AROUND = 60  # characters that are shown around what differs
MOST_PARTS = 40
MOST_COMPARED = 300_000  # pairs of words that are held against each other
MOSTLY = 0.7  # share of the words from which on it is another text
MOST_STRANGE = 3  # characters that look alike and are named
MOST_MARKS = 20


@dataclass(frozen=True)
class Part:
    """A piece of a text: as it is, left out, put in, marked (with the number of the reason), or a gap where some is not shown."""

    kind: Kind
    text: str
    note: int = 0


@dataclass(frozen=True)
class Marked:
    """A text with its odd places marked, and the reasons by their numbers, from 1."""

    parts: tuple[Part, ...]
    reasons: tuple[str, ...]


def is_text(*values: Any) -> bool:
    """Return whether these values are shown as texts: one of them has several words, or is long.

    >>> is_text("Private", "private"), is_text("A fine film, and long.", None)
    (False, True)
    """
    return any(isinstance(v, str) and (len(v) > wording.LONGEST_CELL or len(v.split(maxsplit=WORDS)) >= WORDS) for v in values)


def differences(before: str, after: str) -> tuple[tuple[Part, ...], tuple[Part, ...]]:
    """Return both texts in parts: what only the first has is of the kind "del", what only the second has "ins".

    Where nearly all differs nothing is marked.

    >>> differences("A fine film.", "A flne film.")[1]
    (Part(kind='', text='A ', note=0), Part(kind='ins', text='flne', note=0), Part(kind='', text=' film.', note=0))
    """
    old, new = TOKEN.findall(before[:LONGEST_READ]), TOKEN.findall(after[:LONGEST_READ])
    steps = list(_steps(old, new))
    if all(_changed(steps, k) > MOSTLY * n for k, n in ((0, len(old)), (1, len(new)))):
        steps = [(False, 0, len(old), 0, len(new))]
    cut = _bounded([("del" if changed else "", "".join(old[a:b])) for changed, a, b, _, _ in steps])
    added = _bounded([("ins" if changed else "", "".join(new[c:d])) for changed, _, _, c, d in steps])
    return cut, added


def marked(text: str, marks: Any) -> Marked:
    """Return a text with marks on it, as (start, end, why); places outside the text, and those inside others, are left out.

    >>> marked("A fine flim.", [(7, 11, "unknown word")])
    Marked(parts=(Part(kind='', text='A fine ', note=0), Part(kind='mark', text='flim', note=1), Part(kind='', text='.', note=0)), \
reasons=('unknown word',))
    """
    text = text[:LONGEST_READ]
    pieces: list[tuple[Kind, str]] = []
    reasons: list[str] = []
    notes: list[int] = []
    at = 0
    for start, end, why in _places(marks, len(text)):
        if start < at:
            continue
        if why not in reasons:
            reasons.append(why)
        pieces += [("", text[at:start]), ("mark", text[start:end])]
        notes.append(reasons.index(why) + 1)
        at = end
    found = iter(notes)
    parts = tuple(Part(p.kind, p.text, next(found)) if p.kind == "mark" else p for p in _bounded([*pieces, ("", text[at:])]))
    used = sorted({p.note for p in parts if p.note})
    return Marked(parts, tuple(wording.clean(why, wording.LONGEST_NAME) for why in reasons[: max(used, default=0)]))


def strange(before: str, after: str) -> str:
    """Return the names of new letters of other alphabets, where they are few: they may look like those that were there.

    >>> strange("a film", "\u0430 film")
    'new: “\u0430” is CYRILLIC SMALL LETTER A'
    """
    new = [c for c in dict.fromkeys(after[:LONGEST_READ]) if c.isalpha() and not _latin(c) and c not in before]
    if not 0 < len(new) <= 2 * MOST_STRANGE:
        return ""
    more = f" and {len(new) - MOST_STRANGE} more" if len(new) > MOST_STRANGE else ""
    return "new: " + ", ".join(f"“{c}” is {unicodedata.name(c, f'U+{ord(c):04X}')}" for c in new[:MOST_STRANGE]) + more


def _latin(letter: str) -> bool:
    return letter.isascii() or unicodedata.name(letter, "").startswith("LATIN")


def shown(text: str) -> str:
    """Return a text with what nobody sees in it made visible, spaces of unusual width among it; no more than some LONGEST_PART characters.

    >>> shown("a\u00a0film")
    'a[U+00A0]film'
    """
    cut = "".join(f"[U+{ord(c):04X}]" if c != " " and unicodedata.category(c) == "Zs" else c for c in wording.clean(text, LONGEST_PART))
    return cut if len(cut) <= LONGEST_PART + 1 else cut[: LONGEST_PART - len(cut[:LONGEST_PART].rpartition("[")[2]) - 1] + "…"


def _steps(old: Sequence[str], new: Sequence[str]) -> Iterator[tuple[bool, int, int, int, int]]:
    """Yield what is the same and what is not, in turn, as positions in both; white space alone between two changes belongs to them."""
    head = 0
    while head < min(len(old), len(new)) and old[head] == new[head]:
        head += 1
    tail = 0
    while tail < min(len(old), len(new)) - head and old[-1 - tail] == new[-1 - tail]:
        tail += 1
    a, b = old[head : len(old) - tail], new[head : len(new) - tail]
    yield False, 0, head, 0, head
    at = (0, 0)
    if len(a) * len(b) <= MOST_COMPARED:
        for i, j, n in SequenceMatcher(None, a, b, autojunk=False).get_matching_blocks():
            if n and not any(token.strip() and (len(token) > 1 or token.isalnum()) for token in a[i : i + n]):
                continue
            if (i, j) != at:
                yield True, head + at[0], head + i, head + at[1], head + j
            yield False, head + i, head + i + n, head + j, head + j + n
            at = i + n, j + n
    elif a or b:
        yield True, head, head + len(a), head, head + len(b)
    yield False, len(old) - tail, len(old), len(new) - tail, len(new)


def _changed(steps: Sequence[tuple[bool, int, int, int, int]], k: int) -> int:
    """Return how many words of the first (k = 0) or the second text changed."""
    return sum(step[2 + 2 * k] - step[1 + 2 * k] for step in steps if step[0])


def _bounded(pieces: Sequence[tuple[Kind, str]]) -> tuple[Part, ...]:
    """Return the pieces as parts: of what is the same only what stands around a change, of a long change its beginning."""
    joined: list[tuple[Kind, str]] = []
    for kind, text in pieces:
        if text and joined and joined[-1][0] == kind and kind != "mark":
            joined[-1] = kind, joined[-1][1] + text
        elif text:
            joined.append((kind, text))
    parts: list[Part] = []
    for i, (kind, text) in enumerate(joined):
        first, last = i == 0, i == len(joined) - 1
        if kind or (first and last) or len(text) <= 3 * AROUND:
            parts.append(Part(kind, shown(text)))
            continue
        parts += [] if first else [Part("", shown(text[:AROUND]))]
        parts.append(Part("gap", "…"))
        parts += [] if last else [Part("", shown(text[-AROUND:]))]
    return tuple([*parts[:MOST_PARTS], Part("gap", "…")] if len(parts) > MOST_PARTS else parts)


def _places(marks: Any, length: int) -> list[tuple[int, int, str]]:
    found = []
    for mark in marks if isinstance(marks, (list, tuple)) else ():
        if isinstance(mark, (list, tuple)) and len(mark) == 3 and type(mark[0]) is int and type(mark[1]) is int and isinstance(mark[2], str):
            start, end, why = mark
            if 0 <= start < end <= length:
                found.append((start, end, why))
    return sorted(found[:MOST_MARKS])
