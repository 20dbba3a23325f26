"""`camelopard people`: who may sign in, and what they are."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeAlias

import typer

from camelopard.cli.facts import Facts, Json, Place, as_json, day, itself, now, opened, told

if TYPE_CHECKING:
    from camelopard.store.people import User
    from camelopard.store.roles import Role

Name: TypeAlias = Annotated[str, typer.Argument(help="Their name.")]
Roles: TypeAlias = Annotated[list[str], typer.Argument(help="viewer, labeller, expert, developer, approver, auditor, admin.")]

app = typer.Typer(no_args_is_help=True, help="Who may sign in to the gateway's pages, and what they are.")


@app.command("list")
def list_people(home: Place = None, facts: Facts = None, json: Json = False) -> None:
    """List all people."""
    from camelopard.store import people as store

    with opened(home, facts) as database:
        found: list[User] = []
        while page := store.page(database, after=found[-1].name if found else "", size=500):
            found += page
    told(
        json,
        ("name", "roles", "state", "since"),
        [(user.name, ", ".join(user.roles) or "none", _state(user), day(user.made_at)) for user in found],
        [{"name": user.name, "roles": user.roles, "active": user.active, "must_change": user.must_change, "made_at": user.made_at} for user in found],
    )


@app.command("add")
def add(name: Name, roles: Roles, home: Place = None, facts: Facts = None, json: Json = False) -> None:
    """Add somebody; print their one-time password, this once."""
    from camelopard.store import people as store

    with opened(home, facts) as database, database.change(itself(), now()) as change:
        word = store.add(change, name, _roles(roles))
        user = store.held(change, name)
    _word(user, word.reveal(), json)


@app.command("roles")
def set_roles(name: Name, roles: Roles, home: Place = None, facts: Facts = None) -> None:
    """Give somebody these roles and no others."""
    from camelopard.store import people as store

    with opened(home, facts) as database, database.change(itself(), now()) as change:
        user = store.set_roles(change, name, _roles(roles))
    print(f"{user.name} is now {', '.join(user.roles)}.")


@app.command("disable")
def disable(name: Name, home: Place = None, facts: Facts = None) -> None:
    """Disable somebody: signed out everywhere, and every token good for nothing."""
    _set_active(name, False, home, facts)


@app.command("enable")
def enable(name: Name, home: Place = None, facts: Facts = None) -> None:
    """Enable somebody again."""
    _set_active(name, True, home, facts)


@app.command("reset")
def reset(name: Name, home: Place = None, facts: Facts = None, json: Json = False) -> None:
    """Give somebody who has forgotten their password a one-time password, printed this once."""
    from camelopard.store import people as store

    with opened(home, facts) as database, database.change(itself(), now()) as change:
        word = store.reset_password(change, name)
        user = store.held(change, name)
    _word(user, word.reveal(), json)
    if not user.active:
        print(f"{user.name} is disabled, and cannot sign in before that is changed: camelopard people enable {user.name}")


def _set_active(name: str, active: bool, home: Path | None, facts: str | None) -> None:
    from camelopard.store import people as store

    with opened(home, facts) as database, database.change(itself(), now()) as change:
        user = store.set_active(change, name, active)
    print(f"{user.name} is {'enabled' if active else 'disabled'}.")


def _roles(words: Sequence[str]) -> list[Role]:
    return [role for word in words for role in word.split(",") if role]  # type: ignore[misc]  # checked where they are kept


def _state(user: User) -> str:
    return "disabled" if not user.active else "one-time password" if user.must_change else "active"


def _word(user: User, word: str, json: bool) -> None:
    if json:
        as_json({"name": user.name, "roles": user.roles, "one_time_password": word})
        return
    print(f"The one-time password of {user.name}, shown this once: {word}")
