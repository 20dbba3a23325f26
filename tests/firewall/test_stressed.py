"""Damaged rows are drawn and ordered so that evidence may end after any of them."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from camelopard.core.arrays import Bools
from camelopard.core.batch import Batch
from camelopard.core.records import Prediction
from camelopard.core.schema import Schema
from camelopard.firewall import stressed as module
from camelopard.firewall.portions import Stack
from camelopard.firewall.stressed import Stressed, gather
from camelopard.stress.runner import Case

N = 240
ROWS = Batch.of({"x": np.arange(float(N))})
SCHEMA = Schema.infer(ROWS)
FOOLED = {"d": 100, "a": 60, "c": 0, "b": 5}  # of the 120 rows that each kind of damage changed
MOST = 160  # a quota of 40 for each kind
DRAWN = {"a": 20, "b": 5, "c": 0, "d": 20}  # of these, fooled ones


def cases() -> list[Case]:
    """Two cases of every kind, of 120 rows each, of which every second one changed."""
    rng, found = np.random.default_rng(0), []
    for kind, count in FOOLED.items():
        hit = rng.permutation(np.arange(120) < count)
        for half in hit[:60], hit[60:]:
            rows, changed, fooled = np.sort(rng.permutation(N)[:120]), np.arange(120) % 2 == 0, np.zeros(120, dtype=bool)
            fooled[changed], no = half, np.zeros(120, dtype=bool)
            before = Prediction(np.array([f"{kind} {'fooled' if hit else 'not'}" for hit in fooled.tolist()], dtype=object))  # to know them again
            found.append(Case(kind, "range", "x", 1, True, rows, ROWS.take(rows), before, before, fooled, fooled, no, changed, no, no, no))
    return found


def drawn(most: int = MOST, seed: int = 0, *, enriched: bool = True, of_stack: int | None = None) -> Stressed:
    found = gather(cases(), SCHEMA, most, np.random.default_rng(seed), enriched=enriched, of_stack=of_stack)
    assert found is not None
    return found


def fooled_of(found: Stressed) -> Bools:
    return np.array([value.endswith("fooled") for value in found.before.value.tolist()])


@pytest.mark.parametrize("seed", range(5))
def test_every_beginning_of_the_order_has_the_kinds_alike_and_fooled_rows_by_turns(seed: int) -> None:
    found = drawn(seed=seed)
    hit = fooled_of(found)
    assert sorted(found.order) == list(range(MOST))
    assert {kind: int(hit[found.kind == kind].sum()) for kind in FOOLED} == DRAWN
    for end in range(1, MOST + 1):
        first = found.order[:end]
        counts = [int((found.kind[first] == kind).sum()) for kind in FOOLED]
        assert max(counts) - min(counts) <= 1
        for kind, most in DRAWN.items():
            some = first[found.kind[first] == kind]
            assert abs(int(hit[some].sum()) - min(most, (len(some) + 1) // 2)) <= 1, "those that fooled the model come by turns while there are any"


def test_which_kind_comes_first_and_which_rows_is_left_to_the_seed() -> None:
    first = [drawn(seed=seed) for seed in range(40)]
    assert set(Counter(found.kind[found.order[0]] for found in first)) == set(FOOLED)
    assert len({tuple(found.origin[found.order[:8]]) for found in first}) == 40
    one, again = drawn(seed=3), drawn(seed=3)
    assert one.order.tolist() == again.order.tolist() and one.origin.tolist() == again.origin.tolist()


@pytest.mark.parametrize("end", [8, 37, MOST])
def test_what_was_examined_stands_for_all_rows_of_its_kind_wherever_it_ends(end: int) -> None:
    found = drawn()
    some = found.order[:end]
    weight = found.stands_for(some)
    for kind, fooled in FOOLED.items():
        for hit, size in (True, fooled), (False, 120 - fooled):
            part = (found.kind[some] == kind) & (fooled_of(found)[some] == hit)
            assert weight[part].sum() == pytest.approx(size if part.any() else 0)


def test_the_share_of_fooled_rows_among_all_is_known_from_any_beginning_with_both() -> None:
    truth = np.mean([count / 120 for count in FOOLED.values()])
    for seed in range(20):
        found = drawn(seed=seed)
        some = found.order[:24]  # six of a kind, three of them fooled ones where there are any
        assert np.average(fooled_of(found)[some], weights=found.stands_for(some)) == pytest.approx(truth)
        assert fooled_of(found)[some].mean() > truth - 0.02


def test_rows_not_enriched_are_a_plain_draw_of_those_that_changed() -> None:
    found = drawn(enriched=False)
    assert (found.stratum % 2 == 0).all()
    assert 0.3 < fooled_of(found)[found.kind == "a"].mean() < 0.7
    assert (found.stands_for(found.order) == 3).all()  # 40 of 120 drawn of each kind
    assert Counter(found.kind) == dict.fromkeys(FOOLED, 40)


def test_answers_and_places_belong_to_the_rows_drawn() -> None:
    found = drawn()
    assert [value.split()[0] for value in found.before.value.tolist()] == found.kind.tolist()
    assert (found.stratum % 2 == fooled_of(found)).all()
    assert isinstance(found.batch, Batch)
    assert found.batch.columns["x"].tolist() == found.origin.tolist()


def test_many_bytes_of_pictures_are_drawn_again_for_fewer_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    assert len(drawn(of_stack=40).kind) == MOST  # they are held: the order ends where the budget does
    monkeypatch.setattr(module, "HELD", -1)
    found = drawn(of_stack=40)
    assert isinstance(found.batch, Stack) and len(found.batch) == len(found.kind) == 40
    assert Counter(found.kind) == dict.fromkeys(FOOLED, 10)
    assert len(drawn().kind) == MOST


def test_nothing_changed_is_nothing_drawn() -> None:
    same = [Case(**{**case.__dict__, "changed": np.zeros(120, dtype=bool)}) for case in cases()]
    assert gather(same, SCHEMA, MOST, np.random.default_rng(0)) is None
