"""What the commands share in talking: answers on standard output, progress and whatever a model prints on standard error."""

from __future__ import annotations

import json
import math
import os
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, redirect_stdout
from pathlib import Path
from typing import Any, TextIO

from camelopard.core.errors import CamelopardError
from camelopard.core.protocols import Progress, silent

PATIENCE = 1.0  # seconds of work before progress is shown
WIDTH = 160  # characters, where standard output is no terminal


@contextmanager
def working(quiet: bool = False) -> Iterator[Progress]:
    """Yield what is told how far the work is: a bar on standard error after a second, or silence where nobody looks.

    Meanwhile all that is printed goes to standard error, so that a model that prints does not stand among the answers.
    """
    with redirect_stdout(sys.stderr):
        if quiet or not sys.stderr.isatty():
            yield silent
        else:
            with _bar() as tell:
                yield tell


@contextmanager
def _bar() -> Iterator[Progress]:
    from rich.console import Console
    from rich.progress import BarColumn, TextColumn, TimeElapsedColumn
    from rich.progress import Progress as Bars

    columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    bars = Bars(*columns, console=Console(stderr=True), transient=True)
    task = bars.add_task("starting", total=None)
    begun = time.monotonic()

    def tell(stage: str, done: float, total: float) -> None:
        bars.update(task, description=stage, completed=done, total=total or None)
        over = 0 < total <= done  # what is printed between two stages must not meet a bar
        if over and bars.live.is_started:
            bars.stop()
        elif not over and not bars.live.is_started and time.monotonic() - begun > PATIENCE:
            bars.start()

    try:
        yield tell
    finally:
        if bars.live.is_started:
            bars.stop()


def as_json(document: Any, out: TextIO | None = None) -> None:
    """Print one JSON document on one line, by the letter of JSON: no NaN, and nothing that the encoding of the output cannot hold."""
    out = out or sys.stdout
    unicode = (getattr(out, "encoding", None) or "").lower().replace("-", "").startswith("utf")
    text = json.dumps(_finite(document), ensure_ascii=not unicode, allow_nan=False, default=str)
    print(text, file=out)


def _finite(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _finite(v) for key, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [_finite(v) for v in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None if value != value else str(value)
    return value


def console() -> Any:
    """Return a rich console on today's standard output; no narrower than a table needs where it is no terminal."""
    from rich.console import Console

    class Told(Console):
        def on_broken_pipe(self) -> None:
            raise BrokenPipeError  # not an exit of 1, which stands for findings

    found = Told(highlight=False, file=sys.stdout)
    return found if found.is_terminal else Told(highlight=False, file=sys.stdout, width=WIDTH)


def check_place(path: Path | None) -> None:
    """Raise an error if no file can be written there: better before long work than after it."""
    if path is None:
        return
    folder = path.parent
    if path.is_dir():
        raise CamelopardError(f"{path}: this is a folder. Give the name of a file.")
    if not folder.is_dir():
        raise CamelopardError(f"{path}: there is no folder {folder}. Make it first, or write elsewhere.")
    if not os.access(folder, os.W_OK):
        raise CamelopardError(f"{path}: no permission to write in {folder}. Write elsewhere.")
