"""The Open Inference Protocol, version 2: tensors in JSON, and in the binary extension that clients of Triton and MLServer send by default."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from typing import Any

import msgspec
import numpy as np

from camelopard.core.arrays import Array, objects
from camelopard.core.batch import Batch
from camelopard.core.protocols import Model
from camelopard.core.schema import Column, Schema
from camelopard.core.tables import column_of
from camelopard.models import binary_tensors
from camelopard.models.binary_tensors import BYTES, DTYPES
from camelopard.server.exchange import DIGITS, Refused, Response, encoded
from camelopard.server.scoring.outcome import Outcome
from camelopard.server.scoring.rows import Asked
from camelopard.version import VERSION

ANSWER, SHARES = "predict", "predict_proba"
HEADER = binary_tensors.HEADER.encode()
OCTETS = b"application/octet-stream"
EXTENSIONS = ["binary_tensor_data"]
MOST_INPUTS, MOST_AXES, LONGEST_AXIS = 4096, 8, 1 << 31


class Tensor(msgspec.Struct):
    """One input."""

    name: str
    datatype: str
    shape: list[int]
    data: Any = None
    parameters: dict[str, Any] = {}


class Wanted(msgspec.Struct):
    """An output that is asked for."""

    name: str
    parameters: dict[str, Any] = {}


class Infer(msgspec.Struct):
    """A request."""

    inputs: list[Tensor]
    id: str | None = None
    outputs: list[Wanted] | None = None
    parameters: dict[str, Any] | None = None


_infer = msgspec.json.Decoder(Infer)


def read(body: bytes, header_length: bytes | None, schema: Schema, name: str, classes: Sequence[Any], most: int, *, elsewhere: bool = False) -> Asked:
    """Read a request: one tensor of shape (n, columns), or one of shape (n,) or (n, 1) for each column; texts as BYTES, pictures of rank 3 or 4.

    `elsewhere`: another server answers it, which has outputs of its own.

    Raises
    ------
    Refused
        If it is no such request (400), or has more than `most` rows (413).
    """
    sound = header_length is not None and header_length.isdigit() and len(header_length) <= DIGITS
    cut = len(body) if header_length is None else int(header_length) if sound else -1
    if not 0 <= cut <= len(body):
        raise Refused(400, f"Inference-Header-Content-Length is not within the body of {len(body):,} bytes.")
    try:
        asked = _infer.decode(body[:cut])
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Refused(400, f"the request is not one of the Open Inference Protocol: {error}.") from None
    if not 0 < len(asked.inputs) <= MOST_INPUTS:
        raise Refused(400, f"the request has {len(asked.inputs) or 'no'} inputs; expected 1 to {MOST_INPUTS:,}.")
    offered = (ANSWER, SHARES) if len(classes) else (ANSWER,)
    for wanted in () if elsewhere else asked.outputs or ():
        if wanted.name not in offered:
            raise Refused(400, f"there is no output {wanted.name!r}; there are {', '.join(offered)}.")
    _check_shapes(asked.inputs, most)
    at, arrays = cut, []
    for tensor in asked.inputs:
        array, at = _array(tensor, body, at)
        arrays.append(array)
    if at != len(body):
        raise Refused(400, f"{len(body) - at:,} bytes follow the last input.")
    rows, n = _rows(asked.inputs, arrays, schema)
    return Asked(rows, n, lambda said: respond(said, asked, name, classes))


def _check_shapes(tensors: Sequence[Tensor], most: int) -> None:
    """Refuse shapes that are none, before anything is made of their size."""
    for tensor in tensors:
        shape = tensor.shape
        if not 0 < len(shape) <= MOST_AXES or not all(0 <= size <= LONGEST_AXIS for size in shape) or 0 in shape[1:]:
            raise Refused(400, f"input {tensor.name[:80]!r}: shape {str(shape[:MOST_AXES])[:80]} is none; expected (rows, …).")
        if shape[0] > most:
            raise Refused(413, f"the request has {shape[0]:,} rows; at most {most:,} are judged at once.")


def _array(tensor: Tensor, body: bytes, at: int) -> tuple[Array, int]:
    """Return the cells of a tensor in its shape, and where in the body the next one begins."""
    if tensor.datatype != BYTES and tensor.datatype not in DTYPES:
        raise Refused(400, f"input {tensor.name!r}: datatype {tensor.datatype!r} is not known; expected BYTES or one of {', '.join(DTYPES)}.")
    cells = math.prod(tensor.shape)
    size = tensor.parameters.get("binary_data_size")
    if size is None:
        return _from_json(tensor, cells), at
    if type(size) is not int or not 0 <= size <= len(body) - at:
        raise Refused(400, f"input {tensor.name!r}: binary_data_size {size!r} is not within the body.")
    part = body[at : at + size]
    if tensor.datatype == BYTES:
        try:
            return objects(binary_tensors.unpacked(part, cells)).reshape(tensor.shape), at + size
        except ValueError as error:
            raise Refused(400, f"input {tensor.name!r}: {error}.") from None
    dtype = np.dtype(DTYPES[tensor.datatype])
    if size != cells * dtype.itemsize:
        raise Refused(
            400, f"input {tensor.name!r}: {size:,} bytes for shape {tensor.shape} of {tensor.datatype}; expected {cells * dtype.itemsize:,}."
        )
    return np.frombuffer(part, dtype=dtype).reshape(tensor.shape), at + size


def _from_json(tensor: Tensor, cells: int) -> Array:
    flat = tensor.data
    if not isinstance(flat, list):
        raise Refused(400, f"input {tensor.name!r} has no data.")
    for _ in range(len(tensor.shape) - 1):  # data may be nested as the shape is, or flat
        if flat and isinstance(flat[0], list):
            if not all(isinstance(part, list) for part in flat):
                raise Refused(400, f"input {tensor.name!r}: data is nested unevenly.")
            flat = [cell for part in flat for cell in part]
    if len(flat) != cells:
        raise Refused(400, f"input {tensor.name!r}: {len(flat):,} values for shape {tensor.shape}; expected {cells:,}.")
    if tensor.datatype == BYTES:
        return objects(flat).reshape(tensor.shape)
    try:
        if any(type(cell) is str for cell in flat):
            raise TypeError("text in a tensor of numbers")
        kind = np.dtype(DTYPES[tensor.datatype])
        if kind.kind in "iu" and any(type(cell) is float and cell != int(cell) for cell in flat if cell is not None):
            raise TypeError("a fraction in a tensor of whole numbers")
        if any(cell is None for cell in flat):
            return objects(flat).reshape(tensor.shape)  # JSON has no NaN: null stands for what is missing
        return np.array(flat, dtype=kind).reshape(tensor.shape)
    except (TypeError, ValueError, OverflowError) as error:
        raise Refused(400, f"input {tensor.name!r}: data is no {tensor.datatype} ({error}).") from None


def _rows(tensors: Sequence[Tensor], arrays: Sequence[Array], schema: Schema) -> tuple[Any, int]:
    n = tensors[0].shape[0]
    if any(tensor.shape[0] != n for tensor in tensors):
        raise Refused(400, f"the inputs have different numbers of rows: {sorted({tensor.shape[0] for tensor in tensors})[:5]}.")
    if schema.form.kind == "images" and len(arrays) == 1:
        return [np.asarray(one) for one in arrays[0]], n
    if len(arrays) == 1 and arrays[0].ndim == 2 and arrays[0].shape[1] == len(schema.names) and tensors[0].name not in schema.columns:
        return _table(schema.names, arrays[0].T, n), n
    if schema.form.kind == "texts" and len(arrays) == 1 and arrays[0].size == n:
        return arrays[0].ravel().tolist(), n
    wide = [tensor.name for tensor, array in zip(tensors, arrays, strict=True) if array.size != n]
    if wide:
        raise Refused(
            400, f"input {wide[0]!r} has more than one value a row; expected one input for each column, or one of shape ({n}, {len(schema.names)})."
        )
    names = [tensor.name for tensor in tensors]
    common = Counter(names).most_common(1)[0]
    if common[1] > 1:
        raise Refused(400, f"two inputs have the same name: {common[0][:80]!r}.")
    return _table(names, [array.ravel() for array in arrays], n), n


def _table(names: Sequence[str], cells: Any, n: int) -> Batch:
    return Batch({name: _column_of(column) for name, column in zip(names, cells, strict=True)}, np.arange(n))


def _column_of(cells: Array) -> Array:
    """Return cells as a table holds them: numbers of 64 bits, anything else by its cells."""
    if cells.dtype.kind == "f":
        return cells.astype(np.float64)
    return cells.astype(np.int64) if cells.dtype.kind in "iu" and cells.dtype.itemsize < 8 else column_of(cells.tolist())


def respond(said: Outcome, asked: Infer, name: str, classes: Sequence[Any]) -> Response:
    """Return the outputs: `predict`, and `predict_proba` where there are classes; what the firewall says is in `parameters`.

    Withheld answers are NaN among numbers and empty among texts. Where no value can say so, or all are withheld, there is no output but an error.
    """
    datatype = _datatype(classes)
    silent = sum(answer is None for answer in said.answers)
    if silent and (silent == len(said) or datatype not in ("FP64", BYTES)):
        status = said.status if said.status != 200 else 422
        return Response.of({"error": said.why(), "parameters": parameters(said)}, status, said.headers())
    wanted = {w.name: w.parameters for w in asked.outputs} if asked.outputs is not None else {ANSWER: {}, **({SHARES: {}} if len(classes) else {})}
    everything = (asked.parameters or {}).get("binary_data_output") is True
    outputs, parts = [], []
    for output, options in wanted.items():
        kind, array = (datatype, _answers(said, datatype)) if output == ANSWER else ("FP64", _shares(said, len(classes)))
        told: dict[str, Any] = {"name": output, "datatype": kind, "shape": list(array.shape)}
        if options.get("binary_data", everything):
            part = binary_tensors.packed(array.ravel().tolist()) if kind == BYTES else np.ascontiguousarray(array).astype(DTYPES[kind]).tobytes()
            told["parameters"] = {"binary_data_size": len(part)}
            parts.append(part)
        else:
            told["data"] = array.ravel().tolist()
        outputs.append(told)
    value = {"model_name": name, "model_version": "1", "id": asked.id or said.request, "parameters": parameters(said), "outputs": outputs}
    found = Response.of(value, 200, said.headers())
    if not parts:
        return found
    return Response(200, b"".join([found.body, *parts]), [*found.headers, (HEADER, str(len(found.body)).encode())], OCTETS)


def parameters(said: Outcome) -> dict[str, Any]:
    """Return what the firewall says, as the protocol's parameters: texts and numbers; of several rows, and of reasons and repairs, a text in JSON."""
    rows = [said.told(i) for i in range(len(said))]
    if len(rows) == 1:
        return {key: value if isinstance(value, (str, float, int)) else _json(value) for key, value in rows[0].items() if value is not None}
    keys = [key for key in ("route", "risk", "confidence", "oddity", "reasons", "repair", "id") if any(key in row for row in rows)]
    return {key: _json([row.get(key) for row in rows]) for key in keys}


def _json(value: Any) -> str:
    return encoded(value).decode()


def _datatype(classes: Sequence[Any]) -> str:
    if not len(classes):
        return "FP64"
    if all(type(label) is bool for label in classes):
        return "BOOL"
    return "INT64" if all(type(label) is int for label in classes) else BYTES


def _answers(said: Outcome, datatype: str) -> Array:
    if datatype == BYTES:
        return objects("" if answer is None else str(answer) for answer in said.answers)
    if datatype == "FP64":
        return np.array([np.nan if answer is None else float(answer) for answer in said.answers])
    return np.array(list(said.answers), dtype=DTYPES[datatype])


def _shares(said: Outcome, k: int) -> Array:
    return np.array([[np.nan] * k if share is None else list(share) for share in said.shares], dtype=np.float64).reshape(len(said), k)


def server_metadata() -> dict[str, Any]:
    """Return what `/v2` answers."""
    return {"name": "camelopard", "version": VERSION, "extensions": EXTENSIONS}


def model_metadata(name: str, schema: Schema, model: Model) -> dict[str, Any]:
    """Return what `/v2/models/NAME` answers: one input for each column, and the outputs."""
    outputs = [{"name": ANSWER, "datatype": _datatype(model.classes), "shape": [-1]}]
    if len(model.classes):
        outputs.append({"name": SHARES, "datatype": "FP64", "shape": [-1, len(model.classes)]})
    inputs = [
        {"name": column.name, "datatype": _column(column), "shape": [-1, -1, -1] if column.kind == "image" else [-1]}
        for column in schema.columns.values()
    ]
    return {"name": name, "versions": ["1"], "platform": "camelopard", "inputs": inputs, "outputs": outputs}


def _column(column: Column) -> str:
    return {"number": "FP64", "boolean": "BOOL", "image": "FP32"}.get(column.kind, BYTES)
