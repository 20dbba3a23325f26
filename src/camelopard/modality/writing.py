"""Writes verdicts as they come, to Parquet, CSV or JSON lines: the file is there whole, or not at all."""

from __future__ import annotations

import csv
import json
import os
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from camelopard.core.errors import InputError


def write_table(path: str | os.PathLike[str], parts: Iterable[Mapping[str, list[Any]]]) -> int:
    """Write parts of one table (column name → values) to a file as its ending says; return the number of rows.

    Raises
    ------
    InputError
        If the ending is not .parquet, .csv or .jsonl.
    """
    target = Path(path)
    writers = {".parquet": _parquet, ".csv": _csv, ".jsonl": _jsonl}
    if target.suffix.lower() not in writers:
        raise InputError(f"{target}: cannot write {target.suffix or 'a file without ending'}; expected .parquet, .csv or .jsonl.")
    handle, temporary = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
    os.close(handle)
    try:
        rows = writers[target.suffix.lower()](temporary, parts)
        os.replace(temporary, target)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
    return rows


def _csv(path: str, parts: Iterable[Mapping[str, list[Any]]]) -> int:
    rows = 0
    with open(path, "w", encoding="utf-8", newline="", errors="backslashreplace") as stream:
        writer = csv.writer(stream)
        for part in parts:
            if not rows:
                writer.writerow(part)
            for row in zip(*part.values(), strict=True):
                writer.writerow(row)
                rows += 1
    return rows


def _jsonl(path: str, parts: Iterable[Mapping[str, list[Any]]]) -> int:
    rows = 0
    with open(path, "w", encoding="utf-8", errors="backslashreplace") as stream:
        for part in parts:
            for row in zip(*part.values(), strict=True):
                stream.write(json.dumps(dict(zip(part, row, strict=True)), ensure_ascii=False, default=str) + "\n")
                rows += 1
    return rows


def _parquet(path: str, parts: Iterable[Mapping[str, list[Any]]]) -> int:
    import pyarrow
    from pyarrow import parquet

    rows, writer = 0, None
    try:
        for part in parts:
            columns = {name: _column(name, values) for name, values in part.items()}
            table = pyarrow.table(columns)
            if writer is None:
                writer = parquet.ParquetWriter(path, table.schema)
            writer.write_table(table.cast(writer.schema))
            rows += len(table)
    finally:
        if writer is not None:
            writer.close()
    return rows


FLOATS = ("risk", "confidence", "oddity")


def _column(name: str, values: list[Any]) -> Any:
    """Return values in a type that does not hang on the part: figures as floats, all else as text."""
    import pyarrow

    if name in FLOATS:
        return pyarrow.array(values, type=pyarrow.float64())
    if name == "id":
        return pyarrow.array([v if isinstance(v, int) else None for v in values], type=pyarrow.int64())
    return pyarrow.array([None if v is None else str(v).encode("utf-8", "replace").decode() for v in values], type=pyarrow.string())
