"""Reasons and repairs of one row, in words, from what was measured."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from camelopard.core.arrays import Array, Bools, Ints
from camelopard.core.batch import plain
from camelopard.core.cells import alike
from camelopard.core.records import Reason, Repair
from camelopard.core.schema import Schema
from camelopard.evidence.impact import CANDIDATES, batch_of, texts_and_pictures
from camelopard.evidence.reading import MISSING, OK, STATES, FigureEncoder
from camelopard.firewall import words
from camelopard.firewall.contract import Contract, Violations
from camelopard.firewall.panel import Examination, Panel
from camelopard.firewall.repairs import chosen

MOST_FIGURES = 3  # numbers of a text or a picture that are named
NOTICEABLE = 0.5  # share of `never` at which a cell is worth a remark
UNREAD = 1e6  # weight of a row's being unreadable: more than that of anything in it
OUTSIDE = Reason(
    "outside", None, None, "a row like those tested", 0.0, "this row lies outside everything that was tested: its risk is a guess, its oddity is not"
)
CODES = {"missing": "missing", "unseen": "unseen-value", "type": "wrong-type", "variant": "unusual-form", "fraction": "not-whole"}
_RANKS = {"unlikely": 2, "doubt": 2, "no-answer": 2, "pair": 1, "sum": 1, "order": 1, "dependency": 1}  # all else can be pointed at: 0


@dataclass(frozen=True)
class Explainer:
    """Explains the rows of one screened batch."""

    examination: Examination
    panel: Panel
    schema: Schema
    alarmed: Bools
    outside: Bools
    contract: Contract
    remarks: Sequence[Reason]
    problems: Mapping[int, str]

    def reasons(self, i: int) -> list[Reason]:
        """Return the reasons of row i, strongest first; remarks without weight last."""
        found: list[tuple[float, Reason]] = []
        error = self.problems.get(i) or self.examination.answer.errors[i]
        if error is not None:
            code = "unreadable" if i in self.problems else "no-answer"
            what = "the row could not be read" if i in self.problems else "the model gave no answer"
            weight = UNREAD if i in self.problems else 0.25  # what is wrong with the row says more than what the model says about it
            found.append((weight, Reason(code, None, None, "a row that the model can answer", 1.0, f"{what}: {error.rstrip('. ')}")))
        spoken = set()
        for reason in sorted(self._violations[i], key=self._misspelt):
            if reason.field is not None:
                spoken.add(reason.field)
            found.append((self._weight(i, reason.field), reason))
        spoken |= self.contract.muted_columns
        states = self.examination.reading.states[i]
        for j in np.flatnonzero((states != OK) | (self.examination.suspicions[i] >= NOTICEABLE * self.panel.never)).tolist():
            name = self.panel.reader.columns[j]
            if self.panel.reader.whole[j] and name not in spoken and not (states[j] == OK and self.contract.settled(name)):
                found.extend(self._cell(i, j, name))
        for name in self.panel.reader.views:
            if name not in spoken:
                found.extend(self._figures(i, name))
        if self.alarmed[i] and not found:
            found.append((1.0, self._doubt(i)))
        remarks = list(self.remarks)
        if self.outside[i]:
            remarks.insert(0, OUTSIDE)
        found = sorted(_pointed(found), key=lambda pair: -pair[0])
        total = sum(weight for weight, _ in found) or 1.0
        return [Reason(r.code, r.field, r.observed, r.expected, round(w / total, 4), r.message) for w, r in found] + remarks

    def _misspelt(self, reason: Reason) -> bool:
        """Whether a value is not known as it is written, but is in another way: then the rule on how it is written says what is wrong."""
        if reason.code != "values" or not isinstance(reason.observed, str):
            return False
        known = next((a.limits["values"] for a in self.contract if (a.code, a.fields) == ("values", (reason.field,)) and not a.muted), ())
        return _bare(reason.observed) in {_bare(v) for v in known if isinstance(v, str)}

    @cached_property
    def _violations(self) -> Violations:
        """What the rows break of the contract, looked at when the first reason is asked for: no route hangs on it."""
        return self.contract.checker().check(self.examination.batch)

    def repair(self, i: int) -> Repair | None:
        """Return the repair of row i with the model's answer, or None."""
        impact = self.examination.impact
        at = np.flatnonzero(impact.rows == i)
        if impact.answers is None or not len(at) or i in self.problems:
            return None
        m = int(at[0])
        media, choice = self._media(m), int(self._choices[m])
        place = m * CANDIDATES + choice
        changes = self._changes(i, m, choice, media)
        if not changes or impact.answers.errors[place] is not None:
            return None
        proba = None if impact.answers.proba is None else impact.answers.proba[place]
        return Repair(changes, plain(impact.answers.value[place]), proba)

    def _media(self, m: int) -> dict[str, Array]:
        """Return the texts and pictures of the m-th suspicious row's candidates, those of many large pictures made again."""
        found, reader = self.examination, self.panel.reader
        if not found.impact.media and reader.views:
            return texts_and_pictures(found.batch, found.suspicions, found.impact.rows[m : m + 1], reader)[0]
        return {name: cells[m * CANDIDATES : (m + 1) * CANDIDATES] for name, cells in found.impact.media.items()}

    @cached_property
    def _choices(self) -> Ints:
        """Which candidate repairs each suspicious row, shape (m,)."""
        return chosen(self.examination, self.panel, np.arange(len(self.examination.impact.rows)))[0]

    def _cell_of(self, name: str, m: int) -> Any:
        return self.examination.batch.columns[name][self.examination.impact.rows[m]]

    def _changes(self, i: int, m: int, choice: int, candidates: Mapping[str, Array]) -> dict[str, Any]:
        reading, impact, reader = self.examination.reading, self.examination.impact, self.panel.reader
        values, states, now = impact.values[m, choice], reading.states[i], reading.values[i]
        same = ((values == now) | (np.isnan(values) & np.isnan(now))) & ((states == OK) | (states == MISSING))
        media = {name: cells[choice : choice + 1] for name, cells in candidates.items()}
        alone = batch_of(values[None, :], reader, self.examination.batch.form, media)
        cells = {e.name: j for j, e in enumerate(reader.encoders) if reader.cells[j]}
        changed = {name: _whole(plain(alone.columns[name][0]), self.schema[name].integral) for name, j in cells.items() if not same[j]}
        return changed | {name: new[0] for name, new in media.items() if not alike(new[0], self._cell_of(name, m))}

    def _weight(self, i: int, name: str | None) -> float:
        if name is None or name not in self.schema.columns:
            return self.panel.never * 0.5
        own = [j for j, column in enumerate(self.panel.reader.columns) if column == name]
        return float(max(self.examination.suspicions[i, own].max(), 1.0) * (0.05 + self.panel.weights[own[0]]))

    def _figures(self, i: int, name: str) -> list[tuple[float, Reason]]:
        """Return what is unusual about a text or a picture: its strangest numbers beyond those of clean ones, else the one that fits least."""
        reader, suspicions, values = self.panel.reader, self.examination.suspicions[i], self.examination.reading.values[i]
        own = [j for j, column in enumerate(reader.columns) if column == name and not reader.whole[j] and values[j] == values[j]]
        strange = sorted((j for j in own if suspicions[j] >= NOTICEABLE * self.panel.never), key=lambda j: -suspicions[j])
        beyond = [j for j in strange if not self._within(j, float(values[j]))][:MOST_FIGURES]
        found = []
        for j in beyond or [j for j in strange if values[j] != 0.0][:1]:
            encoder = reader.encoders[j]
            assert isinstance(encoder, FigureEncoder)
            what, value = encoder.name.removeprefix(f"{name}: "), float(values[j])
            low, high = words.measured(what, encoder.low), words.measured(what, encoder.high)
            expected = f"always {low}" if low == high else f"between {low} and {high}"
            code = "unlike-training" if beyond else "unlikely"
            message = f"{name}: {what} {words.measured(what, value)}; {f'expected {expected}' if beyond else 'that does not fit the rest of it'}"
            weight = float(suspicions[j]) * (0.05 + float(self.panel.weights[j]))
            found.append((weight, Reason(code, name, value, f"{what} {expected}", 0.0, message)))
        return found

    def _within(self, j: int, value: float) -> bool:
        encoder = self.panel.reader.encoders[j]
        assert isinstance(encoder, FigureEncoder)
        return encoder.low <= value <= encoder.high

    def _cell(self, i: int, j: int, name: str) -> list[tuple[float, Reason]]:
        """Return what is to be said of a cell that is missing, cannot be read as its kind, or is suspicious."""
        state = int(self.examination.reading.states[i, j])
        cost = float(self.examination.suspicions[i, j])
        if state == MISSING and cost < 0.3 * self.panel.never:
            return []
        column = self.schema[name]
        cell = plain(self.examination.batch.columns[name][i])
        expected = words.expected(column)
        observed = words.shown(cell)
        if state != OK:
            code = CODES[STATES[state]]
            message = f"{name} is {observed}; expected {expected}"
        elif column.kind in ("number", "date") and not column.low <= self.examination.reading.values[i, j] <= column.high:
            code, message = "out-of-range", f"{name} is {observed}; expected {expected}"
        else:
            code, message = "unlikely", f"{name} = {observed} does not fit the rest of the row"
            expected = self._likely(i, j)
        return [(self._weight(i, name), Reason(code, name, cell, expected, 0.0, message))]

    def _likely(self, i: int, j: int) -> str:
        encoder = self.panel.reader.encoders[j]
        sd, surprise = float(self.panel.copula.sd[j]), self.examination.surprise
        score = float(surprise.filled[i, j]) - float(surprise.residual[i, j]) * sd  # what the rest of the row suggests
        low, high = (encoder.cells(encoder.decode(np.array([score + k * sd])))[0] for k in (-1.0, 1.0))
        low_text, high_text = words.shown(plain(low)), words.shown(plain(high))
        return f"about {low_text}" if low_text == high_text else f"something like {low_text} to {high_text}"

    def _doubt(self, i: int) -> Reason:
        return Reason(
            "doubt",
            None,
            plain(self.examination.answer.value[i]),
            "an answer that small errors do not change",
            0.0,
            "the model's answer hangs on small differences here, and rows like this fooled it in the stress run",
        )


def _pointed(found: Sequence[tuple[float, Reason]]) -> list[tuple[float, Reason]]:
    """Return reasons with weights by which a cell that breaks a rule of its own stands before one that only does not fit the others.

    A wrong cell makes all that hang together with it look unlikely: these are its victims.
    """
    raised, floor = [], 0.0
    for rank in (2, 1, 0):
        raised += [(floor + weight, reason) for weight, reason in found if _RANKS.get(reason.code, 0) == rank]
        floor = max((weight for weight, _ in raised), default=0.0)
    return raised


def _bare(text: str) -> str:
    return " ".join(text.casefold().split())


def _whole(value: Any, integral: bool) -> Any:
    return int(value) if integral and isinstance(value, float) and abs(value) < 2**53 else value
