"""Reads the pixels of a picture, from a file in memory or an array, trusting neither: what a file claims is checked before anything is unpacked."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

import numpy as np

from camelopard.core.arrays import Array
from camelopard.core.errors import CamelopardError, InputError, require, told
from camelopard.core.media import MOST_CHANNELS, MOST_PIXELS

if TYPE_CHECKING:
    from types import ModuleType

MOST_BYTES = 256 * 1024 * 1024
FORMATS = ("PNG", "JPEG", "GIF", "WEBP", "BMP", "TIFF", "PPM")
STILL = ("MPO",)  # photographs with a second view inside: the first is the picture
PLAIN_MODES = {
    "L": "L", "1": "L", "LA": "LA", "La": "LA", "RGB": "RGB", "CMYK": "RGB", "YCbCr": "RGB", "LAB": "RGB", "HSV": "RGB", "RGBX": "RGB",
    "RGBA": "RGBA", "RGBa": "RGBA",
}  # fmt: skip
DEEP_MODES = ("I;16", "I;16L", "I;16B", "I", "F")


def checked(pixels: object) -> Array:
    """Return an array that is a picture, untouched: height × width, or × 1 to 4 channels, of finite numbers.

    Raises
    ------
    InputError
        If it is none.

    >>> checked(np.zeros((2, 3))).shape
    (2, 3)
    """
    if not isinstance(pixels, np.ndarray):
        raise InputError(f"expected a picture as an array or the bytes of a file, not {type(pixels).__name__}.")
    if pixels.dtype.kind not in "buif":
        raise InputError(f"expected a picture of numbers, not of {pixels.dtype}.")
    if pixels.ndim not in (2, 3):
        raise InputError(f"expected a picture with 2 or 3 dimensions (height, width, channels), not {pixels.ndim}: shape {pixels.shape}.")
    if pixels.ndim == 3 and not 1 <= pixels.shape[2] <= MOST_CHANNELS:
        raise InputError(
            f"expected 1 to {MOST_CHANNELS} channels, not {pixels.shape[2]}: shape {pixels.shape}. Height, width and channels come in this order."
        )
    if not pixels.size:
        raise InputError(f"a picture without pixels: shape {pixels.shape}.")
    if pixels.shape[0] * pixels.shape[1] > MOST_PIXELS:
        raise InputError(f"{pixels.shape[1]:,} × {pixels.shape[0]:,} pixels, more than {MOST_PIXELS:,}.")
    if pixels.dtype.kind == "f" and not (finite := np.isfinite(pixels)).all():
        raise InputError(f"{int((~finite).sum()):,} of {pixels.size:,} numbers are not finite.")
    return pixels


def unpacked(file: bytes) -> Array:
    """Return the pixels of an encoded picture, (h, w) or (h, w, channels): upright, grey or RGB, with its alpha channel if it has one.

    Raises
    ------
    InputError
        If it is empty, no picture of a known format, damaged, animated, or has too many pixels: which its head says, before anything is unpacked.
    CamelopardError
        If Pillow is not installed.
    """
    if not file:
        raise InputError("an empty file: 0 bytes.")
    if len(file) > MOST_BYTES:
        raise InputError(f"a file of {len(file):,} bytes, more than {MOST_BYTES:,}.")
    pillow, operations = require("PIL.Image", extra="images"), require("PIL.ImageOps", extra="images")
    try:
        return checked(_pixels(pillow, operations, file))
    except CamelopardError:
        raise
    except MemoryError:
        raise InputError("there is not the memory to unpack this picture.") from None
    except Exception as error:  # readers of hostile files raise whatever they like
        if type(error).__name__ == "UnidentifiedImageError":
            raise InputError(f"no picture of a known format ({', '.join(FORMATS)}): {len(file):,} bytes that begin with {file[:8]!r}.") from error
        if "DecompressionBomb" in type(error).__name__:
            raise InputError(f"its head claims more than {MOST_PIXELS:,} pixels.") from error
        raise InputError(f"a damaged or cut-off picture ({told(error)}).") from error


def _pixels(pillow: ModuleType, operations: ModuleType, file: bytes) -> Array:
    with pillow.open(io.BytesIO(file), formats=FORMATS) as picture:
        width, height = picture.size
        if width * height > MOST_PIXELS:
            raise InputError(f"its head claims {width:,} × {height:,} pixels, more than {MOST_PIXELS:,}.")
        frames = getattr(picture, "n_frames", 1)
        if frames > 1 and picture.format not in STILL:
            raise InputError(f"{frames} pictures in one file ({picture.format}): expected a single one.")
        picture.load()
        upright = operations.exif_transpose(picture)
        return _array(picture if upright is None else upright)


def _array(picture: Any) -> Array:
    mode = picture.mode
    if mode in ("P", "PA"):
        mode = "RGBA" if mode == "PA" or "transparency" in picture.info else "RGB"
        picture = picture.convert(mode)
    elif mode in DEEP_MODES:
        deep: Array = np.asarray(picture)
        return deep.astype(np.uint16) if deep.dtype.kind in "iu" and deep.min() >= 0 and deep.max() < 1 << 16 else deep
    elif mode not in PLAIN_MODES:
        raise InputError(f"a picture of the kind {mode!r}, which is not known.")
    elif PLAIN_MODES[mode] != mode:
        picture = picture.convert(PLAIN_MODES[mode])
    return np.array(picture)
