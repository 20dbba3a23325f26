"""Colours read as what they are not: another colour space, alpha flattened, no picture at all. They keep the truth: a pipeline did it."""

from __future__ import annotations

import numpy as np

from camelopard.stress.damage import ColumnDamage
from camelopard.stress.damages._images import Colours, Image, Range, from_unit, on_colours, on_images, unit
from camelopard.stress.damages.image_jpeg import TO_YCC


def linear_light(colours: Colours, severity: int, rng: np.random.Generator) -> Colours:
    """Show linear light as if it were sRGB: dark tones sink (IEC 61966-2-1)."""
    return np.where(colours <= 0.04045, colours / 12.92, ((colours + 0.055) / 1.055) ** 2.4).astype(np.float32)


def encoded_twice(colours: Colours, severity: int, rng: np.random.Generator) -> Colours:
    """Encode sRGB as if it were linear light: dark tones rise."""
    return np.where(colours <= 0.0031308, colours * 12.92, 1.055 * colours ** (1 / 2.4) - 0.055).astype(np.float32)


def ycbcr_as_rgb(colours: Colours, severity: int, rng: np.random.Generator) -> Colours:
    """Show light and the two colour differences of a video frame as red, green and blue; other than three channels stay as they are."""
    if colours.shape[2] != 3:
        return colours
    return np.asarray(colours @ TO_YCC.T.astype(np.float32) + np.array([0.0, 0.5, 0.5], dtype=np.float32), dtype=np.float32)


def flattened_alpha(image: Image, span: Range, severity: int, rng: np.random.Generator) -> Image:
    """Lay a picture with alpha on black or on white, by chance; its alpha is then opaque. Pictures without alpha stay as they are."""
    if image.ndim == 2 or image.shape[2] not in (2, 4):
        return image
    parts = unit(image, span)
    alpha, ground = parts[:, :, -1:], np.float32(rng.integers(0, 2))
    laid = from_unit(parts[:, :, :-1] * alpha + ground * (1 - alpha), span, image.dtype)
    return np.concatenate([laid, np.full_like(image[:, :, -1:], span[1])], axis=2)


def blank(colours: Colours, severity: int, rng: np.random.Generator) -> Colours:
    """Give nothing but black, white, or the picture's mean, by chance."""
    which = int(rng.integers(0, 3))
    return np.broadcast_to(np.float32(which) if which < 2 else colours.mean(axis=(0, 1)), colours.shape).astype(np.float32)


DAMAGES = (
    ColumnDamage("linear-light", "format", ("image",), "brightness", on_colours(linear_light), graded=False),
    ColumnDamage("encoded-twice", "format", ("image",), "brightness", on_colours(encoded_twice), graded=False),
    ColumnDamage("ycbcr-as-rgb", "format", ("image",), "none", on_colours(ycbcr_as_rgb), graded=False),
    ColumnDamage("flattened-alpha", "format", ("image",), "none", on_images(flattened_alpha), graded=False),
    ColumnDamage("blank-image", "format", ("image",), "brightness", on_colours(blank), graded=False),
)
