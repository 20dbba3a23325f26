"""Two pictures in one: exposed twice, or with a piece of another one in it. The truth is no longer one thing, so these do not keep it.

The other picture is one of the same column, brought to the size, the channels and the range of the first. Alone in its column, a picture stays as
it is.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from camelopard.core.arrays import Array, Ints
from camelopard.core.schema import Column
from camelopard.stress.damage import ON_COLUMN, ColumnDamage
from camelopard.stress.damages._image_resampling import resized
from camelopard.stress.damages._images import Colours, Image, Range, colour_channels, grey, is_image, ranges, recoloured, unit

SHARE = (0.1, 0.2, 0.3, 0.4, 0.5)  # of the other picture's light
AREA = (0.02, 0.05, 0.1, 0.2, 0.4)
Mix = Callable[[Colours, Colours, int, np.random.Generator], Colours]


def blend(colours: Colours, other: Colours, severity: int, rng: np.random.Generator) -> Colours:
    """Expose twice: 10 % to 50 % of the light is the other picture's."""
    share = np.float32(SHARE[severity - 1])
    return (1 - share) * colours + share * other


def patch(colours: Colours, other: Colours, severity: int, rng: np.random.Generator) -> Colours:
    """Put a piece of the other picture, 2 % to 40 % of the area, over the same place of this one."""
    out = colours.copy()
    box = [max(1, round(np.sqrt(AREA[severity - 1]) * size)) for size in colours.shape[:2]]
    top, left = (int(rng.integers(0, size - part + 1)) for size, part in zip(colours.shape[:2], box, strict=True))
    piece = (slice(top, top + box[0]), slice(left, left + box[1]))
    out[piece] = other[piece]
    return out


def with_another(mix: Mix) -> ON_COLUMN:
    """Return the damage to a column that mixes each image with another one of the column, drawn at random."""

    def damage(values: Array, column: Column, severity: int, rng: np.random.Generator) -> Array:
        known = ranges(values)
        out = np.empty(len(values), dtype=object)
        out[:] = values
        images = np.flatnonzero([is_image(cell) for cell in values])
        if len(images) < 2:
            return out
        for i, j in zip(images, _others(images, rng), strict=True):
            image, other = np.asarray(values[i]), np.asarray(values[j])

            def mixed(colours: Colours, other: Image = other) -> Colours:
                return mix(colours, like(other, known[other.dtype], colours), severity, rng)

            out[i] = recoloured(image, known[image.dtype], mixed)
        return out

    return damage


def _others(images: Ints, rng: np.random.Generator) -> Ints:
    """Return for each image the position of another one."""
    at = (np.arange(len(images)) + rng.integers(1, len(images), len(images))) % len(images)
    return np.asarray(images[at], dtype=np.int64)


def like(other: Image, span: Range, colours: Colours) -> Colours:
    """Return the other picture as colours of the same shape."""
    stored = other if other.ndim == 3 else other[:, :, None]
    found = resized(unit(stored[:, :, : colour_channels(stored)], span), colours.shape[0], colours.shape[1])
    return found if found.shape == colours.shape else np.broadcast_to(grey(found), colours.shape)


DAMAGES = (
    ColumnDamage("blend", "mixture", ("image",), "none", with_another(blend), keeps_label=False),
    ColumnDamage("patch-of-another", "mixture", ("image",), "none", with_another(patch), keeps_label=False),
)
