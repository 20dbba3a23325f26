"""Is a promise about errors still kept? Answers that were accepted and then checked, one after the other, bet against it.

Testing by betting (Shafer 2021; Waudby-Smith & Ramdas 2024): a capital of 1 is staked on "more is wrong than promised", at several stakes side by
side. While the promise is kept no way of betting gains on average, so that the capital ever reaches 100 with probability 0.01 at most (Ville 1939),
however long one looks.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from camelopard.core.arrays import Bools, Floats
from camelopard.core.errors import InputError, told

STAKES = np.geomspace(0.02, 0.9, 12)  # of what may be staked without going broke


class PromiseWatch:
    """Watches a promise, "at most this share of accepted answers is wrong", on labels that come in, and withdraws it when they break it.

    Parameters
    ----------
    errors
        The share promised, above 0 and below 1: `Accepted.errors`.
    level
        The chance of ever withdrawing a promise that is kept.

    Give every accepted answer whose truth becomes known, or such drawn at random, as an audit draws them: those that somebody looked at because they
    were doubtful would break any promise.

    >>> watch = PromiseWatch(0.05)
    >>> watch.update(np.arange(400) % 25 == 0); watch.holds  # 4 % are wrong
    True
    >>> watch.update(np.arange(400) % 5 == 0); watch.holds  # now 20 %
    False
    """

    def __init__(self, errors: float, level: float = 0.01) -> None:
        for name, value in (("errors", errors), ("level", level)):
            if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 < value < 1:
                raise InputError(f"PromiseWatch({name}={value!r}): expected a share above 0 and below 1.")
        self.errors, self.level = float(errors), float(level)
        self.rows, self.wrong, self.withdrawn_at = 0, 0, None
        self._logs: Floats = np.zeros(len(STAKES))

    withdrawn_at: int | None

    @property
    def capital(self) -> float:
        """What 1 staked against the promise has become."""
        return float(np.exp(np.logaddexp.reduce(self._logs) - np.log(len(STAKES))))

    @property
    def holds(self) -> bool:
        """Whether the promise has not been withdrawn."""
        return self.withdrawn_at is None

    def update(self, wrong: Bools) -> None:
        """Take in checked answers in the order in which they came: which are wrong, shape (n,).

        Raises
        ------
        InputError
            If these are not truth values.
        """
        found = np.atleast_1d(np.asarray(wrong))
        if not found.size:
            return
        if found.dtype != bool or found.ndim != 1:
            raise InputError(f"update() got {found.dtype} of shape {found.shape}; expected a truth value for each answer: is it wrong?")
        # A stake of 1 loses all on a single right answer: the factor is 1 + stake · (wrong − errors) / errors.
        steps = np.log1p(STAKES[None, :] * (found[:, None] / self.errors - 1.0))
        logs = self._logs + np.cumsum(steps, axis=0)
        over = np.flatnonzero(np.logaddexp.reduce(logs, axis=1) - np.log(len(STAKES)) >= -np.log(self.level))
        if self.holds and len(over):
            self.withdrawn_at = self.rows + int(over[0]) + 1
        self._logs = logs[-1]
        self.rows, self.wrong = self.rows + len(found), self.wrong + int(found.sum())

    def state(self) -> dict[str, Any]:
        """Return all that is known, as plain data."""
        return {
            "errors": self.errors,
            "level": self.level,
            "rows": self.rows,
            "wrong": self.wrong,
            "withdrawn_at": self.withdrawn_at,
            "logs": self._logs.tolist(),
        }

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> PromiseWatch:
        """Rebuild from `state()`.

        Raises
        ------
        InputError
            If that is no whole state.
        """
        try:
            watch = cls(state["errors"], state["level"])
            rows, wrong, at, logs = state["rows"], state["wrong"], state["withdrawn_at"], np.asarray(state["logs"], dtype=np.float64)
        except (LookupError, TypeError, ValueError, OverflowError) as error:
            raise InputError(f"this is no whole state of a watch ({told(error)}); expected what state() returns.") from error
        if not (type(rows) is type(wrong) is int and 0 <= wrong <= rows and (at is None or (type(at) is int and 0 < at <= rows))):
            raise InputError(f"rows={rows!r}, wrong={wrong!r} and withdrawn_at={at!r} are no counts of a watch; expected what state() returns."[:300])
        if logs.shape != STAKES.shape or not np.isfinite(logs).all():
            raise InputError(f"the stakes of a watch are {len(STAKES)} finite numbers; expected what state() returns.")
        watch.rows, watch.wrong, watch.withdrawn_at, watch._logs = rows, wrong, at, logs
        return watch

    def __repr__(self) -> str:
        seen = f"{self.wrong:,} of {self.rows:,} checked answers are wrong"
        if self.holds:
            return f"The promise of at most {self.errors:.1%} errors stands: {seen}, the capital staked against it is {self.capital:.3g}."
        return f"The promise of at most {self.errors:.1%} errors is WITHDRAWN since the checked answer number {self.withdrawn_at:,}: {seen}."
