"""Four kinds of model, each weak and strong, as most people would write them: texts in numbers read as gaps, gaps filled, categories
one-hot, numbers scaled where that matters."""

from __future__ import annotations

from typing import Any

import pandas as pd

from bench.fooled.data import Table

KINDS = ("lightgbm", "logistic", "forest", "mlp")


def train(kind: str, strong: bool, table: Table, seed: int) -> Any:
    """Return a fitted model of a data set."""
    X = table.train.X
    words = [c for c in X.columns if not pd.api.types.is_numeric_dtype(X[c])]
    numbers = [c for c in X.columns if c not in words]
    return _pipeline(kind, strong, table.regression, words, numbers, seed).fit(X, table.train.y)


def _pipeline(kind: str, strong: bool, regression: bool, words: list[str], numbers: list[str], seed: int) -> Any:
    from sklearn.compose import make_column_transformer
    from sklearn.impute import SimpleImputer
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, OrdinalEncoder, StandardScaler

    lenient = FunctionTransformer(as_numbers)
    if kind == "lightgbm":
        encode = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1, encoded_missing_value=-2)
        prepare = make_column_transformer((make_pipeline(FunctionTransformer(as_texts), encode), words), (lenient, numbers))
    else:
        scaled = make_pipeline(lenient, SimpleImputer(strategy="median"), StandardScaler())
        prepare = make_column_transformer(
            (make_pipeline(FunctionTransformer(as_texts), OneHotEncoder(handle_unknown="ignore")), words), (scaled, numbers), sparse_threshold=0
        )
    return make_pipeline(prepare, _estimator(kind, strong, regression, seed))


def _estimator(kind: str, strong: bool, regression: bool, seed: int) -> Any:
    from lightgbm import LGBMClassifier, LGBMRegressor
    from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor
    from sklearn.linear_model import LogisticRegression, Ridge
    from sklearn.neural_network import MLPClassifier, MLPRegressor

    if kind == "lightgbm":
        size = {"n_estimators": 150, "num_leaves": 31} if strong else {"n_estimators": 15, "num_leaves": 4}
        return (LGBMRegressor if regression else LGBMClassifier)(**size, random_state=seed, n_jobs=1, verbosity=-1)
    if kind == "forest":
        size = {"n_estimators": 100, "min_samples_leaf": 2} if strong else {"n_estimators": 10, "max_depth": 4}
        return (RandomForestRegressor if regression else RandomForestClassifier)(**size, random_state=seed, n_jobs=1)
    if kind == "mlp":
        layers, rounds = ((64, 32), 60) if strong else ((4,), 8)
        return (MLPRegressor if regression else MLPClassifier)(hidden_layer_sizes=layers, max_iter=rounds, early_stopping=strong, random_state=seed)
    if regression:
        return Ridge(1.0 if strong else 3000.0)
    return LogisticRegression(C=1.0 if strong else 0.0005, max_iter=2000)


def as_numbers(frame: pd.DataFrame) -> pd.DataFrame:
    """Return numbers, NaN where a cell is none."""
    numbers = frame.apply(pd.to_numeric, errors="coerce").astype(float)
    return numbers.where(numbers.abs() < 1e30)


def as_texts(frame: pd.DataFrame) -> pd.DataFrame:
    """Return texts, "" where a cell is missing."""
    return frame.map(lambda v: v if isinstance(v, str) else "" if pd.isna(v) else str(v))
