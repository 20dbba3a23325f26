"""`camelopard screen`: judge new rows."""

from __future__ import annotations

import json as codec
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import typer

SHOWN = 20


def screen(
    firewall: Annotated[Path, typer.Argument(help="A firewall that fit wrote.")],
    data: Annotated[str, typer.Argument(help="New rows: CSV, Parquet, Arrow, JSON lines; - for standard input. Any size.")],
    model: Annotated[str | None, typer.Option("--model", help="The model it was fitted to.")] = None,
    output: Annotated[Path | None, typer.Option("-o", "--output", help="Verdicts to write: .parquet, .csv or .jsonl.")] = None,
    classes: Annotated[str | None, typer.Option("--classes", help="Class names in the model's order, separated by commas.")] = None,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON document per row.")] = False,
    trust: Annotated[bool, typer.Option("--trust", help="Load a pickle, which runs code.")] = False,
) -> None:
    """Judge new rows: risk, confidence, route, reasons, repair."""
    from camelopard.cli.loading import model_of
    from camelopard.cli.telling import console
    from camelopard.firewall.firewall import Firewall
    from camelopard.modality.files import open_table
    from camelopard.modality.writing import write_table

    wrapped = None if model is None else model_of(model, trust=trust, classes=classes)
    fitted = Firewall.load(firewall, model=wrapped)
    if wrapped is None and fitted.describe()["model"] is not None:
        from camelopard.core.errors import CamelopardError

        raise CamelopardError(f"{firewall} was fitted to the model {fitted.describe()['model']['name']!r}. Name it: --model MODEL.")
    counts: dict[str, int] = {}
    shown: list[tuple[int, Any]] = []

    def parts() -> Iterator[dict[str, list[Any]]]:
        start = 0
        for chunk in open_table(data, schema=fitted.schema):
            verdicts = fitted.screen(chunk.batch, problems=chunk.problems)
            for i, route in enumerate(verdicts.route.tolist()):
                counts[route] = counts.get(route, 0) + 1
                if route != "pass" and len(shown) < SHOWN:
                    shown.append((start + i, verdicts[i]))
            if json:
                for i, verdict in enumerate(verdicts):
                    print(codec.dumps({**verdict.to_dict(), "id": start + i}, ensure_ascii=False, default=str))
            if output is not None:
                table = verdicts.table()
                table["id"] = [start + i for i in range(len(verdicts))]
                yield table
            start += len(verdicts)

    if output is not None:
        write_table(output, parts())
    else:
        for _ in parts():
            pass
    if not json:
        out = console()
        if shown:
            out.print(_view(shown))
        total = sum(counts.values())
        out.print(f"{total:,} rows: " + ", ".join(f"{counts.get(r, 0):,} {r}" for r in ("pass", "repair", "review", "block")) + ".")
        if output is not None:
            out.print(f"All verdicts are in {output}.", markup=False)


def _view(shown: list[tuple[int, Any]]) -> Any:
    from rich.markup import escape
    from rich.table import Table

    view = Table("row", "route", "risk", "confidence", "what is wrong", "answer", "repaired", title=f"The first {len(shown)} rows that did not pass")
    for row, verdict in shown:
        why = verdict.reasons[0].message if verdict.reasons else ""
        repaired = "–" if verdict.repair is None else f"{verdict.repair.prediction} ({', '.join(verdict.repair.changes)})"
        answer = "no answer" if verdict.prediction is None else str(verdict.prediction)
        view.add_row(str(row), verdict.route, f"{verdict.risk:.2f}", f"{verdict.confidence:.2f}", escape(why[:120]), escape(answer), escape(repaired))
    return view
