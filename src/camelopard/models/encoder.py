"""Sentence encoders: where a text lies among others, for models of texts that show nothing of their inside.

The one idea: every text is encoded by itself, without padding and on one thread, so that it gets the same bytes alone and in any batch.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np

from camelopard.core.arrays import Floats
from camelopard.core.batch import Batch
from camelopard.core.errors import ModelError, told
from camelopard.models.features import Features
from camelopard.models.native import Eats

Encode = Callable[[list[str]], Any]  # from texts to a vector for each, shape (n, d)
MOST_CHARACTERS = 20_000  # of a longer text the start is encoded
WIDEST = 8_192  # numbers that a text may become: as many as evidence from features can deal with
STEADY = 1e-3  # share of the largest number by which an answer may differ when it is asked for again
PROBE = "A camelopard is what people called a giraffe before they had seen one."


class Encoder:
    """Encodes texts, one at a time. Made by `text_encoder`, which explains the rest.

    Parameters
    ----------
    name
        How reports and errors call it.
    encode
        From a list of texts to their vectors, shape (n, d). It is only ever given one text.
    threads
        Texts encoded at the same time.

    Attributes
    ----------
    width
        How many numbers a text becomes.
    """

    def __init__(self, name: str, encode: Encode, threads: int = 1) -> None:
        self.name, self._encode, self._threads = name, encode, threads
        self.width = 0
        first = self._probed()
        self.width = len(first)
        if np.abs(self._probed() - first).max() > STEADY * np.abs(first).max():
            raise ModelError(f"the text encoder {name!r} gives other numbers when it is asked again. Turn off what is random in it, such as dropout.")

    def __repr__(self) -> str:
        return f"Encoder({self.name!r}, {self.width} numbers)"

    @property
    def features(self) -> Features:
        """Return how a model with this encoder shows its features."""
        return Features(self.places, Eats(kinds=("batch",)), None)

    def places(self, batch: Batch) -> Floats:
        """Return where each row lies, shape (n, width), or (n, 2 width) for pairs of texts; NaN where a cell is no text, or cannot be encoded.

        Raises
        ------
        ModelError
            If the rows are neither texts nor pairs of texts, or nothing can be encoded any more.
        """
        if batch.form.kind != "texts":
            came = _KINDS.get(batch.form.kind, "a table")
            shown = ", ".join(map(repr, batch.names[:5])) + (", …" if len(batch.names) > 5 else "")
            raise ModelError(
                f"the text encoder {self.name!r} encodes lists of texts or of pairs of texts; these rows are {came} "
                f"with the columns {shown}. Give the texts alone (--texts COLUMN on the command line), or leave encoder= out."
            )
        return np.hstack([self._column(cells.tolist()) for cells in batch.columns.values()])

    def _column(self, cells: Sequence[Any]) -> Floats:
        texts = {text: text for text in (str.__str__(cell) for cell in cells if isinstance(cell, str))}
        if self._threads > 1 and len(texts) > 1:
            with ThreadPoolExecutor(min(self._threads, len(texts))) as pool:
                found = dict(zip(texts, pool.map(self._place, texts), strict=True))
        else:
            found = {text: self._place(text) for text in texts}
        nowhere = np.full(self.width, np.nan)
        return np.array([found[str.__str__(cell)] if isinstance(cell, str) else nowhere for cell in cells]).reshape(len(cells), self.width)

    def _place(self, text: str) -> Floats:
        """Return the vector of a text, shape (width,); NaN where the encoder raises on it, and only on it."""
        try:
            return self._read(self._encode([sound(text)]))
        except ModelError:
            raise
        except Exception:  # an encoder may raise anything
            self._probed()
            return np.full(self.width, np.nan)

    def _probed(self) -> Floats:
        """Return the vector of a sentence that nothing is wrong with."""
        try:
            found = self._read(self._encode([PROBE]))
        except ModelError:
            raise
        except Exception as error:
            raise ModelError(f"the text encoder {self.name!r} fails on a plain sentence ({told(error)}). Mend it, or leave encoder= out.") from error
        if not np.isfinite(found).all():
            raise ModelError(
                f"the text encoder {self.name!r} gives numbers that are not finite for a plain sentence. Mend it, or leave encoder= out."
            )
        return found

    def _read(self, said: Any) -> Floats:
        """Return what was said of one text as its vector."""
        values = np.asarray(said, dtype=np.float64)
        if values.ndim != 2 or len(values) != 1 or not 0 < values.shape[1] <= WIDEST:
            raise ModelError(
                f"the text encoder {self.name!r} gives shape {values.shape} for a list of one text; "
                f"expected one vector for each text, shape (1, d), with d from 1 to {WIDEST:,}."
            )
        if self.width and values.shape[1] != self.width:
            raise ModelError(
                f"the text encoder {self.name!r} gave {self.width} numbers for a text, and now {values.shape[1]}; expected as many for each."
            )
        return np.asarray(values[0])


def text_encoder(source: Any, *, name: str | None = None, tokens: int | None = None, threads: int | None = None) -> Encoder:
    """Return a sentence encoder for `wrap(…, encoder=…)`, which also takes `source` itself.

    Parameters
    ----------
    source
        A function from a list of texts to a vector for each, shape (n, d), which always gives the same for the same text. Or the path of an
        encoder in ONNX: of a folder with `model.onnx` (or `onnx/model.onnx`) and `tokenizer.json`, as sentence-transformers writes it, or of the
        file in it.
    name
        How reports call it; default: the folder's or the function's name.
    tokens
        Tokens after which a text is cut, for an ONNX encoder; default: as its files say, at most 512.
    threads
        Texts encoded at the same time by an ONNX encoder; default: one for each core, at most 8. The numbers do not depend on it.

    Raises
    ------
    ModelError
        If there is no such encoder, or it does not encode a plain sentence.
    CamelopardError
        If onnxruntime or tokenizers is needed and not installed.

    >>> encoder = text_encoder(lambda texts: [[len(text), text.count(" ")] for text in texts], name="lengths")
    >>> encoder.places(Batch.of(["a cat", None, "a fine cat"])).tolist()
    [[5.0, 1.0], [nan, nan], [10.0, 2.0]]
    """
    if isinstance(source, Encoder):
        return source
    if isinstance(source, (str, Path)):
        from camelopard.models.onnx_encoder import of_files

        found, encode = of_files(source, tokens)
        return Encoder(name or found, encode, threads or min(8, os.cpu_count() or 1))
    if isinstance(source, type) or not callable(source):
        kind = f"the class {source.__name__}" if isinstance(source, type) else type(source).__name__
        raise ModelError(
            f"encoder={kind}: expected a function from a list of texts to a vector for each, or the folder with model.onnx and tokenizer.json."
        )
    if tokens is not None or threads is not None:
        raise ModelError("tokens= and threads= are for ONNX encoders; a function decides for itself how much of a text it reads.")
    called = getattr(source, "__name__", None) or type(source).__name__
    return Encoder(name or ("function" if called == "<lambda>" else called), source)


def sound(text: str) -> str:
    """Return the text as it is encoded: its start, halves of characters replaced.

    >>> sound("caf\\ud800é")
    'caf?é'
    """
    return text[:MOST_CHARACTERS].encode("utf-8", "replace").decode("utf-8")


_KINDS = {"images": "pictures", "numpy": "an array of numbers"}
