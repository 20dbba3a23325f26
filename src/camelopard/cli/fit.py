"""`camelopard fit`: train a firewall for a model."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from camelopard.cli.options import ROWS, Encoder, Images, Labels, Texts


def fit(
    model: Annotated[str, typer.Argument(help="Model file, or module:attribute.")],
    data: Annotated[str, typer.Argument(help=f"Clean rows that the model was not trained on: {ROWS}.")],
    output: Annotated[Path, typer.Option("-o", "--output", help="Firewall to write.")],
    target: Labels = None,
    texts: Texts = None,
    images: Images = None,
    encoder: Encoder = None,
    reference: Annotated[str | None, typer.Option("--reference", help="Training rows of the model.")] = None,
    report: Annotated[Path | None, typer.Option("--report", help="Write what was found and measured, too: .html or .json.")] = None,
    uncertainty: Annotated[str | None, typer.Option("--uncertainty", help="Try it as evidence: ensemble, noise, squeezed or auto.")] = None,
    alpha: Annotated[float, typer.Option("--alpha", help="Share of clean rows that may be stopped.")] = 0.01,
    budget: Annotated[str | None, typer.Option("--budget", help='Model rows ("50000") or time ("60s").')] = None,
    seed: Annotated[int, typer.Option("--seed", help="Seed of everything random.")] = 0,
    classes: Annotated[str | None, typer.Option("--classes", help="Class names in the model's order, separated by commas.")] = None,
    json: Annotated[bool, typer.Option("--json", help="Print what was learned as JSON.")] = False,
    trust: Annotated[bool, typer.Option("--trust", help="Load a pickle, which runs code.")] = False,
) -> None:
    """Train a firewall for a model and save it."""
    from camelopard.cli.loading import model_of
    from camelopard.cli.telling import as_json, check_place, working
    from camelopard.core.errors import CamelopardError
    from camelopard.firewall.firewall import Firewall
    from camelopard.modality.files import read_table_file

    check_place(output)
    check_place(report)
    if report is not None and (report.suffix.lower() not in (".html", ".htm", ".json") or report == output):
        raise CamelopardError(f"--report {report}: expected another file than the firewall's, ending in .html or .json.")
    firewall = Firewall(alpha=alpha, budget=budget, seed=seed, uncertainty=uncertainty)
    with working(quiet=json) as tell:
        wrapped = model_of(model, trust=trust, classes=classes, encoder=encoder)
        batch, labels = read_table_file(data, target, texts=texts, images=images)
        known = None if reference is None else read_table_file(reference, texts=texts, images=images)[0]
        if known is not None and target in known.columns:
            known = known.select([name for name in known.names if name != target])
        firewall.fit(wrapped, batch, labels, reference=known, progress=tell)
    firewall.save(output)
    if report is not None:
        firewall.save_report(report)
    if json:
        as_json(firewall.describe())
    else:
        typer.echo(firewall.summary().split("\nThe contract")[0])
        placed = f" --encoder {encoder}" if encoder else ""
        typer.echo(f"\nThe firewall is in {output}, its contract in {output}.toml. Next: camelopard screen {output} NEW_DATA --model {model}{placed}")
