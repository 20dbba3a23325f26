"""The database that facts are kept in: SQLite in a file, or PostgreSQL. Opened with its tables as today's program knows them.

Reading sees one moment and can change nothing. What changes facts is a `Change`; what is merely noted is written by `noting`.

SQLite is set up on purpose:

=================== ======= =========================================================================================================
journal_mode        WAL     readers do not wait for a writer, nor it for them
synchronous         NORMAL  nothing is ever corrupt; a power failure may take back the last changes, whole. A crash of the program does not
foreign_keys        ON      what is referred to exists
busy_timeout        5 s     a writer waits for another one that long. PostgreSQL: lock_timeout is the same
query_only          ON      while reading. PostgreSQL: such a transaction is READ ONLY and REPEATABLE READ
=================== ======= =========================================================================================================

Writers begin with BEGIN IMMEDIATE: they wait at the start rather than failing half way. The file is made readable by its owner alone.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import os
import sqlite3
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import URL, Connection, Engine, NullPool, bindparam, create_engine, event, update
from sqlalchemy.engine import ExceptionContext
from sqlalchemy.exc import DisconnectionError, InterfaceError, OperationalError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.sql.dml import UpdateBase

from camelopard.core.errors import CamelopardError
from camelopard.store import address, migrations
from camelopard.store.errors import StoreError
from camelopard.store.roles import Actor
from camelopard.store.tables import MEASURED, NOTED, models

if TYPE_CHECKING:
    from camelopard.store.change import Change

WAIT = 5.0  # seconds for another writer
STATEMENT = 25.0  # seconds that one statement may take on PostgreSQL; less than a silent server is waited for
CONNECTIONS = 10
WRITING = "camelopard_writing"


class Database:
    """An open database. Threads may share it; each process opens its own.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder, Database.open(f"{folder}/facts.db") as database, database.reading() as connection:
    ...     connection.exec_driver_sql("SELECT count(*) FROM models").scalar()
    0
    """

    def __init__(self, engine: Engine, where: str) -> None:
        self.engine, self.where = engine, where
        self._turn = threading.Lock() if engine.dialect.name == "sqlite" else None

    @classmethod
    def open(cls, place: str | os.PathLike[str]) -> Database:
        """Return the database at this place: a file, made where there is none, or a URL. Tables of an earlier version are brought up to date.

        Raises
        ------
        InputError
            If the place cannot be read as one.
        StoreError
            If the database cannot be reached or written, is none, or was written by a newer version.
        """
        url = address.read(place)
        where = address.told(url)
        if url.drivername == "sqlite":
            _touched(Path(str(url.database)))
        database = cls(_engine(url), where)
        try:
            with database._telling():
                if url.drivername == "sqlite":
                    _write_ahead(database.engine)
                with database.engine.connect() as connection:
                    current = migrations.is_current(connection, where)
                if not current:
                    _migrate(url, where)
        except BaseException:
            database.close()
            raise
        return database

    @contextlib.contextmanager
    def reading(self) -> Iterator[Connection]:
        """Yield a connection that sees one moment of everything, and changes nothing."""
        with self._telling(), self.engine.connect() as connection, connection.begin():
            yield connection

    @contextlib.contextmanager
    def change(self, by: Actor, now: dt.datetime) -> Iterator[Change]:
        """Yield a change of facts: all of it happens, with its entries in the audit log, or nothing does.

        Changes come one after the other, whatever process they come from; each waits its turn, up to five seconds.
        """
        from camelopard.store.change import Change

        with self._writing() as connection:
            yield Change(connection, by, now)

    @contextlib.contextmanager
    def noting(self) -> Iterator[Noting]:
        """Yield a connection that writes what is no fact (when somebody was last seen, what was measured), without the audit log."""
        with self._writing() as connection:
            yield Noting(connection)

    def close(self) -> None:
        """Close all connections."""
        self.engine.dispose()

    def __enter__(self) -> Database:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"Database({self.where!r})"

    @contextlib.contextmanager
    def _writing(self) -> Iterator[Connection]:
        with self._telling(), self._one_by_one(), self.engine.connect() as connection, connection.execution_options(**{WRITING: True}).begin():
            yield connection

    @contextlib.contextmanager
    def _one_by_one(self) -> Iterator[None]:
        """Let the threads of this process wait in line: SQLite has one writer at a time, and those who wait for it only look now and then."""
        if self._turn is None:
            yield
            return
        if not self._turn.acquire(timeout=WAIT):
            raise StoreError(f"{self.where}: another thread is writing for more than {WAIT:g} seconds. Nothing was changed; try again.")
        try:
            yield
        finally:
            self._turn.release()

    @contextlib.contextmanager
    def _telling(self) -> Iterator[None]:
        """Say what went wrong in the database and what to do; never what was being written."""
        try:
            yield
        except SQLAlchemyError as error:
            if isinstance(getattr(error, "orig", None), CamelopardError):  # a value that no column takes
                raise error.orig from None  # type: ignore[attr-defined]
            raise StoreError(f"{self.where}: {_explained(error)}") from error


class Noting:
    """Writes what is no fact."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self.dialect = connection.dialect.name

    def read(self, statement: Any) -> Any:
        """Return the result of a query."""
        return self._connection.execute(statement)

    def write(self, statement: UpdateBase) -> int:
        """Write to a table of what is merely noted; return how many rows that touched.

        Raises
        ------
        StoreError
            If the table holds facts: these are changed within a `Change`, which writes the audit log.
        """
        if statement.table not in NOTED:
            raise StoreError(f"the table {statement.table} holds facts. Change them within database.change(by, now), which writes the audit log.")
        return int(self._connection.execute(statement).rowcount)

    def measured(self, rows: list[dict[str, object]]) -> int:
        """Note what was measured of models: "model" and the columns that `MEASURED` names; return how many of the models there are."""
        values = {column: bindparam(f"new_{column}", type_=models.c[column].type) for column in MEASURED}
        known = [{"the_name": row["model"], **{f"new_{column}": row[column] for column in MEASURED}} for row in rows]
        return int(self._connection.execute(update(models).where(models.c.name == bindparam("the_name")).values(values), known).rowcount)


def _engine(url: URL, *, once: bool = False) -> Engine:
    """Return the engine; `once`: for one piece of work that may take long."""
    known, given = address.connecting(url, None if once else address.PATIENCE)
    if url.drivername == "sqlite":
        engine = create_engine(known, hide_parameters=True, poolclass=NullPool) if once else create_engine(known, hide_parameters=True)
        event.listen(engine, "connect", _set_up_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
        return engine
    half = CONNECTIONS // 2
    pool: dict[str, Any] = {"poolclass": NullPool} if once else {"pool_size": half, "max_overflow": half, "pool_timeout": WAIT}
    engine = create_engine(known, hide_parameters=True, connect_args=given, **pool)
    if not once:
        event.listen(engine, "connect", _set_up_postgresql)
        event.listen(engine, "checkout", _still_there)
    event.listen(engine, "begin", _begin_postgresql)
    event.listen(engine, "handle_error", _lost)
    return engine


def _set_up_sqlite(connection: Any, _: Any) -> None:
    connection.isolation_level = None  # transactions begin where we say so, not where the driver guesses
    for pragma in (f"busy_timeout = {int(WAIT * 1000)}", "synchronous = NORMAL", "foreign_keys = ON"):
        connection.execute(f"PRAGMA {pragma}")


def _begin_sqlite(connection: Connection) -> None:
    writing = WRITING in connection.get_execution_options()
    connection.exec_driver_sql(f"PRAGMA query_only = {'OFF' if writing else 'ON'}")
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writing else "BEGIN")


def _set_up_postgresql(connection: Any, _: Any) -> None:
    cursor = connection.cursor()
    for setting, seconds in (("lock_timeout", WAIT), ("statement_timeout", STATEMENT), ("idle_in_transaction_session_timeout", STATEMENT)):
        cursor.execute(f"SET {setting} = {int(seconds * 1000)}")
    cursor.close()
    connection.commit()


def _still_there(connection: Any, _: Any, __: Any) -> None:
    """Have another connection taken where this one has gone. The pool's own look does not know all the ways in which pg8000 says so."""
    try:
        cursor = connection.cursor()
        cursor.execute("SELECT 1")
        cursor.close()
        connection.rollback()
    except Exception as error:
        raise DisconnectionError(str(error)) from error


def _lost(context: ExceptionContext) -> None:
    """Take an error of the socket, which pg8000 hands on as it is, for what it is: the connection has gone."""
    if isinstance(context.original_exception, OSError):
        context.is_disconnect = True
        raise OperationalError(None, None, context.original_exception) from context.original_exception


def _begin_postgresql(connection: Connection) -> None:
    if WRITING not in connection.get_execution_options():
        connection.exec_driver_sql("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")


def _touched(path: Path) -> None:
    """Make the file where there is none, readable by its owner alone; SQLite makes those beside it alike.

    A file that is there is not opened: closing it would take away the locks that other connections of this process hold on it (POSIX), and another
    process could then remove what they have not written back.
    """
    if path.is_dir():
        raise StoreError(f"{path}: this is a folder. Give the name of a file in it, such as {path / 'camelopard.db'}.")
    try:
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
    except FileExistsError:
        if not os.access(path, os.R_OK | os.W_OK):
            raise StoreError(f"{path}: cannot be written (permission denied). Facts need a file that may be changed.") from None
    except FileNotFoundError:
        raise StoreError(f"{path}: there is no folder {path.parent}. Make it first.") from None
    except OSError as error:
        raise StoreError(f"{path}: cannot be written ({error.strerror or error}). Facts need a file that may be changed.") from None


def _write_ahead(engine: Engine) -> None:
    """Switch the file to write-ahead logging. The file remembers it; while several processes do so at once, SQLite does not wait by itself."""
    with engine.connect() as connection:
        raw = connection.connection.dbapi_connection
        assert isinstance(raw, sqlite3.Connection)
        for attempt in range(50):
            try:
                raw.execute("PRAGMA journal_mode = WAL")
                return
            except sqlite3.OperationalError as error:
                if "locked" not in str(error) or attempt == 49:
                    raise OperationalError("PRAGMA journal_mode = WAL", None, error) from error
                threading.Event().wait(0.02 * (1 + attempt % 5))


def _migrate(url: URL, where: str) -> None:
    engine = _engine(url, once=True)
    try:
        with engine.connect().execution_options(**{WRITING: True}) as connection, connection.begin():
            migrations.upgrade(connection, where)
    finally:
        engine.dispose()


def _explained(error: SQLAlchemyError) -> str:
    """Return what went wrong, and what to do about it, without a word of what was written."""
    if isinstance(error, PoolTimeout):
        return "all connections are in use. Try again, or start another worker."
    cause = getattr(error, "orig", None)
    first = cause.strerror if isinstance(cause, OSError) else cause.args[0] if cause is not None and cause.args else ""
    text = (str(first.get("M", "") if isinstance(first, dict) else first or "").splitlines() or [error.__class__.__name__])[0][:200]
    for words, advice in ADVICE:
        if any(word in text for word in words):
            return f"{text}. {advice}"
    if isinstance(error, (InterfaceError, OperationalError)):
        return f"the database does not answer ({text}). Is the server running, and the address right?"
    return f"the database refused ({text}). Nothing was changed."


ADVICE = (
    (("locked", "lock timeout"), "Somebody else is writing for long. Nothing was changed; try again."),
    (("readonly", "read-only"), "Facts need a file, and a folder around it, that may be written. Nothing was changed."),
    (("is full", "No space", "disk I/O"), "Nothing was changed. Make room on the disk, then try again."),
    (("not a database", "malformed"), "This is no database, or a damaged one. Give another file, or bring back a copy."),
    (("unable to open",), "The file, or its folder, cannot be opened. Is it there, and may it be written?"),
    (("authentication", "password"), "Look at the user and the password in the URL."),
    (("permission denied",), "Give the user of this URL the right to make and change tables in that database."),
)
