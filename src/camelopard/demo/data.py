"""The data and the models of the demos: Adult and film reviews, shipped with their attribution, and the digits that come with scikit-learn."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.resources import as_file, files
from typing import Any

import numpy as np

from camelopard.core.arrays import Array

TARGET = "income"
KNOWN_DIGITS = 8  # 0 to 7: the classes that the model of digits is trained on
TRAINED, HELD = 3_000, 2_000  # of the reviews; the rest are the test rows
BRIGHTEST = 16  # value of the brightest pixel in scikit-learn's pictures
CHALK, BOARD = np.array([230.0, 70.0, 50.0]), np.array([10.0, 20.0, 70.0])  # red, green, blue
SHARES = (0.4, 0.75)  # of the known digits: up to the first the model is trained on, up to the second held out


@dataclass(frozen=True)
class Adult:
    """Pandas tables: the half of the training rows that the model is trained on, the other half, and the test rows; with their labels."""

    train: Any
    train_labels: Any
    held: Any
    held_labels: Any
    test: Any
    test_labels: Any


@dataclass(frozen=True)
class Reviews:
    """Sentences of reviews, and whether each is "good" or "bad": those that the model is trained on, held-out and test ones."""

    train: list[str]
    train_labels: list[str]
    held: list[str]
    held_labels: list[str]
    test: list[str]
    test_labels: list[str]


@dataclass(frozen=True)
class Digits:
    """Coloured pictures of bytes, shape (n, 8, 8, 3), and the digits on them; `strange` are of two digits that the model never saw."""

    train: Array
    train_labels: Array
    held: Array
    held_labels: Array
    test: Array
    test_labels: Array
    strange: Array
    strange_labels: Array


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


def reviews() -> Reviews:
    """Return the reviews in the order in which they are shipped, which is random, cut in three."""
    import pandas as pd

    with as_file(files("camelopard.demo") / "reviews.parquet") as path:
        table = pd.read_parquet(path)
    texts = [str(text) for text in table["text"]]
    labels = ["good" if rating > 0 else "bad" for rating in table["sentiment"]]
    held = TRAINED + HELD
    return Reviews(texts[:TRAINED], labels[:TRAINED], texts[TRAINED:held], labels[TRAINED:held], texts[held:], labels[held:])


def review_model(data: Reviews) -> Any:
    """Return a logistic regression on the words of a text, trained as most people would."""
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline

    return make_pipeline(TfidfVectorizer(min_df=2, ngram_range=(1, 2)), LogisticRegression(C=3.0)).fit(data.train, data.train_labels)


def digits() -> Digits:
    """Return scikit-learn's digits as red chalk on a blue board: 0 to 7 in three parts drawn at random, always the same, and all 8 and 9.

    No model is trained on an 8 or a 9.
    """
    from sklearn.datasets import load_digits

    found = load_digits()
    known = np.random.default_rng(0).permutation(np.flatnonzero(found.target < KNOWN_DIGITS))
    train, held, test = np.split(known, [int(share * len(known)) for share in SHARES])
    strange = np.flatnonzero(found.target >= KNOWN_DIGITS)
    chalk = found.images[..., None] / BRIGHTEST
    coloured = np.round(chalk * CHALK + (1 - chalk) * BOARD).astype(np.uint8)
    parts = [(coloured[rows], found.target[rows]) for rows in (train, held, test, strange)]
    return Digits(*parts[0], *parts[1], *parts[2], *parts[3])


def digit_model(data: Digits) -> Any:
    """Return a small neural network that reads digits, trained as most people would."""
    from sklearn.neural_network import MLPClassifier
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import FunctionTransformer

    model = make_pipeline(FunctionTransformer(_from_0_to_1), MLPClassifier((64,), max_iter=400, random_state=0))
    return model.fit(data.train.reshape(len(data.train), -1), data.train_labels)


def _from_0_to_1(pixels: Array) -> Array:
    return pixels / 255
