from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from camelopard.stress.damages._image_resampling import clouds, convolved, enlarged, on_grid, resized, sampled, streak
from camelopard.stress.damages._images import Colours
from camelopard.stress.damages.image_blur import disc
from camelopard.stress.damages.image_jpeg import compressed

RNG = np.random.default_rng(0)


def noise(*shape: int) -> Colours:
    return RNG.random(shape, dtype=np.float32)


@pytest.mark.parametrize("size", [(3, 4), (5, 7), (1, 1), (12, 9)])
def test_shrinking_keeps_the_mean(size: tuple[int, int]) -> None:
    image = noise(12, 9, 3)
    assert resized(image, *size).shape == (*size, 3)
    assert resized(image, *size).mean(axis=(0, 1)) == pytest.approx(image.mean(axis=(0, 1)), abs=1e-6)
    assert np.array_equal(resized(image, 12, 9), image)


def test_shrinking_by_a_whole_factor_averages_blocks() -> None:
    image = noise(6, 8, 2)
    assert resized(image, 3, 4) == pytest.approx(image.reshape(3, 2, 4, 2, 2).mean(axis=(1, 3)), abs=1e-6)


def test_growing_keeps_a_ramp_and_blocks_keep_values() -> None:
    ramp = np.broadcast_to(np.arange(8, dtype=np.float32)[None, :, None], (4, 8, 1))
    wide = resized(ramp, 4, 16)[0, 1:-1, 0]
    assert np.diff(wide) == pytest.approx(np.full(13, 0.5))
    assert np.array_equal(enlarged(ramp, 8, 16)[::2, ::2], ramp)


def test_looking_up_between_pixels_is_what_scipy_does() -> None:
    image = noise(11, 13, 2)
    y, x = RNG.uniform(-2, 13, (5, 6)), RNG.uniform(-2, 15, (5, 6))
    expected = np.stack([ndimage.map_coordinates(image[..., k], [y, x], order=1, mode="nearest") for k in range(2)], axis=2)
    assert sampled(image, y, x) == pytest.approx(expected, abs=1e-5)
    rows, columns = RNG.uniform(-2, 13, 5), RNG.uniform(-2, 15, 6)
    assert on_grid(image, rows, columns) == pytest.approx(sampled(image, *np.meshgrid(rows, columns, indexing="ij")), abs=1e-5)


@pytest.mark.parametrize("kernel", [disc(2.3, 0.5), streak(4.0, 2.0, 0.4)])
@pytest.mark.parametrize("shape", [(20, 31, 3), (3, 2, 1), (1, 1, 1)])
def test_fourier_transforms_convolve_as_sums_do(kernel: Colours, shape: tuple[int, int, int]) -> None:
    image = noise(*shape)
    expected = np.stack([ndimage.convolve(image[..., k], kernel, mode="reflect") for k in range(shape[2])], axis=2)
    assert convolved(image, kernel) == pytest.approx(expected, abs=1e-4)  # SciPy leaves out the smallest weights


def test_a_streak_points_where_it_should() -> None:
    kernel = streak(5.0, 100.0, 0.0)
    middle = kernel.shape[0] // 2
    assert kernel[middle, middle : middle + 11] == pytest.approx(np.full(11, 1 / 11), abs=1e-3)
    assert kernel.sum() == pytest.approx(1.0, abs=1e-6)


@pytest.mark.parametrize("size", [(1, 1), (2, 3), (40, 64)])
def test_clouds_fill_their_range_and_are_rougher_the_slower_they_decay(size: tuple[int, int]) -> None:
    smooth, rough = (clouds(*size, np.random.default_rng(1), decay) for decay in (3.0, 1.3))
    assert smooth.shape == (*size, 1)
    assert 0 <= smooth.min() <= smooth.max() <= 1
    if size == (40, 64):
        assert np.abs(np.diff(rough, axis=0)).mean() > 2 * np.abs(np.diff(smooth, axis=0)).mean()


def test_compression_loses_the_more_the_lower_the_quality_and_nothing_of_a_flat_picture() -> None:
    y, x = np.mgrid[0:37, 0:51] / 50
    picture = np.stack([y, x, 0.5 + 0.4 * np.sin(20 * x * y)], axis=2).astype(np.float32)
    for image in (picture, picture[..., :1], picture[:5, :3]):
        losses = [float(np.abs(compressed(image, quality) - image).mean()) for quality in (95, 50, 10)]
        assert losses[0] < losses[1] < losses[2] < 0.1
    assert float(np.abs(compressed(picture[..., 2:], 95) - picture[..., 2:]).mean()) < 0.01
    flat = np.full((9, 9, 3), 0.25, dtype=np.float32)
    assert np.abs(compressed(flat, 25) - flat).max() < 0.03
