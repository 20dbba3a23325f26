"""Every test of facts runs on SQLite and on PostgreSQL. For the latter a cluster of its own is started, on loopback, in a temporary folder."""

from __future__ import annotations

import contextlib
import datetime as dt
import os
import pwd
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from camelopard.store.database import Database

NOW = dt.datetime(2026, 3, 1, 9, 30, tzinfo=dt.UTC)
QUICKLY = ("fsync=off", "synchronous_commit=off", "full_page_writes=off", "shared_buffers=32MB", "max_connections=40", "log_min_messages=fatal")


@dataclass(frozen=True)
class Cluster:
    """A PostgreSQL server of our own."""

    port: int
    password: str

    def url(self, name: str) -> str:
        return f"postgresql://camelopard:{self.password}@127.0.0.1:{self.port}/{name}"

    def run(self, statement: str) -> None:
        """Run one statement outside of any transaction."""
        from sqlalchemy import NullPool, create_engine

        url = self.url("postgres").replace("postgresql:", "postgresql+pg8000:")
        with create_engine(url, poolclass=NullPool, isolation_level="AUTOCOMMIT").connect() as connection:
            connection.exec_driver_sql(statement)

    def fresh(self) -> str:
        """Return the URL of a new database."""
        name = f"facts_{secrets.token_hex(6)}"
        self.run(f"CREATE DATABASE {name}")
        return self.url(name)


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    pytest.importorskip("pg8000", reason="pg8000 is not installed: pip install 'camelopard[postgres]'")
    programs = _programs()
    if programs is None:
        pytest.skip("PostgreSQL is not installed: apt-get install postgresql")
    folder = Path(tempfile.mkdtemp(prefix="camelopard-postgresql-"))
    user = _other_user()
    if user is not None:
        os.chown(folder, user, -1)
    found = Cluster(_free_port(), secrets.token_hex(8))
    word = folder / "word"
    word.write_text(found.password)
    word.chmod(0o644)  # in a folder that only the server's user opens
    data, env = folder / "data", {"PATH": os.environ["PATH"], "LC_ALL": "C"}
    initdb: list[str | Path] = [
        programs / "initdb",
        "-D",
        data,
        "-U",
        "camelopard",
        "--pwfile",
        word,
        "-A",
        "scram-sha-256",
        "-E",
        "UTF8",
        "--no-sync",
    ]
    try:
        done = subprocess.run(initdb, user=user, env=env, cwd=folder, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        settings = [part for setting in QUICKLY for part in ("-c", setting)]
        serve: list[str | Path] = [programs / "postgres", "-D", data, "-h", "127.0.0.1", "-p", str(found.port), "-k", folder, *settings]
        with open(folder / "told", "wb") as told:
            server = subprocess.Popen(serve, user=user, env=env, cwd=folder, stdout=told, stderr=told, start_new_session=True)
        try:
            _wait_for(found, server, folder / "told")
            yield found
        finally:
            server.send_signal(signal.SIGINT)  # disconnects all, then stops
            try:
                server.wait(20)
            except subprocess.TimeoutExpired:
                server.kill()
                server.wait()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def opened() -> Iterator[dict[str, Database]]:
    """Databases that are open already, to be emptied for each test: a new one would cost more than most tests."""
    found: dict[str, Database] = {}
    yield found
    for database in found.values():
        database.close()


@pytest.fixture(params=["sqlite", "postgresql"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Where an empty database is, or may be made."""
    pytest.importorskip("sqlalchemy", reason="SQLAlchemy is not installed: pip install 'camelopard[serve]'")
    if request.param == "sqlite":
        return str(tmp_path / "facts.db")
    found: Cluster = request.getfixturevalue("cluster")
    return found.fresh()


@pytest.fixture(params=["sqlite", "postgresql"])
def database(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, opened: dict[str, Database], monkeypatch: pytest.MonkeyPatch
) -> Iterator[Database]:
    """An open database without facts. Passwords cost little in it."""
    pytest.importorskip("sqlalchemy", reason="SQLAlchemy is not installed: pip install 'camelopard[serve]'")
    pytest.importorskip("argon2", reason="argon2-cffi is not installed: pip install 'camelopard[serve]'")
    from argon2 import PasswordHasher

    from camelopard.store import passwords
    from camelopard.store.database import Database

    monkeypatch.setattr(passwords, "HASHER", PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
    passwords.nobody.cache_clear()
    if request.param not in opened:
        new = str(tmp_path_factory.mktemp("facts") / "facts.db") if request.param == "sqlite" else request.getfixturevalue("cluster").fresh()
        opened[request.param] = Database.open(new)
    found = opened[request.param]
    _empty(found)
    yield found
    passwords.nobody.cache_clear()


@contextlib.contextmanager
def unguarded(database: Database) -> Iterator[Connection]:
    """Yield a connection of somebody who may do everything, even what triggers forbid."""
    from sqlalchemy import text

    with database._writing() as connection:
        if database.engine.dialect.name == "postgresql":
            connection.execute(text("SET LOCAL session_replication_role = replica"))
            yield connection
            return
        guards = connection.execute(text("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'")).all()
        for name, _ in guards:
            connection.execute(text(f"DROP TRIGGER {name}"))
        yield connection
        for _, sql in guards:
            connection.execute(text(sql))


def _empty(database: Database) -> None:
    from camelopard.store.tables import METADATA, audit_head

    with unguarded(database) as connection:
        for table in reversed(METADATA.sorted_tables):
            if table is not audit_head:
                connection.execute(table.delete())
        connection.execute(audit_head.update().values(number=0, hash="0" * 64))


def _programs() -> Path | None:
    """Return the folder of PostgreSQL's programs, the newest one."""
    folders = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: int(path.parent.name) if path.parent.name.isdigit() else 0)
    named = [Path(found).resolve().parent for name in ("initdb", "postgres") if (found := shutil.which(name))]
    return next((path for path in [*reversed(folders), *named] if (path / "initdb").exists() and (path / "postgres").exists()), None)


def _other_user() -> int | None:
    """Return whom the server runs as; None where we are somebody whom it accepts: it refuses to run as root."""
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name).pw_uid
        except KeyError:
            continue
    pytest.skip("PostgreSQL does not run as root, and there is neither a user postgres nor nobody")


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def _wait_for(cluster: Cluster, server: subprocess.Popen[bytes], told: Path) -> None:
    for _ in range(300):
        assert server.poll() is None, told.read_text()
        try:
            cluster.run("SELECT 1")
            return
        except Exception:  # it is still starting
            time.sleep(0.1)
    raise AssertionError("PostgreSQL did not start within 30 seconds")
