"""Camelopard stands between the world and a model: it finds what fools the model, stops that at the door, and says how sure the model may be.

Importing this package loads nothing heavy; each name below is loaded when it is first used.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from camelopard.core.batch import Batch as Batch
    from camelopard.core.errors import CamelopardError as CamelopardError

__version__ = "0.1.0"

HOME = {
    "Batch": "camelopard.core.batch",
    "CamelopardError": "camelopard.core.errors",
}
__all__ = ["__version__", *HOME]


def __getattr__(name: str) -> Any:
    if name in HOME:
        value = getattr(importlib.import_module(HOME[name]), name)
        globals()[name] = value
        return value
    raise AttributeError(f"module 'camelopard' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
