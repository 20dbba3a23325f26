"""A text that must not show: passwords, tokens, what a cookie holds. Printing it, in any form, prints that it is one."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from typing import NoReturn

BYTES = 32  # 256 bits: nobody guesses them


class Secret:
    """A secret text; `reveal` is the only way to it.

    >>> word = Secret("open sesame")
    >>> print(word, [word], f"{word:>10}")
    (secret) [(secret)] (secret)
    >>> word.reveal()
    'open sesame'
    """

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    @classmethod
    def random(cls) -> Secret:
        """Return a new one of 256 random bits."""
        return cls(secrets.token_urlsafe(BYTES))

    def reveal(self) -> str:
        """Return the text, to be handed to the one person or program that it is for."""
        return self._text

    def digest(self) -> str:
        """Return what is kept of it: its SHA-256. Good enough for random secrets, which cannot be guessed; never for passwords."""
        return hashlib.sha256(self._bytes()).hexdigest()

    def derived(self, purpose: str) -> Secret:
        """Return another secret that only who knows this one can make (HMAC-SHA-256 of the purpose)."""
        return Secret(hmac.new(self._bytes(), purpose.encode(), hashlib.sha256).hexdigest())

    def __eq__(self, other: object) -> bool:
        """Whether both are the same; it takes as long wherever they differ."""
        return isinstance(other, Secret) and hmac.compare_digest(self._bytes(), other._bytes())

    def __hash__(self) -> int:
        return hash(self._text)

    def __repr__(self) -> str:
        return "(secret)"

    def __format__(self, spec: str) -> str:
        return "(secret)"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a secret is not written to files or sent to other processes")

    def _bytes(self) -> bytes:
        return self._text.encode("utf-8", "surrogatepass")
