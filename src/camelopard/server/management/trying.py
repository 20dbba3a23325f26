"""A model tried out: rows that were typed, pasted or sent as a file, judged as the gateway judges them, and kept only if that is asked for."""

from __future__ import annotations

import csv
import datetime as dt
import io
import re
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from threading import BoundedSemaphore
from types import MappingProxyType
from typing import Any

from camelopard.core.batch import Batch
from camelopard.core.errors import InputError, UnknownName
from camelopard.core.schema import Column, Schema
from camelopard.firewall import words
from camelopard.firewall.alike import alike
from camelopard.firewall.firewall import Firewall
from camelopard.firewall.verdicts import Verdicts
from camelopard.modality.files import open_table
from camelopard.modality.picture_files import ENDINGS, unpacks_to
from camelopard.server.exchange import Refused
from camelopard.server.home import Home
from camelopard.server.scoring import rows as plain_rows
from camelopard.server.scoring.judge import Force, request_id
from camelopard.server.scoring.outcome import Outcome, outcome
from camelopard.server.scoring.served import Served

MOST_BYTES, MOST_ROWS, MOST_UNPACKED = 8 << 20, 10_000, 192_000_000  # of what is tried at once; bytes of a picture's pixels
MOST_TYPED = 60_000  # characters of what is pasted
MOST_FIELDS, MOST_CHOICES = 150, 200  # of a form, and of one of its lists
LONGEST_CELL = 20_000  # characters
AT_ONCE, PATIENCE = 2, 10.0  # trials of a process at the same time, and seconds that a further one waits
NOTHING: Mapping[str, Any] = MappingProxyType({})
TABLES = (".csv", ".tsv", ".jsonl", ".ndjson", ".txt")
NUMBER = re.compile(r"[+-]?(\d{1,300}(\.\d{0,300})?|\.\d{1,300})([eE][+-]?\d{1,3})?")
FORMULA = ("=", "+", "-", "@", "\t", "\r")  # with which a cell begins that a spreadsheet would compute

TURNS = BoundedSemaphore(AT_ONCE)


@dataclass(frozen=True)
class Entry:
    """One field of the form, for one column.

    key
        Its name in the form; whatever the column is called.
    kind
        That of the column.
    hint
        What is usual.
    typical
        What it is filled with: the cell of a row; without one the median, or the most frequent value.
    choices
        The known values of a category, as they stand in the form, and as they are read.
    """

    key: str
    name: str
    kind: str
    hint: str
    typical: str = ""
    choices: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Tried:
    """What came out: the rows, the verdicts on them, what a client would have got, and whether it was written to the log."""

    batch: Any
    said: Outcome
    kept: bool

    @property
    def verdicts(self) -> Verdicts:
        """Return the verdicts."""
        assert self.said.verdicts is not None
        return self.said.verdicts


def served(home: Home, name: str) -> Served:
    """Return the model that this process answers for under this name. Raises UnknownName, saying how to serve it, if it does not."""
    found = home.served.get(name)
    if found is None:
        raise UnknownName(
            f"{name[:80]} is not served by this process, so it cannot be tried here. "
            f"Serve it: camelopard serve FIREWALL --model MODEL --name {name[:80]}."
        )
    return found


def entries(schema: Schema, like: Mapping[str, Any] = NOTHING) -> tuple[Entry, ...]:
    """Return the fields of the form, in the order of the columns, filled with the cells of a row where given; only the first of very many."""
    return tuple(_entry(k, column, like.get(column.name)) for k, column in enumerate(list(schema.columns.values())[:MOST_FIELDS]))


def typical(firewall: Firewall) -> dict[str, Any]:
    """Return the clean row nearest to the middle of all, as far as the firewall remembers one: medians alone make a row that nobody ever saw."""
    filled = {entry.key: entry.typical for entry in entries(firewall.schema)}
    middle = row(firewall.schema, lambda key: filled.get(key, ""), lambda key: None)
    found = alike(firewall, [middle], 1)
    return {name: cell.values[0] for name, cell in found[0].cells.items() if cell.values} if found else {}


def row(schema: Schema, text: Callable[[str], str], file: Callable[[str], bytes | None]) -> dict[str, Any]:
    """Return the row that was typed into the form, as a client would send it; what is no number stays text, what is empty is missing.

    Parameters
    ----------
    text, file
        What a field of the form holds.

    Raises
    ------
    InputError
        If a text is too long, or a picture too large.
    """
    found: dict[str, Any] = {}
    for k, column in enumerate(list(schema.columns.values())[:MOST_FIELDS]):
        if column.kind == "image":
            content = file(f"c{k}")
            found[column.name] = None if not content else picture(content)
            continue
        typed, other = text(f"c{k}"), text(f"o{k}")
        if max(len(typed), len(other)) > LONGEST_CELL:
            raise InputError(f"{column.name}: {max(len(typed), len(other)):,} characters; at most {LONGEST_CELL:,} are tried.")
        found[column.name] = _cell(column, typed, other)
    return found


def pasted(text: str, force: Force) -> tuple[Any, Mapping[int, str]]:
    """Return the rows of a text that was pasted, JSON or CSV (for a model of texts: the text itself), and why some could not be read.

    Raises
    ------
    InputError
        If it is neither, or too long.
    """
    if len(text) > MOST_TYPED:
        raise InputError(f"{len(text):,} characters; at most {MOST_TYPED:,} can be pasted. Send a file.")
    if not text.strip():
        raise InputError("there is nothing to judge. Paste a row as JSON, or rows as CSV with a header.")
    single = force.schema.form.kind == "texts" and len(force.schema.names) == 1
    if text.lstrip()[0] in '[{"':
        try:
            return _json(text.encode(), force), {}
        except Refused as error:
            if not single:
                raise InputError(f"this begins like JSON but cannot be read: {error}") from None
    if single:
        return [text], {}
    if "\n" not in text.strip():
        raise InputError(
            'this is neither JSON, such as {"age": 40}, nor CSV: that needs a first line with the names of the columns, and a line for each row.'
        )
    return _table(text.encode(), "what was pasted.csv", force.schema)


def sent(content: bytes, name: str, force: Force) -> tuple[Any, Mapping[int, str]]:
    """Return the rows of a file that was sent, and why some could not be read.

    Raises
    ------
    InputError
        If it is too large, of a kind that is not read here, or cannot be read.
    """
    ending = Path(name).suffix.lower()
    if not content:
        raise InputError("no file was chosen, or it is empty.")
    if len(content) > MOST_BYTES:
        raise InputError(f"the file is larger than {MOST_BYTES >> 20} MiB. Judge large files on the command line: camelopard screen.")
    if ending == ".json":
        try:
            return _json(content, force), {}
        except Refused as error:
            raise InputError(f"the file cannot be read as JSON: {error}") from None
    if ending in ENDINGS:
        if force.schema.form.kind != "images":
            raise InputError("this is a picture, and the model is not for pictures alone. Send a table, or use the form.")
        return [picture(content)], {}
    if ending in TABLES:
        return _table(content, f"the file{ending}", force.schema)
    raise InputError(
        f"a file that ends in {ending[:20]!r} is not read here; expected {', '.join(TABLES)}, .json, or a picture. camelopard screen reads more."
    )


def picture(content: bytes) -> bytes:
    """Return an encoded picture, if by what its head claims it is not too large to be looked at. Raises InputError otherwise."""
    if len(content) > MOST_BYTES or unpacks_to(content) > MOST_UNPACKED:
        raise InputError(
            f"the picture is too large to be tried here: at most {MOST_BYTES >> 20} MiB, and {MOST_UNPACKED // 3_000_000} million pixels."
        )
    return content


def tried(model: Served, force: Force, rows: Any, problems: Mapping[int, str], now: dt.datetime, *, keep: bool) -> Tried:
    """Judge rows as the gateway does.

    Parameters
    ----------
    keep
        Whether the log keeps the verdicts, as those of rows that clients send.

    Raises
    ------
    Refused
        If others try models already (503).
    InputError
        If verdicts are to be kept, and there is no log.
    """
    if keep and model.log is None:
        raise InputError("there is no log in which these verdicts could be kept. Serve with --home or --log.")
    if not TURNS.acquire(timeout=PATIENCE):
        raise Refused(503, "others are trying models; come back in a moment.", retry_after=5)
    try:
        verdicts = force.firewall.screen(rows, problems=problems)
        said = outcome(verdicts, model.settings, request_id(time.time_ns() // 1000))
    finally:
        TURNS.release()
    if keep and model.log is not None:
        model.log.append(model.name, force.version, said.request, verdicts, rows, said.done, now)
    return Tried(rows, said, keep)


def as_csv(found: Tried) -> bytes:
    """Return all verdicts as CSV, the rows counted from 1. A cell that a spreadsheet would take for a formula begins with an apostrophe."""
    table = found.verdicts.table()
    table["id"] = [i + 1 for i in range(len(found.verdicts))]
    columns = {("row" if name == "id" else name): cells for name, cells in table.items()} | {"done": list(found.said.done)}
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    writer.writerow(columns)
    writer.writerows([_harmless(cell) for cell in cells] for cells in zip(*columns.values(), strict=True))
    return out.getvalue().encode("utf-8-sig", "backslashreplace")


def _harmless(cell: Any) -> Any:
    """Return a cell that no spreadsheet computes.

    >>> _harmless("=1+1"), _harmless(-1.5), _harmless(" @x"), _harmless(None)
    ("'=1+1", -1.5, "' @x", '')
    """
    if cell is None or (isinstance(cell, float) and cell != cell):
        return ""
    return f"'{cell}" if isinstance(cell, str) and cell.lstrip(" ").startswith(FORMULA) else cell


def _entry(k: int, column: Column, cell: Any) -> Entry:
    key, hint = f"c{k}", words.expected(column)
    if cell is not None and column.kind == "number":
        return Entry(key, column.name, "number", hint, f"{round(cell)}" if column.integral else f"{cell:.4g}")
    if column.kind in ("number", "date"):
        if not len(column.quantiles):
            return Entry(key, column.name, column.kind, hint)
        middle = float(column.quantiles[len(column.quantiles) // 2])
        if column.kind == "date":
            return Entry(key, column.name, "date", hint, _day(middle, column.date_format))
        return Entry(key, column.name, "number", hint, f"{round(middle)}" if column.integral else f"{middle:.4g}")
    if column.kind in ("category", "boolean"):
        choices = tuple((f"={value}", _label(value)) for value in list(column.values)[:MOST_CHOICES])
        known = f"={cell}" if any(f"={cell}" == choice for choice, _ in choices) else choices[0][0] if choices else ""
        return Entry(key, column.name, column.kind, hint, known, choices)
    return Entry(key, column.name, column.kind, hint)


def _label(value: Any) -> str:
    text = str(value).lower() if isinstance(value, bool) else str(value)
    return text[:80] if text.strip() else f"“{text}”"


def _day(days: float, form: str | None) -> str:
    at = dt.datetime(1970, 1, 1) + dt.timedelta(days=int(days))
    return at.strftime(form) if form else at.date().isoformat()


def _cell(column: Column, typed: str, other: str) -> Any:
    """Return what was typed for a column, as JSON would hold it."""
    if column.kind in ("category", "boolean"):
        if other:
            numbers = all(type(value) in (int, float) for value in column.values)
            return _number(other) if numbers and column.values else other
        if not typed:
            return None
        return next((value for value in column.values if f"={value}" == typed), typed.removeprefix("="))
    if column.kind == "text":
        return typed or None
    typed = typed.strip()
    if column.kind == "date" and column.date_format is None and typed:
        try:
            return dt.datetime.fromisoformat(typed).replace(tzinfo=None)
        except ValueError:
            return typed
    return (_number(typed) if column.kind == "number" else typed) if typed else None


def _number(text: str) -> Any:
    """Return a number, or the text where it is none.

    >>> _number("40"), _number("-1.5e3"), _number("12 years"), _number("nan")
    (40, -1500.0, '12 years', 'nan')
    """
    if NUMBER.fullmatch(text) is None:
        return text
    return int(text) if text.lstrip("+-").isdigit() else float(text)


def _json(content: bytes, force: Force) -> Any:
    return plain_rows.plain_json(content, force.schema, force.classes, MOST_ROWS).rows


def _table(content: bytes, name: str, schema: Schema) -> tuple[Batch | Sequence[Any], Mapping[int, str]]:
    """Return the rows of a table in a file, read as `camelopard screen` reads it."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / name
        path.write_bytes(content)
        try:
            for chunk in open_table(path, schema=schema, chunk=MOST_ROWS + 1):
                if len(chunk.batch) > MOST_ROWS:
                    raise InputError(f"more than {MOST_ROWS:,} rows. Judge large tables on the command line: camelopard screen.")
                return chunk.batch, {i: why.replace(f"{folder}/", "") for i, why in chunk.problems.items()}
        except InputError as error:
            raise InputError(str(error).replace(f"{folder}/", "")) from None
    raise InputError("there is no row in it: a header, and then at least one line.")
