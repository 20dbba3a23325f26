from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import camelopard as cp
from camelopard.confidence.calibration import KIND, Calibrated, Calibration
from camelopard.confidence.scaling import log_loss
from camelopard.confidence.venn_abers import VennAbers
from camelopard.core.arrays import Floats, Ints
from camelopard.core.codec import read, write
from camelopard.core.errors import ArtifactError, CamelopardError, InputError


def world(n: int, seed: int, sure: float) -> tuple[Floats, Ints]:
    """Return the probabilities of a model that is `sure` times as sure as it may be, and what was right."""
    rng = np.random.default_rng(seed)
    odds = rng.normal(size=n) * 1.5
    codes = (rng.random(n) < 1 / (1 + np.exp(-odds))).astype(np.int64)
    p = 1 / (1 + np.exp(-sure * odds))
    return np.column_stack([1 - p, p]), codes


def change(n: int, seed: int, sure: float) -> float:
    """Return by how much the log loss of many new rows changes."""
    scaling = Calibration.fit(*world(n, seed, sure), np.random.default_rng(seed)).scaling
    proba, codes = world(20_000, 10_000 + seed, sure)
    return float((log_loss(scaling.proba(proba), codes) - log_loss(proba, codes)).mean())


def test_a_model_that_is_too_sure_is_mended() -> None:
    assert max(change(600, seed, 3.0) for seed in range(8)) < -0.1


def test_a_calibrated_model_is_left_nearly_alone() -> None:
    """The null twin: there is nothing to learn."""
    changes = [change(300, seed, 1.0) for seed in range(20)]
    assert np.mean(changes) < 0.002
    assert max(changes) < 0.01
    calm = Calibration.fit(*world(5_000, 0, 1.0), np.random.default_rng(0))
    assert calm.weights["nothing"] > 0.1


def test_what_calibrating_on_few_rows_costs_a_calibrated_model_is_little_and_less_with_more_rows() -> None:
    costs = [np.mean([change(n, seed, 1.0) for seed in range(12)]) for n in (60, 300)]
    assert 0.02 > costs[0] > costs[1] > -0.001


def test_what_it_is_worth_is_measured_on_rows_that_took_no_part() -> None:
    """Over many worlds the figure is right on average, and its interval covers the truth."""
    worth = [Calibration.fit(*world(400, seed, 1.5), np.random.default_rng(seed)).figures["log_loss"] for seed in range(16)]
    truth = [change(400, seed, 1.5) for seed in range(16)]
    assert abs(np.mean([w["after"] - w["before"] for w in worth]) - np.mean(truth)) < 0.004
    covered = np.mean([w["change"][0] <= t <= w["change"][1] for w, t in zip(worth, truth, strict=True)])
    assert covered >= 0.8


def people(n: int, seed: int) -> tuple[pd.DataFrame, Any]:
    rng = np.random.default_rng(seed)
    X = pd.DataFrame({"dose": rng.normal(size=n), "age": rng.integers(18, 90, n)})
    return X, np.where(rng.random(n) < 1 / (1 + np.exp(-X["dose"])), "sick", "well")


def too_sure(table: pd.DataFrame) -> Any:
    p = 1 / (1 + np.exp(-4 * table["dose"].astype(float)))
    return np.column_stack([p, 1 - p])


MODEL = cp.wrap(too_sure, name="rule", task="classification", classes=["sick", "well"])


def test_a_calibrated_model_knows_better_how_sure_it_is() -> None:
    X, y = people(800, 0)
    calibrated = cp.calibrate(MODEL, X, y)
    new, truth = people(2000, 1)
    before, after = MODEL.predict(new), calibrated.predict(new)
    codes = (truth == "well").astype(np.int64)
    assert after.proba is not None and before.proba is not None
    assert log_loss(after.proba, codes).mean() < log_loss(before.proba, codes).mean() - 0.1
    assert (after.value == before.value).mean() > 0.9
    assert after.value.tolist() == [("sick", "well")[i] for i in after.proba.argmax(axis=1)]
    assert "log loss" in repr(calibrated)
    assert calibrated.session().predict(cp.Batch.of(new)).proba.tobytes() == after.proba.tobytes()  # type: ignore[union-attr]


def test_a_calibrated_model_can_be_stressed_and_guarded_like_any() -> None:
    X, y = people(600, 0)
    calibrated = cp.calibrate(MODEL, X, y)
    assert len(cp.stress(calibrated, X, y, budget=2_000).curves)


def test_a_model_that_only_votes_gets_probabilities() -> None:
    votes = cp.wrap(lambda t: np.where(t["dose"].astype(float) > 0, "sick", "well"), name="votes", task="classification", classes=["sick", "well"])
    proba = cp.calibrate(votes, *people(800, 0)).predict(people(10, 1)[0]).proba
    assert proba is not None
    assert ((proba > 0.1) & (proba < 0.9)).all()


def test_rows_that_the_model_cannot_answer_have_no_probability() -> None:
    calibrated = cp.calibrate(MODEL, *people(300, 0))
    broken = people(3, 1)[0].astype(object)
    broken.loc[1, "dose"] = "abc"
    found = calibrated.predict(broken)
    assert found.proba is not None
    assert np.isnan(found.proba).any(axis=1).tolist() == [False, True, False]


def test_few_errors_and_labels_that_never_occur_are_said() -> None:
    X, _ = people(200, 0)
    y = np.where(X["dose"] > 0, "sick", "well")
    assert "only 0 of the 200 rows are answered wrong" in repr(cp.calibrate(MODEL, X, y))
    three = cp.wrap(
        lambda t: np.column_stack([too_sure(t) * 0.9, np.full(len(t), 0.1)]), name="three", task="classification", classes=["sick", "well", "odd"]
    )
    assert "no row has the label 'odd'" in repr(cp.calibrate(three, X, y))


@pytest.mark.parametrize(
    ("X", "y", "message"),
    [
        (people(10, 0)[0], people(10, 0)[1], "expected at least 20"),
        (people(40, 0)[0], ["sick"] * 40, "all 40 rows that the model answers have the label 'sick'"),
        (people(40, 0)[0], ["ill", "well"] * 20, "y holds 'ill'"),
        (people(40, 0)[0], None, "y is missing"),
    ],
)
def test_what_cannot_be_calibrated_with_is_refused_in_words(X: Any, y: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        cp.calibrate(MODEL, X, y)


def test_numbers_have_no_probabilities() -> None:
    numbers = cp.wrap(lambda t: t["dose"].astype(float), name="numbers", task="regression")
    with pytest.raises(InputError, match="answers numbers"):
        cp.calibrate(numbers, people(40, 0)[0], np.zeros(40))


@pytest.mark.parametrize(("proba", "message"), [([1.5, -0.5], "1.5"), ([0.7, 0.7], "they sum to 1.4")])
def test_probabilities_that_are_none_are_refused(proba: list[float], message: str) -> None:
    strange = cp.wrap(lambda t: np.tile(proba, (len(t), 1)), name="strange", task="classification", classes=["sick", "well"])
    with pytest.raises(InputError, match=message):
        cp.calibrate(strange, *people(40, 0))


def test_a_calibration_is_kept_in_a_file_and_refuses_another_model(tmp_path: Path) -> None:
    X, y = people(300, 0)
    calibrated = cp.calibrate(MODEL, X, y)
    calibrated.save(tmp_path / "rule.calibration")
    again = Calibrated.load(tmp_path / "rule.calibration", model=MODEL)
    assert again.predict(X).proba.tobytes() == calibrated.predict(X).proba.tobytes()  # type: ignore[union-attr]
    assert repr(again) == repr(calibrated)
    assert [end.tobytes() for end in again.interval(X)] == [end.tobytes() for end in calibrated.interval(X)]
    other = cp.wrap(too_sure, name="other", task="classification", classes=["ill", "well"])
    with pytest.raises(CamelopardError, match="'other' has"):
        Calibrated.load(tmp_path / "rule.calibration", model=other)
    (tmp_path / "broken").write_bytes((tmp_path / "rule.calibration").read_bytes()[:-40])
    with pytest.raises(ArtifactError):
        Calibrated.load(tmp_path / "broken", model=MODEL)


def votes(table: pd.DataFrame) -> Any:
    return np.where(table["dose"].astype(float) > 3, "odd", np.where(table["dose"].astype(float) > 0, "sick", "well"))


def test_a_model_whose_task_and_classes_are_learned_from_its_answers_is_calibrated_and_loaded(tmp_path: Path) -> None:
    X, y = people(300, 0)
    X = X.assign(dose=X["dose"].clip(-2, 2))
    calibrated = cp.calibrate(cp.wrap(votes, name="votes"), X, y)
    calibrated.save(tmp_path / "votes")
    again = Calibrated.load(tmp_path / "votes", model=cp.wrap(votes, name="votes"))
    new = X.head(3).assign(dose=[1.0, 9.0, -1.0])
    for model in (calibrated, again):
        found = model.predict(new)
        assert found.proba is not None
        assert np.isnan(found.proba).any(axis=1).tolist() == [False, True, False]
        assert "'odd', a class that calibration never saw" in found.errors[1]


def test_rows_without_an_answer_take_no_part() -> None:
    X, y = people(200, 0)
    broken = X.astype(object)
    broken.loc[y == "sick", "dose"] = "abc"
    with pytest.raises(InputError, match="have the label 'well'"):
        cp.calibrate(MODEL, broken, y)


def test_the_interval_of_two_classes_is_one_seen_from_both_sides_and_reads_the_models_own_shares() -> None:
    X, y = people(300, 0)
    calibrated, new = cp.calibrate(MODEL, X, y), people(50, 1)[0]
    low, high = calibrated.interval(new)
    expected = VennAbers.fit(too_sure(X)[:, 1], y == "well").interval(too_sure(new)[:, 1])
    assert (low[:, 1].tobytes(), high[:, 1].tobytes()) == (expected[0].tobytes(), expected[1].tobytes())
    assert np.abs(low[:, 0] + high[:, 1] - 1).max() < 1e-15
    assert np.abs(high[:, 0] + low[:, 1] - 1).max() < 1e-15
    assert (low <= high).all()


def three_doses(table: pd.DataFrame) -> Any:
    odds = np.column_stack([table["dose"].astype(float) * slope for slope in (1.5, 0.0, -1.5)])
    return np.exp(odds) / np.exp(odds).sum(axis=1, keepdims=True)


def test_the_end_for_what_comes_true_is_calibrated_for_each_of_three_classes_and_widths_shrink_with_rows() -> None:
    three = cp.wrap(three_doses, name="three", task="classification", classes=["a", "b", "c"])
    said, came = [], []
    widths: dict[int, list[float]] = {30: [], 300: []}
    for n, times in ((30, 12), (300, 2)):
        for seed in range(times):
            rng = np.random.default_rng([n, seed])
            X = pd.DataFrame({"dose": rng.normal(size=n + 500)})
            codes = (rng.random((n + 500, 1)) > three_doses(X).cumsum(axis=1)).sum(axis=1)
            low, high = cp.calibrate(three, X.head(n), np.array(["a", "b", "c"])[codes[:n]]).interval(X.tail(500))
            assert low.shape == high.shape == (500, 3)
            right = np.eye(3, dtype=bool)[codes[n:]]
            said.append(np.where(right, high, low).mean(axis=0))
            came.append(right.mean(axis=0))
            widths[n].append(float((high - low).mean()))
    assert np.abs(np.mean(said, axis=0) - np.mean(came, axis=0)).max() < 0.03
    assert np.mean(widths[30]) > 2.5 * np.mean(widths[300]) > 0.03


def test_a_row_without_an_answer_may_have_any_probability() -> None:
    broken = people(3, 1)[0].astype(object)
    broken.loc[1, "dose"] = "abc"
    low, high = cp.calibrate(MODEL, *people(300, 0)).interval(broken)
    assert (low[1].tolist(), high[1].tolist()) == ([0, 0], [1, 1])
    assert (high[[0, 2]] - low[[0, 2]]).max() < 0.5


def test_a_file_from_before_there_were_intervals_still_loads_and_says_what_it_lacks(tmp_path: Path) -> None:
    X, y = people(300, 0)
    calibrated = cp.calibrate(MODEL, X, y)
    calibrated.save(tmp_path / "new")
    kept = read(tmp_path / "new", KIND)
    del kept["around"]
    write(tmp_path / "old", KIND, kept)
    again = Calibrated.load(tmp_path / "old", model=MODEL)
    assert again.predict(X).proba.tobytes() == calibrated.predict(X).proba.tobytes()  # type: ignore[union-attr]
    with pytest.raises(CamelopardError, match=r"is from a file without intervals. Call camelopard.calibrate again"):
        again.interval(X)
    state = calibrated.around[0].state()
    damaged: list[Any] = [[{}], [{**state, "low": np.zeros((2, 2))}], [state, state], 3]
    for broken in damaged:
        write(tmp_path / "odd", KIND, {**kept, "around": broken})
        with pytest.raises(ArtifactError, match=r"intervals .* Save it again"):
            Calibrated.load(tmp_path / "odd", model=MODEL)


@pytest.mark.parametrize("seed", [-1, "a", True])
def test_a_seed_that_is_none_is_refused(seed: Any) -> None:
    with pytest.raises(InputError, match="expected a whole number from 0"):
        cp.calibrate(MODEL, *people(40, 0), seed=seed)


def test_rows_left_out_are_told() -> None:
    X, y = people(200, 0)
    broken = X.astype(object)
    broken.loc[:6, "dose"] = "abc"
    assert "Note: 7 of the 200 rows have no answer and were left out." in repr(cp.calibrate(MODEL, broken, y))


def test_a_whole_file_with_wrong_entries_and_a_model_of_numbers_are_refused_in_words(tmp_path: Path) -> None:
    cp.calibrate(MODEL, *people(100, 0)).save(tmp_path / "good")
    kept = read(tmp_path / "good", KIND)
    scaling = kept["scaling"]
    odd: list[dict[str, Any]] = [{"classes": value} for value in (3, ["a"], [["a"], ["b"]], ["a", "a"])]
    odd += [
        {"scaling": value}
        for value in ({}, None, *({**scaling, name: bad} for name, bad in (("matrix", np.eye(3)), ("offset", [1]), ("curve", "x"))))
    ]
    odd += [{"scaling": {**scaling, "matrix": np.full((2, 2), np.nan)}}, {"scaling": {**scaling, "reach": float("inf")}}]
    odd += [{"weights": []}, {"weights": {"nothing": "all"}}, {"figures": {}}, {"figures": None}, {"notes": None}]
    for changes in odd:
        write(tmp_path / "odd", KIND, {**kept, **changes})
        with pytest.raises(ArtifactError, match=r"does not make a calibration .* Save it again"):
            Calibrated.load(tmp_path / "odd", model=MODEL)
    for name in ("classes", "scaling", "weights", "figures", "notes"):
        write(tmp_path / "odd", KIND, {key: value for key, value in kept.items() if key != name})
        with pytest.raises(ArtifactError, match=f"KeyError: '{name}'"):
            Calibrated.load(tmp_path / "odd", model=MODEL)
    numbers = cp.wrap(lambda t: t["dose"].astype(float), name="numbers", task="regression")
    with pytest.raises(CamelopardError, match="'numbers' answers numbers. Give a classifier"):
        Calibrated.load(tmp_path / "good", model=numbers)
