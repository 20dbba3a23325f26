"""A token in a page that is compressed could be guessed from the page's length, letter by letter (BREACH: Gluck, Harris & Prado 2013).

So each page shows it under a mask of its own: random bits, and the token with those bits flipped. No two pages have the same letters.
"""

from __future__ import annotations

import secrets

from camelopard.store.secret import Secret


def masked(secret: Secret) -> str:
    """Return a secret under a new mask, as hexadecimal digits.

    >>> unmasked(masked(Secret("open sesame"))).reveal()
    'open sesame'
    >>> masked(Secret("open sesame")) == masked(Secret("open sesame"))
    False
    """
    plain = secret.reveal().encode()
    mask = secrets.token_bytes(len(plain))
    return (mask + _flipped(plain, mask)).hex()


def unmasked(text: str) -> Secret:
    """Return what `masked` was given; an empty secret, which equals no other, for anything else."""
    try:
        whole = bytes.fromhex(text)
        half = len(whole) // 2
        return Secret(_flipped(whole[:half], whole[half:]).decode()) if len(whole) % 2 == 0 else Secret("")
    except ValueError:
        return Secret("")


def _flipped(one: bytes, other: bytes) -> bytes:
    return bytes(a ^ b for a, b in zip(one, other, strict=True))
