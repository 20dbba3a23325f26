"""Four kinds of model, each weak and strong, made as most people would: texts in numbers read as gaps, gaps filled, categories one-hot, numbers
scaled where that matters. What takes the table apart is quicker than what most people use, since a benchmark asks often and about few rows."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from lightgbm import LGBMClassifier, LGBMRegressor
from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils import check_array

from bench.fooled.data import Table
from camelopard.core.arrays import Floats

KINDS = ("lightgbm", "logistic", "forest", "mlp")


def train(kind: str, strong: bool, table: Table, seed: int) -> Any:
    """Return a fitted model of a data set."""
    X = table.train.X
    words = [c for c in X.columns if not pd.api.types.is_numeric_dtype(X[c])]
    numbers = [c for c in X.columns if c not in words]
    return _pipeline(kind, strong, table.regression, words, numbers, seed).fit(X, table.train.y)


def _pipeline(kind: str, strong: bool, regression: bool, words: list[str], numbers: list[str], seed: int) -> Any:
    return make_pipeline(Encoder(words, numbers, places=kind == "lightgbm"), _estimator(kind, strong, regression, seed))


def _estimator(kind: str, strong: bool, regression: bool, seed: int) -> Any:
    if kind == "lightgbm":
        size = {"n_estimators": 150, "num_leaves": 31} if strong else {"n_estimators": 15, "num_leaves": 4}
        return (LGBMRegressor if regression else LGBMClassifier)(**size, random_state=seed, n_jobs=1, verbosity=-1)
    if kind == "forest":
        size = {"n_estimators": 100, "min_samples_leaf": 2} if strong else {"n_estimators": 10, "max_depth": 4}
        return (OneByOneRegressor if regression else OneByOneClassifier)(**size, random_state=seed, n_jobs=1)
    if kind == "mlp":
        layers, rounds = ((64, 32), 60) if strong else ((4,), 8)
        return (MLPRegressor if regression else MLPClassifier)(hidden_layer_sizes=layers, max_iter=rounds, early_stopping=strong, random_state=seed)
    if regression:
        return Ridge(1.0 if strong else 3000.0)
    return LogisticRegression(C=1.0 if strong else 0.0005, max_iter=2000)


class OneByOneClassifier(RandomForestClassifier):
    """scikit-learn's forest, which asks its trees one after the other, without a pool of workers: the same answers, sooner for few rows."""

    def predict_proba(self, X: Floats) -> Floats:
        return _mean([tree.tree_ for tree in self.estimators_], X)


class OneByOneRegressor(RandomForestRegressor):
    """The same for numbers."""

    def predict(self, X: Floats) -> Floats:
        return _mean([tree.tree_ for tree in self.estimators_], X)[:, 0]


def _mean(trees: list[Any], X: Floats) -> Floats:
    cells = check_array(X, dtype=np.float32)
    total = np.zeros((len(cells), trees[0].value.shape[2]))
    for tree in trees:
        total += tree.predict(cells).reshape(total.shape)
    return total / len(trees)


class Encoder:
    """Makes a matrix of a table, as scikit-learn's encoders and scalers in a column transformer would, at a tenth of the time per call.

    Most tables that stress testing asks about have few rows, and what a model's own plumbing takes is not what is measured here.

    `places`: categories become their places and numbers stay as they are, for trees that know both; otherwise categories become columns of zeros
    and ones, and numbers are filled with their medians and scaled.
    """

    def __init__(self, words: list[str], numbers: list[str], places: bool) -> None:
        self.words, self.numbers, self.places = words, numbers, places

    def fit(self, X: pd.DataFrame, y: object = None) -> Encoder:
        self.feature_names_in_ = np.array(X.columns, dtype=object)
        self.categories_ = {name: {word: k for k, word in enumerate(sorted(set(as_texts(X[name]))))} for name in self.words}
        if not self.places:
            found = self._numbers(X)
            filler = SimpleImputer(strategy="median").fit(found)
            scaler = StandardScaler().fit(filler.transform(found))
            self.median_, self.mean_, self.scale_ = filler.statistics_, scaler.mean_, scaler.scale_
        return self

    def transform(self, X: pd.DataFrame) -> Floats:
        """Return the matrix; a word that training had not is -1 or nothing but zeros."""
        numbers = self._numbers(X)
        place = {name: np.array([known.get(word, -1) for word in as_texts(X[name])], dtype=np.int64) for name, known in self.categories_.items()}
        if self.places:
            return np.column_stack([*place.values(), numbers]).astype(np.float64)
        shown = [place[name][:, None] == np.arange(len(known)) for name, known in self.categories_.items()]
        scaled = (np.where(np.isnan(numbers), self.median_, numbers) - self.mean_) / self.scale_
        return np.hstack([*shown, scaled])

    def _numbers(self, X: pd.DataFrame) -> Floats:
        found = np.empty((len(self.numbers), len(X))).T
        whole = X if list(X.columns) == self.numbers else X[self.numbers]
        plain = np.array([isinstance(dtype, np.dtype) and dtype.kind in "fi" for dtype in whole.dtypes], dtype=bool)
        if plain.any():
            found[:, plain] = _sane((whole if plain.all() else whole.loc[:, plain]).to_numpy(dtype=np.float64))
        for j in np.flatnonzero(~plain).tolist():
            found[:, j] = as_numbers(whole[self.numbers[j]])
        return found

    def fit_transform(self, X: pd.DataFrame, y: object = None) -> Floats:
        return self.fit(X).transform(X)


def as_numbers(column: pd.Series) -> Floats:
    """Return numbers, NaN where a cell is none or beyond all reason."""
    values = column.to_numpy()
    numbers = np.asarray(values if values.dtype.kind in "fiub" else pd.to_numeric(column, errors="coerce"), dtype=np.float64)
    return _sane(numbers)


def _sane(numbers: Floats) -> Floats:
    return np.where(np.abs(numbers) < 1e30, numbers, np.nan)


def as_texts(column: pd.Series) -> list[str]:
    """Return texts, "" where a cell is missing."""
    return [v if isinstance(v, str) else "" if pd.isna(v) else str(v) for v in column.tolist()]
