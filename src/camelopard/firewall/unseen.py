"""How good will it be on damage that nobody thought of? Families of damage are left out in turn, and judged by what the others taught.

Damage to come is taken to be half of kinds that were tried and half of families that were not. Where the model's own doubt is surely better on both
together, the firewall falls back to that doubt, and says so: what knows the first well is not given up for the sake of the second alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from camelopard.confidence.quality import Resampled, mean_auroc
from camelopard.core.arrays import Bools, Floats
from camelopard.firewall.head import Head
from camelopard.firewall.learn import conclude, heard
from camelopard.firewall.learned import Learned
from camelopard.firewall.material import Lesson, Material
from camelopard.firewall.measure import figure
from camelopard.firewall.panel import SUMMARY, Panel
from camelopard.firewall.policy import Policy
from camelopard.firewall.risk_head import RiskHead

GROUPS = 4  # of families left out together: each head knows less than if only one were left out
FEWEST_FOOLED = 30


def concluded(panel: Panel, material: Material, alpha: float, rng: np.random.Generator, policy: Policy | None = None) -> Learned:
    """Conclude, and measure on damage never seen; fall back to the model's own doubt where that is surely better on the whole."""
    learned = conclude(panel, material, alpha, rng, policy=policy)
    taught = heard(panel, material)
    found = transfer(taught, learned.head.score(taught.check.table, taught.check.answer), rng, panel.summary, panel.certain)
    if found.get("falls_back"):
        learned = conclude(panel, material, alpha, rng, RiskHead(Head.of_doubt(panel.summary)), policy)
    return replace(learned, measured={**learned.measured, **found})


def transfer(
    material: Material, score: Floats, rng: np.random.Generator, summary: Sequence[str] = SUMMARY, seen: int | None = None
) -> dict[str, Any]:
    """Return the AUROC on families that the judge was not taught, that of the model's own doubt on the same rows, and whether to fall back to it.

    `score` holds what the judge that was taught all families says of the rows that calibrate; `summary` and `seen` are as for `RiskHead.learn`.
    Nothing, where fewer than FEWEST_FOOLED such rows fooled the model.
    """
    check = material.check
    groups = families(material)
    if len(groups) < 2 or int(check.fooled.sum()) < FEWEST_FOOLED:
        return {}
    unseen = []
    for group in groups:
        head = RiskHead.learn(material.without(group).lesson, rng, summary, seen)
        unseen.append((head.score(check.table, check.answer), np.isin(check.kind, group) | ~check.damaged))
    return compared(check, score, unseen, rng)


def compared(check: Lesson, seen: Floats, unseen: Sequence[tuple[Floats, Bools]], rng: np.random.Generator) -> dict[str, Any]:
    """Return the figures of both, and `falls_back`: the doubt is better even at the near end of the difference's interval.

    `seen` is the score of a judge that was taught every family, shape (n,); `unseen`, of each judge that was not, the score and which rows it is for:
    those of the families left out, and clean ones.
    """
    own = 1.0 - check.answer.shares.max(axis=1)
    rows, fooled, every = Resampled(check.origin, check.weight, rng), check.fooled, np.ones(len(seen), dtype=bool)
    ours, doubt = mean_auroc(unseen, fooled), mean_auroc([(own, among) for _, among in unseen], fooled)
    ours_seen, doubt_seen = mean_auroc([(seen, every)], fooled), mean_auroc([(own, every)], fooled)
    gain = rows.interval(lambda w: (ours(w) - doubt(w) + ours_seen(w) - doubt_seen(w)) / 2, least=-1.0)
    return {
        "auroc_unseen": figure(ours(check.weight), rows.interval(ours)),
        "auroc_unseen_by_own_doubt": figure(doubt(check.weight), rows.interval(doubt)),
        "falls_back": bool(gain.high < 0 and np.ptp(own) > 0),
    }


def families(material: Material) -> list[list[str]]:
    """Return kinds of damage in up to GROUPS groups of whole families."""
    tried = {*material.lesson.kind.tolist(), *material.check.kind.tolist()}
    kinds = sorted(str(kind) for kind in tried if kind)
    names = sorted({material.families.get(kind, kind) for kind in kinds})
    groups = [[kind for kind in kinds if material.families.get(kind, kind) in names[k::GROUPS]] for k in range(GROUPS)]
    return [group for group in groups if group]
