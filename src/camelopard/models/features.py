"""What a model makes of a row before it decides: the numbers that its last layer works on, where a model has such."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from camelopard.core.arrays import Array, Floats
from camelopard.core.batch import Batch, Form
from camelopard.core.errors import ModelError
from camelopard.models.native import Eats
from camelopard.models.parts import in_parts

Inside = Callable[[Any], Any]  # from a table to features, shape (n, d)
Gradient = Callable[[Array, Sequence[object]], Array]  # from rows and labels to the slope of the loss at each number, shape of the rows
LastLayer = tuple[Floats, Floats]  # weights, shape (k, d), and biases, shape (k,)


@dataclass(frozen=True)
class Features:
    """Reads the features of rows. `last` gives the linear layer that turns them into the scores of the classes, where it is known by then.

    `gradient`: how the loss grows with each number of a row, where the model can say.
    """

    inside: Inside
    eats: Eats
    form: Form | None
    last: Callable[[], LastLayer | None] = lambda: None
    gradient: Gradient | None = None

    def of(self, batch: Batch) -> Floats:
        """Return the features of each row, shape (n, d), NaN for a row on which the model raises.

        Raises
        ------
        ModelError
            If what comes is no table of numbers with a row for each.
        """
        found = [(index, self._read(said, len(index))) for index, said in in_parts(self.inside, batch, self.eats, self.form)]
        widths = {part.shape[1] for _, part in found}
        if len(widths) > 1:
            raise ModelError(f"the number of features changes from row to row ({sorted(widths)}); expected the same ones for every row.")
        whole: Floats = np.full((len(batch), widths.pop() if widths else 0), np.nan)
        for index, part in found:
            whole[index] = part
        return whole

    def _read(self, said: Any, n: int) -> Floats:
        values = np.asarray(said, dtype=np.float64)
        if values.ndim != 2 or len(values) != n:
            raise ModelError(f"features of shape {values.shape} for {n} rows; expected a row of numbers for each.")
        return values


def of_network(estimator: Any) -> tuple[Inside, LastLayer | None] | None:
    """Return how to read the last hidden layer of a scikit-learn network, by itself or at the end of a pipeline; None for any other model."""
    if type(estimator).__module__.split(".")[0] != "sklearn":
        return None
    steps = getattr(estimator, "steps", None)
    if isinstance(steps, list) and len(steps) > 1:
        found = of_network(steps[-1][1])
        return None if found is None else ((lambda table: found[0](estimator[:-1].transform(table))), found[1])
    if type(estimator).__name__ not in ("MLPClassifier", "MLPRegressor") or len(getattr(estimator, "coefs_", ())) < 2:
        return None
    return (lambda table: _hidden(estimator, table)), _last(estimator)


def _hidden(network: Any, table: Any) -> Floats:
    rows = np.asarray(table.to_numpy() if hasattr(table, "to_numpy") else table, dtype=np.float64)
    for weights, biases in zip(network.coefs_[:-1], network.intercepts_[:-1], strict=True):
        rows = ACTIVATIONS[network.activation](rows @ weights + biases)
    return rows


def _last(network: Any) -> LastLayer | None:
    weights, biases = np.asarray(network.coefs_[-1], dtype=np.float64).T, np.asarray(network.intercepts_[-1], dtype=np.float64)
    if not hasattr(network, "classes_"):
        return None
    if len(weights) == 1 and len(network.classes_) == 2:  # one score for the second class against the first
        return np.vstack([-weights / 2, weights / 2]), np.concatenate([-biases / 2, biases / 2])
    return weights, biases


ACTIVATIONS: dict[str, Callable[[Floats], Floats]] = {
    "relu": lambda x: np.maximum(x, 0.0),
    "tanh": np.tanh,
    "logistic": lambda x: 0.5 * (np.tanh(0.5 * x) + 1.0),
    "identity": lambda x: x,
}
