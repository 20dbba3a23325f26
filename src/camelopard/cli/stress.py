"""`camelopard stress`: what fools a model?"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from camelopard.cli.options import ROWS, Images, Labels, Texts
from camelopard.core.errors import CamelopardError, UnknownName

SHOWN = 12  # kinds of finding


def stress(
    model: Annotated[str, typer.Argument(help="Model file, or module:attribute.")],
    data: Annotated[str, typer.Argument(help=f"Clean rows: {ROWS}.")],
    target: Labels = None,
    texts: Texts = None,
    images: Images = None,
    output: Annotated[Path | None, typer.Option("-o", "--output", help="Report to write: .html, .json or .xml.")] = None,
    budget: Annotated[str | None, typer.Option("--budget", help='Model rows ("50000") or time ("60s").')] = None,
    seed: Annotated[int, typer.Option("--seed", help="Seed of everything random.")] = 0,
    damages: Annotated[str | None, typer.Option("--damages", help="Kinds of damage, separated by commas; default: all.")] = None,
    classes: Annotated[str | None, typer.Option("--classes", help="Class names in the model's order, separated by commas.")] = None,
    json: Annotated[bool, typer.Option("--json", help="Print the report as JSON.")] = False,
    junit: Annotated[Path | None, typer.Option("--junit", help="Write JUnit for a build server.")] = None,
    fail_on: Annotated[str | None, typer.Option("--fail-on", help="Leave with 1 for findings at or above: low, medium, high.")] = None,
    trust: Annotated[bool, typer.Option("--trust", help="Load a pickle, which runs code.")] = False,
) -> None:
    """Find out what fools a model, and write a report."""
    from camelopard.cli.loading import model_of
    from camelopard.cli.telling import as_json, check_place, console, working
    from camelopard.core.records import LEVELS
    from camelopard.modality.files import read_table_file
    from camelopard.stress.study import stress as study

    if fail_on is not None and fail_on not in LEVELS[1:]:
        raise UnknownName.among(fail_on, LEVELS[1:], "level")
    if output is not None and output.suffix.lower() not in (".html", ".htm", ".json", ".xml"):
        raise CamelopardError(f"{output}: cannot write a report as {output.suffix or 'a file without ending'}; expected .html, .json or .xml.")
    check_place(output)
    check_place(junit)
    with working(quiet=json) as tell:
        wrapped = model_of(model, trust=trust, classes=classes)
        batch, labels = read_table_file(data, target, texts=texts, images=images)
        report = study(wrapped, batch, labels, budget=budget, seed=seed, damages=damages.split(",") if damages else None, progress=tell)
    if output is not None:
        report.save(output)
    if junit is not None:
        report.to_junit(junit)
    if json:
        as_json(report.to_dict())
    else:
        out = console()
        out.print(report.verdict, style="bold", markup=False)
        lines = report.lines(SHOWN)
        for line in lines:
            out.print(line, markup=False)
        if output is None and len(report.findings) > min(len(lines), SHOWN):
            out.print("  -o report.html shows them all.")
        cost = report.cost
        out.print(
            f"Cost: {cost['asked']:,} model rows of {cost['planned']:,} planned" + ("" if cost["complete"] else "; the budget ended first") + "."
        )
        if output is not None:
            out.print(f"The report is in {output}.", markup=False)
    if fail_on is not None and LEVELS.index(report.worst) >= LEVELS.index(fail_on):
        raise typer.Exit(1)
