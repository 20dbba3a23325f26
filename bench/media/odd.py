"""Texts that are no text of this kind: which share of them is odder than 99 of 100 clean ones, at every dose of the damage."""

from __future__ import annotations

import numpy as np

from bench.media.data import Task
from camelopard.core.arrays import Ints
from camelopard.core.batch import Batch
from camelopard.core.records import Prediction
from camelopard.firewall.learned import Learned
from camelopard.firewall.training import Prepared
from camelopard.stress.damages import named
from camelopard.stress.runner import Case, run
from camelopard.stress.truth import Truth

KINDS = (
    "other-language", "other-script", "other-alphabet", "look-alike-letters", "utf16-as-bytes", "utf8-as-utf16", "utf8-as-cp1252", "lost-characters",
    "ascii-only", "empty-text", "glued-texts",
)  # fmt: skip
ROWS = 200  # of a kind at a dose
CLEAN = ""


def odd_texts(task: Task, ready: Prepared, learned: Learned, seed: int) -> dict[str, list[float]]:
    """Return per kind the share of damaged test rows that are odder than all but 1 % of the clean rows that calibrated, at each dose in turn; a kind
    without doses has one. Under CLEAN, the share of clean rows."""
    schema, session = ready.schema, task.model.session(None, thrifty=True)
    clean = schema.conform(Batch.of(task.test.X))

    def share(batch: Batch, answer: Prediction) -> float:
        found = ready.panel.examine(batch, answer, session, schema.form)
        return float((learned.oddity(found) >= 0.99).mean())

    damages, truth, rng = [named(kind) for kind in KINDS], Truth("classification", 0.0), np.random.default_rng([seed, 13])
    cases = run(session, clean, schema, truth, damages, rng=rng, rows_per_case=ROWS, pool=len(clean))
    found = {CLEAN: [share(clean, session.predict(clean))]}
    for case in sorted(cases, key=lambda case: (KINDS.index(case.kind), case.severity)):
        some = np.flatnonzero(case.changed & ~case.after.failed)
        if len(some):
            found.setdefault(case.kind, []).append(share(*_of(case, schema.conform(case.batch), some)))
    return found


def _of(case: Case, batch: Batch, rows: Ints) -> tuple[Batch, Prediction]:
    return batch.take(rows).renumbered(), case.after.take(rows)


def told(found: list[dict[str, list[float]]]) -> list[str]:
    """Return the table of what was found with each seed."""
    lines = [
        "Odd beyond 99 % of clean texts, from the smallest dose of the damage to the largest (for other languages, scripts and alphabets 10, 20, 40, "
        "70 and 100 % of the words; for glued texts half of another one, then one, two, three and five):",
        "",
        "| damage | 1 | 2 | 3 | 4 | 5 | all |",
        "|---|---|---|---|---|---|---|",
    ]
    for kind in KINDS:
        runs = [run[kind] for run in found if kind in run]
        doses = [float(np.mean([run[k] for run in runs if k < len(run)])) for k in range(max(map(len, runs), default=0))]
        if doses:
            cells = [f"{share:.0%}" for share in doses] if len(doses) > 1 else ["–"] * 5
            lines.append(f"| {kind} | {' | '.join(cells)} | {np.mean(doses):.0%} |")
    clean = np.mean([run[CLEAN][0] for run in found])
    return [*lines, "", f"Clean texts found as odd: {clean:.1%}."]
