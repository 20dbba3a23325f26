"""Rules on the formats of files hold for pictures that are unpacked before they are judged."""

from __future__ import annotations

import io

import numpy as np
import pytest

import camelopard as cp
from camelopard.core.arrays import Array

Image = pytest.importorskip("PIL.Image")


def file(pixels: Array, form: str) -> bytes:
    held = io.BytesIO()
    Image.fromarray(pixels).save(held, form)
    return held.getvalue()


def test_a_file_of_another_format_than_was_set_goes_to_review_and_its_reason_says_why() -> None:
    rng = np.random.default_rng(0)
    pictures = rng.integers(0, 256, (200, 8, 8), dtype=np.uint8)
    model = cp.wrap(lambda p: (np.asarray(p).reshape(len(p), -1).mean(axis=1) > 127).astype(int), name="light", task="classification", classes=[0, 1])
    firewall = cp.Firewall(alpha=0.1, budget=4000).fit(model, pictures)
    cells = [file(pictures[0], "PNG"), file(pictures[0], "BMP"), pictures[0]]
    before = firewall.screen(cells)
    firewall.contract.set("image", formats=["png", "jpeg"])
    verdicts = firewall.screen(cells)
    assert verdicts.risk.tolist() == before.risk.tolist()
    assert verdicts.route.tolist() == [before.route[0], "review", before.route[2]]
    assert [reason.message for reason in verdicts.reasons(1)][:1] == ["image has the format bmp; expected: the files of image are PNG or JPEG"]
    assert not [reason for i in (0, 2) for reason in verdicts.reasons(i) if reason.code == "file-format"]
    assert firewall.screen(cells[1]).route.tolist() == ["review"]
