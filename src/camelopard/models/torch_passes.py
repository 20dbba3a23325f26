"""One pass through a torch module: rows in, a tensor out, and what went through its layers on the way.

The one idea: everything that is done to the module (its mode, hooks on its layers) is undone when the pass ends.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, nullcontext
from typing import Any

import numpy as np

from camelopard.core.arrays import Array
from camelopard.core.errors import ModelError, require
from camelopard.models.pixels import channels_first, light

HEADS = ("Linear", "Conv1d", "Conv2d", "Conv3d", "LazyLinear", "NonDynamicallyQuantizableLinear")
DROPOUTS = ("Dropout", "Dropout1d", "Dropout2d", "Dropout3d")
Watched = list[tuple[Any, Any]]  # the layer called last and what went through it; empty before


@contextmanager
def serving(module: Any) -> Iterator[None]:
    """Put a module and all its layers into evaluation mode, and each back into its own mode."""
    training = [layer for layer in module.modules() if layer.training]
    if training:
        module.eval()
    try:
        yield
    finally:
        for layer in training:
            layer.training = True


def autocast(module: Any, precision: str | None) -> Any:
    """Return the context of mixed precision; None: the module's own."""
    if precision is None:
        return nullcontext()
    torch = require("torch", extra="torch")
    kind = _home(module).device.type
    return torch.autocast(kind, dtype=getattr(torch, precision), enabled=precision != "float32")


def _home(module: Any) -> Any:
    """Return a tensor of the module's: its first parameter of floats, or else an empty one on the CPU."""
    torch = require("torch", extra="torch")
    tensors = (*module.parameters(), *module.buffers())
    return next((t for t in tensors if t.dtype.is_floating_point), torch.empty(0))


def parts(table: Any, size: int) -> Iterator[tuple[int, Any]]:
    """Yield the rows of a table of any kind, at most `size` at once, with the position of the first. A table without rows is one part."""
    for start in range(0, max(len(table), 1), size):
        yield start, table.slice(start, size) if hasattr(table, "slice") else table[start : start + size]


def prepared(module: Any, preprocess: Callable[[Any], Any] | None, table: Any) -> Any:
    """Return what the module takes, on its device."""
    torch = require("torch", extra="torch")
    home = _home(module)
    if preprocess is not None:
        return _moved(preprocess(table), home.device)
    if not isinstance(table, np.ndarray):
        raise ModelError("a module takes numbers, and texts came. Say torch_model(…, preprocess=…): a function from a list of texts to tensors.")
    numbers = channels_first(light(table)) if table.ndim > 2 else table.astype(np.float64)
    return torch.from_numpy(np.ascontiguousarray(numbers)).to(home.device, home.dtype)


def _moved(given: Any, device: Any) -> Any:
    torch = require("torch", extra="torch")
    if isinstance(given, torch.Tensor):
        return given.to(device)
    if isinstance(given, Mapping):
        return {name: _moved(value, device) for name, value in given.items()}
    if isinstance(given, (tuple, list)):
        return tuple(_moved(value, device) for value in given)
    return torch.from_numpy(given).to(device) if isinstance(given, np.ndarray) else given


def called(module: Any, given: Any) -> Any:
    """Return the tensor of answers to what was prepared."""
    return _tensor(_returned(module, given))


def _returned(module: Any, given: Any) -> Any:
    if isinstance(given, dict):
        return module(**given)
    return module(*given) if isinstance(given, tuple) else module(given)


def _tensor(out: Any) -> Any:
    """Return the answers among what a module returned: `logits` where there are any, otherwise the first of several."""
    torch = require("torch", extra="torch")
    logits = out.get("logits") if isinstance(out, Mapping) else getattr(out, "logits", None)
    if logits is not None:
        out = logits
    elif isinstance(out, (tuple, list)) and out:
        out = out[0]
    if not isinstance(out, torch.Tensor):
        raise ModelError(f"the module answers with a {type(out).__name__}; expected a tensor, a tuple of tensors, or something with logits.")
    return out


def watched(module: Any, name: str | None, stack: ExitStack) -> Watched:
    """Watch the named layer's output, or what goes into every linear and convolutional layer: the last one called is the head."""
    seen: Watched = []

    def keep(layer: Any, value: Any, out: Any = None) -> None:
        found = value if name is None else out
        seen[:] = [(layer, found[0] if isinstance(found, (tuple, list)) and len(found) else found)]

    for path, layer in module.named_modules():
        if name is not None and path == name:
            stack.callback(layer.register_forward_hook(keep).remove)
        elif name is None and type(layer).__name__ in HEADS:
            stack.callback(layer.register_forward_pre_hook(keep).remove)
    return seen


def pooled(seen: Watched, n: int) -> Array | None:
    """Return what was seen as one vector per row, shape (n, d), None where it is not."""
    torch = require("torch", extra="torch")
    if not seen:
        return None
    layer, value = seen[0]
    if not isinstance(value, torch.Tensor) or value.ndim < 2 or value.shape[0] != n or not value.dtype.is_floating_point:
        return None
    sequence = value.ndim == 3 and not type(layer).__name__.endswith("1d")
    if value.ndim > 2:
        value = value.mean(dim=1) if sequence else value.flatten(2).mean(dim=2)
    found: Array = value.detach().float().cpu().numpy()
    return found


def masked(module: Any, seed: int, member: int, stack: ExitStack) -> dict[int, int]:
    """Give every dropout layer the member's mask. Returns how often each was called, to be cleared before each pass."""
    torch = require("torch", extra="torch")
    calls: dict[int, int] = {}
    layers = [layer for layer in module.modules() if type(layer).__name__ in DROPOUTS]
    for place, layer in enumerate(layers):

        def drop(layer: Any, args: Any, out: Any, place: int = place) -> Any:
            call = calls[place] = calls.get(place, -1) + 1
            whole = type(layer).__name__ != "Dropout"  # those drop channels, not numbers
            shape = (1, out.shape[1], *[1] * (out.ndim - 2)) if whole and out.ndim > 2 else (1, *out.shape[1:])
            kept = np.random.default_rng([seed, member, place, call]).random(shape) >= layer.p
            return out * torch.as_tensor(kept, device=out.device).to(out.dtype) / max(1.0 - layer.p, 1e-12)

        stack.callback(layer.register_forward_hook(drop).remove)
    return calls
