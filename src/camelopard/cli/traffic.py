"""`camelopard traffic`: what a gateway has decided, read from its log; and whether a decision comes out the same again."""

from __future__ import annotations

import datetime as dt
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from camelopard.cli.options import Encoder

if TYPE_CHECKING:
    from camelopard.firewall.firewall import Firewall
    from camelopard.store.log_reading import Logged


def traffic(
    log: Annotated[str | None, typer.Argument(help="The log: what serve was given as --log.")] = None,
    home: Annotated[Path | None, typer.Option("--home", help="What serve was given as --home, instead of the log itself.")] = None,
    id: Annotated[str | None, typer.Option("--id", help="Show this one verdict whole: an id as clients are told it.")] = None,
    route: Annotated[str | None, typer.Option("--route", help="Only rows of this route: pass, repair, review, block or unjudged.")] = None,
    reason: Annotated[str | None, typer.Option("--reason", help="Only rows with a reason of this code, such as out-of-range.")] = None,
    model: Annotated[str | None, typer.Option("--name", help="Only rows of the model served by this name.")] = None,
    request: Annotated[str | None, typer.Option("--request", help="Only rows of this request, as the header camelopard-request names it.")] = None,
    since: Annotated[str | None, typer.Option("--since", help="Only from this time on, in UTC: 2026-05-17 or 2026-05-17T14:30.")] = None,
    until: Annotated[str | None, typer.Option("--until", help="Only before this time.")] = None,
    by: Annotated[str | None, typer.Option("--by", help="Count rows by route instead, in each minute, hour or day.")] = None,
    limit: Annotated[int, typer.Option("--limit", help="How many rows to show, the newest first.")] = 20,
    replay: Annotated[Path | None, typer.Option("--replay", help="The firewall of that time: judge the rows again, and say what differs.")] = None,
    model_file: Annotated[str | None, typer.Option("--model", help="The model, for --replay.")] = None,
    encoder: Encoder = None,
    classes: Annotated[str | None, typer.Option("--classes", help="Class names in the model's order, separated by commas.")] = None,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON document per row.")] = False,
    trust: Annotated[bool, typer.Option("--trust", help="Load a pickle, which runs code.")] = False,
) -> None:
    """Show what was decided, the newest first; with --replay, whether it comes out the same again (exit code 1 where it does not)."""
    from camelopard.cli import traffic_telling
    from camelopard.cli.loading import firewall_of
    from camelopard.cli.telling import as_json, console, working
    from camelopard.core.errors import require
    from camelopard.store.log_replay import replay as replayed
    from camelopard.store.log_replay import version_of

    require("deltalake", extra="serve")
    from camelopard.server.management.beside import plain as beside
    from camelopard.store.log_reading import counts, read, row

    place = _place(log, home)
    begin, end = _moment("--since", since), _moment("--until", until)
    if by is not None:
        found = counts(place, by, since=begin, until=end, model=model, route=route, reason=reason)  # type: ignore[arg-type]  # checked by it
        for count in found if json else ():
            as_json({"start": count.start, "rows": dict(count.rows)})
        if not json:
            console().print(traffic_telling.counted(found) if found else "No rows.")
        return
    if id is not None:
        rows = [row(place, id)]
    else:
        cells = json or replay is not None
        rows = read(place, since=begin, until=end, model=model, route=route, reason=reason, request=request, limit=limit, cells=cells)
    different: dict[str, tuple[str, ...]] = {}
    if replay is not None:
        with working(quiet=json):
            firewall = firewall_of(replay, model_file, trust=trust, classes=classes, encoder=encoder)
            version = version_of(replay)
            different = {one.id: replayed(one, firewall, version=version).different for one in rows}
    near = beside(rows[0], firewall if replay is not None else _kept(home, rows[0])) if id is not None else {}
    if json:
        for one in rows:
            as_json({**asdict(one), "id": one.id, **near, **({"different": different[one.id]} if replay is not None else {})})
    else:
        said = console()
        if id is not None:
            traffic_telling.whole(rows[0], near, said)
        else:
            said.print(traffic_telling.view(rows, different if replay is not None else None) if rows else "No rows.")
        if replay is not None:
            changed = sum(bool(what) for what in different.values())
            said.print(f"{len(rows) - changed:,} of {len(rows):,} rows come out the same.")
    if any(different.values()):
        raise typer.Exit(1)


def _place(log: str | None, home: Path | None) -> str:
    """Return where the log is: named itself, or in a home."""
    from camelopard.core.errors import CamelopardError
    from camelopard.server.home import VERDICTS

    if (log is None) == (home is None):
        raise CamelopardError("name the log, or with --home the folder that serve remembers in: one of them.")
    return log if log is not None else str(home / VERDICTS)  # type: ignore[operator]  # one of them is there


def _kept(home: Path | None, row: Logged) -> Firewall | None:
    """Return the firewall that judged a row, where a home is named that keeps it."""
    from camelopard.server.home import FIREWALLS, kept
    from camelopard.server.management.beside import read_kept

    return None if home is None else read_kept(kept(home / FIREWALLS, row.firewall))


def _moment(option: str, text: str | None) -> dt.datetime | None:
    from camelopard.core.errors import CamelopardError

    if text is None:
        return None
    try:
        found = dt.datetime.fromisoformat(text)
    except ValueError:
        raise CamelopardError(f"{option} {text}: expected a day or a time in UTC, such as 2026-05-17 or 2026-05-17T14:30.") from None
    return found if found.tzinfo is not None else found.replace(tzinfo=dt.UTC)
