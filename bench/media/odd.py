"""Texts that are no text of this kind: which share of them is odder than 99 of 100 clean ones, at every dose of the damage."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from bench.media.data import Task
from camelopard.core.batch import Batch
from camelopard.core.records import Prediction
from camelopard.firewall.learned import Learned
from camelopard.firewall.training import Prepared
from camelopard.stress.damages import named
from camelopard.stress.runner import run
from camelopard.stress.truth import Truth

KINDS = (
    "other-language", "other-script", "other-alphabet", "look-alike-letters", "utf16-as-bytes", "utf8-as-utf16", "utf8-as-cp1252", "lost-characters",
    "ascii-only", "empty-text", "glued-texts",
)  # fmt: skip
ROWS = 200  # of a kind at a dose
CLEAN = ""
FEWEST = 30  # texts that a share is told of


def odd_texts(task: Task, ready: Prepared, learned: Learned, seed: int) -> dict[str, dict[str, list[int]]]:
    """Return per kind and dose how many test rows the damage changed, and how many of them are odder than all but 1 % of the clean rows that
    calibrated. A kind without doses has one; CLEAN stands for the rows as they are."""
    schema, session = ready.schema, task.model.session(None, thrifty=True)
    clean = schema.conform(Batch.of(task.test.X))

    def counted(batch: Batch, answer: Prediction) -> list[int]:
        if not len(batch):
            return [0, 0]
        found = ready.panel.examine(batch.renumbered(), answer, session, schema.form)
        return [len(batch), int((learned.oddity(found) >= 0.99).sum())]

    damages, truth, rng = [named(kind) for kind in KINDS], Truth("classification", 0.0), np.random.default_rng([seed, 13])
    cases = run(session, clean, schema, truth, damages, rng=rng, rows_per_case=ROWS, pool=len(clean))
    found = {CLEAN: {"0": counted(clean, session.predict(clean))}}
    for case in cases:
        some = np.flatnonzero(case.changed & ~case.after.failed)
        found.setdefault(case.kind, {})[str(case.severity)] = counted(schema.conform(case.batch).take(some), case.after.take(some))
    return found


def told(found: Sequence[Mapping[str, Mapping[str, Sequence[int]]]]) -> list[str]:
    """Return the table of what was found with all seeds together."""
    lines = [
        "Odd beyond 99 % of clean texts, of those that the damage changed, from its smallest dose to its largest (for other languages, scripts and "
        "alphabets 10, 20, 40, 70 and 100 % of the words; for glued texts half of another one, then one, two, three and five), and the mean of the "
        f"doses; – where fewer than {FEWEST} texts changed:",
        "",
        "| damage | 1 | 2 | 3 | 4 | 5 | mean |",
        "|---|---|---|---|---|---|---|",
    ]
    for kind in KINDS:
        doses = {dose for run in found for dose in run.get(kind, {})}
        shares = {dose: _share([run[kind][dose] for run in found if dose in run.get(kind, {})]) for dose in doses}
        cells = [_percent(shares.get(str(k)) if len(doses) > 1 else None) for k in range(1, 6)]
        known = [share for share in shares.values() if share is not None]
        lines.append(f"| {kind} | {' | '.join(cells)} | {_percent(float(np.mean(known)) if known else None)} |")
    return [*lines, "", f"Clean texts found as odd: {_percent(_share([run[CLEAN]['0'] for run in found]), 1)}."]


def _share(counts: Sequence[Sequence[int]]) -> float | None:
    changed, odd = np.sum(counts, axis=0).tolist()
    return odd / changed if changed >= FEWEST else None


def _percent(share: float | None, digits: int = 0) -> str:
    return "–" if share is None else f"{share:.{digits}%}"
