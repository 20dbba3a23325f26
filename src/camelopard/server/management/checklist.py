"""The production checklist of a model: what should be there before it is relied on, and whether there is evidence that it is.

An item is done only where something that exists shows it: what this server measured, or what somebody attached. Where camelopard cannot know, it
says so, rather than hope.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal
from urllib.parse import quote

from camelopard.core.errors import InputError, UnknownName
from camelopard.firewall.policy import Policy
from camelopard.report import document as given
from camelopard.report import wording
from camelopard.server.management.enrolment import SERVED
from camelopard.store.inventory import Model
from camelopard.store.listing import Live
from camelopard.store.proofs import Proof
from camelopard.store.versions import Version

Standing = Literal["done", "open", "unknown"]
LATELY = dt.timedelta(minutes=10)  # since a model that is monitored was looked at
BLOCK = Policy().block  # from which risk on a row is refused, where nobody decided


@dataclass(frozen=True)
class LogState:
    """How the log of this server keeps rows: since it was started written and lost, and what is kept of them."""

    written: int
    lost: int
    inputs: str
    hidden: tuple[str, ...] = ()
    hashed: tuple[str, ...] = ()

    @property
    def protected(self) -> str:
        """Return what is not kept as it came, in words; "" where everything is."""
        if self.inputs != "whole":
            return {"hashed": "of inputs only keyed hashes are kept", "none": "nothing of the inputs is kept"}.get(self.inputs, self.inputs)
        told = [f"{', '.join(names)} {verb}" for names, verb in ((self.hidden, "left out"), (self.hashed, "kept as keyed hashes")) if names]
        return "; ".join(told)


@dataclass(frozen=True)
class Facts:
    """What is known of a model.

    version, rules
        The one in force, None before there is one, and how many rules of its contract are not muted.
    live
        What was measured lately.
    log
        How this server logs its rows; None where it does not serve it, or keeps no log.
    proofs
        What people attached.
    now
        The time.
    """

    model: Model
    version: Version | None
    rules: int
    live: Live
    log: LogState | None
    proofs: Sequence[Proof]
    now: dt.datetime

    @property
    def measured(self) -> Mapping[str, Any]:
        """Return what was measured of the version in force."""
        found = {} if self.version is None else given.entry(self.version.evidence, "measured")
        return found if isinstance(found, Mapping) else {}

    def address(self, *parts: object) -> str:
        """Return where something of the model is shown."""
        return "/".join(("/models", quote(self.model.name, safe=""), *map(str, parts)))


@dataclass(frozen=True)
class Item:
    """One line of the checklist.

    key, name
        "data-checked", "Data checked".
    standing
        "done"; "open"; or "unknown" where camelopard has no way to find out, and nobody attached anything.
    words, link
        What shows that it is done, and where; or what would make it so.
    proof
        What somebody attached, if that is what shows it.
    """

    key: str
    name: str
    standing: Standing
    words: str
    link: str = ""
    proof: Proof | None = None


@dataclass(frozen=True)
class Found:
    """Whether an item is done, and by what."""

    standing: Standing
    words: str
    link: str = ""


Look = Callable[[Facts], Found]


def items(facts: Facts) -> tuple[Item, ...]:
    """Return the checklist."""
    made = []
    for key, (name, look) in ITEMS.items():
        found = look(facts)
        proof = next((one for one in facts.proofs if one.item == key), None)
        if proof is not None and found.standing != "done" and key not in MEASURED | PARTLY:
            made.append(Item(key, name, "done", proof.said, proof.link, proof))
        else:
            made.append(Item(key, name, found.standing, found.words, found.link, proof))
    return tuple(made)


def attachable(key: str) -> str:
    """Return the key of an item for which people may attach something.

    Raises
    ------
    InputError
        If there is no such item, or it is measured here: a link does not stand for that.
    """
    if key not in ITEMS:
        raise InputError(str(UnknownName.among(key, ITEMS, "item of the checklist")))
    if key in MEASURED:
        others = ", ".join(sorted(set(ITEMS) - MEASURED))
        raise InputError(f"{ITEMS[key][0]}: this is measured here, and a link does not stand for it. It can be attached to: {others}.")
    return key


def done(some: Sequence[Item]) -> int:
    """Return how many items are done."""
    return sum(item.standing == "done" for item in some)


def _metric(facts: Facts) -> Found:
    costs = _policy(facts).get("costs")
    if isinstance(costs, Mapping):
        known = ((name, given.number(costs, name)) for name in ("wrong", "review", "block"))
        shown = ", ".join(f"{name} {wording.figure(value, 6)}" for name, value in known if value is not None)
        return Found("done", f"The policy of the version in force counts in costs: {shown or 'of errors, reviews and refusals'}.", _shown(facts))
    return Found("open", "Say what an error and a review cost (a policy with costs), or attach where the metric was decided.")


def _threshold(facts: Facts) -> Found:
    policy = _policy(facts)
    decided = [name for name in ("costs", "review", "accept") if policy.get(name) is not None]
    if policy and policy.get("block") not in (None, BLOCK):
        decided.append("block")
    if decided:
        return Found("done", f"The policy of the version in force sets its own limits ({', '.join(decided)}).", _shown(facts))
    return Found("open", "The limits are those that camelopard starts with. Decide (camelopard decide finds where it pays), or attach the decision.")


def _data_checked(facts: Facts) -> Found:
    if facts.version is not None and facts.rules:
        words = f"The contract of version {facts.version.number} holds every row to {facts.rules:,} rule{'' if facts.rules == 1 else 's'}."
        return Found("done", words, facts.address("contract"))
    return Found("open", "Put a version in force whose contract has rules that are not muted.")


def _uncertainty(facts: Facts) -> Found:
    off = given.number(facts.measured, "ece_confidence")
    if off is not None and facts.version is not None:
        words = f"On labelled rows that it was not fitted on, confidence was off by {wording.percent(off)} on average (calibration error)."
        return Found("done", words, f"{_shown(facts)}#uncertainty")
    return Found("open", "Fit the firewall with labels (fit with y): then it is measured how often it is right when it is sure.")


def _results(facts: Facts) -> Found:
    log = facts.log
    if log is None and facts.live.traffic:
        return Found("open", "Another process serves it and logs its verdicts; the pages of that server say whether any was lost.")
    if log is None:
        return Found("open", "Serve it here with a log: camelopard serve … --home DIR keeps every verdict.")
    if log.lost:
        return Found("open", f"{log.lost:,} verdicts were lost since the server was started. Its log of errors says why.", facts.address("traffic"))
    if log.written or facts.live.traffic:
        rows = f"{facts.live.traffic:,} in the last day" if facts.live.traffic else f"{log.written:,} since the server was started"
        return Found("done", f"Every verdict is logged, {rows}, and none was lost.", facts.address("traffic"))
    return Found("open", "The log is there, and no row has come yet. Send one.", facts.address("traffic"))


def _change(facts: Facts) -> Found:
    version = facts.version
    if version is None:
        return Found("open", "Put a version in force.")
    if version.number == 1:
        return Found("done", "Version 1 is in force: there is no change to explain yet.", _shown(facts))
    comparison = facts.address(f"compare?from={version.number - 1}&to={version.number}")
    if version.note and version.note != SERVED:
        return Found("done", f"Version {version.number} says why it was made: “{wording.clean(version.note, 200)}”", comparison)
    return Found("open", f"Nobody wrote down why version {version.number} was made. Attach the reason, or make the next one with a note.", comparison)


def _monitored(facts: Facts) -> Found:
    live = facts.live
    if live.measured_at is not None and facts.now - live.measured_at <= LATELY and live.traffic:
        words = f"Looked at every minute: {live.traffic:,} rows in the last day, {wording.percent(live.not_passed)} of them did not pass."
        return Found("done", words, facts.address("traffic"))
    if live.measured_at is None:
        return Found("open", "Serve it here with --home: then its traffic is looked at every minute.")
    if not live.traffic:
        return Found("open", "No row has come in the last day, so there is nothing to watch.", facts.address("traffic"))
    return Found("open", f"Last looked at on {live.measured_at:%Y-%m-%d at %H:%M} UTC. Is its server running?", facts.address("traffic"))


def _security(facts: Facts) -> Found:
    version = facts.version
    approved = version is not None and version.approved_by is not None
    reviewed = any(one.item == "security-privacy" for one in facts.proofs)
    protected = "" if facts.log is None else facts.log.protected
    if approved and version is not None and protected:
        return Found("done", f"{version.approved_by} approved what {version.made_by} made, and in the log {protected}.", _shown(facts))
    if approved and reviewed and version is not None:
        proof = next(one for one in facts.proofs if one.item == "security-privacy")
        return Found("done", f"{version.approved_by} approved what {version.made_by} made; and: {proof.said}", proof.link)
    missing = ([] if approved else ["somebody else has to approve the version in force"]) + (
        [] if protected or reviewed else ["hide or hash inputs in the log, or attach the review"]
    )
    return Found("open", f"{'; '.join(missing)}.".capitalize())


def _attached_only(what: str) -> Look:
    """Return the look at what camelopard does not know by itself yet: only what people attach counts."""
    return lambda facts: Found("unknown", f"Not built yet: camelopard does not see {what}. Attach where it is shown.")


def _policy(facts: Facts) -> Mapping[str, Any]:
    found = None if facts.version is None else given.entry(facts.version.evidence, "policy")
    return found if isinstance(found, Mapping) else {}


def _shown(facts: Facts) -> str:
    return "" if facts.version is None else facts.address("versions", facts.version.number)


MEASURED = frozenset({"results-kept", "data-checked", "uncertainty", "monitored"})  # a link does not stand for what is measured here
PARTLY = frozenset({"security-privacy"})  # what people attach is one half of it
ITEMS: Mapping[str, tuple[str, Look]] = {
    "metric": ("Metric chosen", _metric),
    "threshold": ("Threshold decided", _threshold),
    "explained": ("Predictions explained", _attached_only("why the model answers what it answers; it says why it doubts an answer")),
    "fairness": ("Fairness looked at", _attached_only("for whom the model is worse")),
    "problems": ("Problems tracked", _attached_only("what people complained about")),
    "reproducible": ("Training reproducible", _attached_only("how the model was trained; only the firewall's own fit is kept, with its seed")),
    "results-kept": ("Results kept", _results),
    "change": ("Change explained", _change),
    "refreshed": ("Data refreshed", _attached_only("when the training data were last renewed")),
    "versioned": ("Data versioned", _attached_only("which data the model was trained on")),
    "data-checked": ("Data checked", _data_checked),
    "labelling": ("Labelling in place", _attached_only("where labels come from")),
    "uncertainty": ("Uncertainty measured", _uncertainty),
    "monitored": ("Monitored", _monitored),
    "security-privacy": ("Security and privacy reviewed", _security),
}
