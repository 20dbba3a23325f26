"""How strict must a policy be for the people there are? Days of past traffic, and the cut that a budget of reviews allows."""

from __future__ import annotations

import datetime as dt
import math
import warnings
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from camelopard.core.arrays import Array, Ints
from camelopard.core.cells import cell
from camelopard.core.errors import CamelopardError, InputError, told
from camelopard.firewall.costs import PASS, given, is_number
from camelopard.firewall.decision import Decision, decide
from camelopard.firewall.drawing import NEVER, FewDistinctWarning

if TYPE_CHECKING:
    from camelopard.firewall.policy import Policy
    from camelopard.firewall.verdicts import Verdicts

BUSIEST = 1e12  # rows a day
SELDOM = 0.05  # chance that nothing is drawn, above which it is said
ROUNDING = 1e-9  # reviews: a budget of 0.9 × 20 is 18, not 17


@dataclass(frozen=True)
class Calendar:
    """The days of past traffic.

    day
        The day of each row, 0, 1, …, shape (n,).
    length
        How many days the rows fill.
    whole
        Whether the days are those of a calendar; else the rows are cut into equal parts, about a day each.
    """

    day: Ints
    length: float
    whole: bool

    @property
    def days(self) -> int:
        """The number of days, or parts."""
        return int(self.day.max()) + 1


def calendar(rows: int, per_day: float | None, days: Any) -> Calendar:
    """Return the days of so many rows: `per_day` of them each, in the order in which they came, or as `days` says.

    Raises
    ------
    InputError
        If there are no rows, neither or both are given, or a day cannot be read.

    >>> calendar(6, 2, None).day.tolist(), calendar(3, None, ["2026-01-31", "2026-01-30", "2026-01-31"]).day.tolist()
    ([0, 0, 1, 1, 2, 2], [1, 0, 1])
    """
    if not rows:
        raise InputError("there are no verdicts to look at; expected screened rows of past traffic.")
    if (per_day is None) == (days is None):
        raise InputError("say what a day is, in one way: per_day=5000 rows, or days=… with the date of each row.")
    if per_day is not None:
        if not is_number(per_day) or not 1 <= per_day <= BUSIEST:
            raise InputError(f"per_day={given(per_day)}: expected how many rows come in a day, a number from 1 to {BUSIEST:.0e}.")
        parts = min(max(1, round(rows / per_day)), rows)
        return Calendar(np.arange(rows) * parts // rows, rows / float(per_day), whole=False)
    if hasattr(days, "to_pylist"):  # an Arrow array
        days = days.to_pylist()
    try:
        values: Array = np.asarray(days.to_numpy() if hasattr(days, "to_numpy") else days)
    except (TypeError, ValueError) as error:
        raise InputError(f"days cannot be read as one date per verdict ({told(error)}); expected {rows} dates.") from error
    if values.ndim != 1 or len(values) != rows:
        raise InputError(f"days has shape {values.shape} for {rows} verdicts; expected one date per verdict.")
    known: dict[Any, dt.date] = {}
    dates = []
    for i, value in enumerate((values.astype("datetime64[us]") if values.dtype.kind == "M" else values).tolist()):
        try:
            date = known.get(value)
        except TypeError:  # a dict or a list
            date = None
        if date is None:
            date = _date(value, i)
            known[value] = date
        dates.append(date)
    order = {date: k for k, date in enumerate(sorted(set(dates)))}
    return Calendar(np.array([order[date] for date in dates], dtype=np.int64), float(len(order)), whole=True)


def fitted(policy: Policy, verdicts: Verdicts, per_day: float | None, days: Any) -> Policy:
    """Return the policy with the cut, and the rate of its audit, for its reviewers on traffic like this. See `Policy.fitted_to`.

    A review is made where it saves more than the cut. Among all rules for which rows to review, that is the best for a given number of reviews:
    swapping a row above the cut for one below only loses.
    """
    free = replace(policy, least_benefit=None, audit_rate=None)
    decision = decide(free, verdicts, audited=False)
    length = calendar(len(verdicts), per_day, days).length
    if not policy.staffed:
        return free
    forced = int(decision.forced.sum())
    benefit = decision.benefit[decision.wanted & (decision.override < 0)]
    made, most, cut = forced + len(benefit), math.inf, None
    if policy.reviews_per_day is not None:
        most = policy.reviews_per_day * length
        room = max(0, math.floor((1.0 - policy.audit) * most + ROUNDING) - forced)
        if len(benefit) > room:
            at = len(benefit) - room - 1
            cut = float(np.partition(benefit, at)[at])
            made = forced + int((benefit > cut).sum())
    free = replace(free, least_benefit=cut)
    if not policy.audit:
        return free
    decision = decide(free, verdicts, audited=False)
    passing = int(((decision.override < 0) & (decision.route == PASS)).sum())
    audits = min(policy.audit / (1.0 - policy.audit) * made, max(0.0, most - made))
    found = replace(free, audit_rate=min(1.0, audits / passing) if passing else 0.0)
    _warn_of_few(found, verdicts, passing)
    return found


def _warn_of_few(policy: Policy, verdicts: Verdicts, passing: int) -> None:
    """Say it where so many rows that would pass are equal that the audit may draw none of them: equal rows share one ticket."""
    rate = policy.audit_rate or 0.0
    if (1.0 - rate) ** passing > SELDOM:  # too little is drawn in any case, with few rows or a low rate
        return
    try:
        decision: Decision = decide(policy, verdicts)
    except CamelopardError:  # verdicts without their rows have no tickets
        return
    distinct = len(np.unique(decision.ticket[(decision.route == PASS) & (decision.ticket < NEVER)]))
    none = (1.0 - rate) ** distinct
    if none > SELDOM:
        warnings.warn(
            f"distinct rows among the {passing:,} that would pass: {distinct:,}. Equal rows are drawn together or not at all, so with a chance of "
            f"{100 * none:.0f} % the audit draws none of them, whatever comes. Expected more distinct rows, or a larger audit.",
            FewDistinctWarning,
            stacklevel=4,
        )


def _date(value: object, i: int) -> dt.date:
    value = cell(value)
    if value is None:
        raise InputError(f"days is missing at position {i}; expected a date, or a text such as '2026-01-31'. Leave those rows out.")
    if isinstance(value, dt.datetime):
        return value.date()
    if isinstance(value, dt.date):
        return value
    if isinstance(value, str):
        try:
            return dt.datetime.fromisoformat(value.strip()).date()
        except ValueError:
            pass
    raise InputError(f"days is {given(value)} at position {i}; expected a date, or a text such as '2026-01-31'.")
