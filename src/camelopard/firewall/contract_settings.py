"""What a person can say of a column with `Contract.set`: each keyword checked, and turned into the rule that it stands for."""

from __future__ import annotations

import codecs
import datetime as dt
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

from camelopard.core.arrays import objects
from camelopard.core.errors import CamelopardError, UnknownName
from camelopard.core.schema import date_days
from camelopard.firewall import words
from camelopard.firewall.contract_languages import LANGUAGES
from camelopard.firewall.costs import given
from camelopard.firewall.media_checks import ENCODINGS, FORMATS
from camelopard.modality.text_forms import SCRIPTS
from camelopard.stress.media_assumptions import UNWANTED

Bounds: TypeAlias = tuple[Any, Any]
Size: TypeAlias = tuple[int, int] | tuple[tuple[int, int], tuple[int, int]]
Names: TypeAlias = str | Sequence[str]
Setting: TypeAlias = tuple[str, str, dict[str, Any]]  # the code of a rule, its statement, its limits

ALPHABETS = tuple(sorted({name for _, name in SCRIPTS} - {"other"}))
ALIASES = {"jpg": "jpeg", "tif": "tiff", "pgm": "ppm", "pbm": "ppm"}
SPELLINGS = {codecs.lookup(name).name: name for name in ENCODINGS}
MOST_CHANNELS = 4
HOLDS = {"number": "numbers", "text": "text", "date": "dates", "boolean": "truth values", "image": "pictures"}
OF_TEXTS, OF_PICTURES = ("length", "languages", "alphabets", "characters", "without", "encoding"), ("size", "channels", "formats", "brightness")


@dataclass(frozen=True)
class About:
    """What is known of a column where something is set: its name, and what the contract says that it holds (`kind`, None where it does not say)."""

    name: str
    kind: str | None = None
    date_format: str | None = None


def setting(key: str, value: Any, about: About) -> Setting:
    """Return the rule that a keyword of `Contract.set` stands for.

    Raises
    ------
    CamelopardError
        If the value is none that the keyword takes, or the column holds what it says nothing about.
    UnknownName
        For a language, an alphabet, an encoding, a format or a kind of unwanted characters that is not known.

    >>> setting("length", (1, 280), About("tweet", "text"))
    ('length', 'tweet has between 1 and 280 characters.', {'low': 1, 'high': 280})
    """
    for keys, kind, what in ((OF_TEXTS, "text", "texts"), (OF_PICTURES, "image", "pictures")):
        if key in keys and about.kind not in (kind, None):
            raise CamelopardError(f"{key}={given(value)}: {about.name} holds {HOLDS[about.kind or kind]}, and {key} is a rule for {what}.")
    return _SETTINGS[key](value, about)


def _range(value: Any, about: About) -> Setting:
    """Numbers, dates where the column holds dates, or the numbers of a picture."""
    name, dates = about.name, about.kind == "date"
    if about.kind == "text":
        raise CamelopardError(f"range={given(value)}: {name} holds text, and a range is of numbers. Give length=(low, high), in characters.")
    try:
        low, high = (_days(v) if dates else float(v) for v in value)
    except (TypeError, ValueError, OverflowError):
        raise _wrong("range", value, f"{'two dates such as 2020-01-31' if dates else 'two numbers'}, (low, high)") from None
    if not low <= high:
        raise _wrong("range", value, "(low, high) with low ≤ high")
    if about.kind == "image":
        return (
            "range",
            f"the numbers of {name} lie between {words.precisely(low)} and {words.precisely(high)}.",
            {"low": low, "high": high, "levels": True},
        )
    if dates:
        limits = {"low": low, "high": high, "date": True, "format": about.date_format}
        return "range", f"{name} lies between {words.day(low)} and {words.day(high)}.", limits
    return "range", f"{name} lies between {words.precisely(low)} and {words.precisely(high)}.", {"low": low, "high": high}


def _values(value: Any, about: About) -> Setting:
    if not isinstance(value, Collection) or isinstance(value, (bytes, Mapping)):
        raise _wrong("values", value, "a list of values")
    known = [value] if isinstance(value, str) else list(value)
    shown = f"{', '.join(str(v) for v in known[:5])}{' …' if len(known) > 5 else ''}"
    return "values", f"{about.name} is one of {shown}.", {"values": known}


def _null(value: Any, about: About) -> Setting:
    if not isinstance(value, bool):
        raise _wrong("null", value, "True where cells may be missing, else False")
    return "null", f"{about.name} is {'sometimes' if value else 'never'} missing.", {"null": value}


def _length(value: Any, about: About) -> Setting:
    if not (_is_pair(value) and all(_is_whole(v, 0) for v in value) and value[0] <= value[1]):
        raise _wrong("length", value, "two whole numbers of characters, (low, high) with low ≤ high")
    low, high = map(int, value)
    return "length", f"{about.name} has between {low:,} and {high:,} characters.", {"low": low, "high": high}


def _languages(value: Any, about: About) -> Setting:
    names = [_known(name, LANGUAGES, "language") for name in _listed("languages", value, "names of languages such as 'English'")]
    return "language", f"{about.name} is in {' or '.join(names)}.", {"languages": names}


def _alphabets(value: Any, about: About) -> Setting:
    names = sorted({_known(name, ALPHABETS, "alphabet") for name in _listed("alphabets", value, "names of alphabets such as 'Latin'")})
    scripts = sorted({"Han" if name == "Japanese" else name for name in names})  # kana and Han are written together
    return "language", f"{about.name} is written in {' and '.join(names)} letters.", {"scripts": scripts}


def _characters(value: Any, about: About) -> Setting:
    required = _listed("characters", value, "single characters, such as ['@', '.']")
    if any(len(c) != 1 for c in required):
        raise _wrong("characters", value, "single characters, such as ['@', '.']")
    return "characters", f"{about.name} always contains {' and '.join(map(repr, required))}.", {"characters": required}


def _without(value: Any, about: About) -> Setting:
    banned = _listed("without", value, f"single characters, or some of {', '.join(map(repr, UNWANTED))}")
    for name in banned:
        if len(name) != 1:
            _known(name, UNWANTED, "kind of unwanted characters (a character, or one of these)")
    spoken = (repr(name) if len(name) == 1 else name for name in banned)
    return "characters", f"{about.name} holds no {', no '.join(spoken)}.", {"without": banned}


def _encoding(value: Any, about: About) -> Setting:
    try:
        name = SPELLINGS[codecs.lookup(value).name]
    except (LookupError, TypeError, ValueError):
        raise UnknownName.among(value, ENCODINGS, "encoding") from None
    return "encoding", f"{about.name} is written in {name}, without signs of another encoding.", {"encoding": name}


def _size(value: Any, about: About) -> Setting:
    pairs = value if _is_pair(value) and all(map(_is_pair, value)) else (value, value)
    if not all(_is_pair(pair) and all(_is_whole(v, 1) for v in pair) for pair in pairs) or any(a > b for a, b in zip(*pairs, strict=True)):
        raise _wrong("size", value, "(height, width) in pixels, or the smallest and the largest: ((h, w), (h, w))")
    low, high = ([int(v) for v in pair] for pair in pairs)
    shown = f"{low[0]} × {low[1]}" if low == high else f"between {low[0]} × {low[1]} and {high[0]} × {high[1]}"
    return "size", f"{about.name} is {shown} pixels (height × width).", {"low": low, "high": high}


def _channels(value: Any, about: About) -> Setting:
    known = [value] if isinstance(value, (int, np.integer)) else list(value) if isinstance(value, Collection) and not isinstance(value, str) else []
    if not known or not all(_is_whole(k, 1) and k <= MOST_CHANNELS for k in known):
        raise _wrong("channels", value, f"a number of channels from 1 to {MOST_CHANNELS}, or a list of these")
    known = sorted(set(map(int, known)))
    return "channels", f"{about.name} has {' or '.join(map(str, known))} channel{'s' if known != [1] else ''}.", {"channels": known}


def _formats(value: Any, about: About) -> Setting:
    asked = [name.lower().lstrip(".") for name in _listed("formats", value, "names of formats such as 'png'")]
    names = list(dict.fromkeys(_known(ALIASES.get(name, name), FORMATS, "format of pictures") for name in asked))
    return "file-format", f"the files of {about.name} are {' or '.join(name.upper() for name in names)}.", {"formats": names}


def _brightness(value: Any, about: About) -> Setting:
    if not (_is_pair(value) and all(isinstance(v, (int, float, np.number)) for v in value) and value[0] <= value[1]):
        raise _wrong("brightness", value, "two numbers, (low, high) with low ≤ high: the mean of all numbers of a picture")
    low, high = map(float, value)
    return "brightness", f"the mean brightness of {about.name} lies between {words.figure(low)} and {words.figure(high)}.", {"low": low, "high": high}


_SETTINGS: Mapping[str, Callable[[Any, About], Setting]] = {
    "range": _range,
    "values": _values,
    "null": _null,
    "length": _length,
    "languages": _languages,
    "alphabets": _alphabets,
    "characters": _characters,
    "without": _without,
    "encoding": _encoding,
    "size": _size,
    "channels": _channels,
    "formats": _formats,
    "brightness": _brightness,
}
KEYS = tuple(_SETTINGS)


def _known(name: str, known: Collection[str], what: str) -> str:
    """Return a name in the spelling in which it is known. Raises UnknownName."""
    found = next((k for k in known if k.lower() == name.lower()), None)
    if found is None:
        raise UnknownName.among(name, known, what)
    return found


def _listed(key: str, value: Any, expected: str) -> list[str]:
    found = [value] if isinstance(value, str) else list(value) if isinstance(value, Collection) else []
    if not found or not all(isinstance(v, str) and v for v in found):
        raise _wrong(key, value, expected)
    return list(dict.fromkeys(found))


def _is_pair(value: object) -> bool:
    return isinstance(value, (tuple, list)) and len(value) == 2


def _is_whole(value: object, least: int) -> bool:
    return isinstance(value, (int, np.integer)) and not isinstance(value, bool) and bool(least <= value < 2**53)


def _days(value: Any) -> float:
    """Return a date, or a text such as "2020-01-31", as days since 1970."""
    if isinstance(value, str):
        value = dt.datetime.fromisoformat(value)
    days = float(date_days(objects([value]), None)[0])
    if days != days:
        raise ValueError(f"{value!r} is no date")
    return days


def _wrong(key: str, value: object, expected: str) -> CamelopardError:
    return CamelopardError(f"{key}={given(value)}: expected {expected}.")
