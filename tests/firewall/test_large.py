"""Damaged pictures that are made again to be examined teach the same as those that are kept, in a bounded number of bytes."""

from __future__ import annotations

import io
import tracemalloc
from dataclasses import fields
from typing import Any

import numpy as np
import pytest

import camelopard as cp
from camelopard.core.arrays import Array
from camelopard.core.batch import Batch
from camelopard.core.records import Prediction
from camelopard.firewall import evaluation, large, portions, stressed, training
from camelopard.firewall.large import Large
from camelopard.firewall.material import Lesson, Purse, examined
from camelopard.firewall.portions import Stack
from camelopard.firewall.stressed import Stressed, gather
from camelopard.modality import picture_files
from camelopard.models import sizes
from camelopard.stress import runner
from camelopard.stress.damages import named
from camelopard.stress.runner import run
from camelopard.stress.truth import Truth

KINDS = ("gaussian-noise", "brightness", "value-type", "blend", "rotation", "vertical-flip")
TRUTH = Truth("classification", 0.0)


def halves(n: int, seed: int, side: int = 8) -> tuple[Array, Array]:
    """Noise with a lighter half, above or below."""
    rng = np.random.default_rng(seed)
    top, light = rng.random(n) < 0.5, np.repeat([90.0, 0.0], side // 2)
    pictures = rng.normal(60, 12, (n, side, side)) + np.where(top[:, None], light, light[::-1])[:, :, None]
    return pictures.clip(0, 255).astype(np.uint8), np.where(top, "top", "bottom").astype(object)


def upper(pictures: Array) -> Array:
    if pictures.ndim < 3 or pictures.shape[1] < 2:
        raise ValueError("expected pictures with an upper and a lower half")
    middle = pictures.shape[1] // 2
    above, below = (part.reshape(len(pictures), -1).mean(axis=1, dtype=np.float64) for part in (pictures[:, :middle], pictures[:, middle:]))
    p = 1 / (1 + np.exp(-np.clip((above - below) / 20, -50, 50)))
    return np.column_stack([1 - p, p])


def model() -> Any:
    return cp.wrap(upper, name="upper", task="classification", classes=["bottom", "top"])


@pytest.fixture(scope="module")
def firewall() -> cp.Firewall:
    return cp.Firewall(alpha=0.3, budget=1_200).fit(model(), *halves(100, 1), reference=halves(200, 0)[0])


def lesson_of(firewall: cp.Firewall, pictures: Array, rows: int | None = None, each: int = 6) -> tuple[Lesson, Stressed]:
    rng, clean = np.random.default_rng(0), firewall.schema.conform(Batch.of(pictures))
    session = model().session(rows, thrifty=True)
    cases = run(session, clean, firewall.schema, TRUTH, [named(kind) for kind in KINDS], rng=rng, rows_per_case=each)
    purse = Purse(session, rows)
    stressed = gather(cases, firewall.schema, 2_000, rng, enriched=True)
    assert stressed is not None
    return examined(firewall.learned_.panel, clean, stressed, TRUTH, purse, firewall.schema.form, rng), stressed


def made_again(monkeypatch: pytest.MonkeyPatch, size: int) -> None:
    for where in (runner, stressed, portions):
        monkeypatch.setattr(where, "HELD", size)
    monkeypatch.setattr(sizes, "AT_ONCE", size)


def told(part: Lesson) -> list[object]:
    found: list[object] = []
    for field in fields(part):
        value = getattr(part, field.name)
        found.append(value.shares.tobytes() if isinstance(value, Prediction) else value.tolist() if isinstance(value, np.ndarray) else value)
    return found


def test_a_lesson_is_the_same_whether_damaged_pictures_are_kept_or_made_again(firewall: cp.Firewall, monkeypatch: pytest.MonkeyPatch) -> None:
    pictures = halves(40, 5)[0]
    kept, whole = lesson_of(firewall, pictures)
    made_again(monkeypatch, 2_000)
    again, stack = lesson_of(firewall, pictures)
    assert isinstance(whole.batch, Batch) and isinstance(stack.batch, Stack)
    assert len(stack.batch) == len(whole.batch)
    assert again.fooled.any() and not again.fooled[again.damaged].all()
    assert told(again) == told(kept)


def test_where_the_budget_ends_before_a_stack_does_every_kind_was_looked_at(firewall: cp.Firewall, monkeypatch: pytest.MonkeyPatch) -> None:
    pictures = halves(40, 5)[0]
    made_again(monkeypatch, 2_000)
    whole, _ = lesson_of(firewall, pictures)
    some, _ = lesson_of(firewall, pictures, rows=900)
    assert len(some.kind) < len(whole.kind)
    assert set(some.kind) == {"", *KINDS}
    assert (~some.damaged).sum() == 40


def test_examining_many_pictures_takes_a_bounded_number_of_bytes(firewall: cp.Firewall, monkeypatch: pytest.MonkeyPatch) -> None:
    pictures = halves(60, 5, 128)[0]
    made_again(monkeypatch, 400_000)
    lesson_of(firewall, pictures[:20], each=2)  # what is loaded once counts for nothing
    tracemalloc.start()
    try:
        _, stressed = lesson_of(firewall, pictures, each=12)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert len(stressed.kind) * pictures[0].nbytes > 4_000_000
    assert peak < 8_000_000  # 25 million where all are kept, with thirteen repairs of each


def test_without_a_budget_large_pictures_limit_what_is_looked_at_and_it_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    pictures, labels = halves(260, 1)
    for where in (training, large, evaluation):
        monkeypatch.setattr(where, "PIXELS", 64 * 700)
    monkeypatch.setattr("camelopard.stress.study.PIXELS", 64 * 700)
    monkeypatch.setattr(large, "ATTACK_PIXELS", 64 * 200)
    monkeypatch.setattr("camelopard.stress.study.ATTACK_PIXELS", 64 * 200)
    monkeypatch.setattr(large, "FEWEST_CLEAN", 120)
    monkeypatch.setattr(large, "FEWEST_DAMAGED", 100)
    fitted = cp.Firewall(alpha=0.3).fit(model(), pictures, labels)
    told = fitted.describe()["pictures"]
    assert told["pixels"] == 64
    assert told["clean"] < 260 and 200 < told["damaged"] <= 1_400
    assert any("pictures are large" in note for note in fitted.report_.notes)
    assert fitted.about_["asked"] < 30_000
    found = fitted.evaluate(*halves(200, 2)).to_dict()["rows"]
    assert found["damaged"] <= 700


def test_of_files_that_would_not_fit_unpacked_some_are_learned_from_with_their_own_labels(monkeypatch: pytest.MonkeyPatch) -> None:
    pillow = pytest.importorskip("PIL.Image")
    pictures, labels = halves(150, 1)
    files = []
    for pixels in pictures:
        held = io.BytesIO()
        pillow.fromarray(pixels).save(held, "PNG")
        files.append(held.getvalue())
    monkeypatch.setattr(picture_files, "UNPACKED", 100 * 3 * 64)
    monkeypatch.setattr(picture_files, "FEWEST", 50)
    about = cp.Firewall(alpha=0.3, budget=2_000).fit(model(), files, labels, reference=files).describe()
    assert (about["rows"]["taught"] + about["rows"]["calibrated"], about["rows"]["reference"]) == (100, 100)
    assert about["measured"]["routes"]["before"]["value"] < 300  # wrong answers in a thousand, damaged rows among them: 500 with labels of others


def test_with_a_budget_or_small_pictures_nothing_is_limited() -> None:
    batch = Batch.of(np.zeros((3, 1000, 700)))
    assert Large.of(batch, None).damaged == 1_000
    assert Large.of(batch, 5_000) == Large.of(Batch.of(np.zeros((3, 100, 100))), None) == Large()
    assert Large.of(batch, 5_000).told([]) == {}
