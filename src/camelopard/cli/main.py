"""The command `camelopard`: gathers the subcommands and turns errors into one line and an exit code.

Exit codes: 0 fine, 1 findings at or above --fail-on, 2 wrong use, 130 interrupted.
"""

from __future__ import annotations

import os
import sys

import typer

from camelopard.cli import demo, fit, screen, show, stress
from camelopard.core.errors import CamelopardError
from camelopard.version import VERSION

app = typer.Typer(
    name="camelopard",
    help="Finds out what fools your model, stops that at the door, and says how sure the model may be.",
    epilog="Start with: camelopard demo",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command("demo")(demo.demo)
app.command("stress")(stress.stress)
app.command("fit")(fit.fit)
app.command("screen")(screen.screen)
app.command("show")(show.show)


def _version(asked: bool) -> None:
    if asked:
        typer.echo(f"camelopard {VERSION}")
        raise typer.Exit


@app.callback()
def root(version: bool = typer.Option(False, "--version", callback=_version, is_eager=True, help="Print the version and leave.")) -> None:
    """Finds out what fools your model, stops that at the door, and says how sure the model may be."""


def main() -> None:
    """Run the command line and leave with its exit code."""
    try:
        app()
    except CamelopardError as error:
        print(f"camelopard: {error}", file=sys.stderr)
        sys.exit(2)
    except KeyboardInterrupt:
        print("camelopard: interrupted.", file=sys.stderr)
        sys.exit(130)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)
