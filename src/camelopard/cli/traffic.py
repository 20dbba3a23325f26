"""`camelopard traffic`: what a gateway has decided, read from its log; and whether a decision comes out the same again."""

from __future__ import annotations

import datetime as dt
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from camelopard.store.log_reading import Logged


def traffic(
    log: Annotated[str, typer.Argument(help="The log: what serve was given as --log.")],
    route: Annotated[str | None, typer.Option("--route", help="Only rows of this route: pass, repair, review, block or unjudged.")] = None,
    model: Annotated[str | None, typer.Option("--name", help="Only rows of the model served by this name.")] = None,
    request: Annotated[str | None, typer.Option("--request", help="Only rows of this request, as the header camelopard-request names it.")] = None,
    since: Annotated[str | None, typer.Option("--since", help="Only from this time on, in UTC: 2026-05-17 or 2026-05-17T14:30.")] = None,
    limit: Annotated[int, typer.Option("--limit", help="How many rows to show, the newest first.")] = 20,
    replay: Annotated[Path | None, typer.Option("--replay", help="The firewall of that time: judge the rows again, and say what differs.")] = None,
    model_file: Annotated[str | None, typer.Option("--model", help="The model, for --replay.")] = None,
    classes: Annotated[str | None, typer.Option("--classes", help="Class names in the model's order, separated by commas.")] = None,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON document per row.")] = False,
    trust: Annotated[bool, typer.Option("--trust", help="Load a pickle, which runs code.")] = False,
) -> None:
    """Show what was decided, the newest first; with --replay, whether it comes out the same again (exit code 1 where it does not)."""
    from camelopard.cli.loading import firewall_of
    from camelopard.cli.telling import as_json, console, working
    from camelopard.core.errors import require
    from camelopard.store.log_replay import replay as replayed
    from camelopard.store.log_replay import version_of

    require("deltalake", extra="serve")
    from camelopard.store.log_reading import read

    rows = read(log, since=None if since is None else _moment(since), model=model, route=route, request=request, limit=limit)
    different: dict[str, tuple[str, ...]] = {}
    if replay is not None:
        with working(quiet=json):
            firewall = firewall_of(replay, model_file, trust=trust, classes=classes)
            version = version_of(replay)
            different = {row.id: replayed(row, firewall, version=version).different for row in rows}
    if json:
        for row in rows:
            as_json({**asdict(row), "id": row.id, **({"different": different[row.id]} if replay is not None else {})})
    else:
        said = console()
        said.print(_view(rows, different if replay is not None else None) if rows else "No rows.")
        if replay is not None:
            changed = sum(bool(what) for what in different.values())
            said.print(f"{len(rows) - changed:,} of {len(rows):,} rows come out the same.")
    if any(different.values()):
        raise typer.Exit(1)


def _moment(text: str) -> dt.datetime:
    from camelopard.core.errors import CamelopardError

    try:
        found = dt.datetime.fromisoformat(text)
    except ValueError:
        raise CamelopardError(f"--since {text}: expected a day or a time in UTC, such as 2026-05-17 or 2026-05-17T14:30.") from None
    return found if found.tzinfo is not None else found.replace(tzinfo=dt.UTC)


def _view(rows: list[Logged], different: dict[str, tuple[str, ...]] | None) -> Any:
    from rich.markup import escape
    from rich.table import Table

    again = [] if different is None else ["again"]
    view = Table("time (UTC)", "id", "route", "done", "risk", "confidence", "answer", "what is wrong", *again)
    for row in rows:
        why = next((reason.message or reason.code for reason in row.reasons), "")
        figures = ("–" if value is None else f"{value:.2f}" for value in (row.risk, row.confidence))
        same = [] if different is None else [", ".join(different[row.id]) or "same"]
        answer = "–" if row.prediction is None else str(row.prediction)
        cells = (row.id, row.route, row.done, *figures, answer[:40], why[:100], *same)
        view.add_row(f"{row.time:%Y-%m-%d %H:%M:%S}", *("".join(c if c.isprintable() else "�" for c in escape(cell)) for cell in cells))
    return view
