"""The audit log: whole as long as nobody touched it, and broken where somebody did."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import re
from typing import Any, get_args

import pytest

pytest.importorskip("sqlalchemy", reason="SQLAlchemy is not installed: pip install 'camelopard[serve]'")

from sqlalchemy import Executable, text, update

from camelopard.core.errors import InputError, UnknownName
from camelopard.store import audit, inventory, tables
from camelopard.store.audit import Action
from camelopard.store.database import Database
from camelopard.store.errors import NotAllowed, StoreError
from camelopard.store.roles import Actor
from tests.store.conftest import NOW, unguarded

ANN = Actor("ann", ("developer",), via="session")


def written(database: Database, n: int = 5) -> None:
    for i in range(n):
        with database.change(ANN if i % 2 else Actor.itself(), NOW + dt.timedelta(seconds=i)) as change:
            inventory.add(change, f"model {i}", owner="ann", purpose="héhé \u2028 \x7f"[:4], exposure=1, consequence=1)


def tampered(database: Database, *statements: Executable) -> None:
    with unguarded(database) as connection:
        for statement in statements:
            connection.execute(statement)


def test_a_log_that_nobody_touched_is_whole(database: Database) -> None:
    assert audit.verify(database) == audit.Verified(0, audit.START)
    written(database)
    found = audit.verify(database)
    assert found.whole and found.entries == 5
    assert str(found) == f"The audit log is whole: 5 entries, the last one {found.head[:16]}…"
    assert audit.head(database) == (5, found.head)


@pytest.mark.parametrize(
    ("statement", "broken", "why"),
    [
        ("UPDATE audit SET actor = 'eve' WHERE number = 3", 3, "its hash is not that of what it says"),
        ("UPDATE audit SET details = '{}' WHERE number = 1", 1, "its hash is not that of what it says"),
        ("UPDATE audit SET at = '2026-03-01 09:30:07+00' WHERE number = 2", 2, "its hash is not that of what it says"),
        ("UPDATE audit SET hash = previous WHERE number = 2", 2, "its hash is not that of what it says"),
        ("UPDATE audit SET previous = hash WHERE number = 4", 4, "it does not follow the entry before it"),
        ("DELETE FROM audit WHERE number = 2", 2, "it is missing; the next one has the number 3"),
        ("DELETE FROM audit WHERE number = 5", 5, "the log ends with entry 4, and should end with 5"),
        ("DELETE FROM audit", 1, "the log ends with entry 0, and should end with 5"),
        ("UPDATE audit SET number = 9 WHERE number = 5", 5, "it is missing"),
        ("UPDATE audit_head SET number = 4", 6, "the log ends with entry 5, and should end with 4"),
    ],
)
def test_what_was_touched_is_found_where_it_was_touched(database: Database, statement: str, broken: int, why: str) -> None:
    written(database)
    tampered(database, text(statement.replace("+00'", "'") if database.engine.dialect.name == "sqlite" else statement))
    found = audit.verify(database)
    assert (found.whole, found.broken) == (False, broken)
    assert why in str(found)


def test_a_log_that_was_written_anew_is_found_by_a_head_that_was_noted(database: Database) -> None:
    written(database)
    noted = audit.head(database)
    *_, last = audit.entries(database, size=5)[::-1]
    forged = audit.chained(last.previous, 5, last.at, "eve", last.via, last.action, last.kind, last.subject, last.details)
    tampered(
        database,
        update(tables.audit).where(tables.audit.c.number == 5).values(actor="eve", hash=forged.hash),
        update(tables.audit_head).values(hash=forged.hash),
    )
    assert audit.verify(database).whole
    assert audit.verify(database, noted) == audit.Verified(5, forged.hash, 5, "its hash is not the one that was noted.")
    assert audit.verify(database, (9, noted[1])).broken == 6


def test_the_database_itself_keeps_entries_as_they_are(database: Database) -> None:
    written(database)
    for statement in ("UPDATE audit SET actor = 'eve'", "DELETE FROM audit WHERE number = 1"):
        with pytest.raises(StoreError, match="only ever added to"), database._writing() as connection:
            connection.execute(text(statement))
    assert audit.verify(database).entries == 5


def test_anybody_can_compute_the_hashes_with_other_tools(database: Database) -> None:
    written(database, 2)
    previous = "0" * 64
    for entry in reversed(audit.entries(database)):
        said: dict[str, Any] = {key: value for key, value in vars(entry).items() if key not in ("previous", "hash")}
        said["at"] = f"{entry.at:%Y-%m-%dT%H:%M:%S.%f}Z"
        line = json.dumps(said, sort_keys=True, separators=(",", ":"))
        previous = hashlib.sha256((previous + line).encode()).hexdigest()
        assert entry.hash == previous
        assert "\n" not in line and line.isascii()


def test_entries_are_found_by_person_subject_and_action_and_come_in_pages(database: Database) -> None:
    written(database)

    def numbers(**which: Any) -> list[int]:
        return [entry.number for entry in audit.entries(database, **which)]

    assert numbers() == [5, 4, 3, 2, 1]
    assert numbers(by="ann") == [4, 2]
    assert numbers(on=("model", "model 2")) == [3]
    assert numbers(action="model changed") == []
    assert numbers(size=2) == [5, 4]
    assert numbers(size=2, before=4) == [3, 2]
    newest = audit.entries(database)[0]
    assert (newest.by, newest.via, newest.at) == ("camelopard", "command line", NOW + dt.timedelta(seconds=4))
    assert newest.told == {"owner": "ann", "purpose": "héhé", "exposure": 1, "consequence": 1}


def test_what_does_not_exist_cannot_be_asked_for(database: Database) -> None:
    with pytest.raises(UnknownName, match="Did you mean 'model added'"):
        audit.entries(database, action="model aded")  # type: ignore[arg-type]
    with pytest.raises(UnknownName, match="no kind of subject named 'modl'"):
        audit.entries(database, on=("modl", "x"))  # type: ignore[arg-type]
    with pytest.raises(InputError, match="from 1 to 1,000"):
        audit.entries(database, size=0)
    for wrong in (0, 2**80, "x"):
        with pytest.raises(InputError, match="before=.* expected a whole number"):
            audit.entries(database, before=wrong)  # type: ignore[arg-type]


def test_who_may_not_leaves_no_entry(database: Database) -> None:
    told = "eve has viewer; 'change models' needs the role developer"
    with pytest.raises(NotAllowed, match=told), database.change(Actor("eve", ("viewer",)), NOW) as change:
        change.apply(action="model added", on=("model", "x"), details={}, needs="change models")
    assert audit.head(database)[0] == 0


def test_details_have_an_end(database: Database) -> None:
    with pytest.raises(InputError, match="characters of details"), database.change(ANN, NOW) as change:
        change.apply(action="model added", on=("model", "x"), details={"text": "x" * 300_000}, needs=None)


def test_every_action_is_written_somewhere() -> None:
    from pathlib import Path

    sources = "".join(path.read_text(encoding="utf-8") for path in Path(audit.__file__).parent.glob("*.py") if path.name != "audit.py")
    written = set(re.findall(r'action=[^,]*?"([a-z -]+)"', sources)) | set(re.findall(r'else "([a-z]+ [a-z]+)",\n\s+on=', sources))
    assert written == set(get_args(Action))
