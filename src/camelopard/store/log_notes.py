"""Requests of one row that passes, nearly all there are: read off when they come, so that writing many of them is a few calls.

What is read off is plain and small: the verdict itself, and the arrays it holds, are let go at once.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import msgspec
import numpy as np
import pyarrow as pa

from camelopard.core.batch import Batch, plain
from camelopard.store.log_cells import ALMOST_FLAT, MARK, encoded
from camelopard.store.log_columns import DAY, FIGURES, NAMES, SCHEMA, Parcel, cells_of, lines_of, text

AT_ONCE = 512  # notes that are made rows together: about a millisecond
MOST_CELLS, MOST_LETTERS = 512, 8192  # of a row that is written where others wait
_json = msgspec.json.Encoder()


class Note(NamedTuple):
    """One request of one row that passed, in plain values; `input` is JSON."""

    time: int
    model: str
    firewall: str
    request: str
    input: bytes
    prediction: Any
    probabilities: list[float] | None
    risk: float
    confidence: float
    oddity: float
    novelty: float | None
    done: str


def noted(parcel: Parcel) -> Note | None:
    """Return what is to be kept of a request; None where it takes more: several rows, a row that did not pass, cells that are no plain ones.

    Raises nothing: what cannot be read off here is left to those who take their time.
    """
    verdicts = parcel.verdicts
    if verdicts is None or len(parcel.done) != 1:
        return None
    try:
        if len(verdicts.route) != 1 or verdicts.route[0] != "pass":
            return None
        row, answer = _row(parcel.rows), plain(verdicts.prediction[0])
        line = None if row is None else _line(row)
        if line is None or type(answer) not in ALMOST_FLAT:
            return None
        proba, novelty = verdicts.proba, verdicts.novelty
        shares = None if proba is None else proba[0].tolist()
        return Note(
            parcel.time,
            parcel.model,
            parcel.firewall,
            parcel.request,
            line,
            None if answer != answer else answer,
            None if shares is None or all(share != share for share in shares) else shares,
            float(verdicts.risk[0]),
            float(verdicts.confidence[0]),
            float(verdicts.oddity[0]),
            None if novelty is None else float(novelty[0]),
            parcel.done[0],
        )
    except Exception:  # verdicts may be of any class
        return None


def table_of(notes: Sequence[Note]) -> pa.Table:
    """Return notes as rows of the log."""
    n = len(notes)
    found: Mapping[str, Sequence[Any]] = dict(zip(Note._fields, zip(*notes, strict=True), strict=True))
    time = np.array(found["time"], dtype=np.int64)
    answers = found["prediction"]
    columns = {
        "time": pa.array(time, pa.timestamp("us", "UTC")),
        "day": pa.array((time // DAY).astype(np.int32), pa.date32()),
        **{name: pa.array(list(map(text, found[name])), pa.string()) for name in NAMES},
        "row": pa.array(np.zeros(n, dtype=np.int32)),
        "kept": pa.repeat(pa.scalar("whole", pa.string()), n),
        "input": lines_of(b"\n".join(found["input"]) + b"\n", [False] * n),
        "prediction": lines_of(encoded(answers)[0], [answer is None for answer in answers]),
        "probabilities": pa.array(found["probabilities"], pa.list_(pa.float64())),
        **{name: pa.array(found[name], pa.float64(), from_pandas=True) for name in FIGURES},
        "route": pa.repeat(pa.scalar("pass", pa.string()), n),
        "done": pa.array(found["done"], pa.string()),
        "doubt": pa.nulls(n, pa.string()),
        "reasons": pa.array([[]] * n, SCHEMA.field("reasons").type),
        "repair": pa.nulls(n, pa.string()),
    }
    return pa.Table.from_arrays([columns[name] for name in SCHEMA.names], schema=SCHEMA)


def _row(rows: Any) -> dict[str, Any] | None:
    """Return the one row there is as a dict; None where it is none, or has no names."""
    if type(rows) is list and len(rows) == 1:
        return rows[0] if type(rows[0]) is dict else None
    if not isinstance(rows, Batch) or len(rows) != 1 or rows.form.kind == "numpy" or len(rows.columns) > MOST_CELLS:
        return None
    return {name: cells_of(values)[0] for name, values in rows.columns.items()}


def _line(row: dict[Any, Any]) -> bytes | None:
    """Return a row as a line of JSON; None where its cells are many or long, or JSON has no word for one of them."""
    if len(row) > MOST_CELLS:
        return None
    kinds, cells = set(map(type, row.values())), row.values()
    if not kinds <= ALMOST_FLAT or set(map(type, row)) - {str}:
        return None
    if sum(map(len, row)) + sum(len(cell) for cell in cells if type(cell) is str) > MOST_LETTERS:
        return None
    if float in kinds and not math.isfinite(sum(cell for cell in cells if type(cell) is float)):
        return None
    line = _json.encode(row)
    return None if MARK in line else line
