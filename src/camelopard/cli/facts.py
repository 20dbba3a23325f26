"""Where a server keeps its facts, for the commands that read and change them on the machine itself: whoever may read its files needs no password."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeAlias

import typer

if TYPE_CHECKING:
    from camelopard.store.database import Database
    from camelopard.store.roles import Actor

Place: TypeAlias = Annotated[Path | None, typer.Option("--home", help="The folder that serve was given as --home.")]
Facts: TypeAlias = Annotated[str | None, typer.Option("--facts", help="The database that serve was given as --facts, where it was given one.")]
Json: TypeAlias = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@contextmanager
def opened(home: Path | None, facts: str | None) -> Iterator[Database]:
    """Yield the database; it must be there: a misspelt folder or file is no new one."""
    from camelopard.core.errors import CamelopardError, require

    for package in ("sqlalchemy", "argon2", "alembic", "msgspec"):
        require(package, extra="serve")
    from camelopard.server.home import DATABASE
    from camelopard.store import address
    from camelopard.store.database import Database

    if facts is None:
        if home is None:
            raise CamelopardError("which server's? Give the folder that serve was given: --home DIR (or --facts URL, where it was given one).")
        place = home / DATABASE
        if not place.is_file():
            raise CamelopardError(f"{home}: no server keeps its facts there ({DATABASE} is missing). Give the folder that serve was given as --home.")
        facts = str(place)
    elif (url := address.read(facts)).drivername == "sqlite" and not Path(str(url.database)).is_file():
        raise CamelopardError(f"--facts: there is no database {address.told(url)}. Give what serve was given as --facts.")
    with Database.open(facts) as database:
        yield database


def itself() -> Actor:
    """Return who acts: the program, run by whoever is on the machine."""
    from camelopard.store.roles import Actor

    return Actor.itself()


def now() -> dt.datetime:
    """Return the time."""
    return dt.datetime.now(dt.UTC)


def day(at: dt.datetime) -> str:
    """Return a day as tables have it."""
    return f"{at:%Y-%m-%d}"


def told(json: bool, heads: Sequence[str], rows: Sequence[Sequence[str]], documents: Sequence[Any]) -> None:
    """Print a table; or each document as a line of JSON."""
    from camelopard.cli.telling import console

    if json:
        for document in documents:
            as_json(document)
        return
    from rich.markup import escape
    from rich.table import Table

    view = Table(*heads)
    for row in rows:
        view.add_row(*("".join(c if c.isprintable() else "�" for c in escape(cell)) for cell in row))
    console().print(view if rows else "None.")


def as_json(document: object) -> None:
    """Print one JSON document on one line."""
    from camelopard.cli import telling

    telling.as_json(document)
