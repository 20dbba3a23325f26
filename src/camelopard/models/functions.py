"""Plain functions from rows to answers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from camelopard.core.records import Task
from camelopard.models.answers import Raw, Reader
from camelopard.models.native import Eats


class FunctionAdapter:
    """Hands the rows to a function in the form in which they came: a DataFrame, a table, a list of dicts, an array."""

    def __init__(self, function: Callable[[Any], Any], eats: Eats) -> None:
        self.eats = eats
        self._function = function

    def ask(self, table: Any) -> Raw:
        return Raw(self._function(table))


def of_function(
    function: Callable[[Any], Any], task: Task | None, classes: Sequence[Any] | None, features: tuple[str, ...] | None
) -> tuple[FunctionAdapter, Reader]:
    """Return how to ask a function, and a reader that settles the meaning of its answers at the first of them."""
    return FunctionAdapter(function, Eats(features)), Reader(task, None, classes)
