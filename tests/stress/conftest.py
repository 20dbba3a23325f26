"""One small table of people, and models of it that are easy to reason about."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest

import camelopard as cp
from camelopard.core.arrays import Floats
from camelopard.core.protocols import Model

CITIES = ["Bergen", "Cadiz", "Espoo"]
Score = Callable[[pd.DataFrame], Floats]


@pytest.fixture
def people() -> pd.DataFrame:
    """Return 800 people: a whole number, a number with a long tail, a category, a truth value."""
    rng = np.random.default_rng(7)
    n = 800
    return pd.DataFrame(
        {
            "age": rng.integers(18, 91, n),
            "income": np.round(np.exp(rng.normal(10, 0.6, n)), 2),
            "city": rng.choice(CITIES, n, p=[0.5, 0.3, 0.2]).astype(object),
            "member": rng.random(n) < 0.4,
        }
    )


def numbers(table: pd.DataFrame, name: str, low: float, high: float, typical: float) -> Floats:
    """Return a column as numbers; what is absent, no number or not possible becomes the typical value."""
    cells: list[Any] = table[name].tolist() if name in table else [None] * len(table)
    values = np.array([float(v) if type(v) in (int, float) else np.nan for v in cells])
    return np.where((values >= low) & (values <= high), values, typical)


def careful_score(table: pd.DataFrame) -> Floats:
    """Return a score that rests on every column and takes what is impossible for unknown."""
    age = numbers(table, "age", 18, 90, 54)
    income = numbers(table, "income", 3_000, 170_000, 22_000)
    cities = table["city"].tolist() if "city" in table else [None] * len(table)
    effect = {"bergen": 0.0, "cadiz": 1.0, "espoo": -1.0}
    city = np.array([effect.get(" ".join(v.split()).lower() if isinstance(v, str) else "", 0.0) for v in cities])
    members = table["member"].tolist() if "member" in table else [None] * len(table)
    member = np.array([float(v) if isinstance(v, bool) else 0.0 for v in members])
    return np.asarray((age - 54) / 20 + 1.2 * (np.log(income) - 10) / 0.6 + city + member - 0.3)


def classifier(score: Score) -> Model:
    """Return a model that says yes where the score is positive, with a probability."""

    def answers(table: pd.DataFrame) -> Floats:
        p = 1.0 / (1.0 + np.exp(-np.clip(score(table), -30, 30)))
        return np.column_stack([1 - p, p])

    return cp.wrap(answers, name="yes", task="classification", classes=["no", "yes"])


@pytest.fixture
def yes() -> Callable[[Score], Model]:
    """Return the maker of classifiers."""
    return classifier


@pytest.fixture
def careful() -> Model:
    """Return a model that cannot be blamed."""
    return classifier(careful_score)


@pytest.fixture
def score() -> Score:
    """Return the score behind the careful model, for models with a planted fault."""
    return careful_score
