"""Stress testing: damages and attacks, the runner, dose and response. The package itself can be called: `camelopard.stress(model, X)`.

`stress(model, X, y=None, budget=None, seed=0, damages=None, attacks=None, *, schema=None, progress=None)` finds out what fools a model:
`help(camelopard.stress.study.stress)` says what each parameter means.

A module can be called if its class says how, and Python lets a module choose its class ("Customizing module attribute access" in the language
reference). The function that runs is `camelopard.stress.study.stress`, imported at the first call.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from camelopard.core.protocols import Damage, Model
    from camelopard.core.schema import Schema
    from camelopard.stress.report import StressReport


class _Callable(ModuleType):
    """The class of this package's module."""

    def __call__(
        self,
        model: Model | None,
        X: Any,
        y: Any = None,
        budget: int | str | None = None,
        seed: int = 0,
        damages: Sequence[str | Damage] | None = None,
        attacks: bool | int | None = None,
        *,
        schema: Schema | None = None,
        progress: Any = None,
    ) -> StressReport:
        """Find out what fools a model. See `camelopard.stress.study.stress`."""
        from camelopard.core.protocols import silent
        from camelopard.stress.study import stress

        return stress(model, X, y, budget, seed, damages, attacks, schema=schema, progress=progress or silent)


_Callable.__call__.__qualname__ = "stress"  # what Python's own messages call it
sys.modules[__name__].__class__ = _Callable
