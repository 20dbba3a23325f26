"""The reviewers' desk: keeps the daily budget of reviews, spread over the day, for those rows on which a review saves most."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from camelopard.core.arrays import Bools, Floats, Ints
from camelopard.core.errors import CamelopardError, told
from camelopard.firewall.costs import DEAREST, PASS, REVIEW, given, is_number
from camelopard.firewall.decision import Decision, decide, noted, routed
from camelopard.firewall.drawing import chance
from camelopard.firewall.policy import FIRST, Policy, is_whole
from camelopard.firewall.verdicts import Verdicts

DAY = (0.0, 24.0)
BAND = 0.1  # of the budget and of the day: how far spending may run ahead before the cut rises
TIGHTER = 0.75  # share of the reviews before the cut rises that are made after it, at most
RECENT = 256  # reviews by which the cut is set
AUDITS = 2.0  # times their share of the budget: more audits than that are not made in a day, however much traffic comes


@dataclass(frozen=True)
class Placement:
    """Where a desk put rows: route and chance of a review, shape (n,), which of them are an audit, and why others found no place."""

    route: Ints
    propensity: Floats
    audited: Bools
    no_room: str


class Desk:
    """Admits rows to review while there is room in the day's budget. It has no clock: the time comes in.

    The places of a day go, in this order, to rows that an override sends to review, to rows drawn for the audit, and to the rows on which a
    review saves most: the cost of the best other route less that of the review. A row that finds no place takes its best other route, with the
    reason "no-reviewer".

    The budget is to last the day. Where spending runs ahead of the clock by more than `band`, the cut (what a review must save) rises to where
    the reviews that are left would last, were the rest of the day like the day so far; it falls only when spending is behind the clock again.
    Between two changes half a band of the budget must be spent, or of the day pass, so that the cut does not flap. What comes in one batch is
    not paced: its best rows get the places there are.

    Parameters
    ----------
    policy
        With `reviews_per_day`; best one that is `fitted_to` past traffic, so that the cut begins where it should.
    band
        Share of the budget by which spending may run ahead, above 0.
    hours
        When traffic begins and ends in a day; the budget is spread over these hours.

    Raises
    ------
    CamelopardError
        If the policy has no budget, or band and hours are out of range.

    >>> from camelopard.core.batch import Batch
    >>> from camelopard.firewall.costs import Costs
    >>> desk = Desk(Policy(costs=Costs(wrong=100, review=5, block=20), reviews_per_day=20))
    >>> desk
    <Desk: 0 of 20 reviews made, no day begun>
    """

    def __init__(self, policy: Policy, *, band: float = BAND, hours: tuple[float, float] = DAY) -> None:
        if not isinstance(policy, Policy) or policy.reviews_per_day is None:
            raise CamelopardError(f"Desk({given(policy)}): expected a policy with a budget of reviews, Policy(costs=…, reviews_per_day=200).")
        if not (is_number(band) and 0 < band <= 1):
            raise CamelopardError(f"Desk(band={given(band)}): expected a share of the budget above 0 and up to 1, such as 0.1.")
        try:
            opens, closes = (float(hour) for hour in hours)
        except (TypeError, ValueError, OverflowError):
            opens, closes = np.nan, np.nan
        if not 0 <= opens < closes <= 24:
            raise CamelopardError(f"Desk(hours={given(hours)}): expected two hours of a day, such as (8, 18).")
        self.policy, self.band, self.hours = policy, float(band), (opens, closes)
        self._day: dt.date | None = None
        self._last: dt.datetime | None = None
        self._spent = self._audits = self._wanted = 0
        self._moved = 0.0
        self._cut: float | None = None
        self._recent: list[float] = []

    @property
    def left(self) -> int:
        """How many reviews are left of the budget of the day that was last seen."""
        return self._most - self._spent

    @property
    def cut(self) -> float | None:
        """The saving above which a review is made, as things stand; None: a review is made wherever it pays."""
        return self.policy.least_benefit if self._cut is None else self._cut

    def admit(self, verdicts: Verdicts, now: dt.datetime) -> Verdicts:
        """Return screened rows with routes of which no more are "review" than there is room for today.

        Parameters
        ----------
        verdicts
            Rows screened by the firewall, with this policy or another one: routes are decided again.
        now
            The time at which they came, in the time zone whose midnight begins a new budget.

        Raises
        ------
        CamelopardError
            If `now` is no datetime, or lies before the time given last.
        """
        decision = decide(self.policy, verdicts)
        placed = self.place(decision, now)
        notes = noted(self.policy, verdicts, decision, placed.route, placed.audited, placed.no_room)
        return routed(verdicts, placed.route, placed.propensity, notes)

    def begun(self, now: dt.datetime, reviews: int, audits: int = 0) -> Desk:
        """Return a desk like this one, on a day on which so many reviews were made, audits among them, by whomever."""
        desk = Desk(self.policy, band=self.band, hours=self.hours)
        desk._begin(now)
        desk._spent = min(reviews, desk._most)
        desk._audits = min(audits, desk._spent, desk._most_audits)
        return desk

    def place(self, decision: Decision, now: dt.datetime) -> Placement:
        """Return what becomes of rows that the policy has decided about, and count their reviews."""
        self._begin(now)
        self._pace(now)
        left, cut = self.left, self.cut
        route = np.where(decision.wanted, decision.other, decision.route)  # each without a reviewer
        admitted = np.zeros(len(decision), dtype=bool)
        admitted[_largest(decision.benefit, np.flatnonzero(decision.forced), left)] = True
        left -= int(admitted.sum())

        pool = decision.candidates & (route == PASS)
        rate, places = self.policy.audit_rate or 0.0, min(left, self._most_audits - self._audits)
        drawn = pool & (decision.ticket < rate)
        if drawn.sum() > places:
            drawn[np.flatnonzero(drawn)[np.argsort(decision.ticket[drawn], kind="stable")[places:]]] = False
        odds = chance(rate, int(pool.sum()), places)

        # A drawn row keeps a place of its own whether or not its benefit earns it one, so that its chance does not hang on the draw.
        paying = np.flatnonzero(decision.wanted & (decision.override < 0) & self.policy.worth(decision.benefit))
        self._wanted += len(paying)
        self._recent = [*self._recent, *decision.benefit[paying[-RECENT:]].tolist()][-RECENT:]
        paying = paying if cut is None else paying[decision.benefit[paying] > cut]
        ranked = _largest(decision.benefit, paying, len(paying))
        rank = np.arange(len(ranked)) - drawn[ranked]
        earned = np.zeros(len(decision), dtype=bool)
        earned[ranked[rank < left - int(drawn.sum())]] = True

        audited = drawn & ~earned
        admitted |= earned | audited
        propensity = np.where(admitted & ~audited, 1.0, np.where(pool, odds, 0.0))
        self._spent += int(admitted.sum())
        self._audits += int(audited.sum())
        return Placement(np.where(admitted, REVIEW, route), propensity, audited, self._no_room(now))

    def state(self) -> dict[str, Any]:
        """Return all that the desk knows, as plain data, to be kept between processes."""
        return {
            "policy": self.policy.state(),
            "band": self.band,
            "hours": list(self.hours),
            "day": None if self._day is None else self._day.isoformat(),
            "last": None if self._last is None else self._last.isoformat(),
            "spent": self._spent,
            "audits": self._audits,
            "wanted": self._wanted,
            "moved": self._moved,
            "cut": self._cut,
            "recent": list(self._recent),
        }

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> Desk:
        """Rebuild from `state()`.

        Raises
        ------
        CamelopardError
            If this is no such state, or one in which no desk can be.
        """
        try:
            desk = cls(Policy.from_state(state["policy"]), band=state["band"], hours=tuple(state["hours"]))
            desk._day = None if state["day"] is None else dt.date.fromisoformat(state["day"])
            desk._last = None if state["last"] is None else dt.datetime.fromisoformat(state["last"])
            desk._spent, desk._audits, desk._wanted = state["spent"], state["audits"], state["wanted"]
            desk._moved, desk._cut, desk._recent = state["moved"], state["cut"], list(state["recent"])
            wrong = desk._impossible()
        except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
            raise CamelopardError(f"this does not make a desk ({told(error)}); expected what Desk.state() returned.") from error
        if wrong:
            raise CamelopardError(f"this does not make a desk: {wrong}; expected what Desk.state() returned.")
        return desk

    def __repr__(self) -> str:
        return f"<Desk: {self._spent} of {self._most} reviews made, {'no day begun' if self._day is None else f'on {self._day.isoformat()}'}>"

    @property
    def _most(self) -> int:
        assert self.policy.reviews_per_day is not None, "checked when the desk is made"
        return self.policy.reviews_per_day

    @property
    def _most_audits(self) -> int:
        return int(np.ceil(AUDITS * self.policy.audit * self._most))

    def _impossible(self) -> str:
        """Return what is wrong with what the desk knows, or nothing."""
        for name, count in (("spent", self._spent), ("audits", self._audits), ("wanted", self._wanted)):
            if not is_whole(count):
                return f"{name} is {given(count)}, which is no whole number from 0"
        if self._spent > self._most or self._audits > min(self._spent, self._most_audits):
            return f"{self._audits} audits among {self._spent} reviews, where the policy allows {self._most_audits} among {self._most}"
        numbers = [self._moved, *self._recent, *([] if self._cut is None else [self._cut])]
        if not all(is_number(value) and abs(value) <= 2 * DEAREST for value in numbers):
            return "moved, cut or recent holds what is no finite number"
        if not 0 <= self._moved <= 2 or len(self._recent) > RECENT:
            return f"moved is {given(self._moved)} and recent holds {len(self._recent)}, beyond 0 to 2, or {RECENT}"
        if (self._last is None) != (self._day is None) or (self._last is not None and (self._last != self._last or self._last.date() != self._day)):
            return f"the time given last, {given(self._last)}, is not on its day, {given(self._day)}"
        return ""

    def _begin(self, now: dt.datetime) -> None:
        """Look at the time; a new day is a new budget."""
        if not isinstance(now, dt.datetime) or now != now:  # a missing time is a datetime that differs from itself
            raise CamelopardError(f"now={given(now)}: expected a datetime.datetime, the time at which the rows came.")
        last, day = self._last, self._day
        if last is not None and day is not None:
            if (last.tzinfo is None) != (now.tzinfo is None):
                with_zone, without = ("now", "before") if last.tzinfo is None else ("before", "now")
                raise CamelopardError(f"now={now.isoformat()}: with a time zone {with_zone}, without one {without}; expected always the same.")
            if now < last or now.date() < day:
                raise CamelopardError(f"time goes back: now={now.isoformat()}, but rows were admitted at {last.isoformat()}; expected a later time.")
        if now.date() != day:
            self._day, self._spent, self._audits, self._wanted, self._moved, self._cut = now.date(), 0, 0, 0, 0.0, None
        self._last = now

    def _pace(self, now: dt.datetime) -> None:
        """Raise the cut where spending runs ahead of the clock, and lower it where it is behind."""
        if not self._most or not self._recent:
            return
        hour = now.hour + now.minute / 60 + now.second / 3600
        opens, closes = self.hours
        gone, spent = min(max((hour - opens) / (closes - opens), 0.0), 1.0), self._spent / self._most
        if gone + spent - self._moved < self.band / 2:
            return
        ahead, behind = spent - gone > self.band, spent < gone and self._cut is not None
        if not (ahead or behind):
            return
        kept = 1.0 if self._cut is None else float(np.mean(np.array(self._recent) > self._cut))
        coming = self._wanted * (1.0 - gone) / max(gone, self.band / 2)  # rows that will want a review, if the day goes on as it began
        share = self.left / coming if coming else 1.0
        share = min(share, TIGHTER * kept) if ahead else max(share, kept / TIGHTER + 1.0 / len(self._recent))
        cut = None if share >= 1.0 else float(np.quantile(self._recent, 1.0 - share))
        if cut is not None and self._cut is not None:  # what wants a review may have changed since the cut was set
            cut = max(cut, self._cut) if ahead else min(cut, self._cut)
        self._cut, self._moved = cut, gone + spent

    def _no_room(self, now: dt.datetime) -> str:
        if not self._most:
            return "nobody reviews"
        return f"all {self._most:,} reviews of {now.date().isoformat()} are given away" if self.left <= 0 else FIRST


def _largest(benefit: Floats, rows: Ints, most: int) -> Ints:
    """Return so many of the rows at most, those with the largest benefit, the first of equals first."""
    return rows[np.argsort(-benefit[rows], kind="stable")[: max(most, 0)]]
