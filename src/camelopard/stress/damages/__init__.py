"""The catalogue of damages to tables, one file each. A new file here is found by itself; nothing else needs an edit."""

from __future__ import annotations

import importlib
import pkgutil
from functools import cache

from camelopard.core.errors import UnknownName
from camelopard.core.protocols import Damage


@cache
def catalogue() -> dict[str, Damage]:
    """Return every damage of the catalogue by kind, sorted by kind.

    >>> "unit-scale" in catalogue()
    True
    """
    found: dict[str, Damage] = {}
    for module in pkgutil.iter_modules(__path__, __name__ + "."):
        for damage in getattr(importlib.import_module(module.name), "DAMAGES", ()):
            if damage.kind in found:
                raise ValueError(f"two damages named {damage.kind!r}")
            found[damage.kind] = damage
    return dict(sorted(found.items()))


def named(kind: str) -> Damage:
    """Return the damage of this kind, or raise UnknownName with the nearest one."""
    try:
        return catalogue()[kind]
    except KeyError:
        raise UnknownName.among(kind, catalogue(), "damage") from None
