"""What do confidence, its promises and its estimates add to the time and the memory of `fit` on Adult? One fit with them, or without.

`python -m bench.added with` or `without`: prints CPU seconds and peak memory as JSON. Without them a firewall has one head of errors, learned from the rows that teach, and one map.
"""

from __future__ import annotations

import json
import sys
import warnings
from typing import Any

import numpy as np

import camelopard as cp
from bench.fooled import models
from bench.fooled.data import load
from bench.machine import cpu, peak_mb
from camelopard.firewall import learn, material
from camelopard.firewall.head import Head
from camelopard.firewall.learned import confidence_columns


def bare() -> None:
    """Take away what was added."""

    def learn_confidence(panel: Any, given: Any, risk: Any, rng: Any) -> learn.Sure:
        lesson, check = given.lesson, given.check
        head = Head.of_errors(lesson.table, ~given.taught, lesson.weight, rng)
        words = confidence_columns(check.answer, head.score(check.table), None, panel.task)
        line = learn.Logistic.fit(words, given.right, check.weight)
        return learn.Sure(line.probability(words), head, line)

    learn.learn_confidence = learn_confidence
    learn.learn_estimator = lambda *_: None  # type: ignore[assignment]
    learn.repairs = lambda *_: {}  # type: ignore[assignment]
    material.repaired_answers = lambda found, *_: np.full(len(found.answer), None, dtype=object)  # type: ignore[assignment]


def main() -> None:
    if sys.argv[1] == "without":
        bare()
    table = load("adult", 0)
    model = cp.wrap(models.train("lightgbm", True, table, 0), name="income")
    before = peak_mb()
    start = cpu()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        cp.Firewall().fit(model, table.held.X, table.held.y, reference=table.train.X)
    print(json.dumps({"cpu": cpu() - start, "before_mb": before, "peak_mb": peak_mb()}))


if __name__ == "__main__":
    main()
