"""The data and the model of the demo: Adult, shipped with its attribution in adult.md, and a LightGBM trained on half of its training rows."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.resources import as_file, files
from typing import Any

TARGET = "income"


@dataclass(frozen=True)
class Adult:
    """Pandas tables: the half of the training rows that the model is trained on, the other half, and the test rows; with their labels."""

    train: Any
    train_labels: Any
    held: Any
    held_labels: Any
    test: Any
    test_labels: Any


def adult() -> Adult:
    """Return Adult, divided as the benchmark divides it: the official training rows in two halves, the official test rows."""
    import pandas as pd

    with as_file(files("camelopard.demo") / "adult.parquet") as path:
        table = pd.read_parquet(path)
    categories = [name for name in table.columns if not pd.api.types.is_numeric_dtype(table[name]) and name not in (TARGET, "split")]
    official = table["split"] == "train"
    features = table.drop(columns=["split", TARGET]).astype(dict.fromkeys(categories, "category"))
    labels = table[TARGET].astype(str)
    order = official[official].index
    first, second = order[: len(order) // 2], order[len(order) // 2 :]
    test = official[~official].index

    def part(rows: Any) -> tuple[Any, Any]:
        return features.loc[rows].reset_index(drop=True), labels.loc[rows].to_numpy(dtype=object)

    return Adult(*part(first), *part(second), *part(test))


def income_model(data: Adult) -> Any:
    """Return a LightGBM classifier of income, trained as most people would."""
    from lightgbm import LGBMClassifier

    return LGBMClassifier(n_estimators=100, learning_rate=0.1, num_leaves=31, random_state=0, n_jobs=2, verbosity=-1).fit(
        data.train, data.train_labels
    )
