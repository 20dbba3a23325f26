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
    serve: Annotated[bool, typer.Option("--serve", help="Open the pages: the model behind its gateway, and a day of traffic.")] = False,
    port: Annotated[int, typer.Option("--port", help="With --serve: the port to listen on.")] = 8080,
    home: Annotated[Path | None, typer.Option("--home", help="With --serve: a folder to remember in; by default all is forgotten.")] = None,
) -> None:
    """The story on real data: stress a model of incomes, of images or of text, fit its firewall, send it a day of bad input, write a report."""
    from camelopard.cli.telling import check_place, console, working
    from camelopard.core.errors import UnknownName

    if story not in STORIES:
        raise UnknownName.among(story, STORIES, "demo")
    if serve:
        _serve(story, port, home)
        return
    check_place(output)
    out = console()
    with working() as tell:
        import_module(STORIES[story]).run(output, out, tell)


def _serve(story: str, port: int, home: Path | None) -> None:
    """Show the story on the gateway's pages, until interrupted."""
    from contextlib import ExitStack, suppress
    from signal import SIGTERM, default_int_handler, signal
    from tempfile import TemporaryDirectory

    from camelopard.cli.telling import console, working
    from camelopard.core.errors import CamelopardError, require

    if story != "income":
        raise CamelopardError(f"--serve shows the demo of incomes; there are no pages for {story!r} yet. Try: camelopard demo --serve")
    for package in ("fastapi", "msgspec", "sqlalchemy"):
        require(package, extra="serve")
    from camelopard.demo.served import going_on, staged
    from camelopard.server.run import run

    with ExitStack() as ends, suppress(KeyboardInterrupt):
        signal(SIGTERM, default_int_handler)  # so that what is remembered is forgotten then, too
        place = home or Path(ends.enter_context(TemporaryDirectory(prefix="camelopard-")))
        out = console()
        with working() as tell:
            stage = staged(place, out, tell)
        ends.callback(stage.home.close)
        address = f"http://127.0.0.1:{port}"
        how = "with the password that you chose" if stage.word is None else f"with the one-time password {stage.word}"
        out.print(f"[bold]4.[/] Open [bold]{address}[/] and sign in as [bold]admin[/] {how}. Ctrl-C ends it.", highlight=False)
        ends.callback(going_on(stage, address, seed=1).set)
        run(stage.gateway, host="127.0.0.1", port=port)
