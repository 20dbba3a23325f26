"""What a policy would have done on past traffic: routes, people, errors and money, each with an interval, beside its rivals."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from camelopard.core.arrays import Array, Bools, Floats, Ints, Objects, is_missing
from camelopard.core.batch import Batch, plain
from camelopard.core.errors import CamelopardError, InputError
from camelopard.core.errors import told as told_of
from camelopard.core.intervals import share
from camelopard.core.labels import with_labels
from camelopard.firewall.costs import BLOCK, PASS, REPAIR, REVIEW, ROUTES, Costs, given
from camelopard.firewall.decision import NAMES, codes, decide
from camelopard.firewall.desk import Desk
from camelopard.firewall.staffing import Calendar, calendar
from camelopard.firewall.telling import number, span, told
from camelopard.firewall.verdicts import Grounds, Verdicts

if TYPE_CHECKING:
    from camelopard.firewall.policy import Policy

FEWEST_DAYS = 10  # for resampling days; below, rows are resampled
FEWEST_REPAIRS = 30  # to state a share of wrong answers after repair
DRAWS = 1000  # resamples
MOST_DAYS = 2000  # resampled one by one; more are put together at random
GROUPS = 200  # of rows, put together at random, where there are more rows: means over them vary as means over rows do, at less cost
PARTS = 48  # of a day, in which rows come to the desk
START = dt.datetime(2000, 1, 1)  # any day: only the parts of the day matter
PER_ROW = {"answered": 1.0, **dict.fromkeys((*ROUTES, "errors", "caught", "errors_counted", "caught_counted"), 1000.0)}  # all else is per day
FROM_ZERO = ("reviews_per_day", "review_cost", "block_cost")  # of what is per day
TODAY, EVERYTHING, REVIEWED = "routing by risk, as without costs", "pass everything", "review everything"


@dataclass(frozen=True)
class Estimate:
    """A number and its 95 % interval."""

    value: float
    low: float
    high: float

    def __str__(self) -> str:
        return span(self)


@dataclass(frozen=True)
class Outcome:
    """What one policy would have done.

    answered
        Share of rows that get an answer at once: passed or repaired.
    routes
        Rows per 1,000 by route.
    reviews_per_day, most_reviews
        Reviews in a day, on average and on the fullest day.
    errors, caught
        Wrong answers that get through and that reviewers catch, per 1,000 rows, expected by the confidence.
    prevented, review_cost, block_cost, net
        Per day: what errors cost less than if everything passed, what reviews and refusals cost, and the first less the others.
    errors_counted, caught_counted, net_counted
        The same by the right answers, where they were given.
    behind
        How much better per day the policy that was asked about is, on the same rows; None for itself.
    """

    name: str
    answered: Estimate
    routes: Mapping[str, Estimate]
    reviews_per_day: Estimate
    most_reviews: int
    errors: Estimate
    caught: Estimate
    prevented: Estimate
    review_cost: Estimate
    block_cost: Estimate
    net: Estimate
    errors_counted: Estimate | None = None
    caught_counted: Estimate | None = None
    net_counted: Estimate | None = None
    behind: Estimate | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return it as plain data."""
        return {name: _plain(value) for name, value in vars(self).items()}


@dataclass(frozen=True, repr=False)
class Simulation:
    """A policy on past traffic. Printed, it says what a product owner wants to know.

    outcome, rivals
        What this policy would have done, and the others: pass everything, route by risk as without costs, review everything.
    rows, days
        How much traffic it is about. `days` is a fraction where a number of rows per day was given.
    notes
        What must be known to read the numbers.
    route, propensity
        The route of each row and the chance with which it was reviewed, shape (n,).
    within
        How far a number may be from the truth and still be right: answers further off are the errors. None where answers are classes.
    """

    outcome: Outcome
    rivals: tuple[Outcome, ...]
    rows: int
    days: float
    resampled: str
    policy: str
    notes: tuple[str, ...]
    route: Objects = field(compare=False)
    propensity: Floats = field(compare=False)
    within: float | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return the figures as plain data, without the routes of single rows."""
        return {
            "rows": self.rows,
            "days": self.days,
            "resampled": self.resampled,
            "policy": self.policy.splitlines(),
            **self.outcome.to_dict(),
            "rivals": [rival.to_dict() for rival in self.rivals],
            "notes": list(self.notes),
            "within": self.within,
        }

    def __repr__(self) -> str:
        return told(self)


def simulate(policy: Policy, verdicts: Verdicts, per_day: float | None, days: Any, y: Any, seed: int) -> Simulation:
    """Return what a policy would have done on past traffic. See `Policy.simulate`."""
    from camelopard.firewall.policy import Policy as ByRisk
    from camelopard.firewall.policy import is_whole

    if policy.costs is None:
        raise CamelopardError("simulate() speaks of money, and this policy has no costs. Give Policy(costs=Costs(wrong=…, review=…, block=…)).")
    if not is_whole(seed):
        raise CamelopardError(f"simulate(seed={given(seed)}): expected a whole number from 0, below 2**63.")
    grounds, n = Grounds.of(verdicts), len(verdicts)
    dates = calendar(n, per_day, days)
    share_wrong = policy.costs.repaired_wrong if policy.costs.repaired_wrong is not None else grounds.repaired_wrong
    route, propensity = _day_by_day(policy, verdicts, dates)
    by_risk = ByRisk(review=policy.review, block=policy.block, repair=policy.repair)
    today = codes(by_risk.route(verdicts.risk, grounds.alarmed, grounds.repairable, grounds.unreadable, grounds.held))
    routes = {TODAY: today, EVERYTHING: np.full(n, PASS), REVIEWED: np.full(n, REVIEW)}
    labels = None if y is None else _labels(verdicts, grounds, y)
    wrong = mended = None
    if labels is not None:
        wrong = np.array([_differs(a, b, grounds.tolerance) for a, b in zip(verdicts.prediction.tolist(), labels.tolist(), strict=True)], dtype=bool)
        mended = _wrong_after_repair(verdicts, grounds, labels, wrong, np.flatnonzero((route == REPAIR) | (today == REPAIR)))
    ledger = _Ledger(policy.costs, verdicts.confidence, share_wrong, wrong, mended, dates, np.random.default_rng(seed))
    mine = ledger.sums(route)
    outcome = ledger.outcome("this policy", route, mine)
    if policy.reviews_per_day is not None:  # a desk keeps that, and scaling parts of a day up to whole ones may round above it
        outcome = replace(outcome, most_reviews=min(outcome.most_reviews, policy.reviews_per_day))
    rivals = tuple(ledger.outcome(name, other, ledger.sums(other), mine) for name, other in routes.items())
    notes = _notes(policy, verdicts, dates, outcome, route, share_wrong, mended)
    resampled = f"{dates.days} {'days' if dates.whole else 'parts of about a day'}" if ledger.by_day else "rows"
    return Simulation(outcome, rivals, n, dates.length, resampled, str(policy), tuple(notes), NAMES[route], propensity, grounds.tolerance)


def _day_by_day(policy: Policy, verdicts: Verdicts, dates: Calendar) -> tuple[Ints, Floats]:
    """Return route and propensity of each row, as a desk would have given them: the rows of a day come evenly over it, in their order."""
    decision, rate = decide(policy, verdicts), policy.audit_rate or 0.0
    if policy.reviews_per_day is None:
        return np.where(decision.drawn(rate), REVIEW, decision.route), decision.propensity(rate)
    route, propensity = decision.route.copy(), np.zeros(len(decision))
    order = np.argsort(dates.day, kind="stable")
    ends = np.cumsum(np.bincount(dates.day))
    part_of_day = 1.0 if dates.whole else dates.length / dates.days  # a part of traffic that is less than a day has as much less of a budget
    budgets = np.diff(np.floor(policy.reviews_per_day * part_of_day * np.arange(dates.days + 1) + 1e-9)).astype(int).tolist()
    desk = Desk(policy)
    for day, rows in enumerate(np.split(order, ends[:-1])):
        desk.policy = replace(policy, reviews_per_day=budgets[day], audit=policy.audit if budgets[day] else 0.0)
        parts = min(PARTS, len(rows))
        for k, part in enumerate(np.array_split(rows, parts)):
            placed = desk.place(decision.take(part), START + dt.timedelta(days=day, hours=24 * k / parts))
            route[part], propensity[part] = placed.route, placed.propensity
    return route, propensity


class _Ledger:
    """Adds up what routes cost, by day or by groups of rows, and resamples these."""

    def __init__(
        self,
        costs: Costs,
        confidence: Floats,
        repaired_wrong: float | None,
        wrong: Bools | None,
        mended: Floats | None,
        dates: Calendar,
        rng: np.random.Generator,
    ) -> None:
        self.costs, self.doubt, self.dates = costs, 1.0 - confidence, dates
        self.repaired_wrong, self.wrong, self.mended = repaired_wrong or 0.0, wrong, mended
        self.by_day = dates.days >= FEWEST_DAYS
        n, groups = len(confidence), min(dates.days, MOST_DAYS) if self.by_day else min(len(confidence), GROUPS)
        parts = dates.days if self.by_day else n
        group_of = np.arange(parts) if parts == groups else rng.permutation(np.arange(parts) % groups)
        self.group = group_of[dates.day] if self.by_day else group_of
        self.sizes = np.bincount(self.group, minlength=groups).astype(np.float64)
        drawn = rng.integers(0, groups, (DRAWS, groups)) + groups * np.arange(DRAWS)[:, None]
        self.weights = np.bincount(drawn.ravel(), minlength=DRAWS * groups).reshape(DRAWS, groups).astype(np.float64)

    def sums(self, route: Ints) -> dict[str, Floats]:
        """Return the sums of each group, shape (groups,), by name."""
        costs, review, block = self.costs, route == REVIEW, route == BLOCK
        slips = review * costs.reviewer_wrong
        rows: dict[str, Array] = {name: route == k for k, name in enumerate(ROUTES)}
        rows["answered"] = rows["pass"] | rows["repair"]
        rows["errors"] = (route == PASS) * self.doubt + (route == REPAIR) * self.repaired_wrong + slips
        rows["caught"] = review * self.doubt * (1.0 - costs.reviewer_wrong)
        rows["prevented"] = (self.doubt - rows["errors"]) * costs.wrong
        rows["review_cost"], rows["block_cost"] = review * costs.review, block * costs.block
        rows["net"] = rows["prevented"] - rows["review_cost"] - rows["block_cost"]
        if self.wrong is not None and self.mended is not None:
            rows["errors_counted"] = (route == PASS) * self.wrong + (route == REPAIR) * self.mended + slips
            rows["caught_counted"] = review * self.wrong * (1.0 - costs.reviewer_wrong)
            rows["net_counted"] = (self.wrong - rows["errors_counted"]) * costs.wrong - rows["review_cost"] - rows["block_cost"]
        return {name: np.bincount(self.group, weights=values, minlength=len(self.sizes)).astype(np.float64) for name, values in rows.items()}

    def outcome(self, name: str, route: Ints, sums: Mapping[str, Floats], mine: Mapping[str, Floats] | None = None) -> Outcome:
        """Return the outcome with these sums; `mine` those of the policy that was asked about."""
        found = self._estimates({**sums, **({} if mine is None else {"behind": mine["net"] - sums["net"]}), "reviews_per_day": sums["review"]})
        counted = {key: found[key] for key in ("errors_counted", "caught_counted", "net_counted") if key in found}
        if counted:  # resampling no error gives no interval
            errors, around = counted["errors_counted"], share(float(sums["errors_counted"].sum()), len(route))
            counted["errors_counted"] = Estimate(errors.value, min(errors.low, 1000 * around.low), max(errors.high, 1000 * around.high))
        reviews = np.bincount(self.dates.day, weights=route == REVIEW)
        return Outcome(
            name=name,
            routes={key: found[key] for key in ROUTES},
            most_reviews=round(float(reviews.max()) * (1.0 if self.dates.whole else self.dates.days / self.dates.length)),
            behind=found.get("behind"),
            **{key: found[key] for key in ("answered", "reviews_per_day", "errors", "caught", "prevented", "review_cost", "block_cost", "net")},
            **counted,
        )

    def _estimates(self, sums: Mapping[str, Floats]) -> dict[str, Estimate]:
        """Return each sum per row, per 1,000 rows or per day, with its interval."""
        table = np.stack(list(sums.values()), axis=1)
        shares = np.array([name in PER_ROW for name in sums])
        times = np.array([PER_ROW.get(name, 1.0 / self.dates.length) for name in sums])
        drawn = np.where(shares, (self.weights @ table) / (self.weights @ self.sizes)[:, None], self.weights @ table) * times
        values = np.where(shares, table.sum(axis=0) / self.sizes.sum(), table.sum(axis=0)) * times
        wider = _wider(len(self.sizes))
        low = np.minimum(values - wider * (values - np.quantile(drawn, 0.025, axis=0)), values)
        high = np.maximum(values + wider * (np.quantile(drawn, 0.975, axis=0) - values), values)
        least = np.array([0.0 if name in PER_ROW or name in FROM_ZERO else -np.inf for name in sums])
        low, high = np.maximum(low, least), np.minimum(high, np.array([PER_ROW.get(name, np.inf) for name in sums]))
        return {name: Estimate(*each) for name, *each in zip(sums, values.tolist(), low.tolist(), high.tolist(), strict=True)}


def _wider(groups: int) -> float:
    """Return by how much percentiles of resampled groups are widened around the value, as few groups make them too narrow (Hesterberg 2015)."""
    from scipy.special import stdtrit

    return float(stdtrit(groups - 1, 0.975)) / 1.96 * (groups / (groups - 1)) ** 0.5 if groups > 1 else 1.0


def _labels(verdicts: Verdicts, grounds: Grounds, y: Any) -> Array:
    """Return the right answers as the model's are compared with them, shape (n,).

    Which classes a model knows is told by its answers, and by how many probabilities it gives: at least one label must be an answer, and answers and
    labels together may not be more classes than there are probabilities.
    """
    if isinstance(y, str):
        raise InputError(f"y={y[:80]!r}: expected one right answer per verdict, a list or a column; verdicts have no columns to name.")
    try:
        labels = with_labels(Batch({}, verdicts.ids), y)[1]
    except (TypeError, ValueError) as error:
        raise InputError(f"y cannot be read as one label per verdict ({told_of(error)}); expected {len(verdicts)} labels.") from error
    assert labels is not None, "y was given"
    if grounds.tolerance is not None:
        return _numbers(labels)
    for i, label in enumerate(labels.tolist()):
        if not isinstance(label, (str, int, float, bool, bytes, dt.date)) or (isinstance(label, float) and not math.isfinite(label)):
            raise InputError(f"y is {given(label)} at position {i}; expected a class of the model. Leave those rows out.")
    answers = {plain(a) for a, none in zip(verdicts.prediction.tolist(), is_missing(verdicts.prediction), strict=True) if not none}
    held = {plain(label) for label in labels.tolist()}
    strange = sorted(held - answers, key=str)
    shown = ", ".join(given(label) for label in strange[:5])
    if answers and len(strange) == len(held):
        raise InputError(f"y holds {shown}, but the model answers {given(sorted(answers, key=str)[0])}: no label is one of its answers.")
    classes = None if verdicts.proba is None else verdicts.proba.shape[1]
    if classes is not None and len(answers | held) > classes:
        heard = ", ".join(given(answer) for answer in sorted(answers, key=str)[:10])
        raise InputError(f"y holds {shown}, but the model knows {classes} classes and answers {heard}. Give labels as the model spells its classes.")
    return labels


def _numbers(labels: Array) -> Floats:
    try:
        numbers = labels.astype(np.float64)
    except (TypeError, ValueError, OverflowError) as error:
        raise InputError(f"y holds {given(plain(labels[0]))}, but the model answers numbers; expected numbers.") from error
    if not np.isfinite(numbers).all():
        raise InputError(f"y is not finite at position {int(np.flatnonzero(~np.isfinite(numbers))[0])}. Leave those rows out.")
    return numbers


def _wrong_after_repair(verdicts: Verdicts, grounds: Grounds, labels: Array, wrong: Bools, rows: Ints) -> Floats:
    """Return for each row whether its repaired answer is wrong, shape (n,); looked up for these rows only."""
    found = wrong.astype(np.float64)
    for i in rows.tolist():
        repair = verdicts.repair_of(i)
        found[i] = 1.0 if repair is None else _differs(repair.prediction, labels[i], grounds.tolerance)
    return found


def _differs(answer: object, label: object, tolerance: float | None) -> bool:
    answer, label = plain(answer), plain(label)
    if answer is None:
        return True
    if tolerance is None:
        return bool(answer != label)
    if not isinstance(answer, (int, float)) or not isinstance(label, (int, float)):
        raise InputError(f"the model answers {given(answer)} where the label is {given(label)}; expected numbers.")
    return not abs(answer - label) <= tolerance


def _plain(value: Any) -> Any:
    if isinstance(value, Estimate):
        return vars(value)
    return {name: _plain(v) for name, v in value.items()} if isinstance(value, Mapping) else value


def _notes(
    policy: Policy, verdicts: Verdicts, dates: Calendar, outcome: Outcome, route: Ints, repaired_wrong: float | None, mended: Floats | None
) -> list[str]:
    """Return what must be known to read the numbers."""
    notes, repaired = [], int((route == REPAIR).sum())
    unknown = int(np.isnan(verdicts.confidence).sum())
    if unknown:
        notes.append(f"{unknown:,} rows have no confidence, as there is no model: no errors can be expected, only routes and reviews are counted.")
    if Grounds.of(verdicts).labelled is False:
        notes.append("The firewall was fitted without labels: whether answers are right as often as confidence says was never checked.")
    if policy.reviews_per_day == 0:
        notes.append("Nobody reviews: rows that a person should see took the next cheapest route.")
    if policy.audit and policy.audit_rate is None:
        notes.append("No audit was drawn: its rate is not known before policy.fitted_to(verdicts, per_day=…).")
    if repaired and repaired_wrong is None:
        notes.append(
            f"Errors after repair are not counted among those expected: nobody knows how often these are wrong (rows repaired: {repaired:,})."
        )
    if repaired and repaired_wrong is not None and policy.costs is not None and policy.costs.repaired_wrong is None:
        notes.append(f"It is expected that {number(100 * repaired_wrong)} % of repaired answers are wrong, as measured at fit.")
    if repaired and mended is not None:
        k = int(mended[route == REPAIR].sum())
        around = share(k, repaired)
        told = f"Wrong after repair, counted: {k:,} of {repaired:,} ({number(100 * around.low)} to {number(100 * around.high)} %)"
        enough = repaired_wrong is None and repaired >= FEWEST_REPAIRS
        notes.append(f"{told}: Costs(repaired_wrong={k / repaired:.2g}) would say so." if enough else f"{told}.")
    counted = outcome.errors_counted
    known = _known_errors(outcome, route, repaired_wrong, mended)
    if counted is not None and known is not None and not known[1] <= outcome.errors.value <= known[2]:
        more = "fewer" if known[0] < outcome.errors.value else "more"
        notes.append(
            f"{number(known[0])} errors per 1,000 rows got through where confidence expected {number(outcome.errors.value)}, {more} than chance "
            "explains: confidence does not fit this traffic: recalibrate."
        )
    if not dates.whole and dates.length < 1:
        notes.append(f"The rows fill {dates.length:.2g} of a day: figures per day are scaled up.")
        if policy.reviews_per_day and policy.reviews_per_day * dates.length < 1 - 1e-9:
            need = math.ceil(len(verdicts) / (policy.reviews_per_day * dates.length))
            notes.append(
                f"That is too little of a day for one of {policy.reviews_per_day:,} reviews, so none is made here: give at least {need:,} rows."
            )
    return notes


def _known_errors(outcome: Outcome, route: Ints, repaired_wrong: float | None, mended: Floats | None) -> tuple[float, float, float] | None:
    """Return counted errors of the kinds that confidence speaks of, and their interval: without those after repair where these are not expected."""
    found = outcome.errors_counted
    if found is None or mended is None or outcome.errors.value != outcome.errors.value:
        return None
    after = 0.0 if repaired_wrong is not None else 1000.0 * float(mended[route == REPAIR].sum()) / len(route)
    return found.value - after, found.low - after, found.high - after
