"""Reads files of tables in chunks, in constant memory: CSV, Parquet, Arrow, JSON lines, or standard input.

A row that cannot be read whole never stops the reading: it comes as a row with its problem. A file that cannot be read is an InputError that
names file, row and column.
"""

from __future__ import annotations

import csv
import gzip
import io
import json
import os
import re
import sys
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

import numpy as np

from camelopard.core.arrays import Array, objects
from camelopard.core.batch import Batch, Form, concat
from camelopard.core.errors import InputError
from camelopard.core.schema import Column, Schema
from camelopard.core.tables import cell, column_of

CHUNK = 20_000
LARGEST_FIELD = 1 << 20  # characters of one CSV field
LARGEST_LINE = 1 << 24  # bytes of one JSON line
EMPTY = ("", "NA", "N/A", "NaN", "nan", "null", "NULL", "None", "?")  # read as missing, unless a known category of the column
TRUTH = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
SEPARATORS = ",;\t|"
ODD = re.compile(r"[\s_]")


@dataclass(frozen=True)
class Chunk:
    """Some rows of a file, and the rows among them (by position in the chunk) that could not be read whole, with why."""

    batch: Batch
    problems: Mapping[int, str] = field(default_factory=dict)


def open_table(path: str | os.PathLike[str], *, schema: Schema | None = None, chunk: int = CHUNK) -> Iterator[Chunk]:
    """Yield the rows of a file in chunks.

    Parameters
    ----------
    path
        .csv, .tsv (also .gz), .parquet, .arrow, .feather, .jsonl, .ndjson; "-" is standard input, told by its first bytes.
    schema
        What the columns hold; texts are read accordingly, and what does not fit stays text. Without it each chunk is read by itself.
    chunk
        Rows at a time.

    Raises
    ------
    InputError
        If the file is absent, truncated, empty, in another encoding, or of a kind not known.
    """
    name = os.fspath(path)
    try:
        yield from _reader(name)(name, schema, chunk)
    except (OSError, EOFError, zlib.error) as error:
        raise InputError(f"{_called(name)}: {_why(error)}.") from error


def read_table_file(path: str | os.PathLike[str], target: str | None = None) -> tuple[Batch, Array | None]:
    """Return a whole file as a batch, and its column `target` apart where one is named. Texts are read by what the whole column holds.

    Raises
    ------
    InputError
        As `open_table`; also for a row that cannot be read whole, and if there is no such column.
    """
    chunks = list(open_table(path))
    name = _called(os.fspath(path))
    start = 0
    for part in chunks:
        if part.problems:
            row, why = next(iter(part.problems.items()))
            raise InputError(f"{name}: row {start + row + 1}: {why}. Mend or leave out that row: what is learned from must be whole.")
        start += len(part.batch)
    if not start:
        raise InputError(f"{name}: there are no rows in it.")
    batch = concat([part.batch for part in chunks])
    if batch.form.kind == "rows":
        batch = _typed(batch)
    batch = Batch(batch.columns, np.arange(start), batch.form)
    if target is None:
        return batch, None
    if target not in batch.columns:
        raise InputError(f"{name}: there is no column {target!r}. Its columns: {', '.join(batch.names[:40])}.")
    y = batch.columns[target]
    return batch.select([n for n in batch.names if n != target]), y


# --- kinds of file


def _reader(name: str) -> Callable[[str, Schema | None, int], Iterator[Chunk]]:
    if name == "-":
        return _stdin
    if os.path.isdir(name):
        raise InputError(f"{name}: this is a folder; expected a file.")
    if not os.path.exists(name):
        raise InputError(f"{name}: there is no such file.")
    bare = name.removesuffix(".gz").lower()
    ending = Path(bare).suffix
    found = _KINDS.get(ending)
    if found is None:
        raise InputError(
            f"{name}: cannot read {ending or 'a file without ending'}; expected .csv, .tsv, .parquet, .arrow, .feather, .jsonl or .ndjson."
        )
    return found


def _csv(name: str, schema: Schema | None, chunk: int) -> Iterator[Chunk]:
    with _opened(name) as stream:
        yield from _csv_stream(stream, name, schema, chunk)


def _csv_stream(stream: IO[bytes], name: str, schema: Schema | None, chunk: int) -> Iterator[Chunk]:
    text = io.TextIOWrapper(stream, encoding="utf-8-sig", newline="")
    csv.field_size_limit(LARGEST_FIELD)
    line = 1
    try:
        first = text.readline(LARGEST_FIELD)
        if not first.strip():
            raise InputError(f"{name}: the file is empty; expected a line of column names.")
        separator = max(SEPARATORS, key=first.count) if not name.lower().removesuffix(".gz").endswith(".tsv") else "\t"
        header = next(csv.reader([first], delimiter=separator))
        _check_header(header, name)
        rows: list[list[str]] = []
        problems: dict[int, str] = {}
        reader = csv.reader(text, delimiter=separator)
        for row in reader:
            line = reader.line_num + 1
            if not row:
                continue
            if len(row) != len(header):
                problems[len(rows)] = f"line {line} of {name} has {len(row)} fields, expected {len(header)}"
                row = [*row[: len(header)], *[""] * (len(header) - len(row))]
            rows.append(row)
            if len(rows) == chunk:
                yield Chunk(_from_texts(header, rows, schema), problems)
                rows, problems = [], {}
        if rows:
            yield Chunk(_from_texts(header, rows, schema), problems)
    except UnicodeDecodeError as error:
        raise InputError(
            f"{name}: line {line} or soon after is not UTF-8 (byte {error.object[error.start]:#04x}). Convert it first, for example: "
            f"iconv -f latin1 -t utf-8 {name}"
        ) from error
    except csv.Error as error:
        raise InputError(f"{name}: line {line}: {error}.") from error


def _check_header(header: Sequence[str], name: str) -> None:
    repeated = sorted({h for h in header if header.count(h) > 1}) if len(header) < 20_000 else []
    if repeated:
        raise InputError(f"{name}: repeated column names: {', '.join(map(repr, repeated[:10]))}. Give every column its own name.")


def _from_texts(header: Sequence[str], rows: list[list[str]], schema: Schema | None) -> Batch:
    columns: dict[str, Array] = {}
    for name, texts in zip(header, zip(*rows, strict=True), strict=True):
        known = schema.columns.get(name) if schema is not None else None
        columns[name] = objects(texts) if schema is None else _read(texts, known)
    return Batch(columns, np.arange(len(rows)), schema.form if schema is not None else Form("rows"))


def _read(texts: Sequence[str], column: Column | None) -> Array:
    """Return texts as what the column holds; a text that does not fit stays as it is."""
    if column is None or column.kind == "category" or (column.kind == "date" and column.date_format):
        known = column.values if column is not None else {}
        if any(e in known for e in EMPTY):
            return objects(None if t in EMPTY and t not in known else t for t in texts)
        return objects(None if t in EMPTY else t for t in texts)
    if column.kind == "number":
        return _numbers(texts)
    if column.kind == "boolean":
        cells = [None if t in EMPTY else TRUTH.get(t, t) for t in texts]
        return np.array(cells, dtype=bool) if all(type(c) is bool for c in cells) else objects(cells)
    return _dates(texts)


def _numbers(texts: Sequence[str]) -> Array:
    if not ODD.search("".join(texts)):  # what NumPy reads as a number but the careful way does not; each cell is read the same in any chunk
        try:
            return np.array(texts, dtype=np.float64)
        except ValueError:
            pass
    cells = [_number(t) for t in texts]
    if all(c is None or type(c) is float for c in cells):
        return np.array([np.nan if c is None else c for c in cells], dtype=np.float64)
    return objects(cells)


def _number(text: str) -> float | str | None:
    if text in EMPTY:
        return None
    try:
        return text if "_" in text or text != text.strip() else float(text)
    except ValueError:
        return text


def _dates(texts: Sequence[str]) -> Array:
    try:
        return np.array(["NaT" if t in EMPTY else t for t in texts], dtype="datetime64[us]")
    except ValueError:
        return objects(None if t in EMPTY else t for t in texts)


def _typed(batch: Batch) -> Batch:
    """Return a batch of texts with each column as what all of it holds: numbers, truth values, or texts; in the form that pandas would give it."""
    columns: dict[str, Array] = {}
    dtypes: dict[str, str] = {}
    for name, values in batch.columns.items():
        typed = _inferred(values) if all(type(v) is str for v in values[:50].tolist()) else values
        columns[name] = typed
        dtypes[name] = _dtype(typed)
    return Batch(columns, batch.ids, Form("pandas", dtypes))


def _inferred(values: Array) -> Array:
    texts = [v if isinstance(v, str) else "" for v in values.tolist()]
    present = [t for t in texts if t not in EMPTY]
    if present and all(t in TRUTH for t in present):
        return _read(texts, Column("", "boolean"))
    numbers = _numbers(texts)
    if present and numbers.dtype.kind == "f":
        whole = len(present) == len(texts) and np.isfinite(numbers).all() and (numbers == np.rint(numbers)).all() and np.abs(numbers).max() < 2**53
        plain = whole and not any("." in t or "e" in t.lower() for t in present[:1000])
        return numbers.astype(np.int64) if plain else numbers
    return objects(None if t in EMPTY else t for t in texts)


def _dtype(values: Array) -> str:
    if values.dtype != object:
        return str(values.dtype)
    return "str" if all(v is None or type(v) is str for v in values.tolist()) else "object"


def _jsonl(name: str, schema: Schema | None, chunk: int) -> Iterator[Chunk]:
    with _opened(name) as stream:
        yield from _json_stream(stream, name, schema, chunk)


def _json_stream(stream: IO[bytes], name: str, schema: Schema | None, chunk: int) -> Iterator[Chunk]:
    rows: list[dict[str, Any]] = []
    problems: dict[int, str] = {}
    number = 0
    while line := stream.readline(LARGEST_LINE):
        number += 1
        if not line.strip():
            continue
        try:
            row = json.loads(line)
            why = None if isinstance(row, dict) else f"a {type(row).__name__}, expected an object of column names and values"
        except (ValueError, RecursionError) as error:
            row, why = {}, f"not JSON ({str(error)[:80]})"
        if why is not None:
            problems[len(rows)] = f"line {number} of {name}: {why}"
            row = {}
        rows.append(row)
        if len(rows) == chunk:
            yield Chunk(_from_rows(rows, schema), problems)
            rows, problems = [], {}
    if rows:
        yield Chunk(_from_rows(rows, schema), problems)
    elif not number:
        raise InputError(f"{name}: the file is empty; expected one JSON object per line.")


def _from_rows(rows: list[dict[str, Any]], schema: Schema | None) -> Batch:
    batch = Batch.of(rows)
    if schema is not None:
        return Batch(batch.columns, batch.ids, schema.form)
    return Batch(batch.columns, batch.ids, Form("pandas", {name: _dtype(values) for name, values in batch.columns.items()}))


def _parquet(name: str, schema: Schema | None, chunk: int) -> Iterator[Chunk]:
    from pyarrow import parquet

    with _foreign(name, "Parquet"), parquet.ParquetFile(name) as file:
        yield from _arrow_batches(file.iter_batches(batch_size=chunk), name)


def _arrow(name: str, schema: Schema | None, chunk: int) -> Iterator[Chunk]:
    import pyarrow

    with _foreign(name, "Arrow"), pyarrow.OSFile(name) as source:
        try:
            file = pyarrow.ipc.open_file(source)
            parts: Iterable[Any] = (file.get_batch(i) for i in range(file.num_record_batches))
        except pyarrow.ArrowInvalid:
            source.seek(0)
            parts = iter(pyarrow.ipc.open_stream(source))
        yield from _arrow_batches((part.slice(i, chunk) for part in parts for i in range(0, max(len(part), 1), chunk)), name)


def _arrow_batches(parts: Iterable[Any], name: str) -> Iterator[Chunk]:
    """Yield record batches as chunks, in the form that pandas would give them: models fitted on frames expect it."""
    import pyarrow

    for part in parts:
        table = pyarrow.Table.from_batches([part])
        batch = Batch.of(table) if not _nested(table) else _plain_cells(table)
        yield Chunk(Batch(batch.columns, batch.ids, Form("pandas", {n: _dtype(v) for n, v in batch.columns.items()}, batch.form.categories)))


def _nested(table: Any) -> bool:
    import pyarrow

    return any(pyarrow.types.is_nested(f.type) or pyarrow.types.is_decimal(f.type) for f in table.schema)


def _plain_cells(table: Any) -> Batch:
    columns = {name: column_of([cell(v) for v in table.column(i).to_pylist()]) for i, name in enumerate(table.column_names)}
    return Batch(columns, np.arange(len(table)))


def _stdin(name: str, schema: Schema | None, chunk: int) -> Iterator[Chunk]:
    stream = io.BufferedReader(sys.stdin.buffer, 1 << 16)  # type: ignore[type-var]
    start = stream.peek(4)[:4]
    if start in (b"PAR1", b"ARRO"):
        raise InputError("standard input: Parquet and Arrow need a file that can be searched; write it to a file first.")
    called = "standard input"
    yield from (_json_stream if start[:1] == b"{" else _csv_stream)(stream, called, schema, chunk)


_KINDS: Mapping[str, Callable[[str, Schema | None, int], Iterator[Chunk]]] = {
    ".csv": _csv,
    ".tsv": _csv,
    ".jsonl": _jsonl,
    ".ndjson": _jsonl,
    ".parquet": _parquet,
    ".arrow": _arrow,
    ".feather": _arrow,
}


class _foreign:
    """Turns what pyarrow raises over a broken file into an InputError that names the file."""

    def __init__(self, name: str, kind: str) -> None:
        self.name, self.kind = name, kind

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        import pyarrow

        if isinstance(error, (pyarrow.ArrowException, OSError, ValueError)) and not isinstance(error, InputError):
            raise InputError(f"{self.name}: this is not a whole {self.kind} file ({str(error).splitlines()[0][:120]}).") from error


def _opened(name: str) -> Any:
    return gzip.open(name, "rb") if name.lower().endswith(".gz") else open(name, "rb")


def _called(name: str) -> str:
    return "standard input" if name == "-" else name


def _why(error: Exception) -> str:
    if isinstance(error, PermissionError):
        return "no permission to read it"
    if isinstance(error, EOFError):
        return "it ends too early: the compressed file is truncated"
    return (getattr(error, "strerror", None) or str(error) or type(error).__name__).rstrip(".")
