"""Regular expressions that people wrote, checked before they are used: matching must not take for ever, whatever the text.

Python's matcher tries every way to share a text among repeats. That explodes where a repeat stands within another one, and grows with a power of the
length where neighbours can take the same characters.
"""

from __future__ import annotations

import importlib
import re
from collections.abc import Sequence
from typing import Any

MOST_SHARED = 2  # endless repeats that can take what follows them: at worst the square of the text's length
CHARACTERS = range(256)
CATEGORIES = {"DIGIT": r"\d", "SPACE": r"\s", "WORD": r"\w"}


def bounded(text: object, longest: int) -> re.Pattern[str]:
    r"""Return a compiled pattern that cannot take for ever.

    Raises
    ------
    ValueError
        For a pattern that could, or that looks around or back.

    >>> bounded(r"[a-z]+\d+@[a-z]+\.[a-z]+", 1000).pattern
    '[a-z]+\\d+@[a-z]+\\.[a-z]+'
    >>> bounded("(a+)+$", 1000)
    Traceback (most recent call last):
        ...
    ValueError: the pattern '(a+)+$' repeats what varies already: matching could take for ever
    """
    if not isinstance(text, str) or len(text) > longest:
        raise ValueError(f"the pattern is a {type(text).__name__} or too long; expected a short text")
    try:
        shared = _walk(list(importlib.import_module("re._parser").parse(text)), text, repeated=False)
        if shared > MOST_SHARED:
            raise ValueError(f"the pattern {text[:80]!r} has {shared} endless repeats that share characters; expected {MOST_SHARED} at most")
        return re.compile(text)
    except (RecursionError, OverflowError) as error:
        raise ValueError(f"the pattern {text[:80]!r} is too deep") from error


def _walk(parts: Sequence[Any], text: str, repeated: bool) -> int:
    """Return how many endless repeats can take what follows them."""
    shared = 0
    for k, (operation, argument) in enumerate(parts):
        name = str(operation)
        if name in ("MAX_REPEAT", "MIN_REPEAT", "POSSESSIVE_REPEAT"):
            low, high, inner = argument
            varies = low != high
            if varies and repeated:
                raise ValueError(f"the pattern {text[:80]!r} repeats what varies already: matching could take for ever")
            shared += varies and high > 100 and bool(_taken(list(inner)) & _taken(list(parts[k + 1 :])))
            shared += _walk(list(inner), text, repeated or varies or low > 1)
        elif name == "BRANCH":
            if repeated:
                raise ValueError(f"the pattern {text[:80]!r} repeats alternatives: matching could take for ever")
            shared += sum(_walk(list(branch), text, repeated) for branch in argument[1])
        elif name in ("SUBPATTERN", "ATOMIC_GROUP"):
            shared += _walk(list(argument[-1] if name == "SUBPATTERN" else argument), text, repeated)
        elif name not in ("LITERAL", "NOT_LITERAL", "IN", "ANY", "AT"):
            raise ValueError(f"the pattern {text[:80]!r} looks around or back; expected a plain one")
    return shared


def _taken(parts: Sequence[Any]) -> frozenset[int]:
    """Return which characters can come first in these parts."""
    found: set[int] = set()
    for operation, argument in parts:
        name = str(operation)
        if name == "AT":
            continue
        if name == "LITERAL":
            found.add(argument if argument in CHARACTERS else 255)
        elif name == "NOT_LITERAL":
            found |= set(CHARACTERS) - {argument}
        elif name == "IN":
            found |= _of_set(argument)
        elif name.endswith("_REPEAT"):
            found |= _taken(list(argument[2]))
            if argument[0] == 0:
                continue
        else:
            return frozenset(CHARACTERS)
        return frozenset(found)
    return frozenset(found)


def _of_set(members: Sequence[Any]) -> set[int]:
    found: set[int] = set()
    negated = False
    for operation, argument in members:
        name = str(operation)
        if name == "NEGATE":
            negated = True
        elif name == "LITERAL":
            found.add(argument if argument in CHARACTERS else 255)
        elif name == "RANGE":
            found |= set(range(argument[0], min(argument[1], 255) + 1)) | ({255} if argument[1] > 255 else set())
        else:
            kind = str(argument).removeprefix("CATEGORY_")
            letter = CATEGORIES.get(kind.removeprefix("NOT_"), ".")
            some = {c for c in CHARACTERS if re.match(letter, chr(c))}
            found |= set(CHARACTERS) - some if kind.startswith("NOT_") else some
    return set(CHARACTERS) - found if negated else found
