"""Noise of the sensor: grains, photons, dead and hot pixels, stuck lines. The first three with the doses of Hendrycks & Dietterich (2019).

Noise keeps the truth: what stood before the camera is what it was.
"""

from __future__ import annotations

import numpy as np

from camelopard.stress.damage import ColumnDamage
from camelopard.stress.damages._images import Colours, dose, on_colours, shorter_side

SPREAD = ((0.04, 0.06, 0.08, 0.09, 0.10), (0.08, 0.12, 0.18, 0.26, 0.38))  # at 32 pixels, at 224
PHOTONS = ((1 / 500, 1 / 250, 1 / 100, 1 / 75, 1 / 50), (1 / 60, 1 / 25, 1 / 12, 1 / 5, 1 / 3))  # 1 / photons of a white pixel
STRUCK = ((0.01, 0.02, 0.03, 0.05, 0.07), (0.03, 0.06, 0.09, 0.17, 0.27))
LINES = (0.01, 0.03, 0.06, 0.12, 0.25)


def gaussian_noise(colours: Colours, severity: int, rng: np.random.Generator) -> Colours:
    """Add normal noise, the same whatever the light."""
    return colours + dose(*SPREAD, severity, shorter_side(colours)) * rng.standard_normal(colours.shape, dtype=np.float32)


def shot_noise(colours: Colours, severity: int, rng: np.random.Generator) -> Colours:
    """Count photons: the fewer, the noisier (Poisson)."""
    photons = 1 / dose(*PHOTONS, severity, shorter_side(colours))
    return (rng.poisson(colours * photons) / photons).astype(np.float32)


def impulse_noise(colours: Colours, severity: int, rng: np.random.Generator) -> Colours:
    """Turn single values black or white."""
    chance = dose(*STRUCK, severity, shorter_side(colours))
    lot = rng.random(colours.shape, dtype=np.float32)
    return np.where(lot < chance, np.float32(lot < chance / 2), colours).astype(np.float32)


def stuck_lines(colours: Colours, severity: int, rng: np.random.Generator) -> Colours:
    """Turn columns of the sensor black or white: at least one."""
    width = colours.shape[1]
    at = rng.permutation(width)[: max(1, round(LINES[severity - 1] * width))]
    out = colours.copy()
    out[:, at] = rng.integers(0, 2, (1, len(at), 1))
    return out


DAMAGES = (
    ColumnDamage("gaussian-noise", "noise", ("image",), "none", on_colours(gaussian_noise)),
    ColumnDamage("shot-noise", "noise", ("image",), "none", on_colours(shot_noise)),
    ColumnDamage("impulse-noise", "noise", ("image",), "none", on_colours(impulse_noise)),
    ColumnDamage("stuck-lines", "noise", ("image",), "none", on_colours(stuck_lines)),
)
