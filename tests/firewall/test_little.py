"""A fit that learned from next to nothing says so; one that learned something does not."""

from __future__ import annotations

import warnings
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest

import camelopard as cp
from camelopard.firewall.firewall import Firewall
from camelopard.firewall.head import Head
from camelopard.firewall.little import LittleLearnedWarning, little


def rows(n: int, seed: int) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    return pd.DataFrame({f"x{k}": rng.normal(size=n) for k in range(6)})


def weighs(column: str) -> Any:
    """Return a model that looks at one column."""

    def answer(table: pd.DataFrame) -> Any:
        p = 1 / (1 + np.exp(-4 * np.nan_to_num(table[column].to_numpy(dtype=float))))
        return np.column_stack([1 - p, p])

    return cp.wrap(answer, name="model", task="classification", classes=["no", "yes"])


def fitted(n: int, budget: int | None, column: str = "x0") -> Firewall:
    return cp.Firewall(budget=budget, alpha=0.1).fit(weighs(column), rows(n, 1), reference=rows(n, 2))


def test_next_to_no_damaged_rows_are_said_to_teach_next_to_nothing() -> None:
    with pytest.warns(
        LittleLearnedWarning, match=r"hardly knows what fools the model: \d+ damaged rows taught it.*What helps: a larger budget, and more rows"
    ):
        firewall = fitted(120, 1_000)
    found = firewall.describe()["little_learned"]
    assert found["damaged"] < 100
    assert f"Before all: {found['told']}" in firewall.summary()


def test_an_ordinary_fit_has_nothing_to_say() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error", LittleLearnedWarning)
        firewall = fitted(600, 30_000)
    assert "little_learned" not in firewall.describe()
    assert "Before all" not in firewall.summary()


def test_a_model_that_nothing_fools_is_no_cause_to_warn() -> None:
    def stubborn(table: pd.DataFrame) -> Any:
        return np.full((len(table), 2), [0.9, 0.1])

    with warnings.catch_warnings():
        warnings.simplefilter("error", LittleLearnedWarning)
        model = cp.wrap(stubborn, name="stubborn", task="classification", classes=["no", "yes"])
        cp.Firewall(budget=30_000, alpha=0.1).fit(model, rows(600, 1), reference=rows(600, 2))


def measured(auroc: tuple[float, float, float], damaged: int, fooled: int) -> dict[str, Any]:
    """Return what is found of a fit with a line, by what was measured of it, without a budget."""
    figures = {"rows": {"damaged": damaged, "fooled": fooled}, "auroc_fooled": dict(zip(("low", "value", "high"), auroc, strict=True))}
    learned: Any = SimpleNamespace(measured=figures, head=SimpleNamespace(known=Head.of_doubt()))
    lesson: Any = SimpleNamespace(damaged=np.array([True, True, False]), fooled=np.array([True, False, False]))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", LittleLearnedWarning)
        return little(learned, lesson, False)


@pytest.mark.parametrize(
    ("auroc", "damaged", "fooled", "warns"),
    [
        ((0.51, 0.7, 0.9), 64, 20, False),  # surely better than guessing, however few there are
        ((0.49, 0.7, 0.9), 64, 20, True),
        ((0.49, 0.52, 0.55), 6000, 900, True),  # thousands of rows, and nothing learned from them
        ((1.0, 1.0, 1.0), 64, 4, True),  # four rows prove nothing
        ((np.nan, np.nan, np.nan), 64, 0, True),
        ((np.nan, np.nan, np.nan), 300, 0, False),  # a sturdy model
    ],
)
def test_what_is_surely_better_than_guessing_is_not_called_little(auroc: tuple[float, float, float], damaged: int, fooled: int, warns: bool) -> None:
    found = measured(auroc, damaged, fooled)
    assert bool(found) == warns
    if warns:
        assert "2 damaged rows taught it, 1 of which fooled the model" in found["told"] and found["told"].endswith("What helps: more rows.")
        assert ("none of 64 other damaged rows" in found["told"]) == (fooled == 0)
