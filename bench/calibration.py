"""Does calibration make a model's own probabilities better, and do sets and intervals hold the truth? On the models of the fooled benchmark, beside what people use today.

`make bench-calibration` trains the models, calibrates each on the rows that a firewall would be fitted to, and judges it on rows that took no part.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping
from concurrent.futures import ProcessPoolExecutor
from typing import Any

import numpy as np

from bench.fooled import models
from bench.fooled.data import TARGETS, load
from bench.machine import RESULTS, cpu, into_readme, where
from camelopard.confidence.calibration import calibrate
from camelopard.confidence.covering import Limit
from camelopard.confidence.quality import calibration_error
from camelopard.confidence.scaling import Scaling, log_loss
from camelopard.core.arrays import Floats, Ints
from camelopard.models.wrap import wrap

START, END = "<!-- calibration: written by `make bench-calibration` -->", "<!-- end of calibration -->"
COVERAGE, SPLITS = 0.9, 20
FEWEST = 20  # rows of a segment to judge it by
NOTHING, OURS, CHOSEN = "left alone", "camelopard", "its best family alone"


def measure(job: tuple[str, str, bool, int]) -> dict[str, Any]:
    """Train one model and calibrate it in every way."""
    name, kind, strong, seed = job
    table = load(name, seed)
    model = wrap(models.train(kind, strong, table, seed), name="model")
    pair = {"table": name, "model": kind, "strong": strong, "seed": seed}
    if table.regression:
        answers = [model.predict(part.X).value.astype(np.float64) for part in (table.held, table.test)]
        return {
            "pair": pair,
            "coverage": coverage(np.abs(np.concatenate(answers) - np.concatenate([table.held.y, table.test.y])), np.concatenate(answers), seed),
        }
    place = {str(c): i for i, c in enumerate(model.classes)}
    held, test = (np.array([place[str(label)] for label in part.y], dtype=np.int64) for part in (table.held, table.test))
    before, after = (model.predict(part.X).shares for part in (table.held, table.test))
    start = cpu()
    ours = calibrate(model, table.held.X, table.held.y, seed=seed)
    used = cpu() - start
    judged = {
        NOTHING: after,
        OURS: ours.predict(table.test.X).shares,
        CHOSEN: chosen(ours.calibration.weights, before, held, after),
        **others(before, held, after),
    }
    both, truth = np.concatenate([before, after]), np.concatenate([held, test])
    return {
        "pair": pair,
        "coverage": coverage(1.0 - both[np.arange(len(truth)), truth], both.argmax(axis=1).astype(np.float64), seed),
        "rows": {"calibrated": len(held), "judged": len(test)},
        "weights": ours.calibration.weights,
        "cpu": used,
        "judged": {judge: figures(proba, test) for judge, proba in judged.items()},
    }


def coverage(scores: Floats, answers: Floats, seed: int) -> dict[str, float]:
    """Return how often the truth is held at 90 % over SPLITS ways to part the rows, on all rows and in the worst quarter (or class) of answers.

    `short`: in what share of the runs fewer rows are held than a kept promise gives in 99.5 of 100.
    """
    from scipy.stats import betabinom

    rng = np.random.default_rng([seed, 3])
    segment = np.searchsorted(np.quantile(answers, [0.25, 0.5, 0.75]), answers) if len(np.unique(answers)) > 10 else answers.astype(np.int64)
    whole, worst, short = [], [], []
    for _ in range(SPLITS):
        first = rng.random(len(scores)) < 0.5
        found = []
        for mine in (np.ones(len(scores), dtype=bool), *(segment == s for s in np.unique(segment))):
            limit, new = Limit.of(scores[mine & first], COVERAGE), scores[mine & ~first]
            if np.isfinite(limit.value) and len(new) >= FEWEST:
                held = int((new <= limit.value).sum())
                found.append(held / len(new))
                short.append(held < betabinom.ppf(0.005, len(new), limit.rank, limit.rows + 1 - limit.rank))
        whole.append(found[0])
        worst.append(min(found[1:], default=found[0]))
    return {"whole": float(np.mean(whole)), "worst_segment": float(np.mean(worst)), "short": float(np.mean(short))}


def chosen(weights: Mapping[str, float], before: Floats, held: Ints, after: Floats) -> Floats:
    """Return what the family that predicts best, by the same cross-fitting, makes of it alone."""
    best = max(weights, key=lambda family: weights[family])
    return after if best == "nothing" else Scaling.fit(before, held, best).proba(after)


def others(before: Floats, held: Ints, after: Floats) -> dict[str, Floats]:
    """Return what is in use today, learned from the same rows."""
    from sklearn.isotonic import IsotonicRegression
    from sklearn.linear_model import LogisticRegression

    k = before.shape[1]
    platt, isotonic = np.empty_like(after), np.empty_like(after)
    for c in range(k):  # each class against the others, as scikit-learn does it
        odds, new = (np.log(np.clip(p[:, c], 1e-6, 1 - 1e-6) / np.clip(1 - p[:, c], 1e-6, 1)) for p in (before, after))
        platt[:, c] = LogisticRegression(C=np.inf).fit(odds[:, None], held == c).predict_proba(new[:, None])[:, 1]
        isotonic[:, c] = IsotonicRegression(out_of_bounds="clip").fit(before[:, c], held == c).predict(after[:, c])
    return {
        "temperature alone": Scaling.fit(before, held, "temperature").proba(after),
        "Platt": platt / platt.sum(axis=1, keepdims=True),
        "isotonic": isotonic / np.maximum(isotonic.sum(axis=1, keepdims=True), 1e-12),
    }


def figures(proba: Floats, codes: Ints) -> dict[str, float]:
    right = np.eye(proba.shape[1])[codes]
    return {
        "log_loss": float(log_loss(proba, codes).mean()),
        "brier": float(((proba - right) ** 2).sum(axis=1).mean()),
        "ece": calibration_error(proba.max(axis=1), proba.argmax(axis=1) == codes),
    }


def summary(found: list[dict[str, Any]]) -> dict[str, dict[str, float]]:
    """Return per judge how often it is better than leaving the model alone, the means, and the worst loss."""
    table = {}
    for judge in found[0]["judged"]:
        gains = {f: np.array([p["judged"][judge][f] - p["judged"][NOTHING][f] for p in found]) for f in ("log_loss", "brier")}
        table[judge] = {
            **{f"{f}_better": float((gain < 0).mean()) for f, gain in gains.items()},
            **{f: float(np.mean([p["judged"][judge][f] for p in found])) for f in ("log_loss", "brier", "ece")},
            "worst": float(gains["log_loss"].max()),
        }
    return table


def markdown(result: dict[str, Any]) -> str:
    pairs, table = [p for p in result["pairs"] if "judged" in p], result["summary"]
    held = [p["coverage"] for p in result["pairs"]]
    lines = [
        f"**How sure may the model be?** Measured by `make bench-calibration` ({result['where']}): {len(pairs)} classifiers of {len({p['pair']['table'] for p in pairs})} data sets, calibrated on "
        f"{min(p['rows']['calibrated'] for p in pairs):,} to {max(p['rows']['calibrated'] for p in pairs):,} rows and judged on as many others. Median {np.median([p['cpu'] for p in pairs]):.1f} CPU-s to calibrate and to measure what it is worth.",
        "",
        "| probabilities | log loss better | Brier better | mean log loss | worst change of it | mean Brier | mean ECE-15 |",
        "|---|---|---|---|---|---|---|",
    ]
    for judge, f in table.items():
        better = ("–", "–", "–") if judge == NOTHING else (f"{f['log_loss_better']:.0%}", f"{f['brier_better']:.0%}", f"{f['worst']:+.3f}")
        lines.append(f"| {judge} | {better[0]} | {better[1]} | {f['log_loss']:.3f} | {better[2]} | {f['brier']:.3f} | {f['ece']:.3f} |")
    lines += [
        "",
        f"**Do sets and intervals hold the truth?** Asked for {COVERAGE:.0%}, over {SPLITS} ways to part the rows of {len(held)} models, regressions included: {np.mean([h['whole'] for h in held]):.1%} on average, between "
        f"{min(h['whole'] for h in held):.1%} and {max(h['whole'] for h in held):.1%} per model. Within each class or quarter of the answers the promise is made apart: {np.mean([h['worst_segment'] for h in held]):.1%} in "
        f"the segment that came out lowest. {np.mean([h['short'] for h in held]):.1%} of all these shares are lower than a kept promise gives in 99.5 of 100 cases.",
    ]
    return "\n".join(lines)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--jobs", type=int, default=2)
    arguments = parser.parse_args()
    jobs = [(name, kind, strong, arguments.seed) for name in TARGETS for kind in models.KINDS for strong in (False, True)]
    with ProcessPoolExecutor(arguments.jobs) as pool:
        found = list(pool.map(measure, jobs))
    result = {"where": where(), "pairs": found, "summary": summary([p for p in found if "judged" in p])}
    print(markdown(result))
    if arguments.seed == 0:
        (RESULTS / "calibration.json").write_text(json.dumps(result, indent=1, sort_keys=True) + "\n")
        into_readme(START, END, markdown(result))
    return 0


if __name__ == "__main__":
    sys.exit(main())
