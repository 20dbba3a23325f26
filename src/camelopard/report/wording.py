"""Puts the report's values into words. Values come from anyone's data, so whatever would be invisible or misleading is made visible here."""

from __future__ import annotations

import datetime as dt
import unicodedata
from dataclasses import dataclass
from typing import Any

LONGEST_CELL = 60  # characters of a value that are shown
LONGEST_NAME = 80
LONGEST_TEXT = 600
SPACE = "\u00a0"  # between a number and its unit, so that no line breaks there
EPOCH = dt.date(1970, 1, 1)

KIND_WORDS = {
    "not-run": "checks that could not run",
    "in-range-sensitive": "any legal value (the floor)",
    "in-range-resample": "any legal value (the floor)",
    "small-change": "very small changes",
}


@dataclass(frozen=True)
class Cell:
    """A value as it is shown: its text, and a remark that is no part of it ("missing", "text")."""

    text: str
    remark: str = ""


def percent(share: float | None) -> str:
    """Return a share as a person writes it: more digits only where they matter.

    >>> [percent(s).replace(SPACE, " ") for s in (0, 0.0004, 0.0015, 0.034, 0.344, 0.9996, 1, None)]
    ['0 %', '< 0.1 %', '0.15 %', '3.4 %', '34 %', '> 99.9 %', '100 %', 'unknown']
    """
    if share is None or share != share:
        return "unknown"
    sign, size = ("−" if share < 0 else ""), abs(share) * 100
    if size == 0:
        return f"0{SPACE}%"
    if size < 0.1:
        return f"<{SPACE}{sign}0.1{SPACE}%" if not sign else f"{sign}0.1{SPACE}%"
    if 99.9 < size < 100:
        return f"{sign}>{SPACE}99.9{SPACE}%"
    digits = 2 if size < 1 else 1 if size < 9.95 or 99 < size < 100 else 0
    text = f"{size:.{digits}f}"
    return f"{sign}{text.rstrip('0').rstrip('.') if '.' in text else text}{SPACE}%"


def span(low: float | None, high: float | None) -> str:
    """Return an interval of shares, or nothing where it is not known.

    >>> span(0.312, 0.371).replace(SPACE, " "), span(0.98, 0.9996).replace(SPACE, " "), span(None, 0.4)
    ('31–37 %', '98 % to > 99.9 %', '')
    """
    if low is None or high is None or low != low or high != high:
        return ""
    first, last = percent(low), percent(high)
    unit = f"{SPACE}%"
    return f"{first.removesuffix(unit)}–{last}" if not set("<>") & set(first + last) else f"{first} to {last}"


def figure(value: float | None, digits: int = 6) -> str:
    """Return a number as a person writes it. Years and small counts have no separators.

    >>> figure(1985), figure(1234567.0), figure(0.125), figure(float("inf"))
    ('1985', '1,234,567', '0.125', 'infinity')
    """
    if value is None or value != value:
        return "unknown"
    if value in (float("inf"), float("-inf")):
        return "infinity" if value > 0 else "−infinity"
    if isinstance(value, int) or (abs(value) < 1e15 and value == int(value)):
        if abs(value) >= 1e21:
            return "a number too large to show"
        return (f"{int(value):,}" if abs(value) >= 100_000 else str(int(value))).replace("-", "−")
    text = f"{value:,.0f}" if 1e5 <= abs(value) < 1e15 else f"{value:.{digits}g}"
    return text.replace("-", "−")


def count(value: float | None) -> str:
    """Return how many, with separators.

    >>> count(16281), count(None)
    ('16,281', 'unknown')
    """
    return "unknown" if value is None or value != value or abs(value) > 1e21 else f"{int(value):,}"


def duration(seconds: float | None) -> str:
    """Return a time in seconds or minutes.

    >>> duration(42.13), duration(150), duration(None)
    ('42.1 s', '2 min 30 s', 'unknown')
    """
    if seconds is None or seconds != seconds or abs(seconds) > 1e12:
        return "unknown"
    return f"{seconds:.1f} s" if seconds < 120 else f"{int(seconds // 60)} min {int(seconds % 60)} s"


def kind_words(kind: object) -> str:
    """Return the name of a kind of damage as words.

    >>> kind_words("unit-scale")
    'unit scale'
    """
    known = KIND_WORDS.get(str(kind))
    return known or clean(str(kind).replace("-", " ").replace("_", " "), LONGEST_NAME) or "unnamed"


def target_words(target: object, names: frozenset[str] = frozenset()) -> str:
    """Return what a damage was done to: a column, a pair of columns, the whole row.

    >>> target_words("age|sex"), target_words("*"), target_words("a|b", frozenset({"a|b"}))
    ('age and sex', 'the whole row', 'a|b')
    """
    text = str(target)
    if text == "*" and text not in names:
        return "the whole row"
    if "|" in text and text not in names:
        return " and ".join(name(part) for part in text.split("|", 1))
    return name(text)


def name(value: object) -> str:
    """Return a column's name, cleaned and of bounded length; one that shows nothing is quoted.

    >>> name("age"), name(" ")
    ('age', '“ ”')
    """
    text = clean(str(value), LONGEST_NAME)
    return text if text.strip() else f"“{text}”"


def clean(text: str, longest: int = LONGEST_TEXT) -> str:
    """Return the text with control, direction and other invisible characters made visible, cut to `longest` characters.

    >>> clean("a\\u202eb\\x00c")
    'a[U+202E]b[U+0000]c'
    """
    cut = text[:longest]
    shown = cut if cut.isascii() and cut.isprintable() else "".join(map(_visible, cut))
    return shown + ("…" if len(text) > longest else "")


def prose(text: object, longest: int = LONGEST_TEXT) -> list[tuple[bool, str]]:
    """Return a sentence in parts: (is it a name in back-ticks, the cleaned text).

    >>> prose("`age` matters")
    [(True, 'age'), (False, ' matters')]
    """
    whole = clean(" ".join(str(text).split("\n")), longest).replace(" %", f"{SPACE}%")
    parts = whole.split("`")
    if len(parts) % 2 == 0:
        return [(False, whole)]
    return [(i % 2 == 1, part) for i, part in enumerate(parts) if part]


def sentence(text: object, longest: int = LONGEST_TEXT) -> str:
    """Return a sentence as plain text, without its back-ticks.

    >>> sentence("`age` matters")
    'age matters'
    """
    return "".join(part for _, part in prose(text, longest)).replace(SPACE, " ")


def cell(value: Any) -> Cell:
    """Return a value of the data as it is shown. Text is quoted where its edges, or its being text, would be overlooked.

    >>> cell(36).text, cell("36"), cell(None), cell(" Private").text
    ('36', Cell(text='“36”', remark='text'), Cell(text='', remark='missing'), '“ Private”')
    """
    if value is None or value != value:
        return Cell("", "missing")
    if isinstance(value, bool):
        return Cell("true" if value else "false")
    if isinstance(value, (int, float)):
        return Cell(figure(value))
    if not isinstance(value, str):
        return Cell(clean(repr(value), LONGEST_CELL))
    if value == "":
        return Cell("", "empty text")
    text = "".join(f"[U+{ord(c):04X}]" if c != " " and unicodedata.category(c) == "Zs" else c for c in clean(value, LONGEST_CELL))
    if _number_like(value):
        return Cell(f"“{text}”", "text")
    return Cell(f"“{text}”" if value != value.strip() or "  " in value else text)


def day(value: Any) -> str:
    """Return days since 1970, or what is already a date, as a date.

    >>> day(365.0), day("1971-01-01")
    ('1971-01-01', '1971-01-01')
    """
    if not isinstance(value, (int, float)) or isinstance(value, bool):
        return cell(value).text
    try:
        return (EPOCH + dt.timedelta(days=float(value))).isoformat()
    except (OverflowError, ValueError):
        return "an impossible date"


def _visible(character: str) -> str:
    if character in "\n\r\u2028\u2029\x85":
        return "↵"
    if character == "\t":
        return "⇥"
    return f"[U+{ord(character):04X}]" if unicodedata.category(character) in ("Cc", "Cf", "Cs", "Co", "Cn") else character


def _number_like(text: str) -> bool:
    try:
        float(text.replace(",", ".", 1))
    except ValueError:
        return False
    return True
