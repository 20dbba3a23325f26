"""Verdicts of a log on a console: a list, one of them whole, and counts by route."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from camelopard.store.log_reading import Count, Logged

LONGEST = 300  # characters of a cell
MOST_COLUMNS = 8  # of the clean rows like it; the others are in the JSON


def view(rows: Sequence[Logged], different: Mapping[str, tuple[str, ...]] | None) -> Table:
    """Return a table of verdicts; with `different`, what did not come out the same again."""
    from rich.table import Table

    again = [] if different is None else ["again"]
    view = Table("time (UTC)", "id", "route", "done", "risk", "confidence", "answer", "what is wrong", *again)
    for row in rows:
        why = next((reason.message or reason.code for reason in row.reasons), "")
        figures = ("–" if value is None else f"{value:.2f}" for value in (row.risk, row.confidence))
        same = [] if different is None else [", ".join(different[row.id]) or "same"]
        answer = "–" if row.prediction is None else str(row.prediction)
        cells = (row.id, row.route, row.done, *figures, answer[:40], why[:100], *same)
        view.add_row(f"{row.time:%Y-%m-%d %H:%M:%S}", *map(shown, cells))
    return view


def whole(row: Logged, near: Mapping[str, Any], console: Console) -> None:
    """Print one verdict whole: what was decided, the row with its repair, and why; with what is usual and clean rows like it (`near`), if known."""
    from rich.table import Table

    from camelopard.core.errors import InputError

    console.print(f"{row.time:%Y-%m-%d %H:%M:%S} UTC, {shown(row.model)}: {row.route}, {row.done}. Firewall {row.firewall[:12] or 'none'}.")
    figures = ", ".join(f"{name} {value:.4g}" for name in ("risk", "confidence", "oddity", "novelty") if (value := getattr(row, name)) is not None)
    console.print(f"The model says {shown('nothing' if row.prediction is None else row.prediction)}{'; ' if figures else ''}{figures}.")
    for reason in row.reasons:
        console.print(f"  {100 * reason.contribution:3.0f} %  {shown(reason.message or f'{reason.code} (its words were not kept)')}")
    repair: Mapping[str, Any] = row.repair or {}
    changes: Mapping[str, Any] = repair.get("changes", {})
    try:
        cells = row.cells
    except InputError as error:
        console.print(shown(error))
        cells = {}
    named = cells if isinstance(cells, Mapping) else {"the row": cells}
    usual: Mapping[str, str] = near.get("usual") or {}
    table = Table("column", "as it came", *(["repaired"] if changes else []), *(["usual"] if usual else []))
    for name in dict.fromkeys([*map(str, named), *changes]):
        came = shown(named[name]) if name in named else "absent"
        repaired = [shown(changes[name]) if name in changes else ""] if changes else []
        table.add_row(shown(name), came, *repaired, *([shown(usual.get(name, ""))] if usual else []))
    if table.row_count:
        console.print(table)
    if changes:
        console.print(f"To the repaired row the model says {shown(repair.get('prediction'))}.")
    if similar := near.get("similar"):
        columns = list(similar[0]["cells"])[:MOST_COLUMNS]
        table = Table("the model says", *map(shown, columns), title="Clean rows like it, about right")
        for one in similar:
            table.add_row(shown(one["answer"]), *(shown(one["cells"][name]) for name in columns))
        console.print(table)


def counted(counts: Sequence[Count]) -> Table:
    """Return a table of how many rows went which way."""
    from rich.table import Table

    routes = sorted({route for count in counts for route in count.rows})
    table = Table("from (UTC)", *routes)
    for count in counts:
        table.add_row(f"{count.start:%Y-%m-%d %H:%M}", *(f"{count.rows.get(route, 0):,}" for route in routes))
    return table


def shown(value: Any) -> str:
    """Return a value as a console may print it: of bounded length, without control characters or markup.

    >>> shown("[red]a\\nb")
    '\\\\[red]a�b'
    """
    from rich.markup import escape

    from camelopard.core.cells import told

    text = told(value) or ("missing" if value is None else str(value))
    return escape("".join(c if c.isprintable() else "�" for c in text[:LONGEST]))
