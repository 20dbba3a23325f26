"""What the firewall says: arrays for machines, reasons and repairs in words for people. Words are made only when asked for."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from camelopard.core.arrays import Array, Floats, Objects
from camelopard.core.batch import plain
from camelopard.core.records import Prediction, Reason, Repair, Verdict


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
    route
        "pass", "repair", "review" or "block".
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
        )

    def reasons(self, i: int) -> list[Reason]:
        """Return why row i is not beyond doubt, strongest first; empty for a row without anything to remark."""
        return self.reason_of(range(len(self))[i])

    def repair(self, i: int) -> Repair | None:
        """Return the most plausible undamaged row and the model's answer to it, or None for a row that passes, or has none."""
        i = range(len(self))[i]
        return None if self.route[i] == "pass" else self.repair_of(i)

    def to_dicts(self) -> list[dict[str, Any]]:
        """Return one plain dict per row, reasons and repair included."""
        return [verdict.to_dict() for verdict in self]

    def table(self) -> dict[str, list[Any]]:
        """Return the columns of a flat table: id, prediction, risk, confidence, oddity, route, reason, repair, repaired_prediction."""
        columns: dict[str, list[Any]] = {
            "id": self.ids.tolist(),
            "prediction": [plain(v) for v in self.prediction],
            "risk": self.risk.tolist(),
            "confidence": self.confidence.tolist(),
            "oddity": self.oddity.tolist(),
            "route": self.route.tolist(),
            "reason": [],
            "repair": [],
            "repaired_prediction": [],
        }
        for i in range(len(self)):
            quiet = self.route[i] == "pass"
            reasons = [] if quiet else self.reasons(i)
            repair = None if quiet else self.repair(i)
            columns["reason"].append("; ".join(r.message for r in reasons[:3]))
            columns["repair"].append("" if repair is None else ", ".join(f"{k} → {v}" for k, v in repair.changes.items()))
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
        return f"<Verdicts: {len(self)} rows, " + ", ".join(f"{n} {route}" for route, n in counts.items() if n or route == "pass") + ">"


def refused(ids: Array, why: str) -> Verdicts:
    """Return the verdict that blocks rows which nothing is known about but why."""
    n = len(ids)
    reason = Reason("unreadable", None, None, "a row that the model can answer", 1.0, why)
    nothing, route = np.full(n, None, dtype=object), np.full(n, "block", dtype=object)
    return Verdicts(ids, nothing, None, np.ones(n), np.zeros(n), np.ones(n), route, lambda i: [reason], lambda i: None)


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
        return part.repair(local)

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
    )
