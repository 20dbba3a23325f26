"""The data sets, and how one is divided: 40 % train the model, 30 % fit the firewall, 30 % judge."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.resources import as_file, files
from typing import Any

import numpy as np
import pandas as pd

from bench.machine import ROOT
from camelopard.core.arrays import Array

FOLDER = ROOT / "bench" / "data"
TARGETS = {
    "adult": "income",
    "german_credit": "credit_risk",
    "magic": "particle",
    "spambase": "spam",
    "satimage": "soil",
    "protein": "rmsd",
    "breast_cancer": "target",
}
SEEDS = 3  # splits
MOST_ROWS = 12_000  # of the large sets, drawn anew for each seed: 168 models have to be trained
SHARES = (0.4, 0.3)


@dataclass(frozen=True)
class Part:
    """Rows and their labels."""

    X: pd.DataFrame
    y: Array


@dataclass(frozen=True)
class Table:
    """One data set, divided."""

    name: str
    regression: bool
    train: Part
    held: Part
    test: Part


def load(name: str, seed: int) -> Table:
    """Return a data set, divided by a seed; labels of classes are texts."""
    frame = _frame(name)
    target = TARGETS[name]
    regression = name == "protein"
    y: Array = frame[target].to_numpy(dtype=np.float64) if regression else frame[target].astype(str).to_numpy(dtype=object)
    X = frame.drop(columns=[c for c in (target, "split") if c in frame.columns])
    order = np.random.default_rng([seed, 7]).permutation(len(X))[:MOST_ROWS]
    cuts = np.cumsum([round(share * len(order)) for share in SHARES])
    train, held, test = (Part(X.iloc[rows].reset_index(drop=True), y[rows]) for rows in np.split(order, cuts))
    return Table(name, regression, train, held, test)


def _frame(name: str) -> pd.DataFrame:
    if name == "breast_cancer":
        from sklearn.datasets import load_breast_cancer

        found: Any = load_breast_cancer(as_frame=True)
        return found.frame.assign(target=found.frame["target"].map({0: "malignant", 1: "benign"}))
    if name == "adult":
        with as_file(files("camelopard.demo") / "adult.parquet") as path:
            frame = pd.read_parquet(path)
    else:
        frame = pd.read_parquet(FOLDER / f"{name}.parquet")
    texts = [c for c in frame.columns if not pd.api.types.is_numeric_dtype(frame[c])]
    return frame.astype(dict.fromkeys(texts, object)).where(frame.notna(), None) if texts else frame
