"""What held-out rows with labels say: is confidence to be believed, what does acting on it cost, and what would a policy do per 1,000 rows?

All of it as plain data, small enough to be kept with the firewall. Every share is of the declared traffic, which the rows' weights make.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from camelopard.confidence.acceptance import GRID, RiskCoverage
from camelopard.confidence.quality import Resampled
from camelopard.core.arrays import Bools, Floats, Ints
from camelopard.core.intervals import share
from camelopard.core.records import Interval, Prediction
from camelopard.firewall.costs import ROUTES
from camelopard.firewall.policy import Policy

BINS = 10
MOST_POINTS = 50  # of a curve
SURENESS = 0.95
DIGITS = 5  # that are kept: more than anything here is known to
THRESHOLDS = np.linspace(0.0, 1.0, 41)
RATIOS = (2.0, 5.0, 20.0)  # what a wrong answer costs, in reviews


@dataclass(frozen=True)
class HeldOut:
    """Rows that took no part in learning their confidence, each array of shape (n,).

    confidence, own
        P(the answer is right), by the firewall, and by the model's own word; `own` is None where the model says nothing of it.
    right
        Whether the answer is right.
    weight, origin
        What each row counts, and which rows hang together.
    rows
        The same rows, resampled by origin.
    """

    confidence: Floats
    own: Floats | None
    right: Bools
    weight: Floats
    origin: Ints
    rows: Resampled

    def figures(self) -> dict[str, Any]:
        """Return reliability, risk–coverage curve and costs, as plain data."""
        wrong = ~self.right
        words = {"confidence": self.confidence} if self.own is None else {"confidence": self.confidence, "own": self.own}
        return {
            "reliability": {name: reliability(said, self.right, self.weight, self.rows) for name, said in words.items()},
            "risk_coverage": {"sureness": SURENESS, **{name: risk_coverage(said, wrong, self.weight, self.origin) for name, said in words.items()}},
            "costs": [cost_curve(ratio, self) for ratio in RATIOS],
        }


def own_word(answer: Prediction) -> Floats | None:
    """Return how sure the model itself is of its answers, shape (n,), or None where it does not say.

    >>> own_word(Prediction(np.array(["b"]), np.array([[0.1, 0.9]]), classes=("a", "b"))), own_word(Prediction(np.array([2.5])))
    (array([0.9]), None)
    """
    return None if answer.proba is None and answer.scores is None else np.asarray(answer.shares.max(axis=1), dtype=np.float64)


def reliability(said: Floats, right: Bools, weight: Floats, rows: Resampled, bins: int = BINS) -> dict[str, list[float]]:
    """Return a reliability diagram (DeGroot & Fienberg 1983): per bin the mean of what was said, the share right with its 95 % interval, the weight.

    Bins hold equal weight, as far as rows that say the same may share one.

    >>> said, right, n = np.repeat([0.6, 0.9], 500), np.arange(1000) % 10 < 6, 1000
    >>> found = reliability(said, right, np.ones(n), Resampled(np.arange(n), np.ones(n), np.random.default_rng(0)))
    >>> np.round(found["said"], 3).tolist(), np.round(found["right"], 3).tolist(), found["high"][1] < 0.7
    ([0.6, 0.9], [0.6, 0.6], True)
    """
    found: dict[str, list[float]] = {key: [] for key in ("said", "right", "low", "high", "share")}
    for some in equal_bins(said, weight, bins):
        w = weight[some]
        at = np.zeros(len(said), dtype=bool)
        at[some] = True
        value = float(np.average(right[some], weights=w))
        interval = scored(value, rows.rate(right, at))
        values = float(np.average(said[some], weights=w)), value, interval.low, interval.high
        for key, value in zip(found, (*values, float(w.sum() / weight.sum())), strict=True):
            found[key].append(round(value, DIGITS))
    return found


def scored(value: float, around: Interval) -> Interval:
    """Return the interval of a share in Wilson's form, of as many rows as its spread is worth: shares near 0 and 1 are not normal.

    >>> scored(0.99, Interval(0.97, 1.0)).high < 1, scored(1.0, Interval(0.9, 1.0)) == Interval(0.9, 1.0)
    (True, True)
    """
    half = max(value - around.low, around.high - value)
    if not 0 < value < 1 or half <= 0:
        return around
    worth = value * (1 - value) * (1.96 / half) ** 2
    return share(value * worth, worth)


def equal_bins(values: Floats, weight: Floats, bins: int) -> list[Ints]:
    """Return the rows of each bin, of equal weight as far as equal values share one; those of the lowest values first.

    >>> [part.tolist() for part in equal_bins(np.array([0.2, 0.1, 0.2, 0.9]), np.ones(4), 4)]
    [[1], [0, 2], [3]]
    """
    order = np.argsort(values, kind="stable")
    w = weight[order]
    total = float(w.sum())
    if total <= 0:
        return []
    middle = (np.cumsum(w) - w / 2) / total
    _, first, group = np.unique(values[order], return_index=True, return_inverse=True)
    centre = np.bincount(group, weights=w * middle, minlength=len(first)) / np.maximum(np.bincount(group, weights=w, minlength=len(first)), 1e-300)
    place = np.minimum((centre[group] * bins).astype(np.int64), bins - 1)
    parts = [order[place == k] for k in range(bins)]
    return [part for part in parts if len(part) and weight[part].sum() > 0]


def risk_coverage(said: Floats, wrong: Bools, weight: Floats, origin: Ints) -> dict[str, list[float]]:
    """Return the risk–coverage curve as plain data: threshold, share accepted, share wrong of it, and what that share surely does not exceed."""
    curve = RiskCoverage.of(said, wrong, weight, origin)
    at_most = curve.at_most(SURENESS)
    some = np.flatnonzero(np.diff(curve.coverage, prepend=0.0) > 0)
    if len(some) > MOST_POINTS:  # as far apart in coverage as they can be
        wanted = np.linspace(curve.coverage[some[0]], curve.coverage[some[-1]], MOST_POINTS)
        some = np.unique(some[np.abs(curve.coverage[some][:, None] - wanted).argmin(axis=0)])
    columns = (GRID, curve.coverage, curve.wrong, at_most)
    return {
        name: [round(float(v), DIGITS) for v in column[some]]
        for name, column in zip(("threshold", "coverage", "wrong", "at_most"), columns, strict=True)
    }


def cost_curve(ratio: float, held: HeldOut) -> dict[str, Any]:
    """Return what 1,000 rows cost, in reviews, where rows below a threshold of confidence are reviewed and a wrong answer costs `ratio` reviews.

    `at` is the threshold that is the cheapest if confidence is right (Chow 1970); the costs there are not those of a threshold picked on these rows.
    """
    at = round(1.0 - 1.0 / ratio, DIGITS)
    cost, low, high = _costs(held.confidence, THRESHOLDS, ratio, held)
    found: dict[str, Any] = {
        "ratio": ratio,
        "at": at,
        "threshold": _kept(THRESHOLDS),
        "cost": _kept(cost),
        "low": _kept(low),
        "high": _kept(high),
    }
    words = {"confidence": held.confidence} if held.own is None else {"confidence": held.confidence, "own": held.own}
    for name, said in words.items():
        value, least, most = (float(v[0]) for v in _costs(said, np.array([at]), ratio, held))
        found[f"by_{name}"] = {"value": value, "low": least, "high": most}
    if held.own is not None:
        found["own"] = _kept(_costs(held.own, THRESHOLDS, ratio, held)[0])
    return {**found, "accept_all": float(_costs(held.confidence, np.array([-1.0]), ratio, held)[0][0]), "review_all": 1000.0}


def routes(policy: Policy, risk: Floats, alarmed: Bools, repairable: Bools, repaired_right: Bools | None, held: HeldOut) -> dict[str, Any]:
    """Return what a policy would have done with the rows, per 1,000 of them: how many take each route, and how many answers are wrong on each.

    Parameters
    ----------
    policy
        What routes by risk, or by costs; its overrides, audit and reviewers need the rows themselves and play no part.
    risk, alarmed, repairable
        What it looks at beside confidence, shape (n,).
    repaired_right
        Whether the answer to the repaired row is right, shape (n,); None where that is not known.

    Returns
    -------
    dict
        `per_1000`: rows by route. `wrong`: of these, those that the model answers wrong. `wrong_repaired`: wrong answers after repair, None where not
        known. `before`, `through`, `caught`, `spoilt`: wrong answers without a firewall, with it, the wrong answers of the model that do not get
        through, and right ones that repair makes wrong.
    """
    nothing, mendable = np.zeros(len(risk), dtype=bool), alarmed & repairable
    known = repaired_right is not None and mendable.any()
    spoilt = float(np.average(~repaired_right[mendable], weights=held.weight[mendable])) if known and repaired_right is not None else None
    route = policy.route(risk, alarmed, repairable, nothing, confidence=held.confidence, repaired_wrong=spoilt)
    wrong, everything = ~held.right, np.ones(len(risk), dtype=bool)
    mended = np.asarray(route == "repair", dtype=bool)
    still = nothing if repaired_right is None else mended & ~repaired_right
    lost = mended if repaired_right is None else still

    def figure(hit: Bools) -> dict[str, float]:
        around = held.rows.rate(hit, everything)
        return {"value": 1000 * float(np.average(hit, weights=held.weight)), "low": 1000 * around.low, "high": 1000 * around.high}

    taken = {name: np.asarray(route == name, dtype=bool) for name in ROUTES}
    passed = taken["pass"] & wrong
    return {
        "policy": policy.state(),
        "per_1000": {name: figure(rows) for name, rows in taken.items()},
        "wrong": {name: figure(rows & wrong) for name, rows in taken.items()},
        "wrong_repaired": None if repaired_right is None and mended.any() else figure(still),
        "before": figure(wrong),
        "through": figure(passed | still),
        "caught": figure(wrong & ~passed & ~lost),
        "spoilt": figure(still & ~wrong),
    }


def _costs(said: Floats, thresholds: Floats, ratio: float, held: HeldOut) -> tuple[Floats, Floats, Floats]:
    """Return the cost of 1,000 rows at each threshold, and its 95 % interval from the spread between origins, each of the thresholds' shape."""
    _, cluster = np.unique(held.origin, return_inverse=True)
    m, total = int(cluster.max(initial=-1)) + 1, float(held.weight.sum())
    value, half = np.empty(len(thresholds)), np.empty(len(thresholds))
    for k, threshold in enumerate(thresholds.tolist()):
        each = np.where(said < threshold, 1.0, ratio * ~held.right)
        value[k] = (held.weight * each).sum() / total
        apart = np.bincount(cluster, weights=held.weight * (each - value[k]), minlength=m) / total
        half[k] = 1.96 * np.sqrt((apart**2).sum() * m / max(m - 1, 1))
    return 1000 * value, 1000 * np.maximum(value - half, 0.0), 1000 * (value + half)


def _kept(values: Floats) -> list[float]:
    return [round(v, DIGITS - 2) for v in values.tolist()]
