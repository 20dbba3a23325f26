"""How far can one trust what is said about trust? On the models of the fooled benchmark: errors caught by a few reviews, promises kept on damaged traffic, accuracy estimated without labels.

`python -m bench.trust` (`make bench-trust`) fits a firewall to each model, damages the test rows in every way, and holds each promise against the labels. Undetectable damage (the floor) and attacks are left out.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
import warnings
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

import camelopard as cp
from bench.fooled import models
from bench.fooled.data import TARGETS, load
from bench.fooled.pair import FAMILY
from bench.fooled.traffic import wrongly
from bench.machine import RESULTS, cpu, in_process, into_readme, median, state_of_code, where
from camelopard.confidence.acceptance import RiskCoverage
from camelopard.confidence.unlabelled import OURS
from camelopard.core.arrays import Array, Bools, Floats, Ints
from camelopard.core.batch import Batch
from camelopard.core.records import Prediction
from camelopard.firewall.estimation import estimated
from camelopard.firewall.learn import conclude
from camelopard.firewall.learned import Learned, Live
from camelopard.firewall.material import Material
from camelopard.firewall.stressed import gather
from camelopard.firewall.training import Prepared, prepare
from camelopard.firewall.unseen import concluded
from camelopard.firewall.verdicts import Grounds, Verdicts
from camelopard.models.wrap import wrap
from camelopard.stress.damages import catalogue
from camelopard.stress.runner import run
from camelopard.stress.truth import Truth

START, END = "<!-- trust: written by `make bench-trust` -->", "<!-- end of trust -->"
QUICK = (("adult", "lightgbm", True), ("german_credit", "mlp", False))
DAMAGED = 1_200  # rows of each family
WINDOW, REPEATS, SHARES = 300, 4, (0.1, 0.5, 1.0)
REVIEWED = 0.1
SURENESS = 0.9
OWN, ON_CLEAN = "own confidence", "a classifier of errors on clean rows"
PPM = "PPM"
TOLD = "camelopard, told how often the model is right on each family of the test"  # nobody could: how far better confidence would lead
MANY, RUNS = 1_000_000, 3


@dataclass(frozen=True)
class Group:
    """Rows with one thing in common: the evidence, the model's answer, whether it is wrong, the kind of damage."""

    table: Floats
    answer: Prediction
    wrong: Bools
    kind: Array

    def take(self, rows: Ints) -> Group:
        return Group(self.table[rows], self.answer.take(rows), self.wrong[rows], self.kind[rows])

    @classmethod
    def joined(cls, parts: Sequence[Group]) -> Group:
        return cls(
            np.vstack([p.table for p in parts]),
            Prediction.joined([p.answer for p in parts]),
            np.concatenate([p.wrong for p in parts]),
            np.concatenate([p.kind for p in parts]),
        )


def measure(job: tuple[str, str, bool, int]) -> dict[str, Any]:
    """Fit a firewall to one model and hold it against what is true."""
    start = time.process_time()
    name, kind, strong, seed = job
    table = load(name, seed)
    model = wrap(models.train(kind, strong, table, seed), name="model")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        ready = prepare(model, table.held.X, table.held.y, table.train.X, seed=seed)
    groups = traffic(model, ready, table.test, seed)
    learned = concluded(ready.panel, ready.material, 0.01, np.random.default_rng([seed, 1]))
    found = {
        "pair": {"table": name, "model": kind, "strong": strong, "seed": seed},
        "regression": table.regression,
        "rows": {group or "clean": len(rows.wrong) for group, rows in groups.items()},
        "mixed": mixed(learned, ready.material, groups),
        "windows": windows(learned, ready, groups, np.random.default_rng([seed, 2])),
    }
    found["cpu"] = time.process_time() - start
    return found


def traffic(model: Any, ready: Prepared, test: Any, seed: int) -> dict[str, Group]:
    """Return clean test rows ("") and, for each family, test rows damaged in its ways; rows that the model does not answer are left out."""
    rng = np.random.default_rng([seed, 77])
    schema, truth = ready.schema, Truth(model.task, ready.about["tolerance"])
    session = model.session(None, thrifty=True)
    clean = schema.conform(Batch.of(test.X))
    good = np.flatnonzero(~session.predict(clean).failed)
    clean, labels = clean.take(good).renumbered(), test.y[good]

    def looked_at(batch: Batch, origin: Ints, kinds: Array) -> Group:
        answer = session.predict(batch)
        there = np.flatnonzero(~answer.failed)
        batch, answer = batch.take(there).renumbered(), answer.take(there)
        evidence = ready.panel.examine(batch, answer, model.session(), schema.form)
        return Group(evidence.table, answer, wrongly(answer, labels[origin[there]], truth), kinds[there])

    found = {"": looked_at(clean, np.arange(len(clean)), np.full(len(clean), "", dtype=object))}
    for family in sorted(set(FAMILY.values()) - {"floor", "attack"}):
        damages = [damage for damage in catalogue().values() if damage.family == family]
        cases = run(session, clean, schema, truth, damages, rng=rng, budget=6 * DAMAGED, pool=len(clean))
        stressed = gather(cases, schema, DAMAGED, rng)
        if stressed is not None:
            found[family] = looked_at(stressed.batch, stressed.origin, stressed.kind.astype(object))
    return found


def mixed(learned: Learned, material: Material, groups: Mapping[str, Group]) -> dict[str, Any]:
    """Return what reviews catch and whether promises hold on traffic of which half is damaged, every kind alike."""
    rows = Group.joined(list(groups.values()))
    names, which, counts = np.unique(rows.kind.astype(str), return_inverse=True, return_counts=True)
    w = np.where(names == "", 0.5, 0.5 / max(len(names) - 1, 1))[which] / counts[which]
    wrong = rows.wrong
    base = float((w * wrong).sum())
    confidence = learned.judge(rows.answer, rows.table).confidence
    own = rows.answer.shares.max(axis=1)
    labelled = Group.joined(
        [Group(part.table, part.answer, ~right, part.kind) for part, right in ((material.lesson, material.taught), (material.check, material.right))]
    )
    known, clean = labelled.answer.shares.max(axis=1), labelled.kind == ""
    weight = np.concatenate([material.lesson.weight, material.check.weight])
    origin = np.concatenate([material.lesson.origin, material.lesson.origin.max() + 1 + material.check.origin])
    damaged = RiskCoverage.of(known, labelled.wrong, weight, origin).accept(base / 2, SURENESS).threshold
    judged = {OURS: confidence, OWN: own, ON_CLEAN: error_classifier(labelled, rows)}
    assert learned.accept is not None
    thresholds = {
        OURS: (confidence, learned.accept.accept(base / 2, SURENESS).threshold),
        "own confidence, threshold from the same damaged rows": (own, damaged),
        "own confidence, threshold from clean rows": (own, from_clean(known[clean], labelled.wrong[clean], base / 2)),
    }
    return {
        "wrong": base,
        "caught": {judge: caught(1 - said, wrong, w) for judge, said in judged.items()},
        "most": min(1.0, REVIEWED / base) if base else 1.0,
        "promise": {judge: promise(said, threshold, wrong, w, base / 2) for judge, (said, threshold) in thresholds.items()},
    }


def caught(score: Floats, wrong: Bools, w: Floats) -> float:
    """Return the share of errors among the worst tenth of the traffic; of rows with the same score it is chance which come first."""
    shuffled = np.random.default_rng(0).permutation(len(score))
    order = shuffled[np.argsort(-score[shuffled], kind="stable")]
    first = order[np.cumsum(w[order]) <= REVIEWED * w.sum()]
    return float((w[first] * wrong[first]).sum() / max(float((w * wrong).sum()), 1e-12))


def promise(confidence: Floats, threshold: float, wrong: Bools, w: Floats, errors: float) -> dict[str, float | None]:
    """Return the realised share of errors over the promised one, None where nothing is accepted, and the share of traffic accepted."""
    accepted = w * (confidence >= threshold)
    coverage = float(accepted.sum() / w.sum())
    return {"ratio": float((accepted * wrong).sum() / accepted.sum() / errors) if coverage else None, "coverage": coverage}


def from_clean(own: Floats, wrong: Bools, errors: float) -> float:
    """Return the lowest threshold on the model's own confidence that keeps the promise on clean labelled rows: what is done today."""
    order = np.argsort(-own, kind="stable")
    last = np.append(np.diff(own[order]) < 0, True)  # a threshold accepts all that are tied with it
    kept = np.flatnonzero(last & (np.cumsum(wrong[order]) <= errors * np.arange(1, len(order) + 1)))
    return float(own[order][kept[-1]]) if len(kept) else np.inf


def error_classifier(labelled: Group, rows: Group) -> Floats:
    """Return P(right) by gradient boosting on the same evidence, taught by labelled clean rows alone."""
    from lightgbm import LGBMClassifier

    clean = labelled.kind == ""
    if len(np.unique(labelled.wrong[clean])) < 2:
        return np.zeros(len(rows.wrong))
    found = LGBMClassifier(n_estimators=120, num_leaves=15, verbosity=-1, n_jobs=1, random_state=0).fit(labelled.table[clean], labelled.wrong[clean])
    return 1.0 - np.asarray(found.predict_proba(rows.table))[:, 1]


def windows(learned: Learned, ready: Prepared, groups: Mapping[str, Group], rng: np.random.Generator) -> list[dict[str, Any]]:
    """Return for windows of 300 rows how far each estimate of accuracy is off, also by a firewall that was never taught the family in the window."""
    clean, material = groups[""], ready.material
    predictor = performance_predictor(material, rng)
    families = [family for family in groups if family]
    blind = {}
    for pair in (families[k : k + 2] for k in range(0, len(families), 2)):  # two are left out together: half as many firewalls to fit
        kinds = sorted({kind for family in pair for kind in groups[family].kind.tolist()})
        blind |= dict.fromkeys(pair, conclude(ready.panel, material.without(kinds), 0.01, np.random.default_rng(3)))
    off = {family: float((~g.wrong).mean() - learned.judge(g.answer, g.table).confidence.mean()) for family, g in groups.items()}
    found = []
    for family, damaged in groups.items():
        for share in (0.0,) if family == "" else SHARES:
            for _ in range(REPEATS if family else 4 * REPEATS):
                k = round(share * WINDOW)
                rows = clean.take(rng.choice(len(clean.wrong), WINDOW - k))
                if k:
                    rows = Group.joined([rows, damaged.take(rng.choice(len(damaged.wrong), k))])
                told = (1 - share) * off[""] + share * off[family]
                found.append({"family": family, "share": share, **one_window(learned, blind.get(family), predictor, rows, told)})
    return found


def one_window(learned: Learned, blind: Learned | None, predictor: Any, rows: Group, told: float) -> dict[str, Any]:
    truth = float(1 - rows.wrong.mean())
    live = Live(len(rows.wrong), np.arange(len(rows.wrong)), rows.answer, rows.table)
    says = estimated(learned, live)
    errors = {OURS: says.value - truth, **{name: value - truth for name, value in says.rivals.items()}}
    found = {"errors": errors, "held": bool(says.low <= truth <= says.high), "width": says.high - says.low, "truth": truth}
    if predictor is not None:
        errors[PPM] = float(predictor.predict(percentiles(rows.answer)[None, :])[0]) - truth
    errors[TOLD] = says.value + told - truth
    if blind is not None:
        never = estimated(blind, live)
        found |= {"unseen": never.value - truth, "unseen_held": bool(never.low <= truth <= never.high)}
    return found


def percentiles(answer: Prediction) -> Floats:
    """Return the percentiles of the probabilities of each class, what a performance predictor looks at (Schelter, Rukat & Biessmann 2020)."""
    return np.quantile(answer.shares, np.linspace(0, 1, 21), axis=0).ravel()


def performance_predictor(material: Material, rng: np.random.Generator) -> Any:
    """Return a random forest that reads accuracy off the percentiles, taught by windows made of the same labelled rows, damaged in the same ways."""
    from sklearn.ensemble import RandomForestRegressor

    parts = (material.lesson, material.check)
    answer, right = Prediction.joined([p.answer for p in parts]), np.concatenate([material.taught, material.right])
    if not answer.classes:
        return None
    kinds, weight = np.concatenate([p.kind for p in parts]).astype(str), np.concatenate([p.weight for p in parts])
    family = np.array([FAMILY.get(kind, "") for kind in kinds])
    clean, columns, target = np.flatnonzero(kinds == ""), [], []
    for name in sorted(set(family.tolist()) - {"", "floor", "attack"}):
        mine = np.flatnonzero(family == name)
        for share in (0.0, *SHARES):
            for _ in range(8):
                k = round(share * WINDOW)
                rows = np.concatenate([rng.choice(clean, WINDOW - k), rng.choice(mine, k, p=weight[mine] / weight[mine].sum())])
                columns.append(percentiles(answer.take(rows)))
                target.append(right[rows].mean())
    return RandomForestRegressor(100, random_state=0, n_jobs=1).fit(np.array(columns), np.array(target))


def summary(found: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the means over models; estimates of regressions, which have no rivals, apart."""
    of_classes = [f for f in found if not f["regression"]]

    def error(window: Mapping[str, Any], who: str) -> float:
        return abs(window["errors"][who])

    def over(pairs: list[dict[str, Any]], value: Any, chosen: Any = lambda w: True) -> float | None:
        means = [np.mean([value(w) for w in f["windows"] if chosen(w)]) for f in pairs if any(chosen(w) for w in f["windows"])]
        return float(np.mean(means)) if means else None

    damaged, full, clean = (lambda w: w["share"] > 0), (lambda w: w["share"] == 1.0), (lambda w: w["share"] == 0.0)
    who = list(of_classes[0]["windows"][0]["errors"])
    return {
        "caught": {judge: float(np.mean([f["mixed"]["caught"][judge] for f in found])) for judge in found[0]["mixed"]["caught"]},
        "caught_classifiers": {judge: float(np.mean([f["mixed"]["caught"][judge] for f in of_classes])) for judge in found[0]["mixed"]["caught"]},
        "most": float(np.mean([f["mixed"]["most"] for f in found])),
        "most_classifiers": float(np.mean([f["mixed"]["most"] for f in of_classes])),
        "promise": {judge: kept([f["mixed"]["promise"][judge] for f in of_classes]) for judge in found[0]["mixed"]["promise"]},
        "promise_regressions": kept([f["mixed"]["promise"][OURS] for f in found if f["regression"]]) if len(of_classes) < len(found) else None,
        "estimates": {
            judge: {
                "all": over(of_classes, lambda w, j=judge: error(w, j), damaged),
                "full": over(of_classes, lambda w, j=judge: error(w, j), full),
                "clean": over(of_classes, lambda w, j=judge: error(w, j), clean),
            }
            for judge in who
        },
        "unseen": {"all": over(of_classes, lambda w: abs(w["unseen"]), damaged), "full": over(of_classes, lambda w: abs(w["unseen"]), full)},
        "regressions": {"ours": over([f for f in found if f["regression"]], lambda w: error(w, OURS), damaged)}
        if len(of_classes) < len(found)
        else {},
        "luck": over(of_classes, lambda w: np.sqrt(w["truth"] * (1 - w["truth"]) / WINDOW * 2 / np.pi), damaged),
        "held": over(found, lambda w: w["held"]),
        "held_full": over(found, lambda w: w["held"], full),
        "unseen_held": over(found, lambda w: w["unseen_held"], damaged),
        "width": over(found, lambda w: w["width"]),
    }


def condensed(pair: Mapping[str, Any]) -> dict[str, Any]:
    """Return the figures of a model with its windows told by family and share: mean absolute errors, and how often the interval held the truth."""
    groups: dict[str, list[dict[str, Any]]] = {}
    for window in pair["windows"]:
        groups.setdefault(f"{window['family'] or 'clean'} {window['share']:.0%}", []).append(window)
    told = {
        name: {
            "errors": {who: round(float(np.mean([abs(w["errors"][who]) for w in windows])), 5) for who in windows[0]["errors"]},
            "held": float(np.mean([w["held"] for w in windows])),
            **({"unseen": round(float(np.mean([abs(w["unseen"]) for w in windows])), 5)} if "unseen" in windows[0] else {}),
        }
        for name, windows in groups.items()
    }
    return {**pair, "windows": told}


def kept(promises: list[dict[str, float | None]]) -> dict[str, float]:
    """Return the means over models; of the ratio over those of which something is accepted."""
    ratio = np.array([p["ratio"] for p in promises if p["ratio"] is not None])
    known = ratio if len(ratio) else np.zeros(1)
    return {
        "ratio": float(known.mean()),
        "broken": float((known > 1).sum() / len(promises)),
        "worst": float(known.max()),
        "coverage": float(np.mean([p["coverage"] for p in promises])),
        "nothing": 1 - len(ratio) / len(promises),
    }


def markdown(result: dict[str, Any]) -> str:
    s, pairs = result["summary"], result["pairs"]
    lines = [
        f"**How far can one trust it?** Measured by `make bench-trust` ({result['where']}): {len(pairs)} models of {len({p['pair']['table'] for p in pairs})} data sets, seed 0; half of the traffic is damaged, every kind alike.",
        "",
        f"| errors caught when {REVIEWED:.0%} of the rows go to people | all models | classifiers |",
        "|---|---|---|",
        *(f"| {judge} | {s['caught'][judge]:.0%} | {s['caught_classifiers'][judge]:.0%} |" for judge in s["caught"]),
        f"| whoever knew which answers are wrong | {s['most']:.0%} | {s['most_classifiers']:.0%} |",
        "",
        f"| answers accepted so that at most half of the usual share is wrong (promised with probability {SURENESS}), classifiers | realised / promised | broken in | worst | accepted | nothing accepted in |",
        "|---|---|---|---|---|---|",
        *(
            f"| {judge} | {p['ratio']:.2f} | {p['broken']:.0%} | {p['worst']:.2f} | {p['coverage']:.0%} | {p['nothing']:.0%} |"
            for judge, p in s["promise"].items()
        ),
        *(
            [f"| camelopard, regressions | {p['ratio']:.2f} | {p['broken']:.0%} | {p['worst']:.2f} | {p['coverage']:.0%} | {p['nothing']:.0%} |"]
            if (p := s["promise_regressions"])
            else []
        ),
        "",
        f"**Accuracy without labels**, mean absolute error on windows of {WINDOW} rows ({sum(not p['regression'] for p in pairs)} classifiers, {len({w['family'] for p in pairs for w in p['windows']}) - 1} families of damage in shares of 10, 50 and 100 %):",
        "",
        "| estimate | all damaged windows | wholly damaged | clean |",
        "|---|---|---|---|",
        *(f"| {judge} | {e['all']:.4f} | {e['full']:.4f} | {e['clean']:.4f} |" for judge, e in s["estimates"].items()),
        f"| camelopard, never taught the family in the window, nor another | {s['unseen']['all']:.4f} | {s['unseen']['full']:.4f} | – |",
        f"| chance alone, at the accuracy of each window | {s['luck']:.4f} | – | – |",
        "",
        f"The 95 % interval holds the truth in {s['held']:.1%} of the windows ({s['held_full']:.1%} of those wholly damaged; {s['unseen_held']:.1%} where the family was never taught) and is {s['width']:.3f} wide on average."
        + (f" Regressions (right within the tolerance): {s['regressions']['ours']:.4f}." if s["regressions"] else ""),
    ]
    if "speed" in result:
        v = result["speed"]
        lines += [
            "",
            f"Choosing what to review for {v['verdicts']:,} verdicts under a daily budget: {v['optimise']:.2f} CPU-s. Confidence, its promises and estimates add {v['time_added']:.0%} to the time and {v['memory_added']:.0%} to the memory of `fit` on Adult.",
        ]
    return "\n".join(lines)


def speed() -> dict[str, float]:
    """Return what is added to `fit`, and how long it takes to choose what to review among a million verdicts."""
    turns = [{how: in_process("bench.added", how) for how in ("with", "without")} for _ in range(RUNS)]  # a busy machine is busy for both
    runs = {how: [turn[how] for turn in turns] for how in turns[0]}
    cost = {how: (median([r["cpu"] for r in found]), median([r["peak_mb"] for r in found])) for how, found in runs.items()}
    rng = np.random.default_rng(0)
    right, nothing = rng.beta(8, 1, MANY), np.zeros(MANY, dtype=bool)
    route = np.full(MANY, "pass", dtype=object)
    grounds = Grounds(nothing, nothing, nothing, nothing, lambda override: nothing, lambda seed, rows: rng.random(len(rows)), lambda i: [])
    verdicts = Verdicts(
        np.arange(MANY), np.full(MANY, "a", dtype=object), None, 1 - right, right, right, route, lambda i: [], lambda i: None, grounds
    )
    policy = cp.Policy(costs=cp.Costs(wrong=100, review=5, block=20), reviews_per_day=200, audit=0.05)
    start = cpu()
    policy.fitted_to(verdicts, per_day=5_000)
    taken = cpu() - start
    added = [now / before - 1 for now, before in zip(cost["with"], cost["without"], strict=True)]
    return {"verdicts": MANY, "optimise": taken, "time_added": added[0], "memory_added": added[1], "fit_cpu": cost["with"][0]}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="two models, written nowhere")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--kept", type=Path, default=Path("build/trust"), help="where each model's figures are kept while the run lasts")
    arguments = parser.parse_args()
    jobs = [(name, kind, strong, arguments.seed) for name in TARGETS for kind in models.KINDS for strong in (False, True)]
    if arguments.quick:
        jobs = [(*job, arguments.seed) for job in QUICK]
    kept_in = arguments.kept / state_of_code()
    kept_in.mkdir(parents=True, exist_ok=True)
    places = {job: kept_in / f"{'-'.join(map(str, job))}.json" for job in jobs}
    with ProcessPoolExecutor(arguments.jobs) as pool:
        waiting = {job: pool.submit(measure, job) for job in jobs if arguments.quick or not places[job].exists()}
        found = []
        for job in jobs:
            figures = waiting[job].result() if job in waiting else json.loads(places[job].read_text())
            if job in waiting and not arguments.quick:
                places[job].write_text(json.dumps(figures))
            found.append(figures)
            print(f"{len(found)}/{len(jobs)} {job}: {figures['cpu']:.0f} CPU-s", file=sys.stderr, flush=True)
    result = {"where": where(), "pairs": found, "summary": summary(found)}
    if not arguments.quick:
        result["speed"] = speed()
    print(markdown(result))
    if arguments.seed == 0 and not arguments.quick:
        kept_pairs = [condensed(pair) for pair in found]
        (RESULTS / "trust.json").write_text(json.dumps({**result, "pairs": kept_pairs}, indent=1, sort_keys=True) + "\n")
        into_readme(START, END, markdown(result))
    return 0


if __name__ == "__main__":
    sys.exit(main())
