"""Passwords: kept as argon2id alone, so that who steals the database has to guess each of them, slowly.

The cost is that of OWASP's password storage cheat sheet: 19 MiB of memory, two passes. Not more than two are computed at the same time, so that a
flood of sign-ins cannot fill the memory.
"""

from __future__ import annotations

import secrets
import threading
import unicodedata
from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from camelopard.core.errors import InputError
from camelopard.store.secret import Secret

SHORTEST, LONGEST = 12, 256  # characters
HASHER = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)
LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"  # none that look alike
_AT_ONCE = threading.BoundedSemaphore(2)


class Hashed:
    """What is kept of a password. It does not show either: even this helps who wants to guess."""

    __slots__ = ("kept",)

    def __init__(self, kept: str) -> None:
        self.kept = kept

    def __repr__(self) -> str:
        return "Hashed(…)"

    def matches(self, password: Secret) -> bool:
        """Return whether it is of this password. It takes a while, on purpose."""
        try:
            with _AT_ONCE:
                return HASHER.verify(self.kept, _text(password))
        except (VerificationError, InvalidHashError, InputError):
            return False

    def outdated(self) -> bool:
        """Return whether it was made at another cost than today's: a good password is then hashed again."""
        try:
            return HASHER.check_needs_rehash(self.kept)
        except InvalidHashError:
            return True


def hashed(password: Secret, user: str = "") -> Hashed:
    """Return what is to be kept of a new password.

    Raises
    ------
    InputError
        If it is shorter than 12 characters or longer than 256, has the user's name in it, or fewer than five different characters.

    >>> hashed(Secret("three blind mice")).matches(Secret("three blind mice"))
    True
    """
    text = _text(password)
    if not SHORTEST <= len(text) <= LONGEST:
        raise InputError(f"the password has {len(text)} characters; expected {SHORTEST} to {LONGEST}. A sentence is easy to keep in mind.")
    if len(user) > 2 and user in text.lower():
        raise InputError("the password has the user's name in it. Choose another one.")
    if len(set(text)) < 5:
        raise InputError("the password has fewer than five different characters. Choose another one.")
    return computed(password)


def computed(password: Secret) -> Hashed:
    """Return what is kept of a password, whatever it is like."""
    with _AT_ONCE:
        return Hashed(HASHER.hash(_text(password)))


def one_time() -> Secret:
    """Return a random password that can be read out: four groups of five letters and numbers, 99 bits."""
    return Secret("-".join("".join(secrets.choice(LETTERS) for _ in range(5)) for _ in range(4)))


@cache
def nobody() -> Hashed:
    """Return the hash of a password that nobody has: checked in the place of an unknown user's, so that both take as long."""
    return computed(Secret.random())


def _text(password: Secret) -> str:
    """Return the password in one form, however the keyboard composes its letters. Never part of an error."""
    text = password.reveal()
    if len(text) > 4 * LONGEST:
        raise InputError(f"the password has more than {4 * LONGEST} characters; at most {LONGEST} are read.")
    text = unicodedata.normalize("NFKC", text)
    if any(0xD800 <= ord(c) < 0xE000 or c == "\x00" for c in text):
        raise InputError("the password holds half a character. Type it again.")
    return text
