"""How good is a firewall? Figures with intervals, from rows that took no part in what is judged."""

from __future__ import annotations

from typing import Any

import numpy as np

from camelopard.confidence.conformal import AlarmThreshold
from camelopard.confidence.quality import Resampled, auroc, brier, calibration_error
from camelopard.core.arrays import Bools, Floats
from camelopard.core.intervals import share
from camelopard.core.records import Interval
from camelopard.firewall.held_out import HeldOut, own_word, routes
from camelopard.firewall.learned import Judged
from camelopard.firewall.material import Lesson, Material
from camelopard.firewall.policy import Policy

FEWEST_REPAIRED = 20


def measure(
    test: Lesson,
    right: Bools | None,
    judged: Judged,
    threshold: AlarmThreshold,
    rng: np.random.Generator,
    *,
    policy: Policy | None = None,
    repaired_right: Bools | None = None,
) -> dict[str, Any]:
    """Return what rows say of a firewall, each with its interval: how well it tells fooled from not, and what gets through.

    Every figure is for the declared mix of traffic (the rows' weights). What is judged must come from maps that the row took no part in.

    Parameters
    ----------
    test, judged, threshold
        The rows' evidence and outcomes, what the firewall makes of them, and where its alarm begins.
    right
        Which answers are right, shape (n,); None without labels.
    rng
        Resamples the rows for intervals.
    policy
        What routes the rows; None: by risk, as a policy of which nothing was set.
    repaired_right
        Which answers to repaired rows are right, shape (n,); None where that is not known.
    """
    score, risk, confidence = judged.score, judged.risk, judged.confidence
    clean, damaged, fooled, w = ~test.damaged, test.damaged, test.fooled, test.weight
    own = 1.0 - test.answer.shares.max(axis=1)
    rows = Resampled(test.origin, w, rng)
    flagged = np.asarray(score > threshold.value, dtype=bool)
    at_5_percent = np.asarray((score > np.quantile(score[clean], 0.95)) & (risk >= test.least_risk), dtype=bool) if clean.any() else flagged

    def area(values: Floats, event: Bools) -> dict[str, Any]:
        return figure(auroc(values, event, w), rows.auroc(values, event))

    def rate(hit: Bools, among: Bools) -> dict[str, Any]:
        value = float(np.average(hit[among], weights=w[among])) if among.any() else np.nan
        return figure(value, rows.rate(hit, among))

    found = {
        "rows": {"clean": int(clean.sum()), "damaged": int(damaged.sum()), "fooled": int(fooled.sum()), "origins": len(np.unique(test.origin))},
        "labelled": right is not None,
        "auroc_fooled": area(score, fooled),
        "auroc_fooled_by_own_doubt": area(own, fooled),
        "auroc_fooled_by_oddity": area(test.odd, fooled),
        "fooled_caught": rate(flagged, fooled),
        "harmless_flagged": rate(flagged, damaged & ~fooled),
        "fooled_caught_at_5_percent": rate(at_5_percent, fooled),
        "harmless_flagged_at_5_percent": rate(at_5_percent, damaged & ~fooled),
        "ece_risk": calibration_error(risk, fooled, weight=w),
        "brier_risk": brier(risk, fooled, w),
        "by_kind": {str(kind): _of_kind(test, score, np.asarray(test.kind == kind, dtype=bool)) for kind in np.unique(test.kind) if kind},
    }
    if right is not None:
        found["auroc_wrong"], found["auroc_wrong_by_own_doubt"] = (area(doubt, ~right) for doubt in (1.0 - confidence, own))
        found["harmful_caught_at_5_percent"] = rate(at_5_percent, fooled & ~right)
        found["ece_confidence"], found["brier_confidence"] = calibration_error(confidence, right, weight=w), brier(confidence, right, w)
        held = HeldOut(confidence, own_word(test.answer), right, w, test.origin, rows)
        found.update(held.figures(), routes=routes(policy or Policy(), risk, flagged, _repairable(test), repaired_right, held))
    return found


def clean_stopped(test: Lesson, score: Floats, threshold: AlarmThreshold) -> dict[str, Any]:
    """Return the share of clean rows above the alarm threshold: of rows that did not set it, for those that did cannot exceed alpha."""
    clean = ~test.damaged
    n, k = int(clean.sum()), int((score[clean] > threshold.value).sum())
    return {"clean_stopped": {**figure(k / max(n, 1), share(k, n)), "alpha": threshold.alpha}}


def repairs(material: Material, stopped: Bools, rng: np.random.Generator) -> dict[str, Any]:
    """Return how often the answer to a repaired row is wrong, among stopped rows with a repair to be trusted; nothing without such rows."""
    check, right = material.check, material.repaired_right
    if right is None or check.repaired is None:
        return {}
    some = stopped & _repairable(check)
    if int(some.sum()) < FEWEST_REPAIRED:
        return {}
    share_wrong = float(np.average(~right[some], weights=check.weight[some]))
    found = figure(share_wrong, Resampled(check.origin, check.weight, rng).rate(~right, some))
    return {"repaired": {**found, "rows": int(some.sum())}, "repaired_wrong": share_wrong}


def _repairable(test: Lesson) -> Bools:
    """Return which rows have a repair to be trusted, shape (n,)."""
    return np.zeros(len(test.fooled), dtype=bool) if test.repaired is None else np.asarray(test.repaired != None, dtype=bool)  # noqa: E711  cell by cell


def _of_kind(test: Lesson, score: Floats, mine: Bools) -> dict[str, Any]:
    """Return how many rows of a kind there are, how many fool the model, and how well those are told from the others and from clean rows."""
    n, k = int(mine.sum()), int(test.fooled[mine].sum())
    rows = mine | ~test.damaged
    interval = share(k, n)
    return {"n": n, "fooled": k / n, "low": interval.low, "high": interval.high, "auroc": auroc(score[rows], test.fooled[rows])}


def figure(value: float, interval: Interval) -> dict[str, Any]:
    """Return a figure with its interval as plain data."""
    return {"value": value, "low": interval.low, "high": interval.high}
