"""scikit-learn estimators and pipelines, and anything with the same methods."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from camelopard.core.arrays import Floats
from camelopard.core.errors import ModelError
from camelopard.core.records import Task
from camelopard.models.answers import Meaning, Raw, Reader
from camelopard.models.features import Inside, LastLayer, of_network
from camelopard.models.members import Voices, of_forest
from camelopard.models.model import reading
from camelopard.models.native import Eats


class EstimatorAdapter:
    """Asks an estimator once where it gives probabilities: the class is the most probable one; otherwise `predict`, with its scores.

    `members`: how to ask each member of an ensemble, None where the estimator is none; `features` and `last_layer`: what a network makes of a row.
    """

    def __init__(
        self, estimator: Any, eats: Eats, meaning: Meaning | None, classes: int, width: int | None = None, members: Voices | None = None
    ) -> None:
        self.eats, self.members = eats, members
        network = of_network(estimator)
        self.features: Inside | None = None if network is None else network[0]
        self.last_layer: LastLayer | None = None if network is None else network[1]
        self._estimator, self._meaning, self._classes, self._width = estimator, meaning, classes, width

    def ask(self, table: Any) -> Raw:
        check_width(table, self._width)
        if self._meaning == "proba":
            return Raw(self._estimator.predict_proba(table), "proba")
        values = self._estimator.predict(table)
        scored = self._meaning == "labels" and hasattr(self._estimator, "decision_function")
        return Raw(values, self._meaning, self._scores(table) if scored else None)

    def _scores(self, table: Any) -> Floats:
        scores = np.asarray(self._estimator.decision_function(table), dtype=np.float64)
        return np.column_stack([-scores, scores]) if scores.ndim == 1 and self._classes == 2 else scores


def check_width(table: Any, width: int | None) -> None:
    """Raise ValueError where a table has not as many columns as the model was fitted on; None: the model finds out by itself.

    LightGBM would print the error beside raising it, once per row that is asked alone.
    """
    if width is not None and table.shape[1] != width:
        raise ValueError(f"the table has {table.shape[1]} features, but the model was fitted on {width}")


def of_estimator(
    estimator: Any,
    task: Task | None,
    classes: Sequence[Any] | None,
    features: tuple[str, ...] | None,
    *,
    booster: Eats | None = None,
    width: int | None = None,
) -> tuple[EstimatorAdapter, Reader]:
    """Return how to ask an estimator, and what its answers mean.

    `booster`: what it eats, and `width`: how many columns it insists on, where the caller knows better.

    Raises
    ------
    ModelError
        If it is not fitted, or answers more than one question at once.
    """
    with reading(f"this {type(estimator).__name__}"):
        own = _classes(estimator)
        found = task or ("classification" if own is not None or classes is not None else _task(estimator))
    if found == "classification" and own is None and _task(estimator) == "classification" and not hasattr(estimator, "classes_"):
        raise ModelError(f"this {type(estimator).__name__} has no classes_: it is not fitted. Call fit before wrap.")
    if found == "regression":
        own = None
    meaning: Meaning | None = None
    if found == "regression":
        meaning = "numbers"
    elif found == "classification":
        meaning = "proba" if own is not None and hasattr(estimator, "predict_proba") else "labels"
    eats = booster or _eats(estimator, features)
    with reading(f"this {type(estimator).__name__}"):
        members = of_forest(estimator, len(own or ()))
    return EstimatorAdapter(estimator, eats, meaning, len(own or ()), width, members), Reader(found, own, classes)


def _classes(estimator: Any) -> list[Any] | None:
    found = getattr(estimator, "classes_", None)
    if found is None:
        return None
    if isinstance(found, list) and found and isinstance(found[0], np.ndarray):
        raise ModelError(f"this {type(estimator).__name__} answers {len(found)} questions at once; wrap one model per question.")
    labels = np.asarray(found).tolist()
    return labels if labels and not isinstance(labels[0], list) else None


def _task(estimator: Any) -> Task | None:
    """Return the task that the estimator declares, None where it declares none (a clusterer, a class with `predict` alone)."""
    if not hasattr(estimator, "__sklearn_tags__") and not hasattr(estimator, "_estimator_type"):
        return None
    import sklearn.base

    if sklearn.base.is_classifier(estimator):
        return "classification"
    return "regression" if sklearn.base.is_regressor(estimator) else None


def _eats(estimator: Any, features: tuple[str, ...] | None) -> Eats:
    names = getattr(estimator, "feature_names_in_", None)
    if names is not None:
        return Eats(tuple(str(name) for name in names), ("pandas", "polars", "numpy"))
    if getattr(estimator, "n_features_in_", None) is not None:  # fitted, and not on names
        return Eats(features, ("numpy",))
    if _reads_texts(estimator):  # given a table with a column of texts, it would read the column's name
        return Eats(features, ("texts",))
    return Eats(features, ("pandas", "polars", "numpy", "texts"))


def _reads_texts(estimator: Any) -> bool:
    """Return whether an estimator, or the first step of a pipeline, is one of scikit-learn's readers of texts."""
    while getattr(estimator, "steps", None):
        estimator = estimator.steps[0][1]
    return hasattr(estimator, "build_analyzer") and hasattr(estimator, "build_tokenizer")
