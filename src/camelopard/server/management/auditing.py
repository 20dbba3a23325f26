"""Reading the audit log for whoever asks: a page of it, and whether it is whole."""

from __future__ import annotations

import threading
from collections.abc import Sequence

from camelopard.core.errors import InputError
from camelopard.server.exchange import Refused
from camelopard.store import audit
from camelopard.store.audit import Action, Entry, Kind, Verified
from camelopard.store.database import Database

MOST = 500  # entries of a page
_CHECKING = threading.Lock()


def page(database: Database, who: str, action: str, kind: str, subject: str, before: int | None, size: int) -> tuple[Sequence[Entry], int | None]:
    """Return entries, the newest first, and before which one the next page begins; empty words ask for nothing.

    Raises
    ------
    InputError, UnknownName
        If a kind comes without a name, or the other way round, or there is no such kind or action.
    """
    if bool(kind) != bool(subject):
        raise InputError("to find what was done to something, give both its kind and its name.")
    on: tuple[Kind, str] | None = (kind, subject) if subject else None  # type: ignore[assignment]  # checked where it is read
    doing: Action | None = action or None  # type: ignore[assignment]
    found = audit.entries(database, by=who.strip().lower() or None, on=on, action=doing, before=before, size=size + 1)
    return found[:size], found[size - 1].number if len(found) > size else None


def verified(database: Database, noted: str = "") -> Verified:
    """Return whether the log is whole. It takes a while, so a process does it for one person at a time.

    Raises
    ------
    InputError, Refused
        If `noted` is no number and hash; if the log is being checked already.
    """
    at = head(noted)
    if not _CHECKING.acquire(blocking=False):
        raise Refused(503, "the log is being checked already; come back in a moment.", retry_after=5)
    try:
        return audit.verify(database, at)
    finally:
        _CHECKING.release()


def head(noted: str) -> tuple[int, str] | None:
    """Return a head of the log that somebody noted, as the pages show it; None where there is none.

    Raises InputError if it is no number and hash.

    >>> head("12:" + "0" * 64)[0]
    12
    """
    if not noted.strip():
        return None
    number, _, digest = (part.strip().lower() for part in noted.partition(":"))
    if not (number.isascii() and number.isdigit() and len(number) < 19) or len(digest) != 64 or set(digest) - set("0123456789abcdef"):
        raise InputError("this is no head of a log: expected its number, a colon, and the 64 letters and numbers of its hash.")
    return int(number), digest
