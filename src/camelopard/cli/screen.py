"""`camelopard screen`: judge new rows."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from camelopard.cli.options import ROWS, Encoder, Images, Texts

if TYPE_CHECKING:
    from camelopard.core.records import Verdict

SHOWN = 20
MOST_REMARKS = 3


def screen(
    firewall: Annotated[Path, typer.Argument(help="A firewall that fit wrote.")],
    data: Annotated[str, typer.Argument(help=f"New rows, of any size: {ROWS}.")],
    model: Annotated[str | None, typer.Option("--model", help="The model it was fitted to.")] = None,
    output: Annotated[Path | None, typer.Option("-o", "--output", help="Verdicts to write: .parquet, .csv or .jsonl.")] = None,
    classes: Annotated[str | None, typer.Option("--classes", help="Class names in the model's order, separated by commas.")] = None,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON document per row.")] = False,
    texts: Texts = None,
    images: Images = None,
    encoder: Encoder = None,
    contract: Annotated[Path | None, typer.Option("--contract", help="An edited contract, instead of the one that was fitted.")] = None,
    trust: Annotated[bool, typer.Option("--trust", help="Load a pickle, which runs code.")] = False,
) -> None:
    """Judge new rows: risk, confidence, route, reasons, repair."""
    import sys

    from camelopard.cli.loading import firewall_of
    from camelopard.cli.telling import as_json, check_place, console, working
    from camelopard.firewall.contract import Contract
    from camelopard.modality.files import open_table
    from camelopard.modality.writing import FIGURES, write_table

    check_place(output)
    out = sys.stdout
    counts: dict[str, int] = {}
    shown: list[tuple[int | str, Verdict]] = []
    remarks: dict[str, None] = {}  # on columns that are absent or not known
    with working(quiet=json) as tell:
        fitted = firewall_of(firewall, model, trust=trust, classes=classes, encoder=encoder)
        if contract is not None:
            fitted.contract = Contract.load(contract)
        kept = fitted.describe()["model"]

        def parts() -> Iterator[dict[str, list[Any]]]:
            start, columns = 0, fitted.screen([]).table()
            for chunk in open_table(data, schema=fitted.schema, texts=texts, images=images):
                verdicts = fitted.screen(chunk.batch, problems=chunk.problems)
                remarks[verdicts.remarks] = None
                files = chunk.batch.ids.tolist() if chunk.batch.ids.dtype == object else None  # the pictures of a folder, by their paths
                for i, route in enumerate(verdicts.route.tolist()):
                    counts[route] = counts.get(route, 0) + 1
                    if route != "pass" and len(shown) < SHOWN:
                        shown.append((start + i if files is None else files[i], verdicts[i]))
                if json:
                    for i, verdict in enumerate(verdicts):
                        as_json({**verdict.to_dict(), "id": start + i, **({} if files is None else {"file": files[i]})}, out)
                if output is not None:
                    named = {} if files is None else {"file": files}
                    found, nothing = verdicts.table(), [None] * len(verdicts)  # of rows that a model's server never saw less is known
                    told = {name: found.get(name, nothing) for name in columns}
                    yield {**told, "id": list(range(start, start + len(verdicts))), **named}
                start += len(verdicts)
                tell(f"{start:,} rows screened", 0, 0)
            if output is not None and not start:
                yield columns

        if output is None:
            deque(parts(), maxlen=0)
        else:
            numbers = ("prediction", "repaired_prediction") if kept is not None and kept["task"] == "regression" else ()
            write_table(output, parts(), figures=(*FIGURES, *numbers))
    if json:
        return
    said = console()
    if shown:
        said.print(_view(shown))
    total = sum(counts.values())
    said.print(f"{total:,} rows: " + ", ".join(f"{counts.get(r, 0):,} {r}" for r in ("pass", "repair", "review", "block")) + ".")
    for remark in list(filter(None, remarks))[:MOST_REMARKS]:
        said.print(f"{remark[0].upper()}{remark[1:]}.", markup=False, highlight=False)
    if output is not None:
        said.print(f"All verdicts are in {output}.", markup=False)


def _view(shown: Sequence[tuple[int | str, Verdict]]) -> Any:
    from rich.markup import escape
    from rich.table import Table

    view = Table("row", "route", "risk", "confidence", "what is wrong", "answer", "repaired", title=f"The first {len(shown)} rows that did not pass")
    for row, verdict in shown:
        why = verdict.reasons[0].message if verdict.reasons else ""
        repaired = "–" if verdict.repair is None else f"{verdict.repair.prediction} ({', '.join(verdict.repair.changes)})"
        answer = "no answer" if verdict.prediction is None else str(verdict.prediction)
        view.add_row(
            escape(str(row)), verdict.route, f"{verdict.risk:.2f}", f"{verdict.confidence:.2f}", escape(why[:120]), escape(answer), escape(repaired)
        )
    return view
