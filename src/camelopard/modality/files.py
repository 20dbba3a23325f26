"""Opens data in chunks, in constant memory: tables (CSV, Parquet, Arrow, JSON lines, standard input), texts (.txt), pictures (a folder, .npy, .npz).

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
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import IO, Any, Literal, cast

import numpy as np

from camelopard.core.arrays import Array, objects
from camelopard.core.batch import Batch, Form, concat
from camelopard.core.errors import InputError
from camelopard.core.media import IMAGE, PAIR, TEXT
from camelopard.core.schema import Schema
from camelopard.modality.array_files import named, read_arrays
from camelopard.modality.arrow_files import read_arrow, read_parquet
from camelopard.modality.chunks import CHUNK, Chunk
from camelopard.modality.delimited import read_csv
from camelopard.modality.json_lines import read_json_lines
from camelopard.modality.media_columns import Meant, check_known, learned_from, renamed, screened
from camelopard.modality.picture_files import FOLDER, read_folder
from camelopard.modality.plain_lines import read_lines
from camelopard.modality.texts import settled, typed

MOST_LEARNED = 4_000_000_000  # bytes of pictures
MEDIA_FORMS = ("texts", "images")
TEXTS = {".csv": read_csv, ".tsv": read_csv, ".jsonl": read_json_lines, ".ndjson": read_json_lines}
BINARIES = {".parquet": read_parquet, ".arrow": read_arrow, ".feather": read_arrow}
MAGIC = {b"PAR1": read_parquet, b"ARRO": read_arrow, b"FEA1": read_arrow, b"\xff\xff\xff\xff": read_arrow}


def open_table(
    path: str | os.PathLike[str], *, schema: Schema | None = None, chunk: int = CHUNK, texts: str | None = None, images: str | None = None
) -> Iterator[Chunk]:
    """Yield the rows of a file or a folder in chunks.

    Parameters
    ----------
    path
        .csv, .tsv, .jsonl, .ndjson (also with .gz), .parquet, .arrow, .feather. "-" is standard input; it, and a file without ending (a pipe), is
        told by its first bytes. A .txt (also with .gz) holds a text on each line; a folder pictures, whose paths are the ids of the rows; a .npy
        or .npz an array of pictures, where "a.npz:name" says which array is meant.
    schema
        What the columns hold; texts are read accordingly, and what does not fit stays text. Without it, the cells of a CSV are all texts. A file
        without columns becomes the one column of texts or pictures that there is.
    chunk
        Rows at a time; of very wide tables, and of large pictures, fewer.
    texts, images
        Where the rows of a table are texts or pictures: the column of texts (two, with a comma between, hold pairs); the column of paths of
        pictures, below the folder of the table, or of encoded files.

    Raises
    ------
    InputError
        If the file is absent, truncated, empty, in another encoding, of a kind not known, or not what the schema is of.
    """
    name, meant = os.fspath(path), Meant.of(texts, images)
    with _named(name):
        yield from _known(name, schema, chunk, meant) if schema is not None else _raw(name, chunk, meant, None)


def read_table_file(
    path: str | os.PathLike[str], target: str | None = None, *, texts: str | None = None, images: str | None = None
) -> tuple[Batch, Array | None]:
    """Return a whole file or folder as a batch, and the labels apart where `target` is named. Texts are read by what the whole column holds.

    `target` is a column; for a .npz an array of labels; for a folder of pictures "folder": the name of the sub-folder is the label. Blank lines of
    a .txt are left out. For all else see `open_table`.

    Raises
    ------
    InputError
        As `open_table`; also for a row that cannot be read whole, if there is no such column, or for more pictures than memory should hold.
    """
    name, meant = _called(os.fspath(path)), Meant.of(texts, images)
    parts: list[Batch] = []
    start = size = 0
    with _named(name):
        for part in _raw(os.fspath(path), CHUNK, meant, target):
            if part.problems:
                row, why = next(iter(part.problems.items()))
                raise InputError(f"{name}: row {start + row + 1}: {why}. Mend or leave out that row: what is learned from must be whole.")
            start, size = start + len(part.batch), size + part.size
            if size > MOST_LEARNED:
                raise InputError(
                    f"{name}: its pictures unpack to more than {MOST_LEARNED:,} bytes, too many to learn from. Give fewer, or smaller ones."
                )
            parts.append(part.batch if part.batch.form.kind != "texts" else _filled(part.batch))
    if not any(map(len, parts)):
        raise InputError(f"{name}: there are no rows in it.")
    names = dict.fromkeys(column for part in parts for column in part.names)
    if target is not None and target not in names:
        raise InputError(f"{name}: there is no column {target!r}. Its columns: {', '.join(list(names)[:40])}.")
    batch = _joined([part.select([n for n in part.names if n != target]) for part in parts], meant)
    if target is None:
        return batch, None
    return batch, _joined([part.select([n for n in part.names if n == target]) for part in parts]).columns[target]


def _joined(parts: Sequence[Batch], meant: Meant | None = None) -> Batch:
    """Return all parts as one batch, typed as a whole unless they are texts or pictures; a column that some parts lack is missing in their rows."""
    names = list(dict.fromkeys(name for part in parts for name in part.names))
    whole = concat([Batch({name: part.columns.get(name, objects([None] * len(part))) for name in names}, part.ids, part.form) for part in parts])
    categories: dict[str, tuple[Any, ...]] = {}
    for part in parts:
        for name, values in part.form.categories.items():
            categories[name] = tuple(dict.fromkeys([*categories.get(name, ()), *values]))
    whole = Batch(whole.columns, np.arange(len(whole)), Form(whole.form.kind, {}, categories))
    if meant is not None or whole.form.kind in MEDIA_FORMS:
        return replace(whole, form=whole.form if meant is None else meant.form())
    return typed(whole) if whole.form.kind == "rows" else settled(whole)


def _filled(batch: Batch) -> Batch:
    """Return texts without the blank ones."""
    return batch.take(np.array([bool(text.strip()) for text in batch.columns[TEXT[0]].tolist()], dtype=bool))


def _known(name: str, schema: Schema, chunk: int, meant: Meant | None) -> Iterator[Chunk]:
    """Yield rows as a firewall knows them."""
    called, without = _called(name), _without_columns(name)
    if without is not None:
        return renamed(_raw(name, chunk, meant, None), without, schema, called)
    if meant is None:
        return check_known(_tables(name, schema, chunk), schema, called)
    only = schema.form.kind in MEDIA_FORMS  # its column has another name here, and cells of texts are not to be read as anything else
    return screened(_tables(name, None if only else schema, chunk), meant, schema, called, chunk)


def _raw(name: str, chunk: int, meant: Meant | None, target: str | None) -> Iterator[Chunk]:
    """Yield rows of which nothing is known; `target` is kept beside texts and pictures."""
    if (meant is not None or _without_columns(name) is not None) and target in (*TEXT, *PAIR, *IMAGE):
        raise InputError(f"{_called(name)}: labels called {target!r}, as texts and pictures themselves are called here. Give them another name.")
    if _without_columns(name) is not None:
        if meant is not None:
            raise InputError(f"{name}: there are no columns in it. Leave {' and '.join(map(repr, meant.columns))} away.")
        return _media(name, chunk, target)
    tables = _tables(name, None, chunk)
    return tables if meant is None else learned_from(tables, meant, target, _called(name), chunk)


def _without_columns(name: str) -> Literal["text", "image"] | None:
    """Return what a file or a folder without columns holds; None for a table."""
    if os.path.isdir(name) or named(name) is not None:
        return "image"
    return "text" if _ending(name) == ".txt" else None


def _media(name: str, chunk: int, target: str | None) -> Iterator[Chunk]:
    if os.path.isdir(name):
        if target not in (None, FOLDER):
            raise InputError(f"{name}: a folder has no column {target!r}. Where sub-folders are the labels, name them: --target {FOLDER}")
        return read_folder(name, chunk, labelled=target is not None)
    file, array = named(name) or (name, None)
    _check_there(file)
    if _ending(name) == ".txt":
        if target is not None:
            raise InputError(f"{name}: one text on each line, without a column {target!r}. Give texts and labels as a table, such as a .csv.")
        return _opened(name, ".txt", None, chunk)
    return read_arrays(file, array, target, chunk)


def _tables(name: str, schema: Schema | None, chunk: int) -> Iterator[Chunk]:
    if name == "-":
        return _told(cast(IO[bytes], sys.stdin.buffer), _called(name), schema, chunk)
    _check_there(name)
    ending = _ending(name)
    if ending in BINARIES and not name.lower().endswith(".gz"):
        return BINARIES[ending](name, name, chunk)
    if ending in TEXTS or not ending:
        return _opened(name, ending, schema, chunk)
    raise InputError(
        f"{name}: cannot read {Path(name).suffix}; expected a table (.csv, .tsv, .jsonl, .ndjson, also with .gz, .parquet, .arrow or .feather), "
        "texts (.txt), or pictures (.npy, .npz or a folder)."
    )


def _check_there(name: str) -> None:
    if not os.path.exists(name):
        raise InputError(f"{name}: there is no such file.")


def _ending(name: str) -> str:
    return Path(name.lower().removesuffix(".gz")).suffix


@contextmanager
def _named(name: str) -> Iterator[None]:
    """Turn what the system says of a file into an InputError that names it."""
    try:
        yield
    except (OSError, EOFError, zlib.error) as error:
        raise InputError(f"{_called(name)}: {_why(error)}.") from error


def _opened(name: str, ending: str, schema: Schema | None, chunk: int) -> Iterator[Chunk]:
    with cast(IO[bytes], gzip.open(name, "rb") if name.lower().endswith(".gz") else open(name, "rb")) as stream:
        if ending == ".txt":
            yield from read_lines(stream, name, chunk)
        else:
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
        with suppress(ValueError):  # it is closed already
            buffered.detach()  # the stream is its owner's to close


def _called(name: str) -> str:
    return "standard input" if name == "-" else name


def _why(error: Exception) -> str:
    if isinstance(error, PermissionError):
        return "no permission to read it"
    if isinstance(error, EOFError):
        return "it ends too early: the compressed file is truncated"
    return (getattr(error, "strerror", None) or str(error) or type(error).__name__).rstrip(".")
