"""Is there a compiled kernel? Inner loops in C where they were built, None where not: then NumPy does the same, to the last byte.

The kernel is optional. An installation without a C compiler goes on without it, and `CAMELOPARD_KERNEL=0` in the environment leaves it alone. Whoever
calls it asks for `kernel.compiled` at every call, so that both ways can be compared in one process.
"""

from __future__ import annotations

import os
from types import ModuleType
from typing import TYPE_CHECKING

__all__ = ["SWITCH", "VERSION", "compiled", "found"]

VERSION = 4  # of what the C file offers: one that was built from another version of it is not used
SWITCH = "CAMELOPARD_KERNEL"  # "0": as if there were no kernel


def found(setting: str | None) -> ModuleType | None:
    """Return the compiled kernel, or None where there is none or where it is switched off by the setting "0".

    >>> found("0") is None
    True
    """
    if setting == "0":
        return None
    try:
        from camelopard.core import _kernel
    except ImportError:  # it was not built, or for another machine
        return None
    return _kernel if getattr(_kernel, "version", None) == VERSION else None


if TYPE_CHECKING:
    from camelopard.core import _kernel as compiled
else:
    compiled = found(os.environ.get(SWITCH))
