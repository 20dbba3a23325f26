"""Pixels between pixels: resizing, looking up between pixels, blurring, and clouds of noise. Colours have shape (h, w, c); no damages in here.

Each axis is done on its own where that is possible, so that a large picture costs a few passes over its pixels.
"""

from __future__ import annotations

import numpy as np

from camelopard.core.arrays import Floats, Ints
from camelopard.stress.damages._images import Colours

FINEST = 10  # octaves of clouds at most: grids of up to 1,025 points a side


def resized(image: Colours, height: int, width: int) -> Colours:
    """Return the image at another size: areas are averaged where a side shrinks, neighbours interpolated where it grows.

    >>> resized(np.arange(4, dtype=np.float32).reshape(2, 2, 1), 1, 4)[0, :, 0].tolist()
    [1.0, 1.25, 1.75, 2.0]
    """
    return _along(_along(image, height, 0), width, 1)


def enlarged(image: Colours, height: int, width: int) -> Colours:
    """Return the image at another size with every pixel the nearest of the old ones: blocks where it grows."""
    rows, columns = (((np.arange(new) + 0.5) * old / new).astype(np.int64) for new, old in ((height, image.shape[0]), (width, image.shape[1])))
    return np.asarray(image[rows][:, columns], dtype=np.float32)


def on_grid(image: Colours, y: Floats, x: Floats) -> Colours:
    """Return the image at the rows y (m,) and columns x (k,), between pixels too, shape (m, k, c); beyond the edge it is the edge."""
    return _interpolated(_interpolated(image, y, 0), x, 1)


def sampled(image: Colours, y: Floats, x: Floats) -> Colours:
    """Return the image at each point (y, x), between pixels too, shape (m, k, c) for y and x of shape (m, k); beyond the edge it is the edge.

    >>> ramp = np.arange(3, dtype=np.float32).reshape(1, 3, 1)
    >>> sampled(ramp, np.zeros((1, 3)), np.array([[-5.0, 0.5, 9.0]]))[0, :, 0].tolist()
    [0.0, 0.5, 2.0]
    """
    height, width, count = image.shape
    top, down = _between(y, height)
    left, right = _between(x, width)
    flat, below, beside = image.reshape(-1, count), np.minimum(top + 1, height - 1) * width, np.minimum(left + 1, width - 1)
    top *= width
    upper = flat[top + left] * (1 - right)[..., None] + flat[top + beside] * right[..., None]
    lower = flat[below + left] * (1 - right)[..., None] + flat[below + beside] * right[..., None]
    return np.asarray(upper * (1 - down)[..., None] + lower * down[..., None], dtype=np.float32)


def blurred(image: Colours, sigma: float) -> Colours:
    """Return the image under a Gaussian blur of `sigma` pixels, mirrored at the edges."""
    from scipy.ndimage import gaussian_filter

    return np.asarray(gaussian_filter(image, (sigma, sigma, 0), mode="reflect", truncate=3.0), dtype=np.float32)


def convolved(image: Colours, kernel: Colours) -> Colours:
    """Return the image under a kernel of odd sides (a, b), by fast Fourier transforms, mirrored at the edges."""
    from scipy.fft import irfft2, next_fast_len, rfft2

    height, width = image.shape[:2]
    rows, columns = kernel.shape[0] // 2, kernel.shape[1] // 2
    wide = np.pad(image, ((rows, rows), (columns, columns), (0, 0)), mode="symmetric").transpose(2, 0, 1)
    shape = (next_fast_len(height + 2 * rows, True), next_fast_len(width + 2 * columns, True))
    spread = irfft2(rfft2(wide, s=shape) * rfft2(kernel, s=shape), s=shape)
    return np.asarray(spread[:, 2 * rows : 2 * rows + height, 2 * columns : 2 * columns + width].transpose(1, 2, 0), dtype=np.float32)


def clouds(height: int, width: int, rng: np.random.Generator, decay: float, coarsest: int = 1) -> Colours:
    """Return a random field between 0 and 1, shape (h, w, 1): grids of noise, each twice as fine and `decay` times as weak as the one before.

    What diamond–square makes for the published fog, for any size and without its loops.
    """
    field = np.zeros((height, width, 1), dtype=np.float32)
    octaves = max(1, min(FINEST, int(np.ceil(np.log2(max(height, width))))))
    for k in range(octaves):
        points = coarsest * 2**k + 1
        grid = rng.uniform(-1, 1, (points, points, 1)).astype(np.float32)
        field += on_grid(grid, np.linspace(0, points - 1, height), np.linspace(0, points - 1, width)) * np.float32(decay**-k)
        if points > 2 * max(height, width):
            break
    low, high = float(field.min()), float(field.max())
    return (field - low) / max(high - low, 1e-6)


def streak(radius: float, sigma: float, angle: float) -> Colours:
    """Return the kernel of a motion in one direction: weights exp(−t² / 2σ²) at t = 0 … 2 · radius pixels along a line at `angle`, in radians."""
    steps = np.arange(0.0, 2 * radius + 1)
    weights = np.exp(-(steps**2) / (2 * sigma**2))
    half = int(np.ceil(steps[-1])) + 1
    kernel = np.zeros((2 * half + 1, 2 * half + 1))
    y, x = half + steps * np.sin(angle), half + steps * np.cos(angle)
    top, left = np.floor(y).astype(np.int64), np.floor(x).astype(np.int64)
    for dy in (0, 1):
        for dx in (0, 1):
            near = np.abs(1 - dy - (y - top)) * np.abs(1 - dx - (x - left))
            np.add.at(kernel, (top + dy, left + dx), weights * near)
    return np.asarray(kernel / kernel.sum(), dtype=np.float32)


def _along(image: Colours, size: int, axis: int) -> Colours:
    old = image.shape[axis]
    if size == old:
        return image
    if size > old:
        return _interpolated(image, (np.arange(size) + 0.5) * old / size - 0.5, axis)
    sums = np.cumsum(image, axis=axis, dtype=np.float64)
    sums = np.concatenate([np.zeros_like(sums.take([0], axis=axis)), sums], axis=axis)
    edges = np.linspace(0, old, size + 1)
    whole = np.minimum(edges.astype(np.int64), old - 1)
    part = _aligned(edges - whole, image.ndim, axis)
    up_to = sums.take(whole, axis=axis) * (1 - part) + sums.take(whole + 1, axis=axis) * part
    return np.asarray(np.diff(up_to, axis=axis) * (size / old), dtype=np.float32)


def _interpolated(image: Colours, at: Floats, axis: int) -> Colours:
    first, rest = _between(at, image.shape[axis])
    second = np.minimum(first + 1, image.shape[axis] - 1)
    share = _aligned(rest, image.ndim, axis)
    return np.asarray(image.take(first, axis=axis) * (1 - share) + image.take(second, axis=axis) * share, dtype=np.float32)


def _between(at: Floats, size: int) -> tuple[Ints, Colours]:
    """Return the pixel before each position, and how far beyond it the position lies, 0–1."""
    at = np.clip(at, 0, size - 1)
    first = at.astype(np.int64)
    return first, (at - first).astype(np.float32)


def _aligned(values: Floats | Colours, ndim: int, axis: int) -> Colours:
    return np.asarray(values, dtype=np.float32).reshape([-1 if k == axis else 1 for k in range(ndim)])
