"""Writes verdicts as they come, to Parquet, CSV or JSON lines: the file is there whole, or not at all."""

from __future__ import annotations

import csv
import json
import math
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from camelopard.core.errors import InputError
from camelopard.core.files import replaced

FIGURES = ("risk", "confidence", "oddity", "novelty")
FLAG = "outside"


def write_table(path: str | os.PathLike[str], parts: Iterable[Mapping[str, list[Any]]], *, figures: Iterable[str] = FIGURES) -> int:
    """Write parts of one table (column name → values) to a file as its ending says; return the number of rows.

    Parameters
    ----------
    figures
        Columns of numbers. In Parquet they are float64, "id" is int64, "outside" is a truth value, and all others are text: types do not hang on
        which rows come first.

    Raises
    ------
    InputError
        If the ending is not .parquet, .csv or .jsonl.
    CamelopardError
        If the file cannot be written there.
    """
    target = Path(path)
    ending = target.suffix.lower()
    if ending not in WRITERS:
        raise InputError(f"{target}: cannot write {ending or 'a file without ending'}; expected .parquet, .csv or .jsonl.")
    with replaced(target) as temporary:
        return WRITERS[ending](temporary, parts, frozenset(figures))


def _csv(path: Path, parts: Iterable[Mapping[str, list[Any]]], figures: frozenset[str]) -> int:
    rows, header = 0, False
    with path.open("x", encoding="utf-8", newline="", errors="backslashreplace") as stream:
        writer = csv.writer(stream)
        for part in parts:
            if not header:
                writer.writerow(part)
                header = True
            cells = list(zip(*part.values(), strict=True))
            writer.writerows(cells)
            rows += len(cells)
    return rows


def _jsonl(path: Path, parts: Iterable[Mapping[str, list[Any]]], figures: frozenset[str]) -> int:
    rows = 0
    with path.open("x", encoding="utf-8", errors="backslashreplace") as stream:
        for part in parts:
            for row in zip(*part.values(), strict=True):
                cells = [None if isinstance(v, float) and not math.isfinite(v) else v for v in row]
                stream.write(json.dumps(dict(zip(part, cells, strict=True)), ensure_ascii=False, default=str) + "\n")
                rows += 1
    return rows


def _parquet(path: Path, parts: Iterable[Mapping[str, list[Any]]], figures: frozenset[str]) -> int:
    import pyarrow
    from pyarrow import parquet

    rows, writer = 0, None
    with path.open("xb") as stream:
        try:
            for part in parts:
                table = pyarrow.table({name: _column(name, values, figures) for name, values in part.items()})
                if writer is None:
                    writer = parquet.ParquetWriter(stream, table.schema)
                writer.write_table(table)
                rows += len(table)
            if writer is None:
                parquet.write_table(pyarrow.table({}), stream)
        finally:
            if writer is not None:
                writer.close()
    return rows


def _column(name: str, values: list[Any], figures: frozenset[str]) -> Any:
    import pyarrow

    if name in figures:
        return pyarrow.array(values, type=pyarrow.float64())
    if name == FLAG:
        return pyarrow.array(values, type=pyarrow.bool_())
    if name == "id":
        return pyarrow.array([v if isinstance(v, int) else None for v in values], type=pyarrow.int64())
    return pyarrow.array([None if v is None else str(v).encode("utf-8", "backslashreplace").decode() for v in values], type=pyarrow.string())


WRITERS = {".parquet": _parquet, ".csv": _csv, ".jsonl": _jsonl}
