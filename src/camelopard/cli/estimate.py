"""`camelopard estimate`: how good is the model on rows without labels?"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from camelopard.cli.options import Encoder, Images, Texts


def estimate(
    firewall: Annotated[Path, typer.Argument(help="A firewall that fit wrote, with labels.")],
    data: Annotated[str, typer.Argument(help="Live rows; with --target, past rows with labels, in the order in which they came.")],
    model: Annotated[str, typer.Option("--model", help="The model it was fitted to.")],
    metric: Annotated[str, typer.Option("--metric", help="accuracy, precision, recall or f1.")] = "accuracy",
    positive: Annotated[str | None, typer.Option("--positive", help="The class that precision, recall and f1 are of.")] = None,
    target: Annotated[str | None, typer.Option("--target", help="Column with labels: hold estimates against them, window by window.")] = None,
    texts: Texts = None,
    images: Images = None,
    encoder: Encoder = None,
    window: Annotated[int, typer.Option("--window", help="Rows of a window, with --target.")] = 300,
    classes: Annotated[str | None, typer.Option("--classes", help="Class names in the model's order, separated by commas.")] = None,
    json: Annotated[bool, typer.Option("--json", help="Print the figures as JSON.")] = False,
    trust: Annotated[bool, typer.Option("--trust", help="Load a pickle, which runs code.")] = False,
) -> None:
    """Estimate accuracy without labels, or hold such estimates against labels."""
    from camelopard.cli.loading import firewall_of
    from camelopard.cli.telling import as_json, working
    from camelopard.core.errors import CamelopardError
    from camelopard.modality.files import read_table_file

    if target is not None and (metric != "accuracy" or positive is not None):
        raise CamelopardError("--metric and --positive are for rows without labels: with --target it is the accuracy that is held against them.")
    with working(quiet=json):
        fitted = firewall_of(firewall, model, trust=trust, classes=classes, encoder=encoder)
        batch, labels = read_table_file(data, target, texts=texts, images=images)
        found = fitted.estimate(batch, metric=metric, positive=positive) if target is None else fitted.backtest(batch, labels, rows=window)
    if json:
        as_json(found.to_dict())
    else:
        typer.echo(repr(found))
