"""The audit log, by the API."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import APIRouter, Query

from camelopard.server.management import auditing
from camelopard.server.web.visitor import SignedIn
from camelopard.store import audit
from camelopard.store.audit import Action, Entry, Kind

router = APIRouter(prefix="/api/audit", tags=["audit"])


@dataclass(frozen=True)
class AuditEntry:
    """An entry: when, who and by what way, what was done to what; and its hash, which follows from all that and the hash before."""

    number: int
    at: dt.datetime
    by: str
    via: str
    action: str
    kind: str
    subject: str
    details: Mapping[str, Any]
    previous: str
    hash: str

    @classmethod
    def of(cls, entry: Entry) -> AuditEntry:
        return cls(**{**vars(entry), "details": entry.told})


@dataclass(frozen=True)
class AuditEntries:
    """A page of the log."""

    entries: list[AuditEntry]
    next: int | None
    ok: bool = True


@dataclass(frozen=True)
class AuditCheck:
    """Whether the log is as it was written; `broken` is the first entry that is not, `head` what to note down."""

    whole: bool
    entries: int
    head: str
    broken: int | None
    why: str
    ok: bool = True


@dataclass(frozen=True)
class AuditHead:
    """Where the log ends, as NUMBER:HASH: to be noted where nobody who can write to the database can write."""

    head: str
    ok: bool = True


@router.get("")
def page(
    by: SignedIn,
    who: str = "",
    action: Action | None = None,
    kind: Kind | None = None,
    subject: str = "",
    before: Annotated[int | None, Query(ge=1, le=2**62)] = None,
    size: Annotated[int, Query(ge=1, le=auditing.MOST)] = 50,
) -> AuditEntries:
    """Return a page of the log, the newest first."""
    by.must("see audit")
    found, next = auditing.page(by.home.database, who, action or "", kind or "", subject, before, size)
    return AuditEntries([AuditEntry.of(entry) for entry in found], next)


@router.get("/verify")
def verify(by: SignedIn, noted: str = "") -> AuditCheck:
    """Check every entry, and, where a head NUMBER:HASH was noted, that it is among them."""
    by.must("see audit")
    found = auditing.verified(by.home.database, noted)
    return AuditCheck(found.whole, found.entries, f"{found.entries}:{found.head}", found.broken, found.why)


@router.get("/head")
def head(by: SignedIn) -> AuditHead:
    """Return where the log ends."""
    by.must("see audit")
    number, digest = audit.head(by.home.database)
    return AuditHead(f"{number}:{digest}")
