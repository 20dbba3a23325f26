"""`camelopard decide`: what does a classifier do, where should the line be drawn, and who says so?"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from camelopard.cli.options import Images, Texts
from camelopard.core.errors import CamelopardError


def decide(
    model: Annotated[str, typer.Argument(help="Model file, or module:attribute.")],
    data: Annotated[str, typer.Argument(help="Labelled rows that it was not trained on: CSV, Parquet, Arrow, JSON lines; - for standard input.")],
    target: Annotated[str, typer.Option("--target", help="Column with the labels.")],
    positive: Annotated[str | None, typer.Option("--positive", help="The class that is sought.")] = None,
    missed: Annotated[float | None, typer.Option("--missed", help="What a missed row of that class costs.")] = None,
    false_alarm: Annotated[float | None, typer.Option("--false-alarm", help="What a row named in vain costs.")] = None,
    found: Annotated[float, typer.Option("--found", help="What a found row costs.")] = 0.0,
    gain_found: Annotated[float, typer.Option("--gain-found", help="What a found row brings in.")] = 0.0,
    least_recall: Annotated[float, typer.Option("--least-recall", help="Share to find at least.")] = 0.9,
    least_precision: Annotated[float, typer.Option("--least-precision", help="Share of the named to be right at least.")] = 0.8,
    capacity: Annotated[float, typer.Option("--capacity", help="How many of 1,000 rows can be looked at.")] = 50.0,
    by: Annotated[str | None, typer.Option("--by", help="Column of groups whose rows are to cost the same.")] = None,
    noun: Annotated[str, typer.Option("--noun", help="What the rows are called.")] = "people",
    texts: Texts = None,
    images: Images = None,
    choose: Annotated[str | None, typer.Option("--choose", help="Choose: cost, recall, precision, capacity or equal-cost.")] = None,
    who: Annotated[str | None, typer.Option("--who", help="Who chooses.")] = None,
    why: Annotated[str | None, typer.Option("--why", help="For what reason.")] = None,
    when: Annotated[str | None, typer.Option("--when", help="On which day: 2026-11-21.")] = None,
    output: Annotated[Path | None, typer.Option("-o", "--output", help="Page to write: .html, or .json.")] = None,
    record: Annotated[Path | None, typer.Option("--record", help="File for the choice: .json.")] = None,
    seed: Annotated[int, typer.Option("--seed", help="Seed of everything random.")] = 0,
    classes: Annotated[str | None, typer.Option("--classes", help="Class names in the model's order, separated by commas.")] = None,
    json: Annotated[bool, typer.Option("--json", help="Print the figures as JSON.")] = False,
    trust: Annotated[bool, typer.Option("--trust", help="Load a pickle, which runs code.")] = False,
) -> None:
    """Choose a metric and a threshold, with what mistakes cost."""
    from camelopard.cli.loading import model_of
    from camelopard.cli.telling import as_json, check_place, working
    from camelopard.confidence.deciding import decide as decided
    from camelopard.modality.files import read_table_file

    if choose is not None and (who is None or why is None or when is None):
        raise CamelopardError("--choose needs --who, --why and --when: a decision says who made it, for what reason and on which day.")
    if record is not None and choose is None:
        raise CamelopardError("--record keeps a choice, and none was made. Add --choose cost (or recall, precision, capacity, equal-cost).")
    if output is not None and output.suffix.lower() not in (".html", ".htm", ".json"):
        raise CamelopardError(f"{output}: cannot write a decision as {output.suffix or 'a file without ending'}; expected .html or .json.")
    for name, place, others in (("-o", output, (model, data)), ("--record", record, (model, data, str(output or "")))):
        if place is not None and os.path.realpath(place) in {os.path.realpath(other) for other in others if other}:
            raise CamelopardError(f"{name} {place}: another file of this command has that name, and would be overwritten. Give another name.")
    priced = {"missed": missed, "false_alarm": false_alarm, "found": found or None, "gain_found": gain_found or None}
    costs = {name: value for name, value in priced.items() if value is not None}
    check_place(output)
    check_place(record)
    with working(quiet=json):
        batch, labels = read_table_file(data, target, texts=texts, images=images)
        decision = decided(
            model_of(model, trust=trust, classes=classes),
            batch,
            labels,
            positive=positive,
            costs=costs or None,
            by=by,
            least_recall=least_recall,
            least_precision=least_precision,
            capacity=capacity,
            noun=noun,
            seed=seed,
        )
        chosen = None if choose is None else decision.choose(choose, who=who or "", why=why or "", when=when or "")
        if output is not None:
            decision.save(output)
        if record is not None and chosen is not None:
            chosen.save(record)
    if json:
        as_json({**decision.to_dict(), "chosen": None if chosen is None else chosen.to_dict()})
        return
    typer.echo(repr(decision))
    if chosen is not None:
        typer.echo(f"\nChosen: {chosen!r}")
    for path, what in ((output, "page"), (record, "choice")):
        if path is not None:
            typer.echo(f"The {what} is in {path}.")
