from __future__ import annotations

import numpy as np

from camelopard.confidence.logistic import Logistic, logit, sigmoid


def test_known_weights_are_found_again() -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(20_000, 2))
    y = rng.random(20_000) < sigmoid(1.5 * x[:, 0] - 0.5 * x[:, 1] + 0.3)
    fitted = Logistic.fit(x, y)
    assert np.allclose(fitted.weights, [1.5, -0.5], atol=0.08)
    assert abs(fitted.intercept - 0.3) < 0.06


def test_separable_data_stays_finite_and_one_sided_data_never_certain() -> None:
    x = np.arange(20.0)[:, None]
    assert np.isfinite(Logistic.fit(x, x[:, 0] > 9.5).weights).all()
    p = Logistic.fit(x, np.zeros(20, dtype=bool)).probability(x)
    assert 0 < p.max() < 0.2


def test_weights_change_the_base_rate() -> None:
    x = np.zeros((100, 1))
    event = np.arange(100) < 50
    p = Logistic.fit(x, event, np.where(event, 1.0, 9.0)).probability(x)[0]
    assert 0.05 < p < 0.16


def test_state_round_trip_and_bounds() -> None:
    fitted = Logistic.fit(np.arange(20.0)[:, None], np.arange(20) > 9)
    again = Logistic.from_state(fitted.state())
    assert again.probability(np.array([[3.0]])) == fitted.probability(np.array([[3.0]]))
    assert np.isfinite(logit(np.array([0.0, 1.0]))).all()
    assert sigmoid(np.array([-1e9, 1e9])).tolist() == [sigmoid(np.array([-35.0]))[0], sigmoid(np.array([35.0]))[0]]


def test_few_rows_stay_near_the_prior_and_many_leave_it() -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(2000, 1))
    event = rng.random(2000) < 1 / (1 + np.exp(3 * x[:, 0]))
    prior = np.array([1.0])
    assert Logistic.fit(x, event, ridge=5.0, prior=prior, rows=2).weights[0] > 0.5
    assert Logistic.fit(x, event, ridge=5.0, prior=prior).weights[0] < -2.5


def test_saturated_columns_do_not_throw_the_fit_off() -> None:
    rng = np.random.default_rng(3)
    own = np.where(rng.random(2000) < 0.8, 13.8, rng.normal(size=2000))  # a model that is nearly always sure of itself
    event = rng.random(2000) < np.where(own > 10, 0.7, 0.5)
    columns = np.column_stack([own, own**2, rng.normal(size=2000)])
    alone, more = (Logistic.fit(columns[:, :k], event, ridge=5.0, prior=np.eye(k)[0]) for k in (1, 3))

    def loss(line: Logistic, k: int) -> float:
        p = line.probability(columns[:, :k])
        return float(-np.log(np.where(event, p, 1 - p)).mean())

    constant = -np.log(np.where(event, event.mean(), 1 - event.mean())).mean()
    assert loss(alone, 1) < constant + 0.005
    assert loss(more, 3) < loss(alone, 1) + 0.001
