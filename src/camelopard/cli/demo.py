"""`camelopard demo`: the story on real data, of a table, of pictures or of texts."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import Annotated

import typer

STORIES = {"income": "camelopard.demo.story", "images": "camelopard.demo.digit_story", "text": "camelopard.demo.review_story"}


def demo(
    story: Annotated[str, typer.Argument(help="income (a table), images or text.", show_default=True)] = "income",
    output: Annotated[Path, typer.Option("-o", "--output", help="Where the report goes.")] = Path("report.html"),
) -> None:
    """The story on real data: stress a model of incomes, of images or of text, fit its firewall, send it a day of bad input, write a report."""
    from camelopard.cli.telling import check_place, console, working
    from camelopard.core.errors import UnknownName

    if story not in STORIES:
        raise UnknownName.among(story, STORIES, "demo")
    check_place(output)
    out = console()
    with working() as tell:
        import_module(STORIES[story]).run(output, out, tell)
