"""One data set, one model, one seed: fit the firewall with all kinds of damage, without some kinds, without some families; judge the same traffic."""

from __future__ import annotations

import time
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from bench.fooled import judges, models
from bench.fooled.data import Table, load
from bench.fooled.traffic import Traffic, make
from camelopard.confidence.quality import auroc, brier, calibration_error
from camelopard.core.arrays import Array, Bools, Floats
from camelopard.core.batch import Batch
from camelopard.core.protocols import Model
from camelopard.firewall.learn import conclude
from camelopard.firewall.learned import Learned
from camelopard.firewall.panel import Examination
from camelopard.firewall.training import Prepared, prepare
from camelopard.models.wrap import wrap
from camelopard.stress.attack import KIND
from camelopard.stress.damages import catalogue
from camelopard.stress.truth import Truth

BUDGET = 100_000  # model rows for fitting
KIND_GROUPS, FAMILY_GROUPS = 12, 6  # left out together: each head knows less than if only one kind, or family, were left out
FEWEST = 10  # fooled rows for an AUROC
FLOOR = tuple(kind for kind, damage in catalogue().items() if damage.family == "floor")
FAMILY = {kind: damage.family for kind, damage in catalogue().items()} | {KIND: "attack"}
OURS, CLASSIFIER = "camelopard", "is it damaged?"


@dataclass(frozen=True)
class Pair:
    """A data set and a model of it."""

    table: str
    model: str
    strong: bool
    seed: int

    @property
    def name(self) -> str:
        return f"{self.table}-{self.model}-{'strong' if self.strong else 'weak'}-{self.seed}"


@dataclass(frozen=True)
class Judged:
    """What one firewall says of the traffic, each of shape (n,)."""

    risk: Floats
    confidence: Floats
    alarmed: Bools


@dataclass(frozen=True)
class Scene:
    """All that is needed to judge: the parts of a fitted firewall, the traffic, and its evidence."""

    table: Table
    model: Model
    prepared: Prepared
    traffic: Traffic
    found: Examination


def scene(pair: Pair) -> Scene:
    """Train the model, prepare the firewall, make the traffic and measure its evidence."""
    table = load(pair.table, pair.seed)
    model = wrap(models.train(pair.model, pair.strong, table, pair.seed), name=pair.name)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        ready = prepare(model, table.held.X, table.held.y, table.train.X, budget=BUDGET, seed=pair.seed)
    traffic = make(model, table.test, ready.schema, Truth(model.task, ready.about["tolerance"]), pair.seed)
    found = ready.panel.examine(traffic.batch, traffic.answer, model.session(), ready.schema.form)
    return Scene(table, model, ready, traffic, found)


def judged(learned: Learned, there: Scene) -> Judged:
    found = learned.judge(there.traffic.answer, there.found.table)
    return Judged(found.risk, found.confidence, found.score > learned.threshold.value)


def left_out(groups: Sequence[Sequence[str]], there: Scene, seed: int) -> Judged:
    """Return what firewalls say of damage that they never saw.

    Every damaged row is judged by the firewall that was taught without its group, attacks by the one that saw no attack; clean rows by the mean of all.
    """
    ready, traffic = there.prepared, there.traffic
    whole: list[Judged] = []
    for group in groups:
        material = ready.material.without(group)
        whole.append(judged(conclude(ready.panel, material, 0.01, np.random.default_rng([seed, 3])), there))
    mean = Judged(
        *(np.mean([getattr(w, name) for w in whole], axis=0) for name in ("risk", "confidence")), np.mean([w.alarmed for w in whole], axis=0) > 0.5
    )
    risk, confidence, alarmed = mean.risk.copy(), mean.confidence.copy(), mean.alarmed.copy()
    for group, one in zip(groups, whole, strict=True):
        mine = np.isin(traffic.kind.astype(str), list(group)) | (np.char.startswith(traffic.kind.astype(str), "attack") & (KIND in group))
        risk[mine], confidence[mine], alarmed[mine] = one.risk[mine], one.confidence[mine], one.alarmed[mine]
    return Judged(risk, confidence, alarmed)


def kind_groups(kinds: Sequence[str]) -> list[list[str]]:
    """Divide the kinds into groups, relatives apart as far as possible."""
    ordered = sorted(kinds, key=lambda kind: (FAMILY[kind], kind))
    return [ordered[k::KIND_GROUPS] for k in range(KIND_GROUPS) if ordered[k::KIND_GROUPS]]


def family_groups(kinds: Sequence[str]) -> list[list[str]]:
    """Divide the kinds into groups of whole families."""
    families = sorted({FAMILY[kind] for kind in kinds})
    return [[kind for kind in kinds if FAMILY[kind] in families[k::FAMILY_GROUPS]] for k in range(FAMILY_GROUPS) if families[k::FAMILY_GROUPS]]


def measure(pair: Pair) -> dict[str, Any]:
    """Return all figures of a pair, as plain data."""
    start = time.process_time()
    there = scene(pair)
    ready, traffic = there.prepared, there.traffic
    learned = conclude(ready.panel, ready.material, 0.01, np.random.default_rng([pair.seed, 1]))
    seen = judged(learned, there)
    reference = ready.schema.conform(Batch.of(there.table.train.X))
    blind = judges.blind(ready.schema, reference, there.table, traffic, ready.panel.weights, pair.seed)
    kinds = sorted({kind for kind in ready.material.lesson.kind.tolist() if kind})
    by_kind = left_out(kind_groups(kinds), there, pair.seed)
    by_family = left_out(family_groups(kinds), there, pair.seed)
    known = judges.damage_classifier(ready.panel, ready.material, there.found.table, pair.seed)
    return {
        "pair": {"table": pair.table, "model": pair.model, "strong": pair.strong, "seed": pair.seed},
        "accuracy_clean": float(1 - traffic.wrong[traffic.clean].mean()),
        "rows": {
            "clean": int(traffic.clean.sum()),
            "damaged": int((~traffic.clean).sum()),
            "fooled": int(traffic.fooled.sum()),
            "flips": int(traffic.flip.sum()),
        },
        "settings": {
            "seen": figures(traffic, {OURS: seen.risk, CLASSIFIER: known, **blind}),
            "kind left out": figures(traffic, {OURS: by_kind.risk, CLASSIFIER: known, **blind}),
            "family left out": figures(traffic, {OURS: by_family.risk, CLASSIFIER: known, **blind}),
        },
        "wrong": {name: wrong_figures(traffic, who, blind["own confidence"]) for name, who in {"seen": seen, "kind left out": by_kind}.items()},
        "calibration": calibration(traffic, seen),
        "clean_alarms": {"share": float(seen.alarmed[traffic.clean].mean()), "rows": int(traffic.clean.sum())},
        "kinds": kind_figures(traffic, seen, by_kind, by_family),
        "head": "trees" if learned.head.trees is not None else "line" if learned.head.line is not None else "none",
        "cpu": time.process_time() - start,
    }


def figures(traffic: Traffic, scores: dict[str, Floats]) -> dict[str, dict[str, float | None]]:
    """Return per judge what it makes of the traffic: without the floor in everything but one figure, and attacks apart."""
    kind = traffic.kind.astype(str)
    attacked = np.char.startswith(kind, "attack")
    floor = np.isin(kind, FLOOR)
    main = ~attacked & ~floor
    found = {}
    for name, score in scores.items():
        five, one = (np.quantile(score[traffic.clean], 1 - share) for share in (0.05, 0.01))
        found[name] = {
            "auroc": area(score, traffic.fooled, main),
            "auroc_with_floor": area(score, traffic.fooled, ~attacked),
            "flips_caught_at_5": rate(score > five, traffic.flip & main),
            "flips_caught_at_1": rate(score > one, traffic.flip & main),
            "harmless_flagged_at_5": rate(score > five, traffic.harmless & main),
            "attacks_caught_at_5": rate(score > five, traffic.fooled & attacked),
        }
    return found


def wrong_figures(traffic: Traffic, who: Judged, own: Floats) -> dict[str, float | None]:
    main = ~np.char.startswith(traffic.kind.astype(str), "attack") & ~np.isin(traffic.kind.astype(str), FLOOR)
    return {OURS: area(1 - who.confidence, traffic.wrong, main), "own confidence": area(own, traffic.wrong, main)}


def calibration(traffic: Traffic, seen: Judged) -> dict[str, float]:
    """Return calibration errors on the declared mix: half clean rows, half damaged ones."""
    main = ~np.char.startswith(traffic.kind.astype(str), "attack")
    clean, damaged = np.flatnonzero(main & traffic.clean), np.flatnonzero(main & ~traffic.clean)
    n = min(len(clean), len(damaged))
    rng = np.random.default_rng(0)
    rows = np.r_[rng.permutation(clean)[:n], rng.permutation(damaged)[:n]]
    wrong = 1 - seen.confidence[rows]
    return {
        "ece_risk": calibration_error(seen.risk[rows], traffic.fooled[rows]),
        "ece_wrong": calibration_error(wrong, traffic.wrong[rows]),
        "brier_wrong": brier(wrong, traffic.wrong[rows]),
        "rows": 2 * n,
    }


def kind_figures(traffic: Traffic, *who: Judged) -> dict[str, dict[str, Any]]:
    """Return per kind of damage how many rows fool the model, and the AUROC against clean rows in each setting."""
    found = {}
    for kind in sorted(set(traffic.kind.tolist()) - {""}):
        mine = traffic.kind == kind
        rows = mine | traffic.clean
        found[kind] = {"n": int(mine.sum()), "fooled": float(traffic.fooled[mine].mean()), "auroc": [area(w.risk, traffic.fooled, rows) for w in who]}
    return found


def area(score: Floats, event: Bools, rows: Bools) -> float | None:
    """Return the AUROC among some rows; None with too few events."""
    k = int(event[rows].sum())
    return None if k < FEWEST or k == int(rows.sum()) else auroc(score[rows], event[rows])


def rate(flagged: Bools, among: Array) -> float | None:
    return None if int(among.sum()) < FEWEST else float(flagged[among].mean())
