"""Turns risk, or what errors cost, into a route. Evidence measures; only the policy decides."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from camelopard.core.arrays import Bools, Floats, Objects
from camelopard.core.errors import CamelopardError
from camelopard.firewall.costs import DEAREST, REVIEW, Costs, given, is_number
from camelopard.firewall.overrides import Override
from camelopard.firewall.words import figure

if TYPE_CHECKING:
    from camelopard.firewall.simulation import Simulation
    from camelopard.firewall.verdicts import Verdicts

MOST_AUDITED = 0.5  # of all reviews
FIRST = "no reviewer is free: reviews go to rows on which they save more, or as much where the answer is surer"


@dataclass(frozen=True, repr=False)
class Policy:
    """At which risk, or at which cost, a row leaves `pass`, and where it goes.

    review
        Risk at which a row is no longer passed. None (the default): where the conformal alarm threshold says, so that at most alpha of clean
        rows are stopped. A number can only make it more lenient, never break that promise.
    block
        Risk at which a row without a trustworthy repair is refused instead of shown to a person.
    accept
        Confidence below which an answer does not pass, whatever its risk: what `Firewall.accept(errors).threshold` says keeps a promise.
        One number for all rows; what `accept_by` finds for segments is for the caller to apply.
    repair
        Whether a row with a trustworthy repair is answered with it (route "repair") instead of being sent to review.
    costs
        What errors, reviews and refusals cost. With costs every row takes the route that costs least in expectation; `review`, `block` and the alarm
        threshold (alpha) then decide only where the confidence is unknown.
    reviews_per_day
        How many reviews people make in a day; None: no limit; 0: nobody reviews, and rows take the next cheapest route. `Desk` keeps the limit
        day by day; a policy alone is held to it on average, once it is `fitted_to` some traffic.
    audit
        Share of the reviews, 0–0.5, that is drawn at random from rows that would pass, so that what is learned from reviews is not only about
        rows in doubt. Nothing is drawn before the policy is `fitted_to` some traffic.
    overrides
        Rows with a route of their own, whatever they cost; the first that fits wins.
    seed
        Of the draw for the audit.
    least_benefit, audit_rate
        What `fitted_to` finds: the saving above which a review is made, and the share of passing rows that is drawn.

    Raises
    ------
    CamelopardError
        For settings that are out of range or contradict each other.

    >>> Policy(review=0.2, block=0.8).route(
    ...     risk=np.array([0.1, 0.5, 0.9, 0.9]), alarmed=np.array([False, True, True, True]),
    ...     repairable=np.array([False, False, False, True]), unreadable=np.zeros(4, dtype=bool)).tolist()
    ['pass', 'review', 'block', 'repair']
    >>> nothing = np.zeros(3, dtype=bool)
    >>> Policy(costs=Costs(wrong=100, review=15, block=20)).route(
    ...     np.zeros(3), nothing, nothing, nothing, confidence=np.array([0.99, 0.86, 0.84])).tolist()
    ['pass', 'pass', 'review']
    """

    review: float | None = None
    block: float = 0.8
    repair: bool = True
    costs: Costs | None = None
    reviews_per_day: int | None = None
    audit: float = 0.0
    overrides: Sequence[Override] = ()
    seed: int = 0
    least_benefit: float | None = None
    audit_rate: float | None = None
    accept: float | None = None

    def __post_init__(self) -> None:
        if isinstance(self.accept, float) and self.accept == float("inf"):
            raise CamelopardError(
                "Policy(accept=inf): no threshold keeps the promise, so no row would pass. Promise less, or give more labelled rows."
            )
        if self.accept is not None and self.costs is not None:
            raise CamelopardError("Policy(accept=…, costs=…): with costs the cheapest route decides, whatever the confidence. Give one of the two.")
        for name, value in (("review", self.review), ("block", self.block), ("accept", self.accept)):
            if not (value is None and name != "block") and not _is_share(value, 1.0):
                raise CamelopardError(f"Policy({name}={given(value)}): expected a probability between 0 and 1.")
        if not isinstance(self.repair, bool):
            raise CamelopardError(f"Policy(repair={given(self.repair)}): expected True or False.")
        if self.review is not None and self.review > self.block:
            raise CamelopardError(
                f"Policy(review={self.review}, block={self.block}): a row is reviewed before it is blocked; expected review ≤ block."
            )
        self._check_costs()
        self._check_people()

    def _check_costs(self) -> None:
        if self.costs is not None and not isinstance(self.costs, Costs):
            raise CamelopardError(f"Policy(costs={given(self.costs)}): expected Costs(wrong=…, review=…, block=…).")
        overrides = (self.overrides,) if isinstance(self.overrides, Override) else self.overrides
        if not isinstance(overrides, (list, tuple)) or not all(isinstance(override, Override) for override in overrides):
            raise CamelopardError(f"Policy(overrides={given(self.overrides)}): expected a list of Override(…).")
        object.__setattr__(self, "overrides", tuple(overrides))
        if not is_whole(self.seed):
            raise CamelopardError(f"Policy(seed={given(self.seed)}): expected a whole number from 0, below 2**63.")
        object.__setattr__(self, "seed", int(self.seed))

    def _check_people(self) -> None:
        if self.reviews_per_day is not None:
            if not is_whole(self.reviews_per_day) or self.reviews_per_day > DEAREST:
                raise CamelopardError(
                    f"Policy(reviews_per_day={given(self.reviews_per_day)}): expected a whole number from 0 to {DEAREST:.0e}, or None for no limit."
                )
            if self.costs is None:
                raise CamelopardError(
                    f"Policy(reviews_per_day={self.reviews_per_day}): without costs nothing says which reviews pay most. "
                    "Give costs=Costs(wrong=…, review=…, block=…)."
                )
            object.__setattr__(self, "reviews_per_day", int(self.reviews_per_day))
        if not _is_share(self.audit, MOST_AUDITED):
            raise CamelopardError(f"Policy(audit={given(self.audit)}): expected a share of the reviews between 0 and {MOST_AUDITED}, such as 0.05.")
        if self.audit and self.reviews_per_day == 0:
            raise CamelopardError(f"Policy(audit={self.audit}, reviews_per_day=0): an audit is made of reviews, and nobody reviews.")
        if self.least_benefit is not None and not (is_number(self.least_benefit) and abs(self.least_benefit) <= 2 * DEAREST):
            raise CamelopardError(f"Policy(least_benefit={given(self.least_benefit)}): expected a number, as fitted_to finds it.")
        if self.audit_rate is not None and not _is_share(self.audit_rate, 1.0):
            raise CamelopardError(f"Policy(audit_rate={given(self.audit_rate)}): expected a share between 0 and 1, as fitted_to finds it.")

    @property
    def plain(self) -> bool:
        """Whether rows are routed by risk and nothing else."""
        return self.costs is None and not self.overrides and not self.audit

    @property
    def staffed(self) -> bool:
        """Whether anybody reviews."""
        return self.reviews_per_day != 0

    def worth(self, benefit: Floats) -> Bools:
        """Return which reviews save enough to be made, shape (n,), where a review is the cheapest route."""
        return np.ones(len(benefit), dtype=bool) if self.least_benefit is None else benefit > self.least_benefit

    def route(
        self,
        risk: Floats,
        alarmed: Bools,
        repairable: Bools,
        unreadable: Bools,
        held: Bools | None = None,
        *,
        confidence: Floats | None = None,
        repaired_wrong: float | None = None,
    ) -> Objects:
        """Return the route of each row, shape (n,).

        Without costs, or without confidence, by risk, and by confidence where `accept` is set. Where the risk is unknown (NaN: there is no model) the
        alarm decides, and leads to review. `alarmed`: the score lies above the conformal threshold. `repairable`: there is a repair to be trusted.
        `unreadable`: the model gave no answer, or the row could not be read. `held`: to be looked at by a person whatever the risk: the row lies
        outside everything that was tested, or breaks a rule that a person set.

        With costs and `confidence`, P(the answer is right), the cheapest: see `Costs`. Unreadable and held rows never pass. `repaired_wrong`: the
        share of wrong answers after repair, where it was measured. Overrides and the audit look at more than this: see `applied`.
        """
        unknown = np.isnan(risk)
        stopped = alarmed & (unknown | (risk >= self.review)) if self.review is not None else alarmed
        if held is not None:
            stopped = stopped | held
        if self.accept is not None and confidence is not None:
            stopped = stopped | (confidence < self.accept)
        routes = np.full(len(risk), "pass", dtype=object)
        if stopped.any() or unreadable.any():
            routes[stopped] = "review"
            routes[(stopped & (risk >= self.block)) | unreadable] = "block"
            if self.repair:
                routes[(stopped | unreadable) & repairable] = "repair"
        if self.costs is None or confidence is None:
            return routes
        from camelopard.firewall.decision import NAMES, codes, priced

        stuck = unreadable if held is None else unreadable | held
        able = repairable if self.repair else np.zeros(len(risk), dtype=bool)
        route, other, benefit = priced(self.costs, confidence, able, stuck, repaired_wrong, codes(routes))
        turned = (route == REVIEW) & ~(self.worth(benefit) & self.staffed)
        found: Objects = NAMES[np.where(turned, other, route)]
        return found

    def applied(self, verdicts: Verdicts) -> Verdicts:
        """Return screened rows with the routes of this policy, each decided alone: costs, overrides, the audit, but no day's budget (see `Desk`)."""
        from camelopard.firewall.decision import decide, noted, routed

        decision, rate = decide(self, verdicts), self.audit_rate or 0.0
        audited = decision.drawn(rate)
        route = np.where(audited, REVIEW, decision.route)
        no_room = FIRST if self.staffed else "nobody reviews"
        return routed(verdicts, route, decision.propensity(rate), noted(self, verdicts, decision, route, audited, no_room))

    def fitted_to(self, verdicts: Verdicts, *, per_day: float | None = None, days: Any = None) -> Policy:
        """Return this policy with the cut that its reviewers can keep up with, on average, on traffic like this, and with the rate of its audit.

        Of all cuts within `reviews_per_day` it is the one with the least expected cost: the reviews that save most are made.

        Parameters
        ----------
        verdicts
            Screened rows of past traffic, by whatever policy.
        per_day
            How many rows come in a day.
        days
            Instead: the day of each row, dates or texts such as "2026-01-31", shape (n,).

        Raises
        ------
        InputError
            If there are no rows, or what a day is is not said, or said twice.
        """
        from camelopard.firewall.staffing import fitted

        return fitted(self, verdicts, per_day, days)

    def simulate(self, verdicts: Verdicts, *, per_day: float | None = None, days: Any = None, y: Any = None, seed: int = 0) -> Simulation:
        """Return what this policy would have done on past traffic: routes, errors, money, with intervals, beside its rivals.

        Parameters
        ----------
        verdicts
            Screened rows of past traffic in the order in which they came, by whatever policy.
        per_day, days
            How many rows come in a day, or the day of each row, as for `fitted_to`.
        y
            The right answers, shape (n,), where they are known: errors are then counted beside being expected.
        seed
            Of the resampling that the intervals come from.

        Raises
        ------
        CamelopardError
            Without costs there is no money to speak of.
        InputError
            If there are no rows, what a day is is not said, or y does not fit.
        """
        from camelopard.firewall.simulation import simulate

        return simulate(self, verdicts, per_day, days, y, seed)

    def state(self) -> dict[str, Any]:
        """Return it as plain data; what was not set is left out but for the three that were always there."""
        kept: dict[str, Any] = {"review": self.review, "block": self.block, "repair": self.repair}
        if self.costs is not None:
            kept["costs"] = asdict(self.costs)
        if self.overrides:
            kept["overrides"] = [override.state() for override in self.overrides]
        nothing = Policy()
        names = ("reviews_per_day", "audit", "seed", "least_benefit", "audit_rate", "accept")
        return {**kept, **{name: getattr(self, name) for name in names if getattr(self, name) != getattr(nothing, name)}}

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> Policy:
        """Rebuild from `state()`."""
        costs = None if state.get("costs") is None else Costs(**state["costs"])
        return cls(**{**state, "costs": costs, "overrides": tuple(Override(**kept) for kept in state.get("overrides", ()))})

    def words(self) -> list[str]:
        """Return what the policy does beside routing by risk, in sentences; none for one that does nothing else."""
        lines = [] if self.costs is None else [self.costs.words()]
        if self.accept is not None and self.costs is None:
            lines.append(f"Answers pass from a confidence of {self.accept:.3g}; others are for a person to look at.")
        if self.reviews_per_day == 0:
            lines.append("Nobody reviews: rows that a person should see take the next cheapest route.")
        elif self.reviews_per_day is not None:
            at = "" if self.least_benefit is None else figure(self.least_benefit)
            cut = f"made where they save at least {at}, which is what one more would save" if at else "made wherever they pay"
            lines.append(f"Reviews per day: {self.reviews_per_day:,} at most (a Desk keeps that), {cut}.")
        if self.audit and self.audit_rate is None:
            lines.append(
                f"Audit: {100 * self.audit:.3g} % of the reviews; none is drawn before policy.fitted_to(verdicts, per_day=…) has seen past traffic."
            )
        elif self.audit:
            rate = f"{(self.audit_rate or 0) * 1000:.3g} of 1,000 rows that would pass"
            lines.append(f"Audit: {100 * self.audit:.3g} % of the reviews, that is {rate}, drawn at random.")
        if self.overrides:
            lines.append(f"Overrides, the first that fits: {'; '.join(override.words() for override in self.overrides)}.")
        return lines

    def __repr__(self) -> str:
        always, nothing = ("review", "block", "repair"), type(self)
        names = [name for name in self.__dataclass_fields__ if name in always or getattr(self, name) != getattr(nothing, name)]
        return f"Policy({', '.join(f'{name}={getattr(self, name)!r}' for name in names)})"

    def __str__(self) -> str:
        words = self.words()
        if self.costs is not None:
            return "\n".join(words)
        level = "the alarm threshold" if self.review is None else f"a risk of {self.review:g}, above the alarm threshold"
        repair = ", repaired where a repair can be trusted" if self.repair else ""
        return "\n".join([f"A row is reviewed from {level} on, blocked from a risk of {self.block:g}{repair}.", *words])

    def with_costs(self, costs: Costs, reviews_per_day: int | None = None, audit: float = 0.0) -> Policy:
        """Return this policy with other prices, people and audit, not yet fitted to any traffic; its overrides stay."""
        return replace(self, costs=costs, reviews_per_day=reviews_per_day, audit=audit, least_benefit=None, audit_rate=None)


def is_whole(value: object) -> bool:
    """Whether a setting is a whole number from 0 that a 64-bit number holds.

    >>> is_whole(7), is_whole(-1), is_whole(7.0), is_whole(True)
    (True, False, False, False)
    """
    return isinstance(value, (int, np.integer)) and not isinstance(value, bool) and bool(0 <= value < 2**63)


def _is_share(value: object, most: float) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and 0 <= value <= most
