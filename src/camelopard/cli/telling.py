"""What the commands share in talking: progress on standard error, tables and JSON on standard output."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from camelopard.core.protocols import Progress, silent


@contextmanager
def progress(quiet: bool) -> Iterator[Progress]:
    """Yield a progress bar on standard error, or a silent one where nobody looks."""
    if quiet or not sys.stderr.isatty():
        yield silent
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bars:
        task = bars.add_task("starting", total=1.0)

        def tell(stage: str, done: float, total: float) -> None:
            bars.update(task, description=stage, completed=done, total=total)

        yield tell


def as_json(document: Any) -> None:
    """Print one JSON document."""
    print(json.dumps(document, ensure_ascii=False, default=str))


def console() -> Any:
    """Return a rich console on standard output; no narrower than a table needs where it is no terminal."""
    from rich.console import Console

    found = Console(highlight=False)
    return found if found.is_terminal else Console(highlight=False, width=160)
