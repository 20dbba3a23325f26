"""Where to draw the line: rules that choose a threshold from labelled rows, and what to expect of the threshold they choose.

A rule is a function from counted rows to a threshold, so that it can be followed again on every resample, for an interval, and on four fifths of the
rows, to be measured on the last fifth: measured on the rows that chose it, a threshold looks better than it is.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import numpy as np

from camelopard.confidence.folds import FOLDS, folds
from camelopard.confidence.metrics import costs_of
from camelopard.confidence.operating import Sweep
from camelopard.confidence.outcome_costs import OutcomeCosts
from camelopard.core.arrays import Bools, Floats, Ints
from camelopard.core.intervals import share
from camelopard.core.records import Interval

RANKS = 40  # places in the list at which a precision is tried: more find a better one of more, and each pays for all
NOBODY, EVERYONE = math.inf, 0.0
Rule = Callable[[Sweep], float]


@dataclass(frozen=True)
class Estimate:
    """A figure and its 95 % interval."""

    value: float
    interval: Interval


@dataclass(frozen=True)
class Outcome:
    """What becomes of rows, in counts: found and missed of the class sought, false alarms and rightly left alone of the others.

    >>> Outcome(found=2, missed=1, alarms=1, left=3).per(1000)
    {'found': 286, 'missed': 143, 'alarms': 143, 'left': 428}
    """

    found: int
    missed: int
    alarms: int
    left: int

    @classmethod
    def of(cls, named: Bools, event: Bools) -> Outcome:
        return cls(int((named & event).sum()), int((~named & event).sum()), int((named & ~event).sum()), int((~named & ~event).sum()))

    def per(self, base: int) -> dict[str, int]:
        """Return whole counts per `base` rows that add up to it, and are right in how many are sought, found and named in vain."""
        scale = base / max(self.found + self.missed + self.alarms + self.left, 1)
        sought = round(scale * (self.found + self.missed))
        found, alarms = min(round(scale * self.found), sought), min(round(scale * self.alarms), base - sought)
        return {"found": found, "missed": sought - found, "alarms": alarms, "left": base - sought - alarms}


@dataclass(frozen=True)
class GroupThreshold:
    """One group's own threshold, and what its rows cost per 1,000 by it and by the one cheapest threshold for all."""

    group: Any
    rows: int
    value: float
    interval: Interval
    cost: Estimate
    cost_before: Estimate


@dataclass(frozen=True, repr=False)
class Threshold:
    """A threshold, and what to expect of it on rows that took no part in choosing it: a row is named where its score is at least `value`.

    rule, asked
        How it was chosen, and what was asked of it.
    value, interval
        Infinite where nobody is named, 0 where everyone is; NaN where each of `groups` has its own. The interval is of resamples of the rows.
    without
        For a promise: the threshold at which the rows given just keep it, which on new rows fails about every other time.
    usual
        For costs: the threshold that would be cheapest if the model's probabilities were right, and what it costs.
    outcome
        Counts of rows, cross-fitted: each fifth of the rows is named by the threshold that the other four choose.
    recall, precision, named, cost
        Of these counts; `named` and `cost` per 1,000 rows.
    cost_seen
        What the rows that chose the threshold cost by it, per 1,000: optimistic.
    labels_needed, half_width
        How many labelled rows in all would halve the 95 % interval of the cost (of recall, where there are no costs), and half its width now.
    equality
        Equal cost: what it costs per 1,000 more than the one cheapest threshold.
    """

    rule: str
    asked: Mapping[str, Any]
    value: float
    interval: Interval
    outcome: Outcome
    recall: Estimate
    precision: Estimate
    named: Estimate
    cost: Estimate | None
    cost_seen: float | None
    labels_needed: int
    half_width: float
    without: float | None = None
    usual: float | None = None
    usual_cost: Estimate | None = None
    groups: tuple[GroupThreshold, ...] = ()
    equality: Estimate | None = None
    notes: tuple[str, ...] = field(default=())

    def __repr__(self) -> str:
        from camelopard.report.decision import threshold_text

        told: str = threshold_text(asdict(self))
        return told


def cheapest(costs: OutcomeCosts) -> Rule:
    """Return the rule of the smallest cost on the rows; of several thresholds of that cost the one that names fewest.

    >>> cheapest(OutcomeCosts(missed=5, false_alarm=1))(Sweep.of(np.array([0.1, 0.2, 0.6, 0.9]), np.array([False, True, False, True])))
    0.2
    """
    return lambda sweep: sweep.threshold(int(np.argmin(sweep.costs(costs))))


def finding(least: float, confidence: float | None = None) -> Rule:
    """Return the rule of the highest threshold that finds at least the share `least`: of the rows given or, with a confidence, of all rows like them.

    The share that the k-th highest score of P rows finds is Beta(k, P + 1 − k) or more (Wilks 1941), so k is taken large enough. Everyone is named
    where P is too small for any.

    >>> finding(0.5)(Sweep.of(np.array([0.1, 0.2, 0.6, 0.9]), np.array([False, True, False, True])))
    0.9
    """

    def rule(sweep: Sweep) -> float:
        enough = math.ceil(least * sweep.events - 1e-9) if confidence is None else _rank(sweep.events, least, confidence)
        if not sweep.events or enough > sweep.events:
            return EVERYONE
        return sweep.threshold(int(np.searchsorted(sweep.found, max(enough, 1), side="left")))

    return rule


def precise(least: float, confidence: float | None = None) -> Rule:
    """Return the rule of the lowest threshold at which at least the share `least` of the named is right: among the rows given or, with a confidence,
    among all rows like them.

    With a confidence each of 40 places in the list of scores is tested by an exact binomial test at a fortieth of the level (learn then test:
    Angelopoulos et al. 2021; the rows above a given place are independent given its score). Nobody is named where no threshold passes.
    """

    def seen(sweep: Sweep) -> float:
        good = np.flatnonzero(sweep.precision() >= least)
        return sweep.threshold(int(good[-1]) + 1) if len(good) else NOBODY

    def promised(sweep: Sweep, level: float) -> float:
        fewest = math.ceil(math.log(level) / math.log(least))  # with fewer, all being right would prove nothing
        if fewest > sweep.rows:
            return NOBODY
        ranks = np.unique(np.geomspace(fewest, sweep.rows, RANKS).round().astype(np.int64))
        cuts = np.where(ranks == sweep.rows, len(sweep.scores), np.searchsorted(sweep.named, ranks + 1, side="left") - 1)
        good = cuts[chance(sweep.found[cuts], sweep.named[cuts], least) <= level]
        if not len(good):
            return NOBODY
        cut = int(good.max())
        return EVERYONE if cut == len(sweep.scores) else float(np.nextafter(sweep.scores[cut], math.inf))  # all above the next lower score

    return seen if confidence is None else lambda sweep: promised(sweep, (1 - confidence) / RANKS)


def fitting(per_1000: float) -> Rule:
    """Return the rule of the lowest threshold that names at most so many of 1,000 rows.

    >>> fitting(500)(Sweep.of(np.array([0.1, 0.2, 0.6, 0.9]), np.array([False, True, False, True])))
    0.6
    """
    return lambda sweep: sweep.threshold(int(np.searchsorted(sweep.named, sweep.rows * per_1000 / 1000 + 1e-9, side="right")) - 1)


def chance(k: Ints, n: Ints, p: float) -> Floats:
    """Return P(X ≥ k) for X ~ Binomial(n, p), exactly, shape as given.

    >>> chance(np.array([0, 8]), np.array([10, 10]), 0.5).round(4)
    array([1.    , 0.0547])
    """
    from scipy.special import betainc

    found: Floats = np.where(k > 0, betainc(np.maximum(k, 1), np.maximum(n - k, 0) + 1, p), 1.0)
    return found


def rows_for(least: float, confidence: float) -> int:
    """Return how many rows of the class sought it takes to promise a recall without naming everyone.

    >>> rows_for(0.9, 0.95)
    29
    """
    return math.ceil(math.log(1 - confidence) / math.log(least))


def crossed(score: Floats, event: Bools, rule: Rule, fold: Ints) -> Bools:
    """Return which rows are named by the threshold that the other folds choose, shape (n,)."""
    named = np.zeros(len(score), dtype=bool)
    for k in range(FOLDS):
        held = fold == k
        if held.any() and not held.all():
            named[held] = score[held] >= rule(Sweep.of(score[~held], event[~held]))
    return named


def expected(named: Bools, event: Bools) -> dict[str, Any]:
    """Return the outcome of cross-fitted answers, and the shares that are read off it, each with Wilson's interval."""
    outcome = Outcome.of(named, event)
    n, said = len(event), outcome.found + outcome.alarms
    per_1000 = share(said, n)
    return {
        "outcome": outcome,
        "recall": part_of(outcome.found, outcome.found + outcome.missed),
        "precision": part_of(outcome.found, said),
        "named": Estimate(1000 * said / n, Interval(1000 * per_1000.low, 1000 * per_1000.high)),
    }


def part_of(k: int, n: int) -> Estimate:
    """Return k of n with Wilson's interval; unknown of none."""
    return Estimate(k / n if n else math.nan, share(k, n))


def cost_of(outcome: Outcome, costs: OutcomeCosts, wobble: float = 0.0) -> Estimate:
    """Return what 1,000 rows cost, with a normal interval; half a row more of each outcome, so that an outcome not seen yet has its share in it.

    wobble
        Root mean square of what the cost changes where the threshold is chosen again on a resample; 0 where no threshold was chosen.
    """
    price = 1000 * np.array([costs.net_found, costs.missed, costs.false_alarm, 0.0])
    counts = np.array(list(vars(outcome).values()), dtype=np.float64)
    part = (counts + 0.5) / (counts.sum() + 2)
    spread = (part @ price**2 - (part @ price) ** 2) / counts.sum()
    value, half = float(counts @ price / counts.sum()), 1.96 * math.hypot(math.sqrt(max(spread, 0.0)), wobble)
    return Estimate(value, Interval(max(value - half, float(price.min())), min(value + half, float(price.max()))))


def mean_per_1000(values: Floats) -> Estimate:
    """Return 1,000 times the mean of a value per row, with its normal interval."""
    value, half = 1000 * float(values.mean()), 1960 * float(values.std()) / math.sqrt(len(values))
    return Estimate(value, Interval(value - half, value + half))


def chosen(name: str, asked: Mapping[str, Any], rule: Rule, score: Floats, event: Bools, costs: OutcomeCosts | None, seed: int) -> Threshold:
    """Return the threshold that a rule chooses, its interval, and what to expect of it.

    score, event
        Shape (n,): the score of each row, and whether it is of the class sought.
    """
    rng = np.random.default_rng(seed)
    sweep = Sweep.of(score, event)
    value = rule(sweep)
    drawn = sweep.resampled(lambda s: np.array(rule(s)), rng)
    figures = expected(crossed(score, event, rule, folds(event, rng)), event)
    cost = seen = None
    half = (figures["recall"].interval.high - figures["recall"].interval.low) / 2
    if costs is not None:
        seen = float(sweep.costs(costs, sweep.cut(value)))
        wobble = float(np.sqrt(np.mean((sweep.costs(costs, sweep.cut(drawn)) - seen) ** 2)))
        cost = cost_of(figures["outcome"], costs, wobble)
        half = (cost.interval.high - cost.interval.low) / 2
    return Threshold(
        rule=name,
        asked=asked,
        value=value,
        interval=span_of(value, drawn),
        cost=cost,
        cost_seen=seen,
        labels_needed=4 * len(event),  # an interval shrinks with the root of the rows
        half_width=half,
        **figures,
    )


def by_cost(score: Floats, event: Bools, costs: OutcomeCosts, seed: int) -> Threshold:
    """Return the cheapest threshold, and beside it the one that right probabilities would ask for; a note where the two disagree and it matters.

    It matters where the other threshold lies outside the interval of this one and costs more on rows that chose neither: where probabilities are
    right the second is seen by chance in one case of forty.
    """
    found = chosen("cost", {}, cheapest(costs), score, event, costs, seed)
    usual = score >= costs.usual
    rng = np.random.default_rng(seed)
    named = crossed(score, event, cheapest(costs), folds(event, rng))
    more = mean_per_1000(costs_of(usual, event, costs) - costs_of(named, event, costs))
    notes: tuple[str, ...] = ()
    if not found.interval.low <= costs.usual <= found.interval.high and more.interval.low > 0:
        notes = (
            f"if the model's probabilities were right, {costs.usual:.3g} would be the cheapest threshold, but by it these rows cost "
            f"{more.value:,.0f} per 1,000 more ({more.interval.low:,.0f} to {more.interval.high:,.0f}): its probabilities are off; "
            "camelopard.calibrate may mend that",
        )
    return replace(found, usual=costs.usual, usual_cost=cost_of(Outcome.of(usual, event), costs), notes=notes)


def span_of(value: float, drawn: Floats) -> Interval:
    """Return the 95 % percentile interval of a threshold; its ends are thresholds that were chosen, so that they may be infinite."""
    low, high = np.quantile(drawn, [0.025, 0.975], method="inverted_cdf").tolist()
    return Interval(min(low, value), max(high, value))


def _rank(events: int, least: float, confidence: float) -> int:
    """Return the smallest k for which the k-th highest of so many scores finds `least` with this confidence; more than there are if none does."""
    low, high = 1, events + 1
    while low < high:
        k = (low + high) // 2
        if k > events or chance(np.array(k), np.array(events), least) <= 1 - confidence:
            high = k
        else:
            low = k + 1
    return low
