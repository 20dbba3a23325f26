"""How odd is a text or a picture, and how far from all that the model learned from does it lie? Two questions with two answers.

Odd is what looks damaged: learned from damaged rows against clean ones. Damages of texts are of many families that have nothing in common, so where
there is nothing but a text each family has a judge of its own, who knows clean texts and that family alone; a text is as odd as the judge says who
finds it oddest. (Of pairs of texts, and in tables, families were told better and what lies between the columns worse.) That is joined, as
Fisher (1932) joins tests, with how rarely a clean text has a number as far out as the farthest of this one: most numbers of a text count what clean
texts hardly have, so that one alone says much, whatever the others say and whoever thought of it. (Numbers of pictures vary together; there one judge
of all damages is as good, and the farthest number would take more than it gives.)

Novel is what nobody showed the model, a giraffe among cats and dogs: it may look perfect, and damage teaches nothing about it. So novelty is learned
from clean rows alone: the distances in the model's own feature space, each by how rarely a clean row lies that far, joined in the same way.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from camelopard.core.arrays import Floats, Ints, summed
from camelopard.firewall.boosting import boosted
from camelopard.firewall.panel import Panel
from camelopard.firewall.trees import Trees

TREES, DEPTH = 128, 6
FAMILY_TREES, FAMILY_DEPTH = 96, 4  # of each judge, where there are several
FAR = ("nearest_5", "mahalanobis", "relative", "vim", "fdbd")  # of the feature space: what measures a distance, not the model's doubt
SEEN = ("suspicion_sum", "suspicion_0", "suspicion_1", "farthest", "distance", "hard_weight")
RUNGS = 64  # tail probabilities that are kept of each distance
STEPS = 32  # and of either end of each number
HALF = 0.5  # weight of the farthest number: the learned judge has seen it, too
BEYOND = 1.5  # gained per e-fold of distance beyond the farthest clean row, in spreads
PIECE = 1_024  # rows at once
FEWEST = 50  # rows of either sort, below which a judge learns nothing


@dataclass(frozen=True)
class Strangeness:
    """What tells odd rows and novel ones.

    judges, columns
        The log-odds of damage that each sees, and the columns of evidence that they look at.
    numbers, ends
        The columns of evidence that are numbers of a text, shape (k,); the values that ever fewer clean rows exceed, and those that ever
        fewer fall below, with their signs turned, shape (STEPS, 2 k).
    far, ladder, spread
        The columns of evidence that are distances, shape (m,); the values that clean rows exceed ever more rarely, shape (RUNGS, m); their spreads.
    deepest
        −log of the share of clean rows at the end of the ladder.
    """

    judges: Sequence[Trees]
    columns: Ints
    numbers: Ints
    ends: Floats
    far: Ints
    ladder: Floats
    spread: Floats
    deepest: float

    @classmethod
    def learn(
        cls, panel: Panel, clean: Floats, damaged: Sequence[tuple[Floats, Floats]], rng: np.random.Generator, *, asked: bool = True
    ) -> Strangeness | None:
        """Learn from the evidence of clean rows, shape (n, f), and, for each judge, of damaged rows, with how much each of them counts.

        Damaged rows that are too few for a judge of their own are judged together. None where there are no texts or pictures, or too few rows at all.
        `asked`: the evidence tells what the model makes of the rows, too, and that is looked at.
        """
        damaged = _enough(damaged)
        if not panel.reader.views or len(clean) < FEWEST or not damaged:
            return None
        names = panel.names
        places = ("place:", "space:") if asked else "place:"
        columns = np.array([k for k, n in enumerate(names) if n.startswith(places) or n in SEEN], dtype=np.int64)
        size = (TREES, DEPTH) if len(damaged) == 1 else (FAMILY_TREES, FAMILY_DEPTH)
        far = np.array([k for k, n in enumerate(names) if n in {f"space:{what}" for what in FAR}], dtype=np.int64)
        judges = [_judge(clean[:, columns], table[:, columns], weight, rng, *size) for table, weight in damaged]
        texts = {name for name, column in panel.reader.views.source.items() if panel.reader.views.of[column].kind == "text"}
        numbers = np.array([k for k, n in enumerate(names) if n.startswith("place:") and n.removeprefix("place:") in texts], dtype=np.int64)
        ends = np.quantile(_both(clean[:, numbers]), 1.0 - np.geomspace(1.0, 1.0 / len(clean), STEPS), axis=0)
        clean = clean[:, far]
        tail = np.geomspace(1.0, 1.0 / len(clean), RUNGS)
        low, high = np.quantile(clean, (0.16, 0.84), axis=0) if len(far) else (np.zeros(0), np.zeros(0))
        ladder, spread = np.quantile(clean, 1.0 - tail, axis=0), np.maximum((high - low) / 2, 1e-9)
        return cls(judges, columns, numbers, ends, far, ladder, spread, float(np.log(len(clean))))

    def oddness(self, table: Floats) -> Floats:
        """Return how odd each row is, shape (n,): the log-odds of damage, and −log of how rarely a clean row has a number as far out."""
        part = np.ascontiguousarray(table[:, self.columns])
        damage = np.max([judge.score(part) for judge in self.judges], axis=0)
        return np.asarray(damage + HALF * self._farthest(table), dtype=np.float64)

    def novelty(self, table: Floats) -> Floats:
        """Return how far each row lies from what the model learned from, shape (n,): the sum of −log of tail probabilities."""
        if not len(self.far):
            return np.zeros(len(table))
        cost = np.linspace(0.0, self.deepest, RUNGS)  # the tails are in geometric progression
        found = np.empty((len(table), len(self.far)))
        for j, k in enumerate(self.far.tolist()):
            values = table[:, k]
            over = np.maximum(values - self.ladder[-1, j], 0.0) / self.spread[j]
            found[:, j] = np.interp(values, self.ladder[:, j], cost) + BEYOND * np.log1p(over)
        return summed(found)

    def _farthest(self, table: Floats) -> Floats:
        """Return −log of how rarely a clean row has a number as far out as the farthest of each row, shape (n,)."""
        found = np.zeros(len(table))
        if not len(self.numbers):
            return found
        cost = np.append(0.0, np.linspace(0.0, self.deepest, STEPS))
        for start in range(0, len(table), PIECE):
            values = _both(table[start : start + PIECE, self.numbers])
            passed = (values[:, None, :] > self.ends).sum(axis=1)
            beyond = BEYOND * np.log1p(np.maximum(values - self.ends[-1], 0.0))  # in normal scores, which places are
            found[start : start + PIECE] = (cost[passed] + beyond).max(axis=1)
        return found

    def state(self) -> dict[str, Any]:
        """Return what was learned, as plain data and arrays."""
        return {
            "judges": [judge.state() for judge in self.judges],
            "columns": self.columns,
            "numbers": self.numbers,
            "ends": self.ends,
            "far": self.far,
            "ladder": self.ladder,
            "spread": self.spread,
            "deepest": self.deepest,
        }

    @classmethod
    def from_state(cls, s: Mapping[str, Any], width: int) -> Strangeness:
        """Rebuild from `state()`; `width`: how many columns the evidence has. Raises ValueError where columns lie outside of it."""
        columns, numbers, far = places = [np.asarray(s[name]).astype(np.int64) for name in ("columns", "numbers", "far")]
        if any(a.ndim != 1 or (len(a) and not 0 <= a.min() <= a.max() < width) for a in places):
            raise ValueError("columns of evidence that there are not")
        ends = np.asarray(s["ends"], dtype=np.float64)
        if ends.shape != (STEPS, 2 * len(numbers)) or not np.isfinite(ends).all():
            raise ValueError("ends of another shape than their columns")
        ladder, spread = np.asarray(s["ladder"], dtype=np.float64), np.asarray(s["spread"], dtype=np.float64)
        if ladder.shape != (RUNGS, len(far)) or spread.shape != (len(far),) or not (np.isfinite(ladder).all() and (spread > 0).all()):
            raise ValueError("a ladder of another shape than its columns")
        judges = [Trees.from_state(judge) for judge in s["judges"]]
        if not judges:
            raise ValueError("nobody who judges what is odd")
        return cls(judges, columns, numbers, ends, far, ladder, spread, float(s["deepest"]))


def _enough(damaged: Sequence[tuple[Floats, Floats]]) -> list[tuple[Floats, Floats]]:
    """Return the parts that teach a judge each, those that are too small joined in one, which is left out if it is too small itself."""
    found, few = ([part for part in damaged if (len(part[0]) >= FEWEST) == large] for large in (True, False))
    if sum(len(table) for table, _ in few) >= FEWEST:
        found.append((np.vstack([table for table, _ in few]), np.concatenate([weight for _, weight in few])))
    return found


def _judge(clean: Floats, damaged: Floats, weight: Floats, rng: np.random.Generator, trees: int, depth: int) -> Trees:
    """Return what tells damaged rows, shape (m, f) and (m,) of weights, from clean ones, shape (n, f); both sides count alike."""
    event = np.arange(len(clean) + len(damaged)) >= len(clean)
    counts = np.concatenate([np.full(len(clean), 1.0 / len(clean)), weight / weight.sum()])
    return boosted(np.vstack([clean, damaged]), event, counts, np.zeros(clean.shape[1], dtype=bool), rng, trees=trees, depth=depth)


def _both(values: Floats) -> Floats:
    """Return numbers, and the same with their signs turned, side by side: what is far out at either end is large."""
    return np.hstack([values, -values])
