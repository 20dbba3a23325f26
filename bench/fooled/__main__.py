"""Measures all pairs, or with --quick a few of them, on all cores; keeps what is measured as it comes, so that a run that ends can be taken up again."""

from __future__ import annotations

import argparse
import json
import os
import sys
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path
from typing import Any

from bench.fooled import models, tables
from bench.fooled.data import SEEDS, TARGETS
from bench.fooled.pair import Pair, measure
from bench.machine import RESULTS, into_readme, state_of_code, where

QUICK = (
    ("adult", "lightgbm", True),
    ("satimage", "mlp", False),
    ("protein", "forest", True),
    ("german_credit", "logistic", False),
    ("magic", "mlp", True),
)


def pairs(seeds: int, quick: bool) -> list[Pair]:
    """Return the pairs to measure; quick: five models of five sets, one seed: three minutes on two cores."""
    if quick:
        return [Pair(name, kind, strong, 0) for name, kind, strong in QUICK]
    return [Pair(name, kind, strong, seed) for seed in range(seeds) for name in TARGETS for kind in models.KINDS for strong in (False, True)]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a few pairs, written nowhere but to standard output")
    parser.add_argument("--seeds", type=int, default=SEEDS, help="splits and models of each kind; each takes some 11 quiet minutes on two cores")
    parser.add_argument("--kept", type=Path, default=Path("build/fooled"), help="where each pair's figures are kept while the run lasts")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    arguments = parser.parse_args()
    todo = pairs(arguments.seeds, arguments.quick)
    kept = arguments.kept / state_of_code()
    kept.mkdir(parents=True, exist_ok=True)
    found: list[dict[str, Any]] = []
    with ProcessPoolExecutor(arguments.jobs) as pool:
        waiting = {}
        for pair in todo:
            place = kept / f"{pair.name}.json"
            if place.exists() and not arguments.quick:
                found.append(json.loads(place.read_text()))
            else:
                waiting[pool.submit(measure, pair)] = (pair, place)
        for done in as_completed(waiting):
            pair, place = waiting[done]
            figures = done.result()
            place.write_text(json.dumps(figures))
            found.append(figures)
            ours = figures["settings"]["kind left out"]["camelopard"]["auroc"]
            print(
                f"{len(found)}/{len(todo)} {pair.name}: {'–' if ours is None else f'{ours:.3f}'} in {figures['cpu']:.0f} CPU-s",
                file=sys.stderr,
                flush=True,
            )
    found.sort(key=lambda f: tuple(str(v) for v in f["pair"].values()))
    result = {"where": where(), "cpu_seconds": sum(pair["cpu"] for pair in found), "pairs": found, "summary": tables.summary(found)}
    print(tables.markdown(result, quick=arguments.quick))
    if not arguments.quick:
        RESULTS.mkdir(exist_ok=True)
        (RESULTS / "fooled.json").write_text(json.dumps(result, sort_keys=True) + "\n")
        tables.plot(found, RESULTS / "fooled.svg")
        into_readme(tables.START, tables.END, tables.markdown(result, quick=False))
    return 0


if __name__ == "__main__":
    sys.exit(main())
