"""The model with the firewall in front of it: the same `predict`, and a stated behaviour for what does not pass."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from camelopard.core.arrays import Array, Floats, objects
from camelopard.core.batch import plain
from camelopard.core.errors import CamelopardError, UnknownName

if TYPE_CHECKING:
    from camelopard.firewall.firewall import Firewall
    from camelopard.firewall.verdicts import Verdicts

ACTIONS = ("answer", "repaired", "missing", "raise")


class Blocked(CamelopardError):
    """Rows that the firewall does not let through. `verdicts` holds all of the batch, `rows` the positions of the blocked ones."""

    def __init__(self, message: str, verdicts: Verdicts, rows: list[int]) -> None:
        super().__init__(message)
        self.verdicts, self.rows = verdicts, rows


class Guard:
    """Predicts like the model, but only what the firewall lets through.

    Parameters
    ----------
    repair, review, block
        What to do with rows of that route: "answer" gives the model's own answer, "repaired" its answer to the repaired row (its own where there is
        no repair), "missing" gives None (NaN for numbers), "raise" raises `Blocked`.
    """

    def __init__(self, firewall: Firewall, *, repair: str = "repaired", review: str = "answer", block: str = "raise") -> None:
        self.actions = {"repair": repair, "review": review, "block": block}
        for action in self.actions.values():
            if action not in ACTIONS:
                raise UnknownName.among(action, ACTIONS, "action")
        if firewall.learned_.risk is None or firewall.model_ is None:
            raise CamelopardError("guard() needs a firewall with its model. Load it with Firewall.load(path, model=model).")
        self.firewall = firewall
        self.classes_ = np.asarray(firewall.model_.classes)

    def __repr__(self) -> str:
        what = ", ".join(f"{route}: {action}" for route, action in self.actions.items())
        return f"<Guard of {self.firewall.about_['model']['name']!r}, {what}>"

    def predict(self, X: Any) -> Array:
        """Return one answer per row, shape (n,); see the class for what does not pass. Raises Blocked where an action says so."""
        verdicts = self.screen(X)
        answers = objects(map(plain, verdicts.prediction))  # a repair's answer is plain Python, a model's may be of NumPy
        for i in np.flatnonzero(verdicts.route != "pass"):
            answers[i] = self._answer(verdicts, int(i))
        return _tidy(answers, numbers=not len(self.classes_))

    def predict_proba(self, X: Any) -> Floats:
        """Return class probabilities, shape (n, k): those of the model, of the repaired row, or NaN."""
        verdicts = self.screen(X)
        if verdicts.proba is None:
            raise CamelopardError("this model gives no probabilities; use predict.")
        table = verdicts.proba.copy()
        for i in np.flatnonzero(verdicts.route != "pass"):
            action = self.actions[verdicts.route[i]]
            repair = verdicts.repair(int(i)) if action == "repaired" else None
            if repair is not None and repair.proba is not None:
                table[i] = repair.proba
            elif action == "missing":
                table[i] = np.nan
        return table

    def screen(self, X: Any) -> Verdicts:
        """Return the verdicts, after raising Blocked where an action says so."""
        verdicts = self.firewall.screen(X)
        stopped = [i for i in range(len(verdicts)) if self.actions.get(verdicts.route[i]) == "raise"]
        if stopped:
            why = verdicts.reasons(stopped[0])
            first = why[0].message if why else "its risk is too high"
            raise Blocked(f"{len(stopped)} of {len(verdicts)} rows are stopped, the first at position {stopped[0]}: {first}.", verdicts, stopped)
        return verdicts

    def _answer(self, verdicts: Verdicts, i: int) -> Any:
        action = self.actions[verdicts.route[i]]
        if action == "missing":
            return None
        repair = verdicts.repair(i) if action == "repaired" else None
        return verdicts.prediction[i] if repair is None else repair.prediction


def _tidy(answers: Array, numbers: bool) -> Array:
    if numbers:
        return np.array([np.nan if a is None else float(a) for a in answers])
    kinds = {type(a) for a in answers}
    return np.array(answers.tolist()) if len(kinds) == 1 and type(None) not in kinds else objects(answers)
