"""Tensors as the binary extension of the Open Inference Protocol carries them: after the JSON, one behind the other, without what parts them."""

from __future__ import annotations

import math
import struct
from collections.abc import Sequence
from typing import Any

import numpy as np

HEADER = "inference-header-content-length"
BYTES = "BYTES"
DTYPES = {
    "BOOL": "?", "UINT8": "u1", "UINT16": "<u2", "UINT32": "<u4", "UINT64": "<u8", "INT8": "i1", "INT16": "<i2", "INT32": "<i4", "INT64": "<i8",
    "FP16": "<f2", "FP32": "<f4", "FP64": "<f8",
}  # fmt: skip


def unpacked(part: bytes, cells: int) -> list[str]:
    """Return the texts of a binary tensor: each after its length, four bytes, the least first.

    Raises
    ------
    ValueError
        If the bytes do not hold that many texts.

    >>> unpacked(packed(["a", "bc"]), 2)
    ['a', 'bc']
    """
    found: list[str] = []
    at = 0
    while at + 4 <= len(part) and len(found) < cells:
        (length,) = struct.unpack_from("<I", part, at)
        if at + 4 + length > len(part):
            break
        found.append(part[at + 4 : at + 4 + length].decode("utf-8", "replace"))
        at += 4 + length
    if len(found) != cells or at != len(part):
        raise ValueError(f"bytes that do not hold {cells:,} texts, each after its length")
    return found


def packed(texts: Sequence[str]) -> bytes:
    """Return texts as `unpacked` reads them."""
    coded = [text.encode("utf-8", "replace") for text in texts]
    return b"".join(struct.pack("<I", len(text)) + text for text in coded)


def cells(part: bytes, datatype: str, shape: Sequence[int]) -> list[Any]:
    """Return the values of a binary tensor, one after the other.

    Raises
    ------
    ValueError
        If the bytes are not of that type and shape.

    >>> cells(np.float32([1, 2]).tobytes(), "FP32", [2, 1])
    [1.0, 2.0]
    """
    if datatype == BYTES:
        return list(unpacked(part, math.prod(shape)))
    if datatype not in DTYPES:
        raise ValueError(f"a tensor of {datatype!r}")
    found: list[Any] = np.frombuffer(part, dtype=DTYPES[datatype]).tolist()
    if len(found) != math.prod(shape):
        raise ValueError(f"{len(found)} values for the shape {list(shape)}")
    return found
