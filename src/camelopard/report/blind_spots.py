"""What a firewall cannot see, in sentences: what gets past it, the damage that it tells worst, and what it has no figure for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from camelopard.report import document as given
from camelopard.report import wording

WELL = 0.95  # AUROC from which a kind counts as seen
MOST = 5  # kinds that are named
FEWEST = 10  # rows that fooled the model, for a kind to have an AUROC worth naming


def blind_spots(found: Any) -> list[str]:
    """Return what a firewall was measured not to see; nothing where nothing was measured.

    >>> measured = {"fooled_caught": {"value": 0.93, "low": 0.9, "high": 0.96}, "by_kind": {"glass-blur": {"n": 60, "fooled": 0.35, "auroc": 0.9}}}
    >>> for line in blind_spots({"measured": measured}): print(line.replace(wording.SPACE, " "))
    Of the rows that fool the model, 7 % (4–10 %) are not stopped.
    It tells worst: glass blur (fools the model in 35 % of rows, AUROC 0.900).
    """
    kinds = [(wording.kind_words(kind), row) for kind, row in given.pairs(found, "measured", "by_kind") if isinstance(row, Mapping)]
    return [*_missed(found), *_worst(kinds), *_untaught(found), *_unknown(kinds)]


def _missed(found: Any) -> list[str]:
    caught, low, high = (given.number(found, "measured", "fooled_caught", part) for part in ("value", "low", "high"))
    if caught is None or given.entry(found, "threshold", "alarms_possible") is False:
        return []
    between = "" if low is None or high is None else f" ({wording.span(1 - high, 1 - low)})"
    return [f"Of the rows that fool the model, {wording.percent(1 - caught)}{between} are not stopped."]


def _worst(kinds: Sequence[tuple[str, Mapping[str, Any]]]) -> list[str]:
    areas = [(given.number(row, "auroc"), name, row) for name, row in kinds if _fooled(row) >= FEWEST]
    hard = sorted(((area, name, row) for area, name, row in areas if area is not None and area < WELL), key=lambda kind: kind[:2])
    if not hard:
        return []
    named = [f"{name} (fools the model in {wording.percent(given.number(row, 'fooled'))} of rows, AUROC {area:.3f})" for area, name, row in hard]
    more = _others(len(hard) - MOST)
    return [f"It tells worst: {', '.join(named[:MOST])}{more and f',{more} below {WELL:g}'}."]


def _untaught(found: Any) -> list[str]:
    taught, untaught = (given.number(found, "measured", key, "value") for key in ("auroc_fooled", "auroc_unseen"))
    own = given.number(found, "measured", "auroc_unseen_by_own_doubt", "value")
    if taught is None or untaught is None or round(untaught, 2) >= round(taught, 2):
        return []
    beside = "" if own is None else f"; the model’s own confidence has {own:.2f} there"
    return [f"Of damage unlike anything that it was taught it sees less: an AUROC of {untaught:.2f} instead of {taught:.2f}{beside}."]


def _unknown(kinds: Sequence[tuple[str, Mapping[str, Any]]]) -> list[str]:
    few = sorted(name for name, row in kinds if 0 < _fooled(row) < FEWEST)
    if not few:
        return []
    return [f"Fewer than {FEWEST} rows say how well it tells {', '.join(few[: 2 * MOST])}{_others(len(few) - 2 * MOST)}."]


def _fooled(row: Mapping[str, Any]) -> int:
    """Return how many rows of a kind fooled the model."""
    return round((given.number(row, "n") or 0.0) * (given.number(row, "fooled") or 0.0))


def _others(n: int) -> str:
    return f" and {n} other kind{'s' if n > 1 else ''}" if n > 0 else ""
