"""`camelopard demo`: the story on real data."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def demo(output: Annotated[Path, typer.Option("-o", "--output", help="Where the report goes.")] = Path("report.html")) -> None:
    """The story on real data: stress an income model, fit its firewall, send it a day of bad input, write a report."""
    from camelopard.cli.telling import check_place, console, working
    from camelopard.demo.story import run

    check_place(output)
    out = console()
    with working() as tell:
        run(output, out, tell)
