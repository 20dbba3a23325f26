"""One row that was fooled, as plain data for a report: what changed in it, and what the model said before and after."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from camelopard.core.batch import Batch, plain
from camelopard.core.errors import CamelopardError
from camelopard.core.records import Prediction
from camelopard.core.schema import Schema

if TYPE_CHECKING:
    from camelopard.stress.runner import Case

MOST_CHANGES = 30  # changed cells that are kept


def example(case: Case, base: Batch, schema: Schema) -> dict[str, Any] | None:
    """Return one row that was fooled, the one on which the model was surest before: what changed, and the answer before and after."""
    i = surest(case)
    if i is None:
        return None
    return dict(case.example) if case.example is not None else shown(case, i, base.row(int(case.rows[i])), case.batch.row(i), schema)


def surest(case: Case) -> int | None:
    """Return which of the case's rows that were fooled, visibly if any was, is the one on which the model was surest before; None without any."""
    hits = np.flatnonzero(case.fooled & case.visible) if (case.fooled & case.visible).any() else np.flatnonzero(case.fooled)
    if not len(hits):
        return None
    sure = [_confidence(case.before, int(i)) or 0.0 for i in hits]
    return int(hits[int(np.argmax(sure))])


def shown(case: Case, i: int, original: Mapping[str, Any], damaged: Mapping[str, Any], schema: Schema) -> dict[str, Any]:
    """Return row i of a case as plain data: what changed in it, and the answer before and after."""
    changes = {
        name: [_shown(row.get(name), original.get(name), name, schema) for row in (original, damaged)]
        for name in {**original, **damaged}
        if not _same(original.get(name), damaged.get(name)) or (name in original) != (name in damaged)
    }
    return {
        "row": int(case.rows[i]),
        "changes": {name: changes[name] for name in list(changes)[:MOST_CHANGES]},
        "answer": [plain(case.before.value[i]), plain(case.after.value[i])],
        "confidence": [_confidence(case.before, i), _confidence(case.after, i)],
    }


def _confidence(answer: Prediction, i: int) -> float | None:
    return None if answer.proba is None or answer.errors[i] is not None else float(answer.proba[i].max())


def _same(before: Any, after: Any) -> bool:
    if isinstance(before, np.ndarray) and isinstance(after, np.ndarray):
        return before.dtype == after.dtype and np.array_equal(before, after, equal_nan=before.dtype.kind == "f")
    return repr(before) == repr(after)


def _shown(value: Any, original: Any, name: str, schema: Schema) -> Any:
    """Return a cell as plain data: a picture drawn small, whole numbers without a fraction, and what JSON has no word for as text.

    A damaged picture is drawn as the model sees it, which takes black and white for what they were in the `original`.
    """
    if isinstance(value, (np.ndarray, bytes)):
        return _drawn(value, original)
    if isinstance(value, float):
        if not np.isfinite(value):
            return str(value)
        column = schema.columns.get(name)
        return int(value) if column is not None and column.integral and value == round(value) and abs(value) < 2**53 else value
    return value if value is None or isinstance(value, (str, int, bool)) else str(value)


def _drawn(value: Any, original: Any) -> Any:
    from camelopard.modality.image_files import unpacked
    from camelopard.report.picture import drawn, usual_span

    if isinstance(value, np.ndarray):
        return drawn(value, usual_span(original) if isinstance(original, np.ndarray) and original.size else None)
    try:
        found = drawn(unpacked(value))
    except CamelopardError as error:
        return {"words": f"a file of {len(value):,} bytes: {error}"}
    return {**found, "words": f"a file of {len(value):,} bytes, {found['words']}"}
