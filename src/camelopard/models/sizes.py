"""How many rows are held as numbers at once: large pictures are many bytes each, so they are stacked, repaired and read some at a time."""

from __future__ import annotations

import numpy as np

from camelopard.core.batch import Batch

AT_ONCE = 64_000_000  # bytes of pictures


def rows_at_once(batch: Batch, most: int) -> int:
    """Return how many rows of a batch are handled at once: `most`, or as many as the largest of its pictures fits into AT_ONCE bytes, one at least.

    >>> small, large = (Batch.of([np.zeros((side, side, 3), dtype=np.uint8)] * 3) for side in (8, 4000))
    >>> rows_at_once(small, 8192), rows_at_once(large, 8192), rows_at_once(Batch.of(["a text"]), 8192)
    (8192, 1, 8192)
    """
    columns = (values.tolist() for values in batch.columns.values() if values.dtype == object)
    each = sum(_largest(cells) for cells in columns if isinstance(next((cell for cell in cells if cell is not None), None), np.ndarray))
    return most if each * most <= AT_ONCE else max(1, min(most, AT_ONCE // each))


def _largest(cells: list[object]) -> int:
    return max(cell.nbytes for cell in cells if isinstance(cell, np.ndarray))
