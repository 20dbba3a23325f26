"""From which confidence may answers be used, so that at most a promised share of those used is wrong?

Learn then test (Angelopoulos, Bates, Candès, Jordan & Lei 2021): each threshold of a fixed grid is a hypothesis, "more than the promised share is
wrong", and they are tested one after the other, from strict to lenient, until one stands.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from camelopard.confidence.logistic import sigmoid
from camelopard.core.arrays import Bools, Floats, Ints
from camelopard.core.errors import InputError
from camelopard.core.tolerance import beyond

GRID = sigmoid(np.linspace(8.0, -4.0, 121))  # thresholds, strict ones first: fixed, so that they do not hang on the rows
SURENESS = 0.9
FEW = 20  # clusters with an error, below which their spread says little: no more is then believed than the clusters' number (Kish 1965)
STARTS = ((1.0, 0.8), (0.25, 0.2))  # where testing begins: errors promised × this; and its share of what may go wrong (fallback, Wiens 2003)


@dataclass(frozen=True)
class Accepted:
    """A threshold on confidence and what is known of the answers from there on: shares of the declared traffic, `wrong` among those accepted.

    `threshold` is infinite, and `coverage` 0, where no threshold keeps the promise. `within`: how far a number may be from the truth and still be
    right, None where answers are classes. `note`: what little the threshold rests on, where it is little.
    """

    errors: float
    sureness: float
    threshold: float
    coverage: float
    wrong: float
    at_most: float
    within: float | None = None
    note: str = ""

    def __repr__(self) -> str:
        return f"{self._found()}\nNote: {self.note}." if self.note else self._found()

    def _found(self) -> str:
        if not np.isfinite(self.threshold):
            what = "errors" if self.within is None else f"answers {beyond(self.within)}"
            return f"No answers can be accepted: no threshold keeps {what} to {self.errors:.1%} with probability {self.sureness:.2f} on so few rows."
        apart, close = (" (", ")") if self.within is None else (", ", "")
        return (
            f"Accept answers from a confidence of {self.threshold:.3f}: {self.coverage:.0%} of the declared traffic, {self.wrong:.1%} of it "
            f"{beyond(self.within)}{apart}at most {self.at_most:.1%}, asked for {self.errors:.1%}, with probability {self.sureness:.2f}{close}."
        )


@dataclass(frozen=True)
class RiskCoverage:
    """How much is accepted from each confidence on, and how much of that is wrong: the risk–coverage curve (El-Yaniv & Wiener 2010).

    coverage, wrong
        Shares for each threshold of GRID: of the traffic, and of what is accepted of it; `wrong` is 0 where nothing is accepted.
    worth
        How many independent rows of equal weight say as much as those accepted: rows hang together and weigh differently.

    >>> rng = np.random.default_rng(0); confidence = rng.uniform(0.5, 1, 4000); wrong = rng.random(4000) > confidence
    >>> curve = RiskCoverage.of(confidence, wrong, np.ones(4000), np.arange(4000))
    >>> found = curve.accept(0.1)
    >>> bool(0.75 < found.threshold < 0.9 and found.wrong < found.at_most <= 0.1)
    True
    """

    coverage: Floats
    wrong: Floats
    worth: Floats

    @classmethod
    def of(cls, confidence: Floats, wrong: Bools, weight: Floats, origin: Ints) -> RiskCoverage:
        """Measure on rows that took no part in learning their confidence.

        Parameters
        ----------
        confidence, wrong, weight
            Per row, shape (n,); weights make the rows into the traffic that the promise is for.
        origin
            Which rows hang together, shape (n,): a row and its damaged twins are right or wrong together.
        """
        _, cluster = np.unique(origin, return_inverse=True)
        m = int(cluster.max(initial=-1)) + 1
        whole = float(weight.sum())
        coverage, share, worth = np.zeros(len(GRID)), np.zeros(len(GRID)), np.zeros(len(GRID))
        for g, threshold in enumerate(GRID.tolist()):
            some = np.flatnonzero(confidence >= threshold)
            total = float(weight[some].sum())
            if total <= 0:
                continue
            w = weight[some] / total
            p = min(max(float((w * wrong[some]).sum()), 0.0), 1.0)
            mass = np.bincount(cluster[some], weights=w, minlength=m)
            spread = np.bincount(cluster[some], weights=w * (wrong[some] - p), minlength=m)
            variance = float((spread**2).sum()) * m / max(m - 1, 1)
            coverage[g], share[g] = total / whole, p
            most = 1.0 / float((mass**2).sum())
            by_spread = p * (1 - p) / variance if variance > 0 and 0 < p < 1 else most
            worth[g] = min(by_spread, most) if len(np.unique(cluster[some][wrong[some]])) < FEW else by_spread
        return cls(coverage, share, worth)

    def at_most(self, sureness: float) -> Floats:
        """Return the upper limit of the share wrong at each threshold, each with this probability (Korn & Graubard 1998); 1 if nothing is known."""
        from scipy.stats import beta

        hits = self.wrong * self.worth
        known = self.worth > 0
        limit = np.ones(len(GRID))
        limit[known] = beta.ppf(sureness, hits[known] + 1, np.maximum(self.worth - hits, 1e-9)[known])
        return limit

    def accept(self, errors: float, sureness: float = SURENESS, within: float | None = None) -> Accepted:
        """Return the lowest threshold that keeps the share of wrong answers among those accepted to `errors`, with probability `sureness`.

        The probability is over the draw of the rows measured on; the share is that of the traffic which their weights make. `within` is only told.

        Raises
        ------
        InputError
            If `errors` is not above 0 and below 1, or `sureness` not from 0.5 and below 1.
        """
        for name, value in (("errors", errors), ("sureness", sureness)):
            if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 < value < 1:
                raise InputError(f"{name}={value!r}; expected a share above 0 and below 1.")
        if sureness < 0.5:
            raise InputError(f"sureness={sureness!r}; expected at least 0.5: less is no promise.")
        best = -1
        for part, share in STARTS:
            limit = self.at_most(1 - (1 - sureness) * share)
            first = int(np.flatnonzero(1 - errors * part >= GRID)[0]) if (1 - errors * part >= GRID).any() else len(GRID)
            refused = np.flatnonzero(~(limit[first:] <= errors))
            last = first + (int(refused[0]) if len(refused) else len(GRID) - first) - 1
            best = max(best, last if last >= first else -1)
        if best < 0:
            return Accepted(errors, sureness, np.inf, 0.0, np.nan, np.nan, within)
        at_most = float(self.at_most(sureness)[best])
        return Accepted(errors, sureness, float(GRID[best]), float(self.coverage[best]), float(self.wrong[best]), at_most, within)

    def state(self) -> dict[str, Any]:
        """Return what was measured, as plain data."""
        return {"coverage": self.coverage, "wrong": self.wrong, "worth": self.worth}

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> RiskCoverage:
        """Rebuild from `state()`."""
        return cls(state["coverage"], state["wrong"], state["worth"])
