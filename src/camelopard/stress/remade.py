"""Rows that are not kept: they say how they were made, and are made again when somebody looks at them.

Thousands of damaged pictures do not fit into memory, and few of them are ever looked at again. What is made again is the same, byte for byte: a
damage gets the same rows and the same random numbers, a file is unpacked in the same way.
"""

from __future__ import annotations

from collections.abc import Callable, ItemsView, Iterator, Mapping, ValuesView
from dataclasses import replace

from camelopard.core.arrays import Array
from camelopard.core.batch import Batch
from camelopard.models.sizes import weight


class Remade(Mapping[str, Array]):
    """The columns of a batch that is made when they are asked for, and not kept. `size`: the bytes of its pictures."""

    def __init__(self, names: tuple[str, ...], make: Callable[[], Batch], size: int) -> None:
        self.names, self.make, self.size = names, make, size

    def __getitem__(self, name: str) -> Array:
        if name not in self.names:
            raise KeyError(name)
        return self.make().columns[name]

    def __contains__(self, name: object) -> bool:
        return name in self.names

    def __iter__(self) -> Iterator[str]:
        return iter(self.names)

    def __len__(self) -> int:
        return len(self.names)

    def items(self) -> ItemsView[str, Array]:
        return self.make().columns.items()  # made once for all columns

    def values(self) -> ValuesView[Array]:
        return self.make().columns.values()


def remade(batch: Batch, make: Callable[[], Batch]) -> Batch:
    """Return a batch with the same rows, which are made by `make` whenever they are looked at.

    >>> made = []
    >>> again = remade(Batch.of(["a", "b"]), lambda: made.append(1) or Batch.of(["a", "b"]))
    >>> len(again), again.names, len(made)
    (2, ('text',), 0)
    >>> again.take([1]).columns["text"].tolist(), len(made)
    (['b'], 1)
    """
    return replace(batch, columns=Remade(batch.names, make, weight(batch)), coded={})


def bytes_of(batch: Batch) -> int:
    """Return how many bytes the pictures of a batch hold, or would hold if they were made again."""
    return batch.columns.size if isinstance(batch.columns, Remade) else weight(batch)


class Lately:
    """Keeps the batch that was made last, so that looking at it row by row makes it once."""

    def __init__(self) -> None:
        self._last: tuple[object, Batch] | None = None

    def kept(self, batch: Batch, make: Callable[[], Batch]) -> Batch:
        """Return a batch with the same rows, which are made by `make` unless they were looked at last."""
        key = object()
        self._last = key, batch

        def made() -> Batch:
            last = self._last
            if last is None or last[0] is not key:
                last = self._last = key, make()
            return last[1]

        return remade(batch, made)
