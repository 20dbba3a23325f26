"""What every reader of files shares: the chunk it yields, lines of bounded length, and how many rows are held at once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import IO

from camelopard.core.batch import Batch
from camelopard.core.errors import InputError

CHUNK = 20_000
MOST_CELLS = 2_000_000  # held at once: a table of 10,000 columns comes 200 rows at a time
LARGEST_LINE = 1 << 24  # bytes; what expands beyond it (a small compressed file can) is skipped, not held


@dataclass(frozen=True)
class Chunk:
    """Some rows of a file, and the rows among them (by position in the chunk) that could not be read whole, with why.

    `size`: the bytes that its pictures unpack to, about.
    """

    batch: Batch
    problems: Mapping[int, str] = field(default_factory=dict)
    size: int = 0


def at_once(chunk: int, columns: int) -> int:
    """Return how many rows to hold at once: `chunk`, or fewer of a wide table.

    >>> at_once(20_000, 14), at_once(20_000, 10_000)
    (20000, 200)
    """
    return max(1, min(chunk, MOST_CELLS // max(columns, 1)))


def lines(stream: IO[bytes]) -> Iterator[bytes | None]:
    """Yield the lines of a stream with their ends; None for a line longer than LARGEST_LINE, which is skipped."""
    while line := stream.readline(LARGEST_LINE):
        if len(line) < LARGEST_LINE or line.endswith(b"\n"):
            yield line
            continue
        while (rest := stream.readline(LARGEST_LINE)) and not rest.endswith(b"\n"):
            pass
        yield None


def check_names(names: Sequence[str], file: str) -> None:
    """Raise an InputError if two columns have the same name."""
    repeated = sorted(name for name, times in Counter(names).items() if times > 1)
    if repeated:
        raise InputError(f"{file}: repeated column names: {', '.join(map(repr, repeated[:10]))}. Give every column its own name.")
