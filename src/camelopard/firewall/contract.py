"""The contract: the assumptions in force, readable, editable, and checked row by row.

Compiled once to one check per column and rule; checking measures which assumption a row breaks, and decides nothing.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from copy import copy
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np

from camelopard.core.arrays import Array, Bools, objects
from camelopard.core.batch import Batch, plain
from camelopard.core.errors import ArtifactError, CamelopardError, UnknownName
from camelopard.core.records import Assumption, Reason
from camelopard.firewall import media_checks, words
from camelopard.firewall.contract_rules import CODES as CODES
from camelopard.firewall.contract_rules import UNSOUND, Cells, Check, checked, compiled
from camelopard.firewall.contract_settings import KEYS, About, Bounds, Names, Size, setting

SEVERAL = ("characters", "language")  # codes of which a column may have several rules, each with limits of another name


class Contract:
    """What the model relies on, as a list of assumptions.

    >>> contract = Contract([Assumption("range", ("age",), "age lies between 17 and 90.", {"low": 17, "high": 90})])
    >>> contract.set("age", range=(0, 120))
    >>> [a.statement for a in contract]
    ['age lies between 0 and 120.']
    """

    def __init__(self, assumptions: Sequence[Assumption]) -> None:
        self._assumptions = list(assumptions)
        self._checker: Checker | None = None
        self._rules: Checker | None = None
        self._came: Mapping[str, Array] = {}

    def __iter__(self) -> Iterator[Assumption]:
        return iter(self._assumptions)

    def __len__(self) -> int:
        return len(self._assumptions)

    def mute(self, *names: str) -> None:
        """Switch off the assumptions with these columns or codes. Raises UnknownName for a name that is neither."""
        self._mute(names, muted=True)

    def unmute(self, *names: str) -> None:
        """Switch them on again."""
        self._mute(names, muted=False)

    def set(
        self,
        name: str,
        *,
        range: Bounds | None = None,
        values: Sequence[Any] | None = None,
        null: bool | None = None,
        length: tuple[int, int] | None = None,
        languages: Names | None = None,
        alphabets: Names | None = None,
        characters: Names | None = None,
        without: Names | None = None,
        encoding: str | None = None,
        size: Size | None = None,
        channels: int | Sequence[int] | None = None,
        formats: Names | None = None,
        brightness: tuple[float, float] | None = None,
    ) -> None:
        """Say what a column may hold. A row that breaks what was set does not pass, whatever its risk.

        What else is assumed of the column and the new values would break (their case, their format) is muted.

        Parameters
        ----------
        range
            (low, high) of numbers, of dates, or of the numbers of a picture.
        values, null
            The set of values; whether a cell may be missing.
        length
            (low, high) characters of a text, spaces around it apart.
        languages
            Those that a text may be in, of some written in Latin letters: "English", "German", … Texts that are surely in another one break it.
        alphabets
            Those that a text is written in: "Latin", "Cyrillic", "Han", …
        characters, without
            Single characters that a text must hold; and those that it must not, or "markup", "invisible characters", "signs of a broken encoding".
        encoding
            "utf-8", "ascii", "latin-1" or "cp1252": bytes must be text in it, a text must be one that it can write, without debris of another one.
        size
            (height, width) of a picture in pixels, or the smallest and the largest: ((h, w), (h, w)).
        channels
            How many numbers a pixel has: 1, 3, or [1, 3].
        formats
            Those that an encoded file may have, told by its first bytes: "png", "jpeg", "gif", "webp", "bmp", "tiff", "ppm". An array has none.
        brightness
            (low, high) of the mean of all numbers of a picture.

        Raises
        ------
        UnknownName
            If there is no such column, language, alphabet, encoding or format.
        CamelopardError
            If nothing is set, a limit is none, or the rule is for other columns: a length is of texts, a size of pictures.
        """
        columns = {field for a in self._assumptions for field in a.fields}
        if name not in columns:
            raise UnknownName.among(name, columns, "column")
        asked = (range, values, null, length, languages, alphabets, characters, without, encoding, size, channels, formats, brightness)
        given = {key: value for key, value in zip(KEYS, asked, strict=True) if value is not None}
        if not given:
            raise CamelopardError(f"set({name!r}) sets nothing; give one of {', '.join(KEYS)}.")
        about = self._about(name)
        rules = [self._rule(name, *setting(key, value, about)) for key, value in given.items()]  # all of them are sound before the first is in force
        for rule in rules:
            self._put(rule)
        if values is not None:
            known = rules[list(given).index("values")].limits["values"]
            self._assumptions = [replace(a, muted=True) if a.fields == (name,) and _contradicted(a, known) else a for a in self._assumptions]

    def check(self, batch: Batch) -> Violations:
        """Return which assumptions each row breaks. Any cell may hold anything."""
        return self.checker().check(batch)

    def rules(self) -> Checker | None:
        """Return what a person set, compiled, or None where nobody set anything: who breaks such a rule does not pass, whatever the risk."""
        if self._rules is None:
            own = tuple(a for a in self._assumptions if a.evidence.get("set") and not a.muted)
            self._rules = Checker(own, tuple((k, check) for k, a in enumerate(own) if (check := compiled(a)) is not None), self._came)
        return self._rules if self._rules.checks else None

    def edited(self, by_hand: Contract) -> Contract:
        """Return a contract that a person edited, with what differs from this one marked as set by hand."""
        known: dict[tuple[Any, ...], list[Mapping[str, Any]]] = {}
        for a in self:
            known.setdefault((a.code, a.fields), []).append(a.limits)
        return Contract([a if a.limits in known.get((a.code, a.fields), ()) else replace(a, evidence={"set": "by hand"}) for a in by_hand])

    def of_files(self, came: Batch) -> Contract:
        """Return this contract for rows of which the pictures were unpacked: rules on the formats of files look at the cells as they came."""
        if not self.checker().of_files:
            return self
        other = copy(self)
        other._came, other._checker, other._rules = came.columns, None, None
        return other

    @property
    def muted_columns(self) -> frozenset[str]:
        """The columns of which every assumption of their own is muted."""
        return self.checker().muted_columns

    def settled(self, name: str) -> bool:
        """Whether a person said what a column may hold."""
        return name in self.checker().settled

    def checker(self) -> Checker:
        """Return the contract as it stands now, compiled; later edits do not reach it."""
        if self._checker is None:
            checks = [(k, check) for k, a in enumerate(self._assumptions) if not a.muted and (check := compiled(a)) is not None]
            self._checker = Checker(tuple(self._assumptions), tuple(checks), self._came)
        return self._checker

    def to_toml(self) -> str:
        """Return the contract as readable TOML."""
        from camelopard.firewall.contract_file import dumps

        return dumps(self._assumptions)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the contract as TOML, whole or not at all."""
        from camelopard.firewall.contract_file import write

        write(path, self._assumptions)

    @classmethod
    def from_toml(cls, text: str, source: str = "contract") -> Contract:
        """Read a contract from TOML; `source` is named in errors. Raises ArtifactError for what is none, or has limits that cannot be checked."""
        from camelopard.firewall.contract_file import loads

        return cls(_sound(loads(text, source), source))

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Contract:
        """Read a contract that `save` wrote, or a person edited."""
        from camelopard.firewall.contract_file import read

        return cls(_sound(read(path), os.fspath(path)))

    def __repr__(self) -> str:
        return "\n".join(f"{'(muted) ' if a.muted else ''}{a.statement}" for a in self._assumptions) or "<an empty contract>"

    def _mute(self, names: Sequence[str], muted: bool) -> None:
        known = {field for a in self._assumptions for field in a.fields} | {a.code for a in self._assumptions}
        for name in names:
            if name not in known:
                raise UnknownName.among(name, known, "column or code")
        self._assumptions = [replace(a, muted=muted) if a.code in names or set(a.fields) & set(names) else a for a in self._assumptions]
        self._checker = self._rules = None

    def _about(self, name: str) -> About:
        """Return what the contract says that a column holds."""
        kinds = {str(a.limits.get("kind")): a.limits for a in self._assumptions if a.code == "type" and a.fields == (name,)}
        return About(name, next(iter(kinds), None), kinds.get("date", {}).get("format"))

    def _rule(self, name: str, code: str, statement: str, limits: dict[str, Any]) -> Assumption:
        rule = Assumption(code, (name,), statement, limits, {"set": "by hand"})
        try:
            checked(rule)
        except UNSOUND as error:
            raise CamelopardError(f"set({name!r}) with {limits}: {error}.") from error
        return rule

    def _put(self, rule: Assumption) -> None:
        """Put a rule in the place of the one it replaces, or at the end."""
        for k, a in enumerate(self._assumptions):
            if (a.code, a.fields) == (rule.code, rule.fields) and (a.code not in SEVERAL or set(a.limits) == set(rule.limits)):
                self._assumptions[k] = replace(rule, cost=a.cost, cost_interval=a.cost_interval)
                break
        else:
            self._assumptions.append(rule)
        self._checker = self._rules = None


@dataclass(frozen=True)
class Checker:
    """A contract compiled to one check per assumption that rows can break. `came` holds cells as they came, of rows of which files were unpacked."""

    assumptions: tuple[Assumption, ...]
    checks: tuple[tuple[int, Check], ...]
    came: Mapping[str, Array] = field(default_factory=dict)

    @cached_property
    def muted_columns(self) -> frozenset[str]:
        """The columns of which every assumption of their own is muted."""
        own = [a for a in self.assumptions if len(a.fields) == 1 and a.code != "ignored"]
        return frozenset(a.fields[0] for a in own) - frozenset(a.fields[0] for a in own if not a.muted)

    @cached_property
    def settled(self) -> frozenset[str]:
        """The columns of which a person said what they may hold."""
        return frozenset(a.fields[0] for a in self.assumptions if len(a.fields) == 1 and a.evidence.get("set"))

    @cached_property
    def of_files(self) -> bool:
        """Whether there is a rule on the formats of files."""
        return any(self.assumptions[k].code == "file-format" for k, _ in self.checks)

    def check(self, batch: Batch) -> Violations:
        """Return which assumptions each row breaks."""
        cells = Cells(batch, self.came)
        results = ((k, check(cells)) for k, check in self.checks)
        if len(batch) == 1:  # for one row, looking at it is much faster than any()
            return Violations(batch, self.assumptions, [(k, broken) for k, broken in results if broken[0]], self.came)
        found = [(k, broken) for k, broken in results if broken.any()]
        return Violations(batch, self.assumptions, found, self.came)


@dataclass(frozen=True)
class Violations:
    """Which assumptions are broken where. Reasons are made only when asked for."""

    batch: Batch
    assumptions: Sequence[Assumption]
    found: Sequence[tuple[int, Bools]]
    came: Mapping[str, Array] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.batch)

    def __getitem__(self, i: int) -> list[Reason]:
        return [self._reason(self.assumptions[k], i) for k, broken in self.found if broken[i]]

    @property
    def broken(self) -> Bools:
        """Return which rows break which assumption, shape (n, assumptions)."""
        table = np.zeros((len(self.batch), len(self.assumptions)), dtype=bool)
        for k, rows in self.found:
            table[:, k] = rows
        return table

    def _reason(self, a: Assumption, i: int) -> Reason:
        observed = [plain(self.batch.columns[f][i]) if f in self.batch.columns else None for f in a.fields]
        if len(a.fields) == 1:
            cell = plain(self.came[a.fields[0]][i]) if a.code == "file-format" and a.fields[0] in self.came else observed[0]
            expected, what = a.statement.rstrip("."), media_checks.told(a, cell)
            shown = f"{a.fields[0]} is {words.shown(observed[0], *_edges(a, cell))}" if what is None else f"{a.fields[0]} has {what}"
            return Reason(a.code, a.fields[0], observed[0], expected, 0.0, f"{shown}; expected: {expected}")
        numbers = [float(v) for v in observed if type(v) is float]
        apart = [[other for other in numbers if other != v] for v in observed]
        shown = ", ".join(f"{f} = {words.shown(v, *others)}" for f, v, others in zip(a.fields, observed, apart, strict=True))
        expected = _of_this_row(a, observed)
        return Reason(a.code, a.fields[-1], observed[-1], expected, 0.0, f"{shown}; expected: {expected}")


def _edges(a: Assumption, cell: Any) -> list[float]:
    """Return the numbers from which a number that breaks the assumption must be seen to differ."""
    if type(cell) is not float or not np.isfinite(cell):
        return []
    known = [a.limits.get("low"), a.limits.get("high")] + ([float(np.rint(cell))] if a.limits.get("integral") else [])
    return [float(v) for v in known if isinstance(v, (int, float))]


def _of_this_row(a: Assumption, observed: Sequence[Any]) -> str:
    """Return what was expected of several cells: of many pairs that a rule knows, the one that this row breaks."""
    if "never" in a.limits:
        one, other = map(words.shown, observed)
        return f"{one} never goes with {other}"
    if a.code == "dependency":
        one, other = map(words.shown, (observed[0], dict(a.limits["pairs"])[observed[0]]))
        return f"{one} goes with {other}"
    return a.statement.rstrip(".")


def _sound(assumptions: list[Assumption], source: str) -> list[Assumption]:
    """Return the assumptions, or raise ArtifactError where a limit cannot be checked: a rule misspelt must not pass for one that holds."""
    for k, a in enumerate(assumptions):
        where = f"{source}: assumption {k + 1} ({a.code!r} of {', '.join(a.fields)})"
        if a.code not in CODES:
            raise ArtifactError(f"{where}: {UnknownName.among(a.code, CODES, 'code')}")
        try:
            checked(a)
        except UNSOUND as error:
            problem = f"limit {error} is missing" if isinstance(error, KeyError) else str(error)
            raise ArtifactError(f"{where}: its limits cannot be checked: {problem}. Compare it with a contract written by save().") from error
    return assumptions


def _contradicted(a: Assumption, values: list[Any]) -> bool:
    """Whether one of these values breaks the assumption."""
    check = compiled(a)
    if a.code in ("values", "null", "presence") or check is None:
        return False
    return bool(check(Cells(Batch({a.fields[0]: objects(values)}, np.arange(len(values))))).any())
