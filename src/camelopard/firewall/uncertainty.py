"""Does a kind of uncertainty help this model's confidence? Kept as evidence only where it surely does on rows that were held out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import NormalDist
from typing import Any

import numpy as np

from camelopard.confidence.quality import Resampled
from camelopard.core.arrays import Bools, Floats
from camelopard.evidence.uncertainty import FIGURES, KINDS
from camelopard.firewall.gauge import Gauge, kinds_of
from camelopard.firewall.learn import ERROR_FOLDS, Rows, crossed, heard
from camelopard.firewall.material import Lesson, Material
from camelopard.firewall.panel import SUMMARY, Panel

WORDS = {"ensemble": "disagreement of the ensemble's members", "noise": "small noise on the numbers", "squeezed": "squeezed pictures"}
SURENESS = 0.99  # of the interval: where nothing is gained, gains have a longer tail than a normal distribution, and what is kept costs for ever
TAUGHT_ANEW = 1.0 + ERROR_FOLDS / (ERROR_FOLDS - 1)  # of the variance: 1/K + held-out rows over rows learned from (Nadeau & Bengio 2003)
MUTE = 50  # one row in so many differs in the column that says nothing
REPEATS = 2  # times that confidence is learned with each kind and without
SMALLEST = 1e-6


@dataclass(frozen=True)
class Gain:
    """What the log loss of held-out confidence falls by with a kind of uncertainty, the interval of that, and the log loss without it."""

    value: float
    low: float
    high: float
    without: float

    @property
    def sure(self) -> bool:
        """Whether it falls surely."""
        return self.low > 0


def decided(panel: Panel, material: Material, gauge: Gauge, asked_for: str, seed: int) -> tuple[Panel, Material, dict[str, Any]]:
    """Return panel and material with the kind that helps most as their last columns, as they were where none surely helps; and what was found.

    `gauge` measured the kinds, into `beside` of both parts of the material.
    """
    measured = [k for k, kind in enumerate(gauge.kinds) if kind not in gauge.unmeasured]
    places = _places(gauge.kinds)
    columns = [_beside(material, places[k]) for k in measured]
    found = gains(heard(panel, material), panel.task, columns, seed, summary=panel.summary)
    best = max(zip(measured, found, strict=True), key=lambda pair: pair[1].value if pair[1].sure else -np.inf, default=None)
    kept = best[0] if best is not None and best[1].sure else None
    told: dict[str, Any] = {kind: {"unmeasured": why} for kind, why in gauge.unmeasured.items()}
    for k, gain in zip(measured, found, strict=True):
        told[gauge.kinds[k]] = {
            "gain": gain.value,
            "low": gain.low,
            "high": gain.high,
            "kept": k == kept,
            "model_rows": KINDS[gauge.kinds[k]],
            "log_loss_without": gain.without,
        }
    about = {"asked_for": asked_for, "kept": None if kept is None else gauge.kinds[kept], "asked": gauge.asked, "kinds": told}
    if kept is None:
        return panel, material, about
    parts = [replace(part, table=np.column_stack([part.table, part.beside[:, places[kept]]])) for part in _parts(material) if part.beside is not None]
    return panel.also(gauge.kinds[kept]), replace(material, lesson=parts[0], check=parts[1]), about


def untried(asked_for: str, why: str) -> dict[str, Any]:
    """Return what is to be said where no kind of uncertainty could be judged."""
    return {"asked_for": asked_for, "kept": None, "asked": 0, "kinds": {kind: {"unmeasured": why} for kind in kinds_of(asked_for)}}


def _parts(material: Material) -> tuple[Lesson, Lesson]:
    return material.lesson, material.check


def _places(kinds: Sequence[str]) -> list[slice]:
    """Return which columns beside the evidence are of each kind."""
    ends = np.cumsum([len(FIGURES[kind]) for kind in kinds]).tolist()
    return [slice(end - len(FIGURES[kind]), end) for kind, end in zip(kinds, ends, strict=True)]


def _beside(material: Material, place: slice) -> Floats:
    """Return one measured kind for all rows, those that teach first, shape (n, figures)."""
    return np.concatenate([part.beside[:, place] for part in _parts(material) if part.beside is not None])


def gains(
    material: Material, task: str, columns: Sequence[Floats], seed: int, repeats: int = REPEATS, summary: Sequence[str] = SUMMARY
) -> list[Gain]:
    """Return what each kind gains alone, each of shape (n,) or (n, figures): the rows that teach, then those that calibrate.

    Confidence is cross-fitted with the kind's columns and without them, on the same folds, in a few repeats with other folds. Without them, columns
    that say nothing stand in their place: heads draw columns at random, and both must draw the same ones.

    The interval comes from resampling origins. It is widened because the rows that are learned from are a draw, too, and overlap from fold to fold
    (Nadeau & Bengio 2003), by how much the repeats differ, and for the number of columns tried (Bonferroni).
    """
    if not columns:
        return []
    rows = Rows.of(material)
    answers = material.lesson.answer, material.check.answer
    z = NormalDist().inv_cdf(1 - (1 - SURENESS) / (2 * len(columns)))

    def losses(table: Floats) -> Floats:
        tried = replace(rows, table=table)
        return np.stack([_losses(crossed(tried, answers, task, np.random.default_rng([seed, r]), summary)[1], rows.wrong) for r in range(repeats)])

    mute = np.arange(len(rows.wrong)) % MUTE == 0
    without: dict[int, Floats] = {}  # by how many columns the kind has
    found = []
    for column in columns:
        width = 1 if column.ndim == 1 else column.shape[1]
        if width not in without:
            without[width] = losses(np.column_stack([rows.table, *[mute] * width]))
        plain = without[width]
        saved = plain - losses(np.column_stack([rows.table, column])) if np.ptp(column) > 0 else np.zeros_like(plain)
        found.append(_gain(saved, plain, rows, z, np.random.default_rng([seed, repeats])))
    return found


def _gain(saved: Floats, plain: Floats, rows: Rows, z: float, rng: np.random.Generator) -> Gain:
    """Return the gain from what each row saves in each repeat, shape (repeats, n)."""
    each = np.average(saved, axis=1, weights=rows.weight)
    value, whole = float(each.mean()), saved.mean(axis=0)
    low = Resampled(rows.origin, rows.weight, rng).interval(lambda w: float(np.average(whole, weights=w)), least=-np.inf).low
    chance = (value - low) / NormalDist().inv_cdf(0.975)
    learning = float(each.var(ddof=1)) / len(each) if len(each) > 1 else 0.0
    half = z * float(np.sqrt(TAUGHT_ANEW * chance**2 + learning))
    return Gain(value, value - half, value + half, float(np.average(plain.mean(axis=0), weights=rows.weight)))


def _losses(confidence: Floats, wrong: Bools) -> Floats:
    """Return the log loss of each row, shape (n,)."""
    p = np.clip(np.where(wrong, 1.0 - confidence, confidence), SMALLEST, 1.0)
    losses: Floats = -np.log(p)
    return losses


def sentences(about: Mapping[str, Any] | None) -> list[str]:
    """Return what was decided, as lines for people: `about` is `Firewall.describe()["uncertainty"]`; nothing where no kind was asked for."""
    return [f"Uncertainty by {WORDS[kind]}: {_outcome(found)}." for kind, found in (about["kinds"] if about else {}).items()]


def _outcome(found: Mapping[str, Any]) -> str:
    """Return what became of one kind, and why."""
    if "unmeasured" in found:
        return f"not tried, {found['unmeasured']}"
    if found["low"] == found["high"]:
        return "left out, nothing could be learned from it: too few rows or wrong answers, or it never changes. It costs nothing"
    change = (
        f"log loss of confidence {found['log_loss_without']:.4f} without it, {abs(found['gain']):.4f} {'less' if found['gain'] >= 0 else 'more'} "
    )
    change += f"with it ({100 * SURENESS:.0f} % interval of what it saves: {found['low']:.4f} to {found['high']:.4f})"
    if found["kept"]:
        more = "1 more model row" if found["model_rows"] == 1 else f"{found['model_rows']} more model rows"
        cost = more if found["model_rows"] else "no more model rows, but one more pass of all members,"
        return f"kept, {change}. It costs {cost} for each row screened"
    return f"left out, {'another kind helps more' if found['low'] > 0 else 'it does not surely help'}: {change}. It costs nothing"
