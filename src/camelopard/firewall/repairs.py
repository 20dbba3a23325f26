"""When is a repair to be trusted, and what is answered then?"""

from __future__ import annotations

import numpy as np

from camelopard.core.arrays import Bools, Ints, Objects
from camelopard.evidence.impact import CANDIDATES, PLACES
from camelopard.evidence.reading import MISSING, NumberEncoder
from camelopard.evidence.suspicion import hard
from camelopard.firewall.panel import STANDS_OUT, Examination, Panel


def trusted(found: Examination, panel: Panel) -> Bools:
    """Return which of the suspicious rows have a repair to be trusted, shape (m,).

    All plausible originals get the same answer from the model, and it is another one than the row got (or the row got none): a repair that changes
    nothing would only hide the doubt. And some cell is evidently damaged; a row that is merely unlikely may be true, and is for a person to judge.
    """
    impact = found.impact
    if impact.answers is None:
        return np.zeros(0, dtype=bool)
    answers = impact.answers.value.reshape(-1, CANDIDATES)[:, [*range(len(PLACES)), CANDIDATES - 2]].copy()
    impossible = hard(found.reading.states[impact.rows]).any(axis=1)
    answers[impossible, -1] = answers[impossible, 0]  # where the impossible cells explain the row, the others stay as they are
    failed: Bools = np.any(impact.answers.failed.reshape(-1, CANDIDATES), axis=1, keepdims=True)
    if panel.task == "regression":
        numbers = np.where(failed, 0.0, answers).astype(np.float64)
        agree = np.ptp(numbers, axis=1) <= panel.tolerance
    else:
        agree = np.asarray(answers == answers[:, :1], dtype=bool).all(axis=1)
    helps = impact.moved[:, 0] | found.answer.failed[impact.rows]
    return np.asarray(agree & helps & ~failed[:, 0] & evident(found, panel, impact.rows))


def evident(found: Examination, panel: Panel, rows: Ints) -> Bools:
    """Return which of these rows hold a cell that clean data never showed: impossible, out of range, or missing where next to nothing was."""
    states = found.reading.states[rows]
    damaged = hard(states) | ((states == MISSING) & (panel.null_costs >= STANDS_OUT * panel.never))
    for j, encoder in enumerate(panel.reader.encoders):
        if isinstance(encoder, NumberEncoder):
            values = found.reading.values[rows, j]
            damaged[:, j] |= (values < encoder.low) | (values > encoder.high)
    return np.asarray(damaged.any(axis=1))


def repaired_answers(found: Examination, panel: Panel) -> Objects:
    """Return the model's answer to the repaired row where a repair is to be trusted, None elsewhere, shape (n,)."""
    answers: Objects = np.full(len(found.answer), None, dtype=object)
    if found.impact.answers is not None and len(found.impact.rows):
        sure = np.flatnonzero(trusted(found, panel))
        answers[found.impact.rows[sure]] = found.impact.answers.value.reshape(-1, CANDIDATES)[sure, 0]
    return answers
