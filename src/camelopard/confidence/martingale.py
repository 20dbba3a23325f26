"""Are the rows that come still like the clean ones? A test that may be looked at after every row, for ever: a conformal martingale.

The one idea: bet against it. While rows are exchangeable with the clean ones, their ranks are uniform and independent, however few the clean rows
(`ranks` says why that takes more than clean scores that stay fixed). Every bet on them is then fair, and capital that starts at 1 ever reaches
1 / level with a chance of at most `level` (Ville 1939). If it does, rows have changed, or luck was rare.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np

from camelopard.confidence.ranks import Ranks
from camelopard.confidence.scores import checked_scores, checked_seed
from camelopard.core.arrays import Floats
from camelopard.core.batch import plain
from camelopard.core.errors import InputError, told

JUMP = 0.01  # share of the capital that is dealt out anew before every row (Vovk 2021, section 4)
BETS = 5
WAITING, SOON = 0.5, 100  # part of the capital that waits, and after how many rows about four tenths of it are staked
LARGEST = 700.0  # log of the largest capital that is told as a number
ONE = "all rows"  # the name of the only group, where there are none

Groups: TypeAlias = Sequence[Hashable] | None


class Exchangeability:
    """Bets on the ranks of a stream among clean scores: the simple jumper (Vovk 2021), with further bets on ranks too far out or too near the middle.

    Parameters
    ----------
    clean_scores
        Scores of rows that took no part in making the score, shape (n,). Changes up, down and of the spread are found.
    level
        The chance, at most, that it ever breaks while nothing has changed: over the draw of the clean rows and of the stream.
    groups
        To which group each clean row belongs, shape (n,): rows are ranked within their own, and the groups may come in any new mix. None: all in one.
    seed
        Seed of the numbers that tell equal scores apart. The same rows give the same capital, alone or in batches of any size.

    Raises
    ------
    InputError
        If there are no scores, one is NaN, groups do not match them, level is not above 0 and below 1, or seed is no whole number from 0.

    >>> rng = np.random.default_rng(0)
    >>> test = Exchangeability(rng.normal(size=200))
    >>> test.update(rng.normal(size=1000)); test.broken
    False
    >>> test.update(rng.normal(size=100) + 1); test
    broken at row 1,033: capital 121, which rows like the 200 clean ones reach with a chance of at most 1.0%; now 4.56e+07 at row 1,100
    """

    def __init__(self, clean_scores: Floats, level: float = 0.01, *, groups: Groups = None, seed: int = 0) -> None:
        scores = checked_scores(clean_scores, "clean scores")
        if not len(scores):
            raise InputError("no clean scores; the rows to come are held against them.")
        if isinstance(level, bool) or not isinstance(level, (int, float)) or not 0 < level < 1:
            raise InputError(f"level={level!r}; expected a chance above 0 and below 1.")
        names = _names(groups, len(scores))
        self.level, self.seed = float(level), checked_seed(seed)
        ties = np.random.default_rng([self.seed, 0]).random(len(scores))
        self._ranks = {name: Ranks(scores[mine], ties[mine]) for name in dict.fromkeys(names) for mine in [np.array([n == name for n in names])]}
        self._grouped, self._clean, self._rows, self._staked = groups is not None, len(scores), 0, 0
        self._log = math.log(1.0 - waiting(0))  # of the capital that is staked
        self._parts = [1.0 / BETS] * BETS  # what share of it lies on each bet
        self._break: tuple[int, float] | None = None

    @property
    def value(self) -> float:
        """The capital now; 1 at the start."""
        return math.exp(min(self.log_value, LARGEST))

    @property
    def log_value(self) -> float:
        """The natural logarithm of the capital now."""
        return self._log if self._log > LARGEST else math.log(waiting(self._staked) + math.exp(self._log))

    @property
    def rows(self) -> int:
        """How many rows have come."""
        return self._rows

    @property
    def broken(self) -> bool:
        """Whether the capital ever reached 1 / level."""
        return self._break is not None

    @property
    def broken_at(self) -> tuple[int, float] | None:
        """At which row it broke, counted from 1, and the capital then; None while it holds."""
        return None if self._break is None else (self._break[0], math.exp(min(self._break[1], LARGEST)))

    def update(self, scores: Floats, groups: Groups = None) -> None:
        """Bet on rows in their order of arrival. Rows of a group that the clean rows do not have are counted, and not bet on.

        Parameters
        ----------
        scores, groups
            As for the clean rows, each of shape (m,). Give each row once: a row that comes twice is not like new rows.

        Raises
        ------
        InputError
            If a score is NaN or groups do not match; nothing is learned then.
        """
        scores = checked_scores(scores)
        if (groups is not None) != self._grouped:
            raise InputError(f"the clean rows came {'with groups; give those of these rows' if self._grouped else 'without groups; leave them out'}.")
        names = _names(groups, len(scores))
        drawn = np.random.Generator(np.random.PCG64(np.random.SeedSequence([self.seed, 1])).advance(2 * self._rows)).random((len(scores), 2))
        p = np.full(len(scores), np.nan)
        for name, ranks in self._ranks.items():
            mine = np.array([n == name for n in names], dtype=bool)
            p[mine] = ranks.p_values(scores[mine], drawn[mine, 0], drawn[mine, 1])
        self._bet(p)

    def _bet(self, p_values: Floats) -> None:
        """Stake capital on ranks that are small, large, far out, near the middle, or on none of these, row after row.

        Bets lose a little while nothing changes. So part of the capital waits, and is staked bit by bit as rows come: a change after a million rows
        is still found, a little later, and capital never falls to nothing.
        """
        bar = -math.log(self.level)
        none, small, large, far, near = self._parts
        for p in p_values.tolist():
            self._rows += 1
            if p != p:
                continue
            side, out = p - 0.5, abs(2.0 * p - 1.0) - 0.5  # both of mean 0 for uniform ranks: every factor below has mean 1
            fresh = (waiting(self._staked) - waiting(self._staked + 1)) * math.exp(-self._log)  # in units of what is staked so far
            self._staked += 1
            kept, dealt = 1.0 - JUMP, (JUMP + fresh) / BETS
            none = kept * none + dealt
            small = (kept * small + dealt) * (1 - side)
            large = (kept * large + dealt) * (1 + side)
            far = (kept * far + dealt) * (1 + out)
            near = (kept * near + dealt) * (1 - out)
            gain = none + small + large + far + near
            none, small, large, far, near = none / gain, small / gain, large / gain, far / gain, near / gain
            self._log += math.log(gain)
            if self._break is None and self.log_value >= bar:
                self._break = (self._rows, self.log_value)
        self._parts = [none, small, large, far, near]

    def renewed(self, clean_scores: Floats, groups: Groups = None) -> Exchangeability:
        """Return a new test at the same level against new clean rows: the only way back once it is broken. Its chance of a false alarm comes anew."""
        return Exchangeability(clean_scores, self.level, groups=groups, seed=self.seed)

    def state(self) -> dict[str, Any]:
        """Return all that is known, as plain data."""
        return {
            "level": self.level,
            "seed": self.seed,
            "grouped": self._grouped,
            "clean": self._clean,
            "rows": self._rows,
            "staked": self._staked,
            "log": self._log,
            "parts": list(self._parts),
            "break": self._break,
            "groups": list(self._ranks),
            "ranks": [ranks.state() for ranks in self._ranks.values()],
        }

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> Exchangeability:
        """Rebuild from `state()`: it goes on as if it had never stopped.

        Raises
        ------
        InputError
            If that is no whole state.
        """
        try:
            return cls._rebuilt(state)
        except (LookupError, TypeError, ValueError, AttributeError, OverflowError) as error:
            raise InputError(f"this is no whole state of a test for change ({told(error)}); expected what state() returns.") from error

    @classmethod
    def _rebuilt(cls, state: Mapping[str, Any]) -> Exchangeability:
        test = cls([0.0], state["level"], seed=state["seed"])  # type: ignore[arg-type]  # checks both
        counts = [state[name] for name in ("clean", "rows", "staked")]
        if not all(type(count) is int and count >= 0 for count in counts) or type(state["grouped"]) is not bool or counts[2] > counts[1]:
            raise ValueError("its counts of rows are none")
        test._grouped, (test._clean, test._rows, test._staked) = state["grouped"], counts
        test._log, test._parts = float(state["log"]), [float(part) for part in state["parts"]]
        if not math.isfinite(test._log) or len(test._parts) != BETS or not all(0 <= part <= 1 for part in test._parts):
            raise ValueError("its capital is none")
        if state["break"] is not None:
            row, log = state["break"]
            if type(row) is not int or not 0 < row <= test._rows or not math.isfinite(log):
                raise ValueError("it broke at no row")
            test._break = (row, float(log))
        test._ranks = {name: Ranks.from_state(ranks) for name, ranks in zip(state["groups"], state["ranks"], strict=True)}
        if not test._ranks:
            raise ValueError("it has no clean rows")
        return test

    def __repr__(self) -> str:
        if (at := self.broken_at) is None:
            chance = f"by chance alone in at most {self.level:.1%} of streams"
            return f"holds after {self.rows:,} rows: capital {self.value:.3g}; it breaks at {1 / self.level:,.0f}, {chance}"
        clean = f"rows like the {self._clean:,} clean ones reach with a chance of at most {self.level:.1%}"
        return f"broken at row {at[0]:,}: capital {at[1]:.3g}, which {clean}; now {self.value:.3g} at row {self.rows:,}"


def waiting(rows: int) -> float:
    """Return what part of the capital is not staked yet after so many rows: half at the start, and less ever more slowly.

    >>> [round(waiting(rows), 2) for rows in (0, 100, 10_000, 1_000_000)]
    [0.5, 0.3, 0.09, 0.05]
    """
    return WAITING / (1.0 + math.log1p(rows / SOON))


def _names(groups: Groups, rows: int) -> list[Hashable]:
    """Return the group of each row."""
    if groups is None:
        return [ONE] * rows
    try:
        names = [plain(name) for name in groups]
    except TypeError as error:
        raise InputError(f"groups={repr(groups)[:60]}; expected the name of a group for each row.") from error
    if len(names) != rows:
        raise InputError(f"there are {len(names)} groups for {rows} scores; expected one per score.")
    for name in names:
        if not isinstance(name, (str, int, float, bool, type(None))):
            raise InputError(f"the groups hold a {type(name).__name__}; expected the name of a group for each row.")
    return names
