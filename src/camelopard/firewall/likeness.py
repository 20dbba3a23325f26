"""Is this the model that the firewall was fitted to? Its answers to a few made-up rows are kept, and asked for again.

The rows are drawn from what the columns hold, each column by itself: no row of anyone's data is kept.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from camelopard.core.arrays import Bools
from camelopard.core.batch import Batch, Form
from camelopard.core.errors import ArtifactError
from camelopard.core.protocols import Model
from camelopard.core.records import Prediction
from camelopard.evidence.impact import batch_of
from camelopard.firewall.panel import Panel

ROWS = 16
SAME = 0.01  # probabilities that differ by less are the same
MOST_OTHER = 0.25  # share of the rows with another answer from which it is another model


@dataclass(frozen=True)
class Likeness:
    """The answers of the model that a firewall was fitted to."""

    answer: Prediction

    @classmethod
    def of(cls, model: Model, panel: Panel, form: Form) -> Likeness:
        """Ask the model."""
        return cls(model.predict(rows(panel, form)))

    def other(self, model: Model, panel: Panel, form: Form) -> int:
        """Return on how many of the rows a model answers otherwise."""
        return int(self._differs(model.predict(rows(panel, form)), panel).sum())

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
        return {"value": a.value.astype(object), "proba": a.proba, "failed": a.failed, "classes": list(a.classes)}

    @classmethod
    def from_state(cls, s: Mapping[str, Any]) -> Likeness:
        """Rebuild from `state()`."""
        errors = np.array(["no answer" if failed else None for failed in s["failed"]], dtype=object)
        return cls(Prediction(s["value"], s["proba"], None, errors, tuple(s["classes"])))


def rows(panel: Panel, form: Form) -> Batch:
    """Return the made-up rows, always the same ones for the same panel."""
    scores = np.random.default_rng(0).standard_normal((ROWS, len(panel.reader.encoders)))
    values = np.stack([encoder.decode(np.ascontiguousarray(scores[:, j])) for j, encoder in enumerate(panel.reader.encoders)], axis=1)
    return batch_of(values, panel.reader, form, {name: vectors.examples(ROWS) for name, vectors in panel.reader.views.of.items()})


def is_other(count: int) -> bool:
    """Whether so many other answers make another model."""
    return count > MOST_OTHER * ROWS


def check_model(model: Model | None, kept: Mapping[str, Any] | None, likeness: Likeness | None, panel: Panel, form: Form, path: str) -> None:
    """Raise ArtifactError if this is not the model that the firewall in a file was fitted to; `kept`: what the file says of that one."""
    if model is None:
        return
    if kept is None:
        raise ArtifactError(f"{path}: this firewall was fitted to data alone. Load it without a model.")
    # A function may know its task only once it has answered: the likeness is asked first.
    other = 0 if likeness is None else likeness.other(model, panel, form)
    if model.task != kept["task"]:
        raise ArtifactError(f"{path}: fitted to a model for {kept['task']}, but {model.name!r} does {model.task}. Load it with its own model.")
    known = [str(c) for c in kept["classes"]]
    if known and [str(c) for c in model.classes] != [c for c in known if c in {str(m) for m in model.classes}]:
        raise ArtifactError(
            f"{path}: fitted to a model with the classes {list(kept['classes'])}, but {model.name!r} has {list(model.classes)}. "
            "Load it with its own model."
        )
    if is_other(other):
        raise ArtifactError(
            f"{path}: {model.name!r} is not the model that it was fitted to: it answers {other} of {ROWS} rows otherwise. "
            "Load it with its own model, or fit a firewall to this one."
        )
