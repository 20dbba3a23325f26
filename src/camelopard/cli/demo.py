"""`camelopard demo`: the story on real data."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def demo(output: Annotated[Path, typer.Option("-o", "--output", help="Where the report goes.")] = Path("report.html")) -> None:
    """The story on real data: stress an income model, fit its firewall, send it a day of bad input, write a report."""
    from camelopard.cli.telling import console, progress
    from camelopard.demo.story import run

    with progress(quiet=False) as tell:
        run(output, console(), tell)
