"""What has come since a promise was made: whether its rows are still like those it was made for, and which of them it was never made for."""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Hashable, Sequence

from camelopard.confidence.martingale import Exchangeability, Groups
from camelopard.core.arrays import Floats

SHOWN = 5


class GuaranteeWithdrawn(UserWarning):
    """The rows that come are no longer like those that a promise was made for. Given once, by what still answers."""


class Watch:
    """Two tests for change, one of what is seen without labels and one of what labels show, and a count of rows from places never seen.

    Each test has half of `level`: the chance that either raises a false alarm, ever, is at most `level`. They are kept apart because ranks among the
    scores of the one say something about ranks among those of the other, and a bet may not know the outcome.
    """

    def __init__(self, unlabelled: tuple[Floats, Groups], labelled: tuple[Floats, Groups], level: float, seed: int) -> None:
        self.level = level
        self.tests = {
            "without labels": Exchangeability(unlabelled[0], level / 2, groups=unlabelled[1], seed=seed),
            "with labels": Exchangeability(labelled[0], level / 2, groups=labelled[1], seed=seed),
        }
        self._asked, self._strange, self._names, self._warned = 0, 0, Counter[str](), False

    @property
    def holds(self) -> bool:
        """Whether neither test is broken."""
        return not any(test.broken for test in self.tests.values())

    def count(self, strange: Sequence[Hashable], asked: int) -> None:
        """Remember how many rows were asked for, and the places of those of them that come from one never seen."""
        self._asked += asked
        self._strange += len(strange)
        for name in strange:
            if len(self._names) < SHOWN or repr(name) in self._names:
                self._names[repr(name)] += 1

    def warn(self, name: str) -> None:
        """Say once that the promise is withdrawn, to whoever asks for what it promised."""
        if self.holds or self._warned:
            return
        self._warned = True
        text = f"{name}: {self.told()[0]}. Answers go on, without the promise: call camelopard.conformal again, on rows as they are now."
        warnings.warn(text, GuaranteeWithdrawn, stacklevel=3)

    def told(self) -> list[str]:
        """Return what was seen, in words: first what broke, if anything did."""
        lines = []
        for how, test in self.tests.items():
            if (at := test.broken_at) is not None:
                chance = f"reached by rows like those given with a chance of at most {test.level:.2g}"
                bet = f"a bet on change stood at {at[1]:,.0f}, {chance}"
                lines.append(f"the promise is withdrawn since row {at[0]:,} of those watched {how} ({bet})")
        for how, test in self.tests.items():
            if test.rows and not test.broken:
                bet = f"a bet on change stands at {test.value:.3g}; at {1 / test.level:,.0f} the promise ends"
                lines.append(f"no change seen in {test.rows:,} rows watched {how} ({bet})")
        return lines

    def told_strange(self, by: str | None) -> list[str]:
        """Return how many rows came from places never seen, in words."""
        if not self._strange:
            return []
        known = ", ".join(f"{name} in {n:,}" for name, n in self._names.most_common()) + (", …" if self._names.total() < self._strange else "")
        strange = f"{self._strange:,} of {self._asked:,} rows asked for had a value of {by} that was not among the rows given"
        return [f"{strange}, and got everything ({known})"]
