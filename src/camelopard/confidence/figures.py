"""Metrics for people who do not program: each with its interval, what it means in counts, and when it misleads."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from camelopard.confidence import metrics
from camelopard.confidence.outcome_costs import OutcomeCosts
from camelopard.confidence.thresholds import Outcome, cost_of
from camelopard.core.arrays import Array, Bools, Floats, Ints
from camelopard.core.intervals import mean, share
from camelopard.core.records import Interval

MOST_CLASSES = 12  # that get a sentence of their own


@dataclass(frozen=True)
class Metric:
    """A figure of a model's answers or scores.

    meaning
        What it says, in counts per 1,000.
    misleads
        When not to trust it.
    """

    name: str
    value: float
    interval: Interval
    meaning: str
    misleads: str


@dataclass(frozen=True)
class Words:
    """What the rows are called, and the class sought and the rest of them."""

    noun: str
    sought: str
    rest: str


def of_answers(named: Bools, event: Bools, words: Words, beta: float, rng: np.random.Generator) -> Iterator[Metric]:
    """Give the metrics of answers to two classes."""
    of, sought, rest = f"of 1,000 {words.noun}", f"`{words.sought}`", f"`{words.rest}`"
    o = Outcome.of(named, event)
    n, per, common = len(event), o.per(1000), sought if event.mean() > 0.5 else rest
    right, usual = share(o.found + o.left, n), 1000 * metrics.baseline(event)
    yield Metric(
        "accuracy",
        metrics.accuracy(named, event),
        right,
        f"{of} {1000 * metrics.accuracy(named, event):,.0f} get the right answer; always answering {common} gets {usual:,.0f} right",
        f"when one class is rare: always answering {common} then looks good and tells nothing apart",
    )
    times = "" if beta == 1 else f"{beta**2:g} times "
    value = metrics.balanced_accuracy(named, event)
    yield Metric(
        "balanced accuracy",
        value,
        _spread(metrics.balanced_accuracy, named, event, rng),
        f"were half {of} {sought} and half not, {1000 * value:,.0f} would get the right answer; guessing gets 500",
        "where the two classes are not equally common, or the two mistakes not equally dear: it takes both to be",
    )
    value = metrics.precision(named, event)
    yield Metric(
        "precision",
        value,
        share(o.found, o.found + o.alarms),
        "nobody is named" if value != value else f"{of} that it names {1000 * value:,.0f} are {sought}",
        f"alone, since naming only the surest case makes it high; and where {sought} is rarer than among these rows, it is lower",
    )
    yield Metric(
        "recall",
        metrics.recall(named, event),
        share(o.found, o.found + o.missed),
        f"{of} that are {sought} it names {1000 * metrics.recall(named, event):,.0f}",
        "alone: naming everyone makes it 1",
    )
    yield Metric(
        "specificity",
        metrics.specificity(named, event),
        share(o.left, o.left + o.alarms),
        f"{of} that are not {sought} it leaves {1000 * metrics.specificity(named, event):,.0f} alone",
        f"where {sought} is rare: even a small share of the many others may be more false alarms than there are cases",
    )
    yield Metric(
        f"F{beta:g}",
        metrics.f_beta(named, event, beta),
        _spread(lambda a, t, w: metrics.f_beta(a == 1, t == 1, beta, w), named, event, rng),
        f"{of}: {per['found']} found against {per['missed'] + per['alarms']} mistakes ({per['missed']} missed, {per['alarms']} false alarms)",
        f"as soon as mistakes have a price: it takes a missed case to be {times}as bad as a false alarm, whatever the costs say",
    )
    yield Metric(
        "MCC",
        metrics.matthews(named, event),
        _spread(metrics.matthews, named, event, rng),
        "correlation of answer and truth: 0 is guessing, 1 is every answer right; no count says it",
        "across data sets: it changes with how common the classes are, and it takes both mistakes to be equally dear",
    )


def of_scores(score: Floats, event: Bools, area: Interval, average: Interval, words: Words) -> Iterator[Metric]:
    """Give the metrics of scores, for two classes; the intervals of the first two are known."""
    sought, p = f"`{words.sought}`", float(event.mean())
    value = metrics.auroc(score, event)
    yield Metric(
        "AUROC",
        value,
        area,
        f"of 1,000 pairs of one that is {sought} and one that is not, {1000 * value:,.0f} are ranked right; guessing gets 500",
        f"where {sought} is rare, or only the top of the list is used: it counts thresholds that nobody would choose",
    )
    value = metrics.average_precision(score, event)
    yield Metric(
        "average precision",
        value,
        average,
        f"down the list from the surest, at each {sought}, on average {1000 * value:,.0f} of 1,000 so far are; in no order {1000 * p:,.0f}",
        f"across data sets: it rises and falls with how common {sought} is",
    )
    yield from of_probabilities(np.column_stack([1 - score, score]), event.astype(np.int64), f"the share {p:.3g} of {sought}")


def of_probabilities(proba: Floats, codes: Ints, usual: str) -> Iterator[Metric]:
    """Give the metrics of probabilities, shape (n, k), beside those of always saying how common each class is."""
    k = proba.shape[1]
    common = np.tile(np.bincount(codes, minlength=k) / len(codes), (len(codes), 1))
    parts, beside = metrics.brier_parts(proba, codes), float(metrics.brier_parts(common, codes).mean())
    yield Metric(
        "Brier score",
        float(parts.mean()),
        _mean(parts),
        f"squared distance of probability and truth; 0 is best, always saying {usual} gives {beside:.3g}",
        f"where a class is rare: it is small for any model then; hold it against {beside:.3g}",
    )
    parts = metrics.losses(proba, codes)
    beside = metrics.log_loss(common, codes)
    yield Metric(
        "log loss",
        float(parts.mean()),
        _mean(parts),
        f"surprise at the truth; 0 is best, always saying {usual} gives {beside:.3g}",
        "where a few answers are sure and wrong: one of them can outweigh thousands of others",
    )


def of_costs(named: Bools, event: Bools, costs: OutcomeCosts, words: Words) -> Metric:
    """Return what the answers cost."""
    found = cost_of(Outcome.of(named, event), costs)
    nobody, everyone = (metrics.cost_per_1000(np.full(len(event), v), event, costs) for v in (False, True))
    return Metric(
        "cost per 1,000",
        found.value,
        found.interval,
        f"what 1,000 {words.noun} cost by the model's own answers; naming nobody costs {_price(nobody)}, naming everyone {_price(everyone)}",
        "as far as the costs given do; and another threshold may cost less",
    )


def of_several(answer: Ints, truth: Ints, shares: Floats | None, noun: str, rng: np.random.Generator) -> Iterator[Metric]:
    """Give the metrics of answers, and of probabilities where there are any, shape (n, k), to several classes by their numbers."""
    of, k = f"of 1,000 {noun}", int(truth.max()) + 1
    right, classes, commonest = int((answer == truth).sum()), len(np.unique(truth)), 1000 * metrics.baseline(truth)
    yield Metric(
        "accuracy",
        right / len(truth),
        share(right, len(truth)),
        f"{of} {1000 * right / len(truth):,.0f} get the right answer; always answering the commonest class gets {commonest:,.0f} right",
        "when some classes are rare: they hardly count",
    )
    value = metrics.balanced_accuracy(answer, truth)
    yield Metric(
        "balanced accuracy",
        value,
        metrics.spread(metrics.balanced_accuracy, answer, truth, rng),
        f"were all classes equally common, {1000 * value:,.0f} {of} would get the right answer; guessing gets {1000 / classes:,.0f}",
        "where a class has few rows: each of these weighs much",
    )
    for name, metric, meaning in (
        ("mean precision", _mean_precision, "that are answered with a class are of it, averaged over the classes"),
        ("mean F1", _mean_f, "precision and recall of each class in one number, averaged over the classes; no count says it"),
    ):
        value = metric(answer, truth, np.ones(len(truth)))
        said = f"{1000 * value:,.0f} {of} {meaning}" if name == "mean precision" else meaning
        misleads = "where one class matters more than another: it takes all to matter alike"
        yield Metric(name, value, metrics.spread(metric, answer, truth, rng), said, misleads)
    yield Metric(
        "MCC",
        metrics.matthews(answer, truth),
        metrics.spread(metrics.matthews, answer, truth, rng),
        "correlation of answer and truth: 0 is guessing, 1 is every answer right; no count says it",
        "across data sets: it changes with how common the classes are",
    )
    if shares is None:
        return
    seen = [c for c in range(k) if (truth == c).any()]
    areas = [metrics.auroc(shares[:, c], truth == c) for c in seen]
    pull = np.mean([(metrics.placements(shares[:, c], truth == c) - a) / _side(truth == c) for c, a in zip(seen, areas, strict=True)], axis=0)
    area, half = float(np.mean(areas)), 1.96 * float(pull.std()) / math.sqrt(len(truth))
    around = Interval(max(0.0, area - half), min(1.0, area + half))
    if half == 0 and area in (0.0, 1.0):  # rows that are all ranked right do not show how far that may be off: Wilson's interval of the rarest class
        rarest = min(int(min((truth == c).sum(), (truth != c).sum())) for c in seen)
        around = share(area * rarest, rarest)
    yield Metric(
        "mean AUROC",
        area,
        around,
        f"of 1,000 pairs of one of a class and one of another {1000 * area:,.0f} are ranked right, averaged over the classes",
        "where only the top of a list is used: it counts thresholds that nobody would choose",
    )
    yield from of_probabilities(shares, truth, "how common each class is")


def told(named: Bools, event: Bools, words: Words, costs: OutcomeCosts | None) -> tuple[str, ...]:
    """Return what the model does with 1,000 rows (with 10,000 or more where the class sought is rare), in sentences."""
    o = Outcome.of(named, event)
    base = 1000
    while base < 1_000_000 and base * event.mean() < 10:
        base *= 10
    per = o.per(base)
    sought, others = per["found"] + per["missed"], per["alarms"] + per["left"]
    found, alarms = _counts(o.found, o.found + o.missed, sought), _counts(o.alarms, o.alarms + o.left, others)
    sentences = [
        f"Of {base:,} {words.noun} {sought:,} are `{words.sought}`. By its own answers the model finds {per['found']:,} of them ({found}), "
        f"misses {per['missed']:,}, and wrongly names {per['alarms']:,} ({alarms}) of the {others:,} others."
    ]
    if costs is not None:
        cost = of_costs(named, event, costs, words)
        nobody, everyone = (metrics.cost_per_1000(np.full(len(event), v), event, costs) for v in (False, True))
        sentences.append(
            f"That costs {_price(cost.value)} per 1,000 {words.noun} ({_price(cost.interval.low)} to {_price(cost.interval.high)}); "
            f"naming nobody costs {_price(nobody)}, naming everyone {_price(everyone)}."
        )
    return tuple(sentences)


def told_of_several(answer: Ints, truth: Ints, labels: Sequence[str], noun: str) -> tuple[str, ...]:
    """Return what the model does with 1,000 rows of several classes, a sentence for each class, the commonest first."""
    counts = np.bincount(truth, minlength=len(labels))
    right = share(int((answer == truth).sum()), len(truth))
    sentences = [
        f"Of 1,000 {noun} {1000 * (answer == truth).mean():,.0f} get the right answer ({1000 * right.low:,.0f} to {1000 * right.high:,.0f})."
    ]
    for c in np.argsort(-counts, kind="stable")[:MOST_CLASSES].tolist():
        o = Outcome.of(answer == c, truth == c)
        per = o.per(1000)
        sought = per["found"] + per["missed"]
        sentences.append(
            f"{sought} are `{labels[c]}`: the model finds {per['found']} of them ({_counts(o.found, o.found + o.missed, sought)}), "
            f"misses {per['missed']}, and wrongly names {per['alarms']} others."
        )
    if len(labels) > MOST_CLASSES:
        sentences.append(f"{len(labels) - MOST_CLASSES} rarer classes are left out here.")
    return tuple(sentences)


def _mean_precision(answer: Array, truth: Array, weight: Floats) -> float:
    return metrics.over_classes(metrics.precision, answer, truth, weight)


def _mean_f(answer: Array, truth: Array, weight: Floats) -> float:
    return metrics.over_classes(lambda named, event, w: metrics.f_beta(named, event, 1.0, w), answer, truth, weight)


def _price(value: float) -> str:
    return f"{value:,.0f}".replace("-", "−")


def _counts(k: int, n: int, base: int) -> str:
    between = share(k, n)
    return f"{base * between.low:,.0f} to {base * between.high:,.0f}"


def _spread(metric: metrics.Count, named: Bools, event: Bools, rng: np.random.Generator) -> Interval:
    return metrics.spread(metric, named.astype(np.int64), event.astype(np.int64), rng)


def _mean(parts: Floats) -> Interval:
    found = mean(parts)
    return Interval(math.nan, math.nan) if found is None else Interval(max(0.0, found.low), found.high)


def _side(event: Bools) -> Floats:
    """Return the share of rows on each row's own side, shape (n,)."""
    share_of: Floats = np.where(event, event.mean(), (~event).mean())
    return share_of
