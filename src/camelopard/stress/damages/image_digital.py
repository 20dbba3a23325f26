"""What processing does: warping, large pixels, a small copy blown up, moiré, few levels. It keeps the truth.

Pixelation has the doses of Hendrycks & Dietterich (2019). Their elastic transform mixes strong shears with weak ripples, so that its first severity
moves pixels further than its last; here ripples and a shear grow together.
"""

from __future__ import annotations

import numpy as np

from camelopard.stress.damage import ColumnDamage
from camelopard.stress.damages._image_resampling import blurred, enlarged, on_grid, resized, sampled
from camelopard.stress.damages._images import LARGE, Colours, dose, on_colours, shorter_side

RIPPLES = (0.004, 0.007, 0.010, 0.014, 0.018)  # mean step, as a share of the shorter side
SHEAR = (0.01, 0.02, 0.03, 0.04, 0.05)
KEPT = ((0.95, 0.90, 0.85, 0.75, 0.65), (0.6, 0.5, 0.4, 0.3, 0.25))  # share of each side in pixels that is kept
SMALLER = (0.75, 0.5, 0.35, 0.25, 0.15)
BANDS = (0.04, 0.08, 0.14, 0.22, 0.35)
LEVELS = (32, 16, 8, 4, 2)
FEWEST = 4  # pixels a side that a smaller copy has at least


def elastic_transform(colours: Colours, severity: int, rng: np.random.Generator) -> Colours:
    """Stretch the picture like a sheet of rubber."""
    height, width = colours.shape[:2]
    side = shorter_side(colours)
    knots = (max(3, round(20 * height / side)), max(3, round(20 * width / side)))
    coarse = blurred(rng.uniform(-1, 1, (*knots, 2)).astype(np.float32), 1.0)
    ripples = on_grid(coarse, np.linspace(0, knots[0] - 1, height), np.linspace(0, knots[1] - 1, width))
    ripples *= RIPPLES[severity - 1] * side / max(float(np.abs(ripples).mean()), 1e-6)
    y, x = np.mgrid[0.0:height, 0.0:width]
    about = rng.uniform(-1, 1, (2, 2)) * SHEAR[severity - 1]
    dy, dx = y - (height - 1) / 2, x - (width - 1) / 2
    return sampled(colours, y + ripples[..., 0] + about[0, 0] * dy + about[0, 1] * dx, x + ripples[..., 1] + about[1, 0] * dy + about[1, 1] * dx)


def pixelate(colours: Colours, severity: int, rng: np.random.Generator) -> Colours:
    """Make pixels larger: of 224 a side, 134 to 56 are left, of more as many."""
    side = shorter_side(colours)
    share = dose(*KEPT, severity, side) * min(1.0, LARGE / side)
    return enlarged(_smaller(colours, share), *colours.shape[:2])


def small_copy(colours: Colours, severity: int, rng: np.random.Generator) -> Colours:
    """Blow a smaller copy up to the old size: 75 % down to 15 % of each side."""
    return resized(_smaller(colours, SMALLER[severity - 1]), *colours.shape[:2])


def moire(colours: Colours, severity: int, rng: np.random.Generator) -> Colours:
    """Photograph a screen: two fine gratings beat with each other, a little differently in each colour."""
    height, width, count = colours.shape
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    angle, tilt = rng.uniform(0, np.pi), rng.uniform(0.05, 0.15)
    waves = []
    for k in range(count):
        first, second = angle + 0.01 * k, angle + tilt
        grating = np.sin(2.2 * (np.cos(first) * x + np.sin(first) * y)) * np.sin(2.1 * (np.cos(second) * x + np.sin(second) * y) + k)
        waves.append(grating)
    return np.asarray(colours + BANDS[severity - 1] * 2 * np.stack(waves, axis=2), dtype=np.float32)


def few_levels(colours: Colours, severity: int, rng: np.random.Generator) -> Colours:
    """Keep 32 down to 2 levels per channel."""
    steps = LEVELS[severity - 1] - 1
    return np.asarray(np.rint(colours * steps) / steps, dtype=np.float32)


def _smaller(colours: Colours, share: float) -> Colours:
    height, width = (max(min(FEWEST, size), int(size * share)) for size in colours.shape[:2])
    return resized(colours, height, width)


DAMAGES = (
    ColumnDamage("elastic-transform", "digital", ("image",), "none", on_colours(elastic_transform)),
    ColumnDamage("pixelate", "digital", ("image",), "none", on_colours(pixelate)),
    ColumnDamage("small-copy", "digital", ("image",), "none", on_colours(small_copy)),
    ColumnDamage("moire", "digital", ("image",), "none", on_colours(moire)),
    ColumnDamage("few-levels", "digital", ("image",), "none", on_colours(few_levels)),
)
