"""Finds the model that a word on the command line means, a file or `module:attribute`, and the firewall that goes with it."""

from __future__ import annotations

import importlib
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from camelopard.core.errors import CamelopardError, ModelError
from camelopard.core.protocols import Model
from camelopard.core.records import Task

if TYPE_CHECKING:
    from camelopard.firewall.firewall import Firewall

PICKLES = (".joblib", ".pkl", ".pickle")
FORMS = "a .joblib or .pkl file (with --trust), an .onnx, LightGBM .txt or XGBoost .json/.ubj file, the URL of a server, or module:attribute"


def model_of(word: str, *, trust: bool, classes: str | None = None, task: Task | None = None, encoder: str | None = None) -> Model:
    """Return the wrapped model that MODEL on the command line names, with the text encoder that --encoder names."""
    from camelopard.models.wrap import wrap

    named = classes.split(",") if classes else None
    name = Path(word).stem if os.path.exists(word) else None if _is_url(word) else word
    placing = _attribute(encoder) if encoder is not None and ":" in encoder and not os.path.exists(encoder) else encoder
    return wrap(_loaded(word, trust), name=name, task=task, classes=named, encoder=placing)


def firewall_of(path: Path, word: str | None, *, trust: bool, classes: str | None = None, encoder: str | None = None) -> Firewall:
    """Return the firewall in a file, with the model that MODEL names; it must be named where the firewall was fitted to one."""
    from camelopard.firewall.firewall import Firewall

    fitted = Firewall.load(path, model=None if word is None else model_of(word, trust=trust, classes=classes, encoder=encoder))
    kept = fitted.describe()["model"]
    if word is None and kept is not None:
        raise CamelopardError(f"{path} was fitted to the model {kept['name']!r}. Name it: --model MODEL.")
    return fitted


def _loaded(word: str, trust: bool) -> Any:
    path = Path(word)
    ending = path.suffix.lower()
    if _is_url(word) or (ending == ".onnx" and path.is_file()):
        return word
    if path.is_file():
        return _from_file(path, ending, trust)
    if ":" in word:
        return _attribute(word)
    raise CamelopardError(f"{word}: there is no such model file. Expected {FORMS}.")


def _is_url(word: str) -> bool:
    return word.startswith(("http://", "https://"))


def _from_file(path: Path, ending: str, trust: bool) -> Any:
    if ending in PICKLES:
        if not trust:
            raise CamelopardError(f"{path}: loading a pickle runs the code inside it. If you trust where it comes from, add --trust.")
        import joblib

        try:
            return joblib.load(path)
        except Exception as error:  # a pickle may fail in any way
            raise CamelopardError(f"{path}: cannot be loaded ({type(error).__name__}: {error}).") from error
    try:
        if _is_lightgbm(path):
            from camelopard.models.lightgbm_model import load

            return load(path)
        if ending in (".json", ".ubj"):
            from camelopard.models.xgboost_model import load as load_xgboost

            return load_xgboost(path)
    except ModelError as error:
        raise CamelopardError(f"{str(error).splitlines()[0].rstrip('. ')}.") from error  # the lines below the first are a native stack
    raise CamelopardError(f"{path}: not a model file that is known. Expected {FORMS}.")


def _is_lightgbm(path: Path) -> bool:
    with path.open("rb") as stream:
        if stream.readline(16).rstrip() != b"tree":
            return False
        if any(line.startswith(b"end of trees") for line in stream):
            return True
    raise CamelopardError(f"{path}: this LightGBM model file is truncated. Save the model again.")  # LightGBM itself may crash on it


def _attribute(word: str) -> Any:
    module, _, name = word.partition(":")
    if os.getcwd() not in sys.path:
        sys.path.insert(0, os.getcwd())
    try:
        found: Any = importlib.import_module(module)
    except ImportError as error:
        raise CamelopardError(f"{word}: the module {module!r} cannot be imported ({error}). Run this where it lies, or install it.") from error
    except Exception as error:  # a module may fail in any way
        raise CamelopardError(
            f"{word}: the module {module!r} fails while it is imported ({type(error).__name__}: {error}). Mend it first."
        ) from error
    for part in name.split("."):
        if not hasattr(found, part):
            raise CamelopardError(f"{word}: module {module!r} has no attribute {part!r}. Name what is in it, as module:attribute.")
        found = getattr(found, part)
    return found
