"""What share of answers is right where there are no labels? The ways in use that look at the model's own word alone, to stand beside a better one.

All are learned from labelled rows like those that the model was made for, and all assume that such a word means the same on new rows.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from camelopard.confidence.logistic import Logistic, logit
from camelopard.core.arrays import Bools, Floats
from camelopard.core.errors import InputError

OURS = "camelopard"
UNCHANGED, AVERAGE, DIFFERENCE, THRESHOLD, CALIBRATED = "nothing changed", "average confidence", "DoC", "ATC", "CBPE"
RIDGE = 1.0
LEVEL, FEWEST_WINDOWS = 0.05, 5  # for trusting another way


@dataclass(frozen=True)
class Rivals:
    """Estimates of accuracy from the model's own word for its answers.

    accuracy, word
        Of the labelled rows: the share of right answers, and the mean of the model's word for them.
    threshold
        Above it lies as large a share of the words of labelled rows as are right, as nearly as ties allow.
    line
        From the log-odds of a word to the probability that the answer is right; None where the model has no word of its own.

    >>> rng = np.random.default_rng(0); word = rng.uniform(0.6, 1, 5000); right = rng.random(5000) < word
    >>> {name: round(value, 1) for name, value in Rivals.fit(word, right).estimates(rng.uniform(0.5, 0.7, 2000)).items()}
    {'nothing changed': 0.8, 'average confidence': 0.6, 'DoC': 0.6, 'ATC': 0.1, 'CBPE': 0.6}
    """

    accuracy: float
    word: float
    threshold: float
    line: Logistic | None

    @classmethod
    def fit(cls, word: Floats, right: Bools) -> Rivals:
        """Learn from the model's word for its answers to labelled rows, and which are right, both of shape (n,).

        Raises
        ------
        InputError
            Without rows.
        """
        if not len(word):
            raise InputError("there are no labelled rows; expected at least one to learn from.")
        accuracy = float(right.mean())
        line = Logistic.fit(logit(word)[:, None], right, ridge=RIDGE, prior=np.ones(1)) if np.ptp(word) > 0 else None
        return cls(accuracy, float(word.mean()), float(np.quantile(word, 1.0 - accuracy)), line)

    def estimates(self, word: Floats) -> dict[str, float]:
        """Return each estimate of the share of right answers in a batch, from the model's word for them, shape (m,).

        A model without a word of its own leaves only that nothing has changed.

        - average confidence: the mean of the word;
        - DoC: the accuracy known, less by as much as the mean word is (Guillory et al. 2021);
        - ATC: the share of words above the threshold (Garg et al. 2022);
        - CBPE: the mean of calibrated words, as NannyML has it.
        """
        found = {UNCHANGED: self.accuracy}
        if self.line is None or not len(word):
            return found
        found[AVERAGE] = float(word.mean())
        found[DIFFERENCE] = float(np.clip(self.accuracy - self.word + word.mean(), 0.0, 1.0))
        found[THRESHOLD] = float((word >= self.threshold).mean())
        found[CALIBRATED] = float(self.line.probability(logit(word)[:, None]).mean())
        return found

    def state(self) -> dict[str, Any]:
        """Return what was learned, as plain data."""
        return {"accuracy": self.accuracy, "word": self.word, "threshold": self.threshold, "line": None if self.line is None else self.line.state()}

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> Rivals:
        """Rebuild from `state()`."""
        line = None if state["line"] is None else Logistic.from_state(state["line"])
        return cls(float(state["accuracy"]), float(state["word"]), float(state["threshold"]), line)


@dataclass(frozen=True)
class Estimator:
    """What is known beside confidence: the rivals, how far estimates are off for reasons other than chance, and what a backtest says.

    systematic
        Standard deviation of what is wrong with the mean of confidence from one family of damage to another.
    labelled
        How many labelled rows all rests on.
    backtest
        Mean absolute error of each way, over windows made of labelled rows.
    trust
        The way to be trusted by that; "" where there was no window.
    note
        What makes all this less sure than it looks, in words.
    """

    rivals: Rivals
    systematic: float
    labelled: int
    backtest: Mapping[str, float]
    trust: str = OURS
    note: str = ""

    def spread(self, accuracy: float) -> float:
        """Return the standard deviation of all that more rows in the batch would not mend."""
        return float(np.sqrt(self.systematic**2 + accuracy * (1 - accuracy) / max(self.labelled, 1)))

    def state(self) -> dict[str, Any]:
        """Return what was learned, as plain data."""
        return {
            "rivals": self.rivals.state(),
            "systematic": self.systematic,
            "labelled": self.labelled,
            "backtest": dict(self.backtest),
            "trust": self.trust,
            "note": self.note,
        }

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> Estimator:
        """Rebuild from `state()`."""
        return cls(
            Rivals.from_state(state["rivals"]),
            float(state["systematic"]),
            int(state["labelled"]),
            state["backtest"],
            str(state["trust"]),
            str(state["note"]),
        )


def trusted(errors: Mapping[str, Floats]) -> str:
    """Return which way to trust, from each way's error on the same windows, shape (windows,): OURS, unless another is surely better.

    Surely: by a one-sided t-test at LEVEL, shared out among all others, of five windows at least.

    >>> trusted({OURS: np.array([0.02, 0.03, 0.02, 0.03, 0.02]), "ATC": np.array([0.019, 0.031, 0.02, 0.029, 0.02])})
    'camelopard'
    """
    from scipy.stats import t

    best = min(errors, key=lambda name: float(errors[name].mean()))
    gain, n = errors[OURS] - errors[best], len(errors[OURS])
    if best == OURS or n < FEWEST_WINDOWS:
        return OURS
    least = float(t.ppf(1 - LEVEL / (len(errors) - 1), n - 1)) * float(gain.std(ddof=1)) / n**0.5
    return best if float(gain.mean()) > least else OURS
