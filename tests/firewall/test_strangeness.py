"""Odd is what looks damaged; novel is what lies far from all that was learned from, however perfect it looks."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from camelopard.confidence.quality import auroc
from camelopard.core.arrays import Floats
from camelopard.firewall.strangeness import FAR, FEWEST, Strangeness

NAMES = ("doubt", "suspicion_sum", *(f"space:{name}" for name in FAR), "place:text: words", "says:text:0")
VIEWS = SimpleNamespace(of={"text": SimpleNamespace(kind="text")}, source={"text: words": "text"})
PANEL: Any = SimpleNamespace(names=NAMES, reader=SimpleNamespace(views=VIEWS))


def clean(n: int, seed: int) -> Floats:
    """Return clean evidence: distances hang together, as they do."""
    rng = np.random.default_rng(seed)
    table = rng.normal(size=(n, len(NAMES)))
    table[:, 2:7] += rng.normal(size=(n, 1))
    return table


def struck(name: str, n: int, by: float = 3.0, seed: int = 1) -> Floats:
    """Return evidence of rows that damage moves in one number."""
    return clean(n, seed) + np.where(np.array(NAMES) == name, by, 0.0)


def learned(n: int = 600) -> Strangeness:
    found = Strangeness.learn(PANEL, clean(n, 0), [(struck("place:text: words", n), np.ones(n))], np.random.default_rng(0))
    assert found is not None
    return found


def test_damage_is_odd_and_not_novel_and_a_far_row_is_novel_and_not_odd() -> None:
    strange, plain = learned(), clean(500, 2)
    damaged = struck("place:text: words", 500, seed=3)
    far = clean(500, 4) + np.where([name.startswith("space:") for name in NAMES], 4.0, 0.0)
    novel = np.arange(1000) >= 500
    assert auroc(strange.oddness(np.concatenate([plain, damaged])), novel) > 0.95
    assert auroc(strange.novelty(np.concatenate([plain, far])), novel) > 0.95
    assert 0.4 < auroc(strange.novelty(np.concatenate([plain, damaged])), novel) < 0.6
    assert 0.4 < auroc(strange.oddness(np.concatenate([plain, far])), novel) < 0.65


def test_fresh_clean_rows_are_no_more_novel_than_those_learned_from() -> None:
    strange = learned(3000)
    before, after = strange.novelty(clean(3000, 0)), strange.novelty(clean(3000, 9))
    assert 0.47 < auroc(np.concatenate([before, after]), np.arange(6000) >= 3000) < 0.53


def test_farther_is_never_less_novel_also_beyond_all_clean_rows() -> None:
    strange = learned()
    table = np.zeros((40, len(NAMES)))
    table[:, 2:7] = np.linspace(-5, 200, 40)[:, None]
    found = strange.novelty(table)
    assert (np.diff(found) >= 0).all() and found[-1] > found[20]


def test_what_a_label_says_is_no_part_of_it_and_tables_have_none() -> None:
    assert NAMES.index("says:text:0") not in learned().columns
    assert NAMES.index("doubt") not in learned().columns
    tables: Any = SimpleNamespace(names=NAMES, reader=SimpleNamespace(views=[]))
    damaged = [(clean(200, 1), np.ones(200))]
    assert Strangeness.learn(tables, clean(200, 0), damaged, np.random.default_rng(0)) is None
    assert Strangeness.learn(PANEL, clean(FEWEST - 1, 0), damaged, np.random.default_rng(0)) is None
    few = [(clean(FEWEST - 1, 1), np.ones(FEWEST - 1))]
    assert Strangeness.learn(PANEL, clean(200, 0), few, np.random.default_rng(0)) is None


def test_each_family_of_damage_has_a_judge_and_one_that_cries_is_enough() -> None:
    names = ("suspicion_sum", *(f"place:text: {k}" for k in range(12)), "space:vim")
    views = SimpleNamespace(of=VIEWS.of, source={f"text: {k}": "text" for k in range(12)})
    panel: Any = SimpleNamespace(names=names, reader=SimpleNamespace(views=views))

    def rows(seed: int, family: int | None = None) -> Floats:
        table = np.random.default_rng(seed).normal(size=(400, len(names)))
        if family is not None:
            table[:, [1 + 2 * family, 2 + 2 * family]] += 2.0  # neither number is far out by itself
        return table

    families = [(rows(10 + k, k), np.ones(400)) for k in range(6)]
    several = Strangeness.learn(panel, rows(0), families, np.random.default_rng(0), asked=False)
    one = Strangeness.learn(panel, rows(0), [(np.vstack([table for table, _ in families]), np.ones(2400))], np.random.default_rng(0), asked=False)
    assert several is not None and one is not None and len(several.judges) == 6
    assert names.index("space:vim") not in several.columns  # nothing that the model has to be asked for
    fresh, damaged = np.vstack([rows(30 + k) for k in range(6)]), np.vstack([rows(20 + k, k) for k in range(6)])

    def caught(strange: Strangeness) -> float:
        return float((strange.oddness(damaged) > np.quantile(strange.oddness(fresh), 0.99)).mean())

    assert caught(several) > caught(one)
    again = Strangeness.from_state(several.state(), len(names))
    assert again.oddness(damaged).tobytes() == several.oddness(damaged).tobytes()


def test_it_is_the_same_from_a_file_and_hostile_files_are_refused() -> None:
    strange, table = learned(), clean(50, 5)
    state = strange.state()
    again = Strangeness.from_state(state, len(NAMES))
    assert again.novelty(table).tobytes() == strange.novelty(table).tobytes()
    assert again.oddness(table[3:4])[0] == strange.oddness(table)[3]
    changes: tuple[dict[str, Any], ...] = (
        {"far": np.array([99])},
        {"columns": np.array([-1])},
        {"ladder": np.zeros((2, 5))},
        {"spread": np.zeros(5)},
        {"ends": np.zeros((2, 5))},
        {"numbers": np.array([[0]])},
        {"judges": []},
    )
    for change in changes:
        with pytest.raises(ValueError, match=r"columns|ladder|ends|judges"):
            Strangeness.from_state({**state, **change}, len(NAMES))


def test_a_number_that_no_clean_row_has_is_odd_whatever_else_is_said_and_whoever_thought_of_it() -> None:
    strange, table = learned(), np.zeros((3, len(NAMES)))
    table[1, NAMES.index("place:text: words")], table[2, NAMES.index("place:text: words")] = (
        -6.0,
        -9.0,
    )  # the damage it was taught is at the other end
    plain, far, farther = strange.oddness(table).tolist()
    assert plain + 3 < far < farther
    assert np.median(strange.oddness(clean(2000, 7))) + 2 < far


def test_rows_are_as_odd_alone_as_in_any_batch() -> None:
    strange, table = learned(), clean(1_500, 6)
    together = strange.oddness(table)
    assert [strange.oddness(table[i : i + 1]).item() for i in (0, 700, 1_499)] == together[[0, 700, 1_499]].tolist()
    assert strange.oddness(table[::-1])[::-1].tobytes() == together.tobytes()


def test_damages_of_which_there_are_few_rows_are_judged_together() -> None:
    few = [(struck("place:text: words", FEWEST // 2, seed=k), np.ones(FEWEST // 2)) for k in range(1, 4)]
    many = (struck("place:text: words", FEWEST, seed=7), np.ones(FEWEST))
    for damaged, judges in ((few, 1), ([*few, many], 2), ([few[0], many], 1)):
        strange = Strangeness.learn(PANEL, clean(400, 0), damaged, np.random.default_rng(0))
        assert strange is not None and len(strange.judges) == judges
    assert Strangeness.learn(PANEL, clean(400, 0), few[:1], np.random.default_rng(0)) is None
