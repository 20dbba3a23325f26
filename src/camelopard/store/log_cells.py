"""Cells as JSON and back, nothing lost: what JSON has no word for is an object with a "~" that names its kind.

`{"~": "float", "v": "nan"}`, and likewise `int` (beyond 64 bits, in hexadecimal), `date`, `datetime`, `bytes` and `text` (with halves of surrogate
pairs; both in base64), `tuple`, `row` (one without names), `array` (type, shape, bytes in base64) and `map` (a dict whose keys JSON or this scheme
would confuse). A cell that is none of these is told by its type alone, as `opaque`; `hash` and `hidden` stand for what is not to be kept.
"""

from __future__ import annotations

import base64
import datetime as dt
import json
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import chain
from typing import Any

import msgspec
import numpy as np

from camelopard.core.cells import Opaque
from camelopard.core.errors import InputError, told
from camelopard.core.media import picture

TAG, VALUE, MARK = "~", "v", b'"~":'
DEEPEST = 60  # levels of lists and dicts in a cell
SMALL_INTS = range(-(2**63), 2**64)
FLAT = frozenset({str, int, bool, type(None)})
ALMOST_FLAT = FLAT | {float}


class Hashed(Opaque):
    """A cell of which only the keyed hash is known."""


class Nameless(tuple[Any, ...]):
    """A row of a table without names, as arrays are."""

    __slots__ = ()


HIDDEN = Opaque("not kept")
_fast = msgspec.json.Encoder()
_sorted = msgspec.json.Encoder(order="sorted")


def encoded(values: Sequence[Any]) -> tuple[bytes, list[int]]:
    """Return each value as a line of JSON, and the positions of those that cannot be restored whole.

    Rows of plain texts and numbers, nearly all there are, are written at once.

    >>> encoded([{"age": 36, "sex": None}, 0.1, float("inf")])
    (b'{"age":36,"sex":null}\\n0.1\\n{"~":"float","v":"inf"}\\n', [])
    """
    try:
        if _plain(values) and MARK not in (whole := _fast.encode_lines(values)):
            return whole, []
    except (UnicodeEncodeError, OverflowError, RecursionError):
        pass  # some row holds what only the careful way can write
    lines, lost = [], []
    for i, value in enumerate(values):
        line, kept = careful(value)
        lines.append(line)
        if not kept:
            lost.append(i)
    return b"".join(line + b"\n" for line in lines), lost


def careful(value: Any, *, ordered: bool = False) -> tuple[bytes, bool]:
    """Return any value as JSON, and whether it can be restored whole; `ordered` writes dicts in the order of their keys.

    >>> careful({"when": dt.date(2026, 1, 2)})
    (b'{"when":{"~":"date","v":"2026-01-02"}}', True)
    """
    lost: list[str] = []
    tagged = _tagged(value, lost, 0)
    return (_sorted if ordered else _fast).encode(tagged), not lost


def restored(line: str | bytes) -> Any:
    """Return the value that a line of JSON stands for.

    >>> restored('{"age": 36, "gain": {"~": "float", "v": "-inf"}}')
    {'age': 36, 'gain': -inf}

    Raises
    ------
    InputError
        If `encoded` did not write it.
    """
    try:
        return _untagged(json.loads(line))
    except (KeyError, ValueError, TypeError, RecursionError) as error:
        raise InputError(f"this is no cell of a log of this version ({told(error)}): {line[:80]!r}.") from None


def _plain(values: Sequence[Any]) -> bool:
    """Whether JSON has a word for everything in these values: rows of texts and finite numbers, or such values themselves."""
    kinds = set(map(type, values))
    if kinds == {dict}:
        names = set(map(type, chain.from_iterable(values)))
        return names <= {str} and _flat(lambda: chain.from_iterable(map(dict.values, values)))
    return kinds <= ALMOST_FLAT and _flat(lambda: values)


def _flat(cells: Callable[[], Iterable[Any]]) -> bool:
    kinds = set(map(type, cells()))
    return kinds <= FLAT or (kinds <= ALMOST_FLAT and math.isfinite(sum([v for v in cells() if type(v) is float])))  # a sum is, if all are


def _tagged(value: Any, lost: list[str], depth: int) -> Any:
    """Return a value as what JSON can hold; what cannot be restored is noted in `lost`."""
    kind = type(value)
    if kind is str:
        return value if _is_text(value) else _tag("text", _base64(value.encode("utf-8", "surrogatepass")))
    if value is None or kind is bool:
        return value
    if kind is float:
        return value if math.isfinite(value) else _tag("float", repr(value))
    if kind is int:
        return value if value in SMALL_INTS else _tag("int", hex(value))
    if depth < DEEPEST:
        if kind is list:
            return [_tagged(v, lost, depth + 1) for v in value]
        if kind is tuple or kind is Nameless:
            return _tag("tuple" if kind is tuple else "row", [_tagged(v, lost, depth + 1) for v in value])
        if kind is dict:
            return _dict(value, lost, depth)
    return _scalar(value, kind, lost, depth)


def _dict(value: Mapping[Any, Any], lost: list[str], depth: int) -> Any:
    if all(type(key) is str and _is_text(key) for key in value) and TAG not in value:
        return {key: _tagged(v, lost, depth + 1) for key, v in value.items()}
    return _tag("map", [[_tagged(key, lost, depth + 1), _tagged(v, lost, depth + 1)] for key, v in value.items()])


def _scalar(value: Any, kind: type, lost: list[str], depth: int) -> Any:
    if kind is dt.datetime:
        return _tag("datetime", value.isoformat())
    if kind is dt.date:
        return _tag("date", value.isoformat())
    if kind in (bytes, bytearray):
        return _tag("bytes", _base64(value))
    if kind is np.ndarray and value.dtype.kind in "biufc":
        plain = np.ascontiguousarray(value, dtype=value.dtype.newbyteorder("<"))
        return _tag("array", [plain.dtype.str, list(value.shape), _base64(plain.tobytes())])
    if isinstance(value, Opaque):
        lost.append(value.kind)
        return _tag("hidden" if value is HIDDEN else "hash" if isinstance(value, Hashed) else "opaque", value.kind)
    try:
        found = picture(value)  # numbers of other libraries as numbers, drawings as their pixels
    except Exception:  # a cell may be of any class
        found = Opaque(kind.__name__[:40])
    if type(found) is kind:  # sets, and whatever is nested too deeply
        found = Opaque(kind.__name__[:40])
    return _tagged(found, lost, depth + 1)


def _untagged(value: Any) -> Any:
    if isinstance(value, list):
        return [_untagged(v) for v in value]
    if not isinstance(value, dict):
        return value
    if TAG not in value:
        return {key: _untagged(v) for key, v in value.items()}
    tag: str = value[TAG]
    content: Any = value.get(VALUE)
    if tag in ("opaque", "hash", "hidden"):
        return HIDDEN if tag == "hidden" else (Hashed if tag == "hash" else Opaque)(str(content))
    if tag == "map":
        return {_untagged(k): _untagged(v) for k, v in content}
    if tag in ("tuple", "row"):
        return (tuple if tag == "tuple" else Nameless)(_untagged(v) for v in content)
    if tag == "array":
        kind, shape, data = content
        return np.frombuffer(base64.b64decode(data), dtype=np.dtype(kind)).reshape(shape).copy()
    return _SCALARS[tag](content)


_SCALARS: Mapping[str, Any] = {
    "float": float,
    "int": lambda text: int(text, 16),
    "date": dt.date.fromisoformat,
    "datetime": dt.datetime.fromisoformat,
    "bytes": base64.b64decode,
    "text": lambda text: base64.b64decode(text).decode("utf-8", "surrogatepass"),
}


def _tag(kind: str, value: Any) -> dict[str, Any]:
    return {TAG: kind, VALUE: value}


def _base64(data: bytes | bytearray) -> str:
    return base64.b64encode(data).decode("ascii")


def _is_text(value: str) -> bool:
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True
