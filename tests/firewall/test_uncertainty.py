from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest

import camelopard as cp
from camelopard.confidence.quality import auroc
from camelopard.core.arrays import Bools, Floats
from camelopard.core.batch import Batch
from camelopard.core.errors import ArtifactError, BudgetSpent, UnknownName
from camelopard.core.records import Prediction
from camelopard.evidence import doubt
from camelopard.evidence.uncertainty import NOISES
from camelopard.firewall import head
from camelopard.firewall.firewall import Firewall
from camelopard.firewall.gauge import NO_ENSEMBLE, SPENT, Gauge
from camelopard.firewall.material import Lesson, Material, Purse
from camelopard.firewall.panel import SUMMARY
from camelopard.firewall.uncertainty import Gain, decided, gains, sentences, untried

COLUMNS = 20  # so many that a border through all of them is hard to learn from the labels of some hundred rows
WEIGHTS = np.tile([1.0, -1.0, 0.8, -0.8], 5) / 2
TWINS = 2


def lesson(rng: np.random.Generator, origins: int) -> tuple[Lesson, Bools]:
    """Return evidence of a model whose own word says all there is to know: right answers hang on it alone."""
    n = TWINS * origins
    own = rng.uniform(0.5, 1.0, n)
    answer = Prediction(np.full(n, "a", dtype=object), np.column_stack([own, 1 - own]), classes=("a", "b"))
    table = rng.normal(size=(n, len(SUMMARY)))
    table[:, : len(doubt.NAMES)] = doubt.doubt(answer, "classification")
    kind = np.where(np.arange(n) % TWINS == 0, "", "typo")
    return Lesson(table, np.zeros(n, dtype=bool), kind != "", np.ones(n), np.zeros(n), answer, np.arange(n) // TWINS, kind), rng.random(n) < own


def material(seed: int, origins: int = 400) -> Material:
    rng = np.random.default_rng(seed)
    (first, taught), (second, right) = lesson(rng, origins), lesson(rng, origins // 2)
    return Material(first, second, taught, right, True)


def with_columns(given: Material, *columns: Floats) -> Material:
    table, cut = np.column_stack(columns), len(given.taught)
    return replace(given, lesson=replace(given.lesson, beside=table[:cut]), check=replace(given.check, beside=table[cut:]))


def wrong_in(given: Material) -> Bools:
    return ~np.concatenate([given.taught, given.right])


def useless(given: Material, seed: int) -> Floats:
    """Return uncertainty that says again, with noise, what the model's own word says."""
    own = np.concatenate([given.lesson.answer.shares, given.check.answer.shares]).max(axis=1)
    return np.asarray((1 - own) * np.exp(0.3 * np.random.default_rng([seed, 1]).normal(size=len(own))), dtype=np.float64)


def telling(given: Material, seed: int) -> Floats:
    """Return uncertainty that knows something of the wrong answers that nothing else knows."""
    return np.asarray(2.0 * wrong_in(given) + np.random.default_rng([seed, 2]).normal(size=len(wrong_in(given))), dtype=np.float64)


@pytest.fixture
def small_heads(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(head, "TREES", 6)
    monkeypatch.setattr(head, "DEPTH", 3)


class Stub:
    """A panel as far as the decision looks at it."""

    task, summary, apart = "classification", SUMMARY, ()

    def __init__(self, *kept: str) -> None:
        self.uncertain = kept

    def also(self, kind: str) -> Stub:
        return Stub(*self.uncertain, kind)


def gauge(*kinds: str, **unmeasured: str) -> Any:
    return SimpleNamespace(kinds=kinds, unmeasured=unmeasured, asked=800)


def test_uncertainty_that_says_nothing_new_is_left_out(small_heads: None) -> None:
    kept = []
    for seed in range(5):
        given = material(seed)
        rng = np.random.default_rng([seed, 3])
        kept += [gain.sure for gain in gains(given, "classification", [useless(given, seed), rng.normal(size=len(wrong_in(given)))], seed)]
    assert sum(kept) <= 1  # of ten


def test_uncertainty_that_tells_is_kept_and_the_better_of_two(small_heads: None) -> None:
    given = material(0, origins=600)
    some = with_columns(given, useless(given, 0), telling(given, 0))
    panel: Any = Stub()
    there, now, found = decided(panel, some, gauge("ensemble", "noise"), "auto", 0)
    assert there.uncertain == ("noise",)
    assert found["kept"] == "noise" and found["asked"] == 800 and found["asked_for"] == "auto"
    assert found["kinds"]["noise"]["low"] > 0 and found["kinds"]["noise"]["model_rows"] == NOISES
    assert not found["kinds"]["ensemble"]["kept"] and found["kinds"]["ensemble"]["model_rows"] == 0
    assert np.array_equal(now.lesson.table[:, -1], telling(given, 0)[: len(given.taught)])
    assert np.array_equal(now.check.table[:, :-1], given.check.table)
    noise_line = sentences(found)[1]
    assert "kept" in noise_line and "8 more model rows for each row screened" in noise_line
    assert decided(panel, some, gauge("ensemble", "noise"), "auto", 0)[2] == found


def test_a_kind_with_several_numbers_is_kept_or_left_out_with_all_of_them(small_heads: None) -> None:
    given = material(0, origins=600)
    some = with_columns(given, useless(given, 0), 2 * telling(given, 0), telling(given, 0))
    panel: Any = Stub()
    there, now, found = decided(panel, some, gauge("noise", "squeezed"), "auto", 0)
    assert there.uncertain == ("squeezed",) and found["kept"] == "squeezed"
    assert now.lesson.table.shape[1] == given.lesson.table.shape[1] + 2
    assert np.array_equal(now.lesson.table[:, -2], 2 * telling(given, 0)[: len(given.taught)])
    assert "1 more model row for each row screened" in sentences(found)[1]


def test_what_is_left_out_leaves_no_trace(small_heads: None) -> None:
    given = material(1)
    some = with_columns(given, useless(given, 1))
    panel: Any = Stub()
    there, now, found = decided(panel, some, gauge("noise"), "noise", 0)
    assert there is panel and now is some and found["kept"] is None
    assert "left out, it does not surely help" in sentences(found)[0] and "costs nothing" in sentences(found)[0]


def test_the_interval_is_wider_where_more_kinds_are_tried(small_heads: None) -> None:
    given = material(2)
    column = telling(given, 2)
    alone, among = gains(given, "classification", [column], 0)[0], gains(given, "classification", [column, useless(given, 2)], 0)[0]
    assert alone.value == among.value
    assert np.isclose((among.high - among.low) / (alone.high - alone.low), 2.8070 / 2.5758, rtol=1e-3)


def test_too_few_rows_to_learn_from_are_said_to_be_so() -> None:
    given = material(3, origins=60)
    _, _, found = decided(Stub(), with_columns(given, telling(given, 3)), gauge("noise"), "noise", 0)  # type: ignore[arg-type]
    assert found["kept"] is None
    assert "too few rows or wrong answers" in sentences(found)[0]


def test_what_was_not_tried_says_why() -> None:
    given = material(4, origins=60)
    _, _, found = decided(Stub(), with_columns(given, telling(given, 4) * np.nan), gauge("ensemble", ensemble=NO_ENSEMBLE), "ensemble", 0)  # type: ignore[arg-type]
    assert sentences(found) == [f"Uncertainty by disagreement of the ensemble's members: not tried, {NO_ENSEMBLE}."]
    assert len(sentences(untried("auto", "no labels were given"))) == 3
    assert sentences(None) == []


def test_a_gain_is_sure_where_its_whole_interval_is() -> None:
    assert Gain(0.1, 0.01, 0.2, 0.5).sure and not Gain(0.1, 0.0, 0.2, 0.5).sure


def test_a_kind_that_would_cost_more_than_the_budget_is_given_up_and_the_others_go_on() -> None:
    def uncertainty(kind: str, *given: Any) -> Floats:
        if kind == "noise":
            raise BudgetSpent("spent")
        return np.array([0.5, 0.7])

    panel: Any = SimpleNamespace(uncertainty=uncertainty)
    session: Any = SimpleNamespace(asked=3)
    there, two_rows = Gauge(panel, ("noise", "ensemble"), session), Prediction(np.array(["a", "b"]))
    found = there.measure(Batch.of([{"a": 1}, {"a": 2}]), two_rows, None)  # type: ignore[arg-type]
    assert np.isnan(found[:, 0]).all() and found[:, 1].tolist() == [0.5, 0.7]
    assert there.unmeasured == {"noise": SPENT} and there.asked == 3


def test_a_budget_pays_for_fewer_rows_where_each_costs_more(worlds: Worlds) -> None:
    extra = worlds.noisy.learned_.panel.extra_rows
    assert (worlds.plain.learned_.panel.extra_rows, extra) == (0, NOISES)
    session: Any = None
    assert Purse(session, 10_000).clean(10_000) == 1739  # 4,000 / 2.3
    assert Purse(session, 10_000, extra).clean(10_000) == 388  # 4,000 / 10.3
    assert Purse(session, 10_000, extra).damaged(10_000) == 1111  # 10,000 / 9, and repairs are paid for as they come


def test_an_unknown_kind_of_uncertainty_is_refused_at_once() -> None:
    with pytest.raises(UnknownName, match=r"no kind of uncertainty named 'nois'\. Did you mean 'noise'\? Known: auto, ensemble, noise, squeezed\."):
        Firewall(uncertainty="nois")
    with pytest.raises(UnknownName, match="no kind of uncertainty named 'True'"):
        Firewall(uncertainty=True)  # type: ignore[arg-type]


def people(n: int, seed: int) -> pd.DataFrame:
    return pd.DataFrame(np.random.default_rng(seed).normal(size=(n, COLUMNS)).round(3), columns=[f"x{i}" for i in range(COLUMNS)])


def votes(table: pd.DataFrame) -> Any:
    return np.where(table.to_numpy(dtype=float) @ WEIGHTS > 0, "yes", "no")


def labels(table: pd.DataFrame, seed: int) -> Any:
    odds = 1 / (1 + np.exp(-4 * (table.to_numpy() @ WEIGHTS)))
    return np.where(np.random.default_rng(seed).random(len(table)) < odds, "yes", "no")


def voter() -> Any:
    return cp.wrap(votes, name="votes", classes=["no", "yes"], reference=people(100, 9))


@dataclass
class Worlds:
    plain: Firewall
    noisy: Firewall
    test: pd.DataFrame


@pytest.fixture(scope="module")
def worlds() -> Worlds:
    """A model of bare votes, whose errors lie along a border through twenty columns, with and without the noise that finds the border."""
    given = people(1600, 1)
    fitted = [Firewall(alpha=0.05, budget=48_000, uncertainty=kind).fit(voter(), given, labels(given, 2)) for kind in (None, "noise")]
    return Worlds(fitted[0], fitted[1], people(1500, 3))


def test_noise_is_kept_where_it_finds_the_border_and_makes_confidence_better(worlds: Worlds) -> None:
    right = labels(worlds.test, 4) == votes(worlds.test)
    areas = [auroc(1 - firewall.screen(worlds.test).confidence, ~right) for firewall in (worlds.plain, worlds.noisy)]
    assert worlds.noisy.describe()["uncertainty"]["kept"] == "noise"
    assert worlds.noisy.learned_.panel.names[-1] == "uncertain:noise"
    assert areas[1] > areas[0] + 0.03


def test_risk_and_routes_do_not_change_with_uncertainty_and_nothing_does_without(worlds: Worlds) -> None:
    plain, noisy = (firewall.screen(worlds.test) for firewall in (worlds.plain, worlds.noisy))
    assert plain.risk.tobytes() == noisy.risk.tobytes() and plain.route.tolist() == noisy.route.tolist()
    assert "uncertainty" not in worlds.plain.describe() and "uncertain" not in worlds.plain.learned_.panel.state()


def test_what_it_costs_is_told(worlds: Worlds) -> None:
    found = worlds.noisy.describe()
    assert found["uncertainty"]["kinds"]["noise"]["model_rows"] == NOISES
    assert found["asked"] == worlds.plain.describe()["asked"] + found["uncertainty"]["asked"]
    assert "8 more model rows for each row screened" in worlds.noisy.summary()
    assert "Uncertainty" not in worlds.plain.summary()


def test_confidence_with_noise_is_the_same_alone_in_any_batch_and_from_a_file(worlds: Worlds, tmp_path: Path) -> None:
    rows = worlds.test.head(40)
    whole = worlds.noisy.screen(rows).confidence
    worlds.noisy.save(tmp_path / "noisy.firewall")
    loaded = Firewall.load(tmp_path / "noisy.firewall", model=voter())
    assert loaded.uncertainty == "noise" and loaded.describe()["uncertainty"] == worlds.noisy.describe()["uncertainty"]
    assert loaded.screen(rows).confidence.tobytes() == whole.tobytes()
    assert loaded.screen(rows.iloc[::-1]).confidence[::-1].tobytes() == whole.tobytes()
    assert [float(loaded.screen(rows.iloc[[i]]).confidence[0]) for i in range(5)] == whole[:5].tolist()


def test_odd_rows_are_judged_and_empty_ones_blocked_as_ever(worlds: Worlds) -> None:
    rows: list[dict[str, Any]] = [{"x0": "ten"}, {}]
    found = worlds.noisy.screen(rows)
    assert found.route.tolist() == worlds.plain.screen(rows).route.tolist()
    assert found.route[1] == "block" and found.confidence[1] == 0.0


def test_a_model_without_members_is_refused_by_a_firewall_that_needs_them(worlds: Worlds, tmp_path: Path) -> None:
    needs = Firewall.load(_saved(worlds.noisy, tmp_path), model=voter())
    needs.learned_ = replace(needs.learned_, panel=worlds.plain.learned_.panel.also("ensemble"))
    with pytest.raises(ArtifactError, match=r"'votes' has none that can be asked.*members="):
        Firewall.load(_saved(needs, tmp_path), model=voter())


def _saved(firewall: Firewall, folder: Path) -> Path:
    firewall.save(folder / "a.firewall")
    return folder / "a.firewall"


def test_without_labels_or_a_model_nothing_is_tried_and_it_says_why() -> None:
    rows = people(60, 5)
    bare = Firewall(alpha=0.2, uncertainty="auto").fit(None, rows)
    assert bare.describe()["uncertainty"]["kinds"]["noise"] == {"unmeasured": "there is no model"}
    assert "not tried, there is no model" in bare.summary()
