"""What the members of an ensemble answer, each by itself, where a model is one.

The one idea: "this model is no ensemble" is an answer (None), and a row on which the members raise is a row without an answer (NaN).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from camelopard.core.arrays import Array, Bools, Floats
from camelopard.core.batch import Batch, Form
from camelopard.core.errors import ModelError
from camelopard.models.native import Eats
from camelopard.models.parts import in_parts

Voices = Callable[[Any], Any]  # from a table to the answers of each member, shape (m, n, k) of probabilities or (m, n) of numbers


@dataclass(frozen=True)
class Members:
    """Asks all members of an ensemble. `classes`: how many classes they tell apart, 0 for numbers."""

    voices: Voices
    eats: Eats
    form: Form | None
    classes: int

    def answers(self, batch: Batch) -> Floats:
        """Return what each member answers: probabilities, shape (m, n, k), or numbers, shape (m, n); NaN in rows on which one raises.

        Raises
        ------
        ModelError
            If the answers have another shape than that, or there are fewer than two members.
        """
        found = [(index, self._read(said, len(index))) for index, said in in_parts(self.voices, batch, self.eats, self.form)]
        heads = {len(part) for _, part in found}
        if len(heads) > 1:
            raise ModelError(f"the number of members changes from call to call ({sorted(heads)}); expected the same ones for every row.")
        width = (self.classes,) if self.classes else ()
        whole: Floats = np.full((heads.pop() if heads else 2, len(batch), *width), np.nan)
        for index, part in found:
            whole[:, index] = part
        return whole

    def _read(self, said: Any, n: int) -> Floats:
        """Return answers as numbers, rows that make no sense as NaN."""
        try:
            values: Array = np.asarray(said, dtype=np.float64)
        except (TypeError, ValueError) as error:
            raise ModelError(f"the members answer with what are no numbers ({error}); {self._expected(n)}.") from error
        if values.shape[1:] != ((n, self.classes) if self.classes else (n,)) or len(values) < 2:
            raise ModelError(f"the members answer with shape {values.shape} for {n} rows; {self._expected(n)}.")
        sound: Bools = np.asarray(np.isfinite(values).all(axis=(0, 2) if self.classes else 0), dtype=bool)
        return np.where(sound[None, :, None] if self.classes else sound[None, :], values, np.nan)

    def _expected(self, n: int) -> str:
        if self.classes:
            return f"expected the probabilities of each of two or more members, shape (members, {n}, {self.classes})"
        return f"expected the number of each of two or more members, shape (members, {n})"


def of_forest(estimator: Any, classes: int) -> Voices | None:
    """Return how to ask each member of a scikit-learn ensemble, by itself or at the end of a pipeline; None for any other model.

    `classes`: how many it is asked to tell apart, 0 where it is asked for numbers.

    Random forests, extra trees, bagging, and voting without weights. Members of boosting are none: each corrects the ones before, none
    is an answer (Malinin, Prokhorenkova & Ustimenko 2021).
    """
    steps = getattr(estimator, "steps", None)
    if isinstance(steps, list) and len(steps) > 1 and type(estimator).__module__.split(".")[0] == "sklearn":
        last = of_forest(steps[-1][1], classes)
        return None if last is None else (lambda table: last(estimator[:-1].transform(table)))
    if len(getattr(estimator, "estimators_", ())) < 2 or hasattr(estimator, "classes_") != bool(classes):
        return None
    from sklearn import ensemble as kinds

    forests = (kinds.RandomForestClassifier, kinds.ExtraTreesClassifier, kinds.RandomForestRegressor, kinds.ExtraTreesRegressor)
    bags, votes = (kinds.BaggingClassifier, kinds.BaggingRegressor), (kinds.VotingClassifier, kinds.VotingRegressor)
    members: list[Any] = list(estimator.estimators_)
    if isinstance(estimator, forests):
        return lambda table: [_said(tree, _bare(table), classes) for tree in members]
    if isinstance(estimator, bags):
        return lambda table: [_said(m, _bare(table)[:, rows], classes) for m, rows in zip(members, estimator.estimators_features_, strict=True)]
    if isinstance(estimator, votes) and estimator.weights is None:
        return lambda table: [_said(member, table, classes) for member in members]
    return None


def _said(member: Any, table: Any, classes: int) -> Floats:
    """Return a member's probabilities, shape (n, k), or its votes where it has none; its numbers, shape (n,), where there are no classes.

    Inside an ensemble the classes are 0 … k-1; a member that never saw one of them gives it nothing.
    """
    if not classes:
        return np.asarray(member.predict(table), dtype=np.float64)
    if not hasattr(member, "predict_proba"):
        return np.asarray(np.asarray(member.predict(table))[:, None] == np.arange(classes), dtype=np.float64)
    found: Floats = np.zeros((table.shape[0], classes))
    known: Sequence[Any] = np.asarray(member.classes_).tolist()
    found[:, [int(c) for c in known]] = member.predict_proba(table)
    return found


def _bare(table: Any) -> Any:
    """Return a table without names: members of a forest were fitted to bare numbers."""
    return table.to_numpy() if hasattr(table, "to_numpy") else table
