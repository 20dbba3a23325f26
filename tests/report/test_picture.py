from __future__ import annotations

import base64
import io
from typing import Any

import numpy as np
import pytest

from camelopard.report import picture
from camelopard.report.picture import drawn, read, veil

Image = pytest.importorskip("PIL.Image")


def decoded(uri: str) -> Any:
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(uri.split(",")[1]))))


def test_what_is_drawn_is_read_back_as_the_same_pixels() -> None:
    rng = np.random.default_rng(0)
    for shape in ((8, 8), (5, 7, 1), (5, 7, 2), (5, 7, 3), (5, 7, 4)):
        pixels = rng.integers(0, 256, shape, dtype=np.uint8)
        assert np.array_equal(decoded(drawn(pixels)["picture"]), pixels.reshape(shape[:2]) if shape[-1] == 1 else pixels)


def test_a_picture_in_another_range_is_drawn_as_its_reader_sees_it() -> None:
    pixels = np.linspace(0, 16, 64).reshape(8, 8)
    assert decoded(drawn(pixels, (0.0, 16.0))["picture"]).max() == 255
    assert decoded(drawn(pixels / 16, (0.0, 16.0))["picture"]).max() == 16


def test_a_large_picture_is_kept_small() -> None:
    found = drawn(np.random.default_rng(0).integers(0, 256, (700, 311, 3), dtype=np.uint8))
    assert max(decoded(found["picture"]).shape) <= picture.MOST_SIDE
    assert found["size"] == [700, 311]
    shown = read(found)
    assert shown is not None and (shown.height, shown.width) == (picture.WIDE, 57)
    assert len(found["picture"]) <= picture.LONGEST


@pytest.mark.parametrize("pixels", [np.zeros((1, 8, 8)), np.zeros(8), np.zeros((0, 8)), np.array([["a"]]), np.zeros((2, 2), dtype=complex)])
def test_what_is_no_picture_is_described(pixels: Any) -> None:
    assert drawn(pixels) == {"words": f"an array of shape {' × '.join(map(str, pixels.shape))}, {pixels.dtype}"}
    assert read(drawn(pixels)) is None


def test_numbers_that_are_not_finite_are_drawn_all_the_same() -> None:
    level = decoded(drawn(np.array([[np.nan, np.inf, -np.inf, 1.0]]), (0.0, 1.0))["picture"])
    assert level.tolist() == [[0, 255, 0, 255]]
    assert drawn(np.full((2, 2), np.nan))["words"].endswith("no finite number")


@pytest.mark.parametrize(
    "source",
    [
        "https://example.com/a.png",
        "data:text/html;base64,iVBORw0KGgoAAAA=",
        'data:image/png;base64,iVBORw0KGgo" onload="alert(1)',
        "data:image/svg+xml;base64,iVBORw0KGgo",
        "data:image/png;base64,iVBORw0KGgo" + "A" * 100_000,
        3,
        None,
    ],
)
def test_a_page_shows_no_other_bytes_than_small_png(source: Any) -> None:
    assert read({"picture": source, "size": [8, 8]}) is None


def test_a_false_size_shows_a_small_picture() -> None:
    source = drawn(np.zeros((8, 8)))["picture"]
    for size in (None, [8], [-1, 8], ["a", "b"], [10**9, 8], [True, True]):
        shown = read({"picture": source, "size": size})
        assert shown is not None and shown.width <= picture.WIDE and shown.height <= picture.WIDE


def test_the_veil_lies_where_it_is_unlike_and_nowhere_else() -> None:
    unlike = np.zeros((8, 8))
    unlike[2, 3] = 9.0
    alpha = decoded(veil(unlike.tolist()))[:, :, 3]
    assert alpha[2, 3] == round(255 * picture.THICKEST) and alpha.sum() == alpha[2, 3]
    assert veil(np.zeros((8, 8)).tolist()) == ""


@pytest.mark.parametrize("unlike", [None, [], 3, "text", [[1.0], [2.0, 3.0]], [[float("nan")]], [[9.0] * 2000], [[[9.0]]]])
def test_a_veil_of_anything_else_is_none(unlike: Any) -> None:
    assert veil(unlike) == ""
