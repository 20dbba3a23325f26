"""Is this the model that the firewall was fitted to? Its answers to a few made-up rows are kept, and where it places them, and asked for again.

The rows are drawn from what the columns hold, each column by itself: no row of anyone's data is kept.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from camelopard.core.arrays import Array, Bools, Floats
from camelopard.core.batch import Batch, Form
from camelopard.core.errors import ArtifactError, ModelError
from camelopard.core.protocols import Model
from camelopard.core.records import Prediction
from camelopard.evidence.impact import batch_of
from camelopard.firewall.panel import Panel, vectors_of
from camelopard.models.model import Wrapped

ROWS = 16
SAME = 0.01  # probabilities that differ by less are the same
MOST_OTHER = 0.25  # share of the rows with another answer, or in another place, from which it is another model
SKETCH = 16  # numbers kept of where a row lies
ELSEWHERE = 0.02  # share of its length that a vector may move: more than other machines make of the same model, less than rounding it to 8 bits


@dataclass(frozen=True)
class Likeness:
    """The answers of the model that a firewall was fitted to, and where it places the rows, shape (ROWS, SKETCH); None where nobody looks."""

    answer: Prediction
    places: Floats | None = None

    @classmethod
    def of(cls, model: Model, panel: Panel, form: Form) -> Likeness:
        """Ask the model."""
        return cls(model.predict(rows(panel, form)), None if panel.space is None else sketch(_vectors(model, panel, form)))

    def other(self, model: Model, panel: Panel, form: Form) -> int:
        """Return on how many of the rows a model answers otherwise."""
        return int(self._differs(model.predict(rows(panel, form)), panel).sum())

    def moved(self, model: Model, panel: Panel, form: Form) -> int:
        """Return how many of the rows lie elsewhere for a model: all of them where their vectors have another length."""
        if panel.space is None:
            return 0
        now = _vectors(model, panel, form)
        if now.shape[1] != panel.space.width:
            return ROWS
        if self.places is None:  # a file that was written before places were kept
            return 0
        at = sketch(now)
        before, after = (np.asarray(np.isfinite(found[:, 0]), dtype=bool) for found in (self.places, at))  # a row has all numbers or none
        gap, far = np.linalg.norm(at - self.places, axis=1), ELSEWHERE * np.linalg.norm(self.places, axis=1)
        return int(np.where(before & after, gap > far, before != after).sum())

    def _differs(self, now: Prediction, panel: Panel) -> Bools:
        before = self.answer
        failed = np.asarray(before.failed != now.failed, dtype=bool)
        both = ~before.failed & ~now.failed
        gap = np.zeros(len(before))
        if panel.task == "regression":
            gap[both] = np.abs(before.value[both].astype(np.float64) - now.value[both].astype(np.float64)) / max(panel.tolerance, 1e-12) * SAME
        elif before.proba is not None and now.proba is not None and before.proba.shape == now.proba.shape:
            gap[both] = np.abs(before.shares - now.shares).max(axis=1)[both]
        else:
            gap[both] = before.value[both].astype(str) != now.value[both].astype(str)
        return failed | (gap > SAME)

    def state(self) -> dict[str, Any]:
        """Return the answers, as plain data."""
        a = self.answer
        places = {} if self.places is None else {"places": self.places.astype(np.float32)}
        return {"value": a.value.astype(object), "proba": a.proba, "failed": a.failed, "classes": list(a.classes), **places}

    @classmethod
    def from_state(cls, s: Mapping[str, Any]) -> Likeness:
        """Rebuild from `state()`."""
        errors = np.array(["no answer" if failed else None for failed in s["failed"]], dtype=object)
        places = np.asarray(s["places"], dtype=np.float64) if "places" in s else None
        if places is not None and places.shape != (ROWS, SKETCH):
            raise ValueError(f"places of shape {places.shape}, expected {(ROWS, SKETCH)}")
        return cls(Prediction(s["value"], s["proba"], None, errors, tuple(s["classes"])), places)


def rows(panel: Panel, form: Form) -> Batch:
    """Return the made-up rows, always the same ones for the same panel."""
    scores = np.random.default_rng(0).standard_normal((ROWS, len(panel.reader.encoders)))
    values = np.stack([encoder.decode(np.ascontiguousarray(scores[:, j])) for j, encoder in enumerate(panel.reader.encoders)], axis=1)
    return batch_of(values, panel.reader, form, {name: vectors.examples(ROWS) for name, vectors in panel.reader.views.of.items()})


def sketch(vectors: Floats) -> Floats:
    """Return vectors as their sums under fixed random signs, shape (n, d) → (n, SKETCH): few numbers that move as far as the vector moves.

    A random projection keeps lengths, on average (Achlioptas 2003).
    """
    words: Array = np.asarray(np.random.PCG64(0).random_raw(vectors.shape[1]))[:, None]  # the same in every version of NumPy
    signs = 1.0 - 2.0 * ((words >> np.arange(SKETCH, dtype=np.uint64)) & np.uint64(1))
    found: Floats = np.where(np.isfinite(vectors), vectors, np.nan) @ signs / np.sqrt(SKETCH)
    return found


def _vectors(model: Model, panel: Panel, form: Form) -> Floats:
    """Return where the made-up rows lie, shape (ROWS, d)."""
    found = vectors_of(rows(panel, form), panel.reader, model.session())
    return np.zeros((ROWS, 0)) if found is None else found


def is_other(count: int) -> bool:
    """Whether so many other answers make another model."""
    return count > MOST_OTHER * ROWS


def recognised(model: Model | None, kept: Mapping[str, Any] | None, likeness: Likeness | None, panel: Panel, form: Form, path: str) -> Model | None:
    """Return the model that the firewall in a file was fitted to, with the names of its classes; `kept`: what the file says of it.

    Raises
    ------
    ArtifactError
        If it is another model.
    """
    if model is None:
        return None
    if kept is None:
        raise ArtifactError(f"{path}: this firewall was fitted to data alone. Load it without a model.")
    _check_encoder(model, kept, path)
    # A function may know its task only once it has answered: the likeness is asked first.
    other = 0 if likeness is None else likeness.other(model, panel, form)
    if likeness is not None and (known := _named(model, kept["classes"])) is not model:
        model = known
        other = likeness.other(model, panel, form) if is_other(other) else other  # labels are told by their names
    if model.task != kept["task"]:
        raise ArtifactError(f"{path}: fitted to a model for {kept['task']}, but {model.name!r} does {model.task}. Load it with its own model.")
    names = [str(c) for c in kept["classes"]]
    if names and [str(c) for c in model.classes] != [c for c in names if c in {str(m) for m in model.classes}]:
        raise ArtifactError(
            f"{path}: fitted to a model with the classes {list(kept['classes'])}, but {model.name!r} has {list(model.classes)}. "
            "Load it with its own model."
        )
    if is_other(other):
        raise ArtifactError(
            f"{path}: {model.name!r} is not the model that it was fitted to: it answers {other} of {ROWS} rows otherwise. "
            "Load it with its own model, or fit a firewall to this one."
        )
    if likeness is not None and is_other(moved := likeness.moved(model, panel, form)):
        encoder, known_by = getattr(model, "encoder", None), kept.get("encoder")
        what = f"{model.name!r} shows other features than when this firewall was fitted"
        if encoder is not None and known_by is not None:
            what = f"the text encoder {encoder.name!r} is not the one that it was fitted with ({known_by['name']!r}, {known_by['numbers']} numbers)"
        raise ArtifactError(f"{path}: {what}: {moved} of {ROWS} rows lie elsewhere. Load it with what it was fitted with, or fit it again.")
    return model


def _named(model: Model, classes: Sequence[Any]) -> Model:
    """Return the model with the names that its classes had in fitting, where it only counts them, as servers do.

    Names that are such numbers themselves, in another order, are no names: the model may mean what it says.
    """
    positions = list(range(len(classes)))
    counted = model.task == "classification" and list(model.classes) == positions
    if not counted or not isinstance(model, Wrapped) or (list(classes) != positions and any(c in positions for c in classes)):
        return model
    try:
        return model.with_classes(classes)
    except ModelError:
        return model


def _check_encoder(model: Model, kept: Mapping[str, Any], path: str) -> None:
    """Raise ArtifactError where a text encoder was there in fitting and is not now, or the other way round."""
    encoder, known = getattr(model, "encoder", None), kept.get("encoder")
    if known is not None and encoder is None:
        raise ArtifactError(
            f"{path}: fitted with the text encoder {known['name']!r} ({known['numbers']} numbers), and {model.name!r} came without one. "
            "Wrap it with the same one: camelopard.wrap(…, encoder=…), or --encoder on the command line."
        )
    if known is None and encoder is not None:
        raise ArtifactError(
            f"{path}: fitted without a text encoder, and {model.name!r} came with {encoder.name!r}. Wrap it without one, or fit a firewall with it."
        )
