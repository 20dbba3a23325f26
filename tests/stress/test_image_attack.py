from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest

from camelopard.core.arrays import Floats
from camelopard.core.batch import Batch
from camelopard.core.errors import BudgetSpent, CamelopardError, InputError, UnknownName
from camelopard.core.records import Prediction
from camelopard.core.schema import Column, Schema
from camelopard.stress import image_attack as module
from camelopard.stress.damages._images import Image
from camelopard.stress.image_attack import image_attack
from camelopard.stress.image_attack_result import ImageAttackResult
from camelopard.stress.image_ways import BY_GRADIENT, WAYS
from camelopard.stress.truth import Truth

TRUTH = Truth("classification", 0.0)
SCHEMA = Schema({"image": Column("image", "image", n=2)})
SIDE = 8
WEIGHTS = np.random.default_rng(3).normal(size=(SIDE, SIDE))
Score = Callable[[Image], float]


class Asked:
    """A session that scores each picture, says yes where the score is positive, and counts."""

    def __init__(self, score: Score, budget: int | None = None, labels_only: bool = False, task: str = "classification") -> None:
        self.score, self.budget, self.labels_only, self.task, self.asked, self.calls = score, budget, labels_only, task, 0, 0
        self.seen: list[Any] = []

    def predict(self, batch: Batch) -> Prediction:
        if self.budget is not None and self.asked + len(batch) > self.budget:
            raise BudgetSpent("spent")
        self.asked += len(batch)
        self.calls += 1
        images = batch.columns["image"]
        self.seen += list(images)
        errors = np.array([None if isinstance(image, np.ndarray) else "no picture" for image in images], dtype=object)
        scores = np.array([self.score(image) if isinstance(image, np.ndarray) else np.nan for image in images])
        if self.task == "regression":
            return Prediction(scores, errors=errors)
        value = np.where(scores > 0, "yes", "no").astype(object)
        p = 1 / (1 + np.exp(-np.clip(scores, -30, 30)))
        return Prediction(value, None if self.labels_only else np.column_stack([1 - p, p]), None, errors, ("no", "yes"))


def linear(image: Image) -> float:
    """Return a score on the 0–1 scale, whatever the type of the picture."""
    light = image[..., :1].mean(axis=-1) if image.ndim == 3 else image
    top = 255.0 if image.dtype == np.uint8 else 1.0
    return float((WEIGHTS * (light / top - 0.5)).sum())


def away(images: Image, answers: Sequence[object]) -> Image:
    """Return the gradient of the loss of the linear model, for pictures (n, h, w)."""
    signs = np.array([-1.0 if answer == "yes" else 1.0 for answer in answers])
    return np.asarray(signs[:, None, None] * WEIGHTS[None])


def pictures(n: int = 40, dtype: Any = np.float64, seed: int = 0) -> Batch:
    """Return pictures whose score is between 0.2 and 0.8 from the boundary, in the middle of the range of values."""
    rng = np.random.default_rng(seed)
    column = np.empty(n, dtype=object)
    for i in range(n):
        image = 0.5 + rng.uniform(-0.3, 0.3, (SIDE, SIDE))
        target = rng.uniform(0.2, 0.8) * rng.choice((-1, 1))
        image += (target - linear(image)) * WEIGHTS / (WEIGHTS**2).sum()
        column[i] = np.rint(255 * image).astype(np.uint8) if dtype == np.uint8 else image.astype(dtype)
    return Batch({"image": column}, np.arange(n))


def run(score: Score = linear, batch: Batch | None = None, **settings: Any) -> tuple[ImageAttackResult, Asked]:
    session = Asked(score, settings.pop("budget", None), settings.pop("labels_only", False))
    settings = {"rows": 20, "queries_per_row": 100, **settings}
    return image_attack(session, batch or pictures(), SCHEMA, TRUTH, np.random.default_rng(0), **settings), session


def true_distance(result: ImageAttackResult, order: float) -> Floats:
    """Return the true smallest change, in the norm of this order, of each attacked picture."""
    scores = np.array([abs(linear(image)) for image in result.original.columns["image"]])
    return np.asarray(scores / np.linalg.norm(WEIGHTS.ravel(), order))


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("limit", [1, 2, 7, 60])
def test_no_picture_costs_more_than_its_queries(way: str, limit: int) -> None:
    gradients = 0

    def counted(images: Image, answers: Sequence[object]) -> Image:
        nonlocal gradients
        gradients += len(images)
        return away(images, answers)

    result, session = run(ways=[way], gradient=counted, queries_per_row=limit)
    assert (result.queries <= limit).all()
    assert session.asked + gradients == result.queries.sum()
    for original in result.original.columns["image"]:
        alike = sum(np.abs(original - other).max() < 1e-12 for other in session.seen)
        assert alike >= 1
    assert session.calls <= limit + 1  # all pictures are asked together


def test_all_ways_together_keep_the_budget_and_share_it() -> None:
    result, session = run(gradient=away, queries_per_row=150)
    assert tuple(result.by_way) == tuple(WAYS)
    assert (result.queries <= 150).all()
    assert session.asked <= result.queries.sum()
    assert all(way.queries.min() > 0 for way in result.by_way.values())
    assert tuple(run()[0].by_way) == ("square", "one-pixel", "boundary")  # without a gradient


@pytest.mark.parametrize("way", BY_GRADIENT)
def test_gradients_find_the_smallest_change_of_a_line(way: str) -> None:
    result, _ = run(ways=[way], gradient=away, epsilon=0.05)
    found, true = result.by_way[way].largest, true_distance(result, 1)
    assert result.succeeded.all()
    assert np.all(found >= true * 0.999)
    assert np.median(found / true) < (1.1 if way == "fgsm" else 2.0)


def test_squares_find_a_change_within_epsilon_from_probabilities_alone() -> None:
    result, _ = run(ways=["square"], queries_per_row=100, epsilon=0.05)
    way = result.by_way["square"]
    assert way.succeeded.mean() > 0.9
    assert way.largest[way.succeeded].max() <= 0.05 + 1e-6


def test_the_walk_along_the_boundary_comes_near_the_true_distance_from_labels_alone() -> None:
    result, _ = run(ways=["boundary"], queries_per_row=300, labels_only=True)
    found, true = result.by_way["boundary"].rms * SIDE, true_distance(result, 2)
    assert result.succeeded.all()
    assert np.all(found >= true * 0.999)
    nearest = [
        min(np.linalg.norm(a - b) for b in result.original.columns["image"] if linear(a) * linear(b) < 0) for a in result.original.columns["image"]
    ]
    assert np.median(found / true) < 4
    assert np.median(found) < 0.3 * np.median(nearest)


def test_one_pixel_is_found_where_one_pixel_decides() -> None:
    result, _ = run(lambda image: float(image[2:6, 2:6].max() - 0.95), ways=["one-pixel"], queries_per_row=150)
    assert result.succeeded.mean() > 0.9
    assert (result.by_way["one-pixel"].pixels[result.succeeded] == 1).all()
    assert {f.code for f in result.findings()} == {"one-pixel"}
    assert result.findings()[0].level == "medium"


@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
def test_what_moves_the_answer_can_be_stored_and_moves_it_when_asked_again(dtype: Any) -> None:
    result, session = run(batch=pictures(20, dtype), gradient=away, queries_per_row=150, epsilon=0.05)
    top = 255 if dtype == np.uint8 else 1
    for way in result.by_way.values():
        again = session.predict(way.batch)
        assert (again.value == way.after.value).all()
        assert (TRUTH.fooled(result.before, again) == way.succeeded).all()
        for image in way.batch.columns["image"]:
            assert image.dtype == dtype
            assert 0 <= image.min() <= image.max() <= top
    for name in ("fgsm", "pgd", "square"):
        way = result.by_way[name]
        assert way.succeeded.any()
        assert way.largest[way.succeeded].max() <= 0.05 + 1e-6


def test_a_model_that_does_not_look_is_not_moved() -> None:
    result, _ = run(lambda image: 1.0, gradient=lambda images, answers: np.zeros_like(images), queries_per_row=60)
    assert not result.succeeded.any()
    assert np.isinf(result.costs).all()
    assert result.findings() == []
    assert result.cases(np.arange(40)) == []
    assert result.to_dict()["succeeded"] == 0


def test_a_model_far_from_its_boundary_has_no_invisible_change() -> None:
    batch = pictures()
    for image in batch.columns["image"]:
        image += 2 * np.sign(linear(image)) * WEIGHTS / (WEIGHTS**2).sum()
    result, _ = run(batch=batch, gradient=away, queries_per_row=100, epsilon=0.1)
    assert [f for f in result.findings() if f.code == "invisible-change"] == []
    near, _ = run(gradient=away, queries_per_row=100)
    assert [f.level for f in near.findings() if f.code == "invisible-change"] == ["medium"]


def test_alpha_stays_and_pictures_may_have_any_shape() -> None:
    rng = np.random.default_rng(0)
    shapes = [(6, 7), (6, 7, 1), (5, 4, 3), (5, 4, 4), (1, 1), (1, 1, 3), (9, 9, 2)]
    column = np.empty(len(shapes) * 2, dtype=object)
    for i in range(len(column)):
        column[i] = rng.integers(0, 256, shapes[i % len(shapes)], dtype=np.uint8)

    def mean(image: Image) -> float:
        return float(image[..., 0].mean() - 127) if image.ndim == 3 else float(image.mean() - 127)

    batch = Batch({"image": column}, np.arange(len(column)))
    result, _ = run(mean, batch, gradient=lambda images, answers: np.ones_like(images), epsilon=0.3)
    assert len(result.rows) == len(column)
    for way in result.by_way.values():
        for before, after in zip(result.original.columns["image"], way.batch.columns["image"], strict=True):
            assert after.shape == before.shape
            if before.ndim == 3 and before.shape[2] in (2, 4):
                assert np.array_equal(before[..., -1], after[..., -1]), way.name


def test_the_same_seed_finds_the_same_and_the_input_is_untouched() -> None:
    batch = pictures()
    kept = [image.copy() for image in batch.columns["image"]]
    first, second = run(batch=batch)[0], run(batch=batch)[0]
    assert np.array_equal(first.costs, second.costs)
    assert all(np.array_equal(a, b) for a, b in zip(first.batch.columns["image"], second.batch.columns["image"], strict=True))
    assert all(np.array_equal(a, b) for a, b in zip(kept, batch.columns["image"], strict=True))


def test_where_the_sessions_budget_ends_what_was_found_is_returned() -> None:
    result, session = run(budget=200, gradient=away, queries_per_row=150)
    assert not result.complete
    assert session.asked <= 200
    assert result.by_way["fgsm"].succeeded.any()
    assert not result.by_way["boundary"].succeeded.any()
    with pytest.raises(BudgetSpent):
        run(budget=3)


def test_cells_that_are_no_pictures_are_not_attacked() -> None:
    column = pictures(6).columns["image"].copy()
    column[1], column[4] = b"a file", None
    result, _ = run(batch=Batch({"image": column}, np.arange(6)))
    assert result.rows.tolist() == [0, 2, 3, 5]
    assert result.drawn == 6
    none, _ = run(batch=Batch({"image": column[[1, 4]]}, np.arange(2)))
    assert len(none.rows) == 0
    assert none.findings() == []
    assert none.to_dict()["attacked"] == 0


def test_numbers_are_moved_beyond_the_tolerance() -> None:
    session = Asked(linear, task="regression")
    truth = Truth("regression", 0.5)
    result = image_attack(session, pictures(), SCHEMA, truth, np.random.default_rng(0), rows=10, queries_per_row=100, ways=["square"])
    assert result.succeeded.mean() > 0.8
    assert (np.abs(result.after.value - result.before.value)[result.succeeded] > 0.5).all()


def test_cases_and_plain_data_say_what_each_way_did() -> None:
    result, _ = run(gradient=away, queries_per_row=200)
    cases = result.cases(np.arange(100, 140))
    assert [case.kind for case in cases] == [f"{name}-attack" for name, way in result.by_way.items() if way.succeeded.any()]
    assert {case.kind for case in cases if not case.keeps_label} == {"boundary-attack"}
    for case in cases:
        assert case.fooled.all()
        assert set(case.rows) <= set(100 + result.rows)
        assert len(case.batch) == len(case.rows) == len(case.after)
    told = json.loads(json.dumps(result.to_dict()))
    assert [way["way"] for way in told["by_way"]] == list(result.by_way)
    assert told["by_way"][0]["low"] <= told["by_way"][0]["moved"] <= told["by_way"][0]["high"]
    assert told["examples"][0]["changes"]["image"][1].startswith("changed by ")
    i = int(np.flatnonzero(result.succeeded)[0])
    assert list(result.changes(i)) == ["image"]
    assert result.costs[i] == min(way.rms[i] for way in result.by_way.values())


def test_wrong_use_is_refused_in_words() -> None:
    with pytest.raises(UnknownName, match="Did you mean 'square'"):
        run(ways=["squares"])
    with pytest.raises(CamelopardError, match="follows the gradient of the model, and none is given"):
        run(ways=["pgd"])
    with pytest.raises(CamelopardError, match="expected a list of names"):
        run(ways="square")
    with pytest.raises(CamelopardError, match="expected at least 1"):
        run(queries_per_row=0)
    with pytest.raises(CamelopardError, match="above 0 and at most 1"):
        run(epsilon=8)
    with pytest.raises(InputError, match="expected the same shape"):
        run(ways=["fgsm"], gradient=lambda images, answers: images[0])
    with pytest.raises(InputError, match=r"no column of images to attack; the columns are a \(number\)"):
        image_attack(Asked(linear), pictures(), Schema({"a": Column("a", "number")}), TRUTH, np.random.default_rng(0))


def test_large_pictures_are_attacked_one_after_the_other_and_the_changes_are_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    together = run(rows=12)
    monkeypatch.setattr(module, "HELD", 12 * 4 * SIDE * SIDE)  # twelve pictures, and the copies of less than one
    apart = run(rows=12)
    assert together[0].costs.tobytes() == apart[0].costs.tobytes()
    assert together[0].queries.tolist() == apart[0].queries.tolist()
    assert apart[1].calls > together[1].calls


def test_no_more_pictures_are_attacked_than_fit_into_memory_and_none_that_is_too_large_for_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "HELD", 5 * 4 * SIDE * SIDE)
    assert len(run(rows=12)[0].rows) == 5
    monkeypatch.setattr(module, "LARGEST", SIDE * SIDE - 1)
    assert len(run(rows=12)[0].rows) == 0
