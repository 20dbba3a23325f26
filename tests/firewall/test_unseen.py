"""Damage that was not taught: measured apart; and a judge that does not carry over gives way to the model's own doubt."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from camelopard.core.arrays import Bools, Floats, objects
from camelopard.core.records import Prediction
from camelopard.firewall.head import Head
from camelopard.firewall.material import Lesson, Material
from camelopard.firewall.panel import SUMMARY
from camelopard.firewall.summary import quality
from camelopard.firewall.unseen import compared, families, transfer

DOUBT, LOGIT = (SUMMARY.index(name) for name in ("doubt", "logit"))


def lesson(rng: np.random.Generator, n: int, *, misleading: bool) -> Lesson:
    """Four kinds of damage, half of each fooling. Doubt always tells; one more column tells, or tells the opposite in every other kind."""
    kind = np.array(["", "a", "b", "c", "d"])[rng.integers(0, 5, n)]
    fooled: Bools = (kind != "") & (rng.random(n) < 0.5)
    own = np.where(fooled, rng.normal(0.5, 0.4, n), rng.normal(2.0, 0.8, n))
    table = rng.normal(size=(n, len(SUMMARY))) * 0.1
    table[:, LOGIT], table[:, DOUBT] = own, 1 / (1 + np.exp(own))
    sign: Floats = np.where(np.isin(kind, ["a", "c"]), 1.0, -1.0) if misleading else np.ones(n)
    table[:, SUMMARY.index("nearest")] = np.where(fooled, 3.0, 0.0) * sign + rng.normal(size=n) * 0.2
    if misleading:
        table[:, LOGIT + 1 : SUMMARY.index("nearest")] += 5 * (np.arange(5) == np.unique(kind, return_inverse=True)[1][:, None]).sum(axis=1)[:, None]
    p = 1 / (1 + np.exp(-own))
    answer = Prediction(objects(["x"] * n), np.column_stack([p, 1 - p]), None, np.full(n, None, dtype=object), ("x", "y"))
    return Lesson(table, fooled, kind != "", np.ones(n), np.zeros(n), answer, np.arange(n), kind)


def material(*, misleading: bool) -> Material:
    rng = np.random.default_rng(0)
    parts = [lesson(rng, n, misleading=misleading) for n in (3000, 2000)]
    right = [~part.fooled for part in parts]
    return Material(parts[0], parts[1], right[0], right[1], True, {"a": "one", "b": "two", "c": "one", "d": "two"})


def tried(some: Material) -> dict[str, Any]:
    """Return what is found of families left out, beside a head that was taught all of them."""
    rng = np.random.default_rng(1)
    head = Head.of_risk(some.lesson.table, some.lesson.fooled, some.lesson.weight, rng)
    return transfer(some, head.score(some.check.table), rng)


def test_families_are_left_out_whole() -> None:
    assert families(material(misleading=False)) == [["a", "c"], ["b", "d"]]


def test_what_carries_over_is_kept() -> None:
    found = tried(material(misleading=False))
    assert found["auroc_unseen"]["value"] > found["auroc_unseen_by_own_doubt"]["value"] > 0.8
    assert found["auroc_unseen"]["low"] <= found["auroc_unseen"]["value"] <= found["auroc_unseen"]["high"]
    assert not found["falls_back"]


def test_what_does_not_carry_over_gives_way_to_the_models_own_doubt() -> None:
    found = tried(material(misleading=True))
    assert found["auroc_unseen"]["high"] < found["auroc_unseen_by_own_doubt"]["low"]
    assert found["falls_back"]


def test_what_knows_the_damage_that_was_tried_is_kept_where_only_the_rest_is_better_known_to_the_model() -> None:
    check, rng = material(misleading=False).check, np.random.default_rng(2)
    own: Floats = 1.0 - np.max(check.answer.proba, axis=1)  # type: ignore[arg-type]
    slightly: Floats = own + rng.normal(size=len(own)) * 0.05
    unseen = [(slightly, np.ones(len(own), dtype=bool))]
    knows: Floats = check.fooled.astype(np.float64)
    assert not compared(check, knows, unseen, rng)["falls_back"]
    assert compared(check, slightly, unseen, rng)["falls_back"]


def test_judges_that_were_not_taught_a_family_are_each_judged_on_their_own() -> None:
    check, rng = material(misleading=False).check, np.random.default_rng(2)
    halves = [check.origin % 2 == k for k in (0, 1)]
    knows: Floats = check.fooled.astype(np.float64)
    found = compared(check, knows, [(knows, halves[0]), (knows - 5.0, halves[1])], rng)  # on scales of their own
    assert found["auroc_unseen"]["value"] == 1.0


def test_too_little_that_fools_says_nothing() -> None:
    some = material(misleading=False)
    none = replace(some.check, fooled=np.zeros(2000, dtype=bool))
    assert tried(replace(some, check=none)) == {}


def test_the_head_of_doubt_ranks_as_the_model_does() -> None:
    table = np.zeros((4, len(SUMMARY) + 3))
    table[:, LOGIT] = [13.0, 2.0, 0.1, -1.0]
    score = Head.of_doubt().score(table)
    assert score == pytest.approx([-13.0, -2.0, -0.1, 1.0])


def test_a_doubt_that_is_the_same_for_every_row_is_nothing_to_fall_back_to() -> None:
    some = material(misleading=True)
    n = len(some.check.table)
    flat = replace(some.check.answer, proba=np.full((n, 2), 0.5))
    check = replace(some.check, answer=flat)
    assert not tried(replace(some, check=check))["falls_back"]


def test_people_are_told_of_both() -> None:
    figure = {"value": 0.9, "low": 0.8, "high": 0.95}
    measured = {
        "rows": {"clean": 10, "damaged": 10, "fooled": 5, "origins": 10},
        **dict.fromkeys(("auroc_fooled", "auroc_fooled_by_own_doubt", "auroc_fooled_by_oddity", "fooled_caught", "harmless_flagged"), figure),
        **dict.fromkeys(("auroc_unseen", "auroc_unseen_by_own_doubt"), figure),
        "falls_back": True,
        "ece_risk": 0.01,
        "by_kind": {},
    }
    text = "\n".join(quality(measured))
    assert "families of damage that it was not taught" in text
    assert "risk is read from that alone" in text
    assert "alone" not in "\n".join(quality({**measured, "falls_back": False}))
