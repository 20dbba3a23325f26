"""Measures digits, clothes and reviews over seeds (with --quick one seed of the two quick ones, written nowhere), and writes the README's table.

Clothes need PyTorch; without it they are left out, and said to be. Attacks on the network of clothes are measured by `bench.media.attacks`.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import sys
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np

from bench.machine import RESULTS, into_readme, state_of_code, where
from bench.media.intervals import around
from bench.media.odd import told
from bench.media.pair import measure
from camelopard.firewall.material import LEAST_RISK

START, END = "<!-- media: written by `make bench-media` -->", "<!-- end of media -->"
OURS = ("camelopard: 1 − confidence", "camelopard: risk", "camelopard: oddity", "camelopard: novelty")
AREAS, SHARES = ("wrong", "fooled", "novel"), ("flips_at_5", "harmless_at_5")
COLUMNS = {
    "wrong": "AUROC wrong", "fooled": "AUROC fooled", "novel": "AUROC novel against right",
    "flips_at_5": "harmful flips caught at 5 % clean alarms", "harmless_at_5": "harmless damage flagged there",
}  # fmt: skip
HEADLINES = ((OURS[0], "wrong"), (OURS[1], "fooled"), (OURS[3], "novel"), (OURS[1], "flips_at_5"))
NAMES = {
    "digits": "digits 8 × 8, a network of 64 units taught eight classes",
    "clothes": "clothes 28 × 28, a small convolutional network taught eight classes",
    "reviews": "movie reviews, TF-IDF and logistic regression",
}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--kept", type=Path, default=Path("build/media"), help="where figures are kept while the run lasts")
    arguments = parser.parse_args()
    tasks = ["digits", "reviews"] + (["clothes"] if importlib.util.find_spec("torch") and not arguments.quick else [])
    jobs = [(task, seed) for seed in range(1 if arguments.quick else arguments.seeds) for task in tasks]
    place = arguments.kept / state_of_code()
    place.mkdir(parents=True, exist_ok=True)
    found = []
    with ProcessPoolExecutor(arguments.jobs) as pool:
        for figures in pool.map(kept, [(task, seed, place) for task, seed in jobs]):
            found.append(figures)
            print(f"{len(found)}/{len(jobs)} {figures['task']} {figures['seed']}", file=sys.stderr, flush=True)
    text = markdown({"where": where(), "runs": found})
    print(text)
    if not arguments.quick:
        RESULTS.mkdir(exist_ok=True)
        runs = [{key: value for key, value in run.items() if key != "draws"} for run in found]  # the draws are many, and made again from the seed
        (RESULTS / "media.json").write_text(json.dumps({"where": where(), "runs": runs}, indent=1, sort_keys=True) + "\n")
        into_readme(START, END, text)
    return 0


def kept(job: tuple[str, int, Path]) -> dict[str, Any]:
    """Return the figures of a task and a seed, measured or from the last run that was cut off."""
    task, seed, place = job
    file = place / f"{task}-{seed}.json"
    if not file.exists():
        file.write_text(json.dumps(measure(task, seed)))
    found: dict[str, Any] = json.loads(file.read_text())
    return found


def markdown(result: dict[str, Any]) -> str:
    """Return the tables in Markdown."""
    runs = result["runs"]
    seeds = 1 + max(run["seed"] for run in runs)
    lines = [
        f"**Texts and pictures.** Measured by `make bench-media` ({result['where']}), means over {seeds} seed{'s' if seeds > 1 else ''}; in brackets 95 % "
        "intervals, from a bootstrap of seeds and, within them, of rows. *Stacked*: all rivals' scores together, taught by the rows, damages and labels "
        f"that the firewall was given. *Risk* flags no row for a risk below {LEAST_RISK:.0%}, as a firewall stops none for it.",
        "",
    ]
    for task in dict.fromkeys(run["task"] for run in runs):
        lines += _task(task, [run for run in runs if run["task"] == task])
    return "\n".join(lines)


def _task(task: str, runs: list[dict[str, Any]]) -> list[str]:
    rows = runs[0]["rows"]
    novel = f", {rows['novel']:,} of classes that nobody taught" if rows["novel"] else ""
    lines = [
        f"*{NAMES[task]}* (right on {_mean(run['accuracy'] for run in runs):.0%} of clean rows; {rows['clean']:,} clean and {rows['damaged']:,} damaged rows{novel}):",
        "",
        f"| judge | {' | '.join(COLUMNS.values())} |",
        "|---|---|---|---|---|---|",
    ]
    judges = dict.fromkeys(name for run in runs for name in run["judges"])
    lines += [f"| {judge} | {' | '.join(_cell(runs, judge, key) for key in (*AREAS, *SHARES))} |" for judge in judges]
    families = sorted({family for run in runs for family in run["held_out"]})
    ours, own = (
        {family: _mean(run["held_out"][family][who] for run in runs if family in run["held_out"]) for family in families} for who in ("ours", "own")
    )
    behind = [family for family in families if ours[family] < own[family]]
    lines += [
        "",
        " ".join(said for ours, key in HEADLINES if (said := _headline(runs, ours, key))),
        "",
        f"A family of damage never taught: AUROC wrong {_mean(ours.values()):.3f} (own confidence {_mean(own.values()):.3f}), least on "
        f"{min(families, key=ours.__getitem__)} ({min(ours.values()):.3f}); behind own confidence on {', '.join(behind) or 'none'}. "
        f"Calibration error of P(wrong) {_mean(run['ece'] for run in runs):.3f} (own {_mean(run['ece_own'] for run in runs):.3f})"
        + (f", {_mean(run['ece_all'] for run in runs):.3f} with classes never taught" if novel else "")
        + f". Clean rows stopped {_mean(run['alarms'] for run in runs):.1%} (promised: at most 1 %).",
    ]
    if task == "reviews":
        lines += ["", *told([run["odd_at_1"] for run in runs])]
    return [*lines, ""]


def _cell(runs: list[dict[str, Any]], judge: str, key: str) -> str:
    """Return a figure with its interval."""
    value = _mean(run["judges"][judge][key] for run in runs)
    if value != value:
        return "–"
    low, high = around([run["draws"][judge][key] for run in runs], np.random.default_rng(0))
    return f"{value:.3f} ({low:.3f}–{high:.3f})" if key in AREAS else f"{value:.0%} ({low:.0%}–{high:.0%})"


def _headline(runs: list[dict[str, Any]], ours: str, key: str) -> str:
    """Return by how much one of ours leads the model's own confidence, the best rival as published, and the best stack of them; on the same draws."""
    means = {who: _mean(run["judges"][who][key] for run in runs) for who in runs[0]["judges"]}
    if ours not in means or means[ours] != means[ours]:
        return ""
    others = [who for who in means if who not in OURS]
    stacks, alone = ([who for who in others if who.startswith("stacked") == is_stack] for is_stack in (True, False))
    told = []
    for who in dict.fromkeys(["own confidence", *(max(group, key=means.__getitem__) for group in (alone, stacks) if group)]):
        apart = [np.array(run["draws"][ours][key], dtype=float) - np.array(run["draws"][who][key], dtype=float) for run in runs]
        low, high = around([part.tolist() for part in apart], np.random.default_rng(0))
        told.append(f"{means[ours] - means[who]:+.3f} ({low:+.3f} to {high:+.3f}) against {who}")
    return f"{COLUMNS[key][0].upper()}{COLUMNS[key][1:]}, {ours.removeprefix('camelopard: ')}: {', '.join(told)}."


def _mean(values: Any) -> float:
    known = [v for v in values if v is not None and v == v]
    return float(np.mean(known)) if known else float("nan")


if __name__ == "__main__":
    sys.exit(main())
