"""What is measured of many rows, some rows at a time: the repairs of a picture are a dozen pictures, and of these only what can be told is kept."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from camelopard.core.arrays import Floats, Ints
from camelopard.core.batch import Batch
from camelopard.core.records import Prediction
from camelopard.evidence.impact import CANDIDATES, Impact

TOLD = (0, CANDIDATES - 2, CANDIDATES - 1)  # the candidates among which a repair is chosen


def impact_of(measure: Callable[[Ints], Impact], rows: Ints, most: int) -> Impact:
    """Return the impact of repairs of some rows of a batch, measured `most` rows at a time: the same as of all at once."""
    parts = [_told(measure(rows[start : start + most])) for start in range(0, max(len(rows), 1), most)]
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


def _told(impact: Impact) -> Impact:
    """Return the impact without those texts and pictures that were only asked about: large pictures are not to outlive the question."""
    if not impact.media:
        return impact
    asked = ~np.isin(np.arange(len(impact.rows) * CANDIDATES) % CANDIDATES, TOLD)
    media = {name: cells.copy() for name, cells in impact.media.items()}
    for cells in media.values():
        cells[asked] = None
    return replace(impact, media=media)
