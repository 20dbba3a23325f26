"""Stress testing: damages and attacks, the runner, dose and response. The package itself can be called: `camelopard.stress(model, X)`."""

from __future__ import annotations

import sys
from types import ModuleType
from typing import Any


class _Callable(ModuleType):
    """This package's module class: calling the module runs `camelopard.stress.study.stress`."""

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        from camelopard.stress.study import stress

        return stress(*args, **kwargs)


sys.modules[__name__].__class__ = _Callable
