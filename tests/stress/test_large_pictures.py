"""Damaged pictures are made again rather than kept: the same cases, findings and examples in a bounded number of bytes."""

from __future__ import annotations

import io
import json
import tracemalloc
from typing import Any

import numpy as np
import pytest

import camelopard as cp
from camelopard.core.arrays import Array
from camelopard.core.batch import Batch
from camelopard.core.schema import Schema
from camelopard.modality import picture_files
from camelopard.models import sizes
from camelopard.stress import runner, study
from camelopard.stress.damages import named
from camelopard.stress.remade import Remade
from camelopard.stress.runner import Case
from camelopard.stress.truth import Truth

KINDS = ("gaussian-noise", "brightness", "value-type", "blend", "rotation", "half-loaded", "contrast", "pixelate")


def halves(n: int, side: int = 8) -> Array:
    """Noise with a lighter half, above or below."""
    rng = np.random.default_rng(0)
    light = np.repeat([90.0, 0.0], side // 2)
    pictures = rng.normal(60, 12, (n, side, side)) + np.where(rng.random((n, 1)) < 0.5, light, light[::-1])[:, :, None]
    return pictures.clip(0, 255).astype(np.uint8)


def upper(pictures: Array) -> Array:
    """Say how much lighter the upper half is."""
    middle = pictures.shape[1] // 2
    above, below = (part.reshape(len(pictures), -1).mean(axis=1, dtype=np.float64) for part in (pictures[:, :middle], pictures[:, middle:]))
    p = 1 / (1 + np.exp(-np.clip((above - below) / 20, -50, 50)))
    return np.column_stack([1 - p, p])


def model() -> Any:
    return cp.wrap(upper, name="upper", task="classification", classes=["below", "above"])


def cases_of(pictures: Array, **more: Any) -> list[Case]:
    batch = Batch.of(pictures)
    settings = {"rows_per_case": 6, **more}
    damages = [named(kind) for kind in KINDS]
    return runner.run(model().session(), batch, Schema.infer(batch), Truth("classification", 0.0), damages, rng=np.random.default_rng(0), **settings)


def told(case: Case) -> tuple[object, ...]:
    cells = [(cell.dtype, cell.tobytes()) if isinstance(cell, np.ndarray) else cell for cell in case.batch.columns["image"]]
    return case.kind, case.severity, case.rows.tolist(), cells, case.after.shares.tobytes(), case.fooled.tolist(), case.changed.tolist()


def test_cases_that_are_made_again_hold_the_same_rows_and_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    kept = cases_of(halves(40))
    assert not any(isinstance(case.batch.columns, Remade) for case in kept)
    monkeypatch.setattr(runner, "HELD", 2_000)  # bytes: two or three cases
    again = cases_of(halves(40))
    assert 0 < sum(isinstance(case.batch.columns, Remade) for case in again) < len(again)
    assert list(map(told, again)) == list(map(told, kept))


def test_a_report_shows_the_same_of_rows_that_are_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    def report() -> Any:
        found = study.stress(model(), halves(120), damages=[*KINDS, "vertical-flip"], budget=3_000, attacks=False)
        return [finding.details.get("example") for finding in found.findings], found.curves, found.assumptions

    kept = report()
    monkeypatch.setattr(runner, "HELD", 0)
    assert report() == kept
    assert any(example is not None for example in kept[0])


def test_damaging_many_pictures_takes_a_bounded_number_of_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    pictures = halves(150, 64)
    monkeypatch.setattr(runner, "HELD", 400_000)
    monkeypatch.setattr(sizes, "AT_ONCE", 400_000)

    def most(rows: int) -> tuple[int, int]:
        tracemalloc.start()
        try:
            found = cases_of(pictures, rows_per_case=rows)
            return tracemalloc.get_traced_memory()[1], sum(len(case.rows) for case in found)
        finally:
            tracemalloc.stop()

    most(2)  # what is loaded once counts for nothing
    peak, damaged = most(24)
    assert damaged * pictures[0].nbytes > 3_500_000
    assert peak < 2_800_000  # kept ones, those of a round, and one case of floats, which take eight times the bytes


def test_without_a_budget_of_large_pictures_fewer_are_damaged_and_the_report_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    pictures = halves(200)
    whole = study.stress(model(), pictures, damages=KINDS, attacks=False)
    monkeypatch.setattr(study, "PIXELS", 64 * 300)
    fewer = study.stress(model(), pictures, damages=KINDS, attacks=False)
    tried = [sum(point.n for point in report.curves) for report in (whole, fewer)]
    assert tried[0] > 1_000 and 150 <= tried[1] <= 300
    assert not whole.notes
    assert "The pictures are large" in fewer.notes[0] and f"{tried[1]:,} in all" in fewer.notes[0]
    asked_for = study.stress(model(), pictures, damages=KINDS, attacks=False, budget=5_000)
    assert sum(point.n for point in asked_for.curves) > 1_000 and not asked_for.notes


def test_of_pictures_given_as_files_so_many_are_unpacked_as_fit_and_called_by_their_places(monkeypatch: pytest.MonkeyPatch) -> None:
    pillow = pytest.importorskip("PIL.Image")

    def packed(pixels: Array) -> bytes:
        held = io.BytesIO()
        pillow.fromarray(pixels).save(held, "PNG")
        return held.getvalue()

    pictures = halves(120)
    files = [packed(pixels) for pixels in pictures]
    whole = study.stress(model(), files, damages=KINDS, budget=2_000, attacks=False)
    monkeypatch.setattr(picture_files, "UNPACKED", 60 * 3 * 64)
    monkeypatch.setattr(picture_files, "FEWEST", 50)
    some = study.stress(model(), files, damages=KINDS, budget=2_000, attacks=False)
    assert (whole.data["rows"], some.data["rows"]) == (120, 60)
    assert "60 were looked at" in some.notes[-1] and not whole.notes
    rows = np.unique(np.concatenate([case.rows for case in some.cases]))
    assert len(rows) <= 60 and rows.max() >= 60
    case = next(case for case in some.cases if case.kind == "gaussian-noise" and case.severity == 1)
    nearest = [int(np.abs(pictures.astype(float) - damaged).mean(axis=(1, 2)).argmin()) for damaged in case.batch.columns["image"]]
    assert nearest == case.rows.tolist()
    assert {row for finding in some.findings if finding.subject == "image" for row in finding.rows} <= set(rows.tolist())
    json.dumps(some.to_dict())
