"""What the firewall says: arrays for machines, reasons and repairs in words for people. Words are made only when asked for."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from camelopard.core.arrays import Array, Bools, Floats, Ints, Objects, is_missing
from camelopard.core.batch import Batch, plain
from camelopard.core.digits import precisely
from camelopard.core.errors import CamelopardError
from camelopard.core.records import Prediction, Reason, Repair, Verdict
from camelopard.firewall.doubts import DATA

if TYPE_CHECKING:
    from camelopard.firewall.overrides import Override


NO_MODEL = "no-model"  # code of the reason where the model, not the row, is at fault
COLUMNS = {"missing-column": "absent: treated as missing values", "extra-column": "not known and ignored"}  # codes of remarks on a table as a whole
WRITTEN = frozenset({"values", "type", "case", "whitespace", "format", "characters"})  # codes of what is wrong with how a cell is written
MOST_NAMED = 5  # columns of a kind that such a remark names


@dataclass(frozen=True)
class Grounds:
    """What a route hangs on besides risk and confidence, so that another policy can decide on the same rows again. Arrays have shape (n,).

    alarmed
        The score lies above the conformal threshold.
    repairable
        There is a repair to be trusted.
    unreadable
        The model gave no answer, or the row could not be read.
    held
        To be looked at by a person whatever the risk: the row lies outside everything that was tested, or breaks a rule that a
        person set.
    fit
        Which rows an override is meant for.
    tickets
        From a seed and positions of rows to a number in [0, 1) per row, the same for the same row: whose is below the audit rate is drawn.
    reason_of
        The reasons of a row, without what a policy adds to them.
    repaired_wrong
        Share of answers to trusted repairs that were wrong at fit, None where that was not measured.
    tolerance
        How far a number may be from the truth and still be right; None where answers are classes.
    doubts
        Which kind of doubt each row would be in (see `camelopard.firewall.doubts`); None where there is no model.
    labelled
        Whether confidence was checked against labels; None where that is not known.
    outside
        Which rows lie outside everything that was tested; None where that is not known.
    """

    alarmed: Bools
    repairable: Bools
    unreadable: Bools
    held: Bools
    fit: Callable[[Override], Bools]
    tickets: Callable[[int, Ints], Floats]
    reason_of: Callable[[int], list[Reason]]
    repaired_wrong: float | None = None
    tolerance: float | None = None
    doubts: Callable[[], Objects] | None = None
    labelled: bool | None = None
    outside: Bools | None = None

    @classmethod
    def of(cls, verdicts: Verdicts) -> Grounds:
        """Return what verdicts carry, or what can be told of those made by hand: their routes as alarms and repairs, no answer as unreadable.

        Raises
        ------
        CamelopardError
            If these are no verdicts.
        """
        from camelopard.firewall.overrides import Rows

        if not isinstance(verdicts, Verdicts):
            raise CamelopardError(f"a {type(verdicts).__name__} is no Verdicts; expected what Firewall.screen returns for the rows.")
        if verdicts.grounds is not None:
            return verdicts.grounds

        def fit(override: Override) -> Bools:
            if override.segment:
                raise CamelopardError("these verdicts came without their rows, so no segment can be told. Screen the rows with Firewall.screen.")
            told = ((i, reason) for i in range(len(verdicts)) for reason in verdicts.reason_of(i))
            return Rows(Batch({}, verdicts.ids), lambda: told).fit(override)

        def tickets(seed: int, rows: Ints) -> Floats:
            raise CamelopardError("these verdicts came without their rows, so none can be drawn for an audit. Screen the rows with Firewall.screen.")

        alarmed, repairable = (np.asarray(verdicts.route != "pass", dtype=bool), np.asarray(verdicts.route == "repair", dtype=bool))
        held = np.zeros(len(verdicts), dtype=bool)
        return cls(alarmed, repairable, is_missing(verdicts.prediction), held, fit, tickets, verdicts.reason_of)


@dataclass(frozen=True)
class Verdicts:
    """Verdicts in the order of the rows; every array has shape (n,).

    prediction
        The model's answers, None where it gave none.
    proba
        Its class probabilities, shape (n, k), or None.
    risk
        Calibrated P(this row fools this model); NaN without a model.
    confidence
        Calibrated P(the answer is right); NaN without a model.
    oddity
        1 − conformal p-value among clean rows.
    novelty
        The same by how far a row lies from all that the model learned from, in the model's own features: for texts and pictures, None for tables.
    route
        "pass", "repair", "review" or "block".
    grounds
        What the routes hang on besides; None for verdicts made by hand.
    chance
        What `propensity` returns, where a policy with an audit knows it better than from the routes.
    """

    ids: Array
    prediction: Array
    proba: Floats | None
    risk: Floats
    confidence: Floats
    oddity: Floats
    route: Objects
    reason_of: Callable[[int], list[Reason]]
    repair_of: Callable[[int], Repair | None]
    grounds: Grounds | None = None
    chance: Floats | None = None
    novelty: Floats | None = None

    @property
    def propensity(self) -> Floats:
        """The chance with which a row like this is reviewed, shape (n,).

        1 where its route is review for what it costs, the audit rate where it was among the rows that are drawn from, 0 elsewhere. What reviews
        show, weighted by one over it, is unbiased for the rows above 0 (Horvitz & Thompson 1952).
        """
        return np.asarray(self.route == "review", dtype=np.float64) if self.chance is None else self.chance

    @property
    def outside(self) -> Bools:
        """Which rows lie outside everything that was tested, odder or lacking more cells than any row that taught, shape (n,).

        Their risk and confidence are guesses, whatever they say; False where nothing could be measured of a row.
        """
        return np.zeros(len(self), dtype=bool) if self.grounds is None or self.grounds.outside is None else self.grounds.outside

    @property
    def doubt(self) -> Objects:
        """Which kind of doubt rows are in that do not simply pass, shape (n,), None for those that do.

        "boundary": the model itself is unsure, a person decides. "region": the model is sure, but was wrong in rows like this, train it again.
        "data": the row is not what the model was made for, mend the data.
        """
        found: Objects = np.full(len(self), DATA, dtype=object)
        if self.grounds is not None and self.grounds.doubts is not None:
            found[:] = self.grounds.doubts()
        found[self.route == "pass"] = None
        return found

    def __len__(self) -> int:
        return len(self.ids)

    def __iter__(self) -> Iterator[Verdict]:
        return (self[i] for i in range(len(self)))

    def __getitem__(self, i: int) -> Verdict:
        """Return the verdict on row i. For several rows at once use the arrays, or iterate."""
        i = range(len(self))[operator.index(i)]
        return Verdict(
            plain(self.ids[i]),
            plain(self.prediction[i]),
            float(self.risk[i]),
            float(self.confidence[i]),
            float(self.oddity[i]),
            self.route[i],
            tuple(self.reasons(i)),
            self.repair(i),
            self.doubt[i],
            None if self.novelty is None else float(self.novelty[i]),
        )

    def reasons(self, i: int) -> list[Reason]:
        """Return why row i is not beyond doubt, strongest first; empty for a row without anything to remark."""
        return _each_fault_once(self.reason_of(range(len(self))[i]))

    def repair(self, i: int) -> Repair | None:
        """Return the most plausible undamaged row and the model's answer to it, or None for a row that passes, or has none."""
        i = range(len(self))[i]
        return None if self.route[i] == "pass" else self.repair_of(i)

    @property
    def remarks(self) -> str:
        """What there is to say of the table as a whole, in one line: which columns are absent and which are not known; else ""."""
        found = self.reasons(0) if len(self) else []
        named = {code: [r.field for r in found if r.code == code and r.field is not None] for code in COLUMNS}
        return "; ".join(_on_columns(names, COLUMNS[code]) for code, names in named.items() if names)

    def to_dicts(self) -> list[dict[str, Any]]:
        """Return one plain dict per row, reasons and repair included."""
        return [verdict.to_dict() for verdict in self]

    def table(self) -> dict[str, list[Any]]:
        """Return the columns of a flat table: id, prediction, risk, confidence, oddity, outside, route, doubt, reason, repair, repaired_prediction.

        Texts and pictures have novelty, too.
        """
        columns: dict[str, list[Any]] = {
            "id": self.ids.tolist(),
            "prediction": [plain(v) for v in self.prediction],
            "risk": self.risk.tolist(),
            "confidence": self.confidence.tolist(),
            "oddity": self.oddity.tolist(),
            **({} if self.novelty is None else {"novelty": self.novelty.tolist()}),
            "outside": self.outside.tolist(),
            "route": self.route.tolist(),
            "doubt": self.doubt.tolist(),
            "reason": [],
            "repair": [],
            "repaired_prediction": [],
        }
        for i in range(len(self)):
            quiet = self.route[i] == "pass"
            reasons = [] if quiet else self.reasons(i)
            repair = None if quiet else self.repair(i)
            columns["reason"].append("; ".join(r.message for r in reasons[:3]))
            columns["repair"].append("" if repair is None else ", ".join(f"{k} → {_new(v)}" for k, v in repair.changes.items()))
            columns["repaired_prediction"].append(None if repair is None else plain(repair.prediction))
        return columns

    def to_pandas(self) -> Any:
        """Return a pandas table of `table()`."""
        return self._frame("pandas", "all")

    def to_polars(self) -> Any:
        """Return a Polars table of `table()`."""
        return self._frame("polars", "polars")

    def _frame(self, backend: Literal["pandas", "polars"], extra: str) -> Any:
        import narwhals.stable.v2 as nw

        from camelopard.core.errors import require

        require(backend, extra=extra)
        return nw.to_native(nw.from_dict(self.table(), backend=backend))

    def __repr__(self) -> str:
        counts = {route: int((self.route == route).sum()) for route in ("pass", "repair", "review", "block")}
        told = ", ".join(f"{n} {route}" for route, n in counts.items() if n or route == "pass")
        return f"<Verdicts: {len(self)} rows, {told}{f'; {self.remarks}' if self.remarks else ''}>"


def _each_fault_once(reasons: Sequence[Reason]) -> list[Reason]:
    """Return the reasons with one for what is wrong with how a cell is written, the first: a value that is not known breaks many rules at once."""
    found: dict[tuple[str | None, int | None], Reason] = {}
    unknown = {reason.field for reason in reasons if reason.code == "values"}
    for k, reason in enumerate(reasons):
        key = (reason.field, None if reason.code in WRITTEN and reason.field in unknown else k)
        same = found.get(key)
        found[key] = reason if same is None else replace(same, contribution=round(same.contribution + reason.contribution, 4))
    return list(found.values())


def _new(cell: Any) -> str:
    """Return a repaired cell in words; what goes to the model keeps all of its digits."""
    return precisely(cell) if isinstance(cell, float) else str(cell)


def _on_columns(names: Sequence[str], what: str) -> str:
    named = ", ".join(map(repr, names[:MOST_NAMED])) + (f" and {len(names) - MOST_NAMED} more" if len(names) > MOST_NAMED else "")
    return f"the columns {named} are {what}" if len(names) > 1 else f"the column {named} is {what}"


def refused(batch: Batch, why: str, code: str = "unreadable") -> Verdicts:
    """Return the verdict that blocks rows which nothing is known about but why."""
    from camelopard.firewall.overrides import Rows

    n = len(batch)
    reason = Reason(code, None, None, "a row that the model can answer", 1.0, why)
    nothing, route = np.full(n, None, dtype=object), np.full(n, "block", dtype=object)
    no, reasons = np.zeros(n, dtype=bool), lambda i: [reason]
    grounds = Grounds(no, no, ~no, no, Rows(batch, lambda: ((i, reason) for i in range(n))).fit, lambda seed, rows: np.ones(len(rows)), reasons)
    return Verdicts(batch.ids, nothing, None, np.ones(n), np.zeros(n), np.ones(n), route, reasons, lambda i: None, grounds)


def alone(verdicts: Verdicts, i: int) -> Verdicts:
    """Return the verdict on row i, as if it had come by itself."""
    here, of_all = slice(i, i + 1), Grounds.of(verdicts)
    doubts = of_all.doubts
    grounds = Grounds(
        of_all.alarmed[here],
        of_all.repairable[here],
        of_all.unreadable[here],
        of_all.held[here],
        lambda override: of_all.fit(override)[here],
        lambda seed, rows: of_all.tickets(seed, rows + i),
        lambda _: of_all.reason_of(i),
        of_all.repaired_wrong,
        of_all.tolerance,
        None if doubts is None else lambda: doubts()[here],
        of_all.labelled,
        None if of_all.outside is None else of_all.outside[here],
    )
    return Verdicts(
        np.arange(1),
        verdicts.prediction[here],
        None if verdicts.proba is None else verdicts.proba[here],
        verdicts.risk[here],
        verdicts.confidence[here],
        verdicts.oddity[here],
        verdicts.route[here],
        lambda _: verdicts.reason_of(i),
        lambda _: verdicts.repair_of(i),
        grounds,
        None if verdicts.chance is None else verdicts.chance[here],
        None if verdicts.novelty is None else verdicts.novelty[here],
    )


def joined(parts: Sequence[Verdicts]) -> Verdicts:
    """Return the verdicts of consecutive parts as one."""
    starts = np.cumsum([0, *(len(part) for part in parts)])

    def within(i: int) -> tuple[Verdicts, int]:
        k = int(np.searchsorted(starts, i, side="right")) - 1
        return parts[k], i - int(starts[k])

    def reasons(i: int) -> list[Reason]:
        part, local = within(i)
        return part.reasons(local)

    def repair(i: int) -> Repair | None:
        part, local = within(i)
        return part.repair_of(local)

    answers = Prediction.joined([Prediction(part.prediction, part.proba) for part in parts])
    return Verdicts(
        np.concatenate([part.ids for part in parts]),
        answers.value,
        answers.proba,
        np.concatenate([part.risk for part in parts]),
        np.concatenate([part.confidence for part in parts]),
        np.concatenate([part.oddity for part in parts]),
        np.concatenate([part.route for part in parts]),
        reasons,
        repair,
        _joined_grounds([Grounds.of(part) for part in parts], starts),
        None if all(part.chance is None for part in parts) else np.concatenate([part.propensity for part in parts]),
        _joined_novelty(parts),
    )


def _joined_novelty(parts: Sequence[Verdicts]) -> Floats | None:
    if all(part.novelty is None for part in parts):
        return None
    return np.concatenate([np.full(len(part), np.nan) if part.novelty is None else part.novelty for part in parts])


def _joined_grounds(parts: Sequence[Grounds], starts: Ints) -> Grounds:
    def fit(override: Override) -> Bools:
        return np.concatenate([part.fit(override) for part in parts])

    def tickets(seed: int, rows: Ints) -> Floats:
        found, part_of = np.empty(len(rows)), np.searchsorted(starts, rows, side="right") - 1
        for k, part in enumerate(parts):
            here = part_of == k
            found[here] = part.tickets(seed, rows[here] - starts[k])
        return found

    def reasons(i: int) -> list[Reason]:
        k = int(np.searchsorted(starts, i, side="right")) - 1
        return parts[k].reason_of(i - int(starts[k]))

    alarmed, repairable, unreadable, held = (
        np.concatenate([getattr(part, name) for part in parts]) for name in ("alarmed", "repairable", "unreadable", "held")
    )
    repaired_wrong = next((part.repaired_wrong for part in parts if part.repaired_wrong is not None), None)
    tolerance = next((part.tolerance for part in parts if part.tolerance is not None), None)

    def doubts() -> Objects:
        return np.concatenate([np.full(len(part.alarmed), DATA, dtype=object) if part.doubts is None else part.doubts() for part in parts])

    labelled = next((part.labelled for part in parts if part.labelled is not None), None)
    outside = np.concatenate([np.zeros(len(part.alarmed), dtype=bool) if part.outside is None else part.outside for part in parts])
    return Grounds(alarmed, repairable, unreadable, held, fit, tickets, reasons, repaired_wrong, tolerance, doubts, labelled, outside)
