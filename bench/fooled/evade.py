"""How many queries does it take to get past the firewall? The same search for small valid changes, with and without the firewall in front of the model.

An attacker sees the model's answer with its probabilities, and, behind the firewall, that a row was stopped. He wins with a row whose answer is another
one, that is not stopped, and that differs little from what it was: any answer can be had honestly, by a row that deserves it.
`python -m bench.fooled.evade`
"""

from __future__ import annotations

import json
import sys
import warnings
from dataclasses import replace
from typing import Any

import numpy as np

from bench.fooled import models
from bench.fooled.data import load
from bench.machine import RESULTS, into_readme, where
from camelopard.core.arrays import Bools
from camelopard.core.batch import Batch
from camelopard.core.protocols import Session
from camelopard.core.records import Prediction
from camelopard.firewall.firewall import Firewall
from camelopard.models.wrap import wrap
from camelopard.stress.attack import attack
from camelopard.stress.truth import Truth

TABLES, KINDS = ("adult", "magic", "satimage"), ("lightgbm", "logistic")
QUERIES = (50, 200, 800)
ROWS = 40
SMALL = 0.5  # spreads, in all cells together
BUDGET = 100_000
ALPHA = 0.05  # clean alarms allowed: attacks are measured at five in a hundred everywhere
START, END = "<!-- evade: written by `python -m bench.fooled.evade` -->", "<!-- end of evade -->"


class Gated:
    """A session that gives no answer to rows that the firewall stops."""

    def __init__(self, firewall: Firewall, session: Session) -> None:
        self.firewall, self.session = firewall, session

    @property
    def asked(self) -> int:
        return self.session.asked

    def predict(self, batch: Batch) -> Prediction:
        answer = self.session.predict(batch)
        stopped = np.flatnonzero((self.firewall.screen(batch).route != "pass") & ~answer.failed)
        errors = answer.errors.copy()
        errors[stopped] = "stopped"
        proba = None if answer.proba is None else answer.proba.copy()
        if proba is not None:
            proba[stopped] = np.nan
        return replace(answer, proba=proba, errors=errors)


class Passing(Truth):
    """Only another answer counts, not that there is none: a stopped row gains nothing."""

    def fooled(self, before: Prediction, after: Prediction) -> Bools:
        return self.flipped(before, after)


def measure(table: str, kind: str) -> dict[str, Any]:
    """Return the share of rows whose answer a small change moved, and the median change, by queries per row, with and without the firewall."""
    data = load(table, 0)
    model = wrap(models.train(kind, True, data, 0), name=f"{table} {kind}")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        firewall = Firewall(alpha=ALPHA, budget=BUDGET, seed=0).fit(model, data.held.X, data.held.y, reference=data.train.X)
    clean = firewall.schema.conform(Batch.of(data.test.X))
    passing = np.flatnonzero(firewall.screen(clean).route == "pass")
    rows = clean.take(np.sort(np.random.default_rng(0).permutation(passing)[:ROWS]))
    truth = Passing(model.task, 0.0)
    found: dict[str, Any] = {"table": table, "model": kind, "rows": len(rows), "bare": {}, "behind the firewall": {}}
    for queries in QUERIES:
        for name in ("bare", "behind the firewall"):
            session = model.session() if name == "bare" else Gated(firewall, model.session())
            result = attack(session, rows, firewall.schema, truth, np.random.default_rng(1), rows=ROWS, queries_per_row=queries)
            found[name][str(queries)] = {"small": float((result.costs <= SMALL).mean()), "median": float(np.median(result.costs))}
    return found


def markdown(found: list[dict[str, Any]]) -> str:
    """Return the table."""
    heads = [f"{name}, {queries} queries" for queries in QUERIES for name in ("bare", "behind the firewall")]
    lines = [
        f"**What does it take to get past?** Rows whose answer a search of so many queries each moved by a change of at most {SMALL} spreads in all cells "
        f"together, and the median change it took, at {ALPHA:.0%} clean alarms; a stopped row is no success (`python -m bench.fooled.evade`, {where()}; "
        f"{ROWS} test rows each, strong models).",
        "",
        "| data, model | " + " | ".join(heads) + " |",
        "|---" * (len(heads) + 1) + "|",
    ]
    for f in found:
        cells = [
            f"{f[name][str(queries)]['small']:.0%}, {f[name][str(queries)]['median']:.2f}"
            for queries in QUERIES
            for name in ("bare", "behind the firewall")
        ]
        lines.append(f"| {f['table']}, {f['model']} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def main() -> int:
    found = []
    for table in TABLES:
        for kind in KINDS:
            found.append(measure(table, kind))
            print(found[-1], file=sys.stderr, flush=True)
    text = markdown(found)
    print(text)
    (RESULTS / "evade.json").write_text(json.dumps({"where": where(), "found": found}, indent=1, sort_keys=True) + "\n")
    into_readme(START, END, text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
