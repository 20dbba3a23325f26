from __future__ import annotations

import math

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from camelopard.confidence.scaling import BINARY, RIDGE, SEVERAL, Scaling, log_loss, logs_of
from camelopard.core.arrays import Floats, Ints
from camelopard.core.errors import UnknownName


def binary(n: int = 3000) -> tuple[Floats, Ints]:
    """Return probabilities that are too sure and lean to one side, and what was right."""
    rng = np.random.default_rng(0)
    odds = rng.normal(size=n) * 2
    codes = (rng.random(n) < 1 / (1 + np.exp(-(0.6 * odds + 0.5)))).astype(np.int64)
    p = 1 / (1 + np.exp(-odds))
    return np.column_stack([1 - p, p]), codes


def several(n: int = 3000) -> tuple[Floats, Ints]:
    rng = np.random.default_rng(0)
    scores = rng.normal(size=(n, 3)) * 2
    true = scores @ np.array([[0.5, 0.1, 0.0], [0.0, 1.0, 0.0], [0.2, 0.0, 0.7]]).T + np.array([0.3, 0.0, -0.3])
    p = np.exp(true) / np.exp(true).sum(axis=1, keepdims=True)
    codes = np.array([rng.choice(3, p=row) for row in p])
    return np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True), codes


@pytest.fixture
def free(monkeypatch: pytest.MonkeyPatch) -> None:
    """Draw nothing towards nothing, as the reference library does."""
    for part in RIDGE:
        monkeypatch.setitem(RIDGE, part, 1e-9)


@pytest.mark.usefixtures("free")
@pytest.mark.parametrize("family", BINARY)
def test_maps_of_two_classes_are_those_of_the_reference_library(family: str) -> None:
    proba, codes = binary()
    logs = logs_of(proba)
    odds = logs[:, 1] - logs[:, 0]
    columns = {"temperature": [odds], "platt": [odds], "beta": [logs[:, 1], -logs[:, 0]], "quadratic": [odds, odds**2]}[family]
    X = np.column_stack(columns)
    reference = LogisticRegression(C=np.inf, fit_intercept=family != "temperature", tol=1e-10, max_iter=1000).fit(X, codes).predict_proba(X)
    assert np.allclose(Scaling.fit(proba, codes, family).proba(proba), reference, atol=2e-4)


@pytest.mark.usefixtures("free")
def test_a_map_of_several_classes_is_that_of_the_reference_library() -> None:
    proba, codes = several()
    reference = LogisticRegression(C=np.inf, tol=1e-10, max_iter=1000).fit(logs_of(proba), codes).predict_proba(logs_of(proba))
    assert np.allclose(Scaling.fit(proba, codes, "matrix").proba(proba), reference, atol=2e-3)


@pytest.mark.parametrize(("family", "data"), [*((f, binary) for f in BINARY), *((f, several) for f in SEVERAL)])
def test_every_family_predicts_new_rows_better_and_keeps_its_state(family: str, data) -> None:  # type: ignore[no-untyped-def]
    proba, codes = data()
    half = np.arange(len(codes)) % 2 == 0
    fitted = Scaling.fit(proba[half], codes[half], family)
    assert log_loss(fitted.proba(proba[~half]), codes[~half]).mean() < log_loss(proba[~half], codes[~half]).mean()
    again = Scaling.from_state(fitted.state())
    assert again.proba(proba).tobytes() == fitted.proba(proba).tobytes()
    assert np.allclose(fitted.proba(proba).sum(axis=1), 1.0)


def test_the_average_of_maps_averages_their_scores() -> None:
    proba, codes = binary()
    maps = [Scaling.fit(proba, codes, family) for family in BINARY]
    weights = np.array([0.1, 0.2, 0.3, 0.4])
    logs = logs_of(proba)
    mean = sum(w * m.scores(logs) for w, m in zip(weights, maps, strict=True))
    assert np.allclose(Scaling.average(maps, weights).scores(logs), mean)


def test_probabilities_of_zero_and_one_and_separable_rows_stay_finite() -> None:
    proba = np.array([[1.0, 0.0], [0.0, 1.0]] * 20)
    codes = np.array([0, 1] * 20)
    for family in BINARY:
        found = Scaling.fit(proba, codes, family).proba(proba)
        assert np.isfinite(found).all()
        assert np.isfinite(log_loss(found, 1 - codes)).all()


def test_rows_without_an_answer_stay_without() -> None:
    assert np.isnan(Scaling.nothing(2).proba(np.array([[np.nan, np.nan], [0.2, 0.8]]))).any(axis=1).tolist() == [True, False]


def test_a_family_for_another_number_of_classes_is_named() -> None:
    with pytest.raises(UnknownName, match="no scaling of 3 classes named 'platt'"):
        Scaling.fit(*several(), "platt")


@pytest.mark.parametrize("family", BINARY)
@pytest.mark.parametrize("bend", [0.12, -0.12, 2.0])
def test_more_sure_never_becomes_less_even_where_no_row_was_seen(family: str, bend: float) -> None:
    rng = np.random.default_rng(0)
    odds = rng.uniform(-3, 3, 3000)
    codes = (rng.random(3000) < 1 / (1 + np.exp(-(odds + bend * odds**2)))).astype(np.int64)
    p = 1 / (1 + np.exp(-odds))
    fitted = Scaling.fit(np.column_stack([1 - p, p]), codes, family)
    ladder = 1 / (1 + np.exp(-np.linspace(-13.5, 13.5, 500)))
    assert (np.diff(fitted.proba(np.column_stack([1 - ladder, ladder]))[:, 1]) >= -1e-9).all()


def counted(power: list[float], factor: list[float]) -> tuple[Floats, Ints]:
    """Return probabilities, and labels as often as powers of them, times a factor for each class, say exactly: whole numbers of rows."""
    quarters = [(2, 1, 1), (1, 2, 1), (1, 1, 2)]
    fifths = [(3, 1, 1), (1, 1, 3), (2, 1, 2)]
    proba, codes = [], []
    for row in [*quarters, *fifths]:
        for code in range(3):
            times = round(row[code] ** power[code] * factor[code] * (4 if row in quarters else 5) ** (max(power) - power[code]))
            proba += [[part / sum(row) for part in row]] * times
            codes += [code] * times
    return np.array(proba), np.array(codes, dtype=np.int64)


@pytest.mark.usefixtures("free")
def test_temperature_of_three_classes_is_the_one_that_made_the_labels() -> None:
    """Rows of (2, 1, 1) / 4 have the labels 4 : 1 : 1, those of (3, 1, 1) / 5 have 9 : 1 : 1, and so on: squares, which is a scale of 2."""
    proba, codes = counted([2, 2, 2], [1, 1, 1])
    found = Scaling.fit(proba, codes, "temperature")
    assert found.matrix == pytest.approx(2 * np.eye(3), abs=1e-4) and found.offset.tolist() == [0, 0, 0]
    assert found.proba(np.array([[0.5, 0.25, 0.25], [0.2, 0.2, 0.6]])) == pytest.approx(
        np.array([[4, 1, 1], [1.5, 1.5, 13.5]]) / [[6], [16.5]], abs=1e-4
    )


@pytest.mark.usefixtures("free")
def test_vector_scaling_is_the_power_and_the_factor_of_each_class_that_made_the_labels() -> None:
    """The first class squared, the third one doubled: rows of (3, 1, 1) / 5 have the labels 9 / 25 : 1 / 5 : 2 / 5."""
    proba, codes = counted([2, 1, 1], [1, 1, 2])
    found = Scaling.fit(proba, codes, "vector")
    assert found.matrix == pytest.approx(np.diag([2.0, 1.0, 1.0]), abs=2e-3)
    assert found.offset - found.offset[1] == pytest.approx(np.log([1.0, 1.0, 2.0]), abs=2e-3)
    assert found.proba(np.array([[0.6, 0.2, 0.2]])) == pytest.approx(np.array([[9, 5, 10]]) / 24, abs=2e-4)


def penalised(proba: Floats, codes: Ints, diagonal: list[float], offset: list[float], drawn: float) -> float:
    """Return the loss that scaling is to make least, row by row: log loss, and a pull towards factors of 1 and offsets of 0."""
    total = drawn
    for row, code in zip(proba.tolist(), codes.tolist(), strict=True):
        raised = [math.exp(b) * p**a for p, a, b in zip(row, diagonal, offset, strict=True)]
        total -= math.log(raised[code] / sum(raised))
    return total


def test_temperature_drawn_towards_one_is_what_a_plain_search_finds() -> None:
    proba, codes = counted([2, 2, 2], [1, 1, 1])
    low, high = 1.0, 3.0
    for _ in range(60):  # the loss has one valley: the thirds without it are left out
        third = (high - low) / 3
        a, b = (penalised(proba, codes, [s] * 3, [0.0] * 3, 0.5 * 0.1 * (s - 1) ** 2) for s in (low + third, high - third))
        low, high = (low, high - third) if a < b else (low + third, high)
    assert Scaling.fit(proba, codes, "temperature").matrix[0, 0] == pytest.approx(low, abs=1e-4)
    assert low < 2.0 - 1e-4


def test_vector_scaling_drawn_towards_nothing_lies_where_no_step_in_any_direction_is_better() -> None:
    proba, codes = counted([2, 1, 1], [1, 1, 2])
    found = Scaling.fit(proba, codes, "vector")

    def loss(theta: list[float]) -> float:
        return penalised(proba, codes, theta[:3], theta[3:], 0.5 * sum((a - 1) ** 2 for a in theta[:3]) + 0.25 * sum(b * b for b in theta[3:]))

    least = [*np.diag(found.matrix).tolist(), *found.offset.tolist()]
    for k in range(6):
        for step in (-0.02, 0.02):
            assert loss([value + step * (j == k) for j, value in enumerate(least)]) > loss(least)
    assert loss(least) < loss([1.0] * 3 + [0.0] * 3) - 1 and loss(least) < loss([2.0, 1.0, 1.0, 0.0, 0.0, math.log(2)])
