"""The audit log: who changed what, when. Each entry holds the hash of the one before, so that no entry can be changed, moved or taken out unseen.

The hash of an entry is the SHA-256 of the hash before it, followed by the entry as one line of JSON: keys sorted, no spaces, ASCII, the moment in UTC
with microseconds. Anybody can compute it again with any tool. Who may write to the database could write the whole log anew; against that, note the
head of the log elsewhere now and then, and hand it to `verify`.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, get_args

from sqlalchemy import Row, select

from camelopard.core.errors import UnknownName
from camelopard.store import words
from camelopard.store.columns import line
from camelopard.store.tables import audit, audit_head

if TYPE_CHECKING:
    from camelopard.store.database import Database

Kind = Literal["model", "user", "token"]
Action = Literal[
    "model added",
    "model changed",
    "state changed",
    "version added",
    "version approved",
    "version put in force",
    "proof attached",
    "proof withdrawn",
    "user added",
    "roles changed",
    "user disabled",
    "user enabled",
    "password changed",
    "password reset",
    "signed in",
    "sign-in failed",
    "signed out",
    "token made",
    "token revoked",
]
START = "0" * 64  # the hash before the first entry
STRIDE = 5000  # entries that are checked at a time
MOST = 1000  # entries of a page


@dataclass(frozen=True)
class Entry:
    """One line of the log.

    number
        Its place, from 1, without gaps.
    at, by, via
        When, who, and by what way they came.
    action, kind, subject
        What was done, and to what: "version approved", "model", "income".
    details
        As one line of JSON, the very characters that were hashed; `told` gives them as data.
    previous, hash
        Of the entry before, and of this one.
    """

    number: int
    at: dt.datetime
    by: str
    via: str
    action: str
    kind: str
    subject: str
    details: str
    previous: str
    hash: str

    @property
    def told(self) -> Mapping[str, Any]:
        """Return the details as data."""
        found: Mapping[str, Any] = json.loads(self.details)
        return found

    def columns(self) -> dict[str, Any]:
        """Return it as the row of a table."""
        row = dict(vars(self))
        row["actor"] = row.pop("by")
        return row


@dataclass(frozen=True)
class Verified:
    """What checking the log found.

    entries, head
        How many entries there are, and the hash of the last one: worth noting elsewhere.
    broken
        The number of the first entry that is not as it was written; None where all are.
    why
        What is wrong with it.
    """

    entries: int
    head: str
    broken: int | None = None
    why: str = ""

    @property
    def whole(self) -> bool:
        """Return whether the log is as it was written."""
        return self.broken is None

    def __str__(self) -> str:
        if self.broken is None:
            return f"The audit log is whole: {self.entries:,} entries, the last one {self.head[:16]}…"
        return f"The audit log is broken at entry {self.broken:,}: {self.why}"


def chained(previous: str, number: int, at: dt.datetime, by: str, via: str, action: str, kind: str, subject: str, details: str) -> Entry:
    """Return the entry that follows one with the hash `previous`.

    >>> now = dt.datetime(2026, 3, 1, tzinfo=dt.UTC)
    >>> chained(START, 1, now, "ann", "", "model added", "model", "income", "{}").hash[:16]
    '5f993b476b222f0e'
    """
    said = {"number": number, "at": _when(at), "by": by, "via": via, "action": action, "kind": kind, "subject": subject, "details": details}
    digest = hashlib.sha256((previous + line(said)).encode("ascii")).hexdigest()
    return Entry(number, at, by, via, action, kind, subject, details, previous, digest)


def entries(
    database: Database,
    *,
    by: str | None = None,
    on: tuple[Kind, str] | None = None,
    action: Action | None = None,
    before: int | None = None,
    size: int = 50,
) -> tuple[Entry, ...]:
    """Return entries, the newest first.

    Parameters
    ----------
    by, on, action
        Only what this person did; what was done to this; this action.
    before
        Only entries with smaller numbers: the last number of the page before.
    size
        How many at most.

    Raises
    ------
    InputError, UnknownName
        If the size is not from 1 to 1,000, `before` is no number, or there is no such action or kind.
    """
    query = select(audit).order_by(audit.c.number.desc()).limit(words.whole(size, "size", MOST))
    if by is not None:
        query = query.where(audit.c.actor == by)
    if on is not None:
        if on[0] not in get_args(Kind):
            raise UnknownName.among(on[0], get_args(Kind), "kind of subject")
        query = query.where(audit.c.kind == on[0], audit.c.subject == on[1])
    if action is not None:
        if action not in get_args(Action):
            raise UnknownName.among(action, get_args(Action), "action")
        query = query.where(audit.c.action == action)
    if before is not None:
        query = query.where(audit.c.number < words.whole(before, "before", 2**62))
    with database.reading() as connection:
        return tuple(_entry(row) for row in connection.execute(query))


def head(database: Database) -> tuple[int, str]:
    """Return the number and the hash of the last entry, to be noted where nobody who can write to the database can write."""
    with database.reading() as connection:
        row = connection.execute(select(audit_head.c.number, audit_head.c.hash)).one()
    return row.number, row.hash


def verify(database: Database, noted: tuple[int, str] | None = None) -> Verified:
    """Check every entry of the log, from the first one on; a million of them take some seconds.

    Parameters
    ----------
    noted
        The number and the hash of an entry, as `head` gave them some time ago: what has been written anew since then is found as well.
    """
    number, digest = 0, START
    with database.reading() as connection:
        end = connection.execute(select(audit_head.c.number, audit_head.c.hash)).one()
        while True:
            rows = connection.execute(select(audit).where(audit.c.number > number).order_by(audit.c.number).limit(STRIDE)).all()
            for row in rows:
                wrong = _wrong(_entry(row), number + 1, digest, noted)
                if wrong:
                    return Verified(end.number, end.hash, number + 1, wrong)
                number, digest = row.number, row.hash
            if len(rows) < STRIDE:
                break
    if (number, digest) != (end.number, end.hash):
        return Verified(end.number, end.hash, number + 1, f"the log ends with entry {number:,}, and should end with {end.number:,}.")
    if noted is not None and noted[0] > number:
        return Verified(end.number, end.hash, number + 1, f"the log ends with entry {number:,}, and entry {noted[0]:,} was noted.")
    return Verified(number, digest)


def _wrong(entry: Entry, number: int, previous: str, noted: tuple[int, str] | None) -> str:
    """Return what is wrong with an entry that should have this number and follow that hash; nothing where it is right."""
    if entry.number != number:
        return f"it is missing; the next one has the number {entry.number:,}."
    if entry.previous != previous:
        return "it does not follow the entry before it."
    again = chained(previous, number, entry.at, entry.by, entry.via, entry.action, entry.kind, entry.subject, entry.details)
    if again.hash != entry.hash:
        return "its hash is not that of what it says."
    if noted is not None and noted[0] == number and noted[1] != entry.hash:
        return "its hash is not the one that was noted."
    return ""


def _entry(row: Row[Any]) -> Entry:
    return Entry(row.number, row.at, row.actor, row.via, row.action, row.kind, row.subject, row.details, row.previous, row.hash)


def _when(at: dt.datetime) -> str:
    return at.astimezone(dt.UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
