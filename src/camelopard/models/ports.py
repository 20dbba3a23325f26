"""The declared inputs and outputs of a model that lives outside Python, and the arrays that they take.

The one idea: a file or a server says which inputs it has, of which type and shape; rows are turned into exactly that, or refused in words.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from camelopard.core.arrays import Array, is_missing, objects
from camelopard.core.batch import Batch
from camelopard.core.errors import ModelError
from camelopard.models.native import Eats
from camelopard.models.pixels import Dimension, laid_out, light

TEXT = "text"


@dataclass(frozen=True)
class Port:
    """One input or output: its name, the NumPy name of its type or "text", and its shape, where None, -1 or a word leaves a length open."""

    name: str
    type: str
    shape: tuple[Dimension, ...] = (None, None)

    @property
    def rows(self) -> int | None:
        """Return the number of rows that it insists on, None where it takes any."""
        first = self.shape[0] if self.shape else None
        return first if isinstance(first, int) and first > 0 else None


def columns_of(rows: Batch) -> tuple[Port, ...]:
    """Return an input for each column, for a model that does not say what it takes: numbers, truth values, texts.

    Raises
    ------
    ModelError
        If a column holds anything else, or several of these.

    >>> [port.type for port in columns_of(Batch.of([{"age": 36, "sex": "f"}, {"age": None, "sex": "m"}]))]
    ['float64', 'text']
    """
    return tuple(Port(name, _type_of(name, rows.columns[name]), (None,)) for name in rows.names)


def eaten(inputs: Sequence[Port], features: tuple[str, ...] | None) -> Eats:
    """Return what a model with these inputs can be given: one takes a matrix, texts or pictures, several take the columns of their names.

    >>> eaten([Port("age", "float32", (None, 1)), Port("sex", "text", (None, 1))], None).features
    ('age', 'sex')
    """
    if len(inputs) == 1:
        pictures = inputs[0].type != TEXT and len(inputs[0].shape) > 2
        return Eats(features, ("images", "numpy") if pictures else ("numpy",))
    kinds = {port.name: {"f": "float64", "i": "int64", "u": "int64", "b": "bool"}.get(_kind(port), "str") for port in inputs}
    return Eats(tuple(port.name for port in inputs), ("numpy",), types=kinds)


def fed(inputs: Sequence[Port], table: Any, missing: str = "") -> dict[str, Array]:
    """Return the array that each input takes. `missing` stands for a missing text.

    Raises
    ------
    ValueError, TypeError
        If a cell does not fit its input, or the columns do not.

    >>> fed([Port("x", "float32")], np.array([[1, 2]]))["x"]
    array([[1., 2.]], dtype=float32)
    """
    if len(inputs) == 1:
        return {inputs[0].name: _whole(inputs[0], table, missing)}
    columns = list(zip(*table, strict=True)) if isinstance(table, list) else list(table.T)
    if len(columns) != len(inputs):
        raise ValueError(f"{len(columns)} of {len(inputs)} columns came; the model takes {', '.join(port.name for port in inputs)}")
    found = {}
    for port, cells in zip(inputs, columns, strict=True):
        values = _converted(port, np.asarray(cells, dtype=object) if isinstance(cells, tuple) else cells, missing)
        found[port.name] = values[:, None] if len(port.shape) == 2 else values
    return found


def answering(ports: Sequence[Port], wanted: str | None) -> tuple[str, str | None]:
    """Return the name of the output that answers, and of the label beside it, None where there is none.

    >>> answering([Port("label", "int64"), Port("probabilities", "float32")], None)
    ('probabilities', 'label')
    """
    whole = [port for port in ports if port.type == TEXT or port.type.startswith(("int", "uint", "bool"))]
    rest = [port for port in ports if port not in whole]
    if wanted is not None:
        beside = [port.name for port in whole if port.name != wanted and len(ports) == 2]
        return wanted, beside[0] if beside and wanted in [port.name for port in rest] else None
    if len(whole) == 1 and len(rest) >= 1 and ports[0] == whole[0]:
        return rest[0].name, whole[0].name
    return ports[0].name, None


def _type_of(name: str, values: Array) -> str:
    if values.dtype.kind in "fiu":
        return "float64"
    kinds = set(map(type, values[~is_missing(values)].tolist()))
    for type_, held in (("bool", {bool}), ("float64", {int, float}), (TEXT, {str})):
        if kinds and kinds <= held:
            return type_
    found = ", ".join(sorted(kind.__name__ for kind in kinds)) or "nothing"
    raise ModelError(f"the column {name!r} holds {found}; expected texts, numbers or truth values. Name the types: inputs={{{name!r}: 'BYTES', …}}.")


def _whole(port: Port, table: Any, missing: str) -> Array:
    """Return all rows for the one input there is."""
    if isinstance(table, list):
        values = _converted(port, objects(table), missing)
        return values[:, None] if len(port.shape) == 2 else values
    if table.ndim > 2:
        if port.type == "uint8" and table.dtype != np.uint8:
            raise TypeError(f"pictures of {table.dtype}; the model's input {port.name!r} takes uint8")
        pictures = table if port.type == "uint8" else light(table).astype(port.type)
        return np.ascontiguousarray(laid_out(pictures, port.shape))
    if not table.shape[1]:
        raise ValueError(f"the table has no column for the model's input {port.name!r}")
    width = port.shape[1] if len(port.shape) == 2 else None
    if isinstance(width, int) and width > 0 and table.shape[1] != width:
        raise ValueError(f"the table has {table.shape[1]} columns; the model's input {port.name!r} takes {width}")
    values = _converted(port, table, missing)
    return values[:, 0] if len(port.shape) == 1 and values.shape[1] == 1 else values


def _converted(port: Port, values: Array, missing: str) -> Array:
    """Return cells as the input's type."""
    if port.type == TEXT:
        return objects(_text(v, missing, port) for v in values.ravel().tolist()).reshape(values.shape)
    numbers = values if values.dtype.kind in "fiub" else np.array([_number(v, port) for v in values.ravel().tolist()]).reshape(values.shape)
    if _kind(port) == "f":
        with np.errstate(over="ignore"):
            return np.ascontiguousarray(numbers.astype(port.type))
    limits = np.iinfo(port.type) if _kind(port) in "iu" else None
    low, high = (limits.min, limits.max) if limits is not None else (0, 1)
    with np.errstate(invalid="ignore"):
        wrong = ~((numbers == np.floor(numbers)) & (numbers >= low) & (numbers <= high))
    if wrong.any():
        raise ValueError(f"{numbers[wrong].ravel()[0]} is no {port.type}, which the model's input {port.name!r} takes")
    return np.ascontiguousarray(numbers.astype(port.type))


def _number(value: Any, port: Port) -> float:
    if value is None:
        return np.nan
    if isinstance(value, (str, bytes)):
        raise TypeError(f"the text {str(value)[:40]!r}; the model's input {port.name!r} takes numbers")
    return float(value)


def _text(value: Any, missing: str, port: Port) -> str:
    if value is None or (isinstance(value, float) and value != value):
        return missing
    if not isinstance(value, str):
        raise TypeError(f"a {type(value).__name__}; the model's input {port.name!r} takes texts")
    return value


def _kind(port: Port) -> str:
    return "" if port.type == TEXT else np.dtype(port.type).kind
