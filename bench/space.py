"""Evidence in the model's feature space: what it costs beside a plain search for neighbours, and what it sees of classes the model never knew.

`python -m bench.space` prints both, and what it costs once more as JSON. Times are of one thread: set OMP_NUM_THREADS=1. The pictures are scikit-learn's digits: a small network learns 0–7,
and 8 and 9 are new to it. The last line learns to tell clean pictures from noisy, blurred, shifted and inverted ones, never from 8 or 9.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable

import numpy as np
from scipy.ndimage import gaussian_filter, shift
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from bench.machine import where
from camelopard.confidence.quality import auroc
from camelopard.core.arrays import Array, Floats, Ints
from camelopard.core.records import Prediction
from camelopard.evidence.space import Space

ROWS, WIDTH, CLASSES, ASKED = 5_000, 512, 10, 500
SEEDS = 5
ALONE, TOGETHER = "all numbers, one row at a time, ms", "all numbers, 16 rows, ms a row"
SEARCH = "nearest row alone by differences, doubles, ms"
KNOWN, NOVEL = "confidence alone", "a logistic regression over all"


def main() -> None:
    print(where())
    costs = cost()
    for name, (best, middle) in costs.items():
        print(f"{name:<56} {best:.3f} at best, {middle:.3f} in the middle")
    print(f"\nAUROC, 8 and 9 against rightly classified test rows of 0–7: mean of {SEEDS} seeds (least–largest)")
    runs = [seen(seed) for seed in range(SEEDS)]
    for name in runs[0]:
        values = [run[name] for run in runs]
        print(f"{name:<56} {np.mean(values):.3f} ({min(values):.3f}–{max(values):.3f})")
    print(json.dumps(costs))


def cost() -> dict[str, tuple[float, float]]:
    """Return what all numbers of a row cost, one row at a time and in batches, beside a search in double precision: at best and in the middle."""
    rng = np.random.default_rng(0)
    middle, mix = rng.normal(size=(CLASSES, WIDTH)), rng.normal(size=(40, WIDTH)) / 6
    last = np.maximum(middle, 0) / WIDTH * 3, 0.1 * rng.normal(size=CLASSES)

    def rows(n: int) -> Floats:
        noise = rng.normal(size=(n, 40)) @ mix + 0.3 * rng.normal(size=(n, WIDTH))
        return np.maximum(middle[rng.integers(0, CLASSES, n)] + noise, 0.0)

    x, new = rows(ROWS), rows(ASKED)
    answer, asked = says(x @ last[0].T + last[1]), says(new @ last[0].T + last[1])
    start = time.perf_counter()
    space = Space.learn(x, answer, "classification", last, np.arange(ROWS))
    learning = time.perf_counter() - start
    units = x / np.linalg.norm(x, axis=1, keepdims=True)
    alone = [asked.take(slice(i, i + 1)) for i in range(ASKED)]

    def plain(i: int) -> float:
        row = new[i] / np.linalg.norm(new[i])
        return float(np.sqrt(((units - row) ** 2).sum(axis=1)).min())

    def product(i: int) -> float:
        row = new[i] / np.linalg.norm(new[i])
        return float(np.sqrt(max(2.0 - 2.0 * float((units @ row).max()), 0.0)))

    def batch(n: int) -> tuple[float, float]:
        best, middle = each(lambda i: space.measure(new[:n], asked.take(slice(0, n))), 20)
        return best / n, middle / n

    kept = nbytes(space.state()) / 1e6
    return {
        f"learning {ROWS:,} × {WIDTH}, s": (learning, learning),
        "kept, MB": (kept, kept),
        ALONE: each(lambda i: space.measure(new[i : i + 1], alone[i]), ASKED),
        TOGETHER: batch(16),
        "all numbers, 256 rows, ms a row": batch(256),
        SEARCH: each(plain, 50),
        "nearest row alone by one product, doubles, ms": each(product, 200),
    }


def each(work: Callable[[int], object], times: int) -> tuple[float, float]:
    """Return the tenth percentile and the median of how long calls take, in milliseconds."""
    taken = []
    for i in range(times):
        start = time.perf_counter()
        work(i)
        taken.append(1000 * (time.perf_counter() - start))
    return float(np.quantile(taken, 0.1)), float(np.median(taken))


def nbytes(state: object) -> int:
    if isinstance(state, dict):
        return sum(nbytes(value) for value in state.values())
    return state.nbytes if isinstance(state, np.ndarray) else 8


def says(logits: Floats) -> Prediction:
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    k = logits.shape[1]
    return Prediction(logits.argmax(axis=1), powers / powers.sum(axis=1, keepdims=True), classes=tuple(range(k)))


def seen(seed: int) -> dict[str, float]:
    """Return the AUROC of each number, of the model's own confidence, and of all together, for digits that the model never knew."""
    rng = np.random.default_rng(seed)
    pictures, digit = load_digits(return_X_y=True)
    pictures, order = pictures / 16, rng.permutation(len(digit))
    known, new = order[digit[order] < 8], order[digit[order] >= 8]
    train, held, test = np.split(known, [int(0.6 * len(known)), int(0.8 * len(known))])
    model = MLPClassifier((64,), max_iter=400, random_state=seed).fit(pictures[train], digit[train])
    last = model.coefs_[1].T, model.intercepts_[1]

    def looked_at(some: Floats) -> tuple[Floats, Prediction]:
        features = np.maximum(some @ model.coefs_[0] + model.intercepts_[0], 0.0)
        return features, says(features @ last[0].T + last[1])

    space = Space.learn(*looked_at(pictures[train]), "classification", last)
    right = test[model.predict(pictures[test]) == digit[test]]
    features, answer = looked_at(pictures[np.concatenate([right, new])])
    table, strange = space.measure(features, answer), np.arange(len(answer)) >= len(right)
    found = {KNOWN: float(auroc(1 - answer.shares.max(axis=1), strange))}
    found |= {name: float(auroc(table[:, j], strange)) for j, name in enumerate(space.names)}
    clean, bad = (space.measure(*looked_at(some)) for some in (pictures[held], damaged(pictures[held], rng)))
    head = make_pipeline(StandardScaler(), LogisticRegression(C=0.1, max_iter=2000, class_weight="balanced"))
    head.fit(np.vstack([clean, bad]), labels(len(clean), len(bad)))
    found[NOVEL] = float(auroc(head.decision_function(table), strange))
    return found


def damaged(pictures: Floats, rng: np.random.Generator) -> Floats:
    """Return each picture four times: noisy, blurred, shifted, inverted."""
    squares = pictures.reshape(-1, 8, 8)
    noisy = np.clip(squares + 0.35 * rng.normal(size=squares.shape), 0, 1)
    blurred = np.stack([gaussian_filter(square, 1.0) for square in squares])
    moved = np.stack([shift(square, rng.integers(-3, 4, 2)) for square in squares])
    every: Array = np.concatenate([noisy, blurred, moved, 1 - squares])
    return every.reshape(len(every), -1)


def labels(clean: int, bad: int) -> Ints:
    return np.repeat([0, 1], [clean, bad])


if __name__ == "__main__":
    main()
