"""How good are answers? Each metric is a function of arrays that returns a number, by scikit-learn's definition; NaN where nothing can be measured.

`answer` and `truth` are classes or their numbers, `named` and `event` whether a row is named and whether it should be, `weight` how much each counts;
all of shape (n,). Accuracy, balanced accuracy, MCC and the averages over classes take any number of classes.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from camelopard.confidence.outcome_costs import OutcomeCosts
from camelopard.confidence.quality import auroc as auroc
from camelopard.confidence.quality import brier as brier
from camelopard.core.arrays import Array, Bools, Floats, Ints
from camelopard.core.records import Interval

RESAMPLES = 400
SMALLEST = float(np.finfo(np.float64).eps)  # no probability counts as smaller in a log loss
Count = Callable[[Array, Array, Floats], float]


def accuracy(answer: Array, truth: Array, weight: Floats | None = None) -> float:
    """Return the share of answers that are right.

    >>> accuracy(np.array(["a", "b"]), np.array(["a", "a"]))
    0.5
    """
    return _share(answer == truth, np.ones(len(truth), dtype=bool), weight)


def balanced_accuracy(answer: Array, truth: Array, weight: Floats | None = None) -> float:
    """Return the mean over the classes that occur of the share of their rows that are answered right."""
    recalls = [_share(answer == truth, truth == c, weight) for c in np.unique(truth)]
    return _mean(recalls)


def precision(named: Bools, event: Bools, weight: Floats | None = None) -> float:
    """Return the share of the named rows that should be; NaN where none is named."""
    return _share(event, named, weight)


def recall(named: Bools, event: Bools, weight: Floats | None = None) -> float:
    """Return the share named of the rows that should be; NaN where there are none."""
    return _share(named, event, weight)


def specificity(named: Bools, event: Bools, weight: Floats | None = None) -> float:
    """Return the share left alone of the rows that should be: the recall of the other class."""
    return _share(~named, ~event, weight)


def f_beta(named: Bools, event: Bools, beta: float = 1.0, weight: Floats | None = None) -> float:
    """Return the F-measure, in which recall counts `beta` times as much as precision (van Rijsbergen 1979)."""
    w = np.ones(len(event)) if weight is None else weight
    found, alarms, missed = float(w[named & event].sum()), float(w[named & ~event].sum()), float(w[~named & event].sum())
    total = (1 + beta**2) * found + beta**2 * missed + alarms
    return (1 + beta**2) * found / total if total else math.nan


def matthews(answer: Array, truth: Array, weight: Floats | None = None) -> float:
    """Return the correlation of answers and truth (Matthews 1975; for several classes Gorodkin 2004); 0 where either never changes.

    >>> matthews(np.array([1, 1, 0, 0]), np.array([1, 0, 0, 0])).__round__(3)
    0.577
    """
    classes, codes = np.unique(np.concatenate([answer, truth]), return_inverse=True)
    k, n = len(classes), len(truth)
    table = np.bincount(codes[:n] * k + codes[n:], weights=weight, minlength=k * k).reshape(k, k).astype(np.float64)
    said, true, total = table.sum(axis=1), table.sum(axis=0), table.sum()
    spread = (total**2 - said @ said) * (total**2 - true @ true)
    return float((np.trace(table) * total - said @ true) / math.sqrt(spread)) if spread > 0 else 0.0


def average_precision(score: Floats, event: Bools, weight: Floats | None = None) -> float:
    """Return the mean precision down the list of falling scores, over the rows that should be named (steps, not interpolated).

    >>> average_precision(np.array([0.1, 0.4, 0.35, 0.8]), np.array([False, False, True, True])).__round__(3)
    0.833
    """
    w = np.ones(len(event)) if weight is None else weight
    _, place = np.unique(-score, return_inverse=True)
    found, named = np.bincount(place, weights=w * event), np.bincount(place, weights=w)
    total = found.sum()
    right = np.divide(found.cumsum(), named.cumsum(), out=np.zeros(len(found)), where=named.cumsum() > 0)
    return float((found * right).sum() / total) if total else math.nan


def losses(proba: Floats, codes: Ints) -> Floats:
    """Return −log of the probability, shape (n, k), that each row gave to the right class, shape (n,)."""
    right = np.clip(proba[np.arange(len(codes)), codes], SMALLEST, 1 - SMALLEST)
    found: Floats = -np.log(right)
    return found


def log_loss(proba: Floats, codes: Ints, weight: Floats | None = None) -> float:
    """Return the mean of `losses`.

    >>> log_loss(np.array([[0.9, 0.1], [0.4, 0.6]]), np.array([0, 1])).__round__(3)
    0.308
    """
    return float(np.average(losses(proba, codes), weights=weight))


def brier_parts(proba: Floats, codes: Ints) -> Floats:
    """Return the squared difference of probabilities and truth per row: of one class for two, summed over the classes for more, shape (n,)."""
    k = proba.shape[1]
    squares: Floats = ((proba - np.eye(k)[codes]) ** 2).sum(axis=1) / (2 if k == 2 else 1)
    return squares


def cost_per_1000(named: Bools, event: Bools, costs: OutcomeCosts, weight: Floats | None = None) -> float:
    """Return what 1,000 rows cost.

    >>> cost_per_1000(np.array([True, False]), np.array([False, True]), OutcomeCosts(missed=50, false_alarm=4))
    27000.0
    """
    return 1000 * float(np.average(costs_of(named, event, costs), weights=weight))


def costs_of(named: Bools, event: Bools, costs: OutcomeCosts) -> Floats:
    """Return what each row costs, shape (n,)."""
    found: Floats = np.where(event, np.where(named, costs.net_found, costs.missed), np.where(named, costs.false_alarm, 0.0))
    return found


def over_classes(metric: Callable[[Bools, Bools, Floats | None], float], answer: Array, truth: Array, weight: Floats | None = None) -> float:
    """Return a metric of two classes, each class in turn against the rest, averaged; classes for which it is not defined are left out."""
    classes = np.unique(np.concatenate([answer, truth]))
    return _mean([metric(answer == c, truth == c, weight) for c in classes])


def baseline(truth: Array) -> float:
    """Return the accuracy of always answering the commonest class."""
    return float(np.unique(truth, return_counts=True)[1].max() / len(truth))


def placements(score: Floats, event: Bools) -> Floats:
    """Return for each row the share of rows of the other side that it is ranked right against, ties counted half, shape (n,).

    Their means over either side are the AUROC, and their spread is its (DeLong, DeLong & Clarke-Pearson 1988).

    >>> placements(np.array([0.1, 0.4, 0.35, 0.8]), np.array([False, False, True, True])).tolist()
    [1.0, 0.5, 0.5, 1.0]
    """
    found = np.empty(len(score))
    for side, sign in ((event, 1.0), (~event, -1.0)):
        mine, rest = sign * score[side], np.sort(sign * score[~side])
        found[side] = (np.searchsorted(rest, mine, side="left") + np.searchsorted(rest, mine, side="right")) / (2 * max(len(rest), 1))
    return found


def spread(metric: Count, answer: Ints, truth: Ints, rng: np.random.Generator) -> Interval:
    """Return the 95 % interval of a metric of answers and truth, both as numbers of classes: resampled rows are resampled counts of their pairs.

    Where all answers are right, or all wrong, or of two classes one combination was not seen, half a row is added to every combination (Agresti &
    Coull 1998 do so for a share): chance has more to say.
    """
    k, n = int(max(answer.max(), truth.max())) + 1, len(truth)
    says, is_so = np.divmod(np.arange(k * k), k)
    cells = np.bincount(answer * k + truth, minlength=k * k).astype(np.float64)
    if (answer == truth).all() or (answer != truth).all() or (k == 2 and not cells.all()):
        cells += 0.5
    value = metric(answer, truth, np.ones(n))
    times = rng.multinomial(n, cells / cells.sum(), size=RESAMPLES).astype(np.float64)
    drawn = np.array([metric(says[w > 0], is_so[w > 0], w[w > 0]) for w in times])
    drawn = drawn[~np.isnan(drawn)]
    if not len(drawn) or value != value:
        return Interval(math.nan, math.nan)
    low, high = np.quantile(drawn, [0.025, 0.975]).tolist()
    return Interval(min(low, value), max(high, value))


def _share(part: Bools, among: Bools, weight: Floats | None) -> float:
    w = np.ones(len(part)) if weight is None else weight
    total = float(w[among].sum())
    return float(w[among & part].sum()) / total if total else math.nan


def _mean(values: list[float]) -> float:
    known = [v for v in values if v == v]
    return float(np.mean(known)) if known else math.nan
