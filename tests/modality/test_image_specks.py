"""Pixels that stand alone: a struck one is found wherever it is, edges and lines are none, and nothing but one pixel is ever changed."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from camelopard.core.arrays import Array, objects
from camelopard.modality.image import ImageVectors
from camelopard.modality.image_specks import heights, without_specks


def ramp(channels: int = 0) -> Array:
    """A picture of 12 × 10 that grows lighter to the right."""
    plane = np.tile(np.arange(60, 160, 10), (12, 1)).astype(np.uint8)
    return plane if channels == 0 else np.stack([plane] * channels, axis=2)


@pytest.mark.parametrize("channels", [0, 1, 3, 4])
@pytest.mark.parametrize("place", [(5, 4), (0, 3), (11, 9), (0, 0), (6, 0)])
def test_a_struck_pixel_is_taken_out_first_in_the_middle_at_the_border_and_in_a_corner(place: tuple[int, int], channels: int) -> None:
    clean = ramp(channels)
    struck = clean.copy()
    struck[place] = 255
    first = without_specks(struck, 0, 255, 3)[0]
    assert first.shape == struck.shape
    assert first.dtype == struck.dtype
    changed = np.argwhere(first != struck)
    assert {tuple(at[:2]) for at in changed.tolist()} == {place}
    colours = slice(None) if channels == 0 else slice(0, 3 if channels == 4 else channels)
    assert np.abs(first[place].astype(int) - clean[place].astype(int))[... if channels == 0 else colours].max() <= 10
    assert channels < 4 or first[place][3] == 255


def test_one_colour_alone_is_seen_though_the_mean_of_all_is_as_it_was() -> None:
    struck = ramp(3)
    struck[5, 4] = (160, 70, 70)
    assert np.argwhere(without_specks(struck, 0, 255, 1)[0] != struck)[:, :2].tolist() == [[5, 4]] * 3


def test_edges_and_lines_stand_no_higher_than_what_is_around_them() -> None:
    picture = np.zeros((9, 9, 1), dtype=np.float32)
    picture[:, 5:] = 1.0
    picture[:, 2] = 0.5
    assert heights(picture)[1:-1].max() == 0.0  # a line has two ends, each with but one pixel like it
    assert heights(picture).max() == pytest.approx(0.25)
    picture[6, 0] = 0.7
    assert np.argwhere(heights(picture)[1:-1] > 0).tolist() == [[5, 0]]
    assert heights(picture)[6, 0] == pytest.approx(0.7)


@pytest.mark.parametrize("picture", [np.full((9, 9), 7, dtype=np.uint8), np.array([[255]], dtype=np.uint8), np.array([[0, 255]], dtype=np.uint8)])
def test_what_has_no_pixel_that_stands_alone_has_nothing_to_be_taken_out(picture: Array) -> None:
    assert without_specks(picture, 0, 255, 6) == []


def test_of_large_pictures_no_single_pixel_is_taken_out() -> None:
    large = np.zeros((20, 257), dtype=np.uint8)
    large[4, 4] = 255
    assert without_specks(large, 0, 255, 6) == []
    assert len(without_specks(large[:, :256], 0, 255, 6)) == 1


@given(
    hnp.arrays(
        st.sampled_from([np.uint8, np.bool_, np.int16, np.float32, np.float64]),
        hnp.array_shapes(min_dims=2, max_dims=3, min_side=1, max_side=4),
        elements=st.integers(0, 1),
    ),
    st.integers(1, 6),
)
def test_each_differs_from_the_picture_in_one_pixel_and_the_picture_stays_as_it_is(picture: Array, most: int) -> None:
    before = picture.copy()
    found = without_specks(picture, 0.0, 1.0, most)
    assert len(found) <= most
    for other in found:
        assert other.dtype == picture.dtype
        assert other.shape == picture.shape
        assert len({tuple(at[:2]) for at in np.argwhere(other != picture).tolist()}) <= 1
    assert np.array_equal(picture, before)


def test_what_is_no_picture_has_nothing_to_be_taken_out() -> None:
    vectors = ImageVectors.learn(objects([ramp()] * 9))
    struck = ramp()
    struck[3, 3] = 255
    assert len(vectors.mended(struck, 1)) == 1
    assert all(vectors.mended(cell, 6) == [] for cell in (None, "a", np.array([[np.nan]]), b"no file"))
