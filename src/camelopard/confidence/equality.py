"""A threshold for each group by which a row costs as much in one group as in another, and what that equality costs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from camelopard.confidence.folds import FOLDS, folds
from camelopard.confidence.metrics import costs_of
from camelopard.confidence.operating import Sweep
from camelopard.confidence.outcome_costs import OutcomeCosts
from camelopard.confidence.thresholds import (
    Estimate,
    GroupThreshold,
    Outcome,
    Threshold,
    cheapest,
    cost_of,
    crossed,
    expected,
    mean_per_1000,
    span_of,
)
from camelopard.core.arrays import Array, Bools, Floats
from camelopard.core.errors import InputError
from camelopard.core.records import Interval

FEW = 30


def equal_cost(sweeps: Mapping[Any, Sweep], costs: OutcomeCosts) -> dict[Any, float]:
    """Return a threshold per group at which each group's rows cost the same per head, as nearly as the rows allow, at the smallest total.

    The smallest cost that all can have is that of the group that is dearest at its own best; the others are brought to it, on the side of
    their own cheapest threshold that is nearer in rows named.

    >>> easy = Sweep.of(np.array([0.1, 0.2, 0.8, 0.9]), np.array([False, False, True, True]))
    >>> hard = Sweep.of(np.array([0.1, 0.2, 0.8, 0.9]), np.array([True, False, False, True]))
    >>> equal_cost({"easy": easy, "hard": hard}, OutcomeCosts(missed=1, false_alarm=1))
    {'easy': 0.9, 'hard': 0.9}
    """
    curves = {group: sweep.costs(costs) for group, sweep in sweeps.items()}
    level = max(float(curve.min()) for curve in curves.values())
    found = {}
    for group, sweep in sweeps.items():
        gap = np.abs(curves[group] - level)
        step = 500 * max(costs.missed, costs.false_alarm) / sweep.rows  # half a row: what the rows cannot tell apart
        near = np.flatnonzero(gap <= gap.min() + step)
        away = np.abs(sweep.named[near] - sweep.named[int(curves[group].argmin())])
        found[group] = sweep.threshold(int(near[away.argmin()]))
    return found


def by_equal_cost(score: Floats, event: Bools, group: Array, costs: OutcomeCosts, by: str, seed: int) -> Threshold:
    """Return a threshold per group by which costs are equal, its intervals, and what to expect of it; what equality costs is paired with one for all.

    score, event, group
        Shape (n,).

    Raises
    ------
    InputError
        If there is one group only.
    """
    names = sorted(set(group.tolist()), key=str)
    if len(names) < 2:
        raise InputError(f"the column {by!r} has one value only, {names[0]!r}; expected groups to compare.")
    code = np.array([names.index(g) for g in group.tolist()])
    rng = np.random.default_rng(seed)
    fold = folds(2 * code + event, rng)
    sweeps = {name: Sweep.of(score[code == i], event[code == i]) for i, name in enumerate(names)}
    values = equal_cost(sweeps, costs)
    named = np.zeros(len(score), dtype=bool)
    for k in range(FOLDS):
        held = fold == k
        parts = {i: (code == i) & ~held for i in range(len(names))}
        learned = equal_cost({i: Sweep.of(score[mine], event[mine]) for i, mine in parts.items() if mine.any()}, costs)
        named[held] = score[held] >= np.array([learned.get(i, np.inf) for i in code[held].tolist()])
    single = crossed(score, event, cheapest(costs), fold)
    more = costs_of(named, event, costs) - costs_of(single, event, costs)
    drawn = _drawn(sweeps, costs, rng)
    again = Sweep.of(score, event).resampled(lambda s: np.array(cheapest(costs)(s)), rng)
    best = cheapest(costs)(Sweep.of(score, event))
    change = {name: _change(sweep, costs, values[name], drawn[:, i]) for i, (name, sweep) in enumerate(sweeps.items())}
    groups = []
    for i, name in enumerate(names):
        mine = code == i
        moved = (change[name], _change(sweeps[name], costs, best, again))
        after, before = (cost_of(Outcome.of(a[mine], event[mine]), costs, _wobble(m)) for a, m in zip((named, single), moved, strict=True))
        groups.append(GroupThreshold(name, int(mine.sum()), values[name], span_of(values[name], drawn[:, i]), after, before))
    figures = expected(named, event)
    cost = cost_of(figures["outcome"], costs, _wobble(sum((change[name] * s.rows for name, s in sweeps.items()), np.zeros(len(drawn))) / len(score)))
    seen = sum(float(s.costs(costs, s.cut(values[name]))) * s.rows for name, s in sweeps.items()) / len(score)
    return Threshold(
        rule="equal-cost",
        asked={"by": by},
        value=np.nan,
        interval=Interval(np.nan, np.nan),
        cost=cost,
        cost_seen=seen,
        labels_needed=4 * len(score),
        half_width=(cost.interval.high - cost.interval.low) / 2,
        groups=tuple(groups),
        equality=mean_per_1000(more),
        notes=tuple(_notes(groups, sweeps, mean_per_1000(more), by)),
        **figures,
    )


def _drawn(sweeps: Mapping[Any, Sweep], costs: OutcomeCosts, rng: np.random.Generator) -> Floats:
    """Return the thresholds that resamples within each group lead to, shape (times, groups)."""
    together = zip(*(sweep.resamples(rng) for sweep in sweeps.values()), strict=True)
    return np.array([list(equal_cost(dict(zip(sweeps, parts, strict=True)), costs).values()) for parts in together])


def _change(sweep: Sweep, costs: OutcomeCosts, chosen: float, drawn: Floats) -> Floats:
    """Return by how much the rows cost more per 1,000 by each threshold drawn than by the one chosen, shape (times,)."""
    return sweep.costs(costs, sweep.cut(drawn)) - float(sweep.costs(costs, sweep.cut(chosen)))


def _wobble(change: Floats) -> float:
    return float(np.sqrt(np.mean(change**2)))


def _notes(groups: list[GroupThreshold], sweeps: Mapping[Any, Sweep], more: Estimate, by: str) -> Iterator[str]:
    worse = [f"{g.group} {g.cost.value - g.cost_before.value:+,.0f}" for g in groups if g.cost.value > g.cost_before.value + 0.5]
    if more.interval.low > 0:
        dearer = f"equal cost per head is reached by making it dearer for some (per 1,000: {', '.join(worse)})"
        yield f"{dearer}; over all rows that costs {more.value:,.0f} per 1,000 more than one threshold for all"
    for name, sweep in sweeps.items():
        if sweep.events < FEW:
            yield f"only {sweep.events} rows with {by} {name!r} are of the class sought: its threshold is hardly known"
