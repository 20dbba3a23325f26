"""A database is opened, brought up to date, read and written; what goes wrong is told in a sentence."""

from __future__ import annotations

import ast
import datetime as dt
import re
import sqlite3
import stat
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("sqlalchemy", reason="SQLAlchemy is not installed: pip install 'camelopard[serve]'")
pytest.importorskip("alembic", reason="Alembic is not installed: pip install 'camelopard[serve]'")

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import NullPool, Text, create_engine, insert, select, text, update

from camelopard.core.errors import CamelopardError, InputError, UnknownName
from camelopard.store import address, audit, inventory, migrations, people, sessions, tables, tokens, versions
from camelopard.store.columns import Word
from camelopard.store.database import WRITING, Database
from camelopard.store.errors import StoreError
from camelopard.store.roles import Actor
from camelopard.store.secret import Secret
from tests.store.conftest import NOW, Cluster

HERE = Path(__file__).parent
STORE = Path(migrations.__file__).parents[1]
EARLIER = migrations.known()[:-1]
SQLITE = pytest.mark.parametrize("database", ["sqlite"], indirect=True)
OPENS = """
import datetime as dt, sys
from camelopard.store import inventory
from camelopard.store.database import Database
from camelopard.store.roles import Actor

print("ready", flush=True)
sys.stdin.readline()
with Database.open(sys.argv[1]) as database, database.change(Actor.itself(), dt.datetime.now(dt.UTC)) as change:
    inventory.add(change, f"model {sys.argv[2]}", owner="ann", purpose="", exposure=1, consequence=1)
"""
VISITS = """
import datetime as dt, sys
from camelopard.store import inventory
from camelopard.store.database import Database
from camelopard.store.roles import Actor

with Database.open(sys.argv[1]) as database, database.change(Actor.itself(), dt.datetime.now(dt.UTC)) as change:
    inventory.add(change, "visitor", owner="ann", purpose="", exposure=1, consequence=1)
"""
POSTGRESQL = pytest.mark.parametrize("database", ["postgresql"], indirect=True)


def added(database: Database, name: str) -> None:
    with database.change(Actor.itself(), NOW) as change:
        inventory.add(change, name, owner="ann", purpose="tells incomes", exposure=2, consequence=3)


def names(database: Database) -> list[str]:
    with database.reading() as connection:
        return list(connection.execute(select(tables.models.c.name).order_by(tables.models.c.name)).scalars())


def other_type(context: MigrationContext, _: object, __: object, there: Any, ours: Any) -> bool | None:
    """Whether a column has another type than ours; None where Alembic can tell by itself."""
    if not isinstance(ours, Word):
        return None
    return not isinstance(there, Text) or there.collation != ("C" if context.dialect.name == "postgresql" else None)


def differences(database: Database) -> list[Any]:
    """Return how the tables differ from those that the program uses."""
    with database.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": other_type, "compare_server_default": True})
        return [d for d in compare_metadata(context, tables.METADATA) if not isinstance(d, tuple) or d[1].name != "alembic_version"]


def test_the_tables_that_migrations_make_are_those_that_the_program_uses(place: str) -> None:
    with Database.open(place) as database:
        assert differences(database) == []
        with database._writing() as connection:
            connection.execute(text("DROP INDEX ix_models_owner_name"))
        assert [name for name, *_ in differences(database)] == ["add_index"]


def test_the_newest_step_is_the_one_that_opening_looks_for() -> None:
    assert ScriptDirectory(str(Path(migrations.__file__).parent)).get_heads() == [migrations.HEAD]
    assert migrations.known()[-1] == migrations.HEAD


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
@pytest.mark.parametrize("revision", EARLIER)
def test_of_every_earlier_revision_a_store_is_kept(revision: str, kind: str) -> None:
    kept = left(revision, kind)
    assert kept.exists(), f"{kept.name} is missing: fill a store with the tables of {revision}, and dump it, before there are newer ones."
    assert re.findall(r"INTO (?:public\.)?alembic_version VALUES ?\('(r\d+)'\)", kept.read_text(encoding="utf-8")) == [revision]


@pytest.mark.parametrize("revision", EARLIER)
def test_a_store_of_an_earlier_revision_opens_with_all_that_was_in_it(place: str, revision: str) -> None:
    filled(place, revision)
    with Database.open(place) as database:
        assert differences(database) == []
        assert inventory.get(database, "income").tier == "medium"
        assert inventory.get(database, "churn — naïve").version is None
        first = versions.get(database, "income", 1)
        assert (first.contract, first.evidence, first.made_by) == ('[[assumption]]\ncode = "range"\n', {"auroc": 0.93, "rows": 16280}, "ann")
        assert audit.verify(database).whole
        there = [entry.action for entry in audit.entries(database)]
        assert there[-2:] == ["model added", "model added"] and there.count("version added") == 1
        nobody = revision == "r0001"  # there were no people then
        assert (people.first_admin(database, NOW) is not None) == nobody
        added(database, "new")
        assert audit.verify(database) == audit.Verified(len(there) + nobody + 1, audit.head(database)[1])
        with pytest.raises(CamelopardError), database._writing() as connection:
            connection.execute(text("DELETE FROM audit"))


def test_people_of_an_earlier_revision_sign_in_and_their_tokens_are_good(place: str) -> None:
    filled(place, "r0002")
    then = dt.datetime(2026, 1, 2, 7, 0, tzinfo=dt.UTC)
    with Database.open(place) as database:
        assert people.first_admin(database, then) is None
        assert [(user.name, user.roles, user.active) for user in people.page(database)] == [
            ("ann", ("viewer", "developer"), True),
            ("root", ("admin",), True),
            ("zoe", ("approver",), False),
        ]
        assert (inventory.get(database, "income").version, versions.get(database, "income", 1).approved_by) == (1, "zoe")
        made = {token.label: token.revoked_at is None for token in tokens.of(database, "ann")}
        assert made == {"for the batch — nightly": True, "lost": False}
        program = tokens.actor(database, Secret("camelopard_00000001_" + "known-to-the-tests-1".ljust(43, "-")), then)
        assert program == Actor("ann", ("viewer", "developer"), frozenset({"ask models"}), "token 00000001")
        still = sessions.current(database, Secret("known-to-the-tests-3".ljust(43, "-")), then)
        assert still is not None and still.user.name == "ann"
        assert sessions.sign_in(database, "ann", Secret("three blind mice"), "127.0.0.1", then).user.name == "ann"


def left(revision: str, kind: str) -> Path:
    """Return where a store lies as this revision left it."""
    return HERE / f"revision_{int(revision[1:])}.{kind}.sql"


def filled(place: str, revision: str) -> None:
    """Make the store as this revision left it."""
    if place.startswith("postgresql"):
        fill_postgresql(place, left(revision, "postgresql").read_text(encoding="utf-8"))
        return
    with sqlite3.connect(place) as raw:
        raw.executescript(left(revision, "sqlite").read_text(encoding="utf-8"))
    raw.close()


def fill_postgresql(place: str, script: str) -> None:
    with create_engine(place.replace("postgresql:", "postgresql+pg8000:"), poolclass=NullPool).begin() as connection:
        for statement in script.split(";\n"):
            if statement.strip():
                connection.exec_driver_sql(statement.replace("%", "%%"))


def test_several_processes_that_open_a_new_store_at_once_all_find_it_whole(place: str) -> None:
    workers = [
        subprocess.Popen([sys.executable, "-c", OPENS, place, str(i)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        for i in range(2)
    ]
    for worker in workers:
        assert worker.stdout is not None and worker.stdout.readline() == b"ready\n"
    for worker in workers:
        assert worker.stdin is not None
        worker.stdin.write(b"go\n")
        worker.stdin.flush()
    assert [worker.communicate(timeout=60)[1] for worker in workers] == [b"", b""]
    assert [worker.returncode for worker in workers] == [0, 0]
    with Database.open(place) as database:
        assert names(database) == ["model 0", "model 1"]
        assert audit.verify(database).entries == 2


def test_opening_a_file_twice_in_a_process_takes_no_lock_from_the_first(tmp_path: Path) -> None:
    place = str(tmp_path / "facts.db")
    with Database.open(place) as first:
        added(first, "one")
        with Database.open(place):
            pass
        subprocess.run([sys.executable, "-c", VISITS, place], check=True, timeout=60)
        assert Path(f"{place}-wal").exists()  # the visitor was not the last one to leave, and must not take it away
        added(first, "two")
    with sqlite3.connect(place) as raw:
        assert raw.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    raw.close()
    with Database.open(place) as again:
        assert names(again) == ["one", "two", "visitor"]


def test_a_change_that_fails_leaves_nothing_behind(database: Database) -> None:
    with pytest.raises(ZeroDivisionError), database.change(Actor.itself(), NOW) as change:
        inventory.add(change, "income", owner="ann", purpose="", exposure=1, consequence=1)
        1 / 0  # noqa: B018
    assert names(database) == []
    assert audit.head(database) == (0, audit.START)


def test_reading_changes_nothing(database: Database) -> None:
    with pytest.raises(StoreError, match=r"readonly|read-only"), database.reading() as connection:
        connection.execute(update(tables.audit_head).values(number=7))
    assert audit.head(database)[0] == 0


def test_reading_sees_one_moment(database: Database) -> None:
    with database.reading() as connection:
        query = select(tables.models.c.name)
        before = list(connection.execute(query))
        added(database, "income")
        assert list(connection.execute(query)) == before == []
    assert names(database) == ["income"]


def test_facts_cannot_be_written_without_the_audit_log(database: Database) -> None:
    for table in tables.METADATA.sorted_tables:
        if table not in tables.NOTED:
            with pytest.raises(StoreError, match=r"holds facts\. Change them within database\.change"), database.noting() as noting:
                noting.write(insert(table))
    assert {table.name for table in tables.NOTED} == {"token_uses", "sessions", "attempts"}


def test_only_the_change_and_the_noting_run_what_writes() -> None:
    def runs(path: Path) -> set[str]:
        tree = ast.parse(path.read_text(encoding="utf-8"))
        found = {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
        return found & {"_writing", "_connection", "_execute", "raw_connection"}

    writers = {path.name for path in STORE.glob("*.py") if not path.name.startswith("log") and runs(path)}
    assert writers == {"database.py", "change.py"}


def test_threads_write_one_after_the_other(database: Database) -> None:
    workers = [threading.Thread(target=added, args=(database, f"model {i}")) for i in range(8)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert len(names(database)) == 8
    assert audit.verify(database).entries == 8


def test_a_moment_without_a_time_zone_is_refused(database: Database) -> None:
    with pytest.raises(InputError, match="with its time zone"), database.change(Actor.itself(), NOW.replace(tzinfo=None)):
        pass


@SQLITE
def test_sqlite_is_set_up_on_purpose(database: Database) -> None:
    with database.reading() as connection:
        found = {
            name: connection.exec_driver_sql(f"PRAGMA {name}").scalar() for name in ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
        }
        assert found == {"journal_mode": "wal", "synchronous": 1, "foreign_keys": 1, "busy_timeout": 5000}
        assert connection.exec_driver_sql("PRAGMA query_only").scalar() == 1
    with database.noting() as noting:
        assert noting.read(text("PRAGMA query_only")).scalar() == 0


@POSTGRESQL
def test_postgresql_waits_as_long_as_sqlite_does_and_no_statement_takes_for_ever(database: Database) -> None:
    with database.reading() as connection:
        shown = [connection.exec_driver_sql(f"SHOW {name}").scalar() for name in ("lock_timeout", "statement_timeout", "transaction_isolation")]
    assert shown == ["5s", "25s", "repeatable read"]


@POSTGRESQL
def test_a_server_that_went_away_is_told_and_found_again(database: Database, cluster: Cluster) -> None:
    gone = "SELECT pg_terminate_backend(pid, 1000) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND datname IS NOT NULL"
    for _ in range(5):
        assert names(database) == []
        cluster.run(gone)
    with pytest.raises(StoreError, match="the database does not answer|the database refused"), database.reading() as connection:
        cluster.run(gone)
        connection.execute(select(tables.models.c.name))
    assert names(database) == []


@POSTGRESQL
def test_an_error_of_the_socket_is_told(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    def reset(*_: object) -> None:
        raise ConnectionResetError(104, "Connection reset by peer")

    told = r"the database does not answer \(.*reset.*\)\. Is the server running"
    with pytest.raises(StoreError, match=told), database.reading() as connection, monkeypatch.context() as patch:
        patch.setattr("pg8000.core._read", reset)
        connection.execute(select(tables.models.c.name))
    assert names(database) == []


def test_a_new_file_is_for_its_owner_alone(tmp_path: Path) -> None:
    Database.open(tmp_path / "facts.db").close()
    assert stat.S_IMODE((tmp_path / "facts.db").stat().st_mode) == 0o600


@pytest.mark.parametrize(
    ("made", "told"),
    [
        (lambda path: path.mkdir(), "this is a folder. Give the name of a file in it"),
        (lambda path: path.write_bytes(b"name,age\nann,7\n" * 500), "not a database. This is no database, or a damaged one"),
    ],
)
def test_what_is_no_database_is_told(tmp_path: Path, made: Any, told: str) -> None:
    made(tmp_path / "facts.db")
    with pytest.raises(StoreError, match=told):
        Database.open(tmp_path / "facts.db")


def test_a_folder_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="there is no folder .* Make it first"):
        Database.open(tmp_path / "nowhere" / "facts.db")


def test_a_store_of_a_newer_version_is_left_alone(place: str) -> None:
    with Database.open(place) as database, database._writing() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = 'r9999'"))
    with pytest.raises(StoreError, match=r"written by a newer camelopard \(tables r9999; this one knows r0003\)"):
        Database.open(place)


def test_a_database_of_something_else_is_left_alone(place: str) -> None:
    with Database.open(place) as database, database._writing() as connection:
        connection.execute(text("DROP TABLE alembic_version"))
    with pytest.raises(StoreError, match=r"holds tables of something else \(attempts, audit, "):
        Database.open(place)


def test_a_disk_that_is_full_and_a_file_that_is_locked_are_told(tmp_path: Path) -> None:
    database = Database.open(tmp_path / "facts.db")
    with database.engine.connect() as connection:
        pages = connection.exec_driver_sql("PRAGMA page_count").scalar()
    with pytest.raises(StoreError, match=r"is full\. Nothing was changed\. Make room"), database._writing() as connection:
        connection.exec_driver_sql(f"PRAGMA max_page_count = {pages}")
        connection.execute(insert(tables.attempts), [{"key": f"{i}" * 99, "count": 1, "since": NOW} for i in range(2000)])
    other = sqlite3.connect(database.where, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with database.engine.connect().execution_options(**{WRITING: True}) as connection:
        connection.connection.cursor().execute("PRAGMA busy_timeout = 10")
    with pytest.raises(StoreError, match=r"locked\. Somebody else is writing for long"), database._writing():
        pass
    other.close()
    database.close()


@pytest.mark.parametrize(
    ("place", "told"),
    [
        ("mysql://ann:opensesame@db/facts", "mysql:// is not read"),
        ("postgresql+psycopg://ann:opensesame@db/facts", "PostgreSQL is spoken to with pg8000"),
        ("postgresql://ann:opensesame@db:port/facts", "no URL of a database"),
        ("sqlite://", "in memory keeps nothing"),
        (":memory:", "keeps nothing"),
        ("", "keeps nothing"),
        ("postgresql://ann:opensesame@db/facts?sslmod=require", "Did you mean 'sslmode'"),
    ],
)
def test_an_address_that_is_none_is_told_without_its_password(place: str, told: str) -> None:
    pytest.importorskip("pg8000")
    with pytest.raises(CamelopardError, match=told) as caught:
        address.read(place)
    assert "opensesame" not in str(caught.value)


def test_encryption_is_as_strict_as_the_url_asks() -> None:
    pytest.importorskip("pg8000")

    def context(mode: str) -> Any:
        return address.connecting(address.read(f"postgresql://ann@db/facts?sslmode={mode}"))[1].get("ssl_context")

    assert context("disable") is None
    assert [(c.verify_mode.name, c.check_hostname) for c in map(context, ("require", "verify-ca", "verify-full"))] == [
        ("CERT_NONE", False),
        ("CERT_REQUIRED", False),
        ("CERT_REQUIRED", True),
    ]
    with pytest.raises(UnknownName, match="no sslmode named 'maybe'"):
        context("maybe")


def test_a_wrong_password_and_a_missing_server_are_told_without_the_password(cluster: Cluster) -> None:
    with pytest.raises(StoreError, match=r"Look at the user and the password in the URL") as caught:
        Database.open(f"postgresql://camelopard:opensesame@127.0.0.1:{cluster.port}/postgres")
    assert "opensesame" not in str(caught.value) + repr(caught.value.__cause__)
    with pytest.raises(StoreError, match=r"127\.0\.0\.1:1/facts: the database does not answer .* Is the server running"):
        Database.open("postgresql://camelopard:opensesame@127.0.0.1:1/facts")


@POSTGRESQL
def test_a_database_prints_without_its_password(database: Database, cluster: Cluster) -> None:
    assert cluster.password not in f"{database!r} {database.engine!r} {database.where}"
    assert f"127.0.0.1:{cluster.port}/facts_" in repr(database)
