"""How many large pictures are looked at where no budget is given: a plan that counts rows alone would take hours for photographs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from camelopard.core.batch import Batch
from camelopard.firewall.material import Lesson
from camelopard.models.sizes import pictures_within
from camelopard.stress.budget import ATTACK_PIXELS, PIXELS

FEWEST_CLEAN = 1_000  # that are looked at, however large: what is promised of alarms hangs on their number
FEWEST_DAMAGED = 300
MANY = 12_000  # pictures within PIXELS: nothing is limited where these are so small


@dataclass(frozen=True)
class Large:
    """Rows that are looked at, where they hold large pictures; None for no limit.

    pixels
        What one of them shows; 0 where nothing is limited.
    clean, damaged
        Clean rows, and damaged ones of which evidence is measured.
    searched
        Model rows that each search for small changes may ask.
    """

    pixels: int = 0
    clean: int | None = None
    damaged: int | None = None
    searched: int | None = None

    @classmethod
    def of(cls, batch: Batch, rows: int | None) -> Large:
        """Return the limits for rows like these: none where pictures are small, or where a budget in model rows sets others.

        >>> import numpy as np
        >>> Large.of(Batch.of([np.zeros((1000, 700, 3), dtype=np.uint8)]), None)
        Large(pixels=700000, clean=1000, damaged=1000, searched=428)
        >>> Large.of(Batch.of([np.zeros((28, 28))]), None) == Large.of(Batch.of(["a text"]), None) == Large()
        True
        """
        most = pictures_within(batch, PIXELS)
        if rows is not None or most is None or most >= MANY:
            return cls()
        return cls(PIXELS // max(most, 1), max(FEWEST_CLEAN, most), max(FEWEST_DAMAGED, most), pictures_within(batch, ATTACK_PIXELS))

    def told(self, seen: Sequence[Lesson]) -> dict[str, Any]:
        """Return what there is to say of it: how large pictures are, and how many were looked at; nothing where nothing is limited."""
        if not self.pixels:
            return {}
        clean, damaged = (sum(int((part.damaged == which).sum()) for part in seen) for which in (False, True))
        return {"pictures": {"pixels": self.pixels, "clean": clean, "damaged": damaged}}
