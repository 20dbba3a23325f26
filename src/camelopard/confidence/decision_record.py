"""What was decided: which threshold, by which rule, by whom, when and why. Plain JSON that anyone can read; reading it trusts nothing."""

from __future__ import annotations

import datetime as dt
import json
import math
import os
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from camelopard.confidence.covering import segments
from camelopard.confidence.outcome_costs import OutcomeCosts
from camelopard.confidence.scores import checked_path
from camelopard.core.arrays import Floats, objects
from camelopard.core.batch import Batch, plain
from camelopard.core.errors import ArtifactError, CamelopardError, InputError, told
from camelopard.core.files import replaced
from camelopard.core.protocols import Model, wrapped
from camelopard.core.records import Prediction
from camelopard.report import wording

FORMAT, VERSION = "camelopard decision", 1
LARGEST = 4 * 1024 * 1024  # bytes of a file that is read
LONGEST = 10_000  # characters of a text in it
MOST_GROUPS = 1000
DEEPEST = 20  # nested lists and mappings
Label = str | int | float | bool | None


@dataclass(frozen=True)
class DecisionRecord:
    """A decision about a threshold. Made by `Decision.choose`.

    model, kind, positive
        The name of the model, what kind it is (a calibrated one has other shares), and the class that is named.
    rule, asked
        How the threshold was chosen, and what was asked of it.
    threshold
        A row is named where its share of `positive` is at least this; infinite where nobody is named, NaN where each group has its own.
    who, why, when
        Who chose it, for what reason, on which day (as ISO 8601).
    by, groups
        A column, and pairs of its values and their thresholds.
    expected
        What was to be expected of it when it was chosen: plain data.
    costs, rows, seed
        What it was chosen with.
    """

    model: str
    kind: str
    positive: Label
    rule: str
    asked: Mapping[str, Any]
    threshold: float
    who: str
    why: str
    when: str
    by: str | None = None
    groups: tuple[tuple[Label, float], ...] = ()
    expected: Mapping[str, Any] = field(default_factory=dict)
    costs: Mapping[str, float] | None = None
    rows: int = 0
    seed: int = 0

    def __post_init__(self) -> None:
        for name in ("who", "why"):
            value = getattr(self, name)
            if not isinstance(value, str) or not value.strip() or len(value) > LONGEST:
                raise InputError(f"{name}={repr(value)[:60]}; expected a text: a decision says who made it and why.")
        object.__setattr__(self, "when", _day(self.when))

    def predict(self, model: Model, X: Any) -> Prediction:
        """Return the model's answers by this threshold: `positive` where its share is at least so large, else the likeliest of the other classes.

        A row that the model does not answer, and one of a group that has no threshold, has its error in `Prediction.errors`.

        Raises
        ------
        CamelopardError
            If the model has another name than that which the threshold was chosen for, or no such class.
        """
        model = wrapped(model)
        if type(model).__name__ != self.kind:
            raise CamelopardError(
                f"this threshold was chosen for a {self.kind} model, and this is a {type(model).__name__} one, whose shares mean something else. "
                "Give the model that it was chosen for: a calibrated one where it was calibrated."
            )
        if model.name != self.model:
            raise CamelopardError(
                f"this threshold was chosen for the model {self.model!r}, and this is {model.name!r}. A threshold belongs to one model: "
                f"decide again, or if it is the same one, wrap it under that name: wrap(…, name={self.model!r})."
            )
        batch = Batch.of(X)
        answer = model.predict(batch)
        if model.task != "classification":
            raise CamelopardError(f"{model.name} answers numbers; this threshold is for the class {self.positive!r} of a classifier.")
        column = place_of(self.positive, answer.classes)
        if column is None or len(answer.classes) < 2:
            known = ", ".join(repr(plain(c)) for c in answer.classes[:10])
            raise CamelopardError(
                f"this threshold is for the class {self.positive!r}, but {model.name} answers {known}. Decide again for this model."
            )
        share, limit = answer.shares, self._limits(batch)
        named = share[:, column] >= limit
        others = np.where(np.arange(share.shape[1]) == column, -np.inf, share).argmax(axis=1)
        errors = answer.errors.copy()
        for i in np.flatnonzero(np.isnan(limit) & ~answer.failed).tolist():
            errors[i] = f"no threshold was chosen for {self.by} {plain(batch.columns[str(self.by)][i])!r}"
        best = np.where(named, column, others).tolist()
        lost = (errors != None).tolist()  # noqa: E711  cell by cell
        value = objects(None if gone else plain(answer.classes[b]) for b, gone in zip(best, lost, strict=True))
        return Prediction(value, answer.proba, answer.scores, errors, answer.classes)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the decision to a JSON file, whole or not at all."""
        place = checked_path(path)
        try:
            text = json.dumps(self.to_dict(), ensure_ascii=False, indent=1, allow_nan=False)
        except (TypeError, ValueError, RecursionError) as error:
            raise InputError(f"this decision holds what JSON cannot ({told(error)}); expected texts, finite numbers, lists and mappings.") from error
        with replaced(place) as temporary:
            temporary.write_text(text + "\n", encoding="utf-8", errors="backslashreplace")

    def to_dict(self) -> dict[str, Any]:
        """Return the decision as plain data that JSON can hold; an infinite threshold is "nobody"."""
        document = {"format": FORMAT, "version": VERSION, **asdict(self)}
        document["threshold"] = _written(self.threshold)
        document["groups"] = [[group, _written(value)] for group, value in self.groups]
        return document

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> DecisionRecord:
        """Return the decision in a file.

        Raises
        ------
        ArtifactError
            If the file is not there, is no JSON, or holds anything but a whole decision.
        """
        place = checked_path(path)
        try:
            with open(place, "rb") as stream:
                data = stream.read(LARGEST + 1)
        except OSError as error:
            raise ArtifactError(f"{place}: cannot be read ({error.strerror or error}). Expected a file written by save().") from error
        if len(data) > LARGEST:
            raise ArtifactError(f"{place}: larger than any decision; refused.")
        try:
            document = json.loads(data.decode("utf-8"), parse_constant=_refused)
        except (ValueError, RecursionError) as error:
            raise ArtifactError(f"{place}: this is no JSON ({str(error)[:80]}). Expected a decision written by save().") from error
        if not isinstance(document, dict) or document.get("format") != FORMAT:
            raise ArtifactError(f"{place}: this is no decision. Expected a file written by DecisionRecord.save().")
        if type(document.get("version")) is not int or document["version"] != VERSION:
            raise ArtifactError(f"{place}: written by another version (format {str(document.get('version'))[:20]}, this one reads {VERSION}).")
        try:
            return cls(**_checked({key: value for key, value in document.items() if key not in ("format", "version")}))
        except (CamelopardError, _Wrong) as error:
            raise ArtifactError(f"{place}: this is no whole decision: {error}") from error

    def _limits(self, batch: Batch) -> Floats:
        """Return the threshold of each row, shape (n,); NaN in a group that has none."""
        if self.by is None:
            return np.full(len(batch), self.threshold)
        known = {(type(group) is bool, group): value for group, value in self.groups}
        return np.array([known.get((type(g) is bool, g), np.nan) for g in segments(batch, self.by).tolist()], dtype=np.float64)

    def __repr__(self) -> str:
        def line(value: float) -> str:
            return "nobody" if math.isinf(value) else f"share of {self.positive!r} at least {value:.4g}"

        asked = "".join(f", {name} {value}" for name, value in self.asked.items() if value is not None)
        lines = [f"{self.model}: {self.positive!r} is named by the rule {self.rule}{asked}"]
        if self.by is None:
            lines.append(f"  threshold: {line(self.threshold)}")
        lines += [f"  {self.by} {group}: {line(value)}" for group, value in self.groups]
        lines.append(f"  chosen by {self.who} on {self.when}: {self.why}")
        return "\n".join(wording.clean(line) for line in lines)


def place_of(label: Any, classes: tuple[Any, ...]) -> int | None:
    """Return which class a label means: the equal one, or else the one that is written alike (from a file or a command line).

    >>> place_of("1", (0, 1)), place_of("2", (0, 1))
    (1, None)
    """
    known = [plain(c) for c in classes]
    equal = [i for i, c in enumerate(known) if _same(c, label)]
    same = [i for i in equal if type(known[i]) is type(label)] or equal
    return next(iter(same or [i for i, c in enumerate(known) if str(c) == str(label)]), None)


def _same(known: Any, label: Any) -> bool:
    try:
        return bool(known == label)
    except (TypeError, ValueError):  # an array, or a label that is missing
        return False


class _Wrong(Exception):
    """Something in a file that is not what it must be."""


def _checked(document: dict[str, Any]) -> dict[str, Any]:
    """Return the fields of a record, or raise what is wrong with them."""
    known = DecisionRecord.__dataclass_fields__
    if set(document) != set(known):
        odd = sorted(set(document) ^ set(known))
        raise _Wrong(f"it has other entries than expected ({', '.join(str(name)[:40] for name in odd[:5])}).")
    for name in ("model", "kind", "rule", "who", "why", "when"):
        _need(isinstance(document[name], str) and len(document[name]) <= LONGEST, f"{name!r} is no text")
    _need(document["by"] is None or isinstance(document["by"], str), "'by' is no column's name")
    _need(_is_label(document["positive"]), "'positive' is no class")
    for name in ("asked", "expected"):
        _need(isinstance(document[name], dict), f"{name!r} is no mapping")
        _need(_is_data(document[name]), f"{name!r} holds a number that is none, or is nested deeper than {DEEPEST} times")
    costs = document["costs"]
    _need(costs is None or (isinstance(costs, dict) and all(_is_number(v) for v in costs.values())), "'costs' are no numbers")
    OutcomeCosts.of(costs)
    for name in ("rows", "seed"):
        _need(type(document[name]) is int and document[name] >= 0, f"{name!r} is no whole number")
    groups = document["groups"]
    _need(isinstance(groups, list) and len(groups) <= MOST_GROUPS, "'groups' is no list")
    _need(all(isinstance(pair, list) and len(pair) == 2 and _is_label(pair[0]) for pair in groups), "a group is no pair of value and threshold")
    _need((document["by"] is None) == (not groups), "'by' and 'groups' must be given together")
    document["groups"] = tuple((pair[0], _read(pair[1])) for pair in groups)
    known_groups = {(type(group) is bool, group) for group, _ in document["groups"]}
    _need(len(known_groups) == len(groups), "a group has two thresholds")
    document["threshold"] = math.nan if groups else _read(document["threshold"])
    return document


def _need(holds: bool, otherwise: str) -> None:
    if not holds:
        raise _Wrong(f"{otherwise}.")


def _is_label(value: Any) -> bool:
    return value is None or isinstance(value, (str, bool)) or _is_number(value)


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and -sys.float_info.max <= value <= sys.float_info.max


def _is_data(value: Any, depth: int = 0) -> bool:
    """Whether it is plain data that can be written again."""
    if isinstance(value, (dict, list)):
        return depth < DEEPEST and all(_is_data(part, depth + 1) for part in (value.values() if isinstance(value, dict) else value))
    return _is_label(value)


def _written(value: float) -> float | str | None:
    return "nobody" if math.isinf(value) else None if math.isnan(value) else value


def _read(value: Any) -> float:
    if value == "nobody":
        return math.inf
    _need(_is_number(value) and 0 <= value <= 1.001, "a threshold is no share between 0 and 1")
    return float(value)


def _refused(constant: str) -> float:
    raise ValueError(f"{constant} is no JSON")


def _day(when: object) -> str:
    """Return a day or a moment as ISO 8601."""
    if isinstance(when, (dt.date, dt.datetime)) and when == when:  # pandas' NaT is a moment, and equals nothing
        return when.isoformat()
    try:
        if isinstance(when, str):
            return (dt.date if len(when) <= 10 else dt.datetime).fromisoformat(when).isoformat()
    except ValueError:
        pass
    raise InputError(f"when={repr(when)[:40]}; expected a day, e.g. '2026-11-21', or a moment, as ISO 8601.")
