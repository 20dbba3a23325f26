"""What errors, reviews and refusals cost, and which route is the cheapest for a row.

The one idea: with P(right) known, each route has an expected cost, and the cheapest is taken (Chow 1970, an answer against a refusal at a price).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from camelopard.core.arrays import Bools, Floats, Ints
from camelopard.core.errors import CamelopardError
from camelopard.firewall.words import figure

ROUTES = ("pass", "repair", "review", "block")
PASS, REPAIR, REVIEW, BLOCK = range(4)
LONGEST = 80  # characters of a setting that an error shows
DEAREST = 1e15  # of prices: sums of them over all traffic stay exact enough to compare


@dataclass(frozen=True)
class Costs:
    """Prices in one unit of your choice: money, minutes, harm.

    wrong
        A wrong answer that gets through.
    review
        A review by a person.
    block
        A row that is refused, right or wrong.
    reviewer_wrong
        Share of reviews that end in a wrong answer, 0–1.
    repaired_wrong
        Share of answers to trusted repairs that are wrong, 0–1. None: as measured at fit, where it was; else a row that would not pass takes
        its trusted repair, and what errors after that cost is not known.

    Raises
    ------
    CamelopardError
        For a price that is no number from 0 to 1e15, a share outside 0–1, and for prices at which nothing but passing ever pays.

    >>> costs = Costs(wrong=100, review=5, block=20)
    >>> costs.pass_from, costs.each(np.array([0.99, 0.9])).tolist()
    (0.95, [[1.0, inf, 5.0, 20.0], [10.0, inf, 5.0, 20.0]])
    """

    wrong: float
    review: float
    block: float
    reviewer_wrong: float = 0.0
    repaired_wrong: float | None = None

    def __post_init__(self) -> None:
        for name in ("wrong", "review", "block"):
            value = getattr(self, name)
            if not is_number(value) or not 0 <= value <= DEAREST:
                raise CamelopardError(f"Costs({name}={given(value)}): expected a price, a number from 0 to {DEAREST:.0e}.")
            object.__setattr__(self, name, float(value))
        for name in ("reviewer_wrong", "repaired_wrong"):
            value = getattr(self, name)
            if value is None and name == "repaired_wrong":
                continue
            if not is_number(value) or not 0 <= value <= 1:
                raise CamelopardError(f"Costs({name}={given(value)}): expected a share between 0 and 1, such as 0.02.")
            object.__setattr__(self, name, float(value))
        if self.reviewed >= self.wrong and self.block >= self.wrong:
            slips = f" (with the errors of reviewers {figure(self.reviewed)})" if self.reviewer_wrong else ""
            raise CamelopardError(
                f"Costs(wrong={figure(self.wrong)}, review={figure(self.review)}, block={figure(self.block)}): a review{slips} and a refusal both "
                "cost at least as much as a wrong answer: nothing but passing would ever pay. Expected one of them below the price of a wrong answer."
            )

    @property
    def reviewed(self) -> float:
        """The expected cost of a review: its price, and that of the errors of reviewers."""
        return self.review + self.reviewer_wrong * self.wrong

    @property
    def pass_from(self) -> float:
        """The confidence from which a row passes, where it may be reviewed or blocked."""
        return 1.0 - min(self.reviewed, self.block) / self.wrong

    def each(self, confidence: Floats, repairable: Bools | None = None, stuck: Bools | None = None, repaired_wrong: float | None = None) -> Floats:
        """Return the expected cost of pass, repair, review and block, shape (n, 4); infinite where a route is not open.

        Parameters
        ----------
        confidence
            P(the answer is right), shape (n,).
        repairable
            Which rows have a repair to be trusted, shape (n,); None: none of them.
        stuck
            Which rows may not pass, shape (n,); None: none of them.
        repaired_wrong
            Share of wrong answers after repair, where these costs do not state one; while nobody knows it a repair is not open here.
        """
        table = np.empty((4, len(confidence))).T  # a route's costs lie side by side
        table[:, PASS] = (1.0 - confidence) * self.wrong
        table[:, REPAIR], table[:, REVIEW], table[:, BLOCK] = np.inf, self.reviewed, self.block
        share = self.repaired_wrong if self.repaired_wrong is not None else repaired_wrong
        if repairable is not None and share is not None:
            table[repairable, REPAIR] = share * self.wrong
        if stuck is not None:
            table[stuck, PASS] = np.inf
        return table

    def words(self) -> str:
        """Return the prices, and where the routes part, in words.

        >>> print(Costs(wrong=100, review=5, block=20).words())
        A wrong answer costs 100, a review 5, a blocked row 20. A row passes from a confidence of 0.95; below, it is reviewed. Where no
        reviewer is free it passes from 0.8, and is blocked below.
        """
        slips = f" ({_percent(self.reviewer_wrong)} of reviews end wrong)" if self.reviewer_wrong else ""
        text = f"A wrong answer costs {figure(self.wrong)}, a review {figure(self.review)}{slips}, a blocked row {figure(self.block)}. "
        below = "reviewed" if self.reviewed <= self.block else "blocked: that is cheaper than a review"
        text += f"A row passes from a confidence of {_level(self.pass_from)}; below, it is {below}."
        if self.reviewed > self.block:
            return text
        if self.block >= self.wrong:
            return f"{text} Where no reviewer is free it passes: a refusal costs more than an error."
        return f"{text} Where no reviewer is free it passes from {_level(1.0 - self.block / self.wrong)}, and is blocked below."


def cheapest(table: Floats) -> Ints:
    """Return the cheapest route of each row, shape (n,), from costs of shape (n, 4); of equals the earlier of pass, repair, review, block.

    >>> [ROUTES[k] for k in cheapest(np.array([[5.0, np.inf, 5.0, 20.0], [9.0, np.inf, 5.0, 5.0]]))]
    ['pass', 'review']
    """
    best, least = np.zeros(len(table), dtype=np.int64), table[:, PASS].copy()
    for k in (REPAIR, REVIEW, BLOCK):
        better = table[:, k] < least
        best[better] = k
        np.minimum(least, table[:, k], out=least)
    return best


def is_number(value: object) -> bool:
    """Whether a setting is a number; True and False are none.

    >>> is_number(3), is_number(np.float32(0.5)), is_number(True), is_number("3")
    (True, True, False, False)
    """
    return isinstance(value, (int, float, np.integer, np.floating)) and not isinstance(value, bool)


def given(value: object) -> str:
    """Return a setting as an error shows it, whatever was given.

    >>> given("high"), given(10**5000)
    ("'high'", 'a number too large to read')
    """
    try:
        text = repr(value)
    except Exception:  # what was given may be of any class
        return "a number too large to read" if isinstance(value, int) else f"a {type(value).__name__}"
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"


def _level(p: float) -> str:
    return f"{p:.4g}"


def _percent(share: float) -> str:
    return f"{share * 100:.3g} %"
