"""What the compiled kernel saves: one row and many, screened for an instant model, and boosting; with it and without, in turns, in one process.

`python -m bench.one_row` fits on Adult first (a minute); `python -m bench.one_row FIREWALL` loads one that was fitted there.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from types import ModuleType
from typing import Any

import numpy as np

from bench.machine import median, where
from camelopard.core import kernel
from camelopard.core.batch import Batch
from camelopard.core.records import Prediction
from camelopard.demo.data import Adult, adult, income_model
from camelopard.firewall.boosting import boosted
from camelopard.firewall.firewall import Firewall
from camelopard.models.wrap import wrap

TURNS = 9
CLASSES = ("<=50K", ">50K")


class Instant:
    """A model that says the same about every row, in no time: what is measured is the firewall alone."""

    name, task, classes, asked = "instant", "classification", CLASSES, 0

    def session(self, budget: int | None = None, *, thrifty: bool = False) -> Instant:
        return self

    def predict(self, X: Batch) -> Prediction:
        n = len(X)
        return Prediction(np.full(n, CLASSES[0], dtype=object), np.tile([0.8, 0.2], (n, 1)), None, np.full(n, None, dtype=object), CLASSES)


def in_turns(work: Callable[[], Any], both: dict[str, ModuleType | None], turns: int = TURNS) -> dict[str, list[Any]]:
    """Return what the work returns, with the kernel and without, again and again in turns, so that a busy machine is busy for both."""
    found: dict[str, list[Any]] = {name: [] for name in both}
    before = kernel.compiled
    try:
        for _ in range(turns):
            for name, compiled in both.items():
                kernel.compiled = compiled  # type: ignore[assignment]
                found[name].append(work())
    finally:
        kernel.compiled = before
    return found


def fitted(data: Adult) -> Firewall:
    if len(sys.argv) > 1:
        return Firewall.load(sys.argv[1])
    return Firewall(alpha=0.01, seed=0).fit(wrap(income_model(data), name="income"), data.held, data.held_labels, reference=data.train)


def used(work: Callable[[], Any]) -> float:
    start = time.process_time()
    work()
    return time.process_time() - start


def table() -> tuple[Any, ...]:
    """Return 12,000 rows of 40 columns, as boosting gets them: numbers, small counts, and columns that are mostly zero."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(12_000, 40))
    x[:, 20:30] = rng.integers(0, 4, size=(12_000, 10))
    x[:, 30:] = np.where(rng.random((12_000, 10)) < 0.9, 0.0, x[:, 30:])
    event = rng.random(12_000) < 1 / (1 + np.exp(1 - x[:, 0] * x[:, 1] - x[:, 20]))
    return x, event, np.ones(12_000), np.arange(40) % 8 == 0


def main() -> None:
    compiled = kernel.found(None)
    if compiled is None:
        print("There is no compiled kernel here: what is measured is NumPy alone.", file=sys.stderr)
    both = {"numpy": None} if compiled is None else {"kernel": compiled, "numpy": None}
    data = adult()
    firewall = fitted(data)
    firewall.model_ = Instant()  # type: ignore[assignment]
    rows = [{k: (None if v != v else v) for k, v in row.items()} for row in data.test.head(300).to_dict("records")]

    def singles() -> list[float]:
        times = []
        for row in rows:
            start = time.perf_counter()
            firewall.screen(row)
            times.append((time.perf_counter() - start) * 1e6)
        return times

    single = in_turns(singles, both)
    many = in_turns(lambda: used(lambda: firewall.screen(data.test)), both)
    x, event, weight, rising = table()
    boosting = in_turns(lambda: used(lambda: boosted(x, event, weight, rising, np.random.default_rng(0), trees=64, depth=6)), both, 5)
    found = {
        name: {
            "one_row_us": round(median([median(turn) for turn in single[name]]), 1),
            "one_row_p99_us": round(median([sorted(turn)[int(0.99 * len(turn))] for turn in single[name]]), 1),
            "rows_per_cpu_second": round(len(data.test) / median(many[name])),
            "boosting_seconds": round(median(boosting[name]), 3),
        }
        for name in both
    }
    print(json.dumps({"machine": where(), **found}))


if __name__ == "__main__":
    main()
