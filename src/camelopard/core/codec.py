"""One file for what was learned: a zip of one JSON document and plain arrays, with checksums. No pickle, no code inside.

Reading trusts nothing: sizes are checked before anything is decoded, arrays are read without pickle, and every part must match its checksum. The
comment at the end of the zip is the checksum of all bytes before it: of a whole file, nothing can be changed, added or cut off unseen.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import io
import json
import math
import os
import zipfile
import zlib
from collections.abc import Mapping
from typing import Any

import numpy as np

from camelopard.core.errors import ArtifactError
from camelopard.core.files import replaced

MAGIC = "camelopard"
VERSION = 7
LARGEST = 512 * 1024 * 1024  # bytes of all parts when unpacked
LARGEST_HEAD = 4 * 1024 * 1024
MOST_PARTS = 20_000
SEAL = 64  # bytes at the end: a SHA-256 in hexadecimal digits
MALFORMED = (
    zipfile.BadZipFile,
    zipfile.LargeZipFile,
    zlib.error,
    EOFError,
    LookupError,
    ValueError,
    TypeError,
    AttributeError,
    OSError,
    RuntimeError,
)
_FIXED_TIME = (1980, 1, 1, 0, 0, 0)  # the same content gives the same bytes


def write(path: str | os.PathLike[str], kind: str, document: Mapping[str, Any]) -> None:
    """Write a document of plain data and arrays to one file, whole or not at all.

    Raises
    ------
    TypeError
        If the document holds something that is neither plain data nor an array of numbers.
    CamelopardError
        If the file cannot be written there.
    """
    arrays: list[np.ndarray[Any, Any]] = []
    body = json.dumps(_packed(document, arrays), ensure_ascii=False, separators=(",", ":")).encode("utf-8", "surrogatepass")
    parts = {"document.json": body}
    for i, array in enumerate(arrays):
        buffer = io.BytesIO()
        np.save(buffer, array, allow_pickle=False)
        parts[f"{i}.npy"] = buffer.getvalue()
    sums = {name: hashlib.sha256(data).hexdigest() for name, data in parts.items()}
    head = json.dumps({"format": MAGIC, "version": VERSION, "kind": kind, "parts": sums}, sort_keys=True).encode()
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in {"head.json": head, **parts}.items():
            archive.writestr(zipfile.ZipInfo(name, _FIXED_TIME), data, zipfile.ZIP_DEFLATED)
        archive.comment = b"0" * SEAL
    whole = packed.getvalue()[:-SEAL]
    with replaced(path) as temporary, open(temporary, "xb") as file:
        file.write(whole + hashlib.sha256(whole).hexdigest().encode())


def read(path: str | os.PathLike[str], kind: str) -> dict[str, Any]:
    """Return the document of a file written by `write`.

    Raises
    ------
    ArtifactError
        If the file is absent, truncated, changed, foreign, of another kind, or from a newer version.
    """
    try:
        if not zipfile.is_zipfile(path) and os.path.isfile(path) and not _begins_like_one(path):
            raise ArtifactError(f"{path}: not a camelopard file. Expected a {kind} written by save().")
        with zipfile.ZipFile(path) as archive:
            return _read(archive, kind, str(path))
    except FileNotFoundError:
        raise ArtifactError(f"{path}: there is no such file.") from None
    except IsADirectoryError:
        raise ArtifactError(f"{path}: this is a folder; expected a file written by save().") from None
    except PermissionError:
        raise ArtifactError(f"{path}: no permission to read it.") from None
    except MemoryError:
        raise ArtifactError(f"{path}: its arrays claim more than there is memory for; refused.") from None
    except MALFORMED as error:
        raise ArtifactError(f"{path}: this is not a whole {kind} file ({type(error).__name__}: {error}). Save it again.") from error


def _read(archive: zipfile.ZipFile, kind: str, path: str) -> dict[str, Any]:
    infos = {info.filename: info for info in archive.infolist()}
    sizes = [info.file_size for info in infos.values()]
    if len(infos) > MOST_PARTS or sum(sizes) > LARGEST or ("head.json" in infos and infos["head.json"].file_size > LARGEST_HEAD):
        raise ArtifactError(f"{path}: larger than any {kind} file that was ever written; refused.")
    if "head.json" not in infos:
        raise ArtifactError(f"{path}: not a camelopard file. Expected a {kind} written by save().")
    head = json.loads(archive.read("head.json"))
    if head.get("format") != MAGIC or head.get("kind") != kind:
        raise ArtifactError(f"{path}: this holds a {str(head.get('kind'))[:40]!r}; expected a {kind!r}.")
    if head.get("version") != VERSION:
        raise ArtifactError(
            f"{path}: written by another version (format {head.get('version')!r}, this one reads {VERSION}). Update camelopard, or save it again."
        )
    if not _sealed(path):
        raise ArtifactError(f"{path}: changed since it was saved (its checksum differs). Save it again, or copy it again.")
    data = {name: archive.read(name) for name in head["parts"]}
    for name, digest in head["parts"].items():
        if hashlib.sha256(data[name]).hexdigest() != digest:
            raise ArtifactError(f"{path}: {name} is damaged (its checksum differs). Save it again, or copy it again.")
    arrays = [np.load(io.BytesIO(data[f"{i}.npy"]), allow_pickle=False) for i in range(len(data) - 1)]
    document = _unpacked(json.loads(data["document.json"].decode("utf-8", "surrogatepass")), arrays)
    if not isinstance(document, dict):
        raise ArtifactError(f"{path}: its content is a {type(document).__name__}; expected a document.")
    return document


def _sealed(path: str | os.PathLike[str]) -> bool:
    """Whether the last bytes of a file are the checksum of all others; of more bytes than any file has, they are not looked at."""
    left = os.path.getsize(path) - SEAL
    if not 0 < left <= LARGEST:
        return False
    digest = hashlib.sha256()
    with open(path, "rb") as stream:
        while left:
            part = stream.read(min(left, 1 << 20))
            if not part:
                return False
            digest.update(part)
            left -= len(part)
        return stream.read() == digest.hexdigest().encode()


def _begins_like_one(path: str | os.PathLike[str]) -> bool:
    """Whether a file that is no whole zip may be a truncated one."""
    with open(path, "rb") as stream:
        return stream.read(2) == b"PK"


def _packed(value: Any, arrays: list[np.ndarray[Any, Any]]) -> Any:
    if value is None or isinstance(value, (str, bool, int)):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else {"~": "float", "v": repr(value)}
    if isinstance(value, np.generic):
        return _packed(value.item(), arrays)
    if isinstance(value, (dt.datetime, dt.date)):
        return {"~": "datetime" if isinstance(value, dt.datetime) else "date", "v": value.isoformat()}
    if isinstance(value, np.ndarray):
        if value.dtype == object:
            return {"~": "objects", "v": [_packed(v, arrays) for v in value.tolist()]}
        arrays.append(value)
        return {"~": "array", "v": len(arrays) - 1}
    if isinstance(value, Mapping):
        return {"~": "map", "v": [[_packed(k, arrays), _packed(v, arrays)] for k, v in value.items()]}
    if isinstance(value, (list, tuple)):
        items = [_packed(v, arrays) for v in value]
        return items if isinstance(value, list) else {"~": "tuple", "v": items}
    raise TypeError(f"cannot keep a {type(value).__name__} in a file; expected plain data or an array")


def _unpacked(value: Any, arrays: list[np.ndarray[Any, Any]]) -> Any:
    if isinstance(value, list):
        return [_unpacked(v, arrays) for v in value]
    if not isinstance(value, dict):
        return value
    tag, content = value["~"], value["v"]
    if tag == "map":
        return {_unpacked(k, arrays): _unpacked(v, arrays) for k, v in content}
    if tag == "array":
        return arrays[content]
    if tag == "tuple":
        return tuple(_unpacked(v, arrays) for v in content)
    if tag == "float":
        return float(content)
    if tag == "date":
        return dt.date.fromisoformat(content)
    if tag == "datetime":
        return dt.datetime.fromisoformat(content)
    if tag == "objects":
        array = np.empty(len(content), dtype=object)
        for i, v in enumerate(content):
            array[i] = _unpacked(v, arrays)
        return array
    raise ValueError(f"unknown tag {tag!r}")
