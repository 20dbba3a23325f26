"""The command `camelopard`: gathers the subcommands and turns what goes wrong into one line and an exit code.

Exit codes: 0 fine, 1 findings at or above --fail-on, 2 wrong use, 130 interrupted.
"""

from __future__ import annotations

import os
import sys
import warnings
from typing import Any

import typer
from typer.core import TyperGroup

from camelopard.cli import (
    audit,
    decide,
    demo,
    estimate,
    evaluate,
    fit,
    models,
    people,
    recalibrate,
    screen,
    serve,
    show,
    simulate,
    stress,
    tokens,
    traffic,
)
from camelopard.core.errors import CamelopardError
from camelopard.version import VERSION

EXAMPLES = """Examples:

camelopard demo

camelopard stress model.txt held_out.csv --target income -o report.html

camelopard fit model.txt held_out.csv --target income -o income.firewall

camelopard screen income.firewall today.csv --model model.txt -o verdicts.parquet

camelopard screen clothes.firewall pictures/ --model clothes.onnx

camelopard show income.firewall

camelopard serve income.firewall --model model.txt --log verdicts

camelopard traffic verdicts --route block

camelopard evaluate income.firewall labelled.csv --target income --model model.txt

camelopard decide model.txt labelled.csv --target income --positive ">50K" --missed 50 --false-alarm 4 -o decision.html

camelopard estimate income.firewall live.csv --model model.txt

camelopard recalibrate income.firewall live.csv --model model.txt -o live.firewall

camelopard simulate income.firewall past.csv --model model.txt --wrong 100 --review 5 --block 20 --reviews-per-day 200 --per-day 5000"""


class Commands(TyperGroup):
    """Runs a command; an error becomes one line on standard error, and nobody reading on is no error."""

    def invoke(self, ctx: Any) -> Any:
        try:
            try:
                return super().invoke(ctx)
            finally:
                sys.stdout.flush()
        except BrokenPipeError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            raise typer.Exit(0) from None
        except (CamelopardError, OSError) as error:
            raise _leave(str(error), 2) from None
        except KeyboardInterrupt:
            raise _leave("interrupted.", 130) from None


app = typer.Typer(
    cls=Commands,
    name="camelopard",
    help="Finds out what fools your model, stops that at the door, and says how sure the model may be.",
    epilog=EXAMPLES,
    invoke_without_command=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command("demo")(demo.demo)
app.command("stress")(stress.stress)
app.command("fit")(fit.fit)
app.command("screen")(screen.screen)
app.command("serve")(serve.serve)
app.command("show")(show.show)
app.command("evaluate")(evaluate.evaluate)
app.command("decide")(decide.decide)
app.command("estimate")(estimate.estimate)
app.command("recalibrate")(recalibrate.recalibrate)
app.command("simulate")(simulate.simulate)
app.command("traffic")(traffic.traffic)
for noun, group in (("models", models.app), ("people", people.app), ("tokens", tokens.app), ("audit", audit.app)):
    app.add_typer(group, name=noun)


def _version(asked: bool) -> None:
    if asked:
        typer.echo(f"camelopard {VERSION}")
        raise typer.Exit


@app.callback()
def root(
    ctx: typer.Context,
    version: bool = typer.Option(False, "--version", callback=_version, is_eager=True, help="Print the version and leave."),
) -> None:
    """Finds out what fools your model, stops that at the door, and says how sure the model may be."""
    if ctx.invoked_subcommand is None:
        typer.echo(ctx.get_help(), nl=False)


def main() -> None:
    """Run the command line and leave with its exit code."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")  # half a character in the data must not end the printing
    warnings.showwarning = _warned
    app()


def _warned(message: Warning | str, category: type[Warning], *_: Any, **__: Any) -> None:
    """Print what concerns the user in one line, without a place in the code; leave out what libraries say to programmers."""
    if issubclass(category, UserWarning) and category.__module__.startswith("camelopard"):
        print(f"camelopard: warning: {message}", file=sys.stderr)


def _leave(message: str, code: int) -> typer.Exit:
    """Print one clean line on standard error, and return the exit."""
    line = "".join(c if c.isprintable() else "�" for c in " ".join(message.split()))
    print(f"camelopard: {line}", file=sys.stderr)
    return typer.Exit(code)


if __name__ == "__main__":
    main()
