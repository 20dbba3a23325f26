"""Where a gateway keeps what it must remember: facts in a database, firewalls by the hash of their content, verdicts in a log."""

from __future__ import annotations

import datetime as dt
import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

from camelopard.core.errors import CamelopardError
from camelopard.core.files import replaced
from camelopard.store.database import Database

if TYPE_CHECKING:
    from camelopard.server.scoring.served import Served

NONE: Mapping[str, Served] = MappingProxyType({})
HASH = re.compile(r"[0-9a-f]{64}")
DATABASE, FIREWALLS, VERDICTS = "camelopard.db", "firewalls", "verdicts"


def utc() -> dt.datetime:
    """Return the time, where a server needs it."""
    return dt.datetime.now(dt.UTC)


def kept(firewalls: Path, version: str) -> Path | None:
    """Return where a version's firewall lies in a folder of them; None where it is not kept."""
    place = firewalls / f"{version}.firewall"
    return place if HASH.fullmatch(version) and place.exists() else None


@dataclass
class Home:
    """A gateway's memory.

    database
        Facts: models, versions, people, the audit log.
    firewalls
        The folder in which every version's firewall lies, named by the hash of its content.
    verdicts
        Where the log of verdicts is; None where none is kept.
    served
        The models that this process answers for, by name.
    clock
        What tells the time.
    """

    database: Database
    firewalls: Path
    verdicts: str | None
    served: Mapping[str, Served] = field(default_factory=lambda: NONE)
    clock: Callable[[], dt.datetime] = utc

    @classmethod
    def open(
        cls,
        folder: str | os.PathLike[str],
        facts: str | None = None,
        verdicts: str | None = None,
        served: Mapping[str, Served] = NONE,
    ) -> Home:
        """Return the memory in this folder, made where there is none.

        Parameters
        ----------
        folder
            Of the machine, readable by its owner alone.
        facts
            The URL of a database elsewhere; by default a file in the folder.
        verdicts
            Where the log is; by default a folder within.
        served
            The models that this process answers for.

        Raises
        ------
        CamelopardError
            If the folder cannot be made, or the database not be opened.
        """
        place = Path(folder)
        try:
            place.mkdir(mode=0o700, parents=True, exist_ok=True)
            for inside in (FIREWALLS, VERDICTS) if verdicts is None else (FIREWALLS,):  # of a folder that was there before, too
                (place / inside).mkdir(mode=0o700, exist_ok=True)
        except OSError as error:
            raise CamelopardError(f"{place}: no folder can be made there ({error.strerror}). Name another one.") from None
        return cls(Database.open(facts or place / DATABASE), place / FIREWALLS, verdicts or str(place / VERDICTS), served)

    def keep(self, content: bytes, version: str) -> Path:
        """Keep a firewall's content under its hash; return where it lies.

        Raises
        ------
        CamelopardError
            If that is no hash: it becomes the name of a file.
        """
        if not HASH.fullmatch(version):
            raise CamelopardError(f"{version[:80]!r} is no hash of a firewall: expected 64 letters and numbers.")
        place = self.firewalls / f"{version}.firewall"
        if not place.exists():
            with replaced(place) as part:
                part.write_bytes(content)
        return place

    def kept(self, version: str) -> Path | None:
        """Return where a version's firewall lies; None where it is not kept."""
        return kept(self.firewalls, version)

    def __enter__(self) -> Home:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the database."""
        self.database.close()
