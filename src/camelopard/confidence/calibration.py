"""Calibrates a model's own probabilities on labelled rows, and measures on rows that took no part whether that makes them better."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from camelopard.confidence.folds import FOLDS, folds
from camelopard.confidence.quality import calibration_error
from camelopard.confidence.scaling import Scaling, families_for, log_loss
from camelopard.confidence.scores import checked_path, checked_seed, left_out
from camelopard.confidence.venn_abers import VennAbers
from camelopard.core.arrays import Bools, Floats, Ints, objects
from camelopard.core.batch import Batch, plain
from camelopard.core.codec import read, write
from camelopard.core.errors import ArtifactError, CamelopardError, InputError, ModelError, told
from camelopard.core.labels import answered, codes_of
from camelopard.core.protocols import Model, Session, wrapped
from camelopard.core.records import Prediction, Task

KIND = "calibration"
FEWEST_ROWS = 20
FEW_ERRORS = 30  # below which it is said that little is known
TEMPER = 0.5  # of the evidence: rows are fewer than they look where they hang together, and a family's loss is itself estimated


@dataclass(frozen=True)
class Calibration:
    """The map that calibrates, how much each family of maps counts in it, and what it is worth.

    scaling
        The mean of the families' maps.
    weights
        How much each family counts; "nothing" is the map that changes nothing.
    figures
        `log_loss`, `brier` and `ece`, each with `before`, `after`, and the interval of the change for the first two: of rows that took no part.
    notes
        What to know about them, in words.
    """

    scaling: Scaling
    weights: Mapping[str, float]
    figures: Mapping[str, Any]
    notes: tuple[str, ...] = ()

    @classmethod
    def fit(cls, proba: Floats, codes: Ints, rng: np.random.Generator) -> Calibration:
        """Learn from probabilities, shape (n, k), and which class was right, shape (n,).

        Every family is fitted, and they are averaged with weights by how well they predict rows that they were not fitted to (pseudo-Bayesian model
        averaging; Yao, Vehtari, Simpson & Gelman 2018): where little can be learned, "nothing" weighs much, and little is lost.
        """
        from threadpoolctl import threadpool_limits

        held = np.empty_like(proba)
        fold = folds(codes, rng)
        with threadpool_limits(1, "blas"):  # the matrices are small: threads would wait for each other most of the time
            for k in range(FOLDS):
                rest = fold != k
                held[~rest] = _averaged(proba[rest], codes[rest], rng)[0].proba(proba[~rest])
            scaling, weights = _averaged(proba, codes, rng)
        errors = int((proba.argmax(axis=1) != codes).sum())
        few = f"only {errors} of the {len(codes)} rows are answered wrong: what calibration does is hardly measured"
        return cls(scaling, weights, _figures(proba, held, codes), (few,) if errors < FEW_ERRORS else ())

    def __repr__(self) -> str:
        def line(name: str, key: str) -> str:
            f = self.figures[key]
            change = "" if "change" not in f else f"  change {f['change'][0]:+.4f} to {f['change'][1]:+.4f}"
            return f"  {name:<20} {f['before']:.4f} → {f['after']:.4f}{change}"

        kept = ", ".join(f"{name} {weight:.0%}" for name, weight in sorted(self.weights.items(), key=lambda w: -w[1]) if weight >= 0.005)
        lines = [f"Calibrated on {self.figures['rows']:,} rows ({kept}). On rows that took no part:"]
        lines += [line("log loss", "log_loss"), line("Brier score", "brier"), line("calibration error", "ece")]
        return "\n".join([*lines, *(f"Note: {note}." for note in self.notes)])


@dataclass(frozen=True)
class Calibrated:
    """A model with calibrated probabilities, that answers the likeliest class by them. Made by `camelopard.calibrate`.

    around
        What `interval` reads: one per class, for two classes only that of the second; none where the file was written before there were any.
    """

    model: Model
    calibration: Calibration
    classes: tuple[Any, ...] = field(default=())
    around: tuple[VennAbers, ...] = ()

    @property
    def name(self) -> str:
        return self.model.name

    @property
    def task(self) -> Task:
        return self.model.task

    def predict(self, X: Any) -> Prediction:
        """Return calibrated probabilities of X, and the likeliest class; no answer where the model's is a class that calibration never saw."""
        return self._better(self.model.predict(X))

    def interval(self, X: Any) -> tuple[Floats, Floats]:
        """Return between which numbers the probability of each class lies, low and high, each of shape (n, k): 0 and 1 where there is no answer.

        The Venn–Abers interval of each class against the rest (Vovk & Petej 2014), from the rows that calibrated. It is the honest width of a small
        sample: how far one more label could move the fit, wide where few rows had answers like this one. Of its two ends, the one for the label that
        comes true is calibrated, whatever the model and however few the rows.

        What it does not promise: it is no 95 % interval of the probability. In a simulated world it held that for 54 % of new rows when learned from
        50 rows, for 44 % from 100 and for 23 % from 1,000: with many rows it is narrower than what is not known. It speaks of rows that the model
        scores alike, and of each class by itself; it ends where traffic is different. What `predict` answers is a smoother map, often outside of it.

        Raises
        ------
        CamelopardError
            If it was loaded from a file that holds no intervals.
        """
        if not self.around:
            raise CamelopardError(f"the calibration of {self.name} is from a file without intervals. Call camelopard.calibrate again, and save it.")
        shares, gone = self._shares(self.model.predict(X))
        found = [around.interval(shares[:, -1] if len(self.around) == 1 else shares[:, i]) for i, around in enumerate(self.around)]
        if len(found) == 1:  # what the first of two classes gains, the second loses
            found.insert(0, (1.0 - found[0][1], 1.0 - found[0][0]))
        low, high = (np.column_stack(ends) for ends in zip(*found, strict=True))
        low[gone], high[gone] = 0.0, 1.0
        return low, high

    def session(self, budget: int | None = None, *, thrifty: bool = False) -> _CalibratedSession:
        """Return a run on this model. See `camelopard.core.protocols.Model`."""
        return _CalibratedSession(self, self.model.session(budget, thrifty=thrifty))

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write what was learned to one file, without the model."""
        c = self.calibration
        told = {"weights": dict(c.weights), "figures": dict(c.figures), "notes": list(c.notes)}
        place = checked_path(path)
        write(place, KIND, {"scaling": c.scaling.state(), "classes": list(self.classes), "around": [a.state() for a in self.around], **told})

    @classmethod
    def load(cls, path: str | os.PathLike[str], *, model: Model) -> Calibrated:
        """Return the model with the calibration in a file.

        Raises
        ------
        ArtifactError
            If the file is not whole, or holds something else.
        CamelopardError
            If it was learned for a model with other classes, or the model answers numbers.
        """
        model, kept = wrapped(model), read(checked_path(path), KIND)
        try:
            calibration, classes = _learned(kept)
        except (LookupError, TypeError, ValueError, AttributeError, OverflowError) as error:
            raise ArtifactError(f"{path}: its content does not make a calibration ({told(error)}). Save it again.") from error
        try:
            if model.task != "classification":
                raise CamelopardError(f"{path}: learned for the classes {list(classes)}, but {model.name!r} answers numbers. Give a classifier.")
            known = {plain(c) for c in model.classes}
        except ModelError:  # it shows what it answers when it is first asked
            known = set()
        if not known <= set(classes):
            raise CamelopardError(f"{path}: learned for a model with the classes {list(classes)}, but {model.name!r} has {list(model.classes)}.")
        try:
            around = tuple(VennAbers.from_state(state) for state in kept.get("around", ()))
        except (LookupError, TypeError, ValueError, AttributeError, OverflowError) as error:
            raise ArtifactError(f"{path}: its intervals are no whole ones ({told(error)}). Save it again.") from error
        if around and len(around) != (1 if len(classes) == 2 else len(classes)):
            raise ArtifactError(f"{path}: it holds {len(around)} intervals for {len(classes)} classes. Save it again.")
        return cls(model, calibration, classes, around)

    def _shares(self, answer: Prediction) -> tuple[Floats, Bools]:
        """Return the model's shares in the order of our classes, shape (n, k), and which rows have no answer that we know: 1 everywhere in these."""
        given = {plain(c): i for i, c in enumerate(answer.classes)}
        shares = np.zeros((len(answer), len(self.classes)))
        for i, c in enumerate(self.classes):
            if c in given:
                shares[:, i] = answer.shares[:, given[c]]
        gone = answer.failed | ~(shares.sum(axis=1) > 0)
        shares[gone] = 1.0
        return shares, gone

    def _better(self, answer: Prediction) -> Prediction:
        shares, gone = self._shares(answer)
        errors = answer.errors.copy()
        for i in np.flatnonzero(gone & ~answer.failed).tolist():
            errors[i] = f"the model answers {plain(answer.value[i])!r}, a class that calibration never saw"
        proba = self.calibration.scaling.proba(shares)
        value = objects(None if lost else self.classes[best] for lost, best in zip(gone.tolist(), proba.argmax(axis=1).tolist(), strict=True))
        proba[gone] = np.nan
        return Prediction(value, proba, None, errors, self.classes)

    def __repr__(self) -> str:
        return f"{self.name}, {str(self.calibration)[0].lower()}{str(self.calibration)[1:]}"


@dataclass(frozen=True)
class _CalibratedSession:
    calibrated: Calibrated
    inner: Session

    @property
    def asked(self) -> int:
        return self.inner.asked

    def predict(self, batch: Batch) -> Prediction:
        return self.calibrated._better(self.inner.predict(batch))


def calibrate(model: Model, X: Any, y: Any, *, seed: int = 0) -> Calibrated:
    """Return the model with its own probabilities calibrated. A model with decision values, or bare answers, gets probabilities.

    Parameters
    ----------
    model
        What `camelopard.wrap` returns: a classifier.
    X, y
        Rows that the model was not trained on, in any form, and their labels.
    seed
        Seed of everything random.

    Raises
    ------
    InputError
        For a regression, fewer than 20 rows that the model answers, rows that all have one label, labels that are none of the model's classes, or a
        seed that is no whole number from 0.
    """
    model, seed, given = wrapped(model), checked_seed(seed), Batch.of(X)
    _, answer, labels = answered(model, given, y, FEWEST_ROWS)
    if model.task != "classification":
        raise InputError(f"{model.name} answers numbers, which have no probabilities; expected a classifier.")
    classes = tuple(plain(c) for c in model.classes)
    codes = codes_of(labels, classes)
    if (codes < 0).any():
        strange = plain(labels[int(np.flatnonzero(codes < 0)[0])])
        raise InputError(f"y holds {strange!r}, which the model never answers; it answers {', '.join(repr(c) for c in classes[:10])}.")
    seen = np.bincount(codes, minlength=len(classes))
    if (seen > 0).sum() < 2:
        raise InputError(f"all {len(codes)} rows that the model answers have the label {plain(labels[0])!r}; expected rows of two classes at least.")
    calibration = Calibration.fit(answer.shares, codes, np.random.default_rng(seed))
    calibration = replace(calibration, notes=(*left_out(len(answer), len(given)), *calibration.notes))
    if (seen == 0).any():
        missing = ", ".join(repr(classes[i]) for i in np.flatnonzero(seen == 0).tolist()[:5])
        calibration = replace(calibration, notes=(*calibration.notes, f"no row has the label {missing}: its probability is only pulled down"))
    # Venn–Abers reads the model's own shares, not the calibrated ones: the map was learned from these rows' labels, so behind it they are no longer
    # like new rows, and the proof needs that they are. For two classes nothing is lost: the map rises, and only the order of the scores counts.
    seconds = answer.shares[:, [-1]] if len(classes) == 2 else answer.shares
    first = len(classes) - seconds.shape[1]
    around = tuple(VennAbers.fit(share, codes == first + i) for i, share in enumerate(seconds.T))
    return Calibrated(model, calibration, classes, around)


def _learned(kept: Mapping[str, Any]) -> tuple[Calibration, tuple[Any, ...]]:
    """Return a calibration and its classes from what a file holds; some ordinary error, where that is none."""
    classes, scaling = tuple(kept["classes"]), Scaling.from_state(kept["scaling"])
    k = len(classes)
    if k < 2 or len(set(classes)) != k:
        raise ValueError(f"{k} classes that are not different ones")
    if np.shape(scaling.matrix) != (k, k) or np.shape(scaling.offset) != (k,):
        raise ValueError(f"a map of shapes {np.shape(scaling.matrix)} and {np.shape(scaling.offset)} for {k} classes")
    scaling = Scaling(np.asarray(scaling.matrix, np.float64), np.asarray(scaling.offset, np.float64), scaling.curve, scaling.reach)
    weights = {str(name): float(weight) for name, weight in kept["weights"].items()}
    if not np.isfinite([*scaling.matrix.ravel(), *scaling.offset, scaling.curve, scaling.reach, *weights.values()]).all():
        raise ValueError("a map that is not finite")
    calibration = Calibration(scaling, weights, dict(kept["figures"]), tuple(str(note) for note in kept["notes"]))
    repr(calibration)  # reads all of its figures
    return calibration, classes


def _averaged(proba: Floats, codes: Ints, rng: np.random.Generator) -> tuple[Scaling, dict[str, float]]:
    """Return the mean map of all families, and their weights."""
    k, fold = proba.shape[1], folds(codes, rng)
    losses = {"nothing": log_loss(proba, codes)}
    for family in families_for(k):
        loss = losses[family] = np.empty(len(codes))
        for i in range(FOLDS):
            rest = fold != i
            loss[~rest] = log_loss(Scaling.fit(proba[rest], codes[rest], family).proba(proba[~rest]), codes[~rest])
    total = np.array([loss.sum() for loss in losses.values()])
    weight = np.exp(-TEMPER * (total - total.min()))
    weight = weight / weight.sum()
    maps = [Scaling.nothing(k), *(Scaling.fit(proba, codes, family) for family in families_for(k))]
    return Scaling.average(maps, weight), dict(zip(losses, weight.tolist(), strict=True))


def _figures(before: Floats, after: Floats, codes: Ints) -> dict[str, Any]:
    right = np.eye(before.shape[1])[codes]
    found: dict[str, Any] = {"rows": len(codes)}
    for name, of in (("log_loss", lambda p: log_loss(p, codes)), ("brier", lambda p: ((p - right) ** 2).sum(axis=1))):
        old, new = of(before), of(after)
        change = new - old
        near = 1.96 * float(change.std(ddof=1)) / np.sqrt(len(codes))
        found[name] = {"before": float(old.mean()), "after": float(new.mean()), "change": (float(change.mean() - near), float(change.mean() + near))}
    found["ece"] = {name: calibration_error(p.max(axis=1), p.argmax(axis=1) == codes) for name, p in (("before", before), ("after", after))}
    return found
