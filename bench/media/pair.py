"""One task, one seed: fit a firewall, damage the test rows, and hold what it says against what is true, beside the judges of today."""

from __future__ import annotations

import time
import warnings
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from bench.media.data import Part, Task, load
from bench.media.intervals import aurocs, caughts, weights_of
from bench.media.odd import odd_texts
from bench.media.rivals import Rivals, stacked
from camelopard.confidence.quality import auroc, brier, calibration_error
from camelopard.core.arrays import Array, Bools, Floats, Ints
from camelopard.core.batch import Batch, concat
from camelopard.core.protocols import Session
from camelopard.core.records import Prediction
from camelopard.core.schema import Schema
from camelopard.firewall.learn import conclude
from camelopard.firewall.learned import Learned
from camelopard.firewall.material import DAMAGED_ROWS
from camelopard.firewall.panel import Examination
from camelopard.firewall.stressed import gather
from camelopard.firewall.training import Prepared, prepare
from camelopard.firewall.unseen import concluded
from camelopard.stress.damages import catalogue
from camelopard.stress.runner import run
from camelopard.stress.truth import Truth

BUDGET = 120_000  # model rows for fitting
MODEL_ROWS, DAMAGED = 25_000, 4_000  # to make the damaged test rows, and how many are kept
STACK_ROWS = 50_000  # to make the damaged rows that teach a stack of rivals, of which as many are kept as teach ours
NOVEL = "novel"
ODD = ("language", "encoding", "look-alike", "nonsense")  # families of text that are no text of this kind, whatever the model makes of them
FAMILY = {kind: damage.family for kind, damage in catalogue().items()}


@dataclass(frozen=True)
class Scene:
    """All that is needed to judge. `kind`: the damage, "" for clean rows, "novel" for rows of classes that nobody was taught.

    `origin`: which clean row each comes of, itself or another one.
    """

    task: Task
    ready: Prepared
    found: Examination
    answer: Prediction
    kind: Array
    fooled: Bools
    wrong: Bools
    seconds: float
    origin: Ints


def scene(name: str, seed: int) -> Scene:
    """Train the model, prepare the firewall, damage the test rows and measure their evidence."""
    return staged(load(name, seed), seed)


def staged(task: Task, seed: int, budget: int = BUDGET) -> Scene:
    """Return the same for a task that is there already."""
    start = time.process_time()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        ready = prepare(task.model, task.held.X, task.held.y, task.train.X, budget=budget, seed=seed)
    seconds = time.process_time() - start
    session = task.model.session(None, thrifty=True)
    rows = struck(task.test, ready.schema, session, np.random.default_rng([seed, 11]), MODEL_ROWS, DAMAGED, task.novel)
    found = ready.panel.examine(rows.batch, rows.answer, session, ready.schema.form)
    return Scene(task, ready, found, rows.answer, rows.kind, rows.fooled, rows.wrong, seconds, rows.origin)


@dataclass(frozen=True)
class Struck:
    """Clean rows, damaged ones and novel ones that the model answers, and what is true of them, as in a scene."""

    batch: Batch
    answer: Prediction
    kind: Array
    fooled: Bools
    wrong: Bools
    origin: Ints


def struck(
    part: Part, schema: Schema, session: Session, rng: np.random.Generator, model_rows: int, damaged: int, novel: Part | None = None
) -> Struck:
    """Damage rows in every way, and ask the model about them, clean and damaged."""
    truth = Truth("classification", 0.0)
    clean = schema.conform(Batch.of(part.X))
    cases = run(session, clean, schema, truth, list(catalogue().values()), rng=rng, budget=model_rows, pool=len(clean))
    stressed = gather(cases, schema, damaged, rng)
    assert stressed is not None
    batches, kinds = [clean, stressed.batch], [np.full(len(clean), "", dtype=object), stressed.kind.astype(object)]
    labels, origins = [part.y, part.y[stressed.origin]], [np.arange(len(clean)), stressed.origin]
    fooled = [np.zeros(len(clean), dtype=bool), truth.fooled(stressed.before, session.predict(stressed.batch))]
    if novel is not None:
        batches.append(schema.conform(Batch.of(novel.X)))
        kinds.append(np.full(len(novel.y), NOVEL, dtype=object))
        labels.append(np.full(len(novel.y), -1))
        fooled.append(np.zeros(len(novel.y), dtype=bool))
        origins.append(len(clean) + np.arange(len(novel.y)))
    batch = concat(batches).renumbered()
    answer = session.predict(batch)
    keep = np.flatnonzero(~answer.failed)
    batch, answer, label, kind = batch.take(keep), answer.take(keep), np.concatenate(labels)[keep], np.concatenate(kinds)[keep]
    wrong = np.array([a != b for a, b in zip(answer.value.tolist(), label.tolist(), strict=True)])
    return Struck(batch, answer, kind, np.concatenate(fooled)[keep], wrong, np.concatenate(origins)[keep])


def measure(name: str, seed: int) -> dict[str, Any]:
    """Return all figures of a task and a seed, as plain data."""
    there = scene(name, seed)
    learned = concluded(there.ready.panel, there.ready.material, 0.01, np.random.default_rng([seed, 1]))
    said = learned.judge(there.answer, there.found.table)
    outside = learned.outside(there.found)
    odd, novelty = learned.oddity(there.found), learned.novelty(there.found)
    clean, known = there.kind == "", there.kind != NOVEL
    weight = shared(there.kind)
    ours = {"camelopard: 1 − confidence": 1 - said.confidence, "camelopard: risk": said.risk, "camelopard: oddity": odd}
    judges = {**ours, **({} if novelty is None else {"camelopard: novelty": novelty}), **rivals(there), **stacks(there, seed)}
    at = {**judges, "camelopard: risk": np.maximum(said.risk, there.ready.material.check.least_risk)}  # below it nobody is stopped
    right = ~there.wrong
    strange = ~known | (clean & right)
    harmful, harmless = there.fooled & there.wrong & known, ~clean & known & ~there.fooled & right
    figures = {
        who: {
            "wrong": auroc(score[known], there.wrong[known], weight[known]),
            "wrong_all": auroc(score, there.wrong, weight),
            "novel": auroc(score[strange], ~known[strange]) if (~known).any() else None,
            "fooled": auroc(score[known], there.fooled[known], weight[known]),
            "flips_at_5": caught(at[who], clean, harmful),
            "harmless_at_5": caught(at[who], clean, harmless),
        }
        for who, score in judges.items()
    }
    drawn = weights_of(there.origin, np.ones(len(clean)), np.random.default_rng([seed, 7]))
    draws = {
        who: {
            "wrong": aurocs(score[known], there.wrong[known], (drawn * weight)[:, known]).tolist(),
            "novel": aurocs(score[strange], ~known[strange], drawn[:, strange]).tolist() if (~known).any() else None,
            "fooled": aurocs(score[known], there.fooled[known], (drawn * weight)[:, known]).tolist(),
            "flips_at_5": caughts(at[who], clean, harmful, drawn).tolist(),
            "harmless_at_5": caughts(at[who], clean, harmless, drawn).tolist(),
        }
        for who, score in judges.items()
    }
    sure = said.confidence
    inside = ~outside
    return {
        "task": name,
        "seed": seed,
        "rows": {"clean": int(clean.sum()), "damaged": int((~clean & known).sum()), "novel": int((~known).sum()), "fooled": int(there.fooled.sum())},
        "accuracy": float(right[clean].mean()),
        "judges": figures,
        "draws": draws,
        "held_out": held_out(there, seed),
        "ece": calibration_error(1 - sure[known], there.wrong[known], weight=weight[known]),
        "ece_own": calibration_error(1 - own(there)[known], there.wrong[known], weight=weight[known]),
        "ece_all": calibration_error(1 - sure, there.wrong, weight=weight),
        "ece_inside": calibration_error(1 - sure[inside], there.wrong[inside], weight=weight[inside]),
        "brier": brier(1 - sure[known], there.wrong[known], weight[known]),
        "novel_outside": float(outside[~known].mean()) if (~known).any() else None,
        "clean_outside": float(outside[clean].mean()),
        "odd_at_1": odd_texts(there.task, there.ready, learned, seed) if name == "reviews" else None,
        "alarms": float((said.score > learned.threshold.value)[clean].mean()),
        "fit_seconds": there.seconds,
    }


def own(there: Scene) -> Floats:
    """Return the model's own confidence."""
    return np.asarray(there.answer.shares.max(axis=1), dtype=np.float64)


def shared(kind: Array) -> Floats:
    """Return weights: half for clean rows, half for all others, each kind alike."""
    names, which, counts = np.unique(kind.astype(str), return_inverse=True, return_counts=True)
    return np.asarray(np.where(names == "", 0.5, 0.5 / max(len(names) - 1, 1))[which] / counts[which] * len(kind), dtype=np.float64)


def caught(score: Floats, clean: Bools, event: Bools) -> float | None:
    """Return the share of these rows that are found worse than all but 5 % of the clean rows."""
    known = np.sort(score[clean])
    rank = 1.0 - np.searchsorted(known, score, side="left") / len(known)
    return float((rank < 0.05)[event].mean()) if event.any() else None


def held_out(there: Scene, seed: int) -> dict[str, dict[str, float]]:
    """Return per family the AUROC of wrong on its rows and clean ones, of a firewall that was taught without it, and of the model's own confidence."""
    found = {}
    for family in sorted({FAMILY[kind] for kind in there.kind.tolist() if kind in FAMILY}):
        group = [kind for kind, of in FAMILY.items() if of == family]
        learned = _without(there, group, seed)
        rows = (there.kind == "") | np.isin(there.kind, group)
        if int(there.wrong[rows].sum()) >= 10:
            sure = learned.judge(there.answer, there.found.table).confidence
            w = shared(there.kind[rows])
            found[family] = {
                "ours": auroc(1 - sure[rows], there.wrong[rows], w),
                "own": auroc(1 - own(there)[rows], there.wrong[rows], w),
            }
    return found


def _without(there: Scene, group: list[str], seed: int) -> Learned:
    attacks = set(there.ready.material.lesson.kind.tolist()) - set(FAMILY) - {""}  # searches make changes of many families
    material = there.ready.material.without([*group, *attacks])
    return conclude(there.ready.panel, replace(material), 0.01, np.random.default_rng([seed, 3]))


def rivals(there: Scene) -> dict[str, Floats]:
    """Return what people use today, on the same rows: the model's own confidence, and distances in its features where it shows them."""
    return Rivals(there.task).scores(there.found.batch, there.answer)


def stacks(there: Scene, seed: int) -> dict[str, Floats]:
    """Return all rivals' scores together, taught as ours is: by the rows that the firewall was given, clean and damaged in the same ways, and labels.

    Nothing where there is a single rival: one score alone is ranked as it is.
    """
    known = Rivals(there.task)
    if not known.shows:
        return {}
    session = there.task.model.session(None, thrifty=True)
    rows = struck(there.task.held, there.ready.schema, session, np.random.default_rng([seed, 13]), STACK_ROWS, DAMAGED_ROWS)
    taught, asked = (np.column_stack([*known.scores(*part).values()]) for part in ((rows.batch, rows.answer), (there.found.batch, there.answer)))
    weight = shared(rows.kind)
    return {
        f"stacked by {how}, taught {what}": score
        for what, event in (("wrong", rows.wrong), ("fooled", rows.fooled))
        for how, score in stacked(taught, event, weight, asked, seed).items()
    }
