"""What a fitted firewall keeps, and how confidence is read from it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from camelopard.confidence.acceptance import Accepted, RiskCoverage
from camelopard.confidence.conformal import AlarmThreshold, p_values
from camelopard.confidence.logistic import Logistic, logit, logit_of
from camelopard.confidence.prior import moved, prevalence, shift
from camelopard.confidence.unlabelled import Estimator
from camelopard.core.arrays import Bools, Floats, Ints
from camelopard.core.records import Interval, Prediction
from camelopard.evidence.reading import MISSING
from camelopard.firewall.head import Head
from camelopard.firewall.opinion import Opinion
from camelopard.firewall.panel import Examination, Panel
from camelopard.firewall.repairs import Trust
from camelopard.firewall.risk_head import RiskHead
from camelopard.firewall.strangeness import Strangeness


@dataclass(frozen=True)
class Mix:
    """The traffic that probabilities are for: so many damaged rows among clean ones, every kind of damage alike.

    damaged
        The share of damaged rows in fitting.
    harmless
        From the score to the probability that a row is damaged although it does not fool the model.
    right_if_fooled
        The share of right answers among rows that fool the model.
    shift
        What the log-odds of damage are moved by, for traffic with another share of it.
    """

    damaged: float
    harmless: Logistic
    right_if_fooled: float
    shift: float = 0.0

    def damage(self, score: Floats, risk: Floats) -> Floats:
        """Return P(damaged) in the traffic of fitting, from score and risk there, shape (n,)."""
        return np.asarray(risk + (1.0 - risk) * self.harmless.probability(score[:, None]), dtype=np.float64)

    def risk(self, score: Floats, risk: Floats) -> Floats:
        """Return the risk in the traffic that this mix is for, from that in fitting, shape (n,): only damage fools, and damage is rarer or not."""
        if not self.shift:
            return risk
        damage = self.damage(score, risk)
        return np.asarray(risk * moved(damage, self.shift) / np.maximum(damage, 1e-12), dtype=np.float64)

    def confidence(self, confidence: Floats, before: Floats, after: Floats) -> Floats:
        """Return confidence where the risk is `after` instead of `before`, shape (n,)."""
        if not self.shift:
            return confidence
        unharmed = np.clip((confidence - before * self.right_if_fooled) / np.maximum(1.0 - before, 1e-12), 0.0, 1.0)
        return np.asarray(after * self.right_if_fooled + (1.0 - after) * unharmed, dtype=np.float64)

    def state(self) -> dict[str, Any]:
        """Return what was learned, as plain data."""
        return {"damaged": self.damaged, "harmless": self.harmless.state(), "right_if_fooled": self.right_if_fooled, "shift": self.shift}

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> Mix:
        """Rebuild from `state()`."""
        return cls(state["damaged"], Logistic.from_state(state["harmless"]), state["right_if_fooled"], state["shift"])


@dataclass(frozen=True)
class Learned:
    """All that a firewall keeps. `risk` is None without a model; `errors`, a head that knows wrong answers, and `confidence` without labels.

    `accept`: from which confidence how many answers are wrong, on the declared traffic; `estimator`: what is
    known of accuracy without labels. Both None where there were no labels.
    `farthest_odd` and `most_missing` bound what was tested: the oddest row, and the most missing cells in a row, that the head learned from.
    """

    panel: Panel
    head: RiskHead
    errors: Head | None
    risk: Logistic | None
    confidence: Logistic | None
    threshold: AlarmThreshold
    clean_odd: Floats
    farthest_odd: float
    most_missing: float
    measured: Mapping[str, Any]
    mix: Mix
    accept: RiskCoverage | None = None
    estimator: Estimator | None = None
    opinion: Opinion | None = None
    strange: Strangeness | None = None
    clean_novel: Floats | None = None
    trust: Trust = field(default_factory=Trust)

    @property
    def note(self) -> str:
        """What is to be said where confidence and estimates rest on too little; else ""."""
        return "" if self.estimator is None else self.estimator.note

    def accepted(self, errors: float, sureness: float) -> Accepted:
        """Return from which confidence on answers may be used. See `Firewall.accept`."""
        assert self.accept is not None, "without labels nothing is known of wrong answers"
        within = self.panel.tolerance if self.panel.task == "regression" else None
        return replace(self.accept.accept(errors, sureness, within), note=self.note)

    def oddity(self, found: Examination) -> Floats:
        """Return 1 − the conformal p-value of each row among clean ones, by how odd it is, shape (n,)."""
        odd = found.odd if self.strange is None else self.strange.oddness(found.table)
        return 1.0 - p_values(odd, self.clean_odd)

    def novelty(self, found: Examination) -> Floats | None:
        """Return the same by how far it lies from all that the model learned from; None where the model's features are not known."""
        if self.strange is None or self.clean_novel is None or not len(self.strange.far):
            return None
        return 1.0 - p_values(self.strange.novelty(found.table), self.clean_novel)

    def outside(self, found: Examination) -> Bools:
        """Return which rows lie outside of everything that was tested, odder or lacking more than any row that taught, shape (n,)."""
        reading, far = found.reading, np.asarray(found.odd > self.farthest_odd, dtype=bool)
        return far | ((reading.states == MISSING).sum(axis=1) > self.most_missing) if reading.odd else far

    def judge(self, answer: Prediction, table: Floats) -> Judged:
        """Return score, risk and confidence for evidence, shape (n, f)."""
        assert self.risk is not None, "without a model there is no risk"
        score = self.head.score(table, answer)
        declared = self.risk.probability(score[:, None])
        risk = self.mix.risk(score, declared)
        if self.confidence is None:
            return Judged(score, risk, confidence_of(None, None, None, answer, risk, table, self.panel.task))
        confidence = confidence_of(self.confidence, self.errors, self.opinion, answer, declared, table, self.panel.task)
        return Judged(score, risk, self.mix.confidence(confidence, declared, risk))

    def risk_at_threshold(self) -> float | None:
        """Return the risk from which the alarm is raised; None where it never is, or without a model."""
        value = self.threshold.value
        if self.risk is None or not np.isfinite(value):
            return None
        at = np.array([value])
        return float(self.mix.risk(at, self.risk.probability(at[:, None]))[0])

    def as_fitted(self) -> Learned:
        """Return the same for the traffic of fitting."""
        return replace(self, mix=replace(self.mix, shift=0.0))

    def for_traffic(self, score: Floats) -> tuple[Learned, dict[str, Any]]:
        """Return the same for other traffic, and what is known of that, from the scores of some of its rows, shape (n,)."""
        share, _, found = self.mixes(score)
        assert self.risk is not None
        declared = self.risk.probability(score[:, None])
        fooled = [float(mix.risk(score, declared).mean()) for mix in found]
        known = {"rows": len(score), "damaged": share, "fooled": fooled[0], "low": fooled[1], "high": fooled[2]}
        return replace(self, mix=found[0]), known

    def mixes(self, score: Floats) -> tuple[float, Interval, list[Mix]]:
        """Return the share of damaged rows among some, its 95 % interval, and the traffic that each of the three makes, from scores, shape (n,)."""
        assert self.risk is not None, "without a model there is no risk"
        damage = self.mix.damage(score, self.risk.probability(score[:, None]))
        share, around = prevalence(damage, self.mix.damaged)
        least = 0.5 / max(len(score), 1)  # of n rows without damage none says that there is no such row
        return (
            share,
            around,
            [replace(self.mix, shift=shift(min(max(at, least), 1 - least), self.mix.damaged)) for at in (share, around.low, around.high)],
        )

    def state(self) -> dict[str, Any]:
        """Return what was learned, as plain data and arrays."""
        return {
            "panel": self.panel.state(),
            "head": self.head.state(),
            "errors": None if self.errors is None else self.errors.state(),
            "risk": None if self.risk is None else self.risk.state(),
            "confidence": None if self.confidence is None else self.confidence.state(),
            "threshold": vars(self.threshold),
            "clean_odd": self.clean_odd,
            "farthest_odd": self.farthest_odd,
            "most_missing": self.most_missing,
            "measured": self.measured,
            "mix": self.mix.state(),
            "accept": None if self.accept is None else self.accept.state(),
            "estimator": None if self.estimator is None else self.estimator.state(),
            "opinion": None if self.opinion is None else self.opinion.state(),
            "trust": self.trust.state(),
            **({} if self.strange is None else {"strange": self.strange.state(), "clean_novel": self.clean_novel}),
        }

    @classmethod
    def from_state(cls, s: Mapping[str, Any]) -> Learned:
        """Rebuild from `state()`."""
        panel = Panel.from_state(s["panel"])
        return cls(
            panel,
            RiskHead.from_state(s["head"]),
            None if s["errors"] is None else Head.from_state(s["errors"]),
            None if s["risk"] is None else Logistic.from_state(s["risk"]),
            None if s["confidence"] is None else Logistic.from_state(s["confidence"]),
            AlarmThreshold(**s["threshold"]),
            s["clean_odd"],
            s["farthest_odd"],
            s["most_missing"],
            s["measured"],
            Mix.from_state(s["mix"]),
            None if s["accept"] is None else RiskCoverage.from_state(s["accept"]),
            None if s["estimator"] is None else Estimator.from_state(s["estimator"]),
            None if s["opinion"] is None else Opinion.from_state(s["opinion"]),
            Strangeness.from_state(s["strange"], len(panel.names)) if "strange" in s else None,
            s.get("clean_novel"),
            Trust.from_state(s["trust"]) if "trust" in s else Trust(),
        )


@dataclass(frozen=True)
class Live:
    """Rows as they came: how many were given, the positions of those that the model answers, the answers, and the evidence, shape (n, f)."""

    given: int
    rows: Ints
    answer: Prediction
    table: Floats


@dataclass(frozen=True)
class Judged:
    """What a firewall makes of rows, each of shape (n,): the head's score, and the two probabilities."""

    score: Floats
    risk: Floats
    confidence: Floats


def confidence_of(
    line: Logistic | None, errors: Head | None, opinion: Opinion | None, answer: Prediction, risk: Floats, table: Floats, task: str
) -> Floats:
    """Return P(the answer is right), shape (n,): as learned from labels; without, the model's own word for it, times P(it is not fooled)."""
    if line is not None and errors is not None:
        agreed = None if opinion is None else opinion.agrees(table, answer)
        return line.probability(confidence_columns(answer, errors.score(table), agreed, task))
    word = answer.shares.max(axis=1) if task == "classification" else np.ones(len(answer))
    return np.asarray((1.0 - risk) * word, dtype=np.float64)


def confidence_columns(answer: Prediction, error: Floats, agreed: Floats | None, task: str) -> Floats:
    """Return what confidence is read from, shape (n, 2 or 3): the model's own log-odds, the head of errors, how far a second opinion agrees."""
    if len(error) == 1:
        word = logit_of(answer.shares[0].max().item()) if task == "classification" else 0.0
        return np.array([[word, error.item()] if agreed is None else [word, error.item(), agreed.item()]])
    columns = np.empty((len(error), 2 if agreed is None else 3))
    if agreed is not None:
        columns[:, 2] = agreed
    columns[:, 0] = logit(answer.shares.max(axis=1)) if task == "classification" else 0.0
    columns[:, 1] = error
    return columns
