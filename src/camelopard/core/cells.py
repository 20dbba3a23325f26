"""One cell, whatever came in it, as plain Python: the same whatever stands around it, and safe to compare, to hash and to print."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

import numpy as np

LARGEST_BITS = 1024  # of a whole number: beyond them it is infinite as a float, and too long to print
MOST_NESTED, DEEPEST = 1000, 10  # cells and levels of a list or dict that is kept as it is


class Opaque:
    """A cell that is nothing plain: only its type is known. Never equal to a value, and no number, text or date."""

    __slots__ = ("kind",)

    def __init__(self, kind: str) -> None:
        self.kind = kind

    def __repr__(self) -> str:
        return f"<{self.kind}>"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Opaque) and other.kind == self.kind

    def __hash__(self) -> int:
        return hash(self.kind)


def number(value: Any) -> float:
    """Return an int or float as a float; an integer too large for one becomes infinite.

    >>> number(10**400)
    inf
    """
    try:
        return float(value)
    except OverflowError:
        return np.inf if value > 0 else -np.inf


def cell(value: Any) -> Any:
    """Return one cell in the form that object columns hold: plain Python, None for what is missing.

    >>> cell(np.float32(0.5)), cell(float("nan")), cell(Decimal("1.5")), cell(object)
    (0.5, None, 1.5, <type>)
    """
    kind = type(value)
    if kind is str or value is None:
        return value
    if kind is float:
        return None if value != value else value
    if kind is int:
        return value if value.bit_length() <= LARGEST_BITS else number(value)
    if kind is bool or kind is dt.datetime or kind is dt.date or kind is bytes:
        return value
    try:
        return _foreign(value, kind)
    except Exception:  # a cell may be of any class, and its methods may do anything
        return Opaque(kind.__name__[:40])


def _foreign(value: Any, kind: type) -> Any:
    """Return a cell of another class than the plain ones, reduced to one of these where it is meant to be one."""
    if kind.__name__ in ("NAType", "NaTType", "MaskedConstant"):
        return None
    if isinstance(value, np.generic):
        if isinstance(value, np.datetime64):
            value = value.astype("datetime64[us]")
        plain = value.item()
        return cell(plain) if type(plain) is not kind else Opaque(kind.__name__)
    if isinstance(value, str):
        return str.__str__(value)
    if isinstance(value, float):
        return cell(float.__pos__(value))
    if isinstance(value, int):
        return cell(int.__pos__(value))
    if isinstance(value, Decimal):
        return cell(float(value))
    if isinstance(value, dt.datetime):
        to_python = getattr(value, "to_pydatetime", None)  # of pandas
        found = to_python() if to_python is not None else None
        return found if type(found) is dt.datetime else Opaque(kind.__name__)
    if kind in (list, dict, tuple, set, frozenset) and _small(value):
        return value
    return Opaque(kind.__name__[:40])


def told(cell: Any) -> str | None:
    """Return a picture or a file in words, None for all else: neither is printed.

    >>> told(np.zeros((8, 8))), told(b"abc")
    ('a picture of 8 × 8', 'a file of 3 bytes')
    """
    if isinstance(cell, np.ndarray):
        return f"a picture of {' × '.join(map(str, cell.shape))}"
    return f"a file of {len(cell):,} bytes" if isinstance(cell, bytes) else None


def alike(a: Any, b: Any) -> bool:
    """Return whether two cells are the same: 1 is 1.0 but neither "1" nor True, and a picture is the same in shape, type and every number.

    >>> alike(1, 1.0), alike(1, True), alike(np.zeros(2), np.zeros(2))
    (True, False, True)
    """
    if a is b:
        return True
    if type(a) is not type(b) and not {type(a), type(b)} <= {int, float}:
        return False
    if isinstance(a, np.ndarray):
        return bool(a.dtype == b.dtype and a.shape == b.shape and np.array_equal(a, b, equal_nan=a.dtype.kind == "f"))
    try:
        return bool(a == b)
    except Exception:  # a cell may hold anything, also what cannot be compared
        return False


def _small(value: Any) -> bool:
    """Whether a list or dict holds few plain values, not deeply nested."""
    left = MOST_NESTED
    level = [value]
    for _ in range(DEEPEST):
        below: list[Any] = []
        for v in level:
            kind = type(v)
            if kind in (list, tuple, set, frozenset):
                below.extend(v)
            elif kind is dict:
                below.extend(v.values())
                below.extend(v)
            elif not (v is None or kind in (str, int, float, bool)) or (kind is int and v.bit_length() > LARGEST_BITS):
                return False
            left -= 1
            if left < 0 or len(below) > MOST_NESTED:
                return False
        if not below:
            return True
        level = below
    return False
