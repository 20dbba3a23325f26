"""What kind of cells the names stand for by which libraries call the types of columns."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Literal

TypeClass = Literal["integer", "float", "boolean", "datetime", "moment", "date", "text", "category", "open", "other"]


@lru_cache(maxsize=4096)
def class_of(dtype: str) -> TypeClass:
    """Return what kind of cells a library's type name stands for.

    >>> class_of("Int64"), class_of("large_string"), class_of("Enum(categories=['a'])"), class_of("timestamp[us]")
    ('integer', 'text', 'category', 'datetime')
    """
    name = dtype.lower().removesuffix("[pyarrow]")
    for pattern, kind in _CLASSES:
        if re.fullmatch(pattern, name):
            return kind
    return "other"


@lru_cache(maxsize=256)
def limits_of(dtype: str) -> tuple[int, int]:
    """Return the least and the greatest whole number that a type holds by its name; those of 64 bits where it is none of integers.

    >>> limits_of("UInt8"), limits_of("int16[pyarrow]")
    ((0, 255), (-32768, 32767))
    """
    found = re.fullmatch(r"(u?)int(\d+)", dtype.lower().removesuffix("[pyarrow]"))
    unsigned, bits = (found[1], int(found[2])) if found else ("", 64)
    return (0, 2**bits - 1) if unsigned else (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)


_CLASSES: tuple[tuple[str, TypeClass], ...] = (
    ("", "open"),
    (r"u?int\d+", "integer"),
    (r"float\d*|halffloat|double", "float"),
    (r"bool|boolean", "boolean"),
    (r"date|date32.*|date64.*", "date"),
    (r"datetime64\[\w+\]|datetime\(time_unit='\w+', time_zone=none\)|timestamp\[\w+\]", "datetime"),
    (r"datetime64\[.*,.*\]|datetime\(.*\)|timestamp\[.*\]", "moment"),
    (r"str|string.*|large_string|utf8|object|[<>|=]?u\d+", "text"),
    (r"category|categorical.*|enum.*|dictionary.*", "category"),
)
