"""Camelopard stands between the world and a model: it finds what fools the model, stops that at the door, and says how sure the model may be.

Importing this package loads nothing heavy; each name below is loaded when it is first used.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from camelopard.version import VERSION

if TYPE_CHECKING:
    from camelopard.confidence.calibration import Calibrated as Calibrated
    from camelopard.confidence.calibration import calibrate as calibrate
    from camelopard.confidence.covering import Conformal as Conformal
    from camelopard.confidence.covering import conformal as conformal
    from camelopard.core.batch import Batch as Batch
    from camelopard.core.errors import CamelopardError as CamelopardError
    from camelopard.core.records import Assumption as Assumption
    from camelopard.core.records import Finding as Finding
    from camelopard.core.records import Prediction as Prediction
    from camelopard.core.records import Reason as Reason
    from camelopard.core.records import Repair as Repair
    from camelopard.core.records import Verdict as Verdict
    from camelopard.firewall.contract import Contract as Contract
    from camelopard.firewall.firewall import Firewall as Firewall
    from camelopard.firewall.guard import Blocked as Blocked
    from camelopard.firewall.policy import Policy as Policy
    from camelopard.firewall.verdicts import Verdicts as Verdicts
    from camelopard.models.imitation import imitate as imitate
    from camelopard.models.wrap import wrap as wrap
    from camelopard.stress.report import StressReport as StressReport
    from camelopard.stress.study import stress as stress

__version__ = VERSION

HOME = {
    "Assumption": "camelopard.core.records",
    "Batch": "camelopard.core.batch",
    "Blocked": "camelopard.firewall.guard",
    "Calibrated": "camelopard.confidence.calibration",
    "CamelopardError": "camelopard.core.errors",
    "Conformal": "camelopard.confidence.covering",
    "Contract": "camelopard.firewall.contract",
    "Finding": "camelopard.core.records",
    "Firewall": "camelopard.firewall.firewall",
    "Policy": "camelopard.firewall.policy",
    "Prediction": "camelopard.core.records",
    "Reason": "camelopard.core.records",
    "Repair": "camelopard.core.records",
    "StressReport": "camelopard.stress.report",
    "Verdict": "camelopard.core.records",
    "Verdicts": "camelopard.firewall.verdicts",
    "calibrate": "camelopard.confidence.calibration",
    "conformal": "camelopard.confidence.covering",
    "imitate": "camelopard.models.imitation",
    "wrap": "camelopard.models.wrap",
}
__all__ = ["__version__", "stress", *HOME]


def __getattr__(name: str) -> Any:
    if name == "stress":  # a package that can be called: camelopard.stress(model, X)
        return importlib.import_module("camelopard.stress")
    if name in HOME:
        value = getattr(importlib.import_module(HOME[name]), name)
        globals()[name] = value
        return value
    raise AttributeError(f"module 'camelopard' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
