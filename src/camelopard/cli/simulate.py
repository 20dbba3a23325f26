"""`camelopard simulate`: what would a policy by costs have done on past traffic?"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from camelopard.cli.options import Encoder, Images, Texts


def simulate(
    firewall: Annotated[Path, typer.Argument(help="A firewall that fit wrote.")],
    data: Annotated[str, typer.Argument(help="Rows of past traffic, in the order in which they came.")],
    model: Annotated[str, typer.Option("--model", help="The model it was fitted to.")],
    wrong: Annotated[float, typer.Option("--wrong", help="What a wrong answer costs.")],
    review: Annotated[float, typer.Option("--review", help="What a review by a person costs.")],
    block: Annotated[float, typer.Option("--block", help="What a refused row costs.")],
    reviews_per_day: Annotated[int | None, typer.Option("--reviews-per-day", help="Reviews that people make in a day; default: no limit.")] = None,
    per_day: Annotated[float | None, typer.Option("--per-day", help="Rows that come in a day.")] = None,
    day: Annotated[str | None, typer.Option("--day", help="Instead: the column with the date of each row.")] = None,
    target: Annotated[str | None, typer.Option("--target", help="Column with the right answers, to count errors by.")] = None,
    texts: Texts = None,
    images: Images = None,
    encoder: Encoder = None,
    output: Annotated[Path | None, typer.Option("-o", "--output", help="Write the firewall with this policy, to screen and to serve by it.")] = None,
    audit: Annotated[float, typer.Option("--audit", help="Share of the reviews drawn at random from rows that would pass.")] = 0.0,
    classes: Annotated[str | None, typer.Option("--classes", help="Class names in the model's order, separated by commas.")] = None,
    json: Annotated[bool, typer.Option("--json", help="Print the figures as JSON.")] = False,
    trust: Annotated[bool, typer.Option("--trust", help="Load a pickle, which runs code.")] = False,
) -> None:
    """Simulate a policy by costs on past traffic: routes, people, errors, money, beside its rivals."""
    from camelopard.cli.loading import firewall_of
    from camelopard.cli.telling import as_json, check_place, working
    from camelopard.core.errors import UnknownName
    from camelopard.firewall.costs import Costs
    from camelopard.modality.files import read_table_file

    costs = Costs(wrong, review, block)
    if output is not None:
        check_place(output)
    with working(quiet=json):
        fitted = firewall_of(firewall, model, trust=trust, classes=classes, encoder=encoder)
        policy = fitted.policy.with_costs(costs, reviews_per_day, audit)
        batch, labels = read_table_file(data, target, texts=texts, images=images)
        if day is not None and day not in batch.columns:
            raise UnknownName.among(day, batch.names, "column")
        days = None if day is None else batch.columns[day]
        verdicts = fitted.screen(batch)
        chosen = policy.fitted_to(verdicts, per_day=per_day, days=days)
        simulation = chosen.simulate(verdicts, per_day=per_day, days=days, y=labels)
    if output is not None:
        fitted.with_policy(chosen).save(output)
    if json:
        as_json(simulation.to_dict())
        return
    typer.echo(repr(simulation))
    if output is not None:
        typer.echo(f"The firewall with this policy is in {output}.")
