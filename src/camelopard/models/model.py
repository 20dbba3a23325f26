"""The one face of every wrapped model."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from copy import copy
from typing import TYPE_CHECKING, Any

from camelopard.core.arrays import Floats
from camelopard.core.batch import Batch, Form
from camelopard.core.errors import ModelError
from camelopard.core.records import Prediction, Task
from camelopard.models.answers import Reader
from camelopard.models.asking import Adapter, Asker, Meter
from camelopard.models.encoder import Encoder
from camelopard.models.features import Features, Inside
from camelopard.models.members import Members, Voices
from camelopard.models.plans import Plans
from camelopard.models.session import Session

if TYPE_CHECKING:
    from camelopard.models.http_model import HttpAdapter

BATCH_SIZE = 8192


class Wrapped:
    """A model as the rest of the project sees it. Made by `wrap`; keeps no state but the meaning of the answers.

    Parameters
    ----------
    obj
        What was wrapped; never changed.
    name
        How reports call it.
    adapter, reader
        How to ask it, and what its answers mean.
    form
        The form in which it is asked; None: that of each batch.
    batch_size
        Rows per call at most.
    members
        How to ask each member of an ensemble, where the adapter does not know; None: as the adapter does.
    encoder
        What stands for the features of texts, in place of the model's own.

    `task` and `classes` (in the order of the probabilities; empty for a regression) raise ModelError for a function that has not answered yet and
    whose task nobody named.
    """

    name: str

    def __init__(
        self,
        obj: object,
        name: str,
        adapter: Adapter,
        reader: Reader,
        form: Form | None = None,
        batch_size: int = BATCH_SIZE,
        members: Voices | None = None,
        encoder: Encoder | None = None,
    ) -> None:
        if batch_size < 1:
            raise ModelError(f"batch_size={batch_size}; expected a whole number of rows per call, at least 1.")
        self.obj, self.name, self.encoder = obj, name, encoder
        self._adapter, self._reader, self._form, self._batch_size = adapter, reader, form, batch_size
        self._plans = Plans()
        self._voices: Voices | None = members or getattr(adapter, "members", None)

    def __repr__(self) -> str:
        task = self.task if hasattr(self, "task") else "task not known yet"
        return f"Model({self.name!r}, {task})"

    @property
    def task(self) -> Task:
        return self._reader.task

    @property
    def classes(self) -> tuple[Any, ...]:
        return self._reader.classes

    def predict(self, X: Any) -> Prediction:
        """Return the answers to any table or batch. A row that the model cannot answer has its error in `Prediction.errors`.

        Raises
        ------
        InputError
            If X is no table.
        ModelError
            If the model does not answer as a model must (wrong number of answers, not fitted).
        """
        return self._reader.prediction(self._asker(Meter(), False).ask(Batch.of(X)))

    def members(self, X: Any) -> Floats | None:
        """Return what each member of an ensemble answers: probabilities, shape (m, n, k), or numbers, shape (m, n); NaN in rows on which one raises.

        None where the model is no ensemble, or it is not known how to ask its members: `wrap(…, members=…)` says so.

        Raises
        ------
        ModelError
            If the members' answers have another shape.
        """
        found = self._members()
        return None if found is None else found.answers(Batch.of(X))

    def session(self, budget: int | None = None, *, thrifty: bool = False, max_rows: int = 1_000_000) -> Session:
        """Return a run on this model in which answers are remembered and at most `budget` rows are asked.

        `thrifty`: of more than eight rows that raise together, eight are tried alone, and speak for all if they raise alike; otherwise, and
        always without it, the rows that raise are searched out exactly.
        """
        if budget is not None and budget < 0:
            raise ModelError(f"budget={budget}; expected a number of model rows, 0 or more, or None for no limit.")
        meter = Meter(budget)
        return Session(self._asker(meter, thrifty), self._reader, meter, max_rows, self._members, self._features)

    def features(self, X: Any) -> Floats | None:
        """Return what the model makes of each row before it decides, or its text encoder of each text, shape (n, d); NaN where that raises.

        None where the model does not show it.
        """
        return None if self._features is None else self._features.of(Batch.of(X))

    def renamed(self, name: str) -> Wrapped:
        """Return the same model under another name."""
        twin = copy(self)
        twin.name = name
        return twin

    def encoded(self, encoder: Encoder) -> Wrapped:
        """Return the same model with this text encoder."""
        twin = copy(self)
        twin.encoder = encoder
        return twin

    def with_classes(self, classes: Sequence[Any]) -> Wrapped:
        """Return the same model with other names for its classes, in the order of its probabilities.

        Raises
        ------
        ModelError
            If there are not as many, or its classes are known only from labels that it answered.
        """
        twin = copy(self)
        twin._reader = self._reader.named(classes)
        return twin

    @property
    def behind(self) -> HttpAdapter | None:
        """Return what passes requests on to the server that has the model; None where no server has it."""
        adapter: Any = self._adapter
        return adapter if hasattr(adapter, "forward") else None

    @property
    def _features(self) -> Features | None:
        if self.encoder is not None:
            return self.encoder.features
        adapter = self._adapter
        inside: Inside | None = getattr(adapter, "features", None)
        if inside is None:
            return None
        return Features(inside, adapter.eats, self._form, lambda: getattr(adapter, "last_layer", None), getattr(adapter, "gradient", None))

    def _members(self) -> Members | None:
        """Return how to ask the members; None for what is no ensemble, and for a function whose task is not known yet."""
        if self._voices is None or not hasattr(self, "task"):
            return None
        return Members(self._voices, self._adapter.eats, self._form, len(self.classes))

    def _asker(self, meter: Meter, thrifty: bool) -> Asker:
        return Asker(self._adapter, self._reader, self._form, self._batch_size, meter, self._plans, thrifty)


@contextmanager
def reading(what: str) -> Iterator[None]:
    """Turn whatever a framework raises while its model is looked at into a ModelError."""
    try:
        yield
    except ModelError:
        raise
    except Exception as error:  # a foreign object may fail in any way when it is looked at
        raise ModelError(f"cannot read {what}: {type(error).__name__}: {error}. Is it fitted?") from error
