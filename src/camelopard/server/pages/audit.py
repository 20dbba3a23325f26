"""The audit log: who changed what, and whether the log is whole."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping, Sequence
from typing import get_args

from fastapi import APIRouter
from starlette.responses import Response

from camelopard.core.errors import CamelopardError, InputError
from camelopard.server.management import auditing
from camelopard.server.pages import shell
from camelopard.server.web.visitor import SignedIn, Visitor
from camelopard.store import audit
from camelopard.store.audit import Action, Entry, Kind
from camelopard.store.roles import UNKNOWN

router = APIRouter(include_in_schema=False)

SIZE = 50
LONGEST = 200  # characters of a detail
LISTS = ("user added", "token made")  # of all others a list of two is what was, and what became of it
HASH = re.compile(r"[0-9a-f]{64}")


@router.get("/audit")
def entries(by: SignedIn, who: str = "", action: str = "", kind: str = "", subject: str = "", before: int | None = None) -> Response:
    """Return a page of the log, the newest first."""
    by.must("see audit")
    asked = {"who": who, "action": action, "kind": kind, "subject": subject}
    try:
        found = auditing.page(by.home.database, who, action, kind, subject, before, SIZE)
    except CamelopardError as error:
        return _shown(by, asked, (), None, wrong=str(error), status=400)
    return _shown(by, asked, *found, before=before)


@router.get("/audit/verify")
def verify(by: SignedIn, noted: str = "") -> Response:
    """Return whether the log is whole."""
    by.must("see audit")
    try:
        found = auditing.verified(by.home.database, noted)
    except InputError as error:
        return shell.page(by, "verified.html", {"found": None, "noted": noted, "wrong": str(error)}, 400)
    return shell.page(by, "verified.html", {"found": found, "noted": noted, "wrong": ""})


def told(entry: Entry) -> list[tuple[str, str]]:
    """Return the details of an entry in words: what, and its value; of a change what it was and what it became."""
    changes = entry.action not in LISTS
    return [(name.replace("_", " "), _when(value) if name.endswith("_at") else _words(value, changes)) for name, value in entry.told.items()]


def _when(value: object) -> str:
    try:
        return shell.moment(dt.datetime.fromisoformat(str(value)))
    except ValueError:
        return _words(value)


def _words(value: object, change: bool = False) -> str:
    if change and isinstance(value, list) and len(value) == 2:
        return f"{_words(value[0])} → {_words(value[1])}"
    if isinstance(value, Mapping):
        text = ", ".join(f"{key} {_words(one)}" for key, one in value.items())
    elif isinstance(value, list):
        text = ", ".join(_words(one) for one in value)
    else:
        text = "" if value is None else str(value)
        text = f"{text[:16]}…" if HASH.fullmatch(text) else text
    return (text if len(text) <= LONGEST else f"{text[:LONGEST]}…") or "none"


def address(by: Visitor, entry: Entry) -> str:
    """Return where what an entry is about is shown; "" where that is nowhere, or not for this visitor."""
    if entry.kind == "model":
        return f"/models/{shell.quoted(entry.subject)}" if by.may("see models") else ""
    owner = entry.subject if entry.kind == "user" else str(entry.told.get("owner", ""))
    if entry.kind not in ("user", "token") or owner in ("", UNKNOWN):
        return ""
    return f"/people/{shell.quoted(owner)}" if by.may("manage people") else ""


def _shown(
    by: Visitor, asked: Mapping[str, str], found: Sequence[Entry], next: int | None, *, before: int | None = None, wrong: str = "", status: int = 200
) -> Response:
    number, digest = audit.head(by.home.database)
    values = {
        **asked,
        "entries": [(entry, address(by, entry), told(entry)) for entry in found],
        "next": next,
        "before": before,
        "wrong": wrong,
        "head": f"{number}:{digest}",
        "number": number,
        "filtered": any(asked.values()),
        "actions": get_args(Action),
        "kinds": get_args(Kind),
    }
    return shell.page(by, "audit.html", values, status)
