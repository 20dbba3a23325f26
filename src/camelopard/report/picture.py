"""A picture as a page shows it: pixels written small as PNG into the page itself, and a veil over it where it is unlike clean ones.

What draws it is plain data, so that a report's document can hold it, and what reads it back trusts nothing: a page shows no other bytes than PNG of
bounded size.
"""

from __future__ import annotations

import base64
import re
import struct
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from camelopard.core.arrays import Array, Floats

Range = tuple[float, float]

MOST_SIDE = 80  # pixels of the longer side that are kept
WIDE = 128  # pixels of a page that the longer side takes, about
LONGEST = 60_000  # characters of one picture in a page
UNLIKE = 4.0  # standard deviations from which the veil is at its thickest
THICKEST = 0.75
VEIL = (214, 69, 30)
COLOUR_TYPES = {1: 0, 2: 4, 3: 2, 4: 6}  # of PNG, by the number of channels: grey and RGB, without and with alpha
SOURCE = re.compile(r"data:image/png;base64,iVBORw0KGgo[A-Za-z0-9+/]+={0,2}")


@dataclass(frozen=True)
class Picture:
    """A picture as it is shown: its data URI, the pixels of the page it takes, what is said of it, and the veil over it (a data URI, or nothing)."""

    source: str
    width: int
    height: int
    words: str
    crisp: bool
    veil: str = ""


def drawn(pixels: Array, span: Range | None = None) -> dict[str, Any]:
    """Return a picture as plain data for a report: small, and drawn as a reader would see it whose black and white are `span`.

    Parameters
    ----------
    pixels
        Of shape (h, w) or (h, w, 1 to 4 channels). Any other array is described in words.
    span
        The values of black and white in clean pictures; without it, those of the picture itself (0–255 for whole numbers of 8 bits).

    >>> found = drawn(np.zeros((2, 3)), (0.0, 1.0))
    >>> found["words"], found["picture"][:33]
    ('2 × 3 pixels, float64, 0 to 0', 'data:image/png;base64,iVBORw0KGgo')
    """
    words = described(pixels)
    if not is_drawable(pixels):
        return {"words": words}
    low, high = span or usual_span(pixels)
    stored = pixels if pixels.ndim == 3 else pixels[:, :, None]
    step = max(1, -(-max(stored.shape[:2]) // MOST_SIDE))
    light = np.nan_to_num(_thinned(stored.astype(np.float64), step), nan=low, posinf=high, neginf=low)
    level = np.clip(np.round((light - low) / max(high - low, 1e-300) * 255), 0, 255).astype(np.uint8)
    return {"words": words, "picture": uri(level), "size": [int(pixels.shape[0]), int(pixels.shape[1])]}


def read(raw: Any, unlike: Any = None) -> Picture | None:
    """Return a picture out of a report's document, or None where there is none that may be shown.

    Parameters
    ----------
    unlike
        How unlike clean pictures each part is, in standard deviations, as rows of numbers.

    >>> read({"picture": "https://example.com/picture.png"}) is None
    True
    """
    if not isinstance(raw, Mapping):
        return None
    source, size = raw.get("picture"), raw.get("size")
    if not isinstance(source, str) or len(source) > LONGEST or SOURCE.fullmatch(source) is None:
        return None
    sides = [s for s in size if type(s) is int and 0 < s < 10**6] if isinstance(size, (list, tuple)) else []
    height, width = sides if len(sides) == 2 else (1, 1)
    longer = max(height, width)
    scale = max(1, WIDE // longer) if longer <= WIDE else WIDE / longer
    words = raw.get("words")
    shown = max(1, round(width * scale)), max(1, round(height * scale))
    return Picture(source, *shown, words if isinstance(words, str) else "", longer <= MOST_SIDE, veil(unlike))


def veil(unlike: Any) -> str:
    """Return a veil as a data URI, thick where the numbers are large; nothing where they are none, or all small.

    >>> veil([[0.0, 9.0]])[:14], veil([["a"]])
    ('data:image/png', '')
    """
    try:
        found = np.asarray(unlike, dtype=np.float64)
    except (TypeError, ValueError):
        return ""
    if found.ndim != 2 or not 0 < found.size <= 1024 or not np.isfinite(found).all():
        return ""
    thick = np.clip((found - 1.0) / (UNLIKE - 1.0), 0.0, 1.0) * THICKEST  # a standard deviation is nothing
    if not thick.any():
        return ""
    colours = np.empty((*found.shape, 4), dtype=np.uint8)
    colours[:, :, :3] = VEIL
    colours[:, :, 3] = np.round(255 * thick)
    return uri(colours)


def uri(level: NDArray[np.uint8]) -> str:
    """Return a picture of 8 bits, shape (h, w, 1 to 4 channels), as the data URI of a PNG file (ISO/IEC 15948:2004)."""
    height, width, count = level.shape
    lines = np.concatenate([np.zeros((height, 1), dtype=np.uint8), level.reshape(height, -1)], axis=1).tobytes()  # each begins with its filter: none
    header = struct.pack(">IIBBBBB", width, height, 8, COLOUR_TYPES[count], 0, 0, 0)
    file = b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", header) + _chunk(b"IDAT", zlib.compress(lines, 9)) + _chunk(b"IEND", b"")
    return "data:image/png;base64," + base64.b64encode(file).decode("ascii")


def is_drawable(pixels: Array) -> bool:
    """Return whether an array has the shape and the numbers of a picture.

    >>> is_drawable(np.zeros((8, 8, 3))), is_drawable(np.zeros((1, 8, 8)))
    (True, False)
    """
    flat = pixels.ndim == 2 or (pixels.ndim == 3 and 1 <= pixels.shape[2] <= 4)
    return flat and pixels.size > 0 and pixels.dtype.kind in "buif"


def described(pixels: Array) -> str:
    """Return what an array of a picture is, in words.

    >>> described(np.zeros((1, 8, 8))), described(np.full((4, 4), 7))
    ('an array of shape 1 × 8 × 8, float64', '4 × 4 pixels, int64, 7 to 7')
    """
    if not is_drawable(pixels):
        return f"an array of shape {' × '.join(map(str, pixels.shape))}, {pixels.dtype}"
    count = pixels.shape[2] if pixels.ndim == 3 else 1
    finite = pixels[np.isfinite(pixels)]
    values = f"{finite.min():.4g} to {finite.max():.4g}" if finite.size else "no finite number"
    return f"{pixels.shape[0]} × {pixels.shape[1]} pixels{f' in {count} channels' if count > 1 else ''}, {pixels.dtype}, {values}"


def usual_span(pixels: Array) -> Range:
    """Return the values of black and white of a picture that nothing else is known of."""
    if pixels.dtype == np.uint8:
        return 0.0, 255.0
    finite = pixels[np.isfinite(pixels)].astype(np.float64)
    return (min(0.0, float(finite.min())), max(1.0, float(finite.max()))) if finite.size else (0.0, 1.0)


def _thinned(stored: Floats, step: int) -> Floats:
    """Return the means of squares of `step` pixels; what is left over at the right and below joins the last squares."""
    if step == 1:
        return stored
    for axis in (0, 1):
        starts = np.arange(0, max(1, stored.shape[axis] - step + 1), step)
        counts = np.diff(np.append(starts, stored.shape[axis]))
        shape = [1, 1, 1]
        shape[axis] = len(counts)
        stored = np.add.reduceat(stored, starts, axis=axis) / counts.reshape(shape)
    return stored


def _chunk(name: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))
