"""Is a black box of texts better guarded with a sentence encoder? Reviews, judged with one and without, beside texts of other subjects.

The model is a function from texts to probabilities: nothing is seen of its inside. `python -m bench.media.encoder FOLDER`, where FOLDER holds a
sentence encoder in ONNX (see docs/text-and-images.md). Writes bench/results/encoder.json. The other subjects there are sentences from the packages
fortunes and fortunes-min of Debian: science, law, food, people, wisdom, medicine, work, education, kids, politics, sports, pets, platitudes and love.
"""

from __future__ import annotations

import argparse
import importlib
import inspect
import json
import re
import sys
import time
import warnings
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from bench.machine import RESULTS, where
from bench.media.data import Task, load
from bench.media.pair import own, rivals, shared, staged
from camelopard.confidence.quality import auroc, brier, calibration_error
from camelopard.core.arrays import Array, Floats
from camelopard.core.batch import Batch
from camelopard.firewall.unseen import concluded
from camelopard.models.encoder import Encoder, text_encoder
from camelopard.models.wrap import wrap

BUDGET = 40_000  # model rows for fitting
STRANGERS = 1_500  # texts of another subject
TIMED = 200  # texts that are timed
NOT_ASKED = ("antigravity", "this", "idlelib", "turtledemo", "test")
JUDGES = (
    "camelopard: 1 − confidence",
    "camelopard: risk",
    "camelopard: oddity",
    "camelopard: novelty",
    "own confidence",
    "nearest neighbours",
    "Mahalanobis",
)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--budget", type=int, default=BUDGET)
    parser.add_argument("--other", type=Path, help="texts of another subject, one a line")
    arguments = parser.parse_args()
    encoder = text_encoder(arguments.folder)
    strange = {"docstrings": sentences()}
    if arguments.other is not None:
        strange[arguments.other.stem] = arguments.other.read_text(encoding="utf-8").splitlines()
    found = []
    for seed in range(arguments.seeds):
        for with_it in (False, True):
            found.append(measured(seed, encoder if with_it else None, strange, arguments.budget))
            print(json.dumps(found[-1]), file=sys.stderr, flush=True)
    text = markdown(found)
    print(text)
    (RESULTS / "encoder.json").write_text(json.dumps({"where": where(), "encoder": encoder.name, "runs": found}, indent=1, sort_keys=True) + "\n")
    return 0


def black_box(task: Task, encoder: Encoder | None) -> Task:
    """Return the task with its model as a bare function."""
    pipeline: Any = task.model.obj  # type: ignore[attr-defined]
    function = lambda texts: pipeline.predict_proba(texts)
    return replace(task, model=wrap(function, task.name, "classification", list(pipeline.classes_), encoder=encoder))


def measured(seed: int, encoder: Encoder | None, strange: dict[str, list[str]], budget: int) -> dict[str, Any]:
    """Return the figures of one seed, as plain data."""
    start = time.perf_counter()
    there = staged(black_box(load("reviews", seed), encoder), seed, budget)
    fitted = time.perf_counter() - start
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        learned = concluded(there.ready.panel, there.ready.material, 0.01, np.random.default_rng([seed, 1]))
    scores = judged(learned, there.found, there.answer)
    scores.update(rivals(there))
    scores["own confidence"] = 1 - own(there)
    clean, weight, right = there.kind == "", shared(there.kind), ~there.wrong
    figures: dict[str, dict[str, float | None]] = {
        who: {"wrong": auroc(score, there.wrong, weight), "fooled": auroc(score, there.fooled, weight)} for who, score in scores.items()
    }
    session, rng = there.task.model.session(), np.random.default_rng([seed, 7])
    for subject, texts in strange.items():
        some = [texts[i] for i in rng.permutation(len(texts))[:STRANGERS]]
        batch = there.ready.schema.conform(Batch.of(some))
        answer = session.predict(batch)
        found = there.ready.panel.examine(batch, answer, session, there.ready.schema.form)
        other = judged(learned, found, answer)
        other["own confidence"] = 1 - answer.shares.max(axis=1)
        for who, score in other.items():
            known = scores[who][clean & right]
            figures[who][subject] = auroc(np.concatenate([known, score]), np.arange(len(known) + len(score)) >= len(known))
        figures["camelopard: novelty"][f"{subject} above 0.99"] = float((other["camelopard: novelty"] > 0.99).mean())
    figures["camelopard: novelty"]["clean above 0.99"] = float((scores["camelopard: novelty"][clean] > 0.99).mean())
    sure = scores["camelopard: 1 − confidence"]
    return {
        "seed": seed,
        "encoder": encoder is not None,
        "rows": {"clean": int(clean.sum()), "damaged": int((~clean).sum())},
        "judges": figures,
        "ece": calibration_error(sure, there.wrong, weight=weight),
        "brier": brier(sure, there.wrong, weight),
        "seconds": fitted,
        "per_text_ms": costs(there.task, there.ready.panel, there.ready.schema, encoder),
    }


def judged(learned: Any, found: Any, answer: Any) -> dict[str, Floats]:
    said, novelty = learned.judge(answer, found.table), learned.novelty(found)
    scores = (1 - said.confidence, said.risk, learned.oddity(found), novelty)
    return dict(zip(JUDGES, scores, strict=False))


def costs(task: Task, panel: Any, schema: Any, encoder: Encoder | None) -> dict[str, Any]:
    """Return milliseconds for each text: measured alone and in one batch, and in the encoder; and whether both gave the same bytes."""
    texts = task.test.X[:TIMED]

    def examined(some: list[str]) -> Array:
        session, batch = task.model.session(), schema.conform(Batch.of(some))
        return np.asarray(panel.examine(batch, session.predict(batch), session, schema.form).table)

    examined(texts[:3])
    start = time.perf_counter()
    alone = np.vstack([examined([text]) for text in texts])
    middle = time.perf_counter()
    together = examined(texts)
    end = time.perf_counter()
    found = {"alone": (middle - start) * 1e3 / TIMED, "together": (end - middle) * 1e3 / TIMED, "same_bytes": alone.tobytes() == together.tobytes()}
    if encoder is not None:
        start = time.perf_counter()
        for text in texts:
            encoder.places(Batch.of([text]))
        found["encoder"] = (time.perf_counter() - start) * 1e3 / TIMED
    return found


def sentences() -> list[str]:
    """Return sentences about programs: from the documentation inside of Python's standard library."""
    found: list[str] = []
    for name in sorted(set(sys.stdlib_module_names) - set(NOT_ASKED)):
        if name.startswith("_"):
            continue
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                module = importlib.import_module(name)
        except Exception:  # modules of other systems
            continue
        for _, thing in sorted(vars(module).items()):
            if (inspect.isclass(thing) or inspect.isfunction(thing)) and thing.__module__ == name and not thing.__name__.startswith("_"):
                found += [" ".join(part.split()) for part in re.split(r"(?<=[.])\s+|\n\n", inspect.getdoc(thing) or "")]
    whole = [text for text in found if 8 <= len(text.split()) <= 50 and text[0].isupper() and text.endswith(".") and ">>>" not in text]
    return list(dict.fromkeys(whole))


def markdown(runs: list[dict[str, Any]]) -> str:
    """Return a table of means over seeds."""
    columns = [c for c in dict.fromkeys(c for run in runs for part in run["judges"].values() for c in part) if "above" not in c]
    lines = [f"| judge | encoder | {' | '.join(columns)} |", "|---|---|" + "---|" * len(columns)]
    for who in JUDGES:
        for with_it in (False, True):
            parts = [run["judges"][who] for run in runs if run["encoder"] == with_it and who in run["judges"]]
            if parts:
                cells = [f"{np.mean([part[c] for part in parts]):.3f}" if c in parts[0] else "–" for c in columns]
                lines.append(f"| {who} | {'yes' if with_it else 'no'} | {' | '.join(cells)} |")
    for with_it in (False, True):
        some = [run for run in runs if run["encoder"] == with_it]
        ms = {key: np.mean([run["per_text_ms"][key] for run in some]) for key in some[0]["per_text_ms"]}
        shares = {
            key: np.mean([run["judges"]["camelopard: novelty"][key] for run in some])
            for key in some[0]["judges"]["camelopard: novelty"]
            if "above" in key
        }
        lines.append(
            f"\nencoder {'yes' if with_it else 'no'}: ECE {np.mean([r['ece'] for r in some]):.3f}, Brier {np.mean([r['brier'] for r in some]):.4f}, "
            f"fit and test {np.mean([r['seconds'] for r in some]):.0f} s, ms for each text { ({k: round(float(v), 2) for k, v in ms.items()}) }, "
            f"novelty { ({k: round(float(v), 3) for k, v in shares.items()}) }"
        )
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
