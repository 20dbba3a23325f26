"""From cases to curves and findings: what fools this model beyond what no gate could see, with false discoveries controlled over the whole run.

A finding compares, on the same rows, visible damage with legal values in the same place: a random one (the floor), and the typical one, which a
careful pipeline would put there. Damage that nobody can see from the row is unavoidable: any model that uses the column changes its answer with it.
It is reported as the floor, and never above "low". Visible damage could have been refused or replaced; being fooled by it beyond both is a weakness
of the model, or of the pipeline before it. A model that raises counts as fooled. Where a damage cannot be seen, only raising is held against the
model: no row that looks legal needs to stop it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import numpy as np

from camelopard.core.arrays import Array, Bools
from camelopard.core.batch import Batch
from camelopard.core.intervals import at_least, discoveries, mean, paired_excess, share
from camelopard.core.records import LEVELS, Finding, Interval, Level, Point, Task
from camelopard.core.schema import MEDIA, Schema
from camelopard.stress.examples import example
from camelopard.stress.runner import FLOOR, Case
from camelopard.stress.truth import losses

RATE = 0.05  # false discovery rate of a run
MEDIUM, HIGH = 0.05, 0.15  # lower end of the excess over the floor from which a finding is medium or high
TOLERANCE = 0.05  # share of fooled rows at which harm starts, for the strength that is reported
FEWEST_SEEN = 8  # visibly damaged rows: fewer can hardly say anything, so only raising is tested
SENSITIVE = 0.2  # share of rows that a random legal value fools, from which a column is mentioned as what cannot be seen
LONGEST = 120  # characters of an error in a message

CLAUSES: Mapping[str, str] = {  # what else than damage a finding may be about, by its code
    "raises-on-clean": "stops with an error on clean rows",
    "small-change": "changes its answer for next to nothing",
    "not-deterministic": "gives other answers when it is asked twice",
    "order-dependent": "gives a row other answers among rows in another order",
    "batch-dependent": "gives a row other answers alone than in a batch",
    "column-order-dependent": "gives other answers when the columns come in another order",
}
PHRASES: Mapping[str, str] = {  # by family
    "missing": "With values missing",
    "sentinel": "With a code in place of a value",
    "unit": "Recorded in the wrong unit",
    "range": "Out of its range",
    "noise": "Recorded with errors",
    "type": "Written as another type",
    "category": "With another category",
    "text": "Spelt in another way",
    "structure": "With the table mixed up",
    "stale": "With an old value",
    "date": "With the date written wrongly",
    "pair": "Contradicting each other",
    "floor": "With a wrong but legal value",
    "typing": "With slips of the finger",
    "layout": "With its layout damaged",
    "encoding": "Read in the wrong encoding",
    "markup": "With markup and addresses in it",
    "look-alike": "With characters that look alike",
    "invisible": "With characters that nobody sees",
    "words": "With words lost, repeated or moved",
    "extent": "Cut, glued or repeated",
    "language": "In another language or alphabet",
    "nonsense": "Replaced by what says nothing",
    "format": "In another format",
    "light": "In other light",
    "blur": "Blurred",
    "weather": "In other weather",
    "digital": "Damaged by processing",
    "geometry": "Turned, moved or cut",
    "occlusion": "Partly covered",
    "mixture": "Mixed with another one",
}


def curves(cases: Sequence[Case], y: Array | None, task: Task) -> list[Point]:
    """Return one point per (kind, target, severity), in that order. `y` are the labels of the batch that the cases' rows point into.

    The loss is compared only where the damage keeps the label.
    """
    points = []
    for case in sorted(ran(cases), key=lambda c: (c.kind, c.target, c.severity)):
        n, k = len(case.rows), int(case.fooled.sum())
        change = np.empty(0)
        if y is not None and case.keeps_label:
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


def findings(cases: Sequence[Case], base: Batch, schema: Schema, extra: Sequence[Finding] = ()) -> list[Finding]:
    """Return what was found, worst first: by level, wrong answers before errors (which do not go unnoticed), then by the interval's lower end.

    One hypothesis per (kind, target). Over all of them, and those of `extra` that carry a p-value, the false discovery rate is held at RATE
    (Benjamini & Hochberg 1995); levels come from intervals adjusted for that selection (Benjamini & Yekutieli 2005). `base` is the batch that the
    cases' rows point into.
    """
    groups: dict[tuple[str, str], list[Case]] = {}
    for case in ran(cases):
        groups.setdefault((case.kind, case.target), []).append(case)
    tested = [Hypothesis.of(group) for _, group in sorted(groups.items()) if group[0].family != "floor"]
    extra_p = [f.p_value for f in extra if f.p_value == f.p_value]
    found = discoveries([*(h.p_value for h in tested), *extra_p], RATE)
    selected = RATE * max(int(found.sum()), 1) / max(len(found), 1)
    named = [_finding(h, selected, base, schema) for h, hit in zip(tested, found[: len(tested)], strict=True) if hit]
    rejected = iter(found[len(tested) :])
    kept = [f if f.p_value != f.p_value or next(rejected) else replace(f, level="none") for f in extra]
    every = [*named, *kept, *_failures(cases), *_floors(cases, base, schema)]
    return sorted(every, key=lambda f: (-LEVELS.index(f.level), _raises(f), -_weight(f), f.code, f.subject))


def ran(cases: Sequence[Case]) -> list[Case]:
    """Return the cases that could run."""
    return [case for case in cases if case.note is None and len(case.rows)]


@dataclass(frozen=True)
class Comparison:
    """What one severity, or all together (0), showed on n rows.

    `floor` and `typical` count the rows that fool the model in only one of two ways: (by the damage alone, by the legal value alone).
    """

    severity: int
    n: int
    floor: tuple[int, int]
    typical: tuple[int, int]

    @property
    def p_value(self) -> float:
        """The larger of two exact one-sided binomial tests on the rows that only one of the two fools (McNemar 1947): the damage must beat both."""
        return max(_sign_test(*self.floor), _sign_test(*self.typical))

    def excess(self, confidence: float) -> tuple[float, Interval]:
        """Return by how much the share fooled exceeds that of the legal value that fools more."""
        return min((paired_excess(*pair, self.n, confidence) for pair in (self.floor, self.typical)), key=lambda e: e[1].low)


@dataclass(frozen=True)
class Hypothesis:
    """ "Visible damage of this kind, on this target, fools the model no more often than legal values do", or, where `raising`, "makes it raise".

    cases
        By severity.
    tests
        One per severity, and one of all: there each row counts once, at its highest severity.
    """

    cases: tuple[Case, ...]
    raising: bool
    tests: tuple[Comparison, ...]

    @classmethod
    def of(cls, group: Sequence[Case]) -> Hypothesis:
        """Return the hypothesis about cases of one kind and target. Which rows and events are tested does not hang on any answer."""
        cases = tuple(sorted(group, key=lambda c: c.severity))
        raising = sum(int(case.visible.sum()) for case in cases) < FEWEST_SEEN
        masks = [np.ones(len(case.rows), dtype=bool) if raising else case.visible for case in cases]
        tests = [_comparison(case.severity, [(case, mask)], raising) for case, mask in zip(cases, masks, strict=True)]
        if len(cases) > 1:
            once: list[tuple[Case, Bools]] = []
            known = np.zeros(0, dtype=np.int64)
            for case, mask in zip(cases[::-1], masks[::-1], strict=True):
                once.append((case, mask & ~np.isin(case.rows, known)))
                known = np.concatenate([known, case.rows[mask]])
            tests.append(_comparison(0, once, raising))
        return cls(cases, raising, tuple(tests))

    @property
    def p_value(self) -> float:
        """The smallest p-value of the tests, times their number (Bonferroni)."""
        return min(1.0, len(self.tests) * min(test.p_value for test in self.tests))


def verdict(found: Sequence[Finding], name: str, certified: Sequence[str], complete: bool = True) -> str:
    """Return the run in one sentence, and what the model ignores in another."""
    levels = [level for level in ("high", "medium") if any(f.level == level for f in found)]
    rest = f" It ignores {_listed(certified)}." if certified else ""
    rest += "" if complete else " The budget ended the run before all was tried."
    if not levels:
        return f"Nothing that was tried fools {name} more than it must: no finding above low.{rest}"
    worst = [f for f in found if f.level == levels[0]]
    damages = [f for f in worst if "kind" in f.details and f.code != "not-run"]
    silent, loud = (list(dict.fromkeys(_kind(f) for f in damages if _raises(f) is raises)) for raises in (False, True))
    loud = [kind for kind in loud if kind not in silent]
    clauses = [f"is fooled by {_listed(silent, 'other kind')}"] if silent else []
    clauses += [f"stops with an error on {_listed(loud, 'other kind')}"] if loud else []
    clauses += list(dict.fromkeys(CLAUSES.get(f.code, f"shows {_kind(f)}") for f in worst if f not in damages and f.code != "not-run"))
    missed = sum(f.code == "not-run" for f in found)
    rest = (f" {missed} {'check' if missed == 1 else 'checks'} could not run." if missed else "") + rest
    if not clauses:
        return f"What was tried fools {name} no more than it must.{rest}"
    counts = [f"{sum(f.level == level for f in found)} {level}" for level in levels]
    one = sum(f.level in levels for f in found) == 1
    return f"{name} {_joined(clauses)}: {' and '.join(counts)} {'finding' if one else 'findings'}.{rest}"


def raises_on_clean(failures: Mapping[int, str], n: int, name: str) -> Finding:
    """Return the finding that the model does not answer some of n clean rows; `failures` are its errors by position."""
    k = len(failures)
    message = f"{name} raises on {k:,} of {n:,} clean rows; the first error: {next(iter(failures.values()))[:LONGEST]}"
    return Finding("raises-on-clean", "*", message, "high", k / n, 0.0, share(k, n), rows=tuple(failures)[:5], details={"exceptions": k / n})


def _comparison(severity: int, trials: Sequence[tuple[Case, Bools]], raising: bool) -> Comparison:
    counts = np.zeros(5, dtype=np.int64)
    for case, mask in trials:
        if raising:
            hit, floor, typical = case.after.failed, case.floor_raised, case.floor_raised
        else:
            hit, floor, typical = case.fooled, case.floor, case.typical
        counts += [(mask & these).sum() for these in (mask, hit & ~floor, floor & ~hit, hit & ~typical, typical & ~hit)]
    n, a, b, c, d = counts.tolist()
    return Comparison(severity, n, (a, b), (c, d))


@cache
def _sign_test(only_damage: int, only_legal: int) -> float:
    return 1.0 if only_damage <= only_legal else at_least(only_damage, only_damage + only_legal, 0.5)


def _finding(h: Hypothesis, selected: float, base: Batch, schema: Schema) -> Finding:
    """Return the finding on one kind and target; the sentence is about the severity at which its excess over the floor is surest."""
    confidence = 1.0 - selected / len(h.tests)  # the worst of several tests is reported, so each gets its part
    value, interval = max((test.excess(confidence) for test in h.tests), key=lambda e: e[1].low)
    level: Level = "high" if interval.low > HIGH else "medium" if interval.low > MEDIUM else "low"
    surest = max((test for test in h.tests if test.severity), key=lambda test: (test.excess(confidence)[1].low, test.severity))
    worst = next(case for case in h.cases if case.severity == surest.severity)
    dose = [[case.severity, float(case.fooled.mean())] for case in h.cases]
    details = {
        "kind": worst.kind,
        "family": worst.family,
        "column": worst.target,
        "severity": worst.severity,
        "harm_from": next((severity for severity, fooled in dose if fooled > TOLERANCE), None),
        "fooled": float(worst.fooled.mean()),
        "flips": float(worst.flipped.mean()),
        "exceptions": float(worst.after.failed.mean()),
        "floor": float(worst.floor.mean()),
        "visible": float(worst.visible.mean()),
        "dose": dose,
        "example": example(worst, base, schema),
    }
    rows = tuple(int(i) for i in worst.rows[worst.fooled][:5])
    words, limit = _sentence(worst, schema), HIGH if level == "high" else MEDIUM
    return Finding(worst.kind, worst.target, words, level, value, limit, interval, h.p_value, rows, details)


def _sentence(case: Case, schema: Schema) -> str:
    """Return what a case showed, in one sentence that a person understands."""
    n, k = len(case.rows), int(case.fooled.sum())
    own, floor = share(k, n), float(case.floor.mean())
    kind, raised = case.kind.replace("-", " "), float(case.after.failed.mean())
    opening = f"{PHRASES[case.family]} ({kind})" if case.family in PHRASES else f"Damaged ({kind})"
    place, plural = _place(case.target), "|" in case.target
    if raised > 0.5 * k / n:
        return f"{opening}, {place} make{'' if plural else 's'} the model raise an error in {_percent(raised)} of rows: {_first_error([case])}."
    seen, among = case.visible, ""
    if 0 < seen.sum() < 0.9 * n:
        among = f"; {_percent(float(case.fooled[seen].mean()))} of those in which it can be seen"
    change = f"{opening}, {place} change{'' if plural else 's'} the model's answer in {_percent(k / n)} of rows ({_percents(own)}{among})"
    if all(schema[name].kind in MEDIA for name in case.target.split("|") if name in schema.columns):
        return f"{change}."  # no text and no picture is a legal value in place of another
    return f"{change}, against {_percent(floor)} with a random legal value."


def _first_error(cases: Sequence[Case]) -> str:
    return next(str(e) for case in cases for e in case.after.errors if e is not None)[:LONGEST].rstrip(". ")


def _floors(cases: Sequence[Case], base: Batch, schema: Schema) -> list[Finding]:
    """Return what random legal values do: a remark of level low on each column where they change many answers; worse only where the model raises."""
    found = []
    for target in schema.names:
        own = [case for case in ran(cases) if case.target == target]
        drawn = {case.severity: case for case in own}.values()  # the rows of a severity, and so their floor, are the same for every kind
        if not drawn:
            continue
        n, fooled = sum(len(case.rows) for case in drawn), sum(int(case.floor.sum()) for case in drawn)
        k = fooled - sum(int((case.floor & case.floor_raised).sum()) for case in drawn)
        legal = [case for case in own if case.family == "floor" and not case.visible.any()]
        worst = max(legal, key=lambda case: (int(case.fooled.sum()), case.severity), default=None)
        details: dict[str, Any] = {
            "kind": FLOOR,
            "family": "floor",
            "column": target,
            "severity": None if worst is None else worst.severity,
            "fooled": fooled / n,
            "flips": k / n,
            "exceptions": (fooled - k) / n,
            "floor": fooled / n,
            "dose": [],
            "example": None if worst is None else example(worst, base, schema),
        }
        rows = () if worst is None else tuple(int(i) for i in worst.rows[worst.fooled][:5])
        raised, tried = sum(int(case.after.failed.sum()) for case in legal), sum(len(case.rows) for case in legal)
        if raised:
            error = share(raised, tried)
            level: Level = "high" if error.low > HIGH else "medium" if error.low > MEDIUM else "low"
            message = (
                f"With a legal value drawn at random, {_place(target)} makes the model raise an error in {_percent(raised / tried)} of rows: "
                f"{_first_error(legal)}."
            )
            found.append(Finding("raises-on-legal", target, message, level, raised / tried, 0.0, error, rows=rows, details=details))
        if (own_share := share(k, n)).low > SENSITIVE:
            message = (
                f"A wrong but legal value in {_place(target)} changes the model's answer in {_percent(k / n)} of rows ({_percents(own_share)}): "
                "nobody can see that from the row."
            )
            found.append(Finding("in-range-sensitive", target, message, "low", k / n, SENSITIVE, own_share, rows=rows, details=details))
    return found


def _failures(cases: Sequence[Case]) -> list[Finding]:
    """Return one finding per damage that could not be tried on a target: never a silent pass."""
    first: dict[tuple[str, str], Case] = {}
    for case in cases:
        if case.note is not None:
            first.setdefault((case.kind, case.target), case)
    return [
        Finding(
            "not-run",
            f"{case.kind}:{case.target}",
            f"The damage {case.kind!r} could not be tried on {_place(case.target)}: {case.note}",
            level="medium",
            details={"kind": case.kind, "family": case.family, "column": case.target},
        )
        for case in first.values()
    ]


def _place(target: str) -> str:
    return "the row" if target == "*" else " and ".join(f"`{name}`" for name in target.split("|"))


def _percent(value: float) -> str:
    return f"{_figure(value)} %"


def _percents(interval: Interval) -> str:
    return f"{_figure(interval.low)}–{_figure(interval.high)} %"


def _figure(value: float) -> str:
    return "0" if value < 1e-12 else "< 0.1" if value < 0.001 else f"{100 * value:.1f}" if value < 0.0095 else f"{100 * value:.0f}"


def _raises(found: Finding) -> bool:
    """Return whether a finding is about errors rather than about wrong answers."""
    exceptions = found.details.get("exceptions")
    return found.code == "raises-on-clean" or (exceptions is not None and exceptions > 0.5 * found.details.get("fooled", 0.0))


def _kind(found: Finding) -> str:
    return str(found.details.get("kind", found.code)).replace("-", " ")


def _joined(clauses: Sequence[str]) -> str:
    return clauses[0] if len(clauses) == 1 else f"{', '.join(clauses[:-1])} and {clauses[-1]}"


def _weight(found: Finding) -> float:
    return found.interval.low if found.interval is not None else 0.0


def _listed(names: Sequence[str], noun: str = "other column") -> str:
    shown = list(names[:3])
    if len(names) > 3:
        return f"{', '.join(shown)} and {_count(len(names) - 3, noun)}"
    return " and ".join([", ".join(shown[:-1]), shown[-1]] if len(shown) > 1 else shown)


def _count(n: int, noun: str) -> str:
    return f"{n} {noun}" if n == 1 else f"{n} {noun}s"
