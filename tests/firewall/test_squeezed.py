"""Squeezed pictures as evidence: kept where they find what struck pixels did to the answer, told with their cost, refused where there are none."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import camelopard as cp
from camelopard.confidence.quality import auroc
from camelopard.core.arrays import Array
from camelopard.core.errors import InputError
from camelopard.firewall.firewall import Firewall

SIGNS = np.random.default_rng(7).choice([-1.0, 1.0], (8, 8))


def pictures(n: int, seed: int) -> tuple[Array, Array]:
    """Return pictures of 8 × 8 even blocks, what they show, a weighing of all blocks, with single pixels struck at random."""
    rng = np.random.default_rng(seed)
    blocks = rng.integers(60, 190, size=(n, 8, 8))
    planes = blocks.repeat(3, axis=1).repeat(3, axis=2)
    places = rng.integers(0, 24, (n, 20, 2))
    for plane, struck in zip(planes, places, strict=True):
        plane[struck[:, 0], struck[:, 1]] += rng.choice([-60, 60], 20)
    return planes.astype(np.uint8), np.where((blocks * SIGNS).sum(axis=(1, 2)) > 125 * SIGNS.sum(), "left", "right")


def votes(images: Array) -> Array:
    """Answer what pictures show, unless a struck pixel beside the middle of a block speaks louder."""
    light = images.astype(float)
    margin = (light[:, 1::3, 1::3] * SIGNS).sum(axis=(1, 2)) - 125 * SIGNS.sum()
    struck = (light[:, 1::3, 2::3] - light[:, 1::3, 0::3]).sum(axis=(1, 2))
    return np.where(margin + 4 * struck > 0, "left", "right")


def voter() -> Any:
    return cp.wrap(votes, name="votes", classes=["left", "right"])


@pytest.fixture(scope="module")
def fitted() -> Firewall:
    X, y = pictures(1300, 0)
    return Firewall(alpha=0.1, budget=18_000, uncertainty="squeezed").fit(voter(), X, y)


def test_squeezed_pictures_are_kept_where_they_show_what_struck_pixels_did(fitted: Firewall) -> None:
    found = fitted.describe()["uncertainty"]
    assert found["kept"] == "squeezed" and found["kinds"]["squeezed"]["low"] > 0
    assert found["kinds"]["squeezed"]["model_rows"] == 1
    assert fitted.learned_.panel.names[-2:] == ("uncertain:squeezed", "uncertain:squeezed: in all")
    assert "kept" in fitted.summary() and "It costs 1 more model row for each row screened." in fitted.summary()
    X, y = pictures(300, 1)
    assert auroc(1 - fitted.screen(X).confidence, votes(X) != y) > 0.9


def test_a_row_costs_one_more_row_of_the_model(fitted: Firewall) -> None:
    assert fitted.learned_.panel.extra_rows == 1
    panel, form = fitted.learned_.panel, fitted.schema_.form
    batch = fitted.schema_.conform(cp.Batch.of(pictures(20, 2)[0]))
    session = voter().session()
    answer = session.predict(batch)
    asked = session.asked
    panel.uncertainty("squeezed", batch, answer, panel.reader.read(batch), session)
    assert session.asked - asked == 20
    assert form.kind == "images"


def test_confidence_is_the_same_alone_in_any_batch_and_from_a_file(fitted: Firewall, tmp_path: Path) -> None:
    X, _ = pictures(30, 3)
    whole = fitted.screen(X).confidence
    fitted.save(tmp_path / "squeezed.firewall")
    loaded = Firewall.load(tmp_path / "squeezed.firewall", model=voter())
    assert loaded.uncertainty == "squeezed"
    assert loaded.screen(X).confidence.tobytes() == whole.tobytes()
    assert loaded.screen(X[::-1]).confidence[::-1].tobytes() == whole.tobytes()
    assert [float(loaded.screen(X[i : i + 1]).confidence[0]) for i in range(5)] == whole[:5].tolist()


def test_what_is_no_picture_is_judged_as_ever(fitted: Firewall) -> None:
    found = fitted.screen([pictures(1, 4)[0][0], None, np.zeros((3, 5, 3)), "no picture"])
    assert len(found.route) == 4 and found.route[1] == "block" and found.route[3] == "block"


def test_it_is_refused_by_name_for_tables_without_pictures_and_told_where_all_kinds_are_tried() -> None:
    rows = pd.DataFrame({"age": np.arange(60.0), "town": ["Oslo", "Rome"] * 30})
    model = cp.wrap(lambda table: np.where(table["age"] > 30, "old", "young"), classes=["old", "young"])
    with pytest.raises(InputError, match=r"squeezed copies of pictures, and no column holds pictures: age \(number\), town \(category\)\."):
        Firewall(alpha=0.2, uncertainty="squeezed").fit(model, rows)
    labels = np.where(rows["age"] > 25, "old", "young")
    found = Firewall(alpha=0.2, budget=600, uncertainty="auto").fit(model, rows, labels).describe()["uncertainty"]
    assert found["kinds"]["squeezed"] == {"unmeasured": "no column holds pictures"}


def test_a_model_that_squeezing_does_not_move_keeps_nothing() -> None:
    X, y = pictures(150, 5)
    model = cp.wrap(lambda images: ["left" if image.shape == (24, 24) else "right" for image in images], classes=["left", "right"])
    found = Firewall(alpha=0.2, budget=1500, uncertainty="squeezed").fit(model, X, y).describe()["uncertainty"]
    assert found["kept"] is None and found["kinds"]["squeezed"]["gain"] == 0.0
