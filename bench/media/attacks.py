"""Attacks on the network of clothes: which of those that succeed are caught at 5 % clean alarms, and how often they still succeed when they know of the firewall.

`python -m bench.media.attacks` needs PyTorch. The adaptive attacker sees the answer with its probabilities, and that a picture was stopped; he wins with
another answer to a picture that is not stopped.
"""

from __future__ import annotations

import argparse
import json
import sys
import warnings
from typing import Any

import numpy as np

import camelopard as cp
from bench.fooled.evade import Gated, Passing
from bench.machine import RESULTS, into_readme, where
from bench.media.data import load
from camelopard.core.arrays import Floats
from camelopard.core.batch import Batch
from camelopard.core.intervals import share
from camelopard.stress.image_attack import image_attack
from camelopard.stress.searching import as_they_came
from camelopard.stress.truth import Truth

START, END = "<!-- attacks on pictures: written by `python -m bench.media.attacks` -->", "<!-- end of attacks on pictures -->"
ROWS = {"one-pixel": 1000, "square": 120, "pgd": 120}  # one pixel moves one answer in twenty: of fewer pictures, no share could be told
QUERIES, EPSILON = 300, 0.05
EVADING, BUDGETS = 30, (100, 300)
BUDGET, ALPHA = 120_000, 0.05


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=5)
    arguments = parser.parse_args()
    runs = [measure(seed) for seed in range(arguments.seeds)]
    text = markdown(runs)
    print(text)
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "attacks.json").write_text(json.dumps({"where": where(), "runs": runs}, indent=1, sort_keys=True) + "\n")
    into_readme(START, END, text)
    return 0


def measure(seed: int) -> dict[str, Any]:
    """Return per way how many attacks succeed, which of them each judge catches, and how many succeed against model and firewall together."""
    task = load("clothes", seed)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        firewall = cp.Firewall(alpha=ALPHA, budget=BUDGET, seed=seed).fit(task.model, task.held.X, task.held.y, reference=task.train.X)
    session: Any = task.model.session()
    clean = firewall.schema.conform(Batch.of(task.test.X))
    answer = session.predict(clean)
    right = np.flatnonzero(np.array([a == b for a, b in zip(answer.value.tolist(), task.test.y.tolist(), strict=True)]))
    known = judged(firewall, clean)
    rng = np.random.default_rng([seed, 17])
    order = rng.permutation(right)
    targets = {way: clean.take(np.sort(order[:rows])).renumbered() for way, rows in ROWS.items()}
    settings: dict[str, Any] = {"gradient": as_they_came(session.gradient, clean.columns["image"]), "epsilon": EPSILON}
    truth, found = Truth("classification", 0.0), {}
    for way, target in targets.items():
        result = image_attack(session, target, firewall.schema, truth, rng, rows=len(target), queries_per_row=QUERIES, ways=(way,), **settings)
        won = np.flatnonzero(result.succeeded)
        said = judged(firewall, result.batch.take(won)) if len(won) else {}
        caught = {name: float((score > np.quantile(known[name], 1 - ALPHA)).mean()) for name, score in said.items()}
        found[way] = {"tried": len(target), "succeeded": len(won), "caught": caught}
    target = targets["square"]
    passing = target.take(np.flatnonzero(firewall.screen(target).route == "pass")[:EVADING]).renumbered()
    evading = {}
    for queries in BUDGETS:
        for name, asked in (("bare", task.model.session()), ("behind the firewall", Gated(firewall, task.model.session()))):
            given = {"rows": EVADING, "queries_per_row": queries, "ways": ("square",), "epsilon": EPSILON}
            result = image_attack(asked, passing, firewall.schema, Passing("classification", 0.0), np.random.default_rng(1), **given)
            evading[f"{name}, {queries}"] = float(result.succeeded.mean())
    return {"seed": seed, "ways": found, "evading": evading}


def judged(firewall: cp.Firewall, batch: Batch) -> dict[str, Floats]:
    """Return what each judge says of rows, higher for worse."""
    v = firewall.screen(batch)
    assert v.proba is not None and v.novelty is not None
    return {"risk": v.risk, "1 − confidence": 1 - v.confidence, "oddity": v.oddity, "novelty": v.novelty, "own confidence": 1 - v.proba.max(axis=1)}


def markdown(runs: list[dict[str, Any]]) -> str:
    """Return the tables in Markdown."""
    lines = [
        f"**Attacks on the network of clothes** ({where()}; {len(runs)} seeds, pictures that it answers right, {QUERIES} queries each, at most {EPSILON:.0%} of the range; the firewall was taught by searches of the same kinds on other pictures):",
        "",
        "| attack | succeeds | caught at 5 % clean alarms by risk | by 1 − confidence | by oddity | by novelty | by own confidence |",
        "|---|---|---|---|---|---|---|",
    ]
    for way in ROWS:
        parts = [run["ways"][way] for run in runs]
        won, tried = sum(part["succeeded"] for part in parts), sum(part["tried"] for part in parts)
        cells = []
        for judge in ("risk", "1 − confidence", "oddity", "novelty", "own confidence"):
            hits = sum(part["caught"].get(judge, 0.0) * part["succeeded"] for part in parts)
            around = share(round(hits), won)
            cells.append(f"{hits / won:.0%} ({around.low:.0%}–{around.high:.0%})" if won else "–")
        lines.append(f"| {way} | {won} of {tried} | {' | '.join(cells)} |")
    told = ", ".join(f"{name} queries {np.mean([run['evading'][name] for run in runs]):.0%}" for name in runs[0]["evading"])
    return "\n".join([*lines, "", f"An attacker who knows of the firewall (square attack; a stopped picture is no success) moves: {told}."])


if __name__ == "__main__":
    sys.exit(main())
