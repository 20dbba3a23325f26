"""From cases to curves and findings: what fools this model beyond what no gate could see, with false discoveries controlled over the whole run.

A finding compares, on the same rows, visible damage with a random legal value in the same place (the floor). Damage that nobody can see is
unavoidable: any model that uses the column shows it. Visible damage could have been refused, clipped or filled in; being fooled by it beyond the
floor is a weakness of the model, or of the pipeline before it. A model that raises counts as fooled, but misleads nobody: never above medium.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from camelopard.core.arrays import Array
from camelopard.core.batch import Batch, plain
from camelopard.core.intervals import at_least, discoveries, mean, paired_excess, share, upper_share
from camelopard.core.records import LEVELS, Finding, Interval, Level, Point, Prediction, Task
from camelopard.stress.runner import Case
from camelopard.stress.truth import losses

RATE = 0.05  # false discovery rate of a run
MEDIUM, HIGH = 0.05, 0.15  # lower end of the excess over the floor from which a finding is medium or high
TOLERANCE = 0.05  # share of fooled rows at which harm starts, for the strength that is reported
FEWEST_TRIED = 200  # changed rows without a single fooled one from which a column counts as ignored
SENSITIVE = 0.2  # share of rows that a random legal value fools, from which a column is mentioned as what cannot be seen


def curves(cases: Sequence[Case], y: Array | None, task: Task) -> list[Point]:
    """Return one point per (kind, target, severity), in the order of kind, target and severity."""
    points = []
    for case in sorted(ran(cases), key=lambda c: (c.kind, c.target, c.severity)):
        n, k = len(case.rows), int(case.fooled.sum())
        change = np.empty(0)
        if y is not None:
            labels = y[case.rows]
            change = losses(case.after, labels, task) - losses(case.before, labels, task)
            change = change[~np.isnan(change)]
        points.append(
            Point(
                case.kind,
                case.family,
                case.target,
                case.severity,
                n,
                k / n,
                share(k, n),
                float(case.flipped.mean()),
                float(case.after.failed.mean()),
                float(change.mean()) if len(change) else np.nan,
                mean(change),
                float(case.floor.mean()),
            )
        )
    return points


def findings(cases: Sequence[Case], base: Batch, extra: Sequence[Finding] = ()) -> list[Finding]:
    """Return what was found, worst first. `extra` findings that carry p-values share the control of false discoveries."""
    groups: dict[tuple[str, str], list[Case]] = {}
    for case in ran(cases):
        groups.setdefault((case.kind, case.target), []).append(case)
    tested = [(key, group, p_value(group)) for key, group in sorted(groups.items()) if group[0].family != "floor"]
    p = np.array([value for _, _, value in tested] + [f.p_value for f in extra if f.p_value == f.p_value])
    found = discoveries(p, RATE)
    confidence = 1.0 - RATE * max(int(found.sum()), 1) / max(len(p), 1)
    named = [_finding(group, value, confidence, base) for (_, group, value), hit in zip(tested, found, strict=False) if hit]
    rejected = iter(found[len(tested) :])
    kept = [f if f.p_value != f.p_value or next(rejected) else replace(f, level="none") for f in extra]
    failed = [
        Finding("not-run", f"{c.kind}:{c.target}", f"The damage {c.kind!r} could not be tried on {c.target!r}: {c.note}", level="medium")
        for c in _failures(cases)
    ]
    return sorted([*named, *kept, *failed, *_floor_findings(cases)], key=lambda f: (-LEVELS.index(f.level), -_weight(f), f.code, f.subject))


def ran(cases: Sequence[Case]) -> list[Case]:
    """Return the cases that could run."""
    return [case for case in cases if case.note is None and len(case.rows)]


def p_value(group: Sequence[Case]) -> float:
    """Return the p-value of "visible damage fools the model no more often than a legal value", over severities together and each alone.

    Exact one-sided binomial test on the rows where just one of the two fools the model (McNemar 1947), times the number of tests made.
    """
    only = [_discordant(case) for case in group]
    tests = [*only, (sum(b for b, _ in only), sum(c for _, c in only))]
    return min(1.0, len(tests) * min(at_least(b, b + c, 0.5) if b + c else 1.0 for b, c in tests))


def ignored(cases: Sequence[Case], columns: Sequence[str]) -> list[dict[str, Any]]:
    """Return per column how many damaged rows were tried and how many fooled the model, least first: the invariance certificates.

    `upper` is the exact 95 % upper bound of the share.
    """
    found = []
    for name in columns:
        own = [case for case in ran(cases) if case.target == name]
        tried = sum(int(case.changed.sum()) for case in own)
        fooled = sum(int((case.fooled & case.changed).sum()) for case in own)
        if tried:
            found.append(
                {
                    "column": name,
                    "tried": tried,
                    "fooled": fooled,
                    "upper": upper_share(fooled, tried),
                    "certified": fooled == 0 and tried >= FEWEST_TRIED,
                }
            )
    return sorted(found, key=lambda c: (c["fooled"] / c["tried"], c["column"]))


def verdict(found: Sequence[Finding], name: str, certified: Sequence[str]) -> str:
    """Return the run in one sentence."""
    worst = [f for f in found if f.level == "high"]
    medium = [f for f in found if f.level == "medium"]
    ignores = f" It ignores {_listed(certified)}." if certified else ""
    if not worst and not medium:
        return f"Nothing that was tried fools {name} more than it must: no finding above low.{ignores}"
    level = worst or medium
    kinds = list(dict.fromkeys(f.details["kind"].replace("-", " ") if "kind" in f.details else f.code.replace("-", " ") for f in level))
    more = f" and {len(kinds) - 3} other kinds" if len(kinds) > 3 else ""
    count = f"{len(worst)} high and {len(medium)} medium findings" if worst else f"{len(medium)} medium findings"
    return f"{name} is fooled by {', '.join(kinds[:3])}{more}: {count}.{ignores}"


def _discordant(case: Case) -> tuple[int, int]:
    seen = case.visible
    return int((case.fooled & ~case.floor & seen).sum()), int((case.floor & ~case.fooled & seen).sum())


def _finding(group: Sequence[Case], p: float, confidence: float, base: Batch) -> Finding:
    """Return the finding on one kind and target, at the severity where its excess over the floor is surest."""
    group = sorted(group, key=lambda c: c.severity)
    candidates = [(_excess([case], confidence), case) for case in group]
    (value, interval), worst = max(candidates, key=lambda c: c[0][1].low)
    pooled = _excess(group, confidence)
    if pooled[1].low > interval.low:
        value, interval = pooled
    loud = float(worst.after.failed.mean()) > 0.5 * float(worst.fooled.mean())  # raising misleads nobody: never above medium
    level: Level = "low" if interval.low <= MEDIUM else "medium" if interval.low <= HIGH or loud else "high"
    n, k = len(worst.rows), int(worst.fooled.sum())
    own = share(k, n)
    dose = [[case.severity, float(case.fooled.mean())] for case in group]
    details = {
        "kind": worst.kind,
        "family": worst.family,
        "column": worst.target,
        "severity": next((s for s, fooled in dose if fooled > TOLERANCE), worst.severity),
        "fooled": k / n,
        "flips": float(worst.flipped.mean()),
        "exceptions": float(worst.after.failed.mean()),
        "floor": float(worst.floor.mean()),
        "dose": dose,
        "example": example(worst, base),
    }
    return Finding(
        worst.kind,
        worst.target,
        _sentence(worst, k / n, own, float(worst.floor.mean())),
        level,
        value,
        MEDIUM,
        interval,
        p,
        tuple(int(i) for i in worst.rows[worst.fooled][:5]),
        details,
    )


def _excess(group: Sequence[Case], confidence: float) -> tuple[float, Interval]:
    pairs = [_discordant(case) for case in group]
    n = sum(int(case.visible.sum()) for case in group)
    return paired_excess(sum(b for b, _ in pairs), sum(c for _, c in pairs), n, confidence)


def _sentence(case: Case, fooled: float, interval: Interval, floor: float) -> str:
    where = case.target.replace("|", " and ") if case.target != "*" else "the row"
    what = case.kind.replace("-", " ")
    raised = float(case.after.failed.mean())
    if raised > 0.5 * fooled:
        error = next(e for e in case.after.errors if e is not None)
        how = f"makes the model raise in {raised:.0%} of rows ({error})"
    else:
        how = f"changes the model's answer in {fooled:.0%} of rows ({interval.low:.0%}–{interval.high:.0%})"
    return f"Damage of the kind “{what}” in {where} {how}, against {floor:.0%} when it takes a random legal value."


def example(case: Case, base: Batch) -> dict[str, Any] | None:
    """Return one row that was fooled: what changed, and the answer before and after."""
    hits = np.flatnonzero(case.fooled & case.changed)
    if not len(hits):
        return None
    i = int(hits[0])
    original, damaged = base.row(int(case.rows[i])), case.batch.row(i)
    changes = {
        name: [original.get(name), damaged.get(name)] for name in {**original, **damaged} if repr(original.get(name)) != repr(damaged.get(name))
    }
    return {
        "row": int(case.rows[i]),
        "changes": {name: changes[name] for name in list(changes)[:8]},
        "answer": [plain(case.before.value[i]), plain(case.after.value[i])],
        "confidence": [_confidence(case.before, i), _confidence(case.after, i)],
    }


def _confidence(answer: Prediction, i: int) -> float | None:
    return None if answer.proba is None or answer.errors[i] is not None else float(answer.proba[i].max())


def _floor_findings(cases: Sequence[Case]) -> list[Finding]:
    """Return, for the columns where a random legal value changes many answers, a remark of level low: nobody can see that."""
    found = []
    for case in ran(cases):
        if case.family == "floor" and case.severity == 3 and case.kind == "in-range-resample":
            n, k = len(case.rows), int(case.fooled.sum())
            if share(k, n).low > SENSITIVE:
                message = (
                    f"A random legal value in {case.target} changes the answer in {k / n:.0%} of rows: "
                    "a plausible wrong value there cannot be seen by anyone."
                )
                found.append(
                    Finding("in-range-sensitive", case.target, message, "low", k / n, SENSITIVE, share(k, n), details={"column": case.target})
                )
    return found


def _failures(cases: Sequence[Case]) -> list[Case]:
    first: dict[str, Case] = {}
    for case in cases:
        if case.note is not None:
            first.setdefault(case.kind, case)
    return list(first.values())


def _weight(found: Finding) -> float:
    loud = found.details.get("exceptions", 0.0) > 0.5 * found.details.get("fooled", 1.0)
    return (found.interval.low if found.interval is not None else 0.0) - (1.0 if loud else 0.0)


def _listed(names: Sequence[str]) -> str:
    shown = ", ".join(names[:4])
    return f"{shown} and {len(names) - 4} more columns" if len(names) > 4 else shown
