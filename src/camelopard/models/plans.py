"""Remembers how tables are built: a model in service is asked in the same form again and again."""

from __future__ import annotations

from camelopard.core.batch import Form
from camelopard.models.native import Eats, Plan, plan

MOST = 64  # plans kept for one model


class Plans:
    """Plans by what the model eats, the form of the batch, and its columns."""

    def __init__(self) -> None:
        self._known: dict[tuple[int, int, tuple[str, ...]], tuple[Eats, Form, Plan]] = {}

    def of(self, eats: Eats, form: Form, names: tuple[str, ...]) -> Plan:
        """Return `plan(eats, form, names)`."""
        key = id(eats), id(form), names
        found = self._known.get(key)
        if found is None:
            if len(self._known) >= MOST:
                self._known.clear()
            found = self._known[key] = eats, form, plan(eats, form, names)  # what is kept keeps its id
        return found[2]
