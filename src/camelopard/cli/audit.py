"""`camelopard audit`: who changed what, and whether the log is whole."""

from __future__ import annotations

from typing import Annotated

import typer

from camelopard.cli.facts import Facts, Json, Place, as_json, opened, told

app = typer.Typer(no_args_is_help=True, help="The audit log: who changed what, and whether it is whole.")


@app.command("list")
def entries(
    who: Annotated[str, typer.Option("--who", help="Only what this person did.")] = "",
    action: Annotated[str, typer.Option("--action", help='Only this action, such as "roles changed".')] = "",
    kind: Annotated[str, typer.Option("--kind", help="With --subject: model, user or token.")] = "",
    subject: Annotated[str, typer.Option("--subject", help="Only what was done to the one of this name.")] = "",
    before: Annotated[int | None, typer.Option("--before", help="Only entries with smaller numbers.")] = None,
    limit: Annotated[int, typer.Option("--limit", min=1, max=500, help="How many to show, the newest first.")] = 20,
    home: Place = None,
    facts: Facts = None,
    json: Json = False,
) -> None:
    """List entries, the newest first."""
    from camelopard.server.management import auditing

    with opened(home, facts) as database:
        found, _ = auditing.page(database, who, action, kind, subject, before, limit)
    rows = [(f"{e.number}", f"{e.at:%Y-%m-%d %H:%M:%S}", f"{e.by} ({e.via})", e.action, f"{e.kind} {e.subject}", e.details) for e in found]
    told(json, ("entry", "time (UTC)", "who", "what", "of what", "details"), rows, [{**vars(e), "details": e.told} for e in found])


@app.command("verify")
def verify(
    noted: Annotated[str, typer.Option("--noted", help="A head of the log that was noted earlier, as NUMBER:HASH.")] = "",
    home: Place = None,
    facts: Facts = None,
    json: Json = False,
) -> None:
    """Check every entry; exit code 1 where the log is not whole. Prints the head, to be noted elsewhere."""
    from camelopard.server.management import auditing

    with opened(home, facts) as database:
        found = auditing.verified(database, noted)
    head = f"{found.entries}:{found.head}"
    if json:
        as_json({"whole": found.whole, "entries": found.entries, "head": head, "broken": found.broken, "why": found.why})
    else:
        print(found)
        print(f"Its head, to be noted elsewhere: {head}")
    if not found.whole:
        raise typer.Exit(1)
