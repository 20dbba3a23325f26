"""Measures kinds of uncertainty beside the evidence, while a firewall learns: in a run of its own, so that all else stays as it is."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from camelopard.core.arrays import Floats
from camelopard.core.batch import Batch, Form
from camelopard.core.errors import ArtifactError, BudgetSpent, InputError, UnknownName
from camelopard.core.protocols import Model, Session
from camelopard.core.records import Prediction
from camelopard.core.schema import Schema
from camelopard.evidence.reading import Reading
from camelopard.evidence.uncertainty import FIGURES, KINDS, Ensemble
from camelopard.firewall.likeness import rows
from camelopard.firewall.panel import Panel

AUTO = "auto"
FIRST = 8  # rows that members are asked before anything else
NO_ENSEMBLE = "the model is no ensemble whose members can be asked"
NO_NUMBERS = "no column holds numbers"
NO_PICTURES = "no column holds pictures"
WHY_NOT = {"ensemble": NO_ENSEMBLE, "noise": NO_NUMBERS, "squeezed": NO_PICTURES}
SPENT = "it would have cost more model rows than the budget"


def kinds_of(asked_for: str | None) -> tuple[str, ...]:
    """Return the kinds that `Firewall(uncertainty=…)` stands for.

    Raises
    ------
    UnknownName
        If there is no such kind.

    >>> kinds_of("auto"), kinds_of("noise"), kinds_of(None)
    (('ensemble', 'noise', 'squeezed'), ('noise',), ())
    """
    if asked_for is None:
        return ()
    if not isinstance(asked_for, str) or asked_for not in (AUTO, *KINDS):
        raise UnknownName.among(asked_for, (AUTO, *KINDS), "kind of uncertainty")
    return tuple(KINDS) if asked_for == AUTO else (asked_for,)


def check_pictures(asked_for: str | None, schema: Schema) -> None:
    """Raise InputError, before any work, where squeezed pictures were asked for by name and there are none."""
    if asked_for == "squeezed" and not schema.of_kind("image"):
        shown = ", ".join(f"{column.name} ({column.kind})" for column in list(schema.columns.values())[:8])
        raise InputError(
            f"uncertainty='squeezed' asks the model about squeezed copies of pictures, and {NO_PICTURES}: {shown}. "
            "Leave it out, or say uncertainty='auto', which tries what applies."
        )


def check_members(kinds: Sequence[str], session: Session, batch: Batch) -> None:
    """Raise ModelError, before long work, where the members of an ensemble are to be asked and answer in a wrong shape."""
    if "ensemble" in kinds and isinstance(session, Ensemble):
        session.members(batch.take(slice(0, FIRST)))


def check_measurable(panel: Panel, model: Model | None, form: Form, path: str) -> None:
    """Raise ArtifactError where a firewall needs the members of an ensemble, and the model has none that can be asked."""
    if model is None or "ensemble" not in panel.uncertain:
        return
    session = model.session()
    if not isinstance(session, Ensemble) or session.members(rows(panel, form)) is None:
        raise ArtifactError(
            f"{path}: this firewall reads confidence from how far the members of an ensemble disagree, and {model.name!r} has none that can be "
            "asked. Load it with the model it was fitted to, or say how to ask them: camelopard.wrap(…, members=…)."
        )


class Gauge:
    """Measures the kinds that apply; `unmeasured` says of the others why not.

    Parameters
    ----------
    kinds
        Of `camelopard.evidence.uncertainty.KINDS`.
    session
        A run on the model for this alone.
    """

    def __init__(self, panel: Panel, kinds: Sequence[str], session: Session) -> None:
        self.kinds, self.unmeasured = tuple(kinds), dict[str, str]()
        self._panel, self._session = panel, session

    @property
    def asked(self) -> int:
        """Model rows that it cost so far."""
        return self._session.asked

    def measure(self, batch: Batch, answer: Prediction, reading: Reading) -> Floats:
        """Return the columns of each kind, side by side; NaN where a kind is not measured."""
        tables = {kind: np.full((len(batch), len(FIGURES[kind])), np.nan) for kind in self.kinds}
        for kind, table in tables.items():
            if kind in self.unmeasured:
                continue
            try:
                found = self._panel.uncertainty(kind, batch, answer, reading, self._session)
            except BudgetSpent:
                self.unmeasured[kind] = SPENT
                continue
            if found is None:
                self.unmeasured[kind] = WHY_NOT[kind]
            else:
                table[:] = found.reshape(len(batch), -1)
        return np.hstack(list(tables.values()))
