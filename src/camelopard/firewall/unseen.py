"""How good will it be on damage that nobody thought of? Families of damage are left out in turn, and judged by what the others taught.

Damage to come is taken to be half of kinds that were tried and half of families that were not. Where the model's own doubt is surely better on both
together, the firewall falls back to that doubt, and says so: what knows the first well is not given up for the sake of the second alone.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from camelopard.confidence.quality import Resampled, auroc
from camelopard.core.arrays import Floats
from camelopard.evidence.doubt import class_scores
from camelopard.firewall.head import Head
from camelopard.firewall.learn import conclude, risk_of
from camelopard.firewall.learned import Learned
from camelopard.firewall.material import Lesson, Material
from camelopard.firewall.measure import figure
from camelopard.firewall.panel import Panel

GROUPS = 4  # of families left out together: each head knows less than if only one were left out
FEWEST_FOOLED = 30


def concluded(panel: Panel, material: Material, alpha: float, rng: np.random.Generator) -> Learned:
    """Conclude, and measure on damage never seen; fall back to the model's own doubt where that is surely better on the whole."""
    learned = conclude(panel, material, alpha, rng)
    found = transfer(material, learned.head.score(material.check.table), rng)
    if found.get("falls_back"):
        learned = conclude(panel, material, alpha, rng, Head.of_doubt())
    return replace(learned, measured={**learned.measured, **found})


def transfer(material: Material, score: Floats, rng: np.random.Generator) -> dict[str, Any]:
    """Return the AUROC on families that the judge was not taught, that of the model's own doubt on the same rows, and whether to fall back to it.

    `score` holds what the judge that was taught all families says of the rows that calibrate. Nothing, where fewer than FEWEST_FOOLED such rows
    fooled the model.
    """
    check = material.check
    groups = families(material)
    if len(groups) < 2 or int(check.fooled.sum()) < FEWEST_FOOLED:
        return {}
    dealt = rng.integers(0, len(groups), len(check.table))
    risk = np.zeros(len(check.table))
    for k, group in enumerate(groups):
        part = material.without(group)
        head = Head.of_risk(part.lesson.table, part.lesson.fooled, part.lesson.weight, rng)
        mine = np.isin(check.kind, group) | (~check.damaged & (dealt == k))
        risk[mine] = risk_of(part.check, head.score(part.check.table)).probability(head.score(check.table[mine])[:, None])
    return compared(check, score, risk, rng)


def compared(check: Lesson, seen: Floats, unseen: Floats, rng: np.random.Generator) -> dict[str, Any]:
    """Return the figures of both, and `falls_back`: the doubt is better even at the near end of the difference's interval.

    `seen` and `unseen` are scores of the same rows, by judges that were taught their family and that were not, shape (n,).
    """
    own = 1.0 - class_scores(check.answer).max(axis=1)
    rows, fooled, w = Resampled(check.origin, check.weight, rng), check.fooled, check.weight
    gain = rows.gain(fooled, (seen, own), (unseen, own))
    return {
        "auroc_unseen": figure(auroc(unseen, fooled, w), rows.auroc(unseen, fooled)),
        "auroc_unseen_by_own_doubt": figure(auroc(own, fooled, w), rows.auroc(own, fooled)),
        "falls_back": bool(gain.high < 0 and np.ptp(own) > 0),
    }


def families(material: Material) -> list[list[str]]:
    """Return kinds of damage in up to GROUPS groups of whole families."""
    tried = {*material.lesson.kind.tolist(), *material.check.kind.tolist()}
    kinds = sorted(str(kind) for kind in tried if kind)
    names = sorted({material.families.get(kind, kind) for kind in kinds})
    groups = [[kind for kind in kinds if material.families.get(kind, kind) in names[k::GROUPS]] for k in range(GROUPS)]
    return [group for group in groups if group]
