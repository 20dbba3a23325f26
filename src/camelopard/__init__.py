"""Camelopard stands between the world and a model: it finds what fools the model, stops that at the door, and says how sure the model may be.

Importing this package loads nothing heavy; each name below is loaded when it is first used.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from camelopard.version import VERSION

if TYPE_CHECKING:
    from camelopard.confidence.acceptance import Accepted as Accepted
    from camelopard.confidence.calibration import Calibrated as Calibrated
    from camelopard.confidence.calibration import calibrate as calibrate
    from camelopard.confidence.covering import Conformal as Conformal
    from camelopard.confidence.covering import conformal as conformal
    from camelopard.confidence.deciding import decide as decide
    from camelopard.confidence.decision import Decision as Decision
    from camelopard.confidence.decision_record import DecisionRecord as DecisionRecord
    from camelopard.confidence.martingale import Exchangeability as Exchangeability
    from camelopard.confidence.promise import PromiseWatch as PromiseWatch
    from camelopard.confidence.venn_abers import VennAbers as VennAbers
    from camelopard.confidence.watching import GuaranteeWithdrawn as GuaranteeWithdrawn
    from camelopard.core.batch import Batch as Batch
    from camelopard.core.errors import CamelopardError as CamelopardError
    from camelopard.core.records import Assumption as Assumption
    from camelopard.core.records import Finding as Finding
    from camelopard.core.records import Prediction as Prediction
    from camelopard.core.records import Reason as Reason
    from camelopard.core.records import Repair as Repair
    from camelopard.core.records import Verdict as Verdict
    from camelopard.firewall.contract import Contract as Contract
    from camelopard.firewall.costs import Costs as Costs
    from camelopard.firewall.desk import Desk as Desk
    from camelopard.firewall.estimation import Backtest as Backtest
    from camelopard.firewall.estimation import Estimate as Estimate
    from camelopard.firewall.firewall import Firewall as Firewall
    from camelopard.firewall.guard import Blocked as Blocked
    from camelopard.firewall.overrides import Override as Override
    from camelopard.firewall.policy import Policy as Policy
    from camelopard.firewall.simulation import Simulation as Simulation
    from camelopard.firewall.verdicts import Verdicts as Verdicts
    from camelopard.models.conversion import same_answers as same_answers
    from camelopard.models.http_line import Calls as Calls
    from camelopard.models.http_model import http_model as http_model
    from camelopard.models.imitation import imitate as imitate
    from camelopard.models.onnx_model import onnx_model as onnx_model
    from camelopard.models.torch_model import torch_model as torch_model
    from camelopard.models.wrap import wrap as wrap
    from camelopard.stress.report import StressReport as StressReport
    from camelopard.stress.study import stress as stress

__version__ = VERSION

HOME = {
    "Accepted": "camelopard.confidence.acceptance",
    "Assumption": "camelopard.core.records",
    "Backtest": "camelopard.firewall.estimation",
    "Batch": "camelopard.core.batch",
    "Blocked": "camelopard.firewall.guard",
    "Calibrated": "camelopard.confidence.calibration",
    "Calls": "camelopard.models.http_line",
    "CamelopardError": "camelopard.core.errors",
    "Conformal": "camelopard.confidence.covering",
    "Contract": "camelopard.firewall.contract",
    "Costs": "camelopard.firewall.costs",
    "Decision": "camelopard.confidence.decision",
    "DecisionRecord": "camelopard.confidence.decision_record",
    "Desk": "camelopard.firewall.desk",
    "Estimate": "camelopard.firewall.estimation",
    "Exchangeability": "camelopard.confidence.martingale",
    "Finding": "camelopard.core.records",
    "Firewall": "camelopard.firewall.firewall",
    "GuaranteeWithdrawn": "camelopard.confidence.watching",
    "Override": "camelopard.firewall.overrides",
    "Policy": "camelopard.firewall.policy",
    "Prediction": "camelopard.core.records",
    "PromiseWatch": "camelopard.confidence.promise",
    "Reason": "camelopard.core.records",
    "Repair": "camelopard.core.records",
    "Simulation": "camelopard.firewall.simulation",
    "StressReport": "camelopard.stress.report",
    "VennAbers": "camelopard.confidence.venn_abers",
    "Verdict": "camelopard.core.records",
    "Verdicts": "camelopard.firewall.verdicts",
    "calibrate": "camelopard.confidence.calibration",
    "conformal": "camelopard.confidence.covering",
    "decide": "camelopard.confidence.deciding",
    "http_model": "camelopard.models.http_model",
    "imitate": "camelopard.models.imitation",
    "onnx_model": "camelopard.models.onnx_model",
    "same_answers": "camelopard.models.conversion",
    "torch_model": "camelopard.models.torch_model",
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
