"""Does MC dropout tell where a network of clothes is wrong, and what does it cost? Ten members of one network, beside its own word and the firewall.

`python -m bench.media.dropout` needs PyTorch. Members are made of the dropout layers with fixed masks (see docs/uncertainty.md). The firewall learns
its confidence from the same evidence without their disagreement and with it, whether or not it would have kept it.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
import warnings
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from bench.machine import RESULTS, where
from bench.media.data import BATCH, EPOCHS, KNOWN, RATE, Part, Task, load
from bench.media.intervals import around, aurocs, weights_of
from bench.media.pair import DAMAGED, MODEL_ROWS, NOVEL, shared, struck
from camelopard.confidence.quality import auroc, brier
from camelopard.core.arrays import Floats
from camelopard.core.batch import Batch
from camelopard.evidence.uncertainty import disagreement
from camelopard.firewall.training import prepare
from camelopard.firewall.uncertainty import decided
from camelopard.firewall.unseen import concluded
from camelopard.models.torch_model import torch_model
from camelopard.models.wrap import wrap

BUDGET, MEMBERS = 60_000, 10
TIMED, ROUNDS = 256, 5  # pictures that are timed, and how often
FIGURES = {"clean": "AUROC wrong, clean pictures", "wrong": "AUROC wrong, half of them damaged", "novel": "AUROC novel against right"}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=3)
    arguments = parser.parse_args()
    runs = []
    for seed in range(arguments.seeds):
        runs.append(measured(seed))
        print(f"{seed + 1}/{arguments.seeds}", file=sys.stderr, flush=True)
    print(markdown(runs))
    kept = [{key: value for key, value in run.items() if key != "draws"} for run in runs]
    (RESULTS / "media_dropout.json").write_text(json.dumps({"where": where(), "runs": kept}, indent=1, sort_keys=True) + "\n")
    return 0


def measured(seed: int) -> dict[str, Any]:
    """Return the figures of one seed, as plain data."""
    plain = load("clothes", seed)
    task = replace(plain, model=wrap(torch_model(network(plain.train, seed), dropout=MEMBERS, seed=seed), name="clothes"))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        ready = prepare(task.model, task.held.X, task.held.y, task.train.X, budget=BUDGET, seed=seed, uncertainty="ensemble")
    assert ready.gauge is not None
    _, _, about = decided(ready.panel, ready.material, ready.gauge, "ensemble", seed)
    material = ready.material
    parts = [replace(part, table=np.column_stack([part.table, part.beside])) for part in (material.lesson, material.check)]
    panels = {
        "without": (ready.panel, material),
        "with": (ready.panel.also("ensemble"), replace(material, lesson=parts[0], check=parts[1])),
    }
    session: Any = task.model.session(None, thrifty=True)
    rows = struck(task.test, ready.schema, session, np.random.default_rng([seed, 11]), MODEL_ROWS, DAMAGED, task.novel)
    members = session.members(rows.batch)
    scores: dict[str, Floats] = {
        "own confidence": 1 - rows.answer.shares.max(axis=1),
        "mean of the members": 1 - members.mean(axis=0).max(axis=1),
        "their disagreement": disagreement(members, "classification", 1.0),
    }
    found = panels["with"][0].examine(rows.batch, rows.answer, session, ready.schema.form)
    quality = {}
    for name, (panel, taught) in panels.items():
        learned = concluded(panel, taught, 0.01, np.random.default_rng([seed, 1]))
        table = found.table if name == "with" else found.table[:, : len(panel.names)]
        confidence = learned.judge(rows.answer, table).confidence
        scores[f"confidence {name} it"] = 1 - confidence
        known = rows.kind != NOVEL
        quality[name] = brier(1 - confidence[known], rows.wrong[known], shared(rows.kind)[known])
    return {
        "seed": seed,
        "accuracy": float((~rows.wrong)[rows.kind == ""].mean()),
        "rows": {"clean": int((rows.kind == "").sum()), "all": len(rows.kind)},
        "judges": {who: judged(score, rows) for who, score in scores.items()},
        "draws": drawn(scores, rows, seed),
        "brier": quality,
        "gain": about["kinds"]["ensemble"],
        "cost": costs(task, session),
    }


def judged(score: Floats, rows: Any) -> dict[str, float]:
    """Return how well a score ranks wrong rows among clean ones and among all known ones, and novel rows against right clean ones."""
    return {key: auroc(score[some], event[some], weight[some]) for key, (some, event, weight) in groups(rows).items()}


def drawn(scores: dict[str, Floats], rows: Any, seed: int) -> dict[str, dict[str, list[float]]]:
    """Return the same in draws of the rows."""
    times = weights_of(rows.origin, np.ones(len(rows.kind)), np.random.default_rng([seed, 7]))
    return {
        who: {key: aurocs(score[some], event[some], (times * weight)[:, some]).tolist() for key, (some, event, weight) in groups(rows).items()}
        for who, score in scores.items()
    }


def groups(rows: Any) -> dict[str, tuple[Any, Any, Floats]]:
    """Return which rows each figure is about, the event, and the weights."""
    clean, novel, even = rows.kind == "", rows.kind == NOVEL, np.ones(len(rows.kind))
    return {
        "clean": (clean, rows.wrong, even),
        "wrong": (~novel, rows.wrong, shared(rows.kind)),
        "novel": (novel | (clean & ~rows.wrong), novel, even),
    }


def costs(task: Task, session: Any) -> dict[str, float]:
    """Return CPU microseconds for each picture: of an answer, and of all members."""
    batch = Batch.of(task.test.X[:TIMED])
    return {"answer": each(lambda: task.model.session().predict(batch)), "members": each(lambda: session.members(batch))}


def each(work: Callable[[], object]) -> float:
    """Return CPU microseconds for each of TIMED, the median of some rounds."""
    found = []
    for _ in range(ROUNDS):
        start = time.process_time()
        work()
        found.append(time.process_time() - start)
    return float(np.median(found)) / TIMED * 1e6


def network(train: Part, seed: int) -> Any:
    """Return the network of clothes with dropout, trained as the one without."""
    import torch
    from torch import nn

    torch.manual_seed(seed)
    net = nn.Sequential(
        nn.Conv2d(1, 16, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Dropout2d(0.1), nn.Conv2d(16, 32, 3, padding=1), nn.ReLU(),
        nn.MaxPool2d(2), nn.Flatten(), nn.Dropout(0.25), nn.Linear(32 * 7 * 7, 128), nn.ReLU(), nn.Dropout(0.5), nn.Linear(128, KNOWN),
    )  # fmt: skip
    x, y = torch.tensor(train.X[:, None].astype(np.float32) / 255.0), torch.tensor(train.y)
    optimizer, loss, order = torch.optim.Adam(net.parameters(), lr=RATE), nn.CrossEntropyLoss(), torch.Generator().manual_seed(seed)
    for _ in range(2 * EPOCHS):  # dropout learns more slowly
        for some in torch.randperm(len(x), generator=order).split(BATCH):
            optimizer.zero_grad()
            loss(net(x[some]), y[some]).backward()
            optimizer.step()
    return net.eval()


def markdown(runs: list[dict[str, Any]]) -> str:
    """Return the table in Markdown."""
    lines = [
        f"**MC dropout on the network of clothes** ({where()}; {len(runs)} seeds, {MEMBERS} members, right on "
        f"{np.mean([run['accuracy'] for run in runs]):.0%} of clean pictures; in brackets 95 % intervals):",
        "",
        f"| judge | {' | '.join(FIGURES.values())} |",
        f"|---|{'---|' * len(FIGURES)}",
    ]
    for who in runs[0]["judges"]:
        cells = []
        for key in FIGURES:
            low, high = around([run["draws"][who][key] for run in runs], np.random.default_rng(0))
            cells.append(f"{np.mean([run['judges'][who][key] for run in runs]):.3f} ({low:.3f}–{high:.3f})")
        lines.append(f"| {who} | {' | '.join(cells)} |")
    told = []
    for key, name in FIGURES.items():
        apart = [[a - b for a, b in zip(*(run["draws"][f"confidence {how} it"][key] for how in ("with", "without")), strict=True)] for run in runs]
        low, high = around(apart, np.random.default_rng(0))
        told.append(f"{name} {np.mean(apart):+.4f} ({low:+.4f} to {high:+.4f})")
    gain = ", ".join(f"{run['gain']['gain']:.4f} ({run['gain']['low']:.4f} to {run['gain']['high']:.4f})" for run in runs)
    score = ", ".join(f"{how} {np.mean([run['brier'][how] for run in runs]):.4f}" for how in ("without", "with"))
    answer, asked = (np.mean([run["cost"][what] for run in runs]) for what in ("answer", "members"))
    kept = sum(run["gain"]["kept"] for run in runs)
    return "\n".join(
        [
            *lines,
            "",
            f"Confidence with it against without it: {', '.join(told)}. Brier score {score}. What the firewall itself found, as log loss saved (99 % interval): {gain}; kept in "
            f"{kept} of {len(runs)}. CPU for a picture: an answer {answer:.0f} µs, all members {asked:.0f} µs.",
        ]
    )


if __name__ == "__main__":
    sys.exit(main())
