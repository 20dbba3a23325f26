"""LightGBM: native boosters, and the estimators around them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from camelopard.core.errors import ModelError
from camelopard.core.records import Task
from camelopard.models.answers import Meaning, Raw, Reader
from camelopard.models.model import reading
from camelopard.models.native import Eats
from camelopard.models.scikit import EstimatorAdapter, check_width, of_estimator


class BoosterAdapter:
    """Asks a native booster for probabilities or numbers."""

    def __init__(self, booster: Any, eats: Eats, meaning: Meaning, normalised: bool) -> None:
        self.eats = eats
        self._booster, self._meaning, self._normalised = booster, meaning, normalised
        self._width = booster.num_feature()

    def ask(self, table: Any) -> Raw:
        check_width(table, self._width)
        values = np.asarray(self._booster.predict(table), dtype=np.float64)
        return Raw(values if self._normalised or values.ndim != 2 else values / values.sum(axis=1, keepdims=True), self._meaning)


def of_booster(booster: Any, task: Task | None, classes: Sequence[Any] | None, features: tuple[str, ...] | None) -> tuple[BoosterAdapter, Reader]:
    """Return how to ask a native booster, and what its answers mean: read from its objective.

    A one-versus-all booster gives every class a probability of its own; they are divided by their sum.
    """
    with reading("this LightGBM booster"):
        head = _head(booster)
    objective = head.get("objective", "custom").split()[0]
    meaning = _meaning(objective, task or ("classification" if classes is not None else None))
    own: list[Any] | None = None
    if meaning == "positive":
        own = [0, 1]
    elif meaning == "proba":
        own = list(range(int(head["num_class"])))
    reader = Reader("regression" if meaning == "numbers" else "classification", own, classes)
    return BoosterAdapter(booster, eats(booster, features), meaning, objective != "multiclassova"), reader


def of_face(model: Any, task: Task | None, classes: Sequence[Any] | None, features: tuple[str, ...] | None) -> tuple[EstimatorAdapter, Reader]:
    """Return how to ask LGBMClassifier, LGBMRegressor or LGBMRanker."""
    with reading(f"this {type(model).__name__}"):
        booster = model.booster_
    return of_estimator(model, task or _face_task(model), classes, features, booster=eats(booster, features), width=booster.num_feature())


def eats(booster: Any, features: tuple[str, ...] | None = None) -> Eats:
    """Return what a booster eats: its columns in order, with the categories it was trained on."""
    with reading("this LightGBM booster"):
        names = tuple(booster.feature_name())
        fixed = getattr(booster, "pandas_categorical", None) or []
        infos = _head(booster).get("feature_infos", "").split()
    if all(re.fullmatch(r"Column_\d+", name) for name in names):
        return Eats(features, ("numpy",))
    categorical = _categorical(booster, names, infos, len(fixed))
    return Eats(
        names,
        ("pandas", "numpy"),
        types=dict.fromkeys(categorical, "category"),
        categories={name: tuple(values) for name, values in zip(categorical, fixed, strict=True)},
        defaults=dict.fromkeys(names, "float64"),
        underscored=True,
    )


def _meaning(objective: str, task: Task | None) -> Meaning:
    if objective in ("binary", "cross_entropy"):
        if task == "regression":
            return "numbers"
        return "positive"
    if objective in ("multiclass", "multiclassova"):
        if task == "regression":
            raise ModelError("task='regression', but this LightGBM booster was trained to tell classes apart. Leave out task=.")
        return "proba"
    if objective in ("custom", "none", "null", "na") and task is None:
        raise ModelError("this LightGBM booster has an objective of its own, so its answers could mean anything. Pass task='regression' to wrap.")
    if task == "classification":
        raise ModelError(
            f"task='classification', but this LightGBM booster was trained with the objective {objective!r}, which gives numbers. "
            "Wrap a function that turns them into classes or probabilities."
        )
    return "numbers"


def _face_task(model: Any) -> Task | None:
    return None if hasattr(model, "classes_") else "regression"


def _head(booster: Any) -> dict[str, str]:
    """Return the head of the model's text form: objective, num_class, feature_infos, and the trained parameters it ends with."""
    text = booster.model_to_string(num_iteration=1)
    return dict(line.split("=", 1) for line in text.split("\nTree=")[0].splitlines() if "=" in line)


def _categorical(booster: Any, names: tuple[str, ...], infos: list[str], n: int) -> list[str]:
    """Return the columns whose pandas categories the booster holds, in order."""
    if not n:
        return []
    trained = re.search(r"\[categorical_feature: ([\d,]+)\]", booster.model_to_string(num_iteration=1))
    places = [int(i) for i in trained.group(1).split(",")] if trained else []
    if len(places) != n:
        places = [i for i, info in enumerate(infos) if not info.startswith("[") and info != "none"]
    if len(places) != n:
        raise ModelError(
            f"this LightGBM booster holds categories for {n} columns, but not for which ones. Wrap a function that builds its DataFrame instead."
        )
    return [names[i] for i in sorted(places)]


def load(path: Path) -> Any:
    """Return the booster of a LightGBM model file. Raises ModelError for a file that is none."""
    import lightgbm

    with reading(f"{path} as a LightGBM model file"):
        return lightgbm.Booster(model_file=str(path))
