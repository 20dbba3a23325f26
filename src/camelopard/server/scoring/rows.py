"""Rows in plain JSON and in the forms of MLflow's `/invocations`: read into what a firewall screens, and answered in kind."""

from __future__ import annotations

import csv
import io
import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
import numpy as np

from camelopard.core.batch import Batch
from camelopard.core.media import PAIR
from camelopard.core.schema import Schema
from camelopard.core.tables import column_of
from camelopard.server.exchange import Refused, Response
from camelopard.server.scoring.outcome import Outcome

MLFLOW = ("dataframe_split", "dataframe_records", "instances", "inputs")
MOST_AXES = 4  # of a picture in nested lists
LARGEST_BYTE = 255  # whole numbers up to here are bytes, as in a file: JSON does not say
FORMS = "a row as an object, a list of rows, {'rows': [...]}, or an object with a list for every column"


@dataclass(frozen=True)
class Asked:
    """Rows to be screened, how many, and how their outcome is put into words."""

    rows: Any
    n: int
    respond: Callable[[Outcome], Response]


def plain_json(body: bytes, schema: Schema, classes: Sequence[Any], most: int) -> Asked:
    """Read one row, a list of rows, `{"rows": [...]}`, or a table by column: an object with a list under every name.

    A row is an object with the names of columns, a text, or a list of values in their order.

    Raises
    ------
    Refused
        If it is none of that (400), its columns differ in length (400), or it has more than `most` rows (413).
    """
    found = decoded(body)
    if isinstance(found, dict) and set(found) == {"rows"}:
        found = found["rows"]
        if not isinstance(found, list):
            raise Refused(400, f"'rows' holds a {_kind(found)}; expected a list.")
    if isinstance(found, dict) and found and not schema.pictures and all(isinstance(cells, list) for cells in found.values()):
        few(max(map(len, found.values())), most)
        table = columns(found)
        return Asked(table, len(table), lambda said: respond_many(said, classes))
    if isinstance(found, (dict, str)):
        return Asked([found], 1, lambda said: respond_one(said, classes))
    if not isinstance(found, list):
        raise Refused(400, f"expected {FORMS}; this is a {_kind(found)}.")
    few(len(found), most)
    return Asked(listed(found, schema), len(found), lambda said: respond_many(said, classes))


def respond_one(said: Outcome, classes: Sequence[Any]) -> Response:
    """Return the answer to one row, with what is told of it beside it."""
    return Response.of(row(said, 0, classes), said.status, said.headers())


def respond_many(said: Outcome, classes: Sequence[Any]) -> Response:
    """Return the answers in the order of the rows."""
    return Response.of({"rows": [row(said, i, classes) for i in range(len(said))]}, said.status, said.headers())


def row(said: Outcome, i: int, classes: Sequence[Any]) -> dict[str, Any]:
    """Return what is said of a row: `prediction` (null if withheld), `probabilities` by class where there are any, route, risk, reasons, repair."""
    found: dict[str, Any] = {"prediction": said.answers[i]}
    shares = said.shares[i]
    if shares is not None and len(classes) == len(shares):
        found["probabilities"] = {str(name): share for name, share in zip(classes, shares, strict=True)}
    return {**found, **said.told(i)}


def few(n: int, most: int) -> None:
    """Refuse more rows than are judged at once (413), before anything is made of them."""
    if n > most:
        raise Refused(413, f"the request has {n:,} rows; at most {most:,} are judged at once.")


def invocations(body: bytes, kind: str, schema: Schema, most: int) -> Asked:
    """Read what MLflow's scoring server reads: JSON with `dataframe_split`, `dataframe_records`, `instances` or `inputs`, or CSV with a header.

    Raises
    ------
    Refused
        If it is none of that (400), of another media type (415), or has more than `most` rows (413).
    """
    if kind in ("text/csv", "application/csv"):
        rows = _csv(body, schema, most)
    elif kind in ("application/json", ""):
        rows = _mlflow(decoded(body), schema, most)
    else:
        raise Refused(415, f"{kind} is not read here; send application/json or text/csv.")
    return Asked(rows, len(rows), predictions)


def predictions(said: Outcome) -> Response:
    """Return the answers as MLflow's server does; what the firewall says of each row stands beside them."""
    return Response.of({"predictions": list(said.answers), "verdicts": [said.told(i) for i in range(len(said))]}, said.status, said.headers())


def decoded(body: bytes) -> Any:
    """Return what a body of JSON holds.

    Raises
    ------
    Refused
        If it is no JSON (400).
    """
    try:
        return msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Refused(400, f"the body is no JSON: {error}." if len(body) else "the body is empty; expected JSON.") from None


def listed(rows: list[Any], schema: Schema) -> Any:
    """Return a list of rows as it is screened: lists of values get the names of columns, or are pictures or pairs of texts."""
    if schema.form.kind == "images":
        return [_pixels(one) for one in rows]
    if not any(type(one) is list for one in rows) or (schema.form.kind == "texts" and len(schema.names) == len(PAIR)):
        return rows
    names = schema.names
    return [dict(zip(names, one, strict=True)) if type(one) is list and len(one) == len(names) else one for one in rows]


def columns(given: Mapping[str, Any]) -> Batch:
    """Return a table from lists by column.

    Raises
    ------
    Refused
        If they are no lists of one length (400).
    """
    if not all(isinstance(cells, list) for cells in given.values()):
        raise Refused(400, "'inputs' by column holds something that is no list.")
    lengths = {len(cells) for cells in given.values()}
    if len(lengths) > 1:
        raise Refused(400, f"the columns have different lengths: {sorted(lengths)[:5]}.")
    return Batch({name: column_of(cells) for name, cells in given.items()}, np.arange(max(lengths, default=0)))


def _mlflow(found: Any, schema: Schema, most: int) -> Any:
    if not isinstance(found, dict) or sum(key in found for key in MLFLOW) != 1:
        raise Refused(400, f"expected an object with one of {', '.join(MLFLOW)}.")
    if "dataframe_split" in found:
        split = found["dataframe_split"]
        names, data = (split.get("columns"), split.get("data")) if isinstance(split, dict) else (None, None)
        if not isinstance(names, list) or not isinstance(data, list) or not all(type(name) is str for name in names):
            raise Refused(400, "'dataframe_split' needs 'columns', a list of names, and 'data', a list of rows.")
        few(len(data), most)
        bad = next((i for i, one in enumerate(data) if not isinstance(one, list) or len(one) != len(names)), None)
        if bad is not None:
            raise Refused(400, f"row {bad} of 'data' does not have {len(names)} values, one for each of 'columns'.")
        return [dict(zip(names, one, strict=True)) for one in data]
    key = next(key for key in MLFLOW if key in found)
    given = found[key]
    if key == "inputs" and isinstance(given, dict):
        few(max((len(cells) for cells in given.values() if isinstance(cells, list)), default=0), most)
        return columns(given)
    if not isinstance(given, list):
        raise Refused(400, f"{key!r} holds a {_kind(given)}; expected a list.")
    few(len(given), most)
    return listed(given, schema)


def _csv(body: bytes, schema: Schema, most: int) -> Any:
    try:
        read = list(itertools.islice(csv.reader(io.StringIO(body.decode("utf-8-sig"), newline=""), strict=True), most + 2))
    except (UnicodeDecodeError, csv.Error) as error:
        raise Refused(400, f"the body is no CSV in UTF-8: {error}.") from None
    if not read:
        raise Refused(400, "the body is empty; expected CSV with a header.")
    few(len(read) - 1, most)
    names, rows = read[0], [one for one in read[1:] if one]
    numbers = {column.name for column in schema.of_kind("number")}
    return [
        {name: _number(cell) if name in numbers else cell or None for name, cell in zip(names, one, strict=True)} if len(one) == len(names) else one
        for one in rows
    ]


def _number(cell: str) -> Any:
    try:
        return float(cell) if cell else None
    except ValueError:
        return cell  # the firewall says what is wrong with it


def _pixels(one: Any) -> Any:
    if not isinstance(one, list):
        return one
    if not _all_numbers(one):
        return None  # no picture: the firewall says so
    try:
        pixels = np.asarray(one)
        return pixels.astype(np.uint8) if pixels.dtype.kind in "iu" and pixels.min() >= 0 and pixels.max() <= LARGEST_BYTE else pixels
    except (ValueError, OverflowError):
        return None  # ragged, or numbers beyond all bounds


def _all_numbers(one: list[Any]) -> bool:
    """Whether nested lists hold numbers alone: of anything else an array may need more room than there is."""
    level = one
    for _ in range(MOST_AXES):
        if not level or type(level[0]) is not list:
            return bool(level) and all(type(cell) in (int, float) for cell in level)
        if not all(type(part) is list for part in level):
            return False
        level = [cell for part in level for cell in part]
    return False


def _kind(value: Any) -> str:
    return {dict: "object", list: "list", str: "text", bool: "truth value", type(None): "null"}.get(type(value), "number")
