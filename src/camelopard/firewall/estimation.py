"""How good is the model on rows without labels? The mean of confidence, corrected for how much damage there is among them, with an interval.

What it is worth is measured while fitting, on windows of labelled rows that took no part in what is judged, beside the ways in use.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from camelopard.confidence.unlabelled import OURS, Estimator, Rivals, trusted
from camelopard.core.arrays import Array, Bools, Floats, Ints
from camelopard.core.batch import plain
from camelopard.core.errors import InputError, UnknownName
from camelopard.core.records import Interval, Prediction
from camelopard.core.tolerance import within
from camelopard.firewall.learned import Learned, Live
from camelopard.firewall.material import Lesson, agreeing

METRICS = ("accuracy", "precision", "recall", "f1")
WINDOW, REPEATS = 300, 4  # rows of a window; windows for each family and share
SHARES = (0.0, 0.1, 0.5, 1.0)  # of damaged rows
FEWEST_OF_FAMILY = 30
FEWEST_TOLD = 30  # rows from which on it is said how many of them look damaged
DRAWS = 400
FEW_ERRORS = 30
APART = ("attack", "floor")  # families that no window is made of: rows searched for until they fooled the model, and what no gate can see


@dataclass(frozen=True)
class Estimate:
    """An estimate of a metric on rows without labels.

    value, low, high
        With the 95 % interval of what the labels of these rows would show.
    rows, unanswered
        How many rows it is for, and how many the model did not answer.
    damaged
        The share of damaged rows among them, as far as it can be told.
    rivals
        What other ways say of the accuracy, where that is asked for.
    backtest
        Mean absolute error of each way on labelled windows.
    trust
        Which to trust by that: this one, unless another was surely better; "" where too little was measured to say, see `note`.
    note
        What makes all this less sure than it looks.
    within
        Where answers are numbers: how far off they may be, and "accuracy" is the share of those that are not further off. None for classes.
    """

    metric: str
    value: float
    low: float
    high: float
    rows: int
    unanswered: int
    damaged: float
    rivals: Mapping[str, float]
    backtest: Mapping[str, float]
    trust: str = OURS
    note: str = ""
    within: float | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return all of it as plain data."""
        return {**vars(self), "rivals": dict(self.rivals), "backtest": dict(self.backtest)}

    def __repr__(self) -> str:
        gone = f"; {self.unanswered:,} more have no answer" if self.unanswered else ""
        what = self.metric if self.within is None else f"share of answers {within(self.within)}"
        lines = [f"Estimated {what}: {self.value:.1%} ({self.low:.1%} to {self.high:.1%}) on {self.rows:,} rows without labels{gone}."]
        few = self.rows < FEWEST_TOLD
        lines.append("These are too few to tell how many look damaged." if few else f"About {self.damaged:.0%} of them look damaged.")
        if self.rivals:
            lines.append(f"  {'':<20} {'says':>7} {'off by, on labelled windows':>29}")
            for name, value in {OURS: self.value, **self.rivals}.items():
                error = f"{self.backtest[name]:.1%}" if name in self.backtest else "not measured"
                lines.append(f"  {name:<20} {value:>7.1%} {error:>29}{'   ← trust this one' if name == self.trust else ''}")
        return "\n".join([*lines, f"Note: {self.note}."] if self.note else lines)


@dataclass(frozen=True)
class Backtest:
    """Estimates held against labels, window by window.

    errors
        For each way, the mean absolute error over windows.
    trust
        Which to trust by that: camelopard's, unless another is surely better.
    held
        The share of windows whose 95 % interval held the truth.
    windows
        For each: the position of its first row, its rows, the truth, the estimate and its interval.
    within
        As in `Estimate`.
    """

    errors: Mapping[str, float]
    trust: str
    held: float
    windows: tuple[Mapping[str, float], ...]
    within: float | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return all of it as plain data."""
        return {
            "errors": dict(self.errors),
            "held": self.held,
            "windows": [dict(w) for w in self.windows],
            "trust": self.trust,
            "within": self.within,
        }

    def __repr__(self) -> str:
        n, what = len(self.windows), "accuracy" if self.within is None else f"the share of answers {within(self.within)}"
        lines = [f"On {n} labelled window{'s' * (n != 1)} the estimate of {what} was off by"]
        lines += [f"  {name:<20} {error:>7.1%}{'   ← trust this one' if name == self.trust else ''}" for name, error in self.errors.items()]
        return "\n".join([*lines, f"on average. The 95 % interval held the truth in {self.held:.0%} of the windows."])


def estimated(learned: Learned, live: Live, metric: str = "accuracy", positive: Any = None) -> Estimate:
    """Return the estimate for live rows. See `Firewall.estimate`.

    Raises
    ------
    InputError
        If no row is answered, or the metric does not fit the model.
    """
    estimator, answer = learned.estimator, live.answer
    assert estimator is not None, "without labels nothing is known of accuracy"
    if not len(answer):
        raise InputError(f"none of the {live.given} rows given has an answer; expected live traffic, in the form that screen takes.")
    groups, members = _groups(answer, metric, positive)
    if metric in ("precision", "f1") and not (groups == 0).any():
        raise InputError(f"the {metric} is not defined: the model calls none of the {len(answer):,} rows {positive!r}.")
    judged = learned.as_fitted().judge(answer, live.table)
    confidence, damaged, unsure = confidence_in(learned, judged.score, judged.risk, judged.confidence)
    spread = (estimator.spread(float(confidence.mean())) ** 2 + unsure**2) ** 0.5
    value, interval = _figure(confidence, groups, len(members), metric, spread)
    rivals = estimator.rivals.estimates(answer.shares.max(axis=1)) if metric == "accuracy" else {}
    gone = live.given - len(answer)
    return Estimate(
        metric,
        value,
        interval.low,
        interval.high,
        len(answer),
        gone,
        damaged,
        rivals,
        estimator.backtest,
        "" if estimator.note else estimator.trust,
        estimator.note,
        _tolerance(learned),
    )


def backtest(learned: Learned, live: Live, labels: Array, rows: int) -> Backtest:
    """Return estimates of consecutive windows beside the truth; `labels` has one entry per row given. See `Firewall.backtest`.

    Raises
    ------
    InputError
        If `rows` is no number of rows, or not even one window is full.
    """
    if isinstance(rows, bool) or not isinstance(rows, int) or rows < 1:
        raise InputError(f"rows={rows!r}; expected how many rows make a window, such as 300.")
    n = len(live.answer)
    if n < rows:
        raise InputError(f"{n} of the {live.given} rows given have an answer, less than one window of {rows}. Give more rows, or a smaller window.")
    tolerance = _tolerance(learned)
    right = agreeing(live.answer.value, labels[live.rows], tolerance)
    errors: dict[str, list[float]] = {}
    windows = []
    for start in range(0, n - rows + 1, rows):
        part = np.arange(start, start + rows)
        found = estimated(learned, Live(rows, live.rows[part], live.answer.take(part), live.table[part]))
        truth = float(right[part].mean())
        for name, value in {OURS: found.value, **found.rivals}.items():
            errors.setdefault(name, []).append(abs(value - truth))
        first = {"first": float(live.rows[start]), "rows": float(rows), "truth": truth}
        windows.append({**first, "estimate": found.value, "low": found.low, "high": found.high})
    held = float(np.mean([w["low"] <= w["truth"] <= w["high"] for w in windows]))
    by_way = {name: np.array(found) for name, found in errors.items()}
    return Backtest({name: float(found.mean()) for name, found in by_way.items()}, trusted(by_way), held, tuple(windows), tolerance)


def _tolerance(learned: Learned) -> float | None:
    return learned.panel.tolerance if learned.panel.task == "regression" else None


def confidence_in(learned: Learned, score: Floats, risk: Floats, confidence: Floats) -> tuple[Floats, float, float]:
    """Return confidence as it is where as much is damaged as in these rows, shape (n,), from what it is in the traffic of fitting.

    And that share, and the standard deviation that its being an estimate gives to the mean of confidence.
    """
    share, _, mixes = learned.mixes(score)
    found = [mix.confidence(confidence, risk, mix.risk(score, risk)) for mix in mixes]
    return found[0], share, abs(float(found[1].mean() - found[2].mean())) / (2 * 1.96)


def _groups(answer: Prediction, metric: str, positive: Any) -> tuple[Ints, tuple[Any, ...]]:
    """Return to which group each row belongs by its answer, shape (n,): the positive class is 0; one for all where only right or wrong counts."""
    if metric not in METRICS:
        raise UnknownName.among(metric, METRICS, "metric")
    if metric == "accuracy":
        return np.zeros(len(answer), dtype=np.int64), ("all",)
    classes = [plain(c) for c in answer.classes]
    if len(classes) != 2:
        raise InputError(f"{metric} is for models with two classes; this one has {len(classes)}. Ask for the accuracy.")
    if positive is None:
        raise InputError(f"{metric} of which class? Name it: positive={classes[-1]!r} or positive={classes[0]!r}.")
    chosen = next((c for c in classes if c == plain(positive) or str(c) == str(positive)), None)  # a command line knows only texts
    if chosen is None:
        raise UnknownName.among(str(positive), [str(c) for c in classes], "class")
    said = np.array([plain(v) == chosen for v in answer.value.tolist()], dtype=bool)
    return np.where(said, 0, 1).astype(np.int64), ("positive", "negative")


def _figure(confidence: Floats, group: Ints, groups: int, metric: str, spread: float) -> tuple[float, Interval]:
    """Return the metric and its interval: answers are right by chance, and confidence as a whole may be off by `spread`."""
    n: Floats = np.bincount(group, minlength=groups).astype(np.float64)
    right: Floats = np.bincount(group, weights=confidence, minlength=groups).astype(np.float64)
    noise = np.bincount(group, weights=confidence * (1 - confidence), minlength=groups)
    rng = np.random.default_rng(0)
    off = rng.standard_normal((DRAWS, 1)) * spread * n.sum() * noise / max(float(noise.sum()), 1e-12)
    drawn = np.clip(right + off + rng.standard_normal((DRAWS, groups)) * np.sqrt(noise), 0.0, n)
    values = _metric(drawn, n, metric)
    low, high = np.quantile(values, [0.025, 0.975])
    return float(_metric(right[None, :], n, metric)[0]), Interval(float(low), float(high))


def _metric(right: Floats, n: Floats, metric: str) -> Floats:
    """Return the metric for so many right answers in each group, shape (draws, groups); where nothing is positive, 0."""
    if metric == "accuracy":
        return np.asarray(right.sum(axis=1) / max(float(n.sum()), 1.0), dtype=np.float64)
    found, missed, false = right[:, 0], n[1] - right[:, 1], n[0] - right[:, 0]
    below = {"precision": found + false, "recall": found + missed, "f1": found + (missed + false) / 2}[metric]
    return np.asarray(np.where(below > 0, found / np.maximum(below, 1e-12), 0.0), dtype=np.float64)


def learn_estimator(
    learned: Learned, lesson: Lesson, check: Lesson, right: tuple[Bools, Bools], held: Floats, families: Mapping[str, str], rng: np.random.Generator
) -> Estimator:
    """Return the estimator, from labelled rows: `right` of both parts; `held`, the confidence of those that calibrate, which took no part in it."""
    word = check.answer.shares.max(axis=1)
    family = np.array([families.get(kind, kind) if kind else "" for kind in check.kind.tolist()], dtype=object)
    before = Rivals.fit(lesson.answer.shares.max(axis=1)[~lesson.damaged], right[0][~lesson.damaged])
    score = learned.head.score(check.table, check.answer)
    assert learned.risk is not None
    risk = learned.risk.probability(score[:, None])
    errors: dict[str, list[float]] = {}
    for windows in _windows(family, rng):  # those of a family share their rows: they count as one
        found: dict[str, list[float]] = {}
        for window in windows:
            truth = float(right[1][window].mean())
            ours = float(confidence_in(learned, score[window], risk[window], held[window])[0].mean())
            for name, value in {OURS: ours, **before.estimates(word[window])}.items():
                found.setdefault(name, []).append(abs(value - truth))
        for name, off in found.items():
            errors.setdefault(name, []).append(float(np.mean(off)))
    every = Rivals.fit(
        np.concatenate([lesson.answer.shares.max(axis=1)[~lesson.damaged], word[~check.damaged]]),
        np.concatenate([right[0][~lesson.damaged], right[1][~check.damaged]]),
    )
    labelled = len(np.unique(lesson.origin)) + len(np.unique(check.origin))
    wrong = int((~right[0][~lesson.damaged]).sum() + (~right[1][~check.damaged]).sum())
    by_way = {name: np.array(off) for name, off in errors.items()}
    figures = {name: float(off.mean()) for name, off in by_way.items()}
    return Estimator(
        every, _systematic(right[1], held, check, family), labelled, figures, trusted(by_way) if by_way else "", _note(wrong, bool(by_way))
    )


def _note(wrong: int, measured: bool) -> str:
    notes = [] if measured else ["too few damaged rows were measured in fitting for a backtest: give more rows, or a larger budget"]
    if wrong < FEW_ERRORS:
        notes.append(f"only {wrong} answers to clean labelled rows were wrong in fitting: what confidence and estimates are worth is hardly known")
    return "; ".join(notes)


def _windows(family: Array, rng: np.random.Generator) -> list[list[Ints]]:
    """Return for each family positions of rows that make up windows, of it and of clean rows in several shares."""
    clean, found = np.flatnonzero(family == ""), []
    for name in sorted(set(family.tolist()) - {"", *APART}):
        mine = np.flatnonzero(family == name)
        if len(mine) < FEWEST_OF_FAMILY or not len(clean):
            continue
        shares = [round(share * WINDOW) for share in SHARES for _ in range(REPEATS)]
        found.append([np.concatenate([rng.choice(clean, WINDOW - k), rng.choice(mine, k)]) for k in shares])
    return found


def _systematic(right: Bools, held: Floats, rows: Lesson, family: Array) -> float:
    """Return the standard deviation over families, and clean rows, of right answers less confidence, but for chance (DerSimonian & Laird 1986)."""
    excess, trust = [], []
    for name in sorted(set(family.tolist()) - {*APART}):
        mine = np.flatnonzero(family == name)
        if len(mine) < FEWEST_OF_FAMILY:
            continue
        w = rows.weight[mine] / rows.weight[mine].sum()
        gap = right[mine] - held[mine]
        off = float((w * gap).sum())
        _, cluster = np.unique(rows.origin[mine], return_inverse=True)
        chance = float((np.bincount(cluster, weights=w * (gap - off)) ** 2).sum())
        excess.append(off**2 - chance)
        trust.append(1.0 / (chance + 1.0 / len(mine)))
    return max(float(np.average(excess, weights=trust)), 0.0) ** 0.5 if excess else 0.0
