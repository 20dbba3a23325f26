"""From evidence to verdicts: risk and confidence, what must not pass, what may be repaired, the route."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial

import numpy as np

from camelopard.core.arrays import Bools
from camelopard.core.batch import Batch
from camelopard.core.records import Reason
from camelopard.core.schema import Schema
from camelopard.evidence.reading import MISSING
from camelopard.firewall.contract import Contract
from camelopard.firewall.doubts import doubts
from camelopard.firewall.drawing import tickets
from camelopard.firewall.explain import Explainer
from camelopard.firewall.incoming import empty
from camelopard.firewall.learned import Learned
from camelopard.firewall.overrides import Rows, absent_segments, reasons_of
from camelopard.firewall.panel import Examination
from camelopard.firewall.policy import Policy
from camelopard.firewall.repairs import trusted
from camelopard.firewall.verdicts import Grounds, Verdicts


def judged(
    found: Examination,
    raw: Batch,
    problems: Mapping[int, str],
    remarks: Sequence[Reason],
    learned: Learned,
    schema: Schema,
    contract: Contract,
    policy: Policy,
    labelled: bool | None,
) -> Verdicts:
    """Return the verdicts on examined rows, routed by risk and confidence alone.

    `problems` says of rows, by position, why they could not be read; `remarks` are about the whole table.
    """
    batch, answer = found.batch, found.answer
    if found.reading.odd:
        problems = {**empty(batch, schema, found.reading.states[:, learned.panel.reader.whole] == MISSING), **problems}
    outside = learned.outside(found)
    oddity, novelty = learned.oddity(found), learned.novelty(found)
    held, able = _broken(contract, batch), np.zeros(len(batch), dtype=bool)
    unreadable = answer.failed.copy()
    if problems:
        unreadable[[i for i in problems if i < len(batch)]] = True
    if learned.risk is None:
        nothing = np.full(len(batch), np.nan)
        risk, confidence, alarmed = nothing, nothing, found.odd > learned.threshold.value
    else:
        said = learned.judge(answer, found.table)
        alarmed = said.score > learned.threshold.value
        risk, confidence = np.where(unreadable, 1.0, said.risk), np.where(unreadable, 0.0, said.confidence)
        held = held | outside if learned.head.learned else held  # a model that nothing was found to fool need not be spared what is odd
        able = _repairable(found, learned, problems)
    route = policy.route(risk, alarmed, able, unreadable, held, confidence=confidence if policy.costs is None else None)
    if policy.overrides:
        remarks = [*remarks, *absent_segments(policy.overrides, raw)]
    explainer = Explainer(found, learned.panel, schema, alarmed, outside, contract, remarks, problems)
    grounds = Grounds(
        alarmed,
        able,
        unreadable,
        held,
        Rows(raw, partial(reasons_of, explainer), remarks).fit,
        partial(tickets, batch),
        explainer.reasons,
        learned.measured.get("repaired_wrong"),
        learned.panel.tolerance if learned.panel.task == "regression" else None,
        None if learned.risk is None else partial(doubts, answer, risk, confidence, outside),
        labelled,
        outside,
    )
    return Verdicts(
        raw.ids, answer.value, answer.proba, risk, confidence, oddity, route, explainer.reasons, explainer.repair, grounds, novelty=novelty
    )


def _broken(contract: Contract, batch: Batch) -> Bools:
    """Return which rows break what a person set in the contract, shape (n,)."""
    rules = contract.rules()
    return np.zeros(len(batch), dtype=bool) if rules is None else np.asarray(rules.check(batch).broken.any(axis=1), dtype=bool)


def _repairable(found: Examination, learned: Learned, problems: Mapping[int, str]) -> Bools:
    """Return which rows have a repair to be trusted, shape (n,)."""
    able = np.zeros(len(found.batch), dtype=bool)
    if not len(found.impact.rows):
        return able
    able[found.impact.rows] = trusted(found, learned.panel, learned.trust)
    able[[i for i in problems if i < len(able)]] = False
    return able
