"""Replays what was decided: the row as it came, screened again by the same firewall, must give the same verdict to the byte."""

from __future__ import annotations

import hashlib
import os
import tempfile
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from camelopard.core.codec import LARGEST_HEAD, MALFORMED
from camelopard.core.errors import ArtifactError, CamelopardError, InputError
from camelopard.store.log_cells import Nameless, encoded
from camelopard.store.log_columns import FIGURES, Judged
from camelopard.store.log_reading import Logged

COMPARED = ("prediction", "probabilities", *FIGURES, "route")


class Limits(Protocol):
    """A policy: how many reviews there are in a day, None for any number."""

    @property
    def reviews_per_day(self) -> int | None: ...


class Screens(Protocol):
    """A fitted firewall."""

    @property
    def policy(self) -> Limits: ...
    def screen(self, X: Any, /) -> Judged: ...
    def save(self, path: str, /) -> None: ...


@dataclass(frozen=True)
class Replay:
    """What a firewall says about a logged row today, and what it said then.

    then, now
        Prediction, probabilities, risk, confidence, oddity, novelty and route.
    placed
        Whether one of the routes is a review, and a day has only so many: which rows get one hangs on the day, so routes are not compared.
    """

    then: Mapping[str, Any]
    now: Mapping[str, Any]
    placed: bool = False

    @property
    def different(self) -> tuple[str, ...]:
        """Return the names of what is not the same to the byte."""
        names = [name for name in COMPARED if name != "route" or not self.placed]
        return tuple(name for name in names if encoded([self.then[name]]) != encoded([self.now[name]]))

    @property
    def same(self) -> bool:
        """Whether the verdict is the same to the byte.

        >>> said = dict.fromkeys(COMPARED, 0.1)
        >>> Replay(said, said).same, Replay(said, {**said, "risk": 0.1 + 2**-56}).different
        (True, ('risk',))
        """
        return not self.different


def version_of(firewall: Screens | str | os.PathLike[str]) -> str:
    """Return the content hash of a fitted firewall, or of the file it was saved to: the same content has the same hash, on every machine.

    It is made of the checksums in the file, so that it does not hang on how that was compressed.

    Raises
    ------
    ArtifactError
        If the file is none that `save` wrote.
    """
    if not isinstance(firewall, (str, os.PathLike)):
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "firewall"
            firewall.save(str(path))
            return version_of(path)
    try:
        with zipfile.ZipFile(firewall) as archive:
            if archive.getinfo("head.json").file_size > LARGEST_HEAD:
                raise ArtifactError(f"{firewall}: larger than any firewall that was ever written; refused.")
            return hashlib.sha256(archive.read("head.json")).hexdigest()
    except MALFORMED as error:
        raise ArtifactError(f"{firewall}: this is no firewall that save() wrote ({type(error).__name__}). Give its file.") from error


def replay(logged: Logged, firewall: Screens, *, version: str | None = None) -> Replay:
    """Screen a logged row again.

    Parameters
    ----------
    logged
        A row that `read` returned.
    firewall
        The firewall of that time, with its model.
    version
        Its content hash, if that is known already.

    Raises
    ------
    InputError
        If the row was not kept whole.
    CamelopardError
        If it was judged by another firewall, or by none.
    """
    if logged.kept != "whole":
        kept = {"hashed": "a hash of it", "none": "nothing of it"}.get(logged.kept, "a part of it")
        raise InputError(
            f"row {logged.id} cannot be replayed: {kept} was kept. Log with inputs='whole', and without hidden or hashed columns, to replay."
        )
    if logged.route not in ("pass", "repair", "review", "block"):
        raise CamelopardError(f"row {logged.id} cannot be replayed: no firewall judged it.")
    found = version_of(firewall) if version is None else version
    if found != logged.firewall:
        raise CamelopardError(
            f"row {logged.id} was judged by the firewall {logged.firewall[:12]}, and this one is {found[:12]}. Load the one that was in force then."
        )
    verdicts = firewall.screen(_rows(logged.cells))
    shares = None if verdicts.proba is None else verdicts.proba[0].astype(np.float64).tolist()
    now = {
        "prediction": _plain(verdicts.prediction[0]),
        "probabilities": None if shares is None or all(share != share for share in shares) else shares,
        **{
            name: _plain(values[0]) if (values := getattr(verdicts, name)) is not None else None
            for name in ("risk", "confidence", "oddity", "novelty")
        },
        "route": verdicts.route[0],
    }
    then = {name: getattr(logged, name) for name in COMPARED}
    placed = firewall.policy.reviews_per_day is not None and "review" in (logged.route, now["route"])
    return Replay({**then, "probabilities": None if logged.probabilities is None else list(logged.probabilities)}, now, placed)


def _rows(cells: Any) -> Any:
    """Return a row as a table of one row, in the form in which it came."""
    if not isinstance(cells, Nameless):
        return [cells]
    kinds = set(map(type, cells))
    table = np.empty((1, len(cells)), dtype=float if float in kinds and kinds <= {int, float} else int if kinds == {int} else object)
    table[0] = cells
    return table


def _plain(value: Any) -> Any:
    value = value.item() if isinstance(value, np.generic) else value
    return None if isinstance(value, float) and value != value else value
