"""The languages of model servers: rows become the body of a request, the body of a reply becomes an answer per row.

The one idea: a protocol knows nothing of connections. It writes bytes and reads plain data.
"""

from __future__ import annotations

import datetime as dt
import json
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from camelopard.core.arrays import Array, objects
from camelopard.core.batch import Batch
from camelopard.core.errors import ModelError, UnknownName
from camelopard.models.binary_tensors import cells
from camelopard.models.http_line import Refused
from camelopard.models.native import Eats
from camelopard.models.ports import TEXT, Port, answering, columns_of, eaten, fed

ROWS, ROW, VALUES, COLUMNS = "{rows}", "{row}", "{values}", "{columns}"  # what a template holds in their place
TEMPLATE: Mapping[str, object] = {"instances": ROWS}
ANSWERS = "predictions"
V2_TYPES = {"FP16": "float16", "FP32": "float32", "FP64": "float64", "BYTES": TEXT, "BOOL": "bool"}
V2_TYPES |= {f"{sign}INT{bits}": f"{sign.lower()}int{bits}" for sign in ("", "U") for bits in (8, 16, 32, 64)}
WHOLE_TABLE: tuple[Port, ...] = (Port("input-0", "float64"),)  # where the server does not say what it takes
DEEPEST = 8  # steps of a path, and levels of a template


class Language(Protocol):
    """How one kind of server is spoken to. `most`: rows that fit into one request, None for any number."""

    @property
    def eats(self) -> Eats: ...
    @property
    def most(self) -> int | None: ...
    @property
    def doubt(self) -> str:
        """Return what to look at where the server refuses everything."""
        ...

    def body(self, table: Any) -> bytes:
        """Return the request for some rows. Raises ValueError or TypeError for a row that cannot be written."""
        ...

    def answers(self, body: bytes, n: int) -> list[Any]:
        """Return an answer for each of n rows: a label, a number, a list of numbers, or a dict. Raises Refused where there are not n answers."""
        ...


@dataclass(frozen=True)
class Inference:
    """The Open Inference Protocol, version 2: named tensors in, named tensors out. `declared`: the inputs are as the server says."""

    inputs: tuple[Port, ...]
    outputs: tuple[Port, ...]
    output: str | None
    missing: str
    eats: Eats
    most: int | None
    declared: bool = True

    @classmethod
    def of(
        cls, metadata: object, output: str | None, missing: str, features: tuple[str, ...] | None, inputs: tuple[Port, ...] | None = None
    ) -> Inference:
        """Read what a model takes and gives from its metadata; `inputs`, where given, are believed instead.

        A server that says nothing is given the whole table as one matrix of numbers.

        Raises
        ------
        ModelError
            If the metadata are of no such model, or it insists on more than one row at once.
        UnknownName
            If it has no such output.
        """
        if not isinstance(metadata, dict):
            raise ModelError("the metadata of the model are no JSON object. Is this a server of the Open Inference Protocol (v2)?")
        described, outputs = (_ports(metadata.get(key)) for key in ("inputs", "outputs"))
        if output is not None and outputs and output not in [port.name for port in outputs]:
            raise UnknownName.among(output, [port.name for port in outputs], "output")
        found = output or (answering(_likeliest(outputs), None)[0] if outputs else None)
        if inputs is not None:
            features = tuple(port.name for port in inputs)
        declared, inputs = inputs is None and bool(described), inputs or described or WHOLE_TABLE
        fixed = next((port.rows for port in inputs if port.rows is not None), None)
        if fixed is not None and fixed > 1:
            raise ModelError(f"this model insists on {fixed} rows at once. Serve it with a first length of -1, or wrap a function that fills up.")
        return cls(inputs, outputs, found, missing, eaten(inputs, features), fixed, declared)

    @property
    def doubt(self) -> str:
        """Return what to look at where the server refuses everything."""
        if self.declared:
            return "is it the right address, and the right protocol?"
        if self.inputs is WHOLE_TABLE:
            return (
                "the server does not say what its model takes, and was sent one matrix of numbers. For other columns: http_model(url, inputs=rows)."
            )
        return "are its inputs those that inputs= says?"

    def body(self, table: Any) -> bytes:
        tensors = [
            {"name": port.name, "shape": list(values.shape), "datatype": _v2_type(port), "data": _plain(values.ravel())}
            for port, values in zip(self.inputs, fed(self.inputs, table, self.missing).values(), strict=True)
        ]
        request: dict[str, object] = {"inputs": tensors}
        if not self.declared and len(tensors) > 1:
            request["parameters"] = {"content_type": "pd"}  # MLServer: the tensors are the columns of one table
        if self.output is not None:
            request["outputs"] = [{"name": self.output}]
        return _written(request)

    def answers(self, body: bytes, n: int) -> list[Any]:
        outputs = at(_read(body), "outputs")
        tensors = [t for t in outputs if isinstance(t, dict)] if isinstance(outputs, list) else []
        if not tensors:
            raise Refused("the reply has no outputs; expected those of the Open Inference Protocol (v2)")
        names = [str(t.get("name")) for t in tensors]
        if self.output is not None and self.output not in names:
            raise Refused(f"the reply has no output {self.output!r}, only {', '.join(names)}"[:200])
        likeliest = answering(_likeliest(_ports(tensors)), None)[0] if self.output is None and _ports(tensors) else names[0]
        tensor = tensors[names.index(self.output or likeliest)]
        return _rows_of(tensor.get("data"), tensor.get("shape"), n)

    def held(self, body: bytes, length: str | None, n: int) -> list[Any]:
        """Return the answers in a reply to anybody's request: among other outputs perhaps, in JSON or in bytes behind it.

        `length`: of the JSON, as the reply's header says; None where all is JSON.

        Raises
        ------
        Refused, ValueError
            If they are not surely there: no such output, or one of another type than the metadata declare.
        """
        end = len(body) if length is None else int(length)
        tensors = at(_read(body[:end]), "outputs")
        for tensor in tensors if isinstance(tensors, list) else []:
            size = (tensor.get("parameters") or {}).get("binary_data_size")
            if size is not None and (type(size) is not int or not 0 <= size <= len(body) - end):
                raise ValueError("an output that is not within the reply")
            if tensor.get("name") == self.output:
                kind, shape = tensor.get("datatype"), tensor.get("shape")
                if (self.output, V2_TYPES.get(kind)) not in [(port.name, port.type) for port in self.outputs]:
                    raise Refused(f"the output {self.output!r} is of another type than declared")
                return _rows_of(tensor.get("data") if size is None else cells(body[end : end + size], kind, shape), shape, n)
            end += size or 0
        raise Refused(f"the reply has no output {self.output!r}")


@dataclass(frozen=True)
class Mlflow:
    """MLflow's scoring protocol: a table goes in by columns and rows, texts and pictures as inputs."""

    path: str
    eats: Eats
    most: int | None = None
    doubt: str = "is it the right address, the right protocol, and does the model know these columns?"

    def body(self, table: Any) -> bytes:
        if not (isinstance(table, list) and table and isinstance(table[0], dict)):
            return _written({"inputs": _plain(table)})
        columns = list(table[0])
        return _written({"dataframe_split": {"columns": columns, "data": [[row[name] for name in columns] for row in table]}})

    def answers(self, body: bytes, n: int) -> list[Any]:
        return _as_many(at(_read(body), self.path), n, self.path)


@dataclass(frozen=True)
class Template:
    """Any JSON: a template with a place for the rows, and the path to the answers in the reply."""

    template: object
    path: str
    eats: Eats
    most: int | None
    doubt: str = "is it the right address, the right protocol, the right template?"

    @classmethod
    def of(cls, template: object, path: str, features: tuple[str, ...] | None) -> Template:
        """Check a template. Raises ModelError where it has no place for the rows."""
        places = _places(template)
        if not places & {ROWS, ROW, VALUES}:
            raise ModelError(
                f"the template has no place for the rows. Write {ROWS!r}, {VALUES!r} or, for one row per request, {ROW!r} as a value in it."
            )
        return cls(template, path, Eats(features, ("rows", "texts", "images")), 1 if ROW in places else None)

    def body(self, table: Any) -> bytes:
        rows = _plain(table)
        named = bool(rows) and isinstance(rows[0], dict)
        put = {
            ROWS: rows,
            ROW: rows[0] if rows else None,
            VALUES: [list(row.values()) for row in rows] if named else rows,
            COLUMNS: list(rows[0]) if named else [],
        }
        return _written(_filled(self.template, put))

    def answers(self, body: bytes, n: int) -> list[Any]:
        found = at(_read(body), self.path)
        if self.most == 1 and not (isinstance(found, list) and len(found) == 1):
            return [found]
        return _as_many(found, n, self.path)


def ports_of(inputs: object) -> tuple[Port, ...]:
    """Return what a model takes as its caller says it: the types of the v2 protocol by name, or rows like those it is asked about.

    Raises
    ------
    ModelError
        If there are none, or the rows are of other types.
    UnknownName
        If the protocol has no such type.

    >>> ports_of({"age": "INT64", "sex": "BYTES"})[1].type
    'text'
    """
    if isinstance(inputs, Mapping) and all(isinstance(kind, str) for kind in inputs.values()):
        for kind in inputs.values():
            if kind not in V2_TYPES:
                raise UnknownName.among(kind, list(V2_TYPES), "datatype of the Open Inference Protocol (v2)")
        found = tuple(Port(str(name), V2_TYPES[kind], (None,)) for name, kind in inputs.items())
    else:
        found = columns_of(Batch.of(inputs))
    if not found:
        raise ModelError(
            "inputs= names no columns. Give rows like those that the model takes, or a datatype by name: {'age': 'FP64', 'sex': 'BYTES'}."
        )
    return found


def at(data: Any, path: str) -> Any:
    """Return what lies at a path: names and positions parted by dots, "*" for each item of a list; "" for the whole.

    Raises
    ------
    Refused
        If there is nothing.

    >>> at({"results": [{"label": "a"}, {"label": "b"}]}, "results.*.label")
    ['a', 'b']
    """
    steps = path.split(".") if path else []
    for i, step in enumerate(steps):
        if step == "*" and isinstance(data, list):
            return [at(item, ".".join(steps[i + 1 :])) for item in data]
        if isinstance(data, dict) and step in data:
            data = data[step]
        elif isinstance(data, list) and re.fullmatch(r"\d{1,6}", step) and int(step) < len(data):
            data = data[int(step)]
        else:
            held = f"only {', '.join(map(str, list(data)[:8]))}" if isinstance(data, dict) else f"but a {type(data).__name__}"
            raise Refused(f"the reply holds no {path!r}: no {step!r}, {held}"[:200])
    return data


def _ports(found: object) -> tuple[Port, ...]:
    """Return the tensors that metadata or a reply name; what is malformed is left out."""
    ports = []
    for item in found if isinstance(found, list) else []:
        kind = V2_TYPES.get(str(item.get("datatype"))) if isinstance(item, dict) else None
        if kind is not None:
            shape = item.get("shape") if isinstance(item.get("shape"), list) else []
            ports.append(
                Port(str(item.get("name")), kind, tuple(d if isinstance(d, int) else None for d in shape) if isinstance(shape, list) else ())
            )
    return tuple(ports)


def _likeliest(ports: Sequence[Port]) -> Sequence[Port]:
    """Return the outputs that speak of probabilities, or else all."""
    return [port for port in ports if "proba" in port.name.lower()] or ports


def _v2_type(port: Port) -> str:
    return next(name for name, kind in V2_TYPES.items() if kind == port.type)


def _rows_of(data: Any, shape: Any, n: int) -> list[Any]:
    """Return a tensor as one answer per row: what is of shape (n,) or (n, 1) as plain values."""
    if not isinstance(data, list) or (data and isinstance(data[0], list)):
        return _as_many(data, n, "data")  # nested already
    if not (isinstance(shape, list) and shape and all(isinstance(d, int) and d >= 0 for d in shape) and math.prod(shape) == len(data)):
        raise Refused(f"the reply's output has {len(data)} numbers and the shape {str(shape)[:60]}")
    wide = shape[:1] if shape[1:] == [1] else shape
    return _as_many(objects(data).reshape(wide).tolist(), n, "data")


def _as_many(found: Any, n: int, where: str) -> list[Any]:
    if not isinstance(found, list) or len(found) != n:
        came = f"{len(found)} answers" if isinstance(found, list) else f"a {type(found).__name__}"
        raise Refused(f"the reply holds {came} at {where!r}; expected {n}, one per row")
    return found


def _places(template: object, level: int = 0) -> set[str]:
    if level > DEEPEST:
        raise ModelError(f"the template is nested more than {DEEPEST} deep.")
    if isinstance(template, Mapping):
        return set().union(*(_places(value, level + 1) for value in template.values()))
    if isinstance(template, (list, tuple)):
        return set().union(*(_places(value, level + 1) for value in template))
    return {template} if isinstance(template, str) else set()


def _filled(template: object, put: Mapping[str, object]) -> object:
    if isinstance(template, Mapping):
        return {name: _filled(value, put) for name, value in template.items()}
    if isinstance(template, (list, tuple)):
        return [_filled(value, put) for value in template]
    return put[template] if isinstance(template, str) and template in put else template


def _plain(values: Any) -> list[Any]:
    """Return an array as plain lists, NaN as None; a list as it is."""
    if not isinstance(values, np.ndarray):
        return list(values)
    if values.dtype.kind == "f" and np.isnan(values).any():
        gaps: Array = values.astype(object)
        gaps[np.isnan(values)] = None
        values = gaps
    found: list[Any] = values.tolist()
    return found


def _written(request: object) -> bytes:
    """Return a request as JSON in ASCII: what a text may hold and UTF-8 may not is escaped.

    Raises
    ------
    ValueError, TypeError
        If a cell is nothing that JSON can hold.
    """
    try:
        return json.dumps(request, allow_nan=False, default=_written_cell, separators=(",", ":")).encode("ascii")
    except ValueError as error:
        raise ValueError("an infinite number, which JSON cannot hold") from error


def _written_cell(value: object) -> object:
    if isinstance(value, (dt.datetime, dt.date)):
        return value.isoformat()
    if isinstance(value, float) and value != value:
        return None
    raise TypeError(f"a {type(value).__name__}, which JSON cannot hold")


def _read(body: bytes) -> Any:
    """Return a reply as plain data. NaN and Infinity, which strict JSON does not know, are read as numbers."""
    try:
        return json.loads(body)
    except (ValueError, RecursionError) as error:
        shown = body[:60].decode("utf-8", "replace")
        raise Refused(f"the reply is no JSON: {shown!r}" if body else "the reply is empty") from error
