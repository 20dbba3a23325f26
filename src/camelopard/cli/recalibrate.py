"""`camelopard recalibrate`: probabilities for the traffic that there is."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from camelopard.cli.options import Encoder, Images, Texts


def recalibrate(
    firewall: Annotated[Path, typer.Argument(help="A firewall that fit wrote.")],
    data: Annotated[str, typer.Argument(help="A hundred rows of live traffic or more, damaged ones among them, without labels.")],
    model: Annotated[str, typer.Option("--model", help="The model it was fitted to.")],
    output: Annotated[Path, typer.Option("-o", "--output", help="Firewall to write.")],
    texts: Texts = None,
    images: Images = None,
    encoder: Encoder = None,
    classes: Annotated[str | None, typer.Option("--classes", help="Class names in the model's order, separated by commas.")] = None,
    json: Annotated[bool, typer.Option("--json", help="Print what was found as JSON.")] = False,
    trust: Annotated[bool, typer.Option("--trust", help="Load a pickle, which runs code.")] = False,
) -> None:
    """Correct risk and confidence for live traffic, in which damage is rarer than in fitting."""
    from camelopard.cli.loading import firewall_of
    from camelopard.cli.telling import as_json, check_place, working
    from camelopard.core.batch import concat
    from camelopard.modality.files import open_table

    check_place(output)
    with working(quiet=json):
        fitted = firewall_of(firewall, model, trust=trust, classes=classes, encoder=encoder)
        parts = [
            chunk.batch.take([i for i in range(len(chunk.batch)) if i not in chunk.problems])
            for chunk in open_table(data, schema=fitted.schema, texts=texts, images=images)
        ]
        other = fitted.recalibrated(concat(parts) if parts else [])
    other.save(output)
    found = other.describe()["traffic"]
    if json:
        as_json(found)
        return
    typer.echo(f"Of {found['rows']:,} rows about {found['damaged']:.1%} are damaged, and {found['fooled']:.1%} fool the model ", nl=False)
    typer.echo(f"({found['low']:.1%} to {found['high']:.1%}). What is stopped stays the same; risk and confidence are for this traffic.")
    typer.echo(f"The firewall is in {output}.")
