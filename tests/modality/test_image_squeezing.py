"""Squeezed pictures: worked out again by a plain loop, nothing of the form is lost, and a squeezed picture has nothing left to squeeze out."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from camelopard.core.arrays import Array
from camelopard.modality.image_squeezing import squeezed

SMALL = np.array([[0, 40, 80, 120], [10, 250, 90, 130], [20, 60, 100, 140]], dtype=np.uint8)


def plainly(pixels: Array) -> list[list[int]]:
    """The same for bytes of one channel, pixel by pixel."""
    height, width = pixels.shape
    found = []
    for row in range(height):
        line = []
        for column in range(width):
            rows, columns = ([min(max(at + shift, 0), most - 1) for shift in (-1, 0, 1)] for at, most in ((row, height), (column, width)))
            near = [int(pixels[i, j]) for i in rows for j in columns]
            shade = round(sorted(near)[4] / 255 * 31)
            line.append(round(shade / 31 * 255))
        found.append(line)
    return found


def test_a_small_picture_is_squeezed_to_these_numbers() -> None:
    written = [[8, 41, 90, 123], [16, 58, 99, 123], [16, 58, 99, 132]]
    assert plainly(SMALL) == written
    assert squeezed(SMALL, 0.0, 255.0).tolist() == written


@given(hnp.arrays(np.uint8, st.tuples(st.integers(1, 6), st.integers(1, 6))))
def test_it_is_what_a_plain_loop_makes_of_it(pixels: Array) -> None:
    assert squeezed(pixels, 0.0, 255.0).tolist() == plainly(pixels)


@pytest.mark.parametrize("dtype", ["bool", "uint8", "int16", "float32", "float64"])
@pytest.mark.parametrize("shape", [(1, 1), (5, 4), (5, 4, 1), (5, 4, 3)])
def test_size_data_type_and_range_stay(dtype: str, shape: tuple[int, ...]) -> None:
    pixels = (np.random.default_rng(0).random(shape) * 255).astype(dtype)
    found = squeezed(pixels, 0.0, 255.0)
    assert (found.shape, found.dtype) == (shape, pixels.dtype)
    assert found.min() >= 0 and found.max() <= 255
    assert len(np.unique(found)) <= 32


def test_transparency_stays_and_values_far_outside_come_to_the_ends() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (6, 6, 4), dtype=np.uint8)
    assert (squeezed(pixels, 0.0, 255.0)[:, :, 3] == pixels[:, :, 3]).all()
    far = np.array([[-32768, -32768], [32767, 32767]], dtype=np.int16)
    assert squeezed(far, 0.0, 255.0).tolist() == [[0, 0], [255, 255]]


def test_what_was_given_is_not_changed_and_an_even_picture_in_these_shades_stays_as_it_is() -> None:
    kept = SMALL.copy()
    squeezed(SMALL, 0.0, 255.0)
    assert (kept == SMALL).all()
    even = np.full((4, 4), 255, dtype=np.uint8)
    assert (squeezed(even, 0.0, 255.0) == even).all()
