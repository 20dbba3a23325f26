"""Reads pictures from NumPy's files, .npy and .npz, a bounded number at a time. Nothing is unpickled, and what a file claims is checked first."""

from __future__ import annotations

import math
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO

import numpy as np

from camelopard.core.arrays import Array, objects
from camelopard.core.batch import Batch, Form
from camelopard.core.errors import InputError, told
from camelopard.core.media import IMAGE, MOST_CHANNELS, MOST_PIXELS, picture
from camelopard.modality.chunks import Chunk

AT_ONCE = 64_000_000  # bytes of pictures that are held at once
MOST_LABELS = 256_000_000  # bytes of the labels
ENDING = ".npy"  # of the arrays in an archive
Header = tuple[tuple[int, ...], "np.dtype[np.generic]"]


def named(path: str) -> tuple[str, str | None] | None:
    """Return the file and the array that a path means, where it is one of a .npy or .npz file, else None.

    >>> named("a/digits.npz:x_test"), named("digits.npy"), named("table.csv")
    (('a/digits.npz', 'x_test'), ('digits.npy', None), None)
    """
    if path.lower().endswith((".npy", ".npz")):
        return path, None
    file, colon, array = path.rpartition(":")
    return (file, array) if colon and file.lower().endswith(".npz") else None


def read_arrays(file: str, array: str | None, labels: str | None, chunk: int) -> Iterator[Chunk]:
    """Yield the pictures of an array of shape (n, h, w) or (n, h, w, channels), beside them the column `labels` from an array of shape (n,).

    Parameters
    ----------
    file, array
        A .npy file; or a .npz file, and which of its arrays, where more than one could be pictures.
    labels
        Which array of a .npz file holds a label for each picture.
    chunk
        Pictures at a time at most.

    Raises
    ------
    InputError
        If it is no such file, is truncated, or holds no array of pictures, or of Python objects.
    """
    with _whole(file):
        if file.lower().endswith(".npz"):
            yield from _of_archive(file, array, labels, chunk)
            return
        if labels is not None:
            raise InputError(f"{file}: one array, without labels. Save pictures and labels as a .npz: np.savez(path, x=pictures, {labels}=labels).")
        with open(file, "rb") as stream:
            yield from _streamed(stream, _header(stream, file), file, chunk, {})


def _of_archive(file: str, array: str | None, labels: str | None, chunk: int) -> Iterator[Chunk]:
    with zipfile.ZipFile(file) as archive:
        headers: dict[str, Header] = {}
        refused: dict[str, str] = {}
        for entry in archive.namelist():
            if entry.endswith(ENDING):
                with archive.open(entry) as stream:
                    try:
                        headers[entry.removesuffix(ENDING)] = _header(stream, f"{file}:{entry.removesuffix(ENDING)}")
                    except InputError as error:
                        refused[entry.removesuffix(ENDING)] = str(error)
        chosen = _chosen(file, array, headers, refused)
        extra: dict[str, Array] = {}
        if labels is not None:
            if labels not in headers:
                raise InputError(refused.get(labels) or f"{file}: there is no array {labels!r} for the labels. Its arrays: {_listed(headers)}.")
            extra[labels] = _labels(archive, f"{file}:{labels}", labels, headers[chosen][0][0])
        with archive.open(chosen + ENDING) as stream:
            yield from _streamed(stream, _header(stream, f"{file}:{chosen}"), f"{file}:{chosen}", chunk, extra)


def _chosen(file: str, array: str | None, headers: dict[str, Header], refused: dict[str, str]) -> str:
    """Return which array of an archive holds the pictures."""
    if array is not None:
        if array not in headers:
            raise InputError(refused.get(array) or f"{file}: there is no array {array!r}. Its arrays: {_listed(headers)}.")
        return array
    candidates = [name for name, (shape, dtype) in headers.items() if len(shape) in (3, 4) and dtype.kind in "uifb"]
    if len(candidates) == 1:
        return candidates[0]
    if candidates:
        raise InputError(f"{file}: several arrays could be pictures: {_listed(headers, candidates)}. Name one: {file}:{candidates[0]}")
    raise InputError(
        next(iter(refused.values()), None) or f"{file}: no array of pictures, (n, h, w) or (n, h, w, channels), in it: {_listed(headers)}."
    )


def _streamed(stream: IO[bytes], header: Header, name: str, chunk: int, extra: dict[str, Array]) -> Iterator[Chunk]:
    shape, dtype = header
    if len(shape) not in (3, 4) or dtype.kind not in "uifb":
        raise InputError(f"{name}: an array of shape {shape} of {dtype}; expected pictures, numbers of shape (n, h, w) or (n, h, w, channels).")
    n, height, width = shape[:3]
    if min(shape[1:]) < 1 or height * width > MOST_PIXELS or math.prod(shape[3:]) > MOST_CHANNELS:
        raise InputError(f"{name}: pictures of the shape {shape[1:]}; expected 1 to {MOST_PIXELS:,} pixels and, last, 1 to {MOST_CHANNELS} channels.")
    if n < 1:
        raise InputError(f"{name}: there are no pictures in it.")
    each = math.prod(shape[1:]) * dtype.itemsize
    rows = max(1, min(chunk, AT_ONCE // each))
    for start in range(0, n, rows):
        some = min(rows, n - start)
        data = stream.read(some * each)
        if len(data) < some * each:
            raise InputError(f"{name}: it is truncated: {n:,} pictures claimed, {start + len(data) // each:,} there.")
        block = np.frombuffer(data, dtype).reshape(some, *shape[1:]).astype(dtype.newbyteorder("="), copy=False)
        columns = {IMAGE[0]: objects(map(picture, block)), **{label: values[start : start + some] for label, values in extra.items()}}
        yield Chunk(Batch(columns, np.arange(some), Form("images")), {}, len(data))


def _labels(archive: zipfile.ZipFile, name: str, labels: str, n: int) -> Array:
    with archive.open(labels + ENDING) as stream:
        shape, dtype = _header(stream, name)
        if shape != (n,) or dtype.kind not in "uifbUS":
            raise InputError(f"{name}: an array of shape {shape} of {dtype}; expected a label for each of {n:,} pictures.")
        size = n * dtype.itemsize
        if size > MOST_LABELS:
            raise InputError(f"{name}: labels of {size:,} bytes; expected {MOST_LABELS:,} at most.")
        data = stream.read(size)
    if len(data) < size:
        raise InputError(f"{name}: it is truncated.")
    found = np.frombuffer(data, dtype)
    if dtype.kind == "S":
        return objects(value.decode("utf-8", "backslashreplace") for value in found.tolist())
    return (
        objects(found.tolist()) if dtype.kind == "U" else found.astype(bool if dtype.kind == "b" else np.float64 if dtype.kind == "f" else np.int64)
    )


def _header(stream: IO[bytes], name: str) -> Header:
    """Return the shape and the type of numbers that an array claims to have."""
    try:
        version = np.lib.format.read_magic(stream)
        if version not in ((1, 0), (2, 0)):
            raise InputError(f"{name}: an array in version {version[0]}.{version[1]} of NumPy's format; expected 1.0 or 2.0.")
        read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
        shape, by_columns, dtype = read(stream)
    except (InputError, OSError):
        raise
    except Exception as error:  # a hostile head makes NumPy's reader raise whatever it likes
        raise InputError(f"{name}: this is not a whole {ENDING} array ({told(error)}).") from error
    if dtype.hasobject:
        raise InputError(f"{name}: an array of Python objects is a pickle, which runs code, and is never loaded. Save it as numbers.")
    if by_columns and len(shape) > 1:
        raise InputError(f"{name}: an array that is stored by columns. Save it by rows: np.ascontiguousarray(pictures).")
    return tuple(int(k) for k in shape), dtype


def _listed(headers: dict[str, Header], names: list[str] | None = None) -> str:
    shown = [f"{name} ({' × '.join(map(str, headers[name][0])) or 'one number'})" for name in (headers if names is None else names)]
    return ", ".join(shown[:20]) or "none"


@contextmanager
def _whole(file: str) -> Iterator[None]:
    """Turn what NumPy and zipfile raise over a broken file into an InputError that names it."""
    try:
        yield
    except (zipfile.BadZipFile, zlib.error, EOFError, ValueError, RuntimeError, NotImplementedError, OverflowError, MemoryError) as error:
        raise InputError(f"{file}: this is not a whole {file[-4:].lower()} file ({told(error)}).") from error
