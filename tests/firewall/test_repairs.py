"""Which repairs are trusted: as many right ones as is asked, none that makes most of a row up."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

import camelopard as cp
from camelopard.core.batch import Batch
from camelopard.firewall.repairs import FIRST, NAMES, RIGHT, Proposals, Trust, proposed, repaired_answers, trusted

COLUMNS = ["length", "width", "depth", "weight"]


def parcels(n: int, seed: int) -> pd.DataFrame:
    """Return boxes whose sides hang together, and a weight that hangs on them; one colour has no part in it."""
    rng = np.random.default_rng(seed)
    size = rng.gamma(9.0, 4.0, n)
    frame = pd.DataFrame({name: (size * rng.normal(1.0, 0.08, n)).round(1) for name in COLUMNS[:3]})
    frame["weight"] = (size * 2 * rng.normal(1.0, 0.1, n)).round(1)
    frame["colour"] = rng.choice(["brown", "white"], n)
    return frame


def postage(frame: pd.DataFrame) -> Any:
    return frame[COLUMNS].astype(float).sum(axis=1).to_numpy() / 10


class World:
    def __init__(self) -> None:
        self.model = cp.wrap(postage, name="postage", task="regression")
        clean = parcels(1500, 1)
        y = postage(clean) + np.random.default_rng(0).normal(0, 1.5, len(clean))
        self.firewall = cp.Firewall(alpha=0.05, budget=60_000).fit(self.model, clean, y)
        self.new = parcels(300, 2)
        self.truth = postage(self.new)


@pytest.fixture(scope="module")
def world() -> World:
    return World()


def right(world: World, damaged: pd.DataFrame) -> tuple[int, int]:
    """Return how many rows are repaired, and how many answers to these are right."""
    verdicts = world.firewall.screen(damaged)
    repaired = np.flatnonzero(verdicts.route == "repair")
    tolerance = world.firewall.about_["tolerance"]
    good = 0
    for i in repaired.tolist():
        repair = verdicts.repair(i)
        assert repair is not None
        good += abs(float(repair.prediction) - world.truth[i]) <= tolerance
    return len(repaired), good


def test_a_lost_decimal_point_is_repaired_and_the_answers_are_right(world: World) -> None:
    repaired, good = right(world, world.new.assign(width=world.new["width"] * 100))
    assert repaired > 100
    assert good >= 0.85 * repaired


@pytest.mark.parametrize("scale", [100.0, 0.01, None])
def test_a_row_whose_numbers_fit_each_other_but_are_all_on_another_scale_neither_passes_nor_is_made_up(world: World, scale: float | None) -> None:
    damaged, numbers = world.new.copy(), world.new[COLUMNS]
    damaged[COLUMNS] = numbers * scale if scale is not None else (numbers - numbers.mean()) / numbers.std()
    assert right(world, damaged)[0] == 0
    assert (world.firewall.screen(damaged).route != "pass").mean() > 0.95


def test_the_answer_handed_out_is_the_one_that_was_measured(world: World) -> None:
    damaged = world.new.assign(width=world.new["width"] * 100)
    damaged.loc[::3, "depth"] = -50.0
    firewall = world.firewall
    found = firewall._examined(Batch.of(damaged))
    measured = repaired_answers(found, firewall.learned_.panel, firewall.learned_.trust)
    verdicts = firewall.screen(damaged)
    some = np.flatnonzero(verdicts.route == "repair")
    assert len(some) > 30
    assert [verdicts.repair(int(i)).prediction for i in some] == measured[some].tolist()  # type: ignore[union-attr]


def test_what_was_meant_is_trusted_where_the_model_cannot_read_the_row(world: World) -> None:
    repaired, good = right(world, world.new.assign(weight=[f"{weight} kg" for weight in world.new["weight"]]))
    assert repaired >= 285 and good >= 0.97 * repaired


def test_the_strict_rule_trusts_no_repair_of_more_than_three_cells(world: World) -> None:
    panel = world.firewall.learned_.panel
    one = world.firewall._examined(Batch.of(world.new.assign(width=world.new["width"] * 100)))
    assert trusted(one, panel, Trust()).any()
    four = world.firewall._examined(Batch.of(world.new.assign(width=-1e6, depth=1e6, length=-1e6, weight=1e6)))
    assert proposed(four, panel).able.any()
    assert not trusted(four, panel, Trust()).any()


def test_clean_rows_are_hardly_ever_repaired(world: World) -> None:
    """The null twin."""
    assert (world.firewall.screen(parcels(2000, 3)).route == "repair").mean() <= 0.01


def lessons(rng: np.random.Generator, n: int) -> tuple[np.ndarray, np.ndarray]:
    """Return repairs that are the more often right, the fewer cells they change and the less answers differ."""
    evidence = rng.exponential(size=(n, len(NAMES)))
    odds = 4 - 2.5 * evidence[:, 0] - 2.5 * evidence[:, 2]
    return evidence, rng.random(n) < 1 / (1 + np.exp(-odds))


def test_of_trusted_repairs_as_many_are_right_as_is_asked() -> None:
    shares = []
    for seed in range(30):
        rng = np.random.default_rng(seed)
        trust = Trust.learn(*lessons(rng, 400), np.ones(400))
        evidence, good = lessons(rng, 4000)
        chosen = trust.right(
            Proposals(
                np.arange(4000), np.full(4000, FIRST), np.ones(4000, dtype=bool), evidence, np.empty(4000, dtype=object), np.ones(4000, dtype=bool)
            )
        )
        assert chosen.sum() > 100
        shares.append(good[chosen].mean())
    assert np.mean(shares) >= RIGHT


@pytest.mark.parametrize(("share", "least", "most"), [(0.0, 0.0, 0.0), (0.3, 0.0, 0.02), (1.0, 1.0, 1.0)])
def test_where_no_repair_is_right_none_is_trusted_and_where_all_are_all(share: float, least: float, most: float) -> None:
    rng = np.random.default_rng(0)
    evidence = rng.exponential(size=(400, len(NAMES)))
    trust = Trust.learn(evidence, rng.random(400) < share, np.ones(400))
    given = Proposals(np.arange(400), np.full(400, FIRST), np.ones(400, dtype=bool), evidence, np.empty(400, dtype=object), np.ones(400, dtype=bool))
    assert least <= trust.right(given).mean() <= most


def test_trust_is_kept_in_a_file_and_a_file_without_it_falls_back_to_the_strict_rule(world: World, tmp_path: Any) -> None:
    world.firewall.save(tmp_path / "p.firewall")
    loaded = cp.Firewall.load(tmp_path / "p.firewall", model=world.model)
    kept, before = loaded.learned_.trust.line, world.firewall.learned_.trust.line
    assert kept is not None and before is not None
    assert (kept.weights.tobytes(), kept.intercept) == (before.weights.tobytes(), before.intercept)
    state = {key: value for key, value in loaded.learned_.state().items() if key != "trust"}
    assert type(loaded.learned_).from_state(state).trust == Trust()
    with pytest.raises(ValueError, match=f"expected {len(NAMES)}"):
        Trust.from_state({"line": {"weights": np.zeros(3), "intercept": 0.0}})
