"""Blur: out of focus, through glass, of a moving camera, of a zooming one, with the doses of Hendrycks & Dietterich (2019). It keeps the truth.

Glass blur swaps pixels one after the other in the published form; here every pixel is taken from a random place near by, all at once.
"""

from __future__ import annotations

import numpy as np

from camelopard.stress.damage import ColumnDamage
from camelopard.stress.damages._image_resampling import blurred, convolved, on_grid, streak
from camelopard.stress.damages._images import Colours, dose, length, on_colours, shorter_side

RADIUS = ((0.3, 0.4, 0.5, 1.0, 1.5), (3.0, 4.0, 6.0, 8.0, 10.0))  # of the disc, at 32 pixels, at 224
SOFT = ((0.4, 0.5, 0.6, 0.5, 0.5), (0.1, 0.5, 0.5, 0.5, 0.5))  # sigma that softens its edge
GLASS_SIGMA = ((0.05, 0.25, 0.4, 0.25, 0.4), (0.7, 0.9, 1.0, 1.1, 1.5))
GLASS_REACH = ((0.6, 0.65, 0.7, 0.75, 0.8), (1.0, 2.0, 2.0, 3.0, 4.0))  # at 32 pixels not every one moves
GLASS_ROUNDS = ((1.0, 1.0, 1.0, 2.0, 2.0), (2.0, 1.0, 3.0, 2.0, 2.0))
MOVED = ((6.0, 6.0, 6.0, 8.0, 9.0), (10.0, 15.0, 15.0, 15.0, 20.0))
MOVED_SIGMA = ((1.0, 1.5, 2.0, 2.0, 2.5), (3.0, 5.0, 8.0, 12.0, 15.0))
ZOOM = ((0.05, 0.10, 0.15, 0.20, 0.25), (0.10, 0.15, 0.20, 0.24, 0.30))
LAYERS = 11


def defocus_blur(colours: Colours, severity: int, rng: np.random.Generator) -> Colours:
    """Spread every point over a disc."""
    side = shorter_side(colours)
    return convolved(colours, disc(length(*RADIUS, severity, side), dose(*SOFT, severity, side)))


def disc(radius: float, soft: float) -> Colours:
    """Return the kernel of a lens out of focus: a disc whose edge is softened by a Gaussian, shape (k, k).

    >>> disc(2.0, 0.5).shape, float(disc(2.0, 0.5).sum())
    ((9, 9), 1.0)
    """
    half = int(np.ceil(radius)) + 2
    steps = np.arange(-half, half + 1)
    away = np.hypot(*np.meshgrid(steps, steps))
    flat = np.clip(radius + 0.5 - away, 0.0, 1.0).astype(np.float32)
    kernel = blurred(flat[:, :, None], soft)[:, :, 0]
    return np.asarray(kernel / kernel.sum(), dtype=np.float32)


def glass_blur(colours: Colours, severity: int, rng: np.random.Generator) -> Colours:
    """Blur a little, take every pixel from a random place near by, blur a little."""
    height, width, count = colours.shape
    side = shorter_side(colours)
    sigma = length(*GLASS_SIGMA, severity, side)
    reach, rounds = length(*GLASS_REACH, severity, side), round(dose(*GLASS_ROUNDS, severity, side))
    flat = blurred(colours, sigma).reshape(-1, count)
    rows, columns = np.arange(height)[:, None], np.arange(width)
    for _ in range(rounds):
        y, x = np.rint(rng.uniform(-reach, reach, (2, height, width))).astype(np.int64)
        flat = flat[(np.clip(rows + y, 0, height - 1) * width + np.clip(columns + x, 0, width - 1)).ravel()]
    return blurred(flat.reshape(colours.shape), sigma)


def motion_blur(colours: Colours, severity: int, rng: np.random.Generator) -> Colours:
    """Move the camera in a random direction, up to 45° from the horizontal."""
    side = shorter_side(colours)
    angle = float(rng.uniform(-np.pi / 4, np.pi / 4))
    return convolved(colours, streak(length(*MOVED, severity, side), length(*MOVED_SIGMA, severity, side), angle))


def zoom_blur(colours: Colours, severity: int, rng: np.random.Generator) -> Colours:
    """Zoom in while the shutter is open."""
    middle = [(size - 1) / 2 for size in colours.shape[:2]]
    steps = [np.arange(size) - half for size, half in zip(colours.shape[:2], middle, strict=True)]
    total = 2 * colours
    for factor in np.linspace(1.0, 1.0 + dose(*ZOOM, severity, shorter_side(colours)), LAYERS)[1:]:
        total = total + on_grid(colours, middle[0] + steps[0] / factor, middle[1] + steps[1] / factor)
    return np.asarray(total / (LAYERS + 1), dtype=np.float32)


DAMAGES = (
    ColumnDamage("defocus-blur", "blur", ("image",), "none", on_colours(defocus_blur)),
    ColumnDamage("glass-blur", "blur", ("image",), "none", on_colours(glass_blur)),
    ColumnDamage("motion-blur", "blur", ("image",), "none", on_colours(motion_blur)),
    ColumnDamage("zoom-blur", "blur", ("image",), "none", on_colours(zoom_blur)),
)
