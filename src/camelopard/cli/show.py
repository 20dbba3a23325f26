"""`camelopard show`: what a firewall promises and expects, in words."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def show(
    firewall: Annotated[Path, typer.Argument(help="A firewall that fit wrote.")],
    json: Annotated[bool, typer.Option("--json", help="Print it as JSON.")] = False,
) -> None:
    """Show a firewall in words: promise, thresholds, measured quality, contract."""
    from camelopard.cli.telling import as_json
    from camelopard.firewall.firewall import Firewall

    fitted = Firewall.load(firewall)
    if json:
        as_json(fitted.describe())
    else:
        typer.echo(fitted.summary(), nl=False)
