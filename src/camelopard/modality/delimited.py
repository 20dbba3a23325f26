"""Reads CSV and its relatives, row by row: a row that does not parse is dropped with its reason, and reading goes on with the next line."""

from __future__ import annotations

import csv
import re
from collections import deque
from collections.abc import Iterator, Sequence
from typing import IO

import numpy as np

from camelopard.core.arrays import objects
from camelopard.core.batch import Batch, Form
from camelopard.core.errors import InputError
from camelopard.core.schema import Schema
from camelopard.modality.chunks import Chunk, at_once, check_names, lines
from camelopard.modality.texts import read

MOST_BROKEN = 1_000  # rows that do not parse; each may cost a second look at as much as one field can hold
SEPARATORS = ",;\t|"
MARKS = ((b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"))
LONE_RETURN = re.compile(r"(?<=\r)(?=[^\n])")


def read_csv(stream: IO[bytes], name: str, schema: Schema | None, chunk: int) -> Iterator[Chunk]:
    """Yield the rows of a CSV stream; texts are read by the schema, or stay texts (in the form "rows") without one.

    Raises
    ------
    InputError
        If there is no line of column names, if names repeat, or at the first line that is not UTF-8.
    """
    source = _Lines(stream, name)
    first = source.first()
    separator = "\t" if name.lower().removesuffix(".gz").endswith(".tsv") else _separator(first)
    records = _records(source, separator)
    number, header, why = next(records)
    if why is not None:
        raise InputError(f"{name}: line {number}, the column names: {why}.")
    check_names(header, name)
    size = at_once(chunk, len(header))
    rows: list[list[str]] = []
    problems: dict[int, str] = {}
    broken = 0
    for number, row, why in records:
        if why is not None:
            broken += 1
            if broken > MOST_BROKEN:
                raise InputError(f"{name}: line {number}: {why}, and {MOST_BROKEN:,} rows before it do not parse either. Is its quoting that of CSV?")
        elif len(row) != len(header):
            why = f"{len(row)} fields, expected {len(header)}"
        if why is not None:
            problems[len(rows)] = f"line {number} of {name}: {why}"
            row = [*row[: len(header)], *[""] * (len(header) - len(row))]
        rows.append(row)
        if len(rows) == size:
            yield Chunk(_batch(header, rows, schema), problems)
            rows, problems = [], {}
    if rows:
        yield Chunk(_batch(header, rows, schema), problems)


def _batch(header: Sequence[str], rows: list[list[str]], schema: Schema | None) -> Batch:
    texts = dict(zip(header, zip(*rows, strict=True), strict=True))
    if schema is None:
        return Batch({name: objects(cells) for name, cells in texts.items()}, np.arange(len(rows)), Form("rows"))
    return Batch({name: read(cells, schema.columns.get(name)) for name, cells in texts.items()}, np.arange(len(rows)), schema.form)


def _separator(line: str) -> str:
    bare = re.sub(r'"[^"]*"', "", line)
    return max(SEPARATORS, key=bare.count)


def _records(source: _Lines, separator: str) -> Iterator[tuple[int, list[str], str | None]]:
    """Yield (line number, fields, why it does not parse or None) for each row.

    Only the first line of a row that does not parse is given up: a quote that never closes must not take the rows below it along.
    """
    reader = csv.reader(source, delimiter=separator, strict=True)
    while True:
        source.taken.clear()
        try:
            row = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            number = source.taken[0][0]
            source.waiting.extendleft(reversed(source.taken[1:]))
            yield number, [], _why(error, len(source.taken))
            continue
        number = source.taken[0][0]
        if any("\0" in (text or "") for _, text in source.taken):
            yield number, row, "it holds a NUL character"
        elif row:
            yield number, row, None


def _why(error: csv.Error, taken: int) -> str:
    told = str(error)
    if taken > 1 or "unexpected end" in told:
        return "a quote that does not close"
    return "a quote in the middle of a field" if "expected after" in told else told


class _Lines:
    """Lines of text with their numbers, from one. Lines that `_records` puts back into `waiting` come again."""

    def __init__(self, stream: IO[bytes], name: str) -> None:
        self.taken: list[tuple[int, str | None]] = []
        self.waiting: deque[tuple[int, str | None]] = deque()
        self._source, self._name, self._number = lines(stream), name, 0

    def __iter__(self) -> _Lines:
        return self

    def __next__(self) -> str:
        if not self.waiting:
            self._fetch()
        self.taken.append(self.waiting.popleft())
        text = self.taken[-1][1]
        if text is None:
            raise csv.Error("line longer than is read")
        return text

    def first(self) -> str:
        """Return the first line that is not blank, which is read again after this."""
        try:
            text = next(line for line in self if line.strip())
        except StopIteration:
            raise InputError(f"{self._name}: the file is empty; expected a line of column names.") from None
        except csv.Error as error:
            raise InputError(f"{self._name}: line {self._number}: expected a line of column names, but it is a {error}.") from error
        if "\0" in text:
            raise InputError(f"{self._name}: line {self._number}: expected a line of column names; this is no text file, or one in UTF-16.")
        self.waiting.appendleft(self.taken[-1])
        return text

    def _fetch(self) -> None:
        raw = next(self._source)
        self._number += 1
        if raw is None:
            self.waiting.append((self._number, None))
            return
        text = self._decoded(raw)
        if "\r" not in text[:-2]:
            self.waiting.append((self._number, text))
            return
        pieces = LONE_RETURN.split(text)
        self.waiting.extend((self._number + i, piece) for i, piece in enumerate(pieces))
        self._number += len(pieces) - 1

    def _decoded(self, raw: bytes) -> str:
        if self._number == 1:
            raw = raw.removeprefix(b"\xef\xbb\xbf")
        try:
            return raw.decode("utf-8")
        except UnicodeDecodeError as error:
            marked = [encoding for mark, encoding in MARKS if self._number == 1 and raw.startswith(mark)]
            raise InputError(
                f"{self._name}: line {self._number}, byte {error.start + 1} ({raw[error.start]:#04x}) is not UTF-8. Convert it first, for example: "
                f"iconv -f {marked[0] if marked else 'latin1'} -t utf-8 {self._name}"
            ) from error
