"""Sentence encoders in files, as sentence-transformers writes them: a graph in ONNX, its tokenizer, and how the tokens' vectors become one.

The one idea: the files say which tokens, which pooling and which limit; what they say and this cannot do is an error, never another encoder.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from camelopard.core.arrays import Array, Floats
from camelopard.core.errors import ModelError, require, told
from camelopard.models.encoder import Encode
from camelopard.models.onnx_model import onnx_model

EXTRA = "text-encoder"
TOKENS, MOST_TOKENS = 256, 512  # where no file says how many; attention takes memory by their square
FILLED = {"input_ids", "attention_mask", "token_type_ids"}
WHOLE = "sentence_embedding"  # the output of graphs that pool by themselves
MODULES = ("Transformer", "Pooling", "Normalize")
MODES = {"pooling_mode_mean_tokens": "mean", "pooling_mode_cls_token": "cls"}
_EXPECTED = "Expected a folder with model.onnx (or onnx/model.onnx) and tokenizer.json, as sentence-transformers writes it"


def of_files(source: str | Path, tokens: int | None = None) -> tuple[str, Encode]:
    """Return the name of an encoder in files and how to encode with it: unit vectors, shape (n, d), each text by itself.

    Mean pooling over the tokens, or the first token's vector where `1_Pooling/config.json` says so, and length one (Reimers & Gurevych 2019).

    Raises
    ------
    ModelError
        If files are missing, cannot be read, or ask for what this cannot do.
    CamelopardError
        If onnxruntime or tokenizers is not installed.
    """
    require("onnxruntime", extra=EXTRA)
    tokenizers = require("tokenizers", extra=EXTRA)
    graph, home = _found(Path(source))
    session = onnx_model(graph, threads=1).session
    inputs, output = _inputs(session, graph), _output(session, graph)
    pooling = "" if _rank(session, output) == 2 else _pooling(home)
    try:
        tokenizer = tokenizers.Tokenizer.from_file(str(home / "tokenizer.json"))
    except Exception as error:  # the library raises bare exceptions
        raise ModelError(f"{home / 'tokenizer.json'} cannot be read as a tokenizer ({told(error)}).") from error
    fixed = next((shape[1] for _, shape in inputs.values() if len(shape) == 2 and isinstance(shape[1], int)), 0)
    limit = _limit(home, tokenizer, tokens)
    tokenizer.no_padding()
    tokenizer.enable_truncation(min(limit, fixed or limit))
    return home.resolve().name, _Graph(session, tokenizer, {name: kind for name, (kind, _) in inputs.items()}, output, pooling, fixed)


@dataclass(frozen=True)
class _Graph:
    """Runs the graph on one text at a time. `inputs`: the NumPy type of each; `fixed`: tokens that it insists on, 0 for as many as there are."""

    session: Any
    tokenizer: Any
    inputs: dict[str, str]
    output: str
    pooling: str
    fixed: int

    def __call__(self, texts: list[str]) -> Floats:
        return np.array([self._one(text) for text in texts])

    def _one(self, text: str) -> Floats:
        ids = self.tokenizer.encode(text).ids
        if not ids:
            raise ValueError("nothing is left of this text but white space")
        n, size = len(ids), self.fixed or len(ids)
        filled = {name: np.zeros((1, size), dtype=kind) for name, kind in self.inputs.items()}
        filled["input_ids"][0, :n] = ids
        if "attention_mask" in filled:
            filled["attention_mask"][0, :n] = 1
        found = self.session.run([self.output], filled)[0][0]
        return unit(self._pooled(np.asarray(found, dtype=np.float64), n))

    def _pooled(self, found: Array, n: int) -> Array:
        if not self.pooling:
            return found
        return np.asarray(found[0] if self.pooling == "cls" else found[:n].mean(axis=0))


def _found(path: Path) -> tuple[Path, Path]:
    """Return the graph, and the folder in which its tokenizer lies."""
    if path.is_dir():
        graphs = [p for p in (path / "model.onnx", path / "onnx" / "model.onnx") if p.is_file()] or sorted(path.glob("*.onnx"))
        if len(graphs) != 1 and not (graphs and graphs[0].name == "model.onnx"):
            what = (
                f"has several ONNX files ({', '.join(p.name for p in graphs[:5])}); name the one to use"
                if graphs
                else f"has no ONNX file. {_EXPECTED}"
            )
            raise ModelError(f"the encoder folder {str(path)!r} {what}.")
        graph = graphs[0]
    elif path.suffix.lower() == ".onnx" and path.is_file():
        graph = path
    else:
        raise ModelError(f"there is no text encoder {str(path)!r}. {_EXPECTED}, the path of the .onnx file in it, or a function.")
    home = next((p for p in (graph.parent, graph.parent.parent) if (p / "tokenizer.json").is_file()), None)
    if home is None:
        raise ModelError(f"there is no tokenizer.json beside {str(graph)!r}. {_EXPECTED}.")
    return graph, home


def _inputs(session: Any, graph: Path) -> dict[str, tuple[str, list[Any]]]:
    """Return the type and the shape of each input; ModelError where it takes what a tokenizer does not give."""
    found = {port.name: (str(port.type).removeprefix("tensor(").removesuffix(")"), list(port.shape)) for port in session.get_inputs()}
    if "input_ids" not in found or not set(found) <= FILLED or not {kind for kind, _ in found.values()} <= {"int64", "int32"}:
        takes = ", ".join(f"{name} ({kind})" for name, (kind, _) in found.items())
        raise ModelError(f"{str(graph)!r} is no text encoder: it takes {takes}; expected input_ids and perhaps attention_mask and token_type_ids.")
    if any(isinstance(shape[0], int) and shape[0] != 1 for _, shape in found.values() if shape):
        raise ModelError(f"{str(graph)!r} insists on a number of texts at once; export it with a free batch axis.")
    return found


def _output(session: Any, graph: Path) -> str:
    """Return the output that encodes: the sentence's, otherwise the first with a vector per token, otherwise the first with one per text."""
    names = [port.name for port in session.get_outputs()]
    ranked = [name for rank in (3, 2) for name in names if _rank(session, name) == rank]
    if not ranked:
        raise ModelError(f"{str(graph)!r} is no text encoder: none of its outputs ({', '.join(names)}) has a vector for each token or each text.")
    return WHOLE if WHOLE in ranked else ranked[0]


def _rank(session: Any, output: str) -> int:
    return next(len(port.shape) for port in session.get_outputs() if port.name == output)


def _pooling(home: Path) -> str:
    """Return how the vectors of the tokens become one."""
    modules = _json(home / "modules.json")
    kinds = [str(module.get("type", "")).rpartition(".")[2] for module in modules if isinstance(module, dict)] if isinstance(modules, list) else []
    strange = [kind for kind in kinds if kind not in MODULES]
    if strange:
        raise ModelError(
            f"the encoder in {str(home)!r} has a module {strange[0]!r} behind its graph; known are {', '.join(MODULES)}. "
            f"Export it whole, with an output named {WHOLE!r}, or give a function."
        )
    said = _json(home / "1_Pooling" / "config.json")
    if not isinstance(said, dict):
        return "mean"
    modes: list[str] = [str(MODES.get(key, key)) for key, on in said.items() if on is True and key.startswith("pooling_mode_")]
    if "pooling_mode" in said:  # as newer versions write it
        modes = [str(said["pooling_mode"])]
    if len(modes) != 1 or modes[0] not in MODES.values():
        raise ModelError(
            f"the encoder in {str(home)!r} pools by {' and '.join(modes) or 'nothing'}; known are mean and cls. Give a function instead."
        )
    return modes[0]


def _limit(home: Path, tokenizer: Any, wanted: int | None) -> int:
    """Return how many tokens of a text are read."""
    if wanted is not None:
        if type(wanted) is not int or not 3 <= wanted <= MOST_TOKENS:
            raise ModelError(f"tokens={wanted!r}; expected a whole number from 3 to {MOST_TOKENS}.")
        return wanted
    settings, cut = _json(home / "sentence_bert_config.json"), tokenizer.truncation
    said = settings.get("max_seq_length") if isinstance(settings, dict) else None
    found = said if isinstance(said, int) else cut["max_length"] if cut else TOKENS
    return max(3, min(found, MOST_TOKENS))


def unit(vector: Array) -> Floats:
    """Return a vector at length one, shape (d,); zeros stay zeros.

    >>> unit(np.array([3.0, 4.0])).tolist()
    [0.6, 0.8]
    """
    values = np.asarray(vector, dtype=np.float64)
    length = float(np.sqrt(np.einsum("i,i->", values, values)))
    return np.asarray(values / length if length > 0 else values)


def _json(path: Path) -> Any:
    """Return what a settings file says, None where there is none."""
    if not path.is_file():
        return None
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ModelError(f"{path} cannot be read as JSON ({told(error)}).") from error
