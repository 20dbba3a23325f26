"""Reads a file of texts, one on each line. A line that is not UTF-8 stays bytes, with its reason: the firewall must see it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import IO

import numpy as np

from camelopard.core.arrays import objects
from camelopard.core.batch import Batch, Form
from camelopard.core.errors import InputError
from camelopard.core.media import TEXT
from camelopard.modality.chunks import LARGEST_LINE, Chunk, at_once, lines
from camelopard.modality.delimited import MARKS

MARK = b"\xef\xbb\xbf"  # in front of a file, from some editors
LONGEST = 1 << 26  # bytes of the lines of a chunk


def read_lines(stream: IO[bytes], name: str, chunk: int) -> Iterator[Chunk]:
    """Yield the lines of a stream as texts, without their ends; a blank one is an empty text, so that rows are lines.

    Raises
    ------
    InputError
        If it is empty, or in UTF-16.
    """
    cells: list[str | bytes | None] = []
    problems: dict[int, str] = {}
    number = size = 0
    for number, line in enumerate(lines(stream), 1):
        if number == 1 and line is not None:
            if any(line.startswith(mark) for mark, _ in MARKS):
                raise InputError(f"{name}: this is UTF-16, and UTF-8 is read. Convert it first, for example: iconv -f utf-16 -t utf-8 {name}")
            line = line.removeprefix(MARK)
        text, why = _text(line)
        if why is not None:
            problems[len(cells)] = f"line {number} of {name}: {why}"
        cells.append(text)
        size += len(line or b"")
        if len(cells) >= at_once(chunk, 1) or size > LONGEST:
            yield Chunk(_batch(cells), problems)
            cells, problems, size = [], {}, 0
    if cells:
        yield Chunk(_batch(cells), problems)
    elif not number:
        raise InputError(f"{name}: the file is empty; expected one text per line.")


def _text(line: bytes | None) -> tuple[str | bytes | None, str | None]:
    if line is None:
        return None, f"longer than {LARGEST_LINE >> 20} MB, expected one text"
    line = line.removesuffix(b"\n").removesuffix(b"\r")
    try:
        return line.decode("utf-8"), None
    except UnicodeDecodeError as error:
        return line, f"byte {error.start + 1} ({line[error.start]:#04x}) is not UTF-8"


def _batch(cells: list[str | bytes | None]) -> Batch:
    return Batch({TEXT[0]: objects(cells)}, np.arange(len(cells)), Form("texts"))
