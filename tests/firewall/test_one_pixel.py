"""One pixel that moves the answer is found by taking it out again; harmless specks pass, and few clean pictures are asked about twice."""

from __future__ import annotations

import numpy as np
import pytest

import camelopard as cp
from camelopard.core.arrays import Array, Bools
from camelopard.core.batch import Batch
from camelopard.core.records import Prediction
from camelopard.core.schema import Schema
from camelopard.firewall.firewall import Firewall
from camelopard.firewall.panel import lead
from camelopard.firewall.struck import struck
from camelopard.stress.truth import Truth

ALPHA, SIDE = 0.1, 12
HALF = np.repeat([1.0, -1.0], SIDE // 2)[:, None]


def pictures(n: int, seed: int) -> Array:
    """Grain of 12 × 12, one half lighter than the other, by very little in some."""
    rng = np.random.default_rng(seed)
    return (120 + HALF * rng.uniform(-12, 12, (n, 1, 1)) + rng.normal(0, 20, (n, SIDE, SIDE))).clip(0, 255).astype(np.uint8)


def answer(some: Array) -> Array:
    apart = (np.asarray(some, dtype=np.float64) * HALF).sum(axis=(1, 2)) / (SIDE * SIDE)
    p = 1 / (1 + np.exp(-apart))
    return np.column_stack([1 - p, p])


MODEL = cp.wrap(answer, name="lighter half", task="classification", classes=["bottom", "top"])


def speckled(some: Array, seed: int) -> Array:
    """The same pictures with one pixel black or white."""
    rng, struck = np.random.default_rng(seed), some.copy()
    for picture in struck:
        picture[tuple(rng.integers(0, SIDE, 2))] = rng.choice([0, 255])
    return struck


def moved(some: Array, others: Array) -> Bools:
    return np.asarray(answer(some).argmax(axis=1) != answer(others).argmax(axis=1))


@pytest.fixture(scope="module")
def firewall() -> Firewall:
    return Firewall(alpha=ALPHA, budget=10_000).fit(MODEL, pictures(300, 1), reference=pictures(200, 0))


def test_without_one_pixel_the_answer_is_what_it_was_and_no_other_pixel_matters(firewall: Firewall) -> None:
    clean = pictures(600, 2)
    specks = speckled(clean, 3)
    hit, panel = moved(clean, specks), firewall.learned_.panel
    assert hit.sum() >= 15
    found, before = (firewall._examined(firewall.schema_.conform(Batch.of(some))) for some in (specks, clean))
    undone, at_all = (np.any([seen.table[:, panel.names.index(name)] > 0 for name in ("moved_1", "moved_2")], axis=0) for seen in (found, before))
    assert undone[hit].mean() > 0.8
    assert undone[~hit].mean() < 0.1
    assert at_all.mean() < 0.1


def test_clean_pictures_and_such_with_harmless_specks_pass_but_for_alpha_and_chance(firewall: Firewall) -> None:
    clean, rng = pictures(400, 4), np.random.default_rng(5)
    salted = clean.copy()
    salted[rng.random(clean.shape) < 0.01] = 255
    left, harmless = (firewall.screen(some).route != "pass" for some in (clean, salted[~moved(clean, salted)]))
    chance = 3 * np.sqrt(ALPHA * (1 - ALPHA) / 105)  # the threshold itself rests on some 105 pictures
    assert left.mean() <= ALPHA + chance
    assert harmless.mean() <= 2 * ALPHA + chance


def test_one_picture_in_ten_is_asked_about_again_because_its_answer_is_in_doubt(firewall: Firewall) -> None:
    clean, panel = pictures(400, 5), firewall.learned_.panel
    answered = MODEL.predict(clean)
    doubtful = lead(answered) < panel.narrow
    assert doubtful.mean() == pytest.approx(0.1, abs=0.05)
    again = np.zeros(len(clean), dtype=bool)
    again[firewall._examined(firewall.schema_.conform(Batch.of(clean))).impact.rows] = True
    assert again[doubtful].all()
    assert again[~doubtful].mean() < 0.4


def test_the_lead_is_that_of_the_first_class_over_the_second() -> None:
    some = Prediction(np.array(["a", "b"], dtype=object), np.array([[0.5, 0.3, 0.2], [0.1, 0.8, 0.1]]), classes=("a", "b", "c"))
    assert lead(some).round(12).tolist() == [0.2, 0.7]
    assert lead(Prediction(np.array(["a"], dtype=object), np.array([[1.0]]), classes=("a",))).tolist() == [1.0]


def test_only_pictures_are_suspicious_because_an_answer_is_in_doubt(firewall: Firewall) -> None:
    assert 0 < firewall.learned_.panel.narrow < 1
    rows = [{"a": float(k % 17), "b": float(k % 5)} for k in range(120)]
    table = cp.wrap(lambda rows: np.array([[0.4, 0.6] if row["a"] > 8 else [0.6, 0.4] for row in rows]), task="classification", classes=["n", "y"])
    panel = Firewall(alpha=0.1, budget=1_500).fit(table, rows).learned_.panel
    assert panel.narrow == 0.0
    assert "narrow" not in panel.state()


def test_the_search_changes_one_pixel_of_pictures_in_doubt_and_puts_the_same_into_others() -> None:
    clean = Batch.of(pictures(400, 6))
    session = MODEL.session(3_000, thrifty=True)
    before, schema, truth = session.predict(clean), Schema.infer(clean), Truth("classification", 0.0)
    spent = session.asked
    won, elsewhere = struck(session, clean, before, 0.6, schema, truth, np.random.default_rng(0), 1_200)
    assert session.asked - spent <= 1_200 + len(elsewhere.rows)
    assert len(won.rows) >= 8
    assert won.fooled.all()
    assert (lead(before)[won.rows] < 0.6).all()
    assert 0 < len(elsewhere.rows) <= 2 * len(won.rows)
    assert elsewhere.fooled.mean() < 0.5
    assert not set(won.rows.tolist()) & set(elsewhere.rows.tolist())
    for case in (won, elsewhere):
        pictures_now, pictures_then = (np.stack(some.columns["image"].tolist()) for some in (case.batch, clean.take(case.rows)))
        assert (pictures_now != pictures_then).sum(axis=(1, 2)).tolist() == [1] * len(case.rows)
        assert moved(pictures_then, pictures_now).tolist() == case.fooled.tolist()
    for narrow, most in ((0.0, None), (0.6, 59), (1e-9, None)):
        assert struck(session, clean, before, narrow, schema, truth, np.random.default_rng(0), most) == []
