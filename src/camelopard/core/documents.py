"""Results as documents: plain data that JSON can hold."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from camelopard.core.batch import plain


def documented(value: Any) -> Any:
    """Return records, arrays and scalars of any library as plain data: NaN as None, infinity in words, what JSON does not know as text.

    >>> documented({1: np.array([0.5, np.nan]), "far": np.inf, "class": ("a", True)})
    {'1': [0.5, None], 'far': 'inf', 'class': ['a', True]}
    """
    if isinstance(value, Mapping):
        return {str(key): documented(v) for key, v in value.items()}
    if isinstance(value, np.ndarray):
        value = value.tolist()
    if isinstance(value, (list, tuple)):
        return [documented(v) for v in value]
    value = plain(value)
    if isinstance(value, float):
        return value if math.isfinite(value) else None if value != value else str(value)
    return value if value is None or isinstance(value, (str, int, bool)) else str(value)
