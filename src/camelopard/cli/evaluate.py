"""`camelopard evaluate`: how good is a firewall on data of one's own?"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from camelopard.cli.options import ROWS, Encoder, Images, Labels, Texts


def evaluate(
    firewall: Annotated[Path, typer.Argument(help="A firewall that fit wrote.")],
    data: Annotated[str, typer.Argument(help=f"Clean rows that it was not fitted on: {ROWS}.")],
    model: Annotated[str, typer.Option("--model", help="The model it was fitted to.")],
    target: Labels = None,
    texts: Texts = None,
    images: Images = None,
    encoder: Encoder = None,
    budget: Annotated[int | None, typer.Option("--budget", help="Model rows at most; default: about 150,000.")] = None,
    seed: Annotated[int, typer.Option("--seed", help="Seed of everything random.")] = 0,
    classes: Annotated[str | None, typer.Option("--classes", help="Class names in the model's order, separated by commas.")] = None,
    json: Annotated[bool, typer.Option("--json", help="Print the figures as JSON.")] = False,
    trust: Annotated[bool, typer.Option("--trust", help="Load a pickle, which runs code.")] = False,
) -> None:
    """Measure a firewall on your own rows: what it catches, what it flags in vain."""
    from camelopard.cli.loading import firewall_of
    from camelopard.cli.telling import as_json, working
    from camelopard.modality.files import read_table_file

    with working(quiet=json) as tell:
        fitted = firewall_of(firewall, model, trust=trust, classes=classes, encoder=encoder)
        batch, labels = read_table_file(data, target, texts=texts, images=images)
        quality = fitted.evaluate(batch, labels, budget=budget, seed=seed, progress=tell)
    if json:
        as_json(quality.to_dict())
    else:
        typer.echo(repr(quality))
