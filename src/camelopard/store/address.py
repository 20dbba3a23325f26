"""Where facts are kept: a file for SQLite, or the URL of a PostgreSQL database. Read with care, and told without its password."""

from __future__ import annotations

import os
import ssl
from pathlib import Path
from typing import Any

from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError

from camelopard.core.errors import InputError, UnknownName, require

EXPECTED = "Expected a file, such as camelopard.db, or a URL, such as postgresql://user:password@host/database"
PLAIN = ("postgresql", "postgres", "postgresql+pg8000")
OPTIONS = ("application_name", "sslmode", "sslrootcert", "unix_sock")
SSL_MODES = ("disable", "require", "verify-ca", "verify-full")
PATIENCE = 30.0  # seconds that a PostgreSQL server may stay silent


def read(place: str | os.PathLike[str]) -> URL:
    """Return the address of a database, with the driver that is used for it.

    Raises
    ------
    InputError
        If it is neither a file nor the URL of SQLite or PostgreSQL, or asks for a driver whose licence forbids its use here.

    >>> read("facts.db").drivername, read("postgres://ann:word@db/facts").drivername
    ('sqlite', 'postgresql+pg8000')
    """
    text = os.fspath(place)
    if "://" not in text:
        if not text or text == ":memory:":
            raise InputError(f"{text!r} keeps nothing. {EXPECTED}.")
        return URL.create("sqlite", database=str(Path(text)))
    try:
        url = make_url(text)
    except (ArgumentError, ValueError):
        raise InputError(f"this is no URL of a database (it may hold a password, so it is not shown). {EXPECTED}.") from None
    if url.drivername in ("sqlite", "sqlite+pysqlite"):
        if not url.database or url.database == ":memory:":
            raise InputError(f"a database in memory keeps nothing. {EXPECTED}.")
        return URL.create("sqlite", database=url.database)
    if url.drivername not in PLAIN:
        raise InputError(f"{url.drivername}:// is not read; PostgreSQL is spoken to with pg8000. {EXPECTED}.")
    require("pg8000", extra="postgres")
    for name in url.query:
        if name not in OPTIONS:
            raise UnknownName.among(name, OPTIONS, "option of a PostgreSQL URL")
    return url.set(drivername="postgresql+pg8000")


def told(url: URL) -> str:
    """Return an address to be printed: no password, no options.

    >>> told(read("postgresql://ann:word@db:5433/facts?sslmode=require"))
    'postgresql://ann@db:5433/facts'
    """
    if url.drivername == "sqlite":
        return str(url.database)
    return URL.create("postgresql", url.username, None, url.host, url.port, url.database).render_as_string()


def connecting(url: URL, patience: float | None = PATIENCE) -> tuple[URL, dict[str, Any]]:
    """Return the address without the options that the driver does not know, and what it is to be given in their place."""
    if url.drivername == "sqlite":
        return url, {}
    options = {name: value if isinstance(value, str) else value[-1] for name, value in url.query.items()}
    mode, roots = options.pop("sslmode", "disable"), options.pop("sslrootcert", None)
    if mode not in SSL_MODES:
        raise UnknownName.among(mode, SSL_MODES, "sslmode")
    given: dict[str, Any] = {"application_name": "camelopard", **options, "timeout": patience}
    if mode != "disable":
        given["ssl_context"] = _encrypted(mode, roots)
    return url.set(query={}), given


def _encrypted(mode: str, roots: str | None) -> ssl.SSLContext:
    """Return how to encrypt: as libpq does, `require` trusts any certificate, `verify-ca` a vouched one, `verify-full` one of that host."""
    try:
        context = ssl.create_default_context(cafile=roots)
    except OSError as error:
        raise InputError(f"sslrootcert={roots!r} cannot be read ({error.strerror or error}). Give a file of certificates in PEM form.") from error
    context.check_hostname = mode == "verify-full"
    if mode == "require":
        context.verify_mode = ssl.CERT_NONE
    return context
