"""Opens files of tables in chunks, in constant memory: CSV, Parquet, Arrow, JSON lines, or standard input.

A row that cannot be read whole never stops the reading: it comes as a row with its problem. A file that cannot be read is an InputError that
names file, row and column.
"""

from __future__ import annotations

import gzip
import io
import os
import shutil
import sys
import tempfile
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO, Any, cast

import numpy as np

from camelopard.core.arrays import Array, objects
from camelopard.core.batch import Batch, Form, concat
from camelopard.core.errors import InputError
from camelopard.core.schema import Schema
from camelopard.modality.arrow_files import read_arrow, read_parquet
from camelopard.modality.chunks import CHUNK, Chunk
from camelopard.modality.delimited import read_csv
from camelopard.modality.json_lines import read_json_lines
from camelopard.modality.texts import settled, typed

TEXTS = {".csv": read_csv, ".tsv": read_csv, ".jsonl": read_json_lines, ".ndjson": read_json_lines}
BINARIES = {".parquet": read_parquet, ".arrow": read_arrow, ".feather": read_arrow}
MAGIC = {b"PAR1": read_parquet, b"ARRO": read_arrow, b"FEA1": read_arrow, b"\xff\xff\xff\xff": read_arrow}


def open_table(path: str | os.PathLike[str], *, schema: Schema | None = None, chunk: int = CHUNK) -> Iterator[Chunk]:
    """Yield the rows of a file in chunks.

    Parameters
    ----------
    path
        .csv, .tsv, .jsonl, .ndjson (also with .gz), .parquet, .arrow, .feather. "-" is standard input; it, and a file without ending (a pipe), is
        told by its first bytes.
    schema
        What the columns hold; texts are read accordingly, and what does not fit stays text. Without it, the cells of a CSV are all texts.
    chunk
        Rows at a time; of very wide tables fewer.

    Raises
    ------
    InputError
        If the file is absent, truncated, empty, in another encoding, or of a kind not known.
    """
    name = os.fspath(path)
    try:
        yield from _chunks(name, schema, chunk)
    except (OSError, EOFError, zlib.error) as error:
        raise InputError(f"{_called(name)}: {_why(error)}.") from error


def read_table_file(path: str | os.PathLike[str], target: str | None = None) -> tuple[Batch, Array | None]:
    """Return a whole file as a batch, and its column `target` apart where one is named. Texts are read by what the whole column holds.

    Raises
    ------
    InputError
        As `open_table`; also for a row that cannot be read whole, and if there is no such column.
    """
    name = _called(os.fspath(path))
    parts: list[Batch] = []
    start = 0
    for part in open_table(path):
        if part.problems:
            row, why = next(iter(part.problems.items()))
            raise InputError(f"{name}: row {start + row + 1}: {why}. Mend or leave out that row: what is learned from must be whole.")
        start += len(part.batch)
        parts.append(part.batch)
    if not start:
        raise InputError(f"{name}: there are no rows in it.")
    batch = _joined(parts, start)
    if target is None:
        return batch, None
    if target not in batch.columns:
        raise InputError(f"{name}: there is no column {target!r}. Its columns: {', '.join(batch.names[:40])}.")
    return batch.select([n for n in batch.names if n != target]), batch.columns[target]


def _joined(parts: Sequence[Batch], n: int) -> Batch:
    """Return all parts as one batch, typed as a whole; a column that some parts lack is missing in their rows."""
    names = list(dict.fromkeys(name for part in parts for name in part.names))
    whole = concat([Batch({name: part.columns.get(name, objects([None] * len(part))) for name in names}, part.ids, part.form) for part in parts])
    categories: dict[str, tuple[Any, ...]] = {}
    for part in parts:
        for name, values in part.form.categories.items():
            categories[name] = tuple(dict.fromkeys([*categories.get(name, ()), *values]))
    whole = Batch(whole.columns, np.arange(n), Form(whole.form.kind, {}, categories))
    return typed(whole) if whole.form.kind == "rows" else settled(whole)


def _chunks(name: str, schema: Schema | None, chunk: int) -> Iterator[Chunk]:
    if name == "-":
        return _told(cast(IO[bytes], sys.stdin.buffer), _called(name), schema, chunk)
    if os.path.isdir(name):
        raise InputError(f"{name}: this is a folder; expected a file.")
    if not os.path.exists(name):
        raise InputError(f"{name}: there is no such file.")
    ending = Path(name.lower().removesuffix(".gz")).suffix
    if ending in BINARIES and not name.lower().endswith(".gz"):
        return BINARIES[ending](name, name, chunk)
    if ending in TEXTS or not ending:
        return _opened(name, ending, schema, chunk)
    raise InputError(f"{name}: cannot read {Path(name).suffix}; expected .csv, .tsv, .jsonl, .ndjson (also with .gz), .parquet, .arrow or .feather.")


def _opened(name: str, ending: str, schema: Schema | None, chunk: int) -> Iterator[Chunk]:
    with cast(IO[bytes], gzip.open(name, "rb") if name.lower().endswith(".gz") else open(name, "rb")) as stream:
        yield from TEXTS[ending](stream, name, schema, chunk) if ending else _told(stream, name, schema, chunk)


def _told(stream: IO[bytes], name: str, schema: Schema | None, chunk: int, *, packed: bool = True) -> Iterator[Chunk]:
    """Read a stream by its first bytes; `packed`: it may be compressed (what comes out of that may not be again)."""
    buffered = io.BufferedReader(cast(io.RawIOBase, stream), 1 << 16)
    start = buffered.peek(4)
    try:
        if packed and start.startswith(b"\x1f\x8b"):
            yield from _told(cast(IO[bytes], gzip.GzipFile(fileobj=buffered)), name, schema, chunk, packed=False)
        elif start[:4] in MAGIC:
            with tempfile.TemporaryFile() as whole:  # these kinds are read from their end
                shutil.copyfileobj(buffered, whole)
                whole.seek(0)
                yield from MAGIC[start[:4]](whole, name, chunk)
        else:
            reader = read_json_lines if start.removeprefix(b"\xef\xbb\xbf").lstrip().startswith(b"{") else read_csv
            yield from reader(buffered, name, schema, chunk)
    finally:
        buffered.detach()  # the stream is its owner's to close


def _called(name: str) -> str:
    return "standard input" if name == "-" else name


def _why(error: Exception) -> str:
    if isinstance(error, PermissionError):
        return "no permission to read it"
    if isinstance(error, EOFError):
        return "it ends too early: the compressed file is truncated"
    return (getattr(error, "strerror", None) or str(error) or type(error).__name__).rstrip(".")
