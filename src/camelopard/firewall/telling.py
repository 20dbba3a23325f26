"""A simulation in words that a product owner reads."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from camelopard.core.tolerance import beyond

if TYPE_CHECKING:
    from camelopard.firewall.simulation import Estimate, Outcome, Simulation

NAME = 36  # characters of a policy's name in the table


def told(simulation: Simulation) -> str:
    """Return what a policy would have done, in words and one table."""
    head, outcome = [_head(simulation), *simulation.policy.splitlines()], simulation.outcome
    return "\n".join([*head, "", *_rows(outcome, simulation.within), "", *_money(outcome), "", *_rivals(simulation), *_notes(simulation)])


def number(value: float) -> str:
    """Return a number as a table shows it.

    >>> number(12345.6), number(3.14159), number(0.01234), number(float("nan")), number(float("inf"))
    ('12,346', '3.1', '0.012', 'unknown', 'infinity')
    """
    if value != value:
        return "unknown"
    if math.isinf(value):
        return "infinity" if value > 0 else "−infinity"
    if abs(value) >= 100 or value == int(value):
        return f"{value:,.0f}".replace("-", "−") if round(value) else "0"
    return (f"{value:.1f}" if abs(value) >= 1 else f"{value:.2g}").replace("-", "−")


def span(found: Estimate) -> str:
    """Return an estimate with its interval."""
    return number(found.value) if found.value != found.value else f"{number(found.value)} ({number(found.low)} to {number(found.high)})"


def _head(simulation: Simulation) -> str:
    days = number(simulation.days)
    return f"What this policy would have done on {simulation.rows:,} rows, {days} {'day' if days == '1' else 'days'} of traffic"


def _rows(outcome: Outcome, within: float | None) -> list[str]:
    passed, repaired, reviewed, blocked = (number(outcome.routes[route].value) for route in ("pass", "repair", "review", "block"))
    wrong = "Wrong answers" if within is None else f"Answers {beyond(within)}"
    again = "Wrong answers" if within is None else "Such answers"
    answered = number(100 * outcome.answered.value)
    return [
        f"Of 1,000 rows {passed} pass, {repaired} are repaired, {reviewed} go to review, {blocked} are blocked. {answered} % are answered at once "
        f"({number(100 * outcome.answered.low)} to {number(100 * outcome.answered.high)}).",
        f"Reviews per day: {number(outcome.reviews_per_day.value)} on average, {outcome.most_reviews:,} on the fullest day.",
        f"{wrong} that get through, per 1,000 rows: {span(outcome.errors)} expected by confidence"
        + (f"; {span(outcome.errors_counted)} counted." if outcome.errors_counted is not None else "."),
        f"{again} caught by review, per 1,000 rows: {span(outcome.caught)} expected"
        + (f"; {span(outcome.caught_counted)} counted." if outcome.caught_counted is not None else "."),
    ]


def _money(outcome: Outcome) -> list[str]:
    lines = [
        "Per day, against passing everything:",
        f"  {'errors prevented':<26}{span(outcome.prevented):>32}",
        f"  {'cost of reviews':<26}{span(outcome.review_cost):>32}",
        f"  {'cost of blocked rows':<26}{span(outcome.block_cost):>32}",
        f"  {'saved':<26}{span(outcome.net):>32}",
    ]
    if outcome.net_counted is not None:
        lines.append(f"  {'saved, by counted errors':<26}{span(outcome.net_counted):>32}")
    return lines


def _rivals(simulation: Simulation) -> list[str]:
    counted = simulation.outcome.errors_counted is not None
    over, under = ("errors", "counted") if counted else ("", "")
    lines = [
        f"{'':<{NAME}}{'reviews':>10}{'errors':>11}{over:>11}{'saved':>12}   this policy saves",
        f"{'':<{NAME}}{'per day':>10}{'per 1,000':>11}{under:>11}{'per day':>12}   more per day by",
    ]
    for outcome in (simulation.outcome, *simulation.rivals):
        found = "" if outcome.errors_counted is None else number(outcome.errors_counted.value)
        figures = f"{number(outcome.reviews_per_day.value):>10}{number(outcome.errors.value):>11}{found:>11}{number(outcome.net.value):>12}"
        lines.append(f"{outcome.name:<{NAME}}{figures}   {'–' if outcome.behind is None else span(outcome.behind)}")
    return lines


def _notes(simulation: Simulation) -> list[str]:
    return [
        f"In brackets 95 % intervals, from resampling {simulation.resampled}. The rivals have no limit on reviews.",
        *(f"Note: {note}" for note in simulation.notes),
    ]
