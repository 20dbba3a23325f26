"""JPEG compression: what is lost, without writing a file. Blocks of 8 × 8 are transformed, rounded by the tables of the standard, and put back.

Written out here rather than asked of an image library, so that the same picture loses the same everywhere. It keeps the truth.
"""

from __future__ import annotations

import numpy as np

from camelopard.core.arrays import Floats
from camelopard.stress.damage import ColumnDamage
from camelopard.stress.damages._image_resampling import resized
from camelopard.stress.damages._images import Colours, dose, on_colours, shorter_side

QUALITY = ((80.0, 65.0, 58.0, 50.0, 40.0), (25.0, 18.0, 15.0, 10.0, 7.0))  # Hendrycks & Dietterich (2019), at 32 pixels, at 224
SIDE = 8
# ITU-T T.81 (1992), tables K.1 and K.2
LIGHT: Floats = np.array(
    [
        [16, 11, 10, 16, 24, 40, 51, 61],
        [12, 12, 14, 19, 26, 58, 60, 55],
        [14, 13, 16, 24, 40, 57, 69, 56],
        [14, 17, 22, 29, 51, 87, 80, 62],
        [18, 22, 37, 56, 68, 109, 103, 77],
        [24, 35, 55, 64, 81, 104, 113, 92],
        [49, 64, 78, 87, 103, 121, 120, 101],
        [72, 92, 95, 98, 112, 100, 103, 99],
    ],
    dtype=np.float64,
)
COLOUR: Floats = np.full((SIDE, SIDE), 99.0)
COLOUR[:4, :4] = [[17, 18, 24, 47], [18, 21, 26, 66], [24, 26, 56, 99], [47, 66, 99, 99]]
# JFIF: light, and what is bluer and redder than it
TO_YCC: Floats = np.array([[0.299, 0.587, 0.114], [-0.168736, -0.331264, 0.5], [0.5, -0.418688, -0.081312]])
TO_RGB: Floats = np.array([[1.0, 0.0, 1.402], [1.0, -0.344136, -0.714136], [1.0, 1.772, 0.0]])


def jpeg_compression(colours: Colours, severity: int, rng: np.random.Generator) -> Colours:
    """Compress at qualities from 25 down to 7 (80 down to 40 for small images)."""
    return compressed(colours, round(dose(*QUALITY, severity, shorter_side(colours))))


def compressed(colours: Colours, quality: int) -> Colours:
    """Return the image as it comes back from a JPEG file: colours at half the size if there are three, other channels each like light.

    >>> flat = np.full((8, 8, 1), 0.5, dtype=np.float32)
    >>> bool(np.abs(compressed(flat, 50) - flat).max() < 0.01)
    True
    """
    levels = colours * np.float32(255.0) - np.float32(128.0)
    if colours.shape[2] != 3:
        planes = [_rounded(levels[:, :, k], quality, LIGHT) for k in range(colours.shape[2])]
        return np.asarray(np.stack(planes, axis=2) / 255.0 + 128.0 / 255.0, dtype=np.float32)
    ycc = np.stack([sum(float(TO_YCC[k, j]) * levels[:, :, j] for j in range(3)) for k in range(3)], axis=2)
    height, width = colours.shape[:2]
    half = resized(ycc[:, :, 1:], (height + 1) // 2, (width + 1) // 2)
    half = np.stack([_rounded(half[:, :, k], quality, COLOUR) for k in range(2)], axis=2)
    light, tint = _rounded(ycc[:, :, 0], quality, LIGHT), resized(half, height, width)
    back = [light + float(row[1]) * tint[:, :, 0] + float(row[2]) * tint[:, :, 1] for row in TO_RGB]
    return np.asarray(np.stack(back, axis=2) / 255.0 + 128.0 / 255.0, dtype=np.float32)


def _rounded(plane: Colours, quality: int, table: Floats) -> Colours:
    """Return one channel, −128 to 127, shape (h, w), with its waves rounded to the steps that a quality allows."""
    scale = 5000 / quality if quality < 50 else 200 - 2 * quality
    steps = np.clip(np.floor((table * scale + 50) / 100), 1, 255).astype(np.float32)
    height, width = plane.shape
    full = np.pad(plane, ((0, -height % SIDE), (0, -width % SIDE)), mode="edge")
    blocks = full.reshape(full.shape[0] // SIDE, SIDE, -1, SIDE).transpose(0, 2, 1, 3)
    waves = np.rint(WAVES @ blocks @ WAVES.T / steps) * steps
    back = np.clip(WAVES.T @ waves @ WAVES, -128.0, 127.0)
    return np.asarray(back.transpose(0, 2, 1, 3).reshape(full.shape)[:height, :width], dtype=np.float32)


def _cosines() -> Colours:
    k = np.arange(SIDE)[:, None]
    waves: Floats = np.cos((2 * np.arange(SIDE) + 1) * k * np.pi / (2 * SIDE)) * np.sqrt(2 / SIDE)
    waves[0] /= np.sqrt(2)
    return np.asarray(waves, dtype=np.float32)


WAVES = _cosines()

DAMAGES = (ColumnDamage("jpeg-compression", "digital", ("image",), "none", on_colours(jpeg_compression)),)
