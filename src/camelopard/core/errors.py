"""Errors that say what was expected, what came, and what to do."""

from __future__ import annotations

import difflib
import importlib
from collections.abc import Iterable
from types import ModuleType


class CamelopardError(Exception):
    """Wrong use: the message says what was expected, what came, and what to do."""


class InputError(CamelopardError):
    """Data that cannot be read as a batch; names the file, column and row where it is known."""


class ModelError(CamelopardError):
    """A model that does not answer as a model must: wrong shape, wrong type, no answer at all."""


class NotFitted(CamelopardError):
    """Something was asked of a firewall that has not been fitted."""

    @classmethod
    def firewall(cls) -> NotFitted:
        return cls("this firewall has not been fitted. Call fit(model, X) first, or Firewall.load(path, model=model).")


class BudgetSpent(CamelopardError):
    """The budget of model rows or seconds is used up; what was measured so far is still valid."""


class ArtifactError(CamelopardError):
    """A firewall file that is corrupt, truncated, foreign or from a newer version."""


class UnknownName(CamelopardError):
    """A name that is not among the known ones."""

    @classmethod
    def among(cls, name: object, known: Iterable[str], what: str = "name") -> UnknownName:
        """Return the error for `name`, with the nearest known name and the list of all.

        >>> print(UnknownName.among("unit-eror", ["case", "unit-error"], "damage"))
        no damage named 'unit-eror'. Did you mean 'unit-error'? Known: case, unit-error.
        """
        names = sorted(known)
        near = difflib.get_close_matches(str(name), names, n=1)
        hint = f" Did you mean {near[0]!r}?" if near else ""
        shown = ", ".join(names[:30]) + (f", … ({len(names) - 30} more)" if len(names) > 30 else "")
        return cls(f"no {what} named {str(name)[:80]!r}.{hint} Known: {shown or 'none'}.")


def told(error: BaseException) -> str:
    """Return an exception in one short line, whatever its class does.

    >>> told(ValueError("no" + chr(10) + "more"))
    'ValueError: no'
    """
    try:
        text = str(error).strip()
    except Exception:  # an exception may be of any class
        text = ""
    return f"{type(error).__name__}: {text.splitlines()[0]}"[:200] if text else type(error).__name__


def require(module: str, extra: str) -> ModuleType:
    """Import an optional dependency, or say which extra brings it.

    >>> require("json", extra="json").loads("1")
    1
    """
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise CamelopardError(
            f"this needs the package {module!r}, which is not installed. Install it with: pip install 'camelopard[{extra}]'."
        ) from error
