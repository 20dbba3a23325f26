"""XGBoost: native boosters, and the estimators around them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from camelopard.core.arrays import Floats
from camelopard.core.errors import ModelError, require
from camelopard.core.records import Task
from camelopard.models.answers import Meaning, Raw, Reader
from camelopard.models.model import reading
from camelopard.models.native import Eats
from camelopard.models.scikit import EstimatorAdapter, of_estimator

MARGINS = ("binary:logitraw", "multi:softmax")  # asked for raw scores, which become probabilities: one call gives class and probability


class BoosterAdapter:
    """Asks a native booster, which wants its own matrix, for probabilities or numbers."""

    def __init__(self, booster: Any, eats: Eats, meaning: Meaning, objective: str) -> None:
        self.eats = eats
        self._booster, self._meaning, self._objective = booster, meaning, objective

    def ask(self, table: Any) -> Raw:
        import xgboost

        matrix = xgboost.DMatrix(table, enable_categorical=True)
        if self._meaning == "numbers" or self._objective not in MARGINS:
            return Raw(self._booster.predict(matrix), self._meaning)
        margins = np.asarray(self._booster.predict(matrix, output_margin=True), dtype=np.float64)
        if margins.ndim == 1:
            margins = np.column_stack([np.zeros_like(margins), margins])
        return Raw(_softmax(margins), "proba")


def of_booster(booster: Any, task: Task | None, classes: Sequence[Any] | None, features: tuple[str, ...] | None) -> tuple[BoosterAdapter, Reader]:
    """Return how to ask a native booster, and what its answers mean: read from its objective."""
    with reading("this XGBoost booster"):
        learner = json.loads(booster.save_config())["learner"]
        objective = str(learner["objective"]["name"])
        k = int(learner["learner_model_param"].get("num_class", "0"))
        found = eats(booster, features)
    meaning: Meaning = "numbers"
    own: list[int] | None = None
    if task != "regression" and objective.startswith("multi:"):
        meaning, own = "proba", list(range(k))
    elif task != "regression" and objective.startswith("binary:"):
        meaning, own = "labels" if objective == "binary:hinge" else "positive", [0, 1]
    elif task == "classification" or classes is not None:
        if objective != "reg:logistic":
            raise ModelError(
                f"task='classification', but this XGBoost booster was trained with the objective {objective!r}, which gives numbers. "
                "Wrap a function that turns them into classes or probabilities."
            )
        meaning, own = "positive", [0, 1]
    return BoosterAdapter(booster, found, meaning, objective), Reader("regression" if own is None else "classification", own, classes)


def of_face(model: Any, task: Task | None, classes: Sequence[Any] | None, features: tuple[str, ...] | None) -> tuple[EstimatorAdapter, Reader]:
    """Return how to ask XGBClassifier, XGBRegressor, XGBRanker and their forests."""
    with reading(f"this {type(model).__name__}"):
        booster = model.get_booster()
        found: Task = task or ("classification" if hasattr(model, "predict_proba") else "regression")
    return of_estimator(model, found, classes, features, booster=eats(booster, features))


def eats(booster: Any, features: tuple[str, ...] | None = None) -> Eats:
    """Return what a booster eats: its columns in order, which of them are categories, and the categories it was trained on.

    Raises
    ------
    ModelError
        If this version of XGBoost (before 3.1) keeps no categories and no reference names them: codes would be mistaken for each other.
    """
    names, types = booster.feature_names, booster.feature_types
    if names is None:
        return Eats(features, ("numpy",))
    categorical = [name for name, kind in zip(names, types or (), strict=False) if kind == "c"]
    fixed: dict[str, tuple[Any, ...]] = {}
    if categorical and hasattr(booster, "get_categories"):
        fixed = {name: tuple(values.to_pylist()) for name, values in booster.get_categories(export_to_arrow=True).to_arrow() if values is not None}
    elif categorical and features is None:
        raise ModelError(
            "this version of XGBoost does not keep the categories of its columns. Pass reference=, a table with the category columns it was fitted "
            "on, or use XGBoost 3.1 or newer."
        )
    return Eats(
        tuple(names),
        ("pandas", "numpy"),
        types=dict.fromkeys(categorical, "category"),
        categories=fixed,
        defaults=dict.fromkeys(names, "float64"),
    )


def _softmax(margins: Floats) -> Floats:
    shifted = np.exp(margins - margins.max(axis=1, keepdims=True))
    return np.asarray(shifted / shifted.sum(axis=1, keepdims=True))


def load(path: Path) -> Any:
    """Return the booster of an XGBoost model file. Raises ModelError for a file that is none."""
    xgboost = require("xgboost", extra="xgboost")
    with reading(f"{path} as an XGBoost model file"):
        booster = xgboost.Booster()
        booster.load_model(path)
        return booster
