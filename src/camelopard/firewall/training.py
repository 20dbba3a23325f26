"""From a model and clean rows to a firewall: read, split, stress, learn, calibrate."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from camelopard.confidence.conformal import fewest_on_average
from camelopard.core.arrays import Array, Ints
from camelopard.core.batch import Batch, plain
from camelopard.core.errors import CamelopardError, InputError
from camelopard.core.labels import checked_labels, with_labels
from camelopard.core.protocols import Model, Progress, Session, silent, wrapped
from camelopard.core.schema import MEDIA, Schema
from camelopard.firewall.content import Contents
from camelopard.firewall.gauge import Gauge, check_members, check_pictures, kinds_of
from camelopard.firewall.large import Large
from camelopard.firewall.learn import FEWEST_ROWS, learn_panel, learn_without_model, weights_of
from camelopard.firewall.learned import Learned
from camelopard.firewall.likeness import ROWS as RECOGNISED
from camelopard.firewall.likeness import Likeness
from camelopard.firewall.little import little
from camelopard.firewall.material import Material, Purse, Split, answered, collect
from camelopard.firewall.panel import Panel, narrow_of
from camelopard.firewall.policy import Policy
from camelopard.firewall.seen import warn_if_seen
from camelopard.firewall.struck import struck
from camelopard.firewall.uncertainty import decided, untried
from camelopard.firewall.underfit import rival
from camelopard.firewall.unseen import concluded
from camelopard.modality.image import opened
from camelopard.modality.picture_files import drawn_within
from camelopard.stress.budget import PIXELS, Budget, Clock, parse, pixel_seconds
from camelopard.stress.damages import catalogue
from camelopard.stress.foremost import foremost
from camelopard.stress.report import StressReport
from camelopard.stress.runner import Case, run
from camelopard.stress.searching import search
from camelopard.stress.study import stress
from camelopard.stress.truth import Truth, tolerance_of

SHARES = {  # of the model rows, where a budget limits them
    "clean": 0.08,
    "reference": 0.05,
    "seen": 0.015,
    "stress": 0.25,
    "twins": 0.1,
}
TEACHING = 0.6  # of the model rows that are left then; with the others evidence is measured that calibrates
ATTACKED, QUERIES = 40, 100  # calibration rows attacked, without a limit; model rows for each
ATTACK_SHARE = 0.03  # of the model rows, where a budget limits them
TWINS = 12  # calibration rows per damage, column and severity, without a limit
FIRST_LOOK = 64  # rows asked to learn how fast the model is, where seconds count
OWN_SECONDS = 120e-6  # what a model row costs besides the model, and besides the pixels of a picture
TIME_SHARE = 0.8  # of the seconds are planned


@dataclass(frozen=True)
class Trained:
    """A fitted firewall's parts: what clean data looks like, what was learned, the stress report, and what it is about."""

    schema: Schema
    learned: Learned
    report: StressReport
    about: Mapping[str, Any]
    likeness: Likeness | None = None


@dataclass(frozen=True)
class Prepared:
    """All that is known before the head learns: what `Trained` has, with the evidence in place of what is learned from it.

    `gauge` measured kinds of uncertainty beside the evidence, None where none was asked for or there are no labels.
    """

    schema: Schema
    panel: Panel
    material: Material
    report: StressReport
    about: Mapping[str, Any]
    gauge: Gauge | None = None


def train(
    model: Model | None,
    X: Any,
    y: Any,
    reference: Any,
    *,
    alpha: float,
    budget: int | str | None,
    seed: int,
    progress: Progress,
    uncertainty: str | None = None,
    policy: Policy | None = None,
) -> Trained:
    """Return a trained firewall. See `Firewall.fit`."""
    if model is None:
        trained = _from_data(_read(X, y, reference, np.random.default_rng(seed), alpha), alpha, budget, seed, progress)
        return trained if uncertainty is None else replace(trained, about={**trained.about, "uncertainty": untried(uncertainty, "there is no model")})
    ready = prepare(wrapped(model), X, y, reference, alpha=alpha, budget=budget, seed=seed, progress=progress, uncertainty=uncertainty)
    if uncertainty is not None:
        ready = _with_uncertainty(ready, uncertainty, seed, progress)
    progress("learning what fools the model", 0, 1)
    learned = concluded(ready.panel, ready.material, alpha, np.random.default_rng([seed, 1]), policy)
    progress("learning what fools the model", 1, 1)
    found = little(learned, ready.material.lesson, budget is not None)
    about = {**ready.about, "little_learned": found} if found else ready.about
    return Trained(ready.schema, learned, ready.report, about, Likeness.of(model, ready.panel, ready.schema.form))


def _with_uncertainty(ready: Prepared, asked_for: str, seed: int, progress: Progress) -> Prepared:
    """Return what is prepared with the kind of uncertainty that surely helps, if any does, and with what was found about it."""
    if ready.gauge is None:
        return replace(ready, about={**ready.about, "uncertainty": untried(asked_for, "no labels were given")})
    progress("weighing uncertainty", 0, 1)
    panel, material, found = decided(ready.panel, ready.material, ready.gauge, asked_for, seed)
    progress("weighing uncertainty", 1, 1)
    about = {**ready.about, "uncertainty": found, "asked": ready.about["asked"] + found["asked"]}
    return replace(ready, panel=panel, material=material, about=about)


def prepare(
    model: Model,
    X: Any,
    y: Any,
    reference: Any,
    *,
    alpha: float = 0.01,
    budget: int | str | None = None,
    seed: int = 0,
    progress: Progress = silent,
    uncertainty: str | None = None,
) -> Prepared:
    """Stress the model and measure the evidence of clean and damaged rows: all of fitting but the learning itself.

    `alpha` says how many rows must calibrate so that alarms are possible: where there are few rows, a larger part of them.
    `uncertainty` is measured beside the evidence, in a run of its own with as large a budget again.
    """
    given = _read(X, y, reference, np.random.default_rng(seed), alpha)
    schema, batch, labels, rng = given.schema, given.batch, given.labels, given.rng
    check_pictures(uncertainty, schema)
    encoder = encoder_of(model, batch)
    rows = rows_allowed(parse(budget), model, batch)
    large = Large.of(batch, rows)
    session = model.session(None, thrifty=True)
    least = fewest_on_average(alpha)
    split = given.split.thinned(_part(rows, SHARES["clean"]) or large.clean, rng, least)
    good, answer = answered(model, batch, split.rows, session)
    raising = int((~good[split.calibrate]).sum())
    split = split.only(good)
    seen = split.rows
    kinds = kinds_of(uncertainty) if labels is not None else ()
    check_members(kinds, session, batch.take(seen))
    if labels is not None:
        _check_classes(checked_labels(labels[seen], model, answer.take(seen)), model)
    warn_if_seen(model, batch.take(seen), _taken(labels, seen), given.reference, schema, session, rng, _part(rows, SHARES["seen"]))
    truth = Truth(model.task, tolerance_of(answer.take(seen), _taken(labels, seen), model.task))
    taught, held = batch.take(split.teach), batch.take(split.calibrate)
    labelled = None if labels is None else (labels[split.teach], labels[split.calibrate])
    plain = {} if labelled is None else rival(schema, taught, labelled[0], held, labelled[1], answer.take(split.calibrate), model.task, seed)
    report = stress(model, taught, _taken(labels, split.teach), budget=_part(rows, SHARES["stress"]), seed=seed, schema=schema, progress=progress)
    anchor = taught if given.reference is None else _fewer(given.reference, _part(rows, SHARES["reference"]) or large.clean, rng)
    panel = learn_panel(schema, anchor, session.predict(anchor), model, truth, weights_of(report, schema), given.reference is None, session)
    panel.narrow = narrow_of(panel.reader.views, answer.take(split.teach), model.task)
    if labelled is not None and model.task == "classification":
        panel.contents = Contents.learn(panel.reader.views, {"teach": (taught, labelled[0]), "calibrate": (held, labelled[1])}, model.classes)
    again = model.session(_part(rows, SHARES["twins"]), thrifty=True)
    damages = list(catalogue().values())
    few = {"rows_per_case": TWINS, "pixels": PIXELS // 2} if rows is None else {"budget": _part(rows, SHARES["twins"])}
    twins = run(again, held, schema, truth, damages, pool=_part(rows, SHARES["twins"] / 4) or len(held), rng=rng, progress=progress, **few)
    twins = [*twins, *attacked(again, held, schema, truth, rng, _queries(rows, large.searched) // QUERIES)]
    struck_by = panel.narrow, schema, truth, rng, _part(rows, ATTACK_SHARE) or large.searched
    twins += struck(again, held, answer.take(split.calibrate), *struck_by)
    asked = session.asked + int(report.cost["asked"]) + again.asked + RECOGNISED
    left = None if rows is None else max(rows - asked, 0)
    purses = [
        Purse(model.session(part, thrifty=True), part, suspicious=panel.suspicious, pictures=large.damaged, least=clean)
        for part, clean in ((_part(left, TEACHING), 0), (_part(left, 1 - TEACHING), least))
    ]
    lessons = [*report.cases, *struck(purses[0].session, taught, answer.take(split.teach), *struck_by)]
    teach = taught, lessons, _taken(labels, split.teach), purses[0]
    calibrate = held, twins, _taken(labels, split.calibrate), purses[1]
    gauge = Gauge(panel, kinds, model.session(rows, thrifty=True)) if kinds else None
    material = collect(panel, schema, truth, teach, calibrate, rng, progress, gauge)
    about = {
        "model": {"name": model.name, "task": model.task, "classes": list(model.classes), **encoder},
        "mode": "model",
        "rows": {"taught": len(taught), "calibrated": len(held), "raising": raising, "reference": _length(given.reference)},
        "tolerance": truth.tolerance,
        "labelled": labels is not None,
        "plain_model": plain,
        "mix": "half clean rows, half damaged rows, every kind of damage alike",
        "asked": asked + sum(purse.session.asked for purse in purses),
        "findings": foremost(report.findings),
        **large.told((material.lesson, material.check)),
    }
    return Prepared(schema, panel, material, report, about, gauge)


def encoder_of(model: Model, batch: Batch) -> dict[str, Any]:
    """Return what there is to say about a model's text encoder: nothing where there is none, ModelError where there are no texts to encode."""
    encoder = getattr(model, "encoder", None)
    if encoder is None:
        return {}
    encoder.places(batch.take(slice(0, 1)))
    return {"encoder": {"name": encoder.name, "numbers": encoder.width}}


def _check_classes(labels: Array, model: Model) -> None:
    if model.task == "classification" and len({plain(label) for label in labels.tolist()}) < 2:
        raise InputError(
            f"all {len(labels)} rows that the model answers have the label {plain(labels[0])!r}: that teaches nothing about right and wrong. "
            "Give rows of two classes at least, or no labels."
        )


def attacked(session: Session, batch: Batch, schema: Schema, truth: Truth, rng: np.random.Generator, rows: int) -> list[Case]:
    """Return the smallest changes that move the answer of some rows, as cases; none where the budget ends."""
    try:
        found = search(session, batch, schema, truth, rng, rows=rows, queries_per_row=QUERIES) if rows else []
    except CamelopardError:
        return []
    return [case for result in found for case in result.cases(np.arange(len(batch)))]


@dataclass(frozen=True)
class Given:
    """What `fit` was given, read: rows and reference rows conformed to the schema, labels, and which rows teach and which calibrate.

    `known`: the schema was learned from rows that teach, not from reference rows of their own.
    """

    schema: Schema
    batch: Batch
    labels: Array | None
    reference: Batch | None
    split: Split
    rng: np.random.Generator
    known: bool = False


def _read(X: Any, y: Any, reference: Any, rng: np.random.Generator, alpha: float) -> Given:
    """Read and split. The schema comes from the reference rows, or from the rows that teach: rows that calibrate must be as new to it as any."""
    batch, labels = with_labels(Batch.of(X), y)
    known = None if reference is None else Batch.of(reference)
    if (some := drawn_within(batch, rng)) is not None:
        batch, labels = batch.take(some), _taken(labels, some)
    if known is not None and (some := drawn_within(known, rng)) is not None:
        known = known.take(some)
    batch = opened(batch, known)
    if len(batch) < FEWEST_ROWS:
        raise InputError(
            f"{len(batch)} rows are too few to learn from; expected at least {FEWEST_ROWS} clean rows that the model was not trained on."
        )
    split = Split.of(len(batch), rng, fewest_on_average(alpha))
    if known is None:
        schema = Schema.infer(batch.take(split.teach))
        whole = schema.conform(batch)
        if schema.of_kind(*MEDIA):  # what is learned from a text or a picture knows it, and its damaged twins: these teach nothing else
            apart, split = split.apart()
            return Given(schema, whole, labels, whole.take(apart), split, rng, known=True)
        return Given(schema, whole, labels, None, split, rng, known=True)
    known = opened(known, batch)
    shared = [name for name in known.names if name in batch.columns]
    if not shared:
        raise InputError(f"X and reference share no column. X has {list(batch.names)[:10]}, reference has {list(known.names)[:10]}.")
    schema = Schema.infer(known.select(shared))
    return Given(schema, schema.conform(batch), labels, schema.conform(known), split, rng)


def _taken(labels: Array | None, rows: Ints) -> Array | None:
    return None if labels is None else labels[rows]


def _length(batch: Batch | None) -> int:
    return 0 if batch is None else len(batch)


def rows_allowed(limit: Budget, model: Model, batch: Batch) -> int | None:
    """Return the model rows that a budget allows, None for no limit; seconds are turned into rows at the model's own pace."""
    if limit.seconds is None:
        return limit.rows
    clock, look = Clock(limit.seconds), model.session(None)
    some = batch.take(slice(0, FIRST_LOOK))
    look.predict(some)
    return max(1000, int(TIME_SHARE * limit.seconds / (clock.spent / len(some) + OWN_SECONDS + pixel_seconds(some))))


def _part(rows: int | None, share: float) -> int | None:
    return None if rows is None else max(40, int(share * rows))


def _queries(rows: int | None, pictures: int | None) -> int:
    """Return the model rows that the attacks on rows that calibrate may take; `pictures`: as many at most, where they are large."""
    return _part(rows, ATTACK_SHARE) or min(ATTACKED * QUERIES, ATTACKED * QUERIES if pictures is None else pictures)


def _fewer(batch: Batch, most: int | None, rng: np.random.Generator) -> Batch:
    """Return at most so many rows, drawn at random."""
    return batch if most is None or len(batch) <= most else batch.take(np.sort(rng.permutation(len(batch))[:most]))


def _from_data(given: Given, alpha: float, budget: int | str | None, seed: int, progress: Progress) -> Trained:
    schema, split = given.schema, given.split
    reference = None if given.known else given.reference  # rows that teach are as good to learn from as those of them that were set apart
    known = given.batch.take(np.setdiff1d(np.arange(len(given.batch)), split.calibrate)) if reference is None else reference
    held = given.batch.take(split.calibrate if reference is None else split.rows)
    report = stress(None, known, budget=budget, seed=seed, schema=schema, progress=progress)
    panel = learn_panel(schema, known, None, None, None, np.ones(len(schema.names)), False)
    about = {
        "model": None,
        "mode": "data",
        "rows": {"taught": len(known), "calibrated": len(held), "raising": 0, "reference": _length(reference)},
        "labelled": False,
        "asked": 0,
        "findings": foremost(report.findings),
    }
    return Trained(schema, learn_without_model(panel, held, schema.form, alpha), report, about)
