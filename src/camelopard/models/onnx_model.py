"""ONNX files and sessions: asked by the names and types of their inputs, answering with labels, probabilities or logits.

The one idea: the file declares what it takes and gives. Nothing is guessed that it says, and what it leaves out is asked for by name.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from camelopard.core.arrays import Array, Floats
from camelopard.core.errors import ModelError, UnknownName, require, told
from camelopard.core.records import Task
from camelopard.models.answers import Raw, Reader
from camelopard.models.features import Inside
from camelopard.models.native import Eats
from camelopard.models.outputs import Outputs, Settling
from camelopard.models.ports import TEXT, Port, answering, eaten, fed
from camelopard.models.recent import Recent

BATCH_SIZE = 1024  # rows per run
CONTRADICTED = 0.5  # share of rows on which labels and probabilities may disagree before the order of the classes is doubted
LEAD = 1e-3  # by how much the most probable class must lead for a label to contradict it
TYPES = {"float": "float32", "double": "float64", "float16": "float16", "string": TEXT, "bool": "bool"}


@dataclass(frozen=True, eq=False)
class OnnxModel:
    """An ONNX session with what there is to know about asking it. Made by `onnx_model`, which explains the fields; `wrap` takes it."""

    session: Any
    name: str
    classes: tuple[Any, ...] | None = None
    task: Task | None = None
    outputs: Outputs | None = None
    output: str | None = None
    features: str | None = None
    preprocess: Callable[[Any], Mapping[str, Array]] | None = None
    batch_size: int = BATCH_SIZE
    missing: str = ""


def onnx_model(
    source: Any,
    *,
    classes: Sequence[Any] | None = None,
    task: Task | None = None,
    outputs: Outputs | None = None,
    output: str | None = None,
    features: str | None = None,
    preprocess: Callable[[Any], Mapping[str, Array]] | None = None,
    batch_size: int = BATCH_SIZE,
    missing: str = "",
    providers: Sequence[str] = ("CPUExecutionProvider",),
    threads: int = 0,
) -> OnnxModel:
    """Return an ONNX model with how it is to be asked, for `wrap`. A file that needs none of this goes into `wrap` by its path.

    Parameters
    ----------
    source
        The path of a file, its bytes, or an onnxruntime.InferenceSession.
    classes, task, outputs
        As in `wrap` and `torch_model`. Default classes: those that the answers name (a list of dicts), otherwise 0 … k-1.
    output
        The output that answers; default: the probabilities or scores beside a label, otherwise the first output.
    features
        The name of a value of the graph that is to be kept as features: an output, or, where the package `onnx` is installed and `source` is no
        session yet, any value inside.
    preprocess
        A function from the rows as they come to a dict from input names to arrays. Default: one input takes a matrix of numbers, texts, or
        pictures (unsigned numbers divided by their largest unless the input takes uint8; the channels where its shape has them); several inputs
        take the columns of their names.
    batch_size
        Rows per run. A file that insists on a number of rows is run on that many.
    missing
        What stands for a missing text: a text of ONNX cannot be missing.
    providers, threads
        Handed to onnxruntime where `source` is no session yet; 0 threads: as many as it likes.

    Raises
    ------
    ModelError, UnknownName
        If the file is no ONNX model, or a name is not in it.
    CamelopardError
        If onnxruntime is not installed.
    """
    if batch_size < 1:
        raise ModelError(f"batch_size={batch_size}; expected a whole number of rows per run, at least 1.")
    Settling(outputs, task, classes)
    session, name = _session(source, features, providers, threads)
    given = [port.name for port in session.get_outputs()]
    for wanted in (output, features):
        if wanted is not None and wanted not in given:
            raise UnknownName.among(wanted, given, "output")
    return OnnxModel(session, name, None if classes is None else tuple(classes), task, outputs, output, features, preprocess, batch_size, missing)


class OnnxAdapter:
    """Runs a session. The features of the last rows asked are kept, so that answers and features cost one run.

    `features`: the named value of the graph for each row, shape (n, d); None where none was named.
    """

    def __init__(self, model: OnnxModel, eats: Eats, inputs: tuple[Port, ...], settling: Settling, own: Sequence[Any] | None) -> None:
        self.eats = eats
        self._model, self._inputs, self._settling, self._own = model, inputs, settling, own
        self._answer, self._label = answering(tuple(map(_port, model.session.get_outputs())), model.output)
        self.features: Inside | None = None if model.features is None else self._inside
        self._recent = Recent()

    def ask(self, table: Any) -> Raw:
        model = self._model
        names = [name for name in (self._answer, self._label, model.features) if name is not None]
        found = _run(model, self._inputs, list(dict.fromkeys(names)), table)
        if model.features is not None:
            self._recent.keep(table, _vectors(found[model.features], model.features, len(table)))
        values, labels = found[self._answer], None if self._label is None else found[self._label]
        if isinstance(values, list):
            values = _columns(values, self._own)
        if values.dtype.kind != "f":
            return Raw(values)
        if labels is not None and values.size == len(values):  # one decision value per row, beside the label that it led to
            return Raw(labels, "labels", np.column_stack([-values.ravel(), values.ravel()]).astype(np.float64))
        raw = self._settling.raw(values)
        if labels is None or raw.meaning != "proba":
            return raw
        if self._settling.outputs == "logits" and model.outputs is None:  # decision values
            return Raw(labels, "labels", np.asarray(values, dtype=np.float64))
        check_order(raw.values, labels, self._own)
        return raw

    def _inside(self, table: Any) -> Floats:
        """Return the named value of the graph for each row, shape (n, d): from memory where these rows were the last ones asked."""
        found = self._recent.find(table)
        if found is None:
            name = str(self._model.features)
            found = _vectors(_run(self._model, self._inputs, [name], table)[name], name, len(table))
        return found


def of_onnx(obj: Any, task: Task | None, classes: Sequence[Any] | None, features: tuple[str, ...] | None) -> tuple[OnnxAdapter, Reader]:
    """Return how to ask a file, a session or what `onnx_model` made of one, and what its answers mean."""
    model = obj if isinstance(obj, OnnxModel) else onnx_model(obj)
    task, shown = task or model.task, classes if classes is not None else model.classes
    inputs = tuple(map(_port, model.session.get_inputs()))
    settling = Settling(model.outputs, task, shown)
    own = None if task == "regression" else _named_classes(model, inputs)
    eats = eaten(inputs, features) if model.preprocess is None else Eats(features)
    reader = Reader(settling.task, own, shown)
    return OnnxAdapter(model, eats, inputs, settling, own if own is not None else shown), reader


def check_order(proba: Floats, labels: Array, classes: Sequence[Any] | None) -> None:
    """Raise ModelError where the labels beside probabilities show that the columns are other classes than believed.

    Single rows may disagree: a threshold of its own, or a tie. Most rows may not.
    """
    said = labels.ravel().tolist()
    if classes is None and any(isinstance(label, str) for label in said):
        raise ModelError(
            "the model answers labels and probabilities, but does not say which column is which class. "
            "Pass classes=[…] in the order of its probabilities, e.g. those of the model that it was made from: list(model.classes_)."
        )
    k = proba.shape[1]
    places: dict[Any, int] = {} if classes is None else {label: i for i, label in enumerate(classes)}
    column = np.array([places.get(label, label if isinstance(label, int) and 0 <= label < k else -1) for label in said], dtype=np.int64)
    ordered = np.sort(proba, axis=1)
    judged = (column >= 0) & (ordered[:, -1] - ordered[:, -2] > LEAD)
    other = judged & (column != proba.argmax(axis=1))
    if judged.sum() > 1 and other.sum() > CONTRADICTED * judged.sum():
        i = int(np.flatnonzero(other)[0])
        raise ModelError(
            f"the model's label is {said[i]!r} where column {int(proba[i].argmax())} of its probabilities is the largest: the classes are not "
            f"{list(range(k) if classes is None else classes)!r} in this order. Pass classes=[…] in the order of its probabilities."
        )


def _session(source: Any, features: str | None, providers: Sequence[str], threads: int) -> tuple[Any, str]:
    """Return the session of a file, of bytes, or itself, and what to call it."""
    runtime = require("onnxruntime", extra="onnx")
    if hasattr(source, "get_inputs") and hasattr(source, "run"):
        path = getattr(source, "_model_path", None)
        return source, Path(path).stem if path else type(source).__name__
    if not isinstance(source, (str, Path, bytes)):
        raise ModelError(f"a {type(source).__name__} is no ONNX model. Expected the path of a file, its bytes, or an InferenceSession.")
    name = "model" if isinstance(source, bytes) else Path(source).stem
    if not isinstance(source, bytes) and not Path(source).is_file():
        raise ModelError(f"there is no ONNX file {str(source)!r}.")
    for provider in providers:
        if provider not in runtime.get_available_providers():
            raise UnknownName.among(provider, runtime.get_available_providers(), "provider of this onnxruntime")
    options = runtime.SessionOptions()
    options.intra_op_num_threads, options.log_severity_level = threads, 4

    def opened(model: str | bytes) -> Any:
        try:
            return runtime.InferenceSession(model, options, providers=list(providers))
        except Exception as error:  # the runtime has errors of its own for every step
            raise ModelError(f"{name!r} cannot be read as an ONNX model ({told(error)}).") from error

    session = opened(source if isinstance(source, bytes) else str(source))
    if features is None or features in [port.name for port in session.get_outputs()]:
        return session, name
    return opened(_showing(source, features)), name


def _showing(source: str | Path | bytes, value: str) -> bytes:
    """Return a model in which a value inside the graph is an output, too."""
    onnx = require("onnx", extra="onnx")
    model = onnx.load_from_string(source) if isinstance(source, bytes) else onnx.load(str(source))
    inside = [name for node in model.graph.node for name in node.output if name]
    if value not in inside:
        raise UnknownName.among(value, inside, "value of the graph")
    model.graph.output.append(onnx.helper.make_empty_tensor_value_info(value))
    shown: bytes = model.SerializeToString()
    return shown


def _port(found: Any) -> Port:
    """Return an input or output as the session declares it."""
    inner = str(found.type).removeprefix("tensor(").removesuffix(")")
    return Port(str(found.name), TYPES.get(inner, inner), tuple(found.shape or ()))


def _run(model: OnnxModel, inputs: tuple[Port, ...], names: list[str], table: Any) -> dict[str, Any]:
    """Return the named outputs for all rows of a table: an array, or a list of dicts."""
    fixed = next((port.rows for port in inputs if port.rows is not None), None)
    size, n = fixed or model.batch_size, len(table)
    found: list[list[Any]] = []
    for start in range(0, max(n, 1), size):
        part = table[start : start + size] if not hasattr(table, "slice") else table.slice(start, size)
        given = fed(inputs, part, model.missing) if model.preprocess is None else dict(model.preprocess(part))
        rows = min(size, n - start)
        if fixed is not None and rows < fixed:
            given = {name: np.concatenate([v, np.repeat(v[-1:], fixed - rows, axis=0)]) for name, v in given.items()}
        out = model.session.run(names, given)
        found.append([values[:rows] if fixed is not None else values for values in out])
    return {name: _joined(parts) for name, parts in zip(names, zip(*found, strict=True), strict=True)}


def _joined(parts: Sequence[Any]) -> Any:
    """Return what several runs answered as one list of dicts, or one array."""
    if isinstance(parts[0], list):
        return [row for part in parts for row in part]
    return np.concatenate([np.atleast_1d(part) for part in parts])


def _named_classes(model: OnnxModel, inputs: tuple[Port, ...]) -> list[Any] | None:
    """Return the classes that the answers name, found by one run on zeros; None where they name none."""
    answer, _ = answering(tuple(map(_port, model.session.get_outputs())), model.output)
    kind = next(port.type for port in model.session.get_outputs() if port.name == answer)
    if not str(kind).startswith("seq(map("):
        return None
    try:
        rows = inputs[0].rows or 1
        zeros = {p.name: np.full([rows, *_open(p)], "" if p.type == TEXT else 0, dtype=object if p.type == TEXT else p.type) for p in inputs}
        return list(model.session.run([answer], zeros)[0][0])
    except Exception as error:  # a graph may refuse zeros in any way
        raise ModelError(
            f"the classes of {model.name!r} cannot be found out ({told(error)}). Convert it with zipmap=False, and pass classes=."
        ) from error


def _open(port: Port) -> list[int]:
    return [d if isinstance(d, int) and d > 0 else 1 for d in port.shape[1:]]


def _columns(rows: list[Any], own: Sequence[Any] | None) -> Array:
    """Return a list of dicts from classes to probabilities as an array with a column per class."""
    if not (rows and isinstance(rows[0], dict)):
        return np.asarray(rows, dtype=np.float64)
    names = list(rows[0]) if own is None else own
    return np.array([[row[name] for name in names] for row in rows], dtype=np.float64)


def _vectors(values: Any, name: str, n: int) -> Floats:
    found = np.asarray(values)
    if found.ndim < 2 or len(found) != n or found.dtype.kind != "f":
        raise ModelError(f"the features {name!r} have shape {found.shape} and type {found.dtype}; expected one vector of floats per row ({n} rows).")
    if found.ndim > 2:
        found = found.mean(axis=1) if found.ndim == 3 else found.reshape(*found.shape[:2], -1).mean(axis=2)
    return np.asarray(found, dtype=np.float64)
