"""One data set, one model, one seed: fit the firewall with all kinds of damage, without some kinds, without some families; judge the same traffic."""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

from bench.fooled import judges, models
from bench.fooled.data import Table, load
from bench.fooled.traffic import Traffic, make
from camelopard.confidence.quality import auroc, brier, calibration_error
from camelopard.core.arrays import Array, Bools, Floats
from camelopard.core.batch import Batch
from camelopard.core.protocols import Model
from camelopard.firewall.learn import heard, risk_of
from camelopard.firewall.panel import Examination
from camelopard.firewall.risk_head import RiskHead
from camelopard.firewall.training import Prepared, prepare
from camelopard.firewall.unseen import concluded
from camelopard.models.wrap import wrap
from camelopard.stress.attack import KIND
from camelopard.stress.damages import catalogue
from camelopard.stress.truth import Truth

FEWEST = 10  # fooled rows for an AUROC
DRAWS = 40  # of luck, for what calibration could be
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
    """What a judge says of the traffic, each of shape (n,).

    `score`: higher for worse. `rank`: the share of clean rows that the same judge finds as bad or worse, on which rates at so many clean alarms rest.
    """

    score: Floats
    rank: Floats

    @classmethod
    def of(cls, score: Floats, clean: Bools, least: float = -np.inf) -> Judged:
        """Rank scores; all below `least` are alike: nobody would stop such a row."""
        raised = np.maximum(score, least)
        known = np.sort(raised[clean])
        return cls(score, 1.0 - np.searchsorted(known, raised, side="left") / len(known))


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
        ready = prepare(model, table.held.X, table.held.y, table.train.X, seed=pair.seed)
    traffic = make(model, table.test, ready.schema, Truth(model.task, ready.about["tolerance"]), pair.seed)
    found = ready.panel.examine(traffic.batch, traffic.answer, model.session(), ready.schema.form)
    return Scene(table, model, ready, traffic, found)


def taught_without(there: Scene, seed: int) -> Callable[[tuple[str, ...]], Judged]:
    """Return how to judge the traffic by a firewall that never saw some kinds of damage: its risk, and the rank of that among clean rows.

    Of each such firewall only what gives the risk is taught, and only once: a family of one kind is that kind.
    """
    ready, traffic, clean = there.prepared, there.traffic, there.traffic.clean

    @cache
    def judged(kinds: tuple[str, ...]) -> Judged:
        material = heard(ready.panel, ready.material.without(kinds))
        head = RiskHead.learn(material.lesson, np.random.default_rng([seed, 3]), ready.panel.summary, ready.panel.certain)
        risk = risk_of(material.check, head.score(material.check.table, material.check.answer))
        score = head.score(there.found.table, traffic.answer)
        return Judged.of(risk.probability(score[:, None]), clean, material.check.least_risk)

    return judged


def left_out(groups: Sequence[tuple[str, ...]], traffic: Traffic, judged: Callable[[tuple[str, ...]], Judged], seed: int) -> Judged:
    """Return what firewalls say of damage that they never saw.

    Every damaged row is judged by the firewall that was taught without its group, attacks by the one that saw no attack; clean rows are dealt out
    among all of them.
    """
    kind, clean = traffic.kind.astype(str), traffic.clean
    dealt = np.random.default_rng([seed, 5]).integers(0, len(groups), len(kind))
    risk, rank = np.zeros(len(kind)), np.ones(len(kind))
    for k, group in enumerate(groups):
        found = judged(group)
        mine = np.isin(kind, group) | (np.char.startswith(kind, "attack") & (KIND in group)) | (clean & (dealt == k))
        risk[mine], rank[mine] = found.score[mine], found.rank[mine]
    return Judged(risk, rank)


def families(kinds: Sequence[str]) -> list[tuple[str, ...]]:
    """Divide the kinds into their families."""
    return [tuple(kind for kind in kinds if FAMILY[kind] == family) for family in sorted({FAMILY[kind] for kind in kinds})]


def measure(pair: Pair) -> dict[str, Any]:
    """Return all figures of a pair, as plain data."""
    start = time.process_time()
    there = scene(pair)
    ready, traffic = there.prepared, there.traffic
    learned = concluded(ready.panel, ready.material, 0.01, np.random.default_rng([pair.seed, 1]))
    said = learned.judge(traffic.answer, there.found.table)
    reference = ready.schema.conform(Batch.of(there.table.train.X))
    blind = judges.blind(ready.schema, reference, there.table, traffic, ready.panel.weights, pair.seed)
    kinds = sorted({kind for kind in ready.material.lesson.kind.tolist() if kind})
    known = judges.damage_classifier(ready.material, there.found.table, pair.seed)
    others = {name: Judged.of(score, traffic.clean) for name, score in {CLASSIFIER: known, **blind}.items()}
    without = taught_without(there, pair.seed)
    ours = {
        "seen": Judged.of(said.risk, traffic.clean, ready.material.check.least_risk),
        "kind left out": left_out([(kind,) for kind in kinds], traffic, without, pair.seed),
        "family left out": left_out(families(kinds), traffic, without, pair.seed),
    }
    return {
        "pair": {"table": pair.table, "model": pair.model, "strong": pair.strong, "seed": pair.seed},
        "accuracy_clean": float(1 - traffic.wrong[traffic.clean].mean()),
        "rows": {
            "clean": int(traffic.clean.sum()),
            "damaged": int((~traffic.clean).sum()),
            "fooled": int(traffic.fooled.sum()),
            "flips": int(traffic.flip.sum()),
        },
        "settings": {setting: figures(traffic, {OURS: mine, **others}) for setting, mine in ours.items()},
        "wrong": wrong_figures(traffic, said.confidence, blind["own confidence"]),
        "calibration": calibration(traffic, said.risk, said.confidence),
        "clean_alarms": {
            "possible": bool(np.isfinite(learned.threshold.value)),
            "share": float((said.score > learned.threshold.value)[traffic.clean].mean()),
            "rows": int(traffic.clean.sum()),
        },
        "kinds": kind_figures(traffic, *(judged.score for judged in ours.values())),
        "head": "trees" if learned.head.known.trees is not None else "line" if learned.head.known.line is not None else "none",
        "cpu": time.process_time() - start,
    }


def figures(traffic: Traffic, judged: dict[str, Judged]) -> dict[str, dict[str, float | None]]:
    """Return per judge what it makes of the traffic: without the floor in everything but one figure, and attacks apart."""
    kind = traffic.kind.astype(str)
    attacked = np.char.startswith(kind, "attack")
    floor = np.isin(kind, FLOOR)
    main = ~attacked & ~floor
    found = {}
    for name, by in judged.items():
        five, one = by.rank < 0.05, by.rank < 0.01
        found[name] = {
            "auroc": area(by.score, traffic.fooled, main),
            "auroc_with_floor": area(by.score, traffic.fooled, ~attacked),
            "flips_caught_at_5": rate(five, traffic.flip & main),
            "flips_caught_at_1": rate(one, traffic.flip & main),
            "harmless_flagged_at_5": rate(five, traffic.harmless & main),
            "attacks_caught_at_5": rate(five, traffic.fooled & attacked),
        }
    return found


def wrong_figures(traffic: Traffic, confidence: Floats, own: Floats) -> dict[str, float | None]:
    main = ~np.char.startswith(traffic.kind.astype(str), "attack") & ~np.isin(traffic.kind.astype(str), FLOOR)
    return {OURS: area(1 - confidence, traffic.wrong, main), "own confidence": area(own, traffic.wrong, main)}


def calibration(traffic: Traffic, risk: Floats, confidence: Floats) -> dict[str, float]:
    """Return calibration errors on the declared mix: clean rows weigh half, damaged ones half, each kind alike."""
    kind = traffic.kind.astype(str)
    rows = np.flatnonzero(~np.char.startswith(kind, "attack"))
    names, which, counts = np.unique(kind[rows], return_inverse=True, return_counts=True)
    weight = np.where(names == "", 0.5, 0.5 / max(len(names) - 1, 1))[which] / counts[which]
    wrong, fooled = 1 - confidence[rows], traffic.fooled[rows]
    # What a calibrated judge would show on so few rows: a row and its damaged twins are right or wrong together, as far as they can be.
    luck = np.random.default_rng(0).random((DRAWS, int(traffic.origin.max()) + 1))
    perfect = [calibration_error(wrong, draw[traffic.origin[rows]] < wrong, weight=weight) for draw in luck]
    return {
        "ece_risk": calibration_error(risk[rows], fooled, weight=weight),
        "ece_wrong": calibration_error(wrong, traffic.wrong[rows], weight=weight),
        "ece_wrong_if_calibrated": float(np.mean(perfect)),
        "brier_wrong": brier(wrong, traffic.wrong[rows], weight),
        "rows": len(rows),
    }


def kind_figures(traffic: Traffic, *who: Floats) -> dict[str, dict[str, Any]]:
    """Return per kind of damage how many rows fool the model, and the AUROC against clean rows in each setting."""
    found = {}
    for kind in sorted(set(traffic.kind.tolist()) - {""}):
        mine = traffic.kind == kind
        rows = mine | traffic.clean
        found[kind] = {
            "n": int(mine.sum()),
            "fooled": float(traffic.fooled[mine].mean()),
            "auroc": [area(risk, traffic.fooled, rows) for risk in who],
        }
    return found


def area(score: Floats, event: Bools, rows: Bools) -> float | None:
    """Return the AUROC among some rows; None with too few events."""
    k = int(event[rows].sum())
    return None if k < FEWEST or k == int(rows.sum()) else auroc(score[rows], event[rows])


def rate(flagged: Bools, among: Array) -> float | None:
    return None if int(among.sum()) < FEWEST else float(flagged[among].mean())
