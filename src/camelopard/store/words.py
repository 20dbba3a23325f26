"""Texts that people type: names and sentences, checked before they are kept. A database, a page and a log must all be able to show them."""

from __future__ import annotations

import re
import unicodedata

from camelopard.core.errors import InputError

USER = re.compile(r"[a-z0-9][a-z0-9._@+-]{0,63}")
LONGEST_NAME = 100
LONGEST_TEXT = 10_000


def name(text: object, what: str) -> str:
    """Return a name as it is kept: one line that can stand in a path.

    Raises
    ------
    InputError
        If it is empty, too long, holds a slash, or cannot be shown.

    >>> name(" income ", "model")
    'income'
    """
    found = sentence(text, what, LONGEST_NAME)
    if not found or "/" in found or "\\" in found or "\n" in found or found in (".", ".."):
        raise InputError(f"{found!r} cannot be the name of a {what}: expected 1 to {LONGEST_NAME} characters on one line, no slash among them.")
    return found


def sentence(text: object, what: str, longest: int = LONGEST_TEXT) -> str:
    """Return a text as it is kept: composed characters, no space around it.

    Raises
    ------
    InputError
        If it is no text, too long, or holds characters that cannot be shown.
    """
    return verbatim(unicodedata.normalize("NFC", text.strip()) if isinstance(text, str) else text, what, longest)


def verbatim(text: object, what: str, longest: int) -> str:
    """Return a text as it is, where it can be kept and shown. Raises InputError as `sentence`."""
    if not isinstance(text, str):
        raise InputError(f"{what}: expected a text, got {type(text).__name__}.")
    if len(text) > longest:
        raise InputError(f"{what}: {len(text):,} characters; at most {longest:,} are kept.")
    hidden = next((c for c in text if unicodedata.category(c) in ("Cc", "Cs") and c not in "\n\t\r"), None)
    if hidden is not None:
        raise InputError(f"{what}: holds the character U+{ord(hidden):04X}, which cannot be shown. Take it out.")
    return text


def whole(value: object, what: str, most: int = 2**31 - 1) -> int:
    """Return a whole number from 1 on, no larger than a database can compare. Raises InputError for anything else.

    >>> whole(50, "size", 1000)
    50
    """
    if type(value) is not int or not 1 <= value <= most:
        raise InputError(f"{what}={str(value)[:40]!r}: expected a whole number from 1 to {most:,}.")
    return value


def user_name(text: object) -> str:
    """Return a user's name as it is kept: small letters, so that Ann and ann are the same.

    Raises
    ------
    InputError
        If it is none. What was typed is not repeated: people type their password here.

    >>> user_name(" Ann ")
    'ann'
    """
    found = text.strip().lower() if isinstance(text, str) else ""
    if not USER.fullmatch(found):
        raise InputError("this is no user name: expected 1 to 64 of a–z, 0–9 and . _ @ + -, beginning with a letter or a number.")
    return found


def search(text: str) -> str:
    """Return a text as a search looks at it: one form of each letter, none of them large.

    >>> search("Grüße  an ALLE")
    'grüsse an alle'
    """
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())
