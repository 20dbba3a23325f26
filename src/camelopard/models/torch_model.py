"""PyTorch modules: their answers, the features behind them, the gradient of their loss, and their dropout as an ensemble.

The one idea: the module is asked as it will serve (evaluation mode, no gradients kept) and is afterwards as it was, down to the mode of each layer.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from copy import deepcopy
from dataclasses import dataclass, replace
from threading import Lock
from typing import Any, Literal

import numpy as np

from camelopard.core.arrays import Array, Floats
from camelopard.core.errors import ModelError, UnknownName, require
from camelopard.core.records import Task
from camelopard.models.answers import SUM_TOLERANCE, Raw, Reader
from camelopard.models.features import Inside, LastLayer
from camelopard.models.members import Voices
from camelopard.models.native import Eats
from camelopard.models.outputs import HALF_TOLERANCE, Outputs, Settling
from camelopard.models.pixels import brightest
from camelopard.models.recent import Recent
from camelopard.models.torch_passes import DROPOUTS, HEADS, autocast, called, masked, parts, pooled, prepared, serving, watched

Precision = Literal["float32", "bfloat16", "float16"]
PRECISIONS = ("float32", "bfloat16", "float16")
BATCH_SIZE = 256  # rows per forward pass


@dataclass(frozen=True, eq=False)
class TorchModel:
    """A module with what there is to know about asking it. Made by `torch_model`, which explains the fields; `wrap` takes it."""

    module: Any
    classes: tuple[Any, ...] | None = None
    task: Task | None = None
    outputs: Outputs | None = None
    preprocess: Callable[[Any], Any] | None = None
    features: str | None = None
    precision: Precision | None = None
    batch_size: int = BATCH_SIZE
    dropout: int = 0
    seed: int = 0

    @property
    def name(self) -> str:
        """Return the module's own name: that of its class."""
        return type(self.module).__name__


def torch_model(
    module: Any,
    *,
    classes: Sequence[Any] | None = None,
    task: Task | None = None,
    outputs: Outputs | None = None,
    device: str | None = None,
    preprocess: Callable[[Any], Any] | None = None,
    features: str | None = None,
    precision: Precision | None = None,
    batch_size: int = BATCH_SIZE,
    dropout: int = 0,
    seed: int = 0,
) -> TorchModel:
    """Return a torch module with how it is to be asked, for `wrap`. A module that needs none of this goes into `wrap` as it is.

    Parameters
    ----------
    module
        A trained torch.nn.Module. It answers a tensor (n,), (n, 1) or (n, k), a tuple that begins with one, or anything with `logits`.
    classes, task
        As in `wrap`. Two or more columns are classes, 0 … k-1 where nobody names them; one column is a number, unless classes are named.
    outputs
        "logits", "probabilities" or "numbers"; default: found out from the answers, see `Settling`.
    device
        "cpu", "cuda", "cuda:1", … Where the module lies elsewhere, a copy of it is made there. Default: where the module lies.
    preprocess
        A function from the rows as they come (a table, a list of texts, an array of pictures) to what the module takes: a tensor, a tuple of
        tensors, or a dict of them. Default: pictures become float32 of shape (n, c, h, w), unsigned numbers divided by their largest (255 for
        uint8); tables become a matrix of numbers, missing cells NaN.
    features
        The name of the layer whose output are the features; default: what goes into the last linear or convolutional layer.
    precision
        "bfloat16" or "float16" for mixed precision (autocast), "float32" to forbid it; default: as the module is.
    batch_size
        Rows per forward pass.
    dropout
        How many members to make of the module's dropout layers (Gal & Ghahramani 2016); 0: none. Each member has its own fixed mask, the same for
        all rows (Kirsch, van Amersfoort & Gal 2019), so that a row gets the same answers alone and in any batch. The first axis must be the rows.
    seed
        Of the masks.

    Raises
    ------
    ModelError, UnknownName
        If an option contradicts the module, or names what it does not have.

    >>> torch_model("net.pt")
    Traceback (most recent call last):
    camelopard.core.errors.ModelError: a str is no torch module. Load it first, e.g. with torch.jit.load, or build it and load its state_dict.
    """
    if not callable(getattr(module, "named_modules", None)):
        raise ModelError(
            f"a {type(module).__name__} is no torch module. Load it first, e.g. with torch.jit.load, or build it and load its state_dict."
        )
    if precision is not None and precision not in PRECISIONS:
        raise UnknownName.among(precision, PRECISIONS, "precision")
    if batch_size < 1:
        raise ModelError(f"batch_size={batch_size}; expected a whole number of rows per forward pass, at least 1.")
    if dropout < 0 or dropout == 1:
        raise ModelError(f"dropout={dropout}; expected how many members to make, 2 or more, or 0 for none.")
    layers = dict(module.named_modules())
    if features is not None and features not in layers:
        raise UnknownName.among(features, [name for name in layers if name], "layer")
    if dropout and not any(type(layer).__name__ in DROPOUTS and layer.p > 0 for layer in layers.values()):
        raise ModelError(f"dropout={dropout}, but this {type(module).__name__} has no Dropout layers to make members of. Leave out dropout=.")
    Settling(outputs, task, classes)
    if device is not None:
        module = _on(module, device)
    return TorchModel(module, None if classes is None else tuple(classes), task, outputs, preprocess, features, precision, batch_size, dropout, seed)


class TorchAdapter:
    """Asks a module. The features of the last rows asked are kept, so that answers and features cost one pass.

    `members`: how to ask each member that the dropout layers make, None where `dropout` is 0. `features`: what the module makes of a row before
    it decides, shape (n, d); None where its layers cannot be watched (a scripted module).
    """

    def __init__(self, model: TorchModel, eats: Eats, settling: Settling) -> None:
        self.eats = eats
        self.members: Voices | None = self._voices if model.dropout else None
        shows = model.features is not None or _last_registered(model.module) is not None
        self.features: Inside | None = self._inside if shows else None
        self._model, self._settling = model, settling
        self._head: Any = None
        self._lock = Lock()  # hooks and modes belong to the module: one pass at a time
        self._recent = Recent()

    def ask(self, table: Any) -> Raw:
        values, features, tolerance = self._forward(table)
        self._recent.keep(table, features)
        return self._settling.raw(values, tolerance)

    @property
    def last_layer(self) -> LastLayer | None:
        """The linear layer that turns features into the scores of the classes: weights (k, d) and biases (k,); None where it is not known.

        Before the first answer the linear layer that was registered last is taken for it.
        """
        layer = self._head if self._head is not None else _last_registered(self._model.module)
        if self._model.features is not None or type(layer).__name__ != "Linear" or self._settling.outputs in ("numbers", "probabilities"):
            return None
        weights = layer.weight.detach().double().cpu().numpy()
        biases = np.zeros(len(weights)) if layer.bias is None else layer.bias.detach().double().cpu().numpy()
        if len(weights) > 1:
            return weights, biases
        return np.vstack([-weights / 2, weights / 2]), np.concatenate([-biases / 2, biases / 2])  # one score for the second class

    def _inside(self, table: Any) -> Floats:
        """Return what the last layers work with, shape (n, d): from memory where these rows were the last ones asked.

        Maps of shape (n, c, h, w) are averaged over the picture, sequences of shape (n, t, d) over the sequence. Where that is not one vector per
        row, the answers themselves stand in for it, unless a layer was named.
        """
        features = self._recent.find(table)
        if features is None:
            features = self._forward(table)[1]
        if features is None:
            raise ModelError(
                f"the layer {self._model.features!r} does not give one vector per row. Name another one: torch_model(…, features=…), one of "
                f"{', '.join([name for name, layer in self._model.module.named_modules() if name and not any(layer.children())][-12:])}."
            )
        return features

    def gradient(self, table: Any, labels: Sequence[Any] | Array) -> Array:
        """Return the gradient of each row's loss with respect to its input, float32 of the shape of `table`.

        Cross-entropy for classes, squared error for numbers. It is per unit of the input as it came: of a uint8 picture, per grey level. With
        `preprocess` it is with respect to the tensor that this returned.

        Parameters
        ----------
        table
            Pictures or a matrix of numbers, as `ask` takes them.
        labels
            A class per row (a position 0 … k-1 where no classes were named), or a number, shape (n,).

        Raises
        ------
        ModelError
            If a label is none of the classes, or `preprocess` returned what has no gradient.
        """
        slopes = [self._gradient(part, labels[start : start + len(part)]) for start, part in parts(table, self._model.batch_size)]
        return np.concatenate(slopes)

    def _forward(self, table: Any, member: int | None = None) -> tuple[Array, Floats | None, float]:
        """Return the outputs as numbers, the features where there are any, and how exact a sum of probabilities is to be expected."""
        torch = require("torch", extra="torch")
        model = self._model
        values: list[Array] = []
        features: list[Array | None] = []
        half = False
        with self._lock, serving(model.module), torch.no_grad(), autocast(model.module, model.precision), ExitStack() as stack:
            seen = watched(model.module, model.features, stack)
            calls = None if member is None else masked(model.module, model.seed, member, stack)
            for _, part in parts(table, model.batch_size):
                seen.clear()
                if calls is not None:
                    calls.clear()
                out = called(model.module, prepared(model.module, model.preprocess, part))
                half |= out.dtype in (torch.float16, torch.bfloat16)
                values.append(out.detach().float().cpu().numpy() if half else out.detach().cpu().numpy())
                features.append(pooled(seen, out.shape[0] if out.ndim else -1))
            self._head = seen[0][0] if seen and features[-1] is not None else None
        whole = np.concatenate(values)
        kept = [part for part in features if part is not None]
        found = np.concatenate(kept).astype(np.float64) if len(kept) == len(features) else None
        if found is None and model.features is None and whole.ndim in (1, 2):
            found = whole.reshape(len(whole), -1).astype(np.float64)
        return whole, found, HALF_TOLERANCE if half else SUM_TOLERANCE

    def _voices(self, table: Any) -> Array:
        """Return what each member answers: probabilities, shape (m, n, k), or numbers, shape (m, n)."""
        if self._settling.outputs is None:
            self.ask(table)
        said = []
        for member in range(self._model.dropout):
            values, _, tolerance = self._forward(table, member)
            raw = self._settling.raw(values, tolerance)
            said.append(np.column_stack([1.0 - raw.values, raw.values]) if raw.meaning == "positive" else np.asarray(raw.values))
        return np.stack(said)

    def _gradient(self, table: Any, labels: Sequence[Any] | Array) -> Array:
        torch = require("torch", extra="torch")
        model = self._model
        with self._lock, serving(model.module), torch.enable_grad(), autocast(model.module, model.precision):
            given = prepared(model.module, model.preprocess, table)
            if not (isinstance(given, torch.Tensor) and given.dtype.is_floating_point):
                raise ModelError("a gradient needs one tensor of floats as input; expected preprocess= to return one, or a table of numbers.")
            leaf = given.detach().requires_grad_()
            out = called(model.module, leaf).float()
            self._settling.raw(out.detach().cpu().numpy())
            loss = self._loss(out.squeeze(1) if out.ndim == 2 and out.shape[1] == 1 else out, labels)
            slope: Array = torch.autograd.grad(loss, leaf)[0].float().cpu().numpy()
        if model.preprocess is not None:
            return slope
        if np.ndim(table) > 2:
            slope = np.moveaxis(slope, 1, -1).reshape(table.shape) / np.float32(brightest(table))
        return slope

    def _loss(self, out: Any, labels: Sequence[Any] | Array) -> Any:
        """Return the sum of the rows' losses as a tensor, so that each row's gradient is its own."""
        torch = require("torch", extra="torch")
        loss = torch.nn.functional
        if self._settling.outputs == "numbers":
            return ((out - torch.as_tensor(np.asarray(labels, dtype=np.float32), device=out.device)) ** 2).sum()
        codes = torch.as_tensor(self._codes(labels, 2 if out.ndim == 1 else int(out.shape[1])), device=out.device)
        tiny = torch.finfo(out.dtype).tiny
        if self._settling.outputs == "logits":
            if out.ndim == 1:
                return loss.binary_cross_entropy_with_logits(out, codes.to(out.dtype), reduction="sum")
            return loss.cross_entropy(out, codes, reduction="sum")
        proba = torch.stack([1 - out, out], dim=1) if out.ndim == 1 else out
        return loss.nll_loss(proba.clamp_min(tiny).log(), codes, reduction="sum")

    def _codes(self, labels: Sequence[Any] | Array, k: int) -> Array:
        known = range(k) if self._model.classes is None else self._model.classes
        places = {label: i for i, label in enumerate(known)}
        items = labels.tolist() if isinstance(labels, np.ndarray) else list(labels)
        unknown = [label for label in items if label not in places]
        if unknown:
            raise ModelError(f"{unknown[0]!r} is no label of this model; expected one of {', '.join(repr(c) for c in list(known)[:10])}.")
        return np.array([places[label] for label in items], dtype=np.int64)


def of_torch(obj: Any, task: Task | None, classes: Sequence[Any] | None, features: tuple[str, ...] | None) -> tuple[TorchAdapter, Reader]:
    """Return how to ask a module or what `torch_model` made of one, and what its answers mean."""
    model = obj if isinstance(obj, TorchModel) else torch_model(obj)
    task, classes = task or model.task, classes if classes is not None else model.classes
    if classes is not None and model.classes != tuple(classes):
        model = replace(model, classes=tuple(classes))
    settling = Settling(model.outputs, task, classes)
    eats = Eats(features, ("numpy", "images")) if model.preprocess is None else Eats(features)
    return TorchAdapter(model, eats, settling), Reader(settling.task, None, classes)


def _last_registered(module: Any) -> Any:
    """Return the last linear or convolutional layer of a module, None where it has none."""
    return next((layer for layer in reversed(list(module.modules())) if type(layer).__name__ in HEADS), None)


def _on(module: Any, device: str) -> Any:
    """Return the module where it lies on the device, otherwise a copy that does."""
    torch = require("torch", extra="torch")
    try:
        wanted = torch.device(device)
        if wanted.type == "cuda" and not torch.cuda.is_available():
            raise RuntimeError("this torch sees no CUDA device")
        places = {t.device for t in (*module.parameters(), *module.buffers())}
        same = all(place.type == wanted.type and wanted.index in (None, place.index) for place in places)
        return module if same else deepcopy(module).to(wanted)
    except (RuntimeError, AssertionError) as error:
        raise ModelError(f"device={device!r} cannot be used: {str(error).splitlines()[0]}. Expected 'cpu', 'cuda' or 'cuda:N'.") from error
