"""What is measured of many rows, some rows at a time: the repairs of a picture are a dozen pictures, and thousands of damaged ones are made again
rather than kept.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from camelopard.core.arrays import Floats, Ints
from camelopard.core.batch import Batch
from camelopard.core.records import Prediction
from camelopard.evidence.impact import CANDIDATES, Impact
from camelopard.models.sizes import rows_at_once, weight

HELD = 128_000_000  # bytes of pictures that are kept of rows made again
TOLD = (0, CANDIDATES - 2, CANDIDATES - 1)  # the candidates among which a repair is chosen


@dataclass(frozen=True)
class Stack:
    """Rows below each other, of which so many are pictures that they are made when they are needed, part after part.

    makes
        Make the rows of each part, always the same ones.
    lengths
        How many rows each has.
    """

    makes: Sequence[Callable[[], Batch]]
    lengths: Sequence[int]
    _kept: dict[int, Batch] = field(default_factory=dict)

    def __len__(self) -> int:
        return sum(self.lengths)

    def part(self, k: int) -> Batch:
        """Return part k; the first ones that fit into HELD bytes are kept."""
        found = self._kept.get(k)
        if found is None:
            found = self.makes[k]()
            if sum(map(weight, self._kept.values())) + weight(found) <= HELD:
                self._kept[k] = found
        return found

    def pieces(self, order: Sequence[int], most: int) -> Iterator[tuple[Ints, Batch]]:
        """Yield all rows, their positions and what they hold, part after part in this order, at most `most` rows at a time."""
        starts = np.cumsum([0, *self.lengths])
        for k in order:
            part = self.part(k)
            step = rows_at_once(part, most)
            for start in range(0, len(part), step):
                some = slice(start, min(start + step, len(part)))
                yield starts[k] + np.arange(some.start, some.stop), part.take(some)


def impact_of(measure: Callable[[Ints], Impact], rows: Ints, most: int, tell: bool) -> Impact:
    """Return the impact of repairs of some rows of a batch, measured `most` rows at a time: the same as of all at once.

    `tell`: the texts and pictures among which a repair is chosen are kept; where they are not, the one that is asked for is made again.
    """
    parts = [_told(measure(rows[start : start + most]), tell) for start in range(0, max(len(rows), 1), most)]
    if len(parts) == 1:
        return parts[0]
    table = parts[0].table
    for part in parts[1:]:
        table[part.rows] = part.table[part.rows]
    return Impact(
        table,
        rows,
        np.concatenate([part.values for part in parts]),
        Prediction.joined([part.answers for part in parts if part.answers is not None]),
        np.concatenate([part.moved for part in parts]),
        {name: np.concatenate([part.media[name] for part in parts]) for name in parts[0].media},
    )


def features_of(read: Callable[[Batch], Floats | None], batch: Batch, most: int) -> Floats | None:
    """Return what a model makes of each row, read `most` rows at a time, shape (n, d): NaN where it raises; None where it does not show."""
    if len(batch) <= most:
        return read(batch)
    found = [read(batch.take(slice(start, start + most))) for start in range(0, len(batch), most)]
    parts = [part for part in found if part is not None]
    width = max((part.shape[1] for part in parts), default=0)
    return None if len(parts) < len(found) else np.vstack([part if part.shape[1] else np.full((len(part), width), np.nan) for part in parts])


def _told(impact: Impact, tell: bool) -> Impact:
    """Return the impact without those texts and pictures that were only asked about: large pictures are not to outlive the question."""
    if not impact.media:
        return impact
    if not tell:
        return replace(impact, media={})
    asked = ~np.isin(np.arange(len(impact.rows) * CANDIDATES) % CANDIDATES, TOLD)
    media = {name: cells.copy() for name, cells in impact.media.items()}
    for cells in media.values():
        cells[asked] = None
    return replace(impact, media=media)
