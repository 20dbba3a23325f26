"""`camelopard tokens`: by which programs act for people."""

from __future__ import annotations

import datetime as dt
from typing import Annotated

import typer

from camelopard.cli.facts import Facts, Json, Place, as_json, day, itself, now, opened, told

app = typer.Typer(no_args_is_help=True, help="Tokens, by which programs use the API and ask models in somebody's name.")


@app.command("list")
def list_tokens(name: Annotated[str, typer.Option("--of", help="Whose.")], home: Place = None, facts: Facts = None, json: Json = False) -> None:
    """List somebody's tokens; never the tokens themselves."""
    from camelopard.store import people as store
    from camelopard.store import tokens as kept

    with opened(home, facts) as database:
        found = kept.of(database, store.get(database, name).name)
    at = now()
    rows = [
        (
            token.id,
            token.label,
            ", ".join(token.scopes),
            "revoked" if token.revoked_at else f"{'ended' if token.ends_at <= at else 'until'} {day(token.ends_at)}",
            day(token.used_at) if token.used_at else "never",
        )
        for token in found
    ]
    told(json, ("id", "for what", "may", "state", "last used"), rows, [dict(vars(token)) for token in found])


@app.command("make")
def make(
    label: Annotated[str, typer.Argument(help="What it is for.")],
    scopes: Annotated[list[str], typer.Option("--may", help='What it may do, such as "ask models"; several times for several.')],
    name: Annotated[str, typer.Option("--of", help="In whose name the program acts.")],
    days: Annotated[int, typer.Option("--days", help="How many days it is good for, up to 366.")] = 90,
    home: Place = None,
    facts: Facts = None,
    json: Json = False,
) -> None:
    """Make a token; print it, this once."""
    from camelopard.core.errors import CamelopardError
    from camelopard.store import people as store
    from camelopard.store import tokens as kept

    with opened(home, facts) as database:
        user = store.get(database, name)
        if user.must_change or not user.active:
            why = "has a one-time password: before they sign in and change it," if user.active else "is disabled:"
            raise CamelopardError(f"{user.name} {why} their tokens are good for nothing.")
        if not 1 <= days <= kept.LONGEST.days:
            raise CamelopardError(f"--days {days}: expected 1 to {kept.LONGEST.days}.")
        with database.change(user.acting("command line"), now()) as change:
            made, secret = kept.make(change, label, scopes, dt.timedelta(days=days))  # type: ignore[arg-type]  # checked there
    if json:
        as_json({**vars(made), "secret": secret.reveal()})
        return
    print(secret.reveal())
    print(f"Shown this once. Good until {day(made.ends_at)} for: {', '.join(made.scopes)}.")


@app.command("revoke")
def revoke(id: Annotated[str, typer.Argument(help="The eight characters by which it is listed.")], home: Place = None, facts: Facts = None) -> None:
    """Make a token good for nothing."""
    from camelopard.store import tokens as kept

    with opened(home, facts) as database, database.change(itself(), now()) as change:
        kept.revoke(change, id)
    print(f"The token {id} is good for nothing now; a gateway that has just seen it may take it for five seconds more.")
