"""Reads pictures from files below a folder: the folder itself, or the paths in a column of a table. Nothing outside of the folder is ever opened.

The one idea: files stay encoded until they are judged, and so many are held at once as unpack to a bounded size, by what their heads claim.
"""

from __future__ import annotations

import io
import os
import stat
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import PurePath

import numpy as np

from camelopard.core.arrays import Ints, Objects, objects
from camelopard.core.batch import Batch, Form
from camelopard.core.errors import CamelopardError, InputError, require
from camelopard.core.media import IMAGE, MOST_PIXELS
from camelopard.modality.chunks import Chunk
from camelopard.modality.image_files import FORMATS, MOST_BYTES

ENDINGS = (".png", ".jpg", ".jpeg", ".jfif", ".gif", ".webp", ".bmp", ".tif", ".tiff", ".ppm", ".pgm", ".pbm", ".pnm")
FOLDER = "folder"  # the column that holds the name of a picture's sub-folder
AT_ONCE = 64_000_000  # bytes of pictures that are held at once
CHANNELS = 3  # of most pictures
UNPACKED = 1_000_000_000  # bytes of pictures given as files that are unpacked to learn from
FEWEST = 1_000  # of them that are, however large: what is promised of alarms hangs on their number


class LeftOut(UserWarning):
    """Files of a folder that are no pictures by their ending."""


def read_folder(name: str, chunk: int, *, labelled: bool = False) -> Iterator[Chunk]:
    """Yield the pictures below a folder as encoded files, in the order of their paths, which are their ids.

    Parameters
    ----------
    name, chunk
        The folder, and how many pictures are yielded at a time at most. Hidden files, and links to folders, are not looked at.
    labelled
        Whether a column `folder` says in which sub-folder each picture lies.

    Raises
    ------
    InputError
        If there is no picture in it, or, where they are `labelled`, one lies in no sub-folder.
    """
    root, paths = os.path.realpath(name), _pictures(name)
    if labelled and (loose := [path for path in paths if len(PurePath(path).parts) == 1]):
        raise InputError(f"{name}: {shown(loose[0])} lies in no sub-folder, and the names of sub-folders are to be the labels. Move it into one.")
    ids = objects(shown(path) for path in paths)
    labels = objects(shown(PurePath(path).parts[0]) for path in paths)
    for part in portions(paths, root, chunk):
        columns = {IMAGE[0]: part.cells, **({FOLDER: labels[part.rows]} if labelled else {})}
        yield Chunk(Batch(columns, ids[part.rows], Form("images")), part.problems, part.size)


@dataclass(frozen=True)
class Portion:
    """Some pictures as encoded files: which of those asked for they are, why some cannot be read (by position among them), what they unpack to."""

    rows: slice
    cells: Objects
    problems: dict[int, str]
    size: int


def portions(cells: Sequence[object], root: str, chunk: int) -> Iterator[Portion]:
    """Yield the files at paths below a folder, given by its real path; a cell that is no text stays as it is.

    So many come at a time as unpack to AT_ONCE bytes: `chunk` at most, one at least.
    """
    first, found, problems, held = 0, list[object](), dict[int, str](), 0
    for cell in cells:
        why = None
        if isinstance(cell, str):
            try:
                cell = file_below(root, cell)
            except InputError as error:
                cell, why = None, str(error)
        size = max(unpacks_to(cell), len(cell)) if isinstance(cell, bytes) else 0
        if found and (held + size > AT_ONCE or len(found) >= chunk):
            yield Portion(slice(first, first + len(found)), objects(found), problems, held)
            first, found, problems, held = first + len(found), [], {}, 0
        if why is not None:
            problems[len(found)] = why
        found.append(cell)
        held += size
    if found:
        yield Portion(slice(first, first + len(found)), objects(found), problems, held)


def file_below(root: str, path: object) -> bytes:
    """Return what is in the file at a path below a folder, given by its real path.

    Raises
    ------
    InputError
        If the path is absolute, leads out of the folder by itself or by a link, or is no regular file that can be read and is not too large.

    >>> file_below(os.path.realpath("."), "../secret.png")
    Traceback (most recent call last):
        ...
    camelopard.core.errors.InputError: the path '../secret.png' leads out of the folder; expected one below it
    """
    if not isinstance(path, str) or not path:
        raise InputError(f"{shown(path)!r} is no path of a file")
    if os.path.isabs(path) or PurePath(path).drive:
        raise InputError(f"the path {shown(path)!r} is absolute; expected one relative to the folder")
    if ".." in path.replace("\\", "/").split("/"):
        raise InputError(f"the path {shown(path)!r} leads out of the folder; expected one below it")
    try:
        real = os.path.realpath(os.path.join(root, path), strict=True)
        if os.path.commonpath([root, real]) != root:
            raise InputError(f"the path {shown(path)!r} is a link that leads out of the folder")
        with open(real, "rb", opener=_no_link) as stream:
            found = os.fstat(stream.fileno())
            if not stat.S_ISREG(found.st_mode):
                raise InputError(f"the path {shown(path)!r} is no regular file")
            if found.st_size > MOST_BYTES:
                raise InputError(f"the file {shown(path)!r} has {found.st_size:,} bytes, more than {MOST_BYTES:,}")
            return stream.read(MOST_BYTES)
    except (OSError, ValueError) as error:
        why = (getattr(error, "strerror", None) or str(error)).lower()
        raise InputError(f"the file {shown(path)!r} cannot be read ({why})") from error


def unpacks_to(file: bytes) -> int:
    """Return how many bytes an encoded picture unpacks to, about, by what its head claims; 0 for what is none, or too large to be unpacked.

    Raises
    ------
    CamelopardError
        If Pillow is not installed.
    """
    pillow = require("PIL.Image", extra="images")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of a picture that claims much: it is counted for that
            with pillow.open(io.BytesIO(file), formats=FORMATS) as picture:
                pixels = int(picture.size[0] * picture.size[1])
    except Exception:  # readers of hostile files raise whatever they like; why a file is none is told when it is unpacked
        return 0
    return CHANNELS * pixels if pixels <= MOST_PIXELS else 0


def unpacked_sizes(batch: Batch) -> list[int]:
    """Return how many bytes the pictures of each row hold once their files are unpacked, by what their heads claim.

    >>> import numpy as np
    >>> unpacked_sizes(Batch.of([np.zeros((8, 8)), None, b"no picture"])), unpacked_sizes(Batch.of(["a text"]))
    ([512, 0, 0], [0])
    """
    files = batch.form.kind == "images"  # those in a table are unpacked one at a time
    sizes = [0] * len(batch)
    for values in batch.columns.values():
        cells = values.tolist() if values.dtype == object else []
        if not {np.ndarray, bytes}.isdisjoint(map(type, cells)):
            for i, cell in enumerate(cells):
                sizes[i] += cell.nbytes if isinstance(cell, np.ndarray) else _claimed(cell) if files and isinstance(cell, bytes) else 0
    return sizes


def drawn_within(batch: Batch, rng: np.random.Generator) -> Ints | None:
    """Return which pictures are unpacked to learn from, where those given as files would be more than UNPACKED bytes; None for all of them.

    They are drawn at random; however large, there are FEWEST at least.
    """
    if batch.form.kind != "images":
        return None
    (cells,) = batch.columns.values()
    total = sum(_claimed(cell) for cell in cells.tolist() if isinstance(cell, bytes))
    most = max(FEWEST, int(UNPACKED / max(total, 1) * len(batch)))
    return None if most >= len(batch) else np.sort(rng.permutation(len(batch))[:most])


def _claimed(file: bytes) -> int:
    try:
        return unpacks_to(file)
    except CamelopardError:  # without a reader of files none is unpacked
        return 0


def shown(path: object) -> str:
    """Return a path as text that can be printed and written: bytes that are no text are escaped.

    >>> shown("caf\\udce9.png")
    'caf\\\\udce9.png'
    """
    return str(path)[:300].encode("utf-8", "backslashreplace").decode()


def _pictures(name: str) -> list[str]:
    """Return the paths of the pictures below a folder, relative to it, in order; warn of files that are none by their ending."""
    found, other = list[str](), list[str]()
    for folder, folders, files in os.walk(name, onerror=_raised):
        folders[:] = [f for f in folders if not f.startswith(".")]
        for file in files:
            if not file.startswith("."):
                (found if file.lower().endswith(ENDINGS) else other).append(os.path.relpath(os.path.join(folder, file), name))
    if not found:
        what = f", but {len(other):,} other files such as {shown(min(other))!r}" if other else ""
        raise InputError(f"{name}: there is no picture in this folder{what}; expected files that end in {', '.join(ENDINGS)}.")
    if other:
        some = f"{len(other):,} files that end like no picture were" if len(other) > 1 else "one file that ends like no picture was"
        warnings.warn(f"{name}: {some} left out: {shown(min(other))!r}{' …' if len(other) > 1 else ''}", LeftOut, stacklevel=4)
    return sorted(found, key=lambda path: PurePath(path).parts)


def _no_link(path: str, flags: int) -> int:
    """Open a file; not one that has become a link since it was looked at, and without waiting for anybody to write into it."""
    return os.open(path, flags | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0))


def _raised(error: OSError) -> None:
    raise error
