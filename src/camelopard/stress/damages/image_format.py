"""The picture in another form than the model was promised: size, proportions, number and order of channels, type and scale of its numbers.

They keep the truth: a pipeline did it. Where a form does not apply (the channel order of a grey picture), the picture stays as it is.
"""

from __future__ import annotations

import numpy as np

from camelopard.stress.damage import ColumnDamage
from camelopard.stress.damages._image_resampling import resized
from camelopard.stress.damages._images import Image, Range, colour_channels, from_unit, grey, on_images, unit

SMALLER = (0.9, 0.75, 0.5, 0.33, 0.2)
LARGER = (1.1, 1.25, 1.5, 1.75, 2.0)
BYTES = (0.0, 255.0)
QUARTERS = (1, 2, 3)


def wrong_size(image: Image, span: Range, severity: int, rng: np.random.Generator) -> Image:
    """Resize both sides by one factor: down to 90 % … 20 %, or up to 110 % … 200 %, by chance; at least by a pixel."""
    factors = SMALLER if rng.random() < 0.5 and max(image.shape[:2]) > 1 else LARGER
    return _at_size(image, span, *(_other(size, factors[severity - 1]) for size in image.shape[:2]))


def wrong_aspect(image: Image, span: Range, severity: int, rng: np.random.Generator) -> Image:
    """Resize one side only, by the same factors."""
    sides = list(image.shape[:2])
    which = int(rng.integers(0, 2))
    factors = SMALLER if rng.random() < 0.5 and sides[which] > 1 else LARGER
    sides[which] = _other(sides[which], factors[severity - 1])
    return _at_size(image, span, *sides)


def one_channel(image: Image, span: Range, severity: int, rng: np.random.Generator) -> Image:
    """Make a colour picture grey, of shape (h, w)."""
    if image.ndim == 2 or image.shape[2] == 1:
        return image
    colours = unit(image[:, :, : colour_channels(image)], span)
    return from_unit(grey(colours), span, image.dtype)[:, :, 0]


def added_channel(image: Image, span: Range, severity: int, rng: np.random.Generator) -> Image:
    """Add an opaque alpha channel to three colours; make a grey picture one of three equal channels."""
    stored = image if image.ndim == 3 else image[:, :, None]
    if stored.shape[2] == 1:
        return np.repeat(stored, 3, axis=2)
    if stored.shape[2] != 3:
        return image
    return np.concatenate([stored, np.full_like(stored[:, :, :1], span[1])], axis=2)


def channel_order(image: Image, span: Range, severity: int, rng: np.random.Generator) -> Image:
    """Show red as blue and blue as red (BGR for RGB); alpha stays last."""
    if image.ndim == 2 or image.shape[2] not in (3, 4):
        return image
    return np.asarray(image[:, :, [2, 1, 0, *range(3, image.shape[2])]])


def channels_first(image: Image, span: Range, severity: int, rng: np.random.Generator) -> Image:
    """Put the channels before height and width: (c, h, w); a grey picture (h, w) becomes (1, h, w)."""
    return image[None] if image.ndim == 2 else np.ascontiguousarray(np.moveaxis(image, 2, 0))


def value_scale(image: Image, span: Range, severity: int, rng: np.random.Generator) -> Image:
    """Give values of 0–255, or of any other range, as 0–1, in float32 where they were whole numbers; and values of 0–1 as 0–255."""
    dtype = image.dtype if image.dtype.kind == "f" else np.dtype(np.float32)
    return from_unit(unit(image, span), BYTES if span == (0.0, 1.0) else (0.0, 1.0), dtype)


def value_type(image: Image, span: Range, severity: int, rng: np.random.Generator) -> Image:
    """Give whole numbers as float32, and floats cut to uint8 without scaling them first, so that 0–1 becomes 0 or 1."""
    if image.dtype.kind != "f":
        return np.asarray(image, dtype=np.float32)
    return np.asarray(np.clip(np.nan_to_num(image, nan=0.0, posinf=255.0, neginf=0.0), 0, 255), dtype=np.uint8)


def scaled_twice(image: Image, span: Range, severity: int, rng: np.random.Generator) -> Image:
    """Divide by the largest value, or by 255 where that is 1: nearly black, in the same type."""
    divisor = span[1] if span[1] > 1 else 255.0
    return np.asarray(image / divisor, dtype=image.dtype) if image.dtype.kind != "b" else np.zeros_like(image)


def ignored_rotation(image: Image, span: Range, severity: int, rng: np.random.Generator) -> Image:
    """Show the picture as the sensor read it, by 90°, 180° or 270° off: the file said how to turn it, and nobody looked."""
    return np.ascontiguousarray(np.rot90(image, int(rng.choice(QUARTERS))))


def _other(size: int, factor: float) -> int:
    new = max(1, round(size * factor))
    return new if new != size else max(1, size - 1) if factor < 1 else size + 1


def _at_size(image: Image, span: Range, height: int, width: int) -> Image:
    stored = image if image.ndim == 3 else image[:, :, None]
    new = from_unit(np.clip(resized(unit(stored, span), height, width), 0, 1), span, image.dtype)
    return new if image.ndim == 3 else new[:, :, 0]


DAMAGES = (
    ColumnDamage("wrong-size", "format", ("image",), "size", on_images(wrong_size)),
    ColumnDamage("wrong-aspect", "format", ("image",), "size", on_images(wrong_aspect)),
    ColumnDamage("one-channel", "format", ("image",), "channels", on_images(one_channel), graded=False),
    ColumnDamage("added-channel", "format", ("image",), "channels", on_images(added_channel), graded=False),
    ColumnDamage("channel-order", "format", ("image",), "none", on_images(channel_order), graded=False),
    ColumnDamage("channels-first", "format", ("image",), "channels", on_images(channels_first), graded=False),
    ColumnDamage("value-scale", "format", ("image",), "range", on_images(value_scale), graded=False),
    ColumnDamage("value-type", "format", ("image",), "type", on_images(value_type), graded=False),
    ColumnDamage("scaled-twice", "format", ("image",), "range", on_images(scaled_twice), graded=False),
    ColumnDamage("ignored-rotation", "format", ("image",), "none", on_images(ignored_rotation), graded=False),
)
