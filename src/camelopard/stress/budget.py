"""What a run may cost: model rows, or seconds."""

from __future__ import annotations

import re
from dataclasses import dataclass

from camelopard.core.errors import CamelopardError

DEFAULT_ROWS = 120_000


@dataclass(frozen=True)
class Budget:
    """A limit on model rows, on seconds, or on neither (`rows` is then the default plan)."""

    rows: int | None = None
    seconds: float | None = None

    def part(self, share: float) -> int | str | None:
        """Return this share of the budget, in the form that `parse` reads."""
        if self.seconds is not None:
            return f"{self.seconds * share:g}s"
        return None if self.rows is None else max(1, int(self.rows * share))


def parse(budget: int | str | None) -> Budget:
    """Return the budget that a user wrote: None, model rows, or time as "60s" or "2m".

    >>> parse("2m").seconds, parse(5000).rows
    (120.0, 5000)
    """
    if budget is None:
        return Budget()
    if isinstance(budget, int) and not isinstance(budget, bool) and budget > 0:
        return Budget(rows=budget)
    found = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*(s|m|)\s*", budget) if isinstance(budget, str) else None
    if found is None or float(found[1]) <= 0:
        raise CamelopardError(f'budget={budget!r}: expected a number of model rows such as 50000, or a time such as "60s" or "2m".')
    if not found[2]:
        return Budget(rows=max(1, int(float(found[1]))))
    return Budget(seconds=float(found[1]) * (60 if found[2] == "m" else 1))
