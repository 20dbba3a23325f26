"""What a run will try, and what it will cost, before the model is asked anything.

Steps are in an order such that stopping at any moment leaves a balanced picture: severity 3 of everything, round the kinds, then 5, then the rest.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from camelopard.core.protocols import Damage
from camelopard.core.schema import Schema

FEWEST, MOST = 10, 200  # rows per case
FEWEST_PICTURES = 4  # rows per case, of pictures so large that more of them take too long
MOST_TARGETS = 60  # targets per kind; beyond them some are drawn
ORDER = (3, 5, 1, 4, 2)  # severities, the most telling first
RESERVE = 0.1  # of the budget: rows that are asked again, alone, because their group raised

Step = tuple[Damage, str, int]


@dataclass(frozen=True)
class Plan:
    """What a run will try.

    steps
        (damage, target, severity), in the order in which they are tried.
    rows_per_case
        Rows for each of them.
    pool
        Clean rows they are drawn from.
    model_rows
        Rows that the model will be asked at most, the floor included, the pool itself not. Rows already asked cost nothing, so it may be fewer.
    targets_left_out
        Columns and pairs that were left out to keep the budget, summed over the kinds.
    broken
        Why a damage could not even say what it can be done to, by kind.
    fewer
        Whether pictures are so large that fewer are damaged than the budget allows.
    """

    steps: tuple[Step, ...]
    rows_per_case: int
    pool: int
    model_rows: int
    targets_left_out: int
    broken: Mapping[str, str]
    fewer: bool = False


def plan(
    damages: Sequence[Damage],
    schema: Schema,
    pool: int,
    budget: int,
    rng: np.random.Generator,
    *,
    rows_per_case: int | None = None,
    at_once: int = MOST,
    pictures: int | None = None,
) -> Plan:
    """Return what will be tried on rows from a pool of this size within `budget` model rows.

    Where the budget does not reach for FEWEST rows per case, or a kind has more than MOST_TARGETS targets, some targets per kind are drawn.
    With `rows_per_case` given, the budget is not looked at.

    Parameters
    ----------
    at_once
        Rows of a case at most, because all of them are in memory at once.
    pictures
        Damaged pictures in all; None for no limit. First there are fewer rows per case, then fewer severities, but each kind is tried at one.
    """
    targets: dict[str, list[str]] = {}
    broken: dict[str, str] = {}
    for damage in damages:
        try:
            targets[damage.kind] = list(dict.fromkeys(damage.targets(schema)))
        except Exception as error:  # a damage may be anyone's; what it raises becomes a finding
            broken[damage.kind] = f"{type(error).__name__}: {error}"
    sound = [damage for damage in damages if damage.kind in targets]
    order = {kind: rng.permutation(len(found)) for kind, found in targets.items()}
    limit = min(MOST_TARGETS, max((len(found) for found in targets.values()), default=1))
    while True:
        chosen = {kind: [found[i] for i in np.sort(order[kind][:limit])] for kind, found in targets.items()}
        steps = _steps(sound, chosen)
        weight = len(steps) + 2 * len({(target, severity) for _, target, severity in steps})  # cases; a legal and the typical value for each place
        affordable = int((1 - RESERVE) * budget) // max(weight, 1)
        if rows_per_case is not None or affordable >= FEWEST or limit == 1:
            break
        limit = max(1, min(limit - 1, limit * affordable // FEWEST))
    n = int(np.clip(affordable, FEWEST, MOST)) if rows_per_case is None else rows_per_case
    n = max(1, min(n, pool if pool < 5 * FEWEST else pool // 5))  # a fifth of the pool: severities get rows of their own
    left_out = sum(len(found) - len(chosen[kind]) for kind, found in targets.items())
    whole = n, len(steps)
    n = min(n, max(at_once, FEWEST_PICTURES))
    if pictures is not None and pictures < n * len(steps):
        n = min(n, max(pictures // len(steps), FEWEST_PICTURES))
        steps = steps[: max(pictures // n, sum(severity == ORDER[0] for _, _, severity in steps))]
        weight = len(steps) + 2 * len({(target, severity) for _, target, severity in steps})
    return Plan(tuple(steps), n, pool, weight * n, left_out, broken, (n, len(steps)) != whole)


def _steps(damages: Sequence[Damage], targets: Mapping[str, Sequence[str]]) -> list[Step]:
    longest = max((len(found) for found in targets.values()), default=0)
    return [
        (damage, targets[damage.kind][place], severity)
        for severity in ORDER
        for place in range(longest)
        for damage in damages
        if place < len(targets[damage.kind]) and (severity == ORDER[0] or getattr(damage, "graded", True))
    ]
