"""What a run may cost: model rows, or seconds."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from camelopard.core.batch import Batch
from camelopard.core.errors import CamelopardError
from camelopard.models.sizes import pictures_within

DEFAULT_ROWS = 120_000  # a minute on a modest table with boosted trees
PIXELS = 700_000_000  # of damaged pictures, where no budget is given: a minute of damaging them, or a few of measuring what is odd about them
ATTACK_PIXELS = 300_000_000  # of pictures that a search asks about, where no budget is given
PIXEL_SECONDS = 1e-7  # what is done besides the model takes for each pixel of a picture


@dataclass(frozen=True)
class Budget:
    """A limit on model rows, on seconds, or on neither (`rows` is then the default plan)."""

    rows: int | None = None
    seconds: float | None = None


def pixel_seconds(batch: Batch) -> float:
    """Return how long a row takes besides the model because of its pictures; 0 where it has none.

    >>> import numpy as np
    >>> round(pixel_seconds(Batch.of(np.zeros((1, 427, 640)))), 3), pixel_seconds(Batch.of(["a text"]))
    (0.027, 0.0)
    """
    rows = pictures_within(batch, 10**12)
    return PIXEL_SECONDS * 10**12 / rows if rows else 0.0


def parse(budget: int | str | None) -> Budget:
    """Return the budget that a user wrote: None, model rows, or time as "60s" or "2m".

    >>> parse("2m").seconds, parse(5000).rows
    (120.0, 5000)
    """
    if budget is None:
        return Budget()
    if isinstance(budget, int) and not isinstance(budget, bool) and budget > 0:
        return Budget(rows=budget)
    found = re.fullmatch(r"\s*(\d{1,12}(?:\.\d{1,12})?)\s*(s|m|)\s*", budget, re.ASCII) if isinstance(budget, str) else None
    if found is None or float(found[1]) <= 0:
        raise CamelopardError(f'budget={budget!r}: expected a number of model rows such as 50000, or a time such as "60s" or "2m".')
    if not found[2]:
        return Budget(rows=max(1, int(float(found[1]))))
    return Budget(seconds=float(found[1]) * (60 if found[2] == "m" else 1))


@dataclass
class Clock:
    """Says when the seconds of a run are over; None never ends. `now` is where the time comes from."""

    seconds: float | None = None
    now: Callable[[], float] = time.perf_counter
    start: float = field(init=False)

    def __post_init__(self) -> None:
        self.start = self.now()

    @property
    def spent(self) -> float:
        """Seconds since the start."""
        return self.now() - self.start

    @property
    def left(self) -> float:
        """Seconds that remain; infinite without a limit."""
        return float("inf") if self.seconds is None else self.seconds - self.spent

    @property
    def over(self) -> bool:
        """Whether the seconds are used up."""
        return self.left < 0
