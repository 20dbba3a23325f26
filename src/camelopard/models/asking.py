"""Asks the model: in tables of the right types, in chunks, and around the rows on which it raises.

The one idea: an exception belongs to the rows that cause it. A batch that raises is divided, by what its rows lack and then by halves, until the
rows that raise stand alone.
"""

from __future__ import annotations

import re
import time
import warnings
from collections.abc import Callable, Hashable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from itertools import chain
from typing import Any, Protocol

import numpy as np

from camelopard.core.arrays import Array, Ints
from camelopard.core.batch import Batch, Form
from camelopard.core.errors import BudgetSpent, ModelError
from camelopard.models.answers import Answers, Raw, Reader, WrongShape
from camelopard.models.gaps import has, marks, simplest
from camelopard.models.native import Eats, Plan, Signature, build, groups
from camelopard.models.plans import Plans
from camelopard.models.sizes import rows_at_once

PROBES = 8  # single rows that speak for a whole group
FEWER = 2  # enough where rows of the same signature with the same marks were all found to raise before
PATTERNS = 24  # of marks that are told apart; beyond as many, halving is as good
LONGEST = 200  # characters kept of an error
_STAMP = re.compile(r"^\[\d\d:\d\d:\d\d\] \S+:\d+: ")  # XGBoost's time and source line: the same error should read the same
_NO_ANSWER = "the model was not asked"


class Adapter(Protocol):
    """One framework's way of being asked."""

    eats: Eats

    def ask(self, table: Any) -> Raw:
        """Return the model's answers to a table as `eats` describes it. Whatever the model raises passes through."""
        ...


@dataclass
class Meter:
    """What was spent on a model: rows asked (a row asked again alone counts again), calls, and seconds inside the model.

    `clock` gives the seconds; they are reported, and decide nothing.
    """

    budget: int | None = None
    asked: int = 0
    calls: int = 0
    seconds: float = 0.0
    clock: Callable[[], float] = time.perf_counter

    def afford(self, rows: int) -> None:
        """Raise BudgetSpent where that many rows would go beyond the budget."""
        if self.budget is not None and self.asked + rows > self.budget:
            raise BudgetSpent(f"the budget of {self.budget:,} model rows is spent: {self.asked:,} asked, {rows:,} more wanted.")


@dataclass(frozen=True)
class Group:
    """Rows that can be asked in one table: the table, and what its columns hold that is not of their declared type."""

    table: Plan
    signature: Signature

    @cached_property
    def key(self) -> Hashable:
        """What the rows of such groups have in common."""
        return self.table.names, *self.signature.items()


@dataclass
class Asker:
    """Asks one model. `thrifty`: rows that raise together are judged by a few of them instead of one by one."""

    adapter: Adapter
    reader: Reader
    form: Form | None
    batch_size: int
    meter: Meter
    plans: Plans
    thrifty: bool = False
    raising: dict[Hashable, list[Array]] = field(default_factory=dict)  # by signature, the marks of rows that were probed and all raised

    def ask(self, batch: Batch, keep: Callable[[Ints, Answers], None] | None = None) -> Answers:
        """Return the answers to all rows. Each part is handed to `keep` as it comes, so that nothing is lost when the budget ends.

        Raises
        ------
        BudgetSpent
            Before the first row beyond the budget is asked.
        ModelError
            If the model has never answered as a model must, and does not now.
        """
        n = len(batch)
        self.meter.afford(n)
        table = self.plans.of(self.adapter.eats, self.form or batch.form, batch.names)
        found = groups(batch, table)
        first = next(found, None)
        most = self.batch_size if n == 1 else rows_at_once(batch, self.batch_size)
        if first is not None and len(first[0]) == n <= most:  # all rows are alike: they are asked as they are
            part = self._resolve(batch, table, first[1])
            if keep is not None:
                keep(first[0], part)
            return part
        answers = Answers.none(n, _NO_ANSWER)
        for index, signature in () if first is None else chain((first,), found):
            for start in range(0, len(index), most):
                rows = index[start : start + most]
                part = self._resolve(batch.take(rows), table, signature)
                answers = answers.put(rows, part)
                if keep is not None:
                    keep(rows, part)
        return answers

    def _resolve(self, batch: Batch, table: Plan, signature: Signature) -> Answers:
        """Return the answers to rows of one signature, divided where the model raises."""
        if len(batch) == 1:
            alone = self._call(batch, table, signature)
            return alone if isinstance(alone, Answers) else Answers.none(1, told(alone))
        group = Group(table, signature)
        if any(pattern.any() for pattern in self.raising.get(group.key, ())):  # better before the call than after it
            return self._apart(batch, group, None)
        outcome = self._call(batch, table, signature)
        if isinstance(outcome, Answers):
            return outcome
        if isinstance(outcome, WrongShape) and not self.reader.settled and isinstance(self._probe(batch, group, PROBES), WrongShape):
            raise outcome
        return self._apart(batch, group, outcome)

    def _apart(self, batch: Batch, group: Group, outcome: Exception | None) -> Answers:
        """Return the answers to rows of which some raise, those with the same marks asked together. `outcome`: of asking all, if that was tried."""
        n = len(batch)
        answers = Answers.none(n, _NO_ANSWER)
        for rows, pattern in self._patterns(marks(batch, group.table.names), group):
            if len(rows) == n:
                return self._alike(batch, group, pattern, outcome)
            answers = answers.put(rows, self._alike(batch.take(rows), group, pattern, None))
        return answers

    def _patterns(self, marked: Array, group: Group) -> Iterator[tuple[Ints, Array | None]]:
        """Yield rows that are asked together, and the marks they have in common; what has raised by then is known when the next are chosen."""
        left = np.arange(len(marked))
        if not self.thrifty:  # no row speaks for another: those with no mark are spared the search among the others
            odd = marked.any(axis=1)
            yield from ((rows, None) for rows in (left[~odd], left[odd]) if len(rows))
            return
        for _ in range(PATTERNS):
            if not len(left):
                return
            here = marked[left]
            known = next((p for p in self.raising.get(group.key, ()) if p.any() and has(here, p).any()), None)
            pattern, mine = simplest(here) if known is None else (known, has(here, known))
            yield left[mine], pattern
            left = left[~mine]
        if len(left):
            yield left, None

    def _alike(self, batch: Batch, group: Group, pattern: Array | None, outcome: Exception | None) -> Answers:
        """Return the answers to rows with the same marks, halved where the model raises; where a few of them raise alike, they speak for all."""
        n = len(batch)
        known = None if pattern is None else next((p for p in self.raising.get(group.key, ()) if np.array_equal(p, pattern)), None)
        if known is not None and known.any() and n > FEWER:
            verdict = self._probe(batch, group, FEWER)
            if verdict is not None:
                return Answers.none(n, told(verdict))
        found = self._call(batch, group.table, group.signature) if outcome is None else outcome
        if isinstance(found, Answers):
            return found
        if n == 1:
            return Answers.none(1, told(found))
        if self.thrifty and n > PROBES:
            verdict = self._probe(batch, group, PROBES if known is None else FEWER)
            if verdict is not None:
                if known is None and pattern is not None:
                    self.raising.setdefault(group.key, []).append(pattern)
                return Answers.none(n, told(verdict))
        answers = Answers.none(n, _NO_ANSWER)
        for half in (np.arange(n // 2), np.arange(n // 2, n)):
            answers = answers.put(half, self._alike(batch.take(half), group, pattern, None))
        return answers

    def _probe(self, batch: Batch, group: Group, probes: int) -> Exception | None:
        """Return the exception that speaks for all these rows: a few of them, evenly spread, all raise one of the same type. None otherwise."""
        found: Exception | None = None
        for i in np.unique(np.linspace(0, len(batch) - 1, probes).astype(np.int64)):
            outcome = self._call(batch.take([int(i)]), group.table, group.signature)
            if isinstance(outcome, Answers) or (found is not None and type(outcome) is not type(found)):
                return None
            found = outcome if found is None else found
        return found

    def _call(self, batch: Batch, table: Plan, signature: Signature) -> Answers | Exception:
        """Return the answers, or what the model raised on these rows."""
        n = len(batch)
        self.meter.afford(n)
        meter = self.meter
        meter.asked += n
        meter.calls += 1
        try:
            with warnings.catch_warnings(), np.errstate(all="ignore"):  # damaged numbers overflow; what comes of it is checked
                warnings.filterwarnings("ignore", message="X (does not have|has) .*feature names")
                native = build(batch, table, signature)
                start = meter.clock()
                try:
                    raw = self.adapter.ask(native)
                finally:
                    meter.seconds += meter.clock() - start
        except ModelError:
            raise
        except Exception as error:  # the user's model may raise anything
            if any(kind.__name__ == "NotFittedError" for kind in type(error).__mro__):
                raise ModelError(f"the model has not been fitted: {told(error)}. Fit it before it is wrapped.") from error
            return error.with_traceback(None)  # the frames would hold the rows until somebody collects them
        try:
            return self.reader.read(raw, n)
        except WrongShape as error:
            return error
        except ModelError:
            raise
        except Exception as error:  # the answers may be objects of any class
            return WrongShape(f"answers that cannot be read ({type(error).__name__}).")


def told(error: Exception) -> str:
    """Return an exception in one short line.

    >>> told(ValueError("could not convert 'x'" + chr(10) + "more"))
    "ValueError: could not convert 'x'"
    """
    if isinstance(error, WrongShape):
        return str(error)[:LONGEST]
    try:
        text = str(error)
    except Exception:  # an exception may be of any class, too
        return type(error).__name__
    lines = _STAMP.sub("", text.strip()).splitlines()
    return f"{type(error).__name__}: {lines[0]}"[:LONGEST] if lines else type(error).__name__
