"""Tensors as the binary extension of the Open Inference Protocol carries them: after the JSON, one behind the other, without what parts them."""

from __future__ import annotations

import json
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


def spelled(body: bytes, length: str | None) -> bytes:
    """Return a reply with its binary outputs written as numbers and texts, in JSON; without any, as it is. `length`: of its JSON, as its header says.

    Raises
    ------
    ValueError
        If the reply is not what it says.

    >>> head = b'{"outputs": [{"name": "y", "datatype": "FP32", "shape": [2], "parameters": {"binary_data_size": 8}}]}'
    >>> json.loads(spelled(head + np.float32([1, 2]).tobytes(), str(len(head))))["outputs"][0]["data"]
    [1.0, 2.0]
    """
    if length is None:
        return body
    if not (length.isascii() and length.isdigit()):
        raise ValueError(f"the length {length[:20]!r} of a header")
    at = int(length)
    reply = json.loads(body[:at])
    outputs = reply.get("outputs") if isinstance(reply, dict) else None
    for tensor in outputs if isinstance(outputs, list) else []:
        size = (tensor.get("parameters") or {}).get("binary_data_size")
        if size is None:
            continue
        if type(size) is not int or not 0 <= size <= len(body) - at:
            raise ValueError("an output that is not within the reply")
        part, at = body[at : at + size], at + size
        tensor["data"] = _cells(part, tensor)
    return json.dumps(reply).encode()


def _cells(part: bytes, tensor: dict[str, Any]) -> list[Any]:
    kind, cells = tensor.get("datatype"), math.prod(tensor["shape"])
    if kind == BYTES:
        return list(unpacked(part, cells))
    found: list[Any] = np.frombuffer(part, dtype=DTYPES[str(kind)]).tolist()
    if len(found) != cells:
        raise ValueError(f"{len(found)} values of {cells}")
    return found
