"""How a store of any earlier version becomes today's: one step a file, in order, in one transaction."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import Connection, inspect, text

from camelopard.store.errors import StoreError

HEAD = "r0003"
LOCK = 0x63616D65  # "came": whoever brings a PostgreSQL database up to date holds it


def is_current(connection: Connection, where: str) -> bool:
    """Return whether the tables are today's.

    Raises
    ------
    StoreError
        If they are of a version that this one does not know, or are somebody else's.
    """
    found = revision(connection)
    if found == HEAD:
        return True
    if found is not None and found not in known():
        raise StoreError(f"{where}: written by a newer camelopard (tables {found}; this one knows {HEAD}). Update camelopard.")
    if found is None:
        foreign = sorted(inspect(connection).get_table_names())
        if foreign:
            raise StoreError(f"{where}: this database holds tables of something else ({', '.join(foreign[:5])}). Give facts a database of their own.")
    return False


def revision(connection: Connection) -> str | None:
    """Return which tables there are; None in an empty database."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    return connection.execute(text("SELECT version_num FROM alembic_version")).scalar()


def known() -> list[str]:
    """Return all steps, the first one first."""
    return sorted(path.stem[:5] for path in (Path(__file__).parent / "versions").glob("r*.py"))


def upgrade(connection: Connection, where: str) -> None:
    """Take the steps that are missing. Others who want the same wait, and find it done."""
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": LOCK})
    if is_current(connection, where):
        return
    from alembic.migration import MigrationContext
    from alembic.operations import Operations
    from alembic.script import ScriptDirectory

    scripts = ScriptDirectory(str(Path(__file__).parent))
    context = MigrationContext.configure(connection)
    steps = list(scripts.iterate_revisions("head", context.get_current_revision() or "base"))
    for step in reversed(steps):
        with Operations.context(context):
            step.module.upgrade()
        context.stamp(scripts, step.revision)
