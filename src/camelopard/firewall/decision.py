"""What a policy decides about each row, with all that a reviewers' desk needs to decide again: the next best route, and what a review would save."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

import numpy as np

from camelopard.core.arrays import Array, Bools, Floats, Ints, objects
from camelopard.core.records import Reason
from camelopard.firewall.costs import BLOCK, PASS, REPAIR, REVIEW, ROUTES, Costs, cheapest
from camelopard.firewall.doubts import DATA
from camelopard.firewall.drawing import NEVER
from camelopard.firewall.verdicts import Grounds, Verdicts
from camelopard.firewall.words import figure

if TYPE_CHECKING:
    from camelopard.firewall.policy import Policy

NAMES = objects(ROUTES)
HAIR = 1e-6  # of the price of an error, times confidence: sets an order among reviews that save the same


@dataclass(frozen=True)
class Decision:
    """One policy on some rows, before any day's budget; every array has shape (n,), routes are positions in ROUTES.

    route
        The route of each row alone.
    wanted
        A review is the cheapest route, whether or not there is a reviewer.
    other
        The cheapest route but review.
    benefit
        What a review saves: the cost of the other route less that of a review; 0 where nothing is known of either. All rows that would be
        blocked save the same, so it is larger by a hair the surer the answer is: of these, the answers that are most often right are looked at first.
    override
        Which override the row follows, −1 for none.
    ticket
        Its lot for the audit; NEVER where it would not pass without a reviewer, or follows an override.
    """

    route: Ints
    wanted: Bools
    other: Ints
    benefit: Floats
    override: Ints
    ticket: Floats

    def __len__(self) -> int:
        return len(self.route)

    @property
    def forced(self) -> Bools:
        """Which rows an override sends to review, whether or not there is a reviewer."""
        return self.wanted & (self.override >= 0)

    @property
    def candidates(self) -> Bools:
        """Which rows an audit draws from where no other review is made of them."""
        return np.asarray((self.ticket < NEVER) & ((self.route == PASS) | self.wanted))

    def drawn(self, rate: float) -> Bools:
        """Return which of the rows that pass are drawn at this rate."""
        return np.asarray((self.route == PASS) & (self.ticket < rate))

    def propensity(self, rate: float) -> Floats:
        """Return the chance of each row to be reviewed."""
        return np.where(self.route == REVIEW, 1.0, np.where((self.route == PASS) & (self.ticket < NEVER), rate, 0.0))

    def take(self, rows: Any) -> Decision:
        """Return the decision on these rows."""
        return Decision(*(getattr(self, field.name)[rows] for field in fields(self)))


def decide(policy: Policy, verdicts: Verdicts, audited: bool = True) -> Decision:
    """Return what a policy decides about screened rows. `audited`: whether tickets are needed."""
    grounds = Grounds.of(verdicts)
    sure = verdicts.confidence if policy.costs is None else None
    by_risk = policy.route(verdicts.risk, grounds.alarmed, grounds.repairable, grounds.unreadable, grounds.held, confidence=sure)
    if policy.costs is None:
        route = codes(by_risk)
        other, benefit = np.where(route == REVIEW, BLOCK, route), np.zeros(len(route))
    else:
        able = grounds.repairable if policy.repair else np.zeros(len(verdicts), dtype=bool)
        route, other, benefit = priced(
            policy.costs, verdicts.confidence, able, grounds.unreadable | grounds.held, grounds.repaired_wrong, codes(by_risk)
        )
    wanted = route == REVIEW
    override = _overridden(policy, grounds, route, other, wanted)
    route = np.where(wanted & policy.staffed & ((override >= 0) | policy.worth(benefit)), REVIEW, np.where(wanted, other, route))
    ticket = np.full(len(route), NEVER)
    if audited and policy.audit_rate:
        rows = np.flatnonzero((override < 0) & (other == PASS))
        ticket[rows] = grounds.tickets(policy.seed, rows)
    return Decision(route, wanted, other, benefit, override, ticket)


def priced(costs: Costs, confidence: Floats, able: Bools, stuck: Bools, repaired_wrong: float | None, by_risk: Ints) -> tuple[Ints, Ints, Floats]:
    """Return the cheapest route, the cheapest but review, and what a review saves against that, each of shape (n,).

    `able`: a trusted repair may be used. `stuck`: the row may not pass. Where the confidence is unknown (NaN) the route is that `by_risk`; without a
    reviewer such a row is blocked, since nothing speaks for passing it.
    """
    table = costs.each(confidence, able, stuck, repaired_wrong)
    route, reviewed = cheapest(table), table[:, REVIEW].copy()
    table[:, REVIEW] = np.inf
    other = cheapest(table)
    benefit = table.min(axis=1) - reviewed
    if able.any() and costs.repaired_wrong is None and repaired_wrong is None:
        mended = able & (route != PASS)
        route[mended], other[mended], benefit[mended] = REPAIR, REPAIR, 0.0
    benefit += HAIR * costs.wrong * np.nan_to_num(confidence)
    unknown = np.isnan(confidence)
    if unknown.any():
        route[unknown] = by_risk[unknown]
        other[unknown] = np.where(route[unknown] == REVIEW, BLOCK, route[unknown])
        benefit[unknown] = np.where(other[unknown] == BLOCK, costs.block - costs.reviewed, 0.0)
    return route, other, benefit


def codes(routes: Array) -> Ints:
    """Return routes as positions in ROUTES, shape (n,)."""
    return np.asarray((routes == "repair") * REPAIR + (routes == "review") * REVIEW + (routes == "block") * BLOCK, dtype=np.int64)


def routed(verdicts: Verdicts, route: Ints, propensity: Floats, notes: Callable[[int], list[Reason]]) -> Verdicts:
    """Return the verdicts with other routes, and with what there is to say about them behind the reasons."""
    grounds = Grounds.of(verdicts)
    return Verdicts(
        verdicts.ids,
        verdicts.prediction,
        verdicts.proba,
        verdicts.risk,
        verdicts.confidence,
        verdicts.oddity,
        NAMES[route],
        lambda i: [*grounds.reason_of(i), *notes(i)],
        verdicts.repair_of,
        grounds,
        propensity,
        verdicts.novelty,
    )


def noted(policy: Policy, verdicts: Verdicts, decision: Decision, route: Ints, audited: Bools, no_room: str) -> Callable[[int], list[Reason]]:
    """Return what says why the policy gave a row its route, as remarks; `no_room` says why a row that wanted a review has none."""

    def notes(i: int) -> list[Reason]:
        rule, to, confidence, costs = int(decision.override[i]), ROUTES[route[i]], float(verdicts.confidence[i]), policy.costs
        found = []
        if rule >= 0:
            override = policy.overrides[rule]
            found.append(_remark("override", f"an override says: {override.words()}", to, override.column))
        if decision.wanted[i] and route[i] != REVIEW:
            saved = "" if rule >= 0 or not decision.benefit[i] else f"; a review would save {figure(float(decision.benefit[i]))}"
            found.append(_remark("no-reviewer", f"{no_room}{saved}; the next best route is {to}", "a reviewer"))
        elif audited[i]:
            found.append(_remark("audit", "drawn at random among rows that would pass, so that reviews show what passes", to))
        elif costs is not None and rule < 0 and route[i] != PASS and confidence == confidence:
            price = f"an error at confidence {confidence:.2g} costs {figure((1.0 - confidence) * costs.wrong)}"
            why = f"{price}, a review {figure(costs.reviewed)}, a refusal {figure(costs.block)}: {to} is the best of what is open to this row"
            found.append(_remark("cost", why, "pass"))
        return found

    return notes


def _overridden(policy: Policy, grounds: Grounds, route: Ints, other: Ints, wanted: Bools) -> Ints:
    """Return which override each row follows, −1 for none, and put its route into the arrays given."""
    found = np.full(len(route), -1, dtype=np.int64)
    doubtful = route != PASS
    for k, override in enumerate(policy.overrides):
        rows = (found < 0) & grounds.fit(override)
        if override.doubt is not None:
            rows &= doubtful & (grounds.doubts() == override.doubt if grounds.doubts is not None else override.doubt == DATA)
        code = ROUTES.index(override.route)
        if code == PASS:
            rows &= ~(grounds.unreadable | grounds.held)
        if code == REPAIR:
            rows &= grounds.repairable
        found[rows], route[rows], wanted[rows] = k, code, code == REVIEW
        if code != REVIEW:
            other[rows] = code
    return found


def _remark(code: str, message: str, expected: str, field: str | None = None) -> Reason:
    return Reason(code, field, None, expected, 0.0, message)
