"""What becomes of one request: its rows are judged, counted, logged and answered, wherever and whenever that is run.

The one idea: nothing in here waits for anybody but the model and the firewall, and nothing knows of threads or of a loop.
"""

from __future__ import annotations

import datetime as dt
import logging
import secrets
import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from camelopard.core.batch import plain
from camelopard.core.protocols import Model
from camelopard.core.schema import Schema
from camelopard.firewall.firewall import Firewall
from camelopard.firewall.verdicts import NO_MODEL, Verdicts
from camelopard.server.exchange import Refused, Response
from camelopard.server.metrics import Counts
from camelopard.server.scoring.outcome import Outcome, outcome
from camelopard.server.scoring.places import Given, Places
from camelopard.server.scoring.rows import Asked, respond_one
from camelopard.server.scoring.settings import Settings

if TYPE_CHECKING:
    from camelopard.models.http_line import Reply
    from camelopard.models.http_model import HttpAdapter
    from camelopard.store.log import VerdictLog

logger = logging.getLogger("camelopard.server")

UPSTREAM = "no answer from the model behind"


@dataclass(frozen=True)
class Force:
    """The firewall in force and its version: a request is read, judged and logged by the same one, whatever is loaded meanwhile."""

    firewall: Firewall
    version: str

    @property
    def schema(self) -> Schema:
        """Return the columns that it expects."""
        return self.firewall.schema

    @cached_property
    def classes(self) -> Sequence[Any]:
        """Return the model's classes as plain values; none of a regression."""
        return [plain(label) for label in self.model.classes]

    @property
    def model(self) -> Model:
        """Return the model itself."""
        assert self.firewall.model_ is not None
        return self.firewall.model_

    @cached_property
    def content(self) -> str:
        """Return the hash of the firewall's content, by which an inventory knows it, whether or not verdicts are logged."""
        from camelopard.store.log_replay import version_of

        return self.version or version_of(self.firewall)


class Judge:
    """Judges the rows of requests to one model, and says, counts and logs what is done with them. For any thread.

    Parameters
    ----------
    name, settings, remote
        Of the model: see `Served`.
    log
        Where every verdict is kept; None: nowhere.
    """

    def __init__(self, name: str, settings: Settings, *, remote: bool, log: VerdictLog | None) -> None:
        self.name, self.settings, self.remote, self.log = name, settings, remote, log
        self.counts, self.places = Counts(), Places(None if log is None else self._given)

    def answered(self, force: Force, asked: Asked) -> Response:
        """Judge rows, unless the firewall is switched off, and return the answer to their request.

        Raises
        ------
        Refused
            If the model behind gives no answer (502), or the firewall itself fails and answers are not to be given without it (503).
        """
        start = time.perf_counter()
        verdicts = None if self.settings.mode == "off" else self._judged(force, asked.rows)
        return self.spoken(force, asked, verdicts, time.perf_counter() - start)

    def spoken(self, force: Force, asked: Asked, verdicts: Verdicts | None, seconds: float) -> Response:
        """Return the answer to a request that was judged in so many seconds, and log it. None: the model answers without the firewall."""
        name = request_id(time.time_ns() // 1000)
        if verdicts is None:
            said = Outcome(None, *self._bare(force, asked), ["answer"] * asked.n, name)
        else:
            lost = self._is_lost(verdicts)
            verdicts = verdicts if lost else self._placed(force, verdicts)
            self.counts.add(verdicts, seconds)
            if lost:
                self.counts.upstream += 1
                logger.warning("%s: %s", UPSTREAM, verdicts.reasons(0)[0].message)
                self._keep(force, Outcome(verdicts, [None] * asked.n, [None] * asked.n, ["refuse"] * asked.n, name), asked)
                raise Refused(502, f"{UPSTREAM}.")
            said = outcome(verdicts, self.settings, name)
        self._keep(force, said, asked)
        return asked.respond(said)

    def overheard(self, force: Force, asked: Asked, behind: HttpAdapter, reply: Reply, name: str, spent: float) -> Outcome:
        """Judge rows with the answers that their client gets, and log them. `spent`: seconds that the answers took."""
        start = time.perf_counter()
        with behind.given(reply, asked.n):
            verdicts = self._judged(force, asked.rows)
        if verdicts is None:
            return self.unjudged(force, asked, name)
        verdicts = verdicts if self._is_lost(verdicts) else self._placed(force, verdicts)
        self.counts.add(verdicts, spent + time.perf_counter() - start)
        said = outcome(verdicts, self.settings, name)
        self._keep(force, said, asked)
        return said

    def unjudged(self, force: Force, asked: Asked, name: str) -> Outcome:
        """Count and log rows that were answered without being judged; a request that could not be read counts as one."""
        self.counts.unjudged += max(1, asked.n)
        said = Outcome(None, [None] * asked.n, [None] * asked.n, ["answer"] * asked.n, name)
        self._keep(force, said, asked)
        return said

    def seen(self, force: Force, asked: Asked) -> None:
        """Judge, count and log the copy of a request that somebody else answers."""
        start = time.perf_counter()
        verdicts = self._placed(force, force.firewall.screen(asked.rows))
        self.counts.add(verdicts, time.perf_counter() - start)
        name, nothing = request_id(time.time_ns() // 1000), [None] * asked.n
        self._keep(force, Outcome(verdicts, nothing, nothing, ["hold"] * asked.n, name), asked)

    def told_of(self, force: Force, verdicts: Verdicts) -> bytes:
        """Return what a client is told of one row, without the id of its request."""
        return respond_one(outcome(verdicts, self.settings, ""), force.classes).body

    def _is_lost(self, verdicts: Verdicts) -> bool:
        """Return whether the server behind gave no answer."""
        return self.remote and bool(len(verdicts)) and verdicts.prediction[0] is None and verdicts.reasons(0)[0].code == NO_MODEL

    def _keep(self, force: Force, said: Outcome, asked: Asked) -> None:
        if self.log is not None:
            self.log.append(self.name, force.version, said.request, said.verdicts, asked.rows, said.done, dt.datetime.now(dt.UTC))

    def _placed(self, force: Force, verdicts: Verdicts) -> Verdicts:
        return self.places.admit(verdicts, force.firewall.policy, dt.datetime.now(dt.UTC))

    def _given(self, since: dt.datetime) -> Given:
        """Return how many reviews the log knows of, without those of requests that the server behind did not answer."""
        from camelopard.store.log_reading import counts
        from camelopard.store.log_table import NoLog

        def of(reason: str | None) -> int:
            assert self.log is not None
            found = counts(self.log.place, "day", since=since, model=self.name, route="review", reason=reason, storage_options=self.log.options)
            return sum(day.rows.get("review", 0) for day in found)

        try:
            return Given(of(None) - of(NO_MODEL), of("audit"))
        except NoLog:
            return Given(0, 0)

    def _judged(self, force: Force, rows: Any) -> Verdicts | None:
        """Return the verdicts; None where the firewall failed and the model is to answer without it."""
        try:
            return force.firewall.screen(rows)
        except Exception as error:  # the firewall never raises for bad rows: this is a defect, or memory
            self.counts.failed += 1
            logger.exception("the firewall failed")
            if self.settings.failing == "closed" and self.settings.mode != "shadow":
                raise Refused(503, f"the firewall failed ({type(error).__name__}), and this model gives no answer without it.") from error
            return None

    def _bare(self, force: Force, asked: Asked) -> tuple[list[Any], list[Any]]:
        """Return the model's own answers and shares, without the firewall."""
        self.counts.unjudged += asked.n
        try:
            found = force.firewall.answer(asked.rows)
        except Exception as error:  # neither firewall nor model can deal with it
            logger.exception("firewall and model failed")
            raise Refused(503, f"firewall and model failed ({type(error).__name__}).") from error
        answers = [plain(value) for value in found.value]
        return answers, [None] * len(answers) if found.proba is None else found.proba.tolist()


def request_id(micros: int) -> str:
    """Return an id for a request that came so many microseconds after 1970. Ids stand in the order of time: the log finds one by its start."""
    return f"{micros:013x}{secrets.token_hex(4)}"
