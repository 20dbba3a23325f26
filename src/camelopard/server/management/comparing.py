"""What differs between two versions of a model: rules of the contract, figures, and how rows are routed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from camelopard.core.errors import ArtifactError
from camelopard.core.records import Assumption
from camelopard.report import wording
from camelopard.server.management import measured
from camelopard.server.management.amending import contract_of
from camelopard.server.management.measured import Figure
from camelopard.store.versions import Version

SETTINGS = {"alpha": "clean rows that may be stopped, at most", "policy": "policy", "mix": "traffic that probabilities are for"}
Key = tuple[str, tuple[str, ...], int]


@dataclass(frozen=True)
class Altered:
    """A rule that both have, as one says it and as the other does."""

    before: str
    after: str


@dataclass(frozen=True)
class Pair:
    """A figure of both; either is None where it was not measured there.

    overlap
        Whether the intervals have values in common: where they do, the difference may be chance. None where that is not known.
    """

    name: str
    before: Figure | None
    after: Figure | None

    @property
    def overlap(self) -> bool | None:
        """See above."""
        return None if self.before is None or self.after is None else self.before.overlaps(self.after)


@dataclass(frozen=True)
class Comparison:
    """What differs.

    added, removed, altered
        Rules of the contract; `altered` holds those of which limits differ, or whether they are muted.
    figures
        Side by side, differing or not.
    settings
        What else was set: its name, before and after.
    same_measured
        Whether the very same was measured of both: one is the other with an edited contract.
    same_model
        Whether both are for the same model file; None where that is not known of both.
    """

    before: Version
    after: Version
    added: tuple[str, ...]
    removed: tuple[str, ...]
    altered: tuple[Altered, ...]
    figures: tuple[Pair, ...]
    settings: tuple[tuple[str, str, str], ...]
    same_measured: bool
    same_model: bool | None

    @property
    def contract_differs(self) -> bool:
        """Return whether any rule differs."""
        return bool(self.added or self.removed or self.altered)

    def plain(self) -> dict[str, Any]:
        """Return it as plain data."""
        return {
            "from": self.before.number,
            "to": self.after.number,
            "contract": {"added": self.added, "removed": self.removed, "altered": [vars(one) for one in self.altered]},
            "settings": [{"name": name, "from": before, "to": after} for name, before, after in self.settings],
            "figures": [
                {"name": pair.name, "from": pair.before and vars(pair.before), "to": pair.after and vars(pair.after), "overlap": pair.overlap}
                for pair in self.figures
            ],
            "same_measured": self.same_measured,
            "same_model": self.same_model,
        }


def compared(before: Version, after: Version) -> Comparison:
    """Return what differs between two versions of a model."""
    one, other = _rules(before), _rules(after)
    altered = tuple(Altered(_told(one[key]), _told(other[key])) for key in one if key in other and _state(one[key]) != _state(other[key]))
    models = (before.model_file, after.model_file)
    return Comparison(
        before,
        after,
        tuple(_told(a) for key, a in other.items() if key not in one),
        tuple(_told(a) for key, a in one.items() if key not in other),
        altered,
        _pairs(before.evidence, after.evidence),
        _settings(before.evidence, after.evidence),
        before.evidence.get("measured") == after.evidence.get("measured"),
        None if None in models else models[0] == models[1],
    )


def _rules(version: Version) -> dict[Key, Assumption]:
    """Return the rules of a version by what they are about; none of a contract that cannot be read."""
    try:
        contract = contract_of(version)
    except ArtifactError:
        return {}
    found: dict[Key, Assumption] = {}
    seen: Counter[tuple[str, tuple[str, ...]]] = Counter()
    for a in contract:
        found[a.code, a.fields, seen[a.code, a.fields]] = a
        seen[a.code, a.fields] += 1
    return found


def _state(a: Assumption) -> tuple[Any, ...]:
    return dict(a.limits), a.muted, bool(a.evidence.get("set"))


def _told(a: Assumption) -> str:
    remarks = [word for word, holds in (("muted", a.muted), ("set by hand", bool(a.evidence.get("set")))) if holds]
    return wording.sentence(a.statement) + (f" ({', '.join(remarks)})" if remarks else "")


def _pairs(before: Mapping[str, Any], after: Mapping[str, Any]) -> tuple[Pair, ...]:
    one, other = ({figure.key: figure for figure in measured.figures(evidence)} for evidence in (before, after))
    return tuple(Pair((other.get(key) or one[key]).name, one.get(key), other.get(key)) for key in dict.fromkeys((*one, *other)))


def _settings(before: Mapping[str, Any], after: Mapping[str, Any]) -> tuple[tuple[str, str, str], ...]:
    found = []
    for key, name in SETTINGS.items():
        if before.get(key) != after.get(key):
            found.append((name, _shown(before.get(key)), _shown(after.get(key))))
    return tuple(found)


def _shown(value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {_shown(one)}" for key, one in value.items() if one is not None) or "nothing set"
    if isinstance(value, float):
        return wording.figure(value, 3)
    return "not set" if value is None else wording.clean(str(value), 200)
