"""Light: brighter, darker, flatter, harsher, tinted, without colour. It keeps the truth.

The first step of a grey shift is two of 255 levels: a changed light bulb, which no eye sees.
"""

from __future__ import annotations

import numpy as np

from camelopard.stress.damage import ColumnDamage
from camelopard.stress.damages._images import Colours, dose, grey, on_colours, shorter_side

LEVELS = (2, 5, 10, 20, 40)  # of 255
DIM = (0.9, 0.75, 0.6, 0.45, 0.3)
BRIGHT = ((0.05, 0.10, 0.15, 0.20, 0.30), (0.1, 0.2, 0.3, 0.4, 0.5))  # Hendrycks & Dietterich (2019), at 32 pixels, at 224
FLAT = ((0.75, 0.5, 0.4, 0.3, 0.15), (0.4, 0.3, 0.2, 0.1, 0.05))
HARSH = (1.2, 1.5, 2.0, 3.0, 5.0)
EXPONENT = (1.2, 1.5, 1.8, 2.2, 3.0)
TINT = (0.05, 0.1, 0.2, 0.3, 0.45)
COLOUR_LEFT = (0.8, 0.6, 0.4, 0.2, 0.0)
SHADE = (0.1, 0.25, 0.4, 0.6, 0.85)


def grey_shift(colours: Colours, severity: int, rng: np.random.Generator) -> Colours:
    """Add 2, 5, 10, 20 or 40 of 255 levels everywhere."""
    return colours + np.float32(LEVELS[severity - 1] / 255)


def dim(colours: Colours, severity: int, rng: np.random.Generator) -> Colours:
    """Take light away: 90 % to 30 % are left."""
    return colours * np.float32(DIM[severity - 1])


def brightness(colours: Colours, severity: int, rng: np.random.Generator) -> Colours:
    """Make every pixel brighter and keep its hue: the value of hue, saturation and value is raised."""
    value = colours.max(axis=2, keepdims=True)
    raised = np.minimum(value + np.float32(dose(*BRIGHT, severity, shorter_side(colours))), 1.0)
    return np.asarray(np.where(value > 0, colours * raised / np.where(value > 0, value, 1.0), raised), dtype=np.float32)


def contrast(colours: Colours, severity: int, rng: np.random.Generator) -> Colours:
    """Draw every pixel towards the mean of its channel."""
    mean = colours.mean(axis=(0, 1), keepdims=True)
    return np.asarray((colours - mean) * np.float32(dose(*FLAT, severity, shorter_side(colours))) + mean, dtype=np.float32)


def harsh_contrast(colours: Colours, severity: int, rng: np.random.Generator) -> Colours:
    """Drive every pixel away from the mean, 1.2 to 5 times as far."""
    mean = colours.mean(axis=(0, 1), keepdims=True)
    return np.asarray((colours - mean) * np.float32(HARSH[severity - 1]) + mean, dtype=np.float32)


def gamma(colours: Colours, severity: int, rng: np.random.Generator) -> Colours:
    """Raise to a power from 1.2 to 3, or to its inverse, by chance."""
    exponent = EXPONENT[severity - 1] if rng.random() < 0.5 else 1 / EXPONENT[severity - 1]
    return np.asarray(colours ** np.float32(exponent), dtype=np.float32)


def colour_cast(colours: Colours, severity: int, rng: np.random.Generator) -> Colours:
    """Make one colour stronger and another weaker, by 5 % to 45 %; grey images have none."""
    factors = np.ones(colours.shape[2], dtype=np.float32)
    if colours.shape[2] > 1:
        more, less = rng.permutation(colours.shape[2])[:2]
        factors[more], factors[less] = 1 + TINT[severity - 1], 1 - TINT[severity - 1]
    return colours * factors


def faded_colours(colours: Colours, severity: int, rng: np.random.Generator) -> Colours:
    """Draw every pixel towards its grey: 80 % down to nothing of its colour is left; grey images have none."""
    if colours.shape[2] == 1:
        return colours
    light = grey(colours)
    return np.asarray(light + (colours - light) * np.float32(COLOUR_LEFT[severity - 1]), dtype=np.float32)


def uneven_light(colours: Colours, severity: int, rng: np.random.Generator) -> Colours:
    """Let the light fall off across the picture, in a random direction."""
    angle = rng.uniform(0, 2 * np.pi)
    y, x = np.meshgrid(*(np.linspace(-1, 1, size) if size > 1 else np.ones(1) for size in colours.shape[:2]), indexing="ij")
    across = 0.5 + (np.cos(angle) * x + np.sin(angle) * y) / (2 * (abs(np.cos(angle)) + abs(np.sin(angle))))
    return np.asarray(colours * (1 - SHADE[severity - 1] * across)[:, :, None], dtype=np.float32)


DAMAGES = (
    ColumnDamage("grey-shift", "light", ("image",), "brightness", on_colours(grey_shift)),
    ColumnDamage("dim-light", "light", ("image",), "brightness", on_colours(dim)),
    ColumnDamage("brightness", "light", ("image",), "brightness", on_colours(brightness)),
    ColumnDamage("contrast", "light", ("image",), "none", on_colours(contrast)),
    ColumnDamage("harsh-contrast", "light", ("image",), "none", on_colours(harsh_contrast)),
    ColumnDamage("gamma", "light", ("image",), "brightness", on_colours(gamma)),
    ColumnDamage("colour-cast", "light", ("image",), "none", on_colours(colour_cast)),
    ColumnDamage("faded-colours", "light", ("image",), "none", on_colours(faded_colours)),
    ColumnDamage("uneven-light", "light", ("image",), "brightness", on_colours(uneven_light)),
)
