"""Does the model see a row as it saw those it knows? Numbers read off its own features, the vectors before its last layer.

The one idea: every formula of the field needs the same few products of a row with what was learned. They are taken at once, exactly, and each number
is then a short sum; so all of them cost a fraction of a millisecond, and a row gets the same bytes alone, in any batch and in any order.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from camelopard.core.arrays import Bools, Floats, Ints, summed
from camelopard.core.errors import InputError
from camelopard.core.records import Prediction, Task
from camelopard.evidence.space_bank import Bank
from camelopard.evidence.space_formulas import (
    collapse_proximity,
    decision_distance,
    energy,
    generalised_entropy,
    relative_mahalanobis,
    squared_distances,
    virtual_logit,
)
from camelopard.evidence.space_layer import Layer, checked, gaps, size_share, usual_logit, without_bias
from camelopard.evidence.space_rows import BEYOND, LARGEST, MOST_BITS, SMALLEST, WIDEST, Rows, evenly, exponent_of, kept, on_grid, read
from camelopard.evidence.space_shape import Gaussians, Lengths, Outside, gaussians, lengths, outside

MOST, ENTRIES = 5_000, 5_000 * 1_024  # clean rows kept, to find the nearest among, and the entries of their vectors
PIECE = 4_096  # rows measured at once

NAMES = ("nearest", "nearest_5", "trust", "mahalanobis", "relative", "residual", "norm", "gen", "max_logit", "energy", "vim", "fdbd", "nci")


@dataclass(frozen=True)
class Look:
    """What the formulas need of rows. Shapes (n,), but for `z`: whitened coordinates, shape (n, q), and `logits`, shape (n, k), None where unknown.

    `known`: whether any clean row got the answer. `along`: w_c·(h − mean) of the answer's weights, zeros where there is no last layer.
    """

    answer: Ints
    known: Bools
    length: Floats
    size: Floats
    z: Floats
    from_mean: Floats
    residual: Floats
    logits: Floats | None
    along: Floats


class Space:
    """What clean rows look like in the model's feature space. `names`: what is measured, in the order of its columns.

    nearest, nearest_5
        Distance to the nearest of at most 5,000 clean rows, mean distance to the nearest five, between vectors of length one (Sun et al. 2022).
    trust
        Logarithm of the distance to the nearest row of the same answer over that to the nearest of another (Jiang et al. 2018).
    mahalanobis
        Distance to the class of the answer (Lee et al. 2018); for numbers, to all clean rows. In at most 64 dimensions, like the next.
    relative
        How much farther from every class than from clean rows in general (Ren et al. 2021), as the signed root of the difference of squares.
    residual
        Length outside the principal subspace (Wang et al. 2022), times the paper's α where logits are known, in clean means elsewhere.
    norm
        How unusual the length is among clean rows of the same answer, on a logarithmic scale, in their spreads; both ways.
    gen
        Generalised entropy of the probabilities (Liu, Lochman & Zach 2023).
    max_logit, energy
        Minus the highest logit (Hendrycks et al. 2022), minus the log of the sum of their exponentials (Liu, Wang, Owens & Li 2020).
    vim
        Log-odds of the virtual logit (Wang et al. 2022).
    fdbd
        Minus the mean distance to the decision boundaries over that to the mean (Liu & Qin 2024a).
    nci
        Minus the answer's weight vector along the centred feature, and the feature's size (Liu & Qin 2024b).
    """

    def __init__(
        self,
        names: tuple[str, ...],
        classes: int,
        bank: Bank,
        shape: Gaussians,
        empty: Outside,
        length: Lengths,
        layer: Layer | None,
        scale: float,
        longest: int,
        worst: Floats,
    ) -> None:
        self.names, self.classes, self.bank, self.shape, self.empty = names, classes, bank, shape, empty
        self.length, self.layer, self.scale, self.longest, self.worst = length, layer, scale, longest, worst
        parts = [shape.basis, empty.basis, shape.centre[:, None], empty.origin[:, None]] + ([] if layer is None else [layer.weights.T])
        self._matrix = np.ascontiguousarray(np.hstack(parts))
        self._cuts = np.cumsum([part.shape[1] for part in parts])[:4].tolist()
        # |x − m|² = |x|² − 2 x·m + |m|², and likewise for what x − m has in a basis: what is of the middle alone.
        at_centre, at_origin = (summed((self._matrix * middle[:, None]).T) for middle in (shape.centre, empty.origin))
        self._centre, self._origin = at_centre[: self._cuts[0]], at_origin[self._cuts[0] : self._cuts[1]]
        self._squares, self._centre_logits = (float(at_centre[self._cuts[1]]), float(at_origin[self._cuts[2]])), at_centre[self._cuts[3] :]
        self._gaps: dict[int, Floats] = {}  # of classes that were answered
        self._shortest = 2.0 ** (longest - 2 * BEYOND)

    @classmethod
    def learn(
        cls, vectors: Floats, answer: Prediction | None, task: Task, last: tuple[Floats, Floats] | None = None, source: Ints | None = None
    ) -> Space:
        """Learn from the feature vectors of clean rows.

        Parameters
        ----------
        vectors
            Shape (n, d). Rows without one, with a NaN or an infinity, are left out, as are rows that the model did not answer.
        answer
            What the model said of them; None where that is not known: then nothing that needs classes is measured.
        last
            Weights, shape (k, d), and biases, shape (k,), of the layer that these vectors go into, where there is one. A single row of weights for
            two classes, as of a logistic regression, counts half for the second and half against the first. Not used for numbers.
        source
            Where each stood among the rows learned from, shape (n,), so that `measure` does not compare a row with itself. It is not kept in `state`.

        Raises
        ------
        InputError
            If shapes do not fit, fewer than two rows are left, there are more than 8,192 columns, or entries are too large or too small.

        >>> rng = np.random.default_rng(0); kind = np.repeat([0, 1], 100); clean = rng.normal(size=(200, 4)); clean[:, 0] += 6 * kind - 3
        >>> space = Space.learn(clean, Prediction(kind, np.eye(2)[kind]), "classification")
        >>> found = space.measure(np.array([[3.0, 0, 0, 0], [0, 9.0, 0, 0]]), Prediction(np.array([1, 1]), np.eye(2)[[1, 1]]))
        >>> found[:, space.names.index("mahalanobis")].round().tolist()
        [0.0, 10.0]
        """
        x, answer, source = _learnable(vectors, answer, source)
        classed = answer if task == "classification" else None
        classes = 0 if classed is None else classed.shares.shape[1]
        groups = np.zeros(len(x), dtype=np.int64) if classed is None else classed.shares.argmax(axis=1).astype(np.int64)
        linear = checked(last, x.shape[1], classes) if last is not None and task == "classification" else None
        logits = x @ linear[0].T + linear[1] if linear is not None else None if classed is None else classed.scores
        graded = classed is not None and (classed.proba is not None or classed.scores is not None)
        shape = gaussians(x, groups, max(classes, 1))
        empty = outside(x, shape.centre if linear is None else without_bias(*linear, x, shape.centre))
        rows, longest, chosen = read(x), exponent_of(x), evenly(groups, min(MOST, ENTRIES // x.shape[1]))
        space = cls(
            tuple(name for name in NAMES if applies(name, classes > 0, graded, logits is not None, linear is not None)),
            classes,
            Bank.learn(rows, groups, chosen),
            shape,
            empty,
            lengths(_logs(rows.lengths(), 2.0 ** (longest - 2 * BEYOND)), groups, max(classes, 1)),
            None if linear is None else Layer(*linear, size_share(x - shape.centre, x, linear[0][groups]) if classes else 0.0),
            usual_logit(logits) / empty.usual,
            longest,
            np.zeros(1),
        )
        some = Prediction(np.zeros(len(chosen))) if answer is None else answer.take(chosen)
        space.bank.source = chosen
        space.worst = space.measure(x[chosen], some, chosen).max(axis=0)
        space.bank.source = None if source is None else source[chosen]
        return space

    @property
    def width(self) -> int:
        """Return how many columns a feature vector has."""
        return len(self.shape.centre)

    def measure(self, vectors: Floats, answer: Prediction, origin: Ints | None = None) -> Floats:
        """Return the numbers of each row, shape (n, len(names)): never NaN or infinite, higher is always worse.

        What cannot be told gets the worst value that a clean row got: all numbers of a row without a vector (with a NaN or an infinity in it) or
        without an answer, and those about an answer that no clean row got. `origin` says from which of the rows learned from each comes, shape (n,):
        with that one it is not compared.

        Raises
        ------
        InputError
            If shapes do not fit.
        """
        x = _table(vectors, self.width)
        if len(answer) != len(x) or (origin is not None and np.shape(origin) != (len(x),)):
            raise InputError(f"{len(x)} vectors came with {len(answer)} answers; expected one answer, and one origin if any, for each vector.")
        if len(x) > PIECE:
            parts = [slice(start, start + PIECE) for start in range(0, len(x), PIECE)]
            return np.concatenate([self._measured(x[p], answer.take(p), None if origin is None else origin[p]) for p in parts])
        return self._measured(x, answer, origin) if len(x) else np.zeros((0, len(self.names)))

    def _measured(self, x: Floats, answer: Prediction, origin: Ints | None) -> Floats:
        rows = read(x, self.longest)
        shares = answer.shares
        groups = np.minimum(shares.argmax(axis=1), self.classes).astype(np.int64) if self.classes else np.zeros(len(x), dtype=np.int64)
        with np.errstate(all="ignore"):  # what cannot be told is NaN until the end
            found = self._told(self._look(rows, groups, answer), shares)
        found["nearest"], found["nearest_5"], found["trust"] = self.bank.measure(rows, groups, origin).T
        table = np.array([found[name] for name in self.names]).T
        lost = ~np.isfinite(table) | (rows.gone | answer.failed)[:, None]
        return np.ascontiguousarray(np.where(lost, self.worst, table)) + 0.0  # a zero has no sign

    def _look(self, rows: Rows, groups: Ints, answer: Prediction) -> Look:
        """Return what the formulas need of the rows, all from one product."""
        q, p, c, o = self._cuts
        product = rows.times(self._matrix)
        inside, centre, origin, raw = product[:, q:p] - self._origin, product[:, p], product[:, c], product[:, o:]
        length, own, logits = rows.lengths(), np.minimum(groups, len(self.shape.seen) - 1), answer.scores
        square = length * length
        from_origin = square - 2.0 * origin + self._squares[1]
        along = np.zeros(len(own))
        if self.layer is not None:
            logits = raw + self.layer.biases
            along = (raw - self._centre_logits)[np.arange(len(own)), own]
        return Look(
            own,
            self.shape.seen[own] & (groups == own),
            length,
            np.abs(rows.whole).sum(axis=1) * rows.unit,
            product[:, :q] - self._centre,
            np.sqrt(np.maximum(square - 2.0 * centre + self._squares[0], 0.0)),
            np.sqrt(np.maximum(from_origin - summed(inside * inside), 0.0)) * self.scale,
            logits,
            along,
        )

    def _told(self, look: Look, shares: Floats) -> dict[str, Floats]:
        """Return every number that applies but those of the neighbours; NaN where it cannot be told."""
        at, own = np.arange(len(look.answer)), look.answer
        to_classes = squared_distances(look.z, self.shape.means)
        found = {
            "mahalanobis": np.where(look.known, np.sqrt(to_classes[at, own]), np.nan),
            "residual": look.residual,
            "norm": np.where(look.known, np.abs(_logs(look.length, self._shortest) - self.length.middle[own]) / self.length.spread, np.nan),
        }
        if "relative" in self.names:
            more = relative_mahalanobis(to_classes[:, self.shape.seen], summed(look.z * look.z / self.shape.spread))
            found["relative"] = np.sign(more) * np.sqrt(np.abs(more))
        if "gen" in self.names:
            found["gen"] = generalised_entropy(shares)
        if "energy" in self.names:
            logits = np.full((len(at), 1), np.nan) if look.logits is None else look.logits
            found["max_logit"], found["energy"] = -logits.max(axis=1), energy(logits)
            found["vim"] = virtual_logit(look.residual, found["energy"])
        if "fdbd" in self.names and self.layer is not None and look.logits is not None:
            apart = np.stack([self._gaps_of(c) for c in own.tolist()])
            found["fdbd"] = np.where(look.known, decision_distance(look.logits, own, apart, look.from_mean), np.nan)
            found["nci"] = np.where(look.known, collapse_proximity(look.along, look.from_mean, look.size, self.layer.alpha), np.nan)
        return found

    def _gaps_of(self, c: int) -> Floats:
        if c not in self._gaps and self.layer is not None:
            self._gaps[c] = gaps(self.layer.weights, c)
        return self._gaps[c]

    def state(self) -> dict[str, Any]:
        """Return what was learned, as plain arrays."""
        found: dict[str, Any] = {
            "names": list(self.names),
            "classes": self.classes,
            "longest": self.longest,
            "scale": self.scale,
            "worst": self.worst,
            "bank": self.bank.state(),
            "centre": self.shape.centre,
            "basis": self.shape.basis.astype(np.float32),
            "means": self.shape.means,
            "spread": self.shape.spread,
            "seen": self.shape.seen,
            "origin": self.empty.origin,
            "outside": self.empty.basis.astype(np.float32),
            "middle": self.length.middle,
            "length_spread": self.length.spread,
            "layer": None,
        }
        if self.layer is not None:
            found["layer"] = {"weights": self.layer.weights.astype(np.float32), "biases": self.layer.biases, "alpha": self.layer.alpha}
        return found

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> Space:
        """Rebuild from `state()`; raises ValueError for what is none."""
        try:
            return cls._from_state(state)
        except (KeyError, TypeError, AttributeError, IndexError, OverflowError) as error:
            raise ValueError(f"this is not the state of a space: {type(error).__name__} {error}") from error

    @classmethod
    def _from_state(cls, state: Mapping[str, Any]) -> Space:
        bank, part = Bank.from_state(state["bank"]), state["layer"]
        d, names, classes, longest = bank.rows.shape[1], tuple(state["names"]), state["classes"], state["longest"]
        if type(classes) is not int or type(longest) is not int or not 0 <= classes < 2**20 or abs(longest) > MOST_BITS or d > WIDEST:
            raise ValueError("the state of a space has classes, exponents or columns out of range")
        k, layer = max(classes, 1), None
        if bank.groups.max() >= k:
            raise ValueError(f"the bank of a space has an answer {bank.groups.max()} of {k}")
        if part is not None:
            rows = classes or -1
            layer = Layer(on_grid(kept(part, "weights", rows, d)), kept(part, "biases", rows), float(kept(part, "alpha")))
        logits = layer is not None or (classes > 0 and "energy" in names)
        if names != tuple(n for n in NAMES if applies(n, classes > 0, "gen" in names, logits, layer is not None)):
            raise ValueError(f"the state of a space has the names {names}, which do not go with its parts")
        basis, positive = kept(state, "basis", d, -1), ("spread", "scale", "length_spread")
        q = basis.shape[1]
        shape = Gaussians(
            on_grid(kept(state, "centre", d)), on_grid(basis), kept(state, "means", k, q), kept(state, "spread", q), kept(state, "seen", k) > 0
        )
        if not shape.seen.any() or any((np.asarray(state[name]) <= 0).any() for name in positive) or (layer is not None and layer.alpha < 0):
            raise ValueError(f"the state of a space has no class, or none of what must be positive: {', '.join(positive)}")
        empty = Outside(on_grid(kept(state, "origin", d)), on_grid(kept(state, "outside", d, -1)), 1.0)
        length = Lengths(kept(state, "middle", k), float(kept(state, "length_spread")))
        return cls(names, classes, bank, shape, empty, length, layer, float(kept(state, "scale")), longest, kept(state, "worst", len(names)))


def applies(name: str, classed: bool, graded: bool, logits: bool, layer: bool) -> bool:
    """Whether a number can be measured: what needs classes, probabilities, logits, or the last layer is left out where these are not known."""
    needs = {"trust": classed, "relative": classed, "gen": classed and graded, "fdbd": classed and layer, "nci": classed and layer}
    return needs.get(name, logits if name in ("max_logit", "energy", "vim") else True)


def _learnable(vectors: Floats, answer: Prediction | None, source: Ints | None) -> tuple[Floats, Prediction | None, Ints | None]:
    """Return the rows that can be learned from, the answers to them, and where they stood."""
    x = _table(vectors, None)
    for what, given in (("answers", answer), ("sources", source)):
        if given is not None and len(given) != len(x):
            raise InputError(f"{len(x)} vectors came with {len(given)} {what}; expected one for each vector.")
    good = np.isfinite(x).all(axis=1)
    if answer is not None:
        good &= ~answer.failed
    rows = np.flatnonzero(good)
    if len(rows) < 2:
        raise InputError(f"{len(rows)} of the {len(x)} rows given have a finite vector and an answer; expected at least 2 clean rows to learn from.")
    x = x[rows]
    largest = float(np.abs(x).max())
    if largest > LARGEST or 0.0 < largest < SMALLEST:
        raise InputError(
            f"the largest entry of the vectors is {largest:.3g}; expected it between {SMALLEST:g} and {LARGEST:g}. Scale them by a constant."
        )
    return x, None if answer is None else answer.take(rows), None if source is None else np.asarray(source, dtype=np.int64)[rows]


def _table(vectors: Floats, d: int | None) -> Floats:
    """Return vectors as a table of floats with d columns."""
    try:
        x = np.asarray(vectors, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise InputError("the vectors are no numbers; expected an array of shape (n, d), NaN in rows without a vector.") from error
    if x.ndim != 2 or not 1 <= x.shape[1] <= WIDEST or (d is not None and x.shape[1] != d):
        raise InputError(f"the vectors have shape {x.shape}; expected (n, {f'd), d from 1 to {WIDEST:,}' if d is None else f'{d})'}.")
    return x


def _logs(length: Floats, shortest: float) -> Floats:
    found: Floats = np.log(np.maximum(length, shortest))
    return found
