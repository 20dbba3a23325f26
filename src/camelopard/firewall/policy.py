"""Turns risk into a route. Evidence measures; only the policy decides."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from camelopard.core.arrays import Bools, Floats, Objects
from camelopard.core.errors import CamelopardError


@dataclass(frozen=True)
class Policy:
    """At which risk a row leaves `pass`, and where it goes.

    review
        Risk at which a row is no longer passed. None (the default): where the conformal alarm threshold says, so that at most alpha of clean
        rows are stopped. A number can only make it more lenient, never break that promise.
    block
        Risk at which a row without a trustworthy repair is refused instead of shown to a person.
    repair
        Whether a row with a trustworthy repair is answered with it (route "repair") instead of being sent to review.

    >>> Policy(review=0.2, block=0.8).route(
    ...     risk=np.array([0.1, 0.5, 0.9, 0.9]), alarmed=np.array([False, True, True, True]),
    ...     repairable=np.array([False, False, False, True]), unreadable=np.zeros(4, dtype=bool)).tolist()
    ['pass', 'review', 'block', 'repair']
    """

    review: float | None = None
    block: float = 0.8
    repair: bool = True

    def __post_init__(self) -> None:
        for name, value in (("review", self.review), ("block", self.block)):
            if value is not None and not (isinstance(value, (int, float)) and 0 <= value <= 1):
                raise CamelopardError(f"Policy({name}={value!r}): expected a probability between 0 and 1.")
        if not isinstance(self.repair, bool):
            raise CamelopardError(f"Policy(repair={self.repair!r}): expected True or False.")
        if self.review is not None and self.review > self.block:
            raise CamelopardError(
                f"Policy(review={self.review}, block={self.block}): a row is reviewed before it is blocked; expected review ≤ block."
            )

    def route(self, risk: Floats, alarmed: Bools, repairable: Bools, unreadable: Bools, held: Bools | None = None) -> Objects:
        """Return the route of each row, shape (n,).

        Where the risk is unknown (NaN: there is no model) the alarm decides, and leads to review. `alarmed`: the score lies above the conformal
        threshold. `repairable`: there is a repair to be trusted. `unreadable`: the model gave no
        answer, or the row could not be read. `held`: to be looked at by a
        person whatever the risk: the row misses more than was tested, or breaks a rule that a person set.
        """
        unknown = np.isnan(risk)
        stopped = alarmed & (unknown | (risk >= self.review)) if self.review is not None else alarmed
        if held is not None:
            stopped = stopped | held
        routes = np.full(len(risk), "pass", dtype=object)
        if not (stopped.any() or unreadable.any()):
            return routes
        routes[stopped] = "review"
        routes[(stopped & (risk >= self.block)) | unreadable] = "block"
        if self.repair:
            routes[(stopped | unreadable) & repairable] = "repair"
        return routes
