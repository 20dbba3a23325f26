"""Files that are cut off, corrupt, empty, or no picture at all: the cell is then bytes. An array is first written as PNG, by this module itself.

A decoder refuses such files, or is lenient and shows what it has: that is the picture half loaded. They keep the truth: a pipeline did it.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable

import numpy as np

from camelopard.core.arrays import Array
from camelopard.core.schema import Column
from camelopard.stress.damage import ON_COLUMN, ColumnDamage
from camelopard.stress.damages._images import Colours, Image, Range, colour_channels, from_unit, is_image, on_colours, ranges, unit

KEPT = (0.95, 0.75, 0.5, 0.2, 0.05)
STRUCK = (1, 4, 16, 64, 256)  # bytes
LOST = (0.1, 0.25, 0.5, 0.75, 0.9)
SIGNATURE = b"\x89PNG\r\n\x1a\n"
COLOUR_TYPES = {1: 0, 2: 4, 3: 2, 4: 6}  # of PNG, by the number of channels: grey and RGB, without and with alpha
PAGE = b"<!DOCTYPE html>\n<html><head><title>404 Not Found</title></head><body><h1>Not Found</h1></body></html>\n"


def truncated(file: bytes, severity: int, rng: np.random.Generator) -> bytes:
    """Cut the file off: the first 95 % to 5 % are left."""
    return file[: min(len(file) - 1, int(KEPT[severity - 1] * len(file)))] if file else file


def corrupt(file: bytes, severity: int, rng: np.random.Generator) -> bytes:
    """Change 1 to 256 bytes behind the signature."""
    at = np.arange(min(len(SIGNATURE), max(0, len(file) - 1)), len(file))
    at = rng.permutation(at)[: STRUCK[severity - 1]]
    content = np.frombuffer(file, dtype=np.uint8).copy()
    content[at] ^= rng.integers(1, 256, len(at), dtype=np.uint8)
    return content.tobytes()


def emptied(file: bytes, severity: int, rng: np.random.Generator) -> bytes:
    """Leave nothing of the file."""
    return b""


def error_page(file: bytes, severity: int, rng: np.random.Generator) -> bytes:
    """Give the page that a server sends when it has no such picture."""
    return PAGE


def half_loaded(colours: Colours, severity: int, rng: np.random.Generator) -> Colours:
    """Show grey for the lowest 10 % to 90 % of the rows, as a lenient decoder does with a file that was cut off."""
    out = colours.copy()
    out[-max(1, round(LOST[severity - 1] * len(out))) :] = 0.5
    return out


def png(image: Image, span: Range) -> bytes:
    """Write a picture as PNG of 8 bits; of five channels and more only the first three (ISO/IEC 15948:2004).

    >>> png(np.zeros((2, 2), dtype=np.uint8), (0.0, 255.0))[:4]
    b'\\x89PNG'
    """
    stored = image if image.ndim == 3 else image[:, :, None]
    stored = stored if stored.shape[2] in COLOUR_TYPES else stored[:, :, : min(3, colour_channels(stored))]
    height, width, count = stored.shape
    rows = from_unit(unit(stored, span), (0.0, 255.0), np.dtype(np.uint8)).reshape(height, -1)
    lines = np.concatenate([np.zeros((height, 1), dtype=np.uint8), rows], axis=1).tobytes()  # each line begins with its filter: none
    header = struct.pack(">IIBBBBB", width, height, 8, COLOUR_TYPES[count], 0, 0, 0)
    return SIGNATURE + _chunk(b"IHDR", header) + _chunk(b"IDAT", zlib.compress(lines, 6)) + _chunk(b"IEND", b"")


def _chunk(name: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))


def on_files(change: Callable[[bytes, int, np.random.Generator], bytes]) -> ON_COLUMN:
    """Return the damage to a column that changes the file of each image, written as PNG where it is an array."""

    def damage(values: Array, column: Column, severity: int, rng: np.random.Generator) -> Array:
        known = ranges(values)
        out = np.empty(len(values), dtype=object)
        for i, cell in enumerate(values):
            file = png(np.asarray(cell), known[cell.dtype]) if is_image(cell) else cell
            out[i] = change(file, severity, rng) if isinstance(file, bytes) else cell
        return out

    return damage


DAMAGES = (
    ColumnDamage("truncated-file", "format", ("image",), "type", on_files(truncated)),
    ColumnDamage("corrupt-file", "format", ("image",), "type", on_files(corrupt)),
    ColumnDamage("empty-file", "format", ("image",), "type", on_files(emptied), graded=False),
    ColumnDamage("error-page", "format", ("image",), "type", on_files(error_page), graded=False),
    ColumnDamage("half-loaded", "format", ("image",), "none", on_colours(half_loaded)),
)
