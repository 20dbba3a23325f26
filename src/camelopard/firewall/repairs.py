"""When is a repair to be trusted, and what is answered then?

A repair is a guess at what the row was. How good such guesses are differs between models: it is learned from the stress run, where what the model
said before the damage is known, and from clean rows, of which every repair that moves the answer is wrong.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from camelopard.confidence.logistic import Logistic, logit
from camelopard.core.arrays import Array, Bools, Floats, Ints, Objects
from camelopard.evidence.impact import CANDIDATES, PLACES, RANKS
from camelopard.evidence.reading import MISSING, OK, VARIANT
from camelopard.evidence.suspicion import hard
from camelopard.firewall.panel import STANDS_OUT, Examination, Panel

FIRST, TWO, ALL = 0, CANDIDATES - 2, CANDIDATES - 1  # candidates that a repair may be, the one that changes least first
RIGHT = 0.9  # of the answers to repairs like this, so many must be right for it to be trusted
FEWEST = 30  # repairs from which it is learned which are right
RIDGE = 0.1
FARTHEST = 1e3  # tolerances beyond which answers that differ are not told apart
NAMES = (
    "cells made up",
    "sound cells changed",
    "answers that differ",
    "joint answers that differ",
    "margin",
    "oddity",
    "left over",
    "cells read otherwise",  # "41 years": what stands there was meant
)
MEANT = 4.0  # what such a cell adds to the log-odds of a right answer, until repairs that were seen say something else


@dataclass(frozen=True)
class Proposals:
    """The repairs of suspicious rows, all of shape (k,) or (k, …).

    place
        Which of the suspicious rows each belongs to.
    choice
        Which candidate it is.
    able
        Whether it may be trusted at all: it moves the answer (or the row got none), the model answers it, and no evidently damaged cell is left.
    evidence
        What tells right repairs from wrong ones, columns as in NAMES, shape (k, len(NAMES)).
    answer
        The model's answers to them.
    answered
        Whether the model answers all plausible originals of a row.
    """

    place: Ints
    choice: Ints
    able: Bools
    evidence: Floats
    answer: Objects
    answered: Bools

    @classmethod
    def none(cls) -> Proposals:
        """Return no repairs."""
        nothing = np.zeros(0, dtype=np.int64)
        return cls(nothing, nothing, nothing.astype(bool), np.zeros((0, len(NAMES))), np.empty(0, dtype=object), nothing.astype(bool))


@dataclass(frozen=True)
class Trust:
    """How likely the answer to a repair is right. `line` is None where too few repairs were seen to learn it: then a strict rule decides."""

    line: Logistic | None = None

    @classmethod
    def learn(cls, evidence: Floats, right: Bools, weight: Floats) -> Trust:
        """Learn from repairs that may be trusted, shape (k, len(NAMES)), whether the answer to each is what the model said of the undamaged row."""
        if len(right) < FEWEST:
            return cls()
        prior = np.zeros(len(NAMES))
        prior[-1] = MEANT
        return cls(Logistic.fit(evidence, right, weight, RIDGE, prior=prior))

    def right(self, proposals: Proposals) -> Bools:
        """Return which repairs are to be trusted, shape (k,)."""
        if self.line is None:
            e = proposals.evidence
            made_up, sound, drawn, joint = e[:, 0], e[:, 1], e[:, 2], e[:, 3]
            unanimous = np.maximum(drawn, joint) <= np.log1p(1.0)
            return np.asarray(proposals.able & proposals.answered & unanimous & (made_up <= np.log1p(float(RANKS))) & (sound == 0.0), dtype=bool)
        return np.asarray(proposals.able & (self.line.probability(proposals.evidence) >= RIGHT), dtype=bool)

    def state(self) -> dict[str, Any]:
        """Return what was learned, as plain data."""
        return {"line": None if self.line is None else self.line.state()}

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> Trust:
        """Rebuild from `state()`."""
        line = None if state["line"] is None else Logistic.from_state(state["line"])
        if line is not None and len(line.weights) != len(NAMES):
            raise ValueError(f"trust in repairs rests on {len(line.weights)} numbers; expected {len(NAMES)}")
        return cls(line)


def proposed(found: Examination, panel: Panel) -> Proposals:
    """Return the repairs of those suspicious rows that hold an evidently damaged cell, and of which some repair moves the answer."""
    impact, reader = found.impact, panel.reader
    if impact.answers is None or not len(impact.rows):
        return Proposals.none()
    damaged = evident(found, panel, impact.rows)
    place = np.flatnonzero(damaged.any(axis=1) & (impact.moved[:, [FIRST, TWO, ALL]].any(axis=1) | found.answer.failed[impact.rows]))
    if not len(place):
        return Proposals.none()
    rows, damaged, k = impact.rows[place], damaged[place], np.arange(len(place))
    choice, left = chosen(found, panel, place)
    values, now, states = impact.values[place, choice], found.reading.values[rows], found.reading.states[rows]
    same = ((values == now) | (np.isnan(values) & np.isnan(now))) & ((states == OK) | (states == MISSING))
    changed = ~same & reader.cells
    meant = changed & (states == VARIANT)
    answers = impact.answers.value.reshape(-1, CANDIDATES)[place]
    failed = impact.answers.failed.reshape(-1, CANDIDATES)[place]
    drawn, joint = (_differing(answers, failed, choice, places, panel) for places in ([*range(len(PLACES))], [TWO, ALL]))
    explained = (choice == FIRST) & (hard(states) & reader.cells).any(axis=1)
    joint[explained] = drawn[explained]  # where impossible cells explain the row, the others stay as they are
    classes = panel.task == "classification"
    margin = logit(impact.answers.shares[place * CANDIDATES + choice].max(axis=1)) if classes else np.zeros(len(place))
    evidence = np.column_stack(
        [
            np.log1p((changed & ~meant).sum(axis=1)),
            np.log1p((changed & ~damaged).sum(axis=1)),
            drawn,
            joint,
            margin,
            np.log1p(found.odd[rows]),
            np.log1p(left),
            np.log1p(meant.sum(axis=1)),
        ]
    )
    helps = impact.moved[place, choice] | found.answer.failed[rows]
    whole = ~(damaged & ~changed & reader.cells).any(axis=1)
    able = np.asarray(helps & whole & ~failed[k, choice], dtype=bool)
    return Proposals(place, choice, able, evidence, answers[k, choice], np.asarray(~failed.any(axis=1), dtype=bool))


def chosen(found: Examination, panel: Panel, place: Ints) -> tuple[Ints, Floats]:
    """Return which candidate repairs each of some suspicious rows best, and the largest suspicion that it leaves, both of shape (k,).

    It is the one that changes fewest cells and leaves none that stands out; where a text or a picture leads the row, the first.
    """
    impact, reader = found.impact, panel.reader
    rows = impact.rows[place]
    states = found.reading.states[rows]
    choice, left = np.full(len(place), ALL), np.zeros(len(place))
    led = ~reader.cells[found.suspicions[rows].argmax(axis=1)]
    choice[led] = FIRST
    todo = np.flatnonzero(~led)
    for candidate in (FIRST, TWO, ALL):
        if not len(todo):
            break
        scores, _ = reader.scorer.score(impact.values[place[todo], candidate])
        residual = np.where(hard(states[todo]), 0.0, panel.copula.surprise(scores).residual)
        most = 0.5 * (residual * residual).max(axis=1, initial=0.0)
        fits = most <= STANDS_OUT * panel.never if candidate != ALL else np.ones(len(todo), dtype=bool)
        choice[todo[fits]], left[todo[fits]] = candidate, most[fits]
        todo = todo[~fits]
    return choice, left


def _differing(answers: Array, failed: Bools, choice: Ints, places: list[int], panel: Panel) -> Floats:
    """Return how far the answers to these candidates are from that to the chosen one, 0 where all agree, shape (m,).

    Of classes: 1 plus how many times as many differ as would by one of them, as a logarithm; of numbers, the largest difference in tolerances.
    """
    own, others = answers[np.arange(len(answers)), choice][:, None], answers[:, places]
    if panel.task == "regression":
        gap = np.abs(np.where(failed[:, places], np.inf, others).astype(np.float64) - own.astype(np.float64)).max(axis=1) / max(
            panel.tolerance, 1e-12
        )
        return np.asarray(np.log1p(np.minimum(np.where(np.isnan(gap), FARTHEST, gap), FARTHEST)), dtype=np.float64)
    different = np.asarray(others != own, dtype=bool) | failed[:, places]
    return np.asarray(np.log1p(2.0 * different.sum(axis=1)), dtype=np.float64)


def evident(found: Examination, panel: Panel, rows: Ints) -> Bools:
    """Return which cells of these rows clean data never showed, shape (m, d): impossible, out of range, or missing where next to nothing was."""
    states, values = found.reading.states[rows], found.reading.values[rows]
    never: Bools = (states == MISSING) & (panel.null_costs >= STANDS_OUT * panel.never)
    return hard(states) | never | (values < panel.reader.low) | (values > panel.reader.high)


def trusted(found: Examination, panel: Panel, trust: Trust) -> Bools:
    """Return which of the suspicious rows have a repair to be trusted, shape (m,)."""
    proposals, able = proposed(found, panel), np.zeros(len(found.impact.rows), dtype=bool)
    if len(proposals.place):
        able[proposals.place] = trust.right(proposals)
    return able


def repaired_answers(found: Examination, panel: Panel, trust: Trust) -> Objects:
    """Return the model's answer to the repaired row where a repair is to be trusted, None elsewhere, shape (n,)."""
    answers: Objects = np.full(len(found.answer), None, dtype=object)
    proposals = proposed(found, panel)
    sure = np.flatnonzero(trust.right(proposals))
    answers[found.impact.rows[proposals.place[sure]]] = proposals.answer[sure]
    return answers
