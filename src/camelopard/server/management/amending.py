"""Edits a contract: the same firewall with other rules is a new version of it. What is typed is checked before anything is kept."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, replace

from camelopard.core.errors import ArtifactError, CamelopardError, InputError, UnknownName
from camelopard.core.records import Assumption
from camelopard.firewall.contract import Contract
from camelopard.firewall.contract_settings import About, setting
from camelopard.firewall.firewall import Firewall
from camelopard.report import wording
from camelopard.server.home import Home
from camelopard.server.management.enrolment import filed, kept_firewall
from camelopard.store import versions
from camelopard.store.errors import StoreError
from camelopard.store.roles import Actor
from camelopard.store.versions import Version

WHERE = "the contract"


@dataclass(frozen=True)
class Rule:
    """One rule as a form shows it.

    place
        In the contract, from 0.
    column
        What it is about; several have a comma between.
    low, high
        Its limits as one types them; None where it is none with limits.
    """

    place: int
    column: str
    statement: str
    muted: bool
    low: str | None = None
    high: str | None = None


@dataclass(frozen=True)
class Edit:
    """What somebody typed about one rule; limits are None where they stay."""

    muted: bool
    low: str | None = None
    high: str | None = None


class Unsound(InputError):
    """Some rules, by their place, that cannot be as they were typed, and why.

    why
        By place.
    """

    def __init__(self, why: Mapping[int, str]) -> None:
        super().__init__(" ".join(why.values()))
        self.why = dict(why)


def contract_of(version: Version) -> Contract:
    """Return a version's contract. Raises ArtifactError for one that somebody else wrote and that is none."""
    return Contract.from_toml(version.contract, WHERE)


def rules(contract: Contract) -> list[Rule]:
    """Return the rules as a form shows them.

    >>> age = Assumption("range", ("age",), "age lies between 17 and 90.", {"low": 17.0, "high": 90.0})
    >>> rules(Contract([age]))
    [Rule(place=0, column='age', statement='age lies between 17 and 90.', muted=False, low='17', high='90')]
    """
    found = []
    for place, a in enumerate(contract):
        low, high = (_typed(a, a.limits[end]) for end in ("low", "high")) if _limited(a) else (None, None)
        found.append(Rule(place, ", ".join(a.fields), a.statement, a.muted, low, high))
    return found


def edited(contract: Contract, edits: Mapping[int, Edit]) -> Contract:
    """Return a contract with these edits, by place; what is not named stays.

    Raises
    ------
    Unsound
        If limits are none, or contradict each other.
    """
    made, wrong = list(contract), {}
    for rule in rules(contract):
        edit = edits.get(rule.place)
        if edit is None:
            continue
        a = made[rule.place]
        low, high = (rule.low if edit.low is None else edit.low, rule.high if edit.high is None else edit.high)
        if rule.low is not None and (low, high) != (rule.low, rule.high):
            try:
                a = _limits(a, low or "", high or "", contract)
            except CamelopardError as error:
                wrong[rule.place] = str(error)
        made[rule.place] = replace(a, muted=edit.muted)
    if wrong:
        raise Unsound(wrong)
    return Contract(made)


def amended(home: Home, by: Actor, before: Version, contract: Contract, note: str, now: dt.datetime) -> Version:
    """Keep the firewall of a version with another contract, as a new version; return it.

    Raises
    ------
    NotAllowed
        If whoever does it may not change models.
    InputError
        If nothing differs, or the note is empty: whoever approves it should know why.
    UnknownName
        If a rule is about a column that the firewall does not know.
    StoreError
        If the firewall's file is not kept here.
    """
    by.must("change models")
    if not note.strip():
        raise InputError("note: say in a sentence why the contract changes; whoever approves the version reads it.")
    firewall = kept_firewall(home, before)
    if firewall is None:
        raise StoreError(
            f"{before.model}: the file of version {before.number} is not kept here, so its contract cannot be changed here. "
            "Do it where the version was made, or copy its file from there into this home's folder firewalls."
        )
    _check_columns(contract, firewall)
    was = firewall.contract_.to_toml()
    firewall.contract = _reworded(contract, firewall.contract_)
    if firewall.contract_.to_toml() == was:
        raise InputError("nothing was changed, so no version was made.")
    content, firewall_hash = filed(firewall)
    home.keep(content, firewall_hash)
    evidence = {**before.evidence, "contract_edited_from": before.number}
    with home.database.change(by, now) as change:
        known = versions.holding(change, before.model, firewall_hash)
        if known is not None:
            raise InputError(f"version {known.number} has this very contract already. Put that one in force.")
        return versions.add(
            change,
            before.model,
            firewall=firewall_hash,
            model_file=before.model_file,
            contract=firewall.contract_.to_toml(),
            evidence=evidence,
            note=note,
        )


def parsed(text: str) -> Contract:
    """Return the contract that somebody typed as TOML. Raises ArtifactError, which says where it is none."""
    if len(text) > versions.LONGEST_CONTRACT:
        raise ArtifactError(f"{WHERE}: {len(text):,} characters; at most {versions.LONGEST_CONTRACT:,} are kept.")
    return Contract.from_toml(text, WHERE)


def _check_columns(contract: Contract, firewall: Firewall) -> None:
    known = set(firewall.schema.names) | {name for a in firewall.contract_ for name in a.fields}
    for place, a in enumerate(contract):
        for name in a.fields:
            if name not in known:
                raise ArtifactError(f"{WHERE}: assumption {place + 1}: {UnknownName.among(name, known, 'column')}")


def _reworded(contract: Contract, before: Contract) -> Contract:
    """Return a contract in which limits that were edited are told as they are now, where the sentence is still the one from before."""
    told = {(a.code, a.fields, a.statement): a.limits for a in before}
    made = []
    for a in contract:
        stale = a.limits != told.get((a.code, a.fields, a.statement), a.limits)
        if stale and _limited(a):
            a = replace(a, statement=_limits(a, _typed(a, a.limits["low"]), _typed(a, a.limits["high"]), contract).statement)
        made.append(a)
    return Contract(made)


def _limits(a: Assumption, low: str, high: str, contract: Contract) -> Assumption:
    """Return a rule with other limits, as they were typed, and told so."""
    name = a.fields[0]
    kinds = {str(one.limits.get("kind")): one.limits for one in contract if one.code == "type" and one.fields == a.fields}
    kind = "date" if a.limits.get("date") else "image" if a.limits.get("levels") else "text" if a.code == "length" else "number"
    about = About(name, kind, kinds.get("date", {}).get("format"))
    if not low.strip() or not high.strip():
        raise InputError(f"{name}: give both limits, the lowest and the highest value.")
    ends: tuple[str | float, str | float] = (low.strip(), high.strip())
    if kind != "date":
        try:
            first, last = (int(end) if a.code == "length" else float(end) for end in (low, high))
        except ValueError:
            raise InputError(f"{name}: expected two {'whole ' if a.code == 'length' else ''}numbers, got {low[:40]!r} and {high[:40]!r}.") from None
        if first > last:
            raise InputError(f"{name}: the lowest value, {low.strip()[:40]}, is above the highest, {high.strip()[:40]}.")
        ends = (first, last)
    try:
        _, statement, limits = setting(a.code, ends, about)
    except CamelopardError as error:
        raise InputError(f"{name}: {error}") from error
    return replace(a, statement=statement, limits={**a.limits, **limits})


def _limited(a: Assumption) -> bool:
    """Whether a rule has a lowest and a highest value."""
    ends = (a.limits.get("low"), a.limits.get("high"))
    return a.code in ("range", "length") and len(a.fields) == 1 and all(type(end) in (int, float) for end in ends)


def _typed(a: Assumption, value: float) -> str:
    """Return a limit as one types it."""
    if a.limits.get("date"):
        return wording.day(value)
    return str(int(value)) if abs(value) < 1e15 and value == int(value) else repr(float(value))
