"""Versions of a model behind its firewall: which files, which contract, what was measured, who made it, and who else approved it.

A version is never changed. Whoever edits a contract makes a new version of it. Who made a version cannot approve it, whatever their roles.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy import Row, func, insert, select, update

from camelopard.core.errors import InputError, UnknownName
from camelopard.store import inventory, words
from camelopard.store.change import Change
from camelopard.store.columns import line
from camelopard.store.database import Database
from camelopard.store.errors import NotAllowed, StoreError
from camelopard.store.tables import models, versions

HASH = re.compile(r"[0-9a-f]{64}")
LONGEST_CONTRACT = 1 << 20  # characters
LONGEST_EVIDENCE = 1 << 18


@dataclass(frozen=True)
class Version:
    """One version.

    model, number
        Of which model, and its number there, from 1.
    firewall, model_file
        The content of both, as SHA-256 in hexadecimal digits; None of a model that is no file here.
    contract
        As TOML.
    evidence
        What was measured when it was fitted: plain data.
    note
        Why it was made, in a sentence.
    made_at, made_by, approved_at, approved_by
        When, and by whom; None until it is approved.
    """

    model: str
    number: int
    firewall: str
    model_file: str | None
    contract: str
    evidence: Mapping[str, Any]
    note: str
    made_at: dt.datetime
    made_by: str
    approved_at: dt.datetime | None = None
    approved_by: str | None = None


def add(
    change: Change,
    model: str,
    *,
    firewall: str,
    model_file: str | None = None,
    contract: str = "",
    evidence: Mapping[str, object] | None = None,
    note: str = "",
) -> Version:
    """Add a version of a model; it has the next number, and is not in force yet.

    Raises
    ------
    NotAllowed, UnknownName
        If whoever adds it may not change models; if there is no such model.
    InputError
        If a hash is none, or contract or evidence are too long to be kept.
    """
    change.by.must("change models")
    inventory.held(change, model)
    for what, value in (("firewall", firewall), ("model_file", model_file)):
        if not (value is None and what == "model_file") and not (isinstance(value, str) and HASH.fullmatch(value)):
            raise InputError(f"{what}={str(value)[:70]!r}: expected the SHA-256 of its content, 64 hexadecimal digits.")
    contract = words.verbatim(contract, "contract", LONGEST_CONTRACT)
    measured = dict(evidence or {})
    if len(line(measured)) > LONGEST_EVIDENCE:
        raise InputError(f"evidence: {len(line(measured)):,} characters; at most {LONGEST_EVIDENCE:,} are kept. Keep figures, not rows.")
    number = (change.read(select(func.max(versions.c.number)).where(versions.c.model == model)).scalar() or 0) + 1
    made = Version(model, number, firewall, model_file, contract, measured, words.sentence(note, "note"), change.now, change.by.name)
    change.apply(
        insert(versions).values(**vars(made)),
        update(models).where(models.c.name == model).values(changed_at=change.now),
        action="version added",
        on=("model", model),
        details={"number": number, "firewall": firewall, "model_file": model_file, "note": made.note},
        needs="change models",
    )
    return made


def approve(change: Change, model: str, number: int) -> Version:
    """Approve a version that somebody else made.

    Raises
    ------
    NotAllowed
        If whoever approves may not, or made it themselves.
    UnknownName, StoreError
        If there is no such version; if it is approved already.
    """
    found = held(change, model, number)
    change.by.must("approve versions")
    if found.made_by == change.by.name:
        raise NotAllowed(f"{change.by.name} made version {number} of {model}; somebody else must approve it.")
    if found.approved_by is not None:
        raise StoreError(f"{model}: version {number} was approved by {found.approved_by} already.")
    change.apply(
        update(versions).where(versions.c.model == model, versions.c.number == number).values(approved_at=change.now, approved_by=change.by.name),
        update(models).where(models.c.name == model).values(changed_at=change.now),
        action="version approved",
        on=("model", model),
        details={"number": number, "firewall": found.firewall, "made_by": found.made_by},
        needs="approve versions",
    )
    return Version(**{**vars(found), "approved_at": change.now, "approved_by": change.by.name})


def put_in_force(change: Change, model: str, number: int) -> Version:
    """Put a version in force, an earlier one as well. Of a model that guards, only an approver can, and only an approved one.

    Raises
    ------
    NotAllowed, UnknownName
        If whoever does it may not; if there is no such version.
    StoreError
        If the model guards, and the version is not approved.
    """
    before = inventory.held(change, model)
    found = held(change, model, number)
    needs: Literal["approve versions", "change models"] = "approve versions" if before.state == "guarding" else "change models"
    change.by.must(needs)
    if before.state == "guarding" and found.approved_by is None:
        raise StoreError(f"{model} guards, and nobody has approved version {number}. Have it approved first.")
    if before.version == number:
        return found
    change.apply(
        update(models).where(models.c.name == model).values(version=number, changed_at=change.now),
        action="version put in force",
        on=("model", model),
        details={"version": [before.version, number], "firewall": found.firewall, "state": before.state},
        needs=needs,
    )
    return found


def get(database: Database, model: str, number: int) -> Version:
    """Return a version. Raises UnknownName if there is none."""
    words.whole(number, "number")
    with database.reading() as connection:
        row = connection.execute(select(versions).where(versions.c.model == model, versions.c.number == number)).first()
    if row is None:
        raise _unknown(model, number)
    return _version(row)


def of(database: Database, model: str, *, before: int | None = None, size: int = 50) -> tuple[Version, ...]:
    """Return the versions of a model, the newest first; `before`: only those with smaller numbers."""
    query = select(versions).where(versions.c.model == model).order_by(versions.c.number.desc()).limit(words.whole(size, "size", 1000))
    if before is not None:
        query = query.where(versions.c.number < words.whole(before, "before"))
    with database.reading() as connection:
        return tuple(_version(row) for row in connection.execute(query))


def with_firewall(database: Database, firewall: str) -> tuple[Version, ...]:
    """Return the versions that have this firewall, which is how a verdict in a log finds its version."""
    query = select(versions).where(versions.c.firewall == firewall).order_by(versions.c.model, versions.c.number).limit(1000)
    with database.reading() as connection:
        return tuple(_version(row) for row in connection.execute(query))


def holding(change: Change, model: str, firewall: str) -> Version | None:
    """Return a model's newest version with this firewall, within a change; None where there is none."""
    query = select(versions).where(versions.c.model == model, versions.c.firewall == firewall).order_by(versions.c.number.desc()).limit(1)
    row = change.read(query).first()
    return None if row is None else _version(row)


def held(change: Change, model: str, number: int) -> Version:
    """Return a version as it is within a change. Raises UnknownName if there is none."""
    inventory.held(change, model)
    words.whole(number, "number")
    row = change.read(select(versions).where(versions.c.model == model, versions.c.number == number)).first()
    if row is None:
        raise _unknown(model, number)
    return _version(row)


def _unknown(model: str, number: int) -> UnknownName:
    return UnknownName(f"{model}: there is no version {number}.")


def _version(row: Row[Any]) -> Version:
    return Version(**row._mapping)
