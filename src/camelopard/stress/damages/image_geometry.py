"""Where the thing is in the picture: turned, moved, cut, mirrored. Alpha moves along with the colours.

All of them keep the truth, by one rule: the truth is what stood before the camera, and only what the camera and the pipeline did to it has changed. A
mirrored selfie and rows stored from the bottom up show the same thing. Where a sign could be read as another one (6 and 9, b and d), a flip is still
not what was written; whoever asks what is *shown* leaves the flips out.
"""

from __future__ import annotations

import numpy as np

from camelopard.stress.damage import ColumnDamage
from camelopard.stress.damages._image_resampling import on_grid, sampled
from camelopard.stress.damages._images import Colours, Image, Range, on_colours, on_images

DEGREES = (5, 10, 20, 30, 45)
MOVED = (0.04, 0.08, 0.12, 0.2, 0.3)  # of height and width
LEFT = (0.95, 0.9, 0.8, 0.65, 0.5)  # of height and width


def rotation(colours: Colours, severity: int, rng: np.random.Generator) -> Colours:
    """Turn by 5° to 45°, to either side; corners are filled from the edge."""
    angle = np.deg2rad(DEGREES[severity - 1]) * rng.choice((-1.0, 1.0))
    height, width = colours.shape[:2]
    y, x = np.mgrid[0.0:height, 0.0:width]
    y, x = y - (height - 1) / 2, x - (width - 1) / 2
    return sampled(colours, np.cos(angle) * y - np.sin(angle) * x + (height - 1) / 2, np.sin(angle) * y + np.cos(angle) * x + (width - 1) / 2)


def off_centre(image: Image, span: Range, severity: int, rng: np.random.Generator) -> Image:
    """Move by 4 % to 30 % of height and width, at least a pixel; what comes in is filled from the edge."""
    down, right = (int(rng.choice((-1, 1))) * max(1, round(MOVED[severity - 1] * size)) for size in image.shape[:2])
    rows, columns = (np.clip(np.arange(size) - by, 0, size - 1) for size, by in zip(image.shape[:2], (down, right), strict=True))
    return np.asarray(image[rows][:, columns])


def crop(colours: Colours, severity: int, rng: np.random.Generator) -> Colours:
    """Keep 95 % to 50 % of height and width, from a random place, blown up to the old size."""
    share = LEFT[severity - 1]
    at = []
    for size in colours.shape[:2]:
        start = rng.random() * (1 - share) * size
        at.append(start + (np.arange(size) + 0.5) * share - 0.5)
    return on_grid(colours, at[0], at[1])


def horizontal_flip(image: Image, span: Range, severity: int, rng: np.random.Generator) -> Image:
    """Mirror left and right."""
    return np.ascontiguousarray(image[:, ::-1])


def vertical_flip(image: Image, span: Range, severity: int, rng: np.random.Generator) -> Image:
    """Mirror top and bottom."""
    return np.ascontiguousarray(image[::-1])


DAMAGES = (
    ColumnDamage("rotation", "geometry", ("image",), "none", on_colours(rotation, alpha=True)),
    ColumnDamage("off-centre", "geometry", ("image",), "none", on_images(off_centre)),
    ColumnDamage("crop", "geometry", ("image",), "none", on_colours(crop, alpha=True)),
    ColumnDamage("horizontal-flip", "geometry", ("image",), "none", on_images(horizontal_flip), graded=False),
    ColumnDamage("vertical-flip", "geometry", ("image",), "none", on_images(vertical_flip), graded=False),
)
