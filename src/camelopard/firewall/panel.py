"""All evidence about a batch as one table: what the head learns from and what it scores."""

from __future__ import annotations

from collections.abc import Mapping
from copy import copy
from dataclasses import dataclass
from typing import Any

import numpy as np

from camelopard.core.arrays import Array, Bools, Floats, Ints
from camelopard.core.batch import Batch, Form
from camelopard.core.errors import ModelError
from camelopard.core.protocols import Session
from camelopard.core.records import Prediction, Task
from camelopard.evidence import doubt as doubts
from camelopard.evidence import impact as impacts
from camelopard.evidence import neighbours, sums, uncertainty
from camelopard.evidence.copula import Copula, Surprise
from camelopard.evidence.impact import CANDIDATES, RANKS, Impact
from camelopard.evidence.neighbours import Neighbours
from camelopard.evidence.reading import MISSING, Reader, Reading
from camelopard.evidence.space import Space
from camelopard.evidence.suspicion import hard, suspicion, unmasked
from camelopard.evidence.views import Mending, Views
from camelopard.firewall.content import Contents, Half
from camelopard.firewall.portions import features_of, impact_of
from camelopard.models.sizes import rows_at_once

GATE = 0.9  # share of clean rows that are not suspicious enough to ask the model about repairs
STANDS_OUT = 0.6  # share of `never` from which a cell stands out
NARROW = 0.1  # share of clean rows with a picture that are suspicious because the model hardly prefers its answer
SUMMARY = (
    *doubts.NAMES,
    "distance",
    *sums.NAMES,
    *neighbours.NAMES,
    *impacts.NAMES,
    "weighed_moves",
    "hard_moves",
)
RISING = frozenset((*(n for n in impacts.NAMES if n.startswith("moved")), "weighed_moves", "hard_moves", "doubt"))  # more of it never lowers the risk


@dataclass(frozen=True)
class Examination:
    """What was measured about a batch: the reading, the surprise, the suspicion per cell, the impact of repairs, the oddity of the row, the table."""

    batch: Batch
    answer: Prediction
    reading: Reading
    surprise: Surprise
    suspicions: Floats
    impact: Impact
    odd: Floats
    table: Floats


class Panel:
    """Everything needed to measure a row of one schema against one model. Plain arrays; made by `learn_panel`."""

    def __init__(
        self,
        reader: Reader,
        copula: Copula,
        near: Neighbours,
        null_costs: Floats,
        never: float,
        weights: Floats,
        gate: float,
        task: Task,
        tolerance: float,
        centre: float,
        scale: float,
        uncertain: tuple[str, ...] = (),
        space: Space | None = None,
        contents: Contents | None = None,
        narrow: float = 0.0,
    ) -> None:
        self.reader, self.copula, self.near = reader, copula, near
        self.null_costs, self.never, self.weights, self.gate = null_costs, never, weights, gate
        self.task, self.tolerance, self.centre, self.scale, self.uncertain = task, tolerance, centre, scale, uncertain
        self.space, self.contents, self.narrow = space, contents, narrow
        self._category_weights = weights[reader.scorer.categories]

    @property
    def summary(self) -> tuple[str, ...]:
        """Return the names of the columns that the table begins with: what does not say where a row lies."""
        return SUMMARY if self.space is None else (*SUMMARY, *(f"space:{name}" for name in self.space.names))

    @property
    def names(self) -> tuple[str, ...]:
        """Return the names of the table's columns."""
        cells = [encoder.name for encoder in self.reader.encoders]
        return (
            *self.summary,
            *(f"place:{n}" for n in cells),
            *(() if self.contents is None else self.contents.names),
            *(f"uncertain:{figure}" for kind in self.uncertain for figure in uncertainty.FIGURES[kind]),
        )

    @property
    def suspicious(self) -> float:
        """Return the share of clean rows whose repairs the model is asked about."""
        return 1 - GATE + (NARROW if self.narrow else 0.0)

    @property
    def apart(self) -> Ints:
        """Return which columns of the table only oddity reads."""
        apart = {f"place:{name}" for name in self.reader.views.apart}
        return np.flatnonzero([name in apart for name in self.names])

    @property
    def certain(self) -> int:
        """Return how many columns the table begins with that hang neither on labels nor on the model's uncertainty: risk reads no others."""
        uncertain = sum(len(uncertainty.FIGURES[kind]) for kind in self.uncertain)
        return len(self.names) - uncertain - (0 if self.contents is None else len(self.contents.names))

    def also(self, kind: str) -> Panel:
        """Return the panel that measures this kind of uncertainty, too, as the last columns of the table."""
        other = copy(self)
        other.uncertain = (*self.uncertain, kind)
        return other

    @property
    def extra_rows(self) -> int:
        """Return how many model rows uncertainty costs for each row."""
        return sum(uncertainty.KINDS[kind] for kind in self.uncertain)

    def uncertainty(self, kind: str, batch: Batch, answer: Prediction, reading: Reading, session: Session) -> Floats | None:
        """Return how uncertain the answers are, shape (n,) or (n, figures); None where this kind does not apply. See `evidence.uncertainty`."""
        return uncertainty.measure(kind, batch, answer, reading, reader=self.reader, session=session, task=self.task, scale=self.scale)

    def examine(
        self, batch: Batch, answer: Prediction, session: Session | None, form: Form, origin: Ints | None = None, half: Half | None = None
    ) -> Examination:
        """Measure a conformed batch; `session` is asked about repairs of suspicious rows only (None: about none).

        While learning, `half` says whether these rows teach or calibrate, and `origin` which row of that half each comes from, shape (n,).
        """
        known = origin if half == "teach" else None  # rows that the panel may have been learned from
        reading, surprise, suspicions = self._looked_at(batch)
        rows = self._suspicious(reading, suspicions, answer) if session is not None else np.empty(0, dtype=np.int64)
        candidates = len(batch) * CANDIDATES
        fit = rows_at_once(batch, candidates) if self.reader.views else candidates
        moved = impact_of(
            lambda some: impacts.impact(
                batch,
                reading,
                suspicions,
                some,
                answer,
                reader=self.reader,
                copula=self.copula,
                session=session,  # type: ignore[arg-type]
                task=self.task,
                tolerance=self.tolerance,
                form=form,
                far=STANDS_OUT * self.never,
            ),
            rows,
            max(1, fit // CANDIDATES),
            fit == candidates,
        )
        table, odd = self._table(reading, surprise, suspicions, moved, answer, known)
        if self.space is not None:
            vectors = vectors_of(batch, self.reader, session)
            width = self.space.width
            there = vectors if vectors is not None and vectors.shape[1] == width else np.full((len(batch), width), np.nan)
            seen = self.space.measure(there, answer)
            table = np.hstack([table[:, : len(SUMMARY)], seen, table[:, len(SUMMARY) :]])
        if self.contents is not None:
            table = np.hstack([table, self.contents.measure(batch, origin if half is not None else None)])
        if self.uncertain and session is not None:
            table = np.column_stack([table, *(self._certainly(kind, batch, answer, reading, session) for kind in self.uncertain)])
        return Examination(batch, answer, reading, surprise, suspicions, moved, odd, table)

    def unasked(self, batch: Batch) -> Floats:
        """Return what of the table no answer is needed for, shape (n, f), zeros elsewhere: how suspicious cells are, and where they stand."""
        reading, surprise, suspicions = self._looked_at(batch)
        part = np.zeros((len(SUMMARY) + suspicions.shape[1], len(batch))).T
        self._sum_up(reading, surprise, suspicions, part)
        table = np.zeros((len(batch), len(self.names)))
        table[:, : len(SUMMARY)] = part[:, : len(SUMMARY)]
        table[:, len(self.summary) : len(self.summary) + suspicions.shape[1]] = part[:, len(SUMMARY) :]
        return table

    def _looked_at(self, batch: Batch) -> tuple[Reading, Surprise, Floats]:
        """Return how the cells of each row read, how they surprise beside each other, and how suspicious each of them is."""
        reading = self.reader.read(batch)
        surprise = self.copula.surprise(reading.scores)
        reading = unmasked(reading, surprise, self.never)
        return reading, surprise, suspicion(reading, surprise, self.null_costs, self.never, self.reader.edges)

    def _certainly(self, kind: str, batch: Batch, answer: Prediction, reading: Reading, session: Session) -> Floats:
        found = self.uncertainty(kind, batch, answer, reading, session)
        if found is None:
            raise ModelError(f"uncertainty by {kind!r} cannot be measured for this model, but the firewall was fitted with it.")
        return found

    def _suspicious(self, reading: Reading, suspicions: Floats, answer: Prediction) -> Ints:
        suspect: Bools = (suspicions.max(axis=1) > self.gate) | answer.failed
        if self.narrow:
            suspect |= lead(answer) < self.narrow
        if reading.odd:
            suspect |= hard(reading.states).any(axis=1)
        return suspect.nonzero()[0]

    def _table(
        self, reading: Reading, surprise: Surprise, suspicions: Floats, moved: Impact, answer: Prediction, origin: Ints | None
    ) -> tuple[Floats, Floats]:
        """Return the table, shape (n, f), and the oddity of each row, shape (n,)."""
        n, d = suspicions.shape
        table = np.empty((len(SUMMARY) + d, n)).T  # a column's cells lie side by side
        width = len(doubts.NAMES)
        table[:, :width] = doubts.doubt(answer, self.task, self.centre, self.scale)
        odd, totals, places = self._sum_up(reading, surprise, suspicions, table)
        width += 1 + len(sums.NAMES)
        table[:, width : width + len(neighbours.NAMES)] = self.near.measure(places, answer, self.task, origin)
        width += len(neighbours.NAMES)
        if not len(moved.rows):
            table[:, width : len(SUMMARY)] = 0.0
            return table, odd
        table[:, width : width + len(impacts.NAMES)] = moved.table
        width += len(impacts.NAMES)
        # How much each of the three cells stands out against the two others, times whether its repair moves the answer.
        share = totals[:, :RANKS] / np.maximum(totals[:, :1] + totals[:, 1:2] + totals[:, 2:3], 1e-9)
        table[:, width] = share[:, 0] * moved.table[:, 0] + share[:, 1] * moved.table[:, 2] + share[:, 2] * moved.table[:, 4]
        table[:, width + 1] = 0.0  # on what share of all repairs the answer moves, in a row with a cell that no clean row has
        table[moved.rows, width + 1] = moved.moved.mean(axis=1) * hard(reading.states[moved.rows]).any(axis=1)
        return table, odd

    def _sum_up(self, reading: Reading, surprise: Surprise, suspicions: Floats, table: Floats) -> tuple[Floats, Floats, Floats]:
        """Write distance, sums and places into their columns; return the oddity of each row, the sums, and the places."""
        width = len(doubts.NAMES)
        table[:, width] = np.log1p(surprise.distance / suspicions.shape[1])
        totals, places = table[:, width + 1 : width + 1 + len(sums.NAMES)], table[:, len(SUMMARY) :]
        odd = sums.sum_up(reading, surprise, suspicions, self.weights, self._category_weights, 4 * self.never, totals, places)
        return odd, totals, places

    def state(self) -> dict[str, Any]:
        """Return everything, as plain data and arrays."""
        return {
            "reader": self.reader.state(),
            **({"views": self.reader.views.state()} if self.reader.views else {}),
            "copula": self.copula.state(),
            "near": self.near.state(),
            "null_costs": self.null_costs,
            "never": self.never,
            "weights": self.weights,
            "gate": self.gate,
            "task": self.task,
            "tolerance": self.tolerance,
            "centre": self.centre,
            "scale": self.scale,
            **({"uncertain": list(self.uncertain)} if self.uncertain else {}),
            **({"space": self.space.state()} if self.space is not None else {}),
            **({"contents": self.contents.state()} if self.contents is not None else {}),
            **({"narrow": self.narrow} if self.narrow else {}),
        }

    @classmethod
    def from_state(cls, s: Mapping[str, Any]) -> Panel:
        """Rebuild from `state()`."""
        reader = Reader.from_state(s["reader"], s.get("views", ()))
        copula, near = Copula.from_state(s["copula"]), Neighbours.from_state(s["near"])
        if not set(s.get("uncertain", ())) <= set(uncertainty.KINDS):
            raise ValueError(f"unknown kinds of uncertainty: {s['uncertain']}")
        parts = (s["null_costs"], s["never"], s["weights"], s["gate"], s["task"], s["tolerance"], s["centre"], s["scale"])
        space = Space.from_state(s["space"]) if "space" in s else None
        contents = Contents.from_state(s["contents"], reader.views) if "contents" in s else None
        narrow = float(s.get("narrow", 0.0))
        return cls(reader, copula, near, *parts, uncertain=tuple(s.get("uncertain", ())), space=space, contents=contents, narrow=narrow)


def vectors_of(batch: Batch, reader: Reader, session: Session | None) -> Floats | None:
    """Return where each row lies to the model, shape (n, d), NaN where it raises: its own features, or, of texts and pictures to a model that shows
    none, what they are like. None where there is neither.
    """
    read = getattr(session, "features", None)
    found: Floats | None = None if read is None else features_of(read, batch, rows_at_once(batch, len(batch)) if reader.views else len(batch))
    if found is None and reader.views:
        found = np.hstack([view.embed(batch.columns[name]) for name, view in reader.views.of.items()])
    return found


def narrow_of(views: Views, answer: Prediction, task: Task) -> float:
    """Return the lead of the first class below which a row with a picture is suspicious, from the answers to clean rows; 0 where none ever is.

    One pixel moves only answers that have little lead, and leaves them with little, and is found in no sum over the picture.
    """
    if task != "classification" or not any(isinstance(vectors, Mending) for vectors in views.of.values()):
        return 0.0
    return float(np.quantile(lead(answer), NARROW))


def lead(answer: Prediction) -> Floats:
    """Return how far the share of the first class leads that of the second, shape (n,); 1 where there is but one class."""
    if answer.shares.shape[1] < 2:
        return np.ones(len(answer))
    two = np.partition(answer.shares, -2, axis=1)[:, -2:]
    return np.asarray(two[:, 1] - two[:, 0], dtype=np.float64)


def null_costs(reading: Reading, never: float) -> Floats:
    """Return what a missing cell costs per column: −log of its null rate among clean rows, at most `never`, shape (d,)."""
    rates: Array = (reading.states == MISSING).mean(axis=0)
    costs: Floats = np.minimum(-np.log(np.maximum(rates, 1e-12)), never)
    return costs


def never_cost(n: int) -> float:
    """Return the cost of what n clean rows never showed: −log(1 / (2n))."""
    return float(np.log(2.0 * max(n, 2)))
