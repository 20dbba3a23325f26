"""What a model, a damage and an evidence must be able to do. Anything that can do it fits: no base classes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol, runtime_checkable

import numpy as np

from camelopard.core.batch import Batch
from camelopard.core.errors import CamelopardError
from camelopard.core.records import Prediction, Task
from camelopard.core.schema import Schema


class Progress(Protocol):
    """Told how far long work has come. See `silent` for the one that does nothing."""

    def __call__(self, stage: str, done: float, total: float) -> None: ...


def silent(stage: str, done: float, total: float) -> None:
    """Say nothing."""


class Session(Protocol):
    """A model during one run: the same row is never asked twice, and the budget is kept."""

    @property
    def asked(self) -> int:
        """Rows that the model was really asked so far."""
        ...

    def predict(self, batch: Batch) -> Prediction: ...


@runtime_checkable
class Model(Protocol):
    """Anything that answers rows. Made by `camelopard.wrap`."""

    @property
    def name(self) -> str: ...

    @property
    def task(self) -> Task: ...

    @property
    def classes(self) -> tuple[Any, ...]: ...

    def predict(self, X: Any) -> Prediction:
        """Return the answers to X. A row that the model cannot answer has its error in `Prediction.errors`; nothing is raised for it."""
        ...

    def session(self, budget: int | None = None, *, thrifty: bool = False) -> Session:
        """Return a run on this model in which answers are remembered and at most `budget` rows are asked.

        `thrifty`: where a group of rows raises and a few probes all raise alike, the whole group is taken to raise.
        """
        ...


class Damage(Protocol):
    """A seeded, graded change to a batch that a real pipeline could cause."""

    @property
    def kind(self) -> str: ...
    @property
    def family(self) -> str: ...
    @property
    def keeps_label(self) -> bool: ...
    @property
    def graded(self) -> bool: ...
    @property
    def breaks(self) -> str: ...

    def targets(self, schema: Schema) -> Sequence[str]:
        """Return what it can be done to: column names, "a|b" for a pair of columns, "*" for the whole row."""
        ...

    def apply(self, batch: Batch, target: str, severity: int, rng: np.random.Generator, schema: Schema) -> Batch:
        """Return the damaged batch: same number and order of rows; severity 1–5, 5 the worst."""
        ...


def wrapped(obj: Any) -> Model:
    """Return the model, or raise a CamelopardError for what was not wrapped."""
    if not (hasattr(obj, "session") and hasattr(obj, "predict")):
        raise CamelopardError(
            f"a {type(obj).__name__} is not wrapped yet; expected what camelopard.wrap returns. Write camelopard.wrap(…) around it."
        )
    model: Model = obj
    return model
