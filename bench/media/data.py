"""Three data sets and a model for each: digits and a network, clothes and a convolutional network, reviews and a line through words."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from camelopard.core.protocols import Model
from camelopard.models.wrap import wrap

HERE = Path(__file__).resolve().parent.parent / "data"
KNOWN = 8  # classes that the models of pictures were taught; the others are novel
NETWORK = 64  # hidden units of the small network
EPOCHS, RATE, BATCH = 6, 2e-3, 64


@dataclass(frozen=True)
class Part:
    """Rows and their labels."""

    X: Any
    y: np.ndarray[Any, Any]

    def take(self, rows: np.ndarray[Any, Any]) -> Part:
        return Part([self.X[i] for i in rows] if isinstance(self.X, list) else self.X[rows], self.y[rows])


@dataclass(frozen=True)
class Task:
    """A model, the rows it was trained on, the rows a firewall may learn from, those it is judged on, and rows of classes that nobody was taught."""

    name: str
    model: Model
    train: Part
    held: Part
    test: Part
    novel: Part | None


def load(name: str, seed: int) -> Task:
    """Return a task; the seed splits the rows and starts the model."""
    X, y = _read(name)
    rng = np.random.default_rng(seed)
    known = rng.permutation(np.flatnonzero(y < KNOWN) if name != "reviews" else np.arange(len(y)))
    parts = np.split(known, [int(0.4 * len(known)), int(0.7 * len(known))])
    train, held, test = (Part(X, y).take(part) for part in parts)
    novel = None if name == "reviews" else Part(X, y).take(rng.permutation(np.flatnonzero(y >= KNOWN))[: len(parts[2])])
    fit = {"digits": _network, "clothes": _convolutional, "reviews": _words}[name]
    return Task(name, wrap(fit(train, seed), name=name), train, held, test, novel)


def _read(name: str) -> tuple[Any, np.ndarray[Any, Any]]:
    if name == "digits":
        from sklearn.datasets import load_digits

        digits = load_digits()
        return digits.images, digits.target
    if name == "clothes":
        with np.load(HERE / "fashion_mnist.npz") as kept:
            return kept["x"], kept["y"].astype(np.int64)
    import pandas as pd

    table = pd.read_parquet(HERE / "movie_reviews.parquet")
    return table["text"].tolist(), np.where(table["sentiment"] > 0, "positive", "negative").astype(object)


def _network(train: Part, seed: int) -> Any:
    from sklearn.neural_network import MLPClassifier

    return MLPClassifier((NETWORK,), max_iter=400, random_state=seed).fit(train.X.reshape(len(train.X), -1), train.y)


def _words(train: Part, seed: int) -> Any:
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline

    return make_pipeline(TfidfVectorizer(ngram_range=(1, 2), min_df=2), LogisticRegression(C=5.0, max_iter=1000)).fit(train.X, train.y)


def _convolutional(train: Part, seed: int) -> Any:
    import torch
    from torch import nn

    torch.manual_seed(seed)
    net = nn.Sequential(
        nn.Conv2d(1, 16, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(16, 32, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
        nn.Flatten(), nn.Linear(32 * 7 * 7, 128), nn.ReLU(), nn.Linear(128, KNOWN),
    )  # fmt: skip
    x = torch.tensor(train.X[:, None].astype(np.float32) / 255.0)
    y = torch.tensor(train.y)
    optimizer, loss, order = torch.optim.Adam(net.parameters(), lr=RATE), nn.CrossEntropyLoss(), torch.Generator().manual_seed(seed)
    for _ in range(EPOCHS):
        for rows in torch.randperm(len(x), generator=order).split(BATCH):
            optimizer.zero_grad()
            loss(net(x[rows]), y[rows]).backward()
            optimizer.step()
    return net.eval()
