"""How many rows are held as numbers at once: large pictures are many bytes each, so they are stacked, damaged, repaired and read some at a time."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from camelopard.core.batch import Batch

AT_ONCE = 64_000_000  # bytes of pictures


def rows_at_once(batch: Batch, most: int, size: int | None = None) -> int:
    """Return how many rows of a batch are handled at once: `most`, or as many as the largest of its pictures fits into `size` bytes, one at least.

    `size` is AT_ONCE where it is not given.

    >>> small, large = (Batch.of([np.zeros((side, side, 3), dtype=np.uint8)] * 3) for side in (8, 4000))
    >>> rows_at_once(small, 8192), rows_at_once(large, 8192), rows_at_once(Batch.of(["a text"]), 8192)
    (8192, 1, 8192)
    """
    each, size = sum(max(map(_bytes, cells)) for cells in _pictured(batch)), AT_ONCE if size is None else size
    return most if each * most <= size else max(1, min(most, size // each))


def weight(batch: Batch) -> int:
    """Return how many bytes the pictures of a batch hold, those given as arrays.

    >>> weight(Batch.of([np.zeros((8, 8)), None])), weight(Batch.of(["a text"]))
    (512, 0)
    """
    return sum(sum(map(_bytes, cells)) for cells in _pictured(batch))


def pictures_within(batch: Batch, pixels: int) -> int | None:
    """Return how many rows show that many pixels where they are as large as those of a batch; None where no array in it is a picture.

    >>> pictures_within(Batch.of(np.zeros((5, 100, 200, 3))), 1_000_000), pictures_within(Batch.of(["a text"]), 1_000_000)
    (50, None)
    """
    shown = [cell.shape[0] * cell.shape[1] for cells in _pictured(batch) for cell in cells if isinstance(cell, np.ndarray) and cell.ndim > 1]
    return int(pixels * len(batch) // sum(shown)) if sum(shown) else None


def portions(sizes: list[int], most: int) -> Iterator[slice]:
    """Yield consecutive rows of these sizes in bytes, as many at a time as fit into AT_ONCE: `most` at most, one at least.

    >>> list(portions([40_000_000, 20_000_000, 20_000_000, 90_000_000], 100))
    [slice(0, 2, None), slice(2, 3, None), slice(3, 4, None)]
    """
    start, held = 0, 0
    for i, size in enumerate(sizes):
        if i > start and (held + size > AT_ONCE or i - start >= most):
            yield slice(start, i)
            start, held = i, 0
        held += size
    if start < len(sizes):
        yield slice(start, len(sizes))


def _pictured(batch: Batch) -> Iterator[list[object]]:
    """Yield the cells of the columns that hold a picture."""
    for values in batch.columns.values():
        if values.dtype == object:
            cells = values.tolist()
            if np.ndarray in set(map(type, cells)):
                yield cells


def _bytes(cell: object) -> int:
    return cell.nbytes if isinstance(cell, np.ndarray) else 0
