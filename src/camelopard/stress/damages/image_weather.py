"""Weather: snow, frost and fog after Hendrycks & Dietterich (2019), made of noise alone, without pictures of frost. It keeps the truth."""

from __future__ import annotations

import numpy as np

from camelopard.stress.damage import ColumnDamage
from camelopard.stress.damages._image_resampling import clouds, convolved, on_grid, streak
from camelopard.stress.damages._images import LARGE, Colours, dose, grey, length, on_colours, shorter_side

SNOW_MEAN = ((0.10, 0.10, 0.15, 0.25, 0.30), (0.10, 0.20, 0.55, 0.55, 0.55))  # of the noise that falls, at 32 pixels, at 224
SNOW_SPREAD = ((0.2, 0.2, 0.3, 0.3, 0.3), (0.3, 0.3, 0.3, 0.3, 0.3))
SNOW_ZOOM = ((1.0, 1.0, 1.75, 2.25, 1.25), (3.0, 2.0, 4.0, 4.5, 2.5))
SNOW_FROM = ((0.60, 0.50, 0.55, 0.60, 0.65), (0.50, 0.50, 0.90, 0.85, 0.85))  # weaker noise is no flake
SNOW_RADIUS = ((8.0, 10.0, 10.0, 12.0, 14.0), (10.0, 12.0, 12.0, 12.0, 12.0))
SNOW_SIGMA = ((3.0, 4.0, 4.0, 6.0, 12.0), (4.0, 4.0, 8.0, 8.0, 12.0))
SNOW_LEFT = ((0.95, 0.90, 0.90, 0.85, 0.80), (0.80, 0.70, 0.70, 0.65, 0.55))  # share of the picture that is not whitened
FROST_LEFT = ((1.0, 1.0, 0.9, 0.85, 0.75), (1.0, 0.8, 0.7, 0.65, 0.6))
FROST_ADDED = ((0.2, 0.3, 0.4, 0.4, 0.45), (0.4, 0.6, 0.7, 0.7, 0.75))
FOG = ((0.2, 0.5, 0.75, 1.0, 1.5), (1.5, 2.0, 2.5, 2.5, 3.0))
FOG_DECAY = ((3.0, 3.0, 2.5, 2.0, 1.75), (2.0, 2.0, 1.7, 1.5, 1.4))
ICE = (0.86, 0.94, 1.0)  # its colour


def snow(colours: Colours, severity: int, rng: np.random.Generator) -> Colours:
    """Whiten the picture and let flakes fall across it."""
    height, width = colours.shape[:2]
    side = shorter_side(colours)
    zoom = length(*SNOW_ZOOM, severity, side)
    noise = rng.standard_normal((height, width, 1), dtype=np.float32) * np.float32(dose(*SNOW_SPREAD, severity, side))
    noise += np.float32(dose(*SNOW_MEAN, severity, side))
    flakes = on_grid(noise, *(((np.arange(size) - (size - 1) / 2) / zoom + (size - 1) / 2) for size in (height, width)))
    flakes = np.clip(np.where(flakes < dose(*SNOW_FROM, severity, side), 0.0, flakes), 0.0, 1.0).astype(np.float32)
    angle = float(rng.uniform(np.pi / 4, 3 * np.pi / 4))
    flakes = convolved(flakes, streak(length(*SNOW_RADIUS, severity, side), length(*SNOW_SIGMA, severity, side), angle))
    left = dose(*SNOW_LEFT, severity, side)
    whitened = left * colours + (1 - left) * np.maximum(colours, grey(colours) * 1.5 + 0.5)
    return np.asarray(whitened + flakes + flakes[::-1, ::-1], dtype=np.float32)


def frost(colours: Colours, severity: int, rng: np.random.Generator) -> Colours:
    """Grow ice on the lens: bright ridges over a pale field, both denser here and there."""
    side = shorter_side(colours)
    left, added = dose(*FROST_LEFT, severity, side), dose(*FROST_ADDED, severity, side)
    return np.asarray(left * colours + added * ice(colours.shape[0], colours.shape[1], colours.shape[2], rng), dtype=np.float32)


def ice(height: int, width: int, count: int, rng: np.random.Generator) -> Colours:
    """Return a picture of frost, shape (h, w, count): where two fields of clouds cross their middle runs a crystal."""
    cells = max(1, round(4 * min(height, width) / LARGE))
    ridges = np.zeros((height, width, 1), dtype=np.float32)
    for fine in (1, 2):
        ridges = np.maximum(ridges, 1 - np.abs(2 * clouds(height, width, rng, 1.7, fine * cells) - 1))
    density = clouds(height, width, rng, 2.0)
    field = (0.4 + 0.6 * density) * (0.5 + 0.5 * ridges**8)
    return np.asarray(field * (ICE if count == 3 else 1.0), dtype=np.float32)


def fog(colours: Colours, severity: int, rng: np.random.Generator) -> Colours:
    """Lay clouds over the picture, and make it as much paler."""
    side = shorter_side(colours)
    thick = dose(*FOG, severity, side)
    brightest = max(float(colours.max()), 1e-3)
    field = clouds(colours.shape[0], colours.shape[1], rng, dose(*FOG_DECAY, severity, side))
    return np.asarray((colours + thick * field) * (brightest / (brightest + thick)), dtype=np.float32)


DAMAGES = (
    ColumnDamage("snow", "weather", ("image",), "none", on_colours(snow)),
    ColumnDamage("frost", "weather", ("image",), "none", on_colours(frost)),
    ColumnDamage("fog", "weather", ("image",), "none", on_colours(fog)),
)
