"""CPU milliseconds to measure and to repair a text of at most 50 words and a picture, one at a time and in batches. Best of five."""

from __future__ import annotations

import json
from collections.abc import Callable

import numpy as np
import pandas as pd

from bench.machine import ROOT, cpu, where
from camelopard.core.arrays import Array, objects
from camelopard.modality.image import ImageVectors
from camelopard.modality.text import TextVectors

DATA = ROOT / "bench" / "data"
ROUNDS = 5


def main() -> None:
    found = {"where": where(), "texts": texts(), "pictures 28×28": small_pictures(), "pictures 224×224 RGB": large_pictures()}
    print(json.dumps(found, ensure_ascii=False))


def texts() -> dict[str, float]:
    column = objects(t for t in pd.read_parquet(DATA / "movie_reviews.parquet")["text"].tolist() if len(t.split()) <= 50)
    vectors = TextVectors.learn(column[:5000])
    new = column[5000:6000]
    alone = new.tolist()
    vectors.repairs(alone[0])  # makes the index of known words
    return {
        "one at a time": each(lambda: [vectors.measure(new[i : i + 1]) for i in range(len(new))], len(new)),
        "batch": each(lambda: vectors.measure(new), len(new)),
        "batch, without the nearest": each(lambda: [vectors._numbers(t, len(t)) for t in alone], len(new)),
        "embed": each(lambda: vectors.embed(new), len(new)),
        "repairs": each(lambda: [vectors.repairs(t) for t in alone], len(new)),
        "marks": each(lambda: [vectors.marks(t) for t in alone], len(new)),
    }


def small_pictures() -> dict[str, float]:
    data = np.load(DATA / "fashion_mnist.npz")["x"]
    return pictures(objects(list(data[:2000])), objects(list(data[5000:5500])))


def large_pictures() -> dict[str, float]:
    rng = np.random.default_rng(0)
    waves = np.sin(
        np.arange(224)[:, None, None] * rng.uniform(0.01, 0.3, (60, 1, 1, 3)) + np.arange(224)[:, None] * rng.uniform(0.01, 0.3, (60, 1, 1, 3))
    )
    data = np.clip(128 + 90 * waves + rng.normal(0, 8, waves.shape), 0, 255).astype(np.uint8)
    return pictures(objects(list(data[:40])), objects(list(data[40:])))


def pictures(clean: Array, new: Array) -> dict[str, float]:
    vectors = ImageVectors.learn(clean)
    return {
        "one at a time": each(lambda: [vectors.measure(new[i : i + 1]) for i in range(len(new))], len(new)),
        "batch": each(lambda: vectors.measure(new), len(new)),
        "embed": each(lambda: vectors.embed(new), len(new)),
        "repairs": each(lambda: [vectors.repairs(picture) for picture in new[:20]], len(new[:20])),
    }


def each(work: Callable[[], object], n: int) -> float:
    """Return CPU milliseconds for each of n, of the best round."""
    best = float("inf")
    for _ in range(ROUNDS):
        start = cpu()
        work()
        best = min(best, cpu() - start)
    return round(best / n * 1e3, 4)


if __name__ == "__main__":
    main()
