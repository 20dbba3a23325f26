from __future__ import annotations

import numpy as np
import pytest
from sklearn import metrics as reference

from camelopard.confidence.metrics import auroc, average_precision
from camelopard.confidence.operating import Curve, Sweep, curves, ranking
from camelopard.confidence.outcome_costs import OutcomeCosts
from camelopard.core.arrays import Bools, Floats

COSTS = OutcomeCosts(missed=50, false_alarm=4)


def patients(n: int, rng: np.random.Generator) -> tuple[Floats, Bools]:
    """Return right probabilities, and what happens."""
    p: Floats = 1 / (1 + np.exp(-rng.normal(-1.2, 1.5, n)))
    return p, rng.random(n) < p


def test_each_cut_names_the_rows_with_at_least_its_score() -> None:
    score, event = patients(300, np.random.default_rng(0))
    score = score.round(2)
    sweep = Sweep.of(score, event)
    for cut in range(len(sweep.scores) + 1):
        named = score >= sweep.threshold(cut)
        assert (sweep.found[cut], sweep.alarms[cut]) == ((named & event).sum(), (named & ~event).sum())
        assert sweep.cut(sweep.threshold(cut)) == cut
    assert (sweep.rows, sweep.events, sweep.threshold(0)) == (300, event.sum(), np.inf)


def test_costs_of_a_cut_are_those_of_its_rows() -> None:
    sweep = Sweep.of(np.array([0.9, 0.6, 0.6, 0.1]), np.array([True, False, True, False]))
    assert sweep.costs(OutcomeCosts(50, 4, found=3, gain_found=13)).tolist() == [25_000, 10_000, -4_000, -3_000]


def test_the_ranking_of_counted_rows_is_that_of_the_rows_themselves() -> None:
    score, event = patients(400, np.random.default_rng(1))
    score = score.round(1)
    assert ranking(Sweep.of(score, event)) == pytest.approx([auroc(score, event), average_precision(score, event)])
    assert ranking(Sweep.of(score, event)) == pytest.approx([reference.roc_auc_score(event, score), reference.average_precision_score(event, score)])


def test_resamples_are_rows_drawn_with_replacement() -> None:
    score, event = patients(200, np.random.default_rng(2))
    sweep = Sweep.of(score, event)
    drawn = list(sweep.resamples(np.random.default_rng(0)))
    assert {s.rows for s in drawn} == {200}
    assert np.std([s.events for s in drawn]) == pytest.approx(np.sqrt(200 * event.mean() * (1 - event.mean())), rel=0.15)


def test_the_curves_are_those_of_scikit_learn() -> None:
    score, event = patients(500, np.random.default_rng(3))
    found, _ = curves(Sweep.of(score, event), COSTS, np.random.default_rng(0))
    along, up, _ = reference.roc_curve(event, score, drop_intermediate=False)
    roc = found["roc"]
    assert np.interp(0.35, roc.x, roc.value) == pytest.approx(up[along <= 0.35].max(), abs=0.01)
    precision, recall, _ = reference.precision_recall_curve(event, score)
    assert found["precision-recall"].value[-1] == pytest.approx(precision[recall >= 1].max())
    assert {name: len(c.x) == len(c.value) == len(c.low) == len(c.high) for name, c in found.items()} == dict.fromkeys(found, True)


def test_net_benefit_is_that_of_vickers_and_elkin() -> None:
    score, event = np.array([0.9, 0.7, 0.3, 0.2]), np.array([True, False, True, False])
    curve = curves(Sweep.of(score, event), None, np.random.default_rng(0))[0]["net-benefit"]
    at = int(np.flatnonzero(curve.x == 0.5)[0])
    assert curve.value[at] == pytest.approx(1000 * (1 / 4 - 1 / 4 * 1))  # one found, one in vain, odds 1
    assert curve.beside["name everyone"][at] == pytest.approx(0.0)
    assert set(curve.beside["name nobody"].tolist()) == {0.0}
    assert 0 < curve.x[0] < curve.x[-1] <= 0.99


def test_without_costs_there_is_no_cost_curve() -> None:
    score, event = patients(100, np.random.default_rng(4))
    assert set(curves(Sweep.of(score, event), None, np.random.default_rng(0))[0]) == {"roc", "precision-recall", "net-benefit"}


def test_bands_and_intervals_hold_the_truth_95_times_in_100() -> None:
    rng = np.random.default_rng(5)
    whole = Sweep.of(*patients(400_000, rng))
    area, average = ranking(whole)
    at = np.array([0.1, 0.3])
    costs = whole.costs(COSTS, whole.cut(at))
    hits = np.zeros(4)
    for _ in range(20):
        found, (areas, averages) = curves(Sweep.of(*patients(400, rng)), COSTS, rng)
        inside = [_within(found["cost"], x, truth) for x, truth in zip(at, costs, strict=True)]
        hits += [*inside, areas.low <= area <= areas.high, averages.low <= average <= averages.high]
    assert hits.mean() >= 17.5  # of 20
    assert (hits >= 16).all()


def _within(curve: Curve, x: float, truth: float) -> bool:
    at = int(np.abs(curve.x - x).argmin())
    return bool(curve.low[at] <= truth <= curve.high[at])


def test_where_the_model_separates_all_the_interval_of_its_auroc_does_not_vanish() -> None:
    score, event = np.linspace(0, 1, 40), np.arange(40) >= 20
    area, _ = curves(Sweep.of(score, event), None, np.random.default_rng(0))[1]
    assert (area.low < 0.9, area.high) == (True, 1.0)


def test_the_same_seed_gives_the_same_bytes() -> None:
    score, event = patients(200, np.random.default_rng(6))
    one, two = (curves(Sweep.of(score, event), COSTS, np.random.default_rng(7))[0]["roc"] for _ in range(2))
    assert one.low.tobytes() == two.low.tobytes()
