"""A change of facts: what is written, and its entry in the audit log, are one thing. There is no way to write the one without the other."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, insert, select, update
from sqlalchemy.sql.dml import UpdateBase

from camelopard.core.errors import InputError
from camelopard.store.audit import Action, Entry, Kind, chained
from camelopard.store.columns import line, moment
from camelopard.store.roles import Actor, Permission
from camelopard.store.tables import audit, audit_head

LONGEST = 1 << 18  # characters of an entry's details


class Change:
    """Facts being changed by somebody, now. Made by `Database.change`; whoever makes one holds the end of the audit log until they are done."""

    def __init__(self, connection: Connection, by: Actor, now: dt.datetime) -> None:
        self.by, self.now = by, moment(now)
        self._connection = connection
        head = connection.execute(select(audit_head.c.number, audit_head.c.hash).with_for_update()).one()
        self._number: int = head.number
        self._hash: str = head.hash

    def read(self, statement: Any) -> Any:
        """Return the result of a query, as things are within this change."""
        return self._connection.execute(statement)

    def apply(self, *statements: UpdateBase, action: Action, on: tuple[Kind, str], details: Mapping[str, object], needs: Permission | None) -> Entry:
        """Write, and write down who did what, to what, and how.

        Parameters
        ----------
        statements
            Inserts, updates and deletes, with their values bound.
        action, on
            What is done, and to what: its kind and its name.
        details
            What anybody who reads the log should know. Never a secret.
        needs
            The permission without which nothing is written; None for what everybody may do to themselves.

        Raises
        ------
        NotAllowed
            If whoever changes it may not.
        InputError
            If the details are too long to be kept.
        """
        if needs is not None:
            self.by.must(needs)
        told = line(details)
        if len(told) > LONGEST:
            raise InputError(f"{action}: {len(told):,} characters of details; at most {LONGEST:,} go into the audit log.")
        for statement in statements:
            self._connection.execute(statement)
        entry = chained(self._hash, self._number + 1, self.now, self.by.name, self.by.via, action, *on, told)
        self._connection.execute(insert(audit).values(**entry.columns()))
        self._connection.execute(update(audit_head).values(number=entry.number, hash=entry.hash))
        self._number, self._hash = entry.number, entry.hash
        return entry
