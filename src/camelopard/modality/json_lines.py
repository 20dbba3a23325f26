"""Reads JSON lines: one object per row. A line that is none becomes an empty row with its reason."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import IO, Any

from camelopard.core.batch import Batch, Form
from camelopard.core.errors import InputError
from camelopard.core.schema import Schema
from camelopard.modality.chunks import LARGEST_LINE, Chunk, at_once, lines
from camelopard.modality.texts import LARGEST_WHOLE, dates, settled

MOST_NAMES = 5_000  # different column names in a file


def read_json_lines(stream: IO[bytes], name: str, schema: Schema | None, chunk: int) -> Iterator[Chunk]:
    """Yield the rows of a stream of JSON lines.

    Raises
    ------
    InputError
        If there is nothing in it.
    """
    rows: list[dict[str, Any]] = []
    problems: dict[int, str] = {}
    number, names = 0, set[str]()
    for number, line in enumerate(lines(stream), 1):
        if line is not None and not line.strip():
            continue
        row, why = _row(line)
        if why is not None:
            problems[len(rows)] = f"line {number} of {name}: {why}"
        rows.append(row)
        names.update(row)
        if len(names) > MOST_NAMES:
            raise InputError(f"{name}: line {number}: more than {MOST_NAMES:,} different column names so far. Is this one table?")
        if len(rows) >= at_once(chunk, len(names)):
            yield Chunk(_batch(rows, schema), problems)
            rows, problems = [], {}
    if rows:
        yield Chunk(_batch(rows, schema), problems)
    elif not number:
        raise InputError(f"{name}: the file is empty; expected one JSON object per line.")


def _row(line: bytes | None) -> tuple[dict[str, Any], str | None]:
    if line is None:
        return {}, f"longer than {LARGEST_LINE >> 20} MB, expected one JSON object"
    try:
        row = json.loads(line)
    except (ValueError, RecursionError) as error:
        return {}, f"not JSON ({str(error)[:80]})"
    return (row, None) if isinstance(row, dict) else ({}, f"a JSON {type(row).__name__}, expected an object of column names and values")


def _batch(rows: list[dict[str, Any]], schema: Schema | None) -> Batch:
    batch = Batch.of(rows)
    if schema is None:
        whole = {name: values.astype("int64") for name, values in batch.columns.items() if all(_is_whole(row.get(name)) for row in rows)}
        return settled(Batch({**batch.columns, **whole}, batch.ids, Form("pandas")))
    columns = dict(batch.columns)
    for column in schema.of_kind("date"):
        if column.name in columns and not column.date_format:  # JSON has no dates: they come as text
            columns[column.name] = dates(columns[column.name].tolist())
    return Batch(columns, batch.ids, schema.form)


def _is_whole(value: object) -> bool:
    return type(value) is int and abs(value) < LARGEST_WHOLE
