"""Many large pictures: how many of those that the firewall makes of them are alive at once, counted; and the verdicts are the same."""

from __future__ import annotations

import gc
import io
import weakref
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import camelopard as cp
from camelopard.core.arrays import Array
from camelopard.core.batch import Batch
from camelopard.evidence.impact import CANDIDATES
from camelopard.firewall.portions import features_of
from camelopard.modality import image, image_files, picture_files
from camelopard.modality.files import open_table
from camelopard.modality.image import ImageVectors
from camelopard.models import sizes

ROWS, AT_ONCE = 40, 5  # pictures in all, and those that fit into the bytes held at once


def halves(n: int, seed: int) -> tuple[Array, Array]:
    """Noise of 8 × 8 with a lighter half, above or below."""
    rng = np.random.default_rng(seed)
    top, light = rng.random(n) < 0.5, np.repeat([90.0, 0.0], 4)
    pictures = rng.normal(60, 12, (n, 8, 8)) + np.where(top[:, None], light, light[::-1])[:, :, None]
    return pictures.clip(0, 255).astype(np.uint8), np.where(top, "top", "bottom").astype(object)


class Counted:
    """Counts how many of the pictures that it was told of are alive whenever the model is asked, and how many it is asked about."""

    def __init__(self) -> None:
        self.known: list[weakref.ref[Array]] = []
        self.alive, self.asked = [0], [0]

    def tell(self, pixels: Array) -> Array:
        self.known.append(weakref.ref(pixels))
        return pixels

    def look(self) -> None:
        self.known = [ref for ref in self.known if ref() is not None]
        self.alive.append(len(self.known))

    def answer(self, pictures: Array) -> Array:
        self.look()
        self.asked.append(len(pictures))
        above, below = (part.reshape(len(pictures), -1).mean(axis=1, dtype=np.float64) for part in (pictures[:, :4], pictures[:, -4:]))
        p = 1 / (1 + np.exp(-np.clip((above - below) / 20, -50, 50)))
        return np.column_stack([1 - p, p])


COUNTED = Counted()


@pytest.fixture(scope="module")
def firewall() -> cp.Firewall:
    model = cp.wrap(COUNTED.answer, name="halves", task="classification", classes=["bottom", "top"])
    pictures, labels = halves(100, 1)
    return cp.Firewall(alpha=0.3, budget=1_200).fit(model, pictures, labels, reference=halves(200, 0)[0])


def damaged(n: int) -> Array:
    pictures = halves(n, 3)[0]
    pictures[:, ::2] = 255 - pictures[:, ::2]  # every one is suspicious
    return pictures


def test_repairs_of_many_pictures_are_made_some_at_a_time_and_few_are_kept(firewall: cp.Firewall, monkeypatch: pytest.MonkeyPatch) -> None:
    plain = {name: getattr(ImageVectors, name) for name in ("repairs", "mended")}
    monkeypatch.setattr(ImageVectors, "repairs", lambda self, cell: [(why, COUNTED.tell(made)) for why, made in plain["repairs"](self, cell)])
    monkeypatch.setattr(ImageVectors, "mended", lambda self, cell, most: [COUNTED.tell(made) for made in plain["mended"](self, cell, most)])
    pictures = damaged(ROWS)

    def screened() -> tuple[cp.Verdicts, int, int]:
        COUNTED.known, COUNTED.alive, COUNTED.asked = [], [0], [0]
        verdicts = firewall.screen(pictures)
        return verdicts, max(COUNTED.alive), max(COUNTED.asked)

    whole, before, stacked = screened()
    monkeypatch.setattr(sizes, "AT_ONCE", AT_ONCE * CANDIDATES * pictures[0].nbytes)
    parts, alive, asked = screened()
    assert [getattr(parts, name).tobytes() for name in ("risk", "confidence", "oddity")] == [
        getattr(whole, name).tobytes() for name in ("risk", "confidence", "oddity")
    ]
    assert [parts.repair(i) is None for i in range(ROWS)] == [whole.repair(i) is None for i in range(ROWS)]
    assert asked <= AT_ONCE * CANDIDATES < stacked
    assert alive <= AT_ONCE * CANDIDATES + 2 * ROWS < before
    COUNTED.look()
    assert COUNTED.alive[-1] <= 4 * ROWS  # both verdicts are alive, each with two repairs of a row at most


def test_of_a_folder_no_more_pictures_are_unpacked_at_once_than_are_read_at_once(
    firewall: cp.Firewall, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pillow = pytest.importorskip("PIL.Image")
    for i, pixels in enumerate(damaged(ROWS)):
        held = io.BytesIO()
        pillow.fromarray(pixels).save(held, "PNG")
        (tmp_path / f"{i:02d}.png").write_bytes(held.getvalue())
    plain = image_files.unpacked
    monkeypatch.setattr(image, "unpacked", lambda file: COUNTED.tell(plain(file)))
    monkeypatch.setattr(picture_files, "AT_ONCE", AT_ONCE * 3 * 64)
    COUNTED.known, COUNTED.alive = [], [0]
    seen = 0
    for chunk in open_table(tmp_path, schema=firewall.schema):
        seen += len(firewall.screen(chunk.batch, problems=chunk.problems))
    assert seen == ROWS
    assert 0 < max(COUNTED.alive) <= 2 * AT_ONCE  # those of the chunk before may live until the next one is judged
    COUNTED.look()
    assert COUNTED.alive[-1] <= AT_ONCE


def test_features_come_in_the_order_of_the_rows_and_a_part_without_any_is_unknown() -> None:
    def read(part: Batch) -> Any:
        first = float(part.columns["image"][0][0, 0])
        return np.empty((len(part), 0)) if first == 2 else np.array([[cell[0, 0], 1.0] for cell in part.columns["image"]])

    batch = Batch.of(np.arange(5)[:, None, None] * np.ones((5, 2, 2)))
    found = features_of(read, batch, 2)
    assert found is not None
    np.testing.assert_array_equal(found, np.array([[0, 1], [1, 1], [np.nan, np.nan], [np.nan, np.nan], [4, 1]]))
    assert features_of(lambda part: None, batch, 2) is None


def packed(pictures: Array) -> list[bytes]:
    """The same pictures as files."""
    pillow = pytest.importorskip("PIL.Image")
    files = []
    for pixels in pictures:
        held = io.BytesIO()
        pillow.fromarray(pixels).save(held, "PNG")
        files.append(held.getvalue())
    return files


def test_many_files_are_unpacked_some_at_a_time_and_again_for_what_is_told_of_them(firewall: cp.Firewall, monkeypatch: pytest.MonkeyPatch) -> None:
    files, plain = packed(damaged(ROWS)), image_files.unpacked
    files[7] = b"no picture"
    monkeypatch.setattr(image, "unpacked", lambda file: COUNTED.tell(plain(file)))

    def screened() -> tuple[cp.Verdicts, int]:
        COUNTED.known, COUNTED.alive = [], [0]
        verdicts = firewall.screen(files)
        gc.collect()
        COUNTED.look()
        return verdicts, COUNTED.alive[-1]

    whole, before = screened()
    told = [(whole.reasons(i), whole.repair_of(i)) for i in range(ROWS)]
    monkeypatch.setattr(sizes, "AT_ONCE", AT_ONCE * 3 * 64)  # a picture counts as one of three channels before it is unpacked
    parts, after = screened()
    assert before == ROWS - 1
    assert 0 < after <= AT_ONCE
    assert max(COUNTED.alive) <= 3 * AT_ONCE  # those of this part and the one before, and of one that the collector has not been to yet
    assert [getattr(parts, name).tobytes() for name in ("risk", "confidence", "oddity")] == [
        getattr(whole, name).tobytes() for name in ("risk", "confidence", "oddity")
    ]
    for i in (*range(ROWS), 3, 39, 0):
        reasons, repair = told[i]
        again = parts.repair_of(i)
        assert [reason.message for reason in parts.reasons(i)] == [reason.message for reason in reasons]
        assert (again is None) == (repair is None)
        if again is not None and repair is not None:
            assert np.array_equal(again.changes["image"], repair.changes["image"])
    assert sum(repair is not None for _, repair in told) > 5
    del reasons, repair, again
    gc.collect()
    COUNTED.look()
    assert COUNTED.alive[-1] <= ROWS - 1 + AT_ONCE  # those of the verdicts that keep all of theirs, and of one part


def test_answers_and_evidence_of_many_files_are_those_of_all_at_once(firewall: cp.Firewall, monkeypatch: pytest.MonkeyPatch) -> None:
    files = packed(halves(120, 4)[0])
    whole = firewall.answer(files), firewall.recalibrated(files).describe()["traffic"]
    monkeypatch.setattr(sizes, "AT_ONCE", AT_ONCE * 3 * 64)
    COUNTED.asked = [0]
    parts = firewall.answer(files), firewall.recalibrated(files).describe()["traffic"]
    assert parts[0].shares.tobytes() == whole[0].shares.tobytes()
    assert parts[1] == whole[1]
    assert max(COUNTED.asked) <= 3 * AT_ONCE
