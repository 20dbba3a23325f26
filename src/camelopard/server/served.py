"""One model behind its firewall: rows are screened in line where that is quick, in a thread where it is not."""

from __future__ import annotations

import asyncio
import datetime as dt
import logging
import secrets
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from camelopard.core.batch import plain
from camelopard.core.errors import CamelopardError, told
from camelopard.core.protocols import Model
from camelopard.firewall.firewall import Firewall
from camelopard.firewall.verdicts import NO_MODEL, Verdicts
from camelopard.server.breaker import Breaker
from camelopard.server.exchange import Refused
from camelopard.server.metrics import Counts
from camelopard.server.outcome import Outcome, outcome
from camelopard.server.rows import Asked
from camelopard.server.settings import Settings

if TYPE_CHECKING:
    from camelopard.store.log import VerdictLog

logger = logging.getLogger("camelopard.server")

QUICK = 0.01  # seconds that a request may keep all others waiting
MEMORY = 0.1  # share of the newest duration in the mean of them
INLINE_ROWS = 64  # rows that are judged in line
MIRRORED = 10_000  # rows that may wait to be judged
UPKEEP = 300.0  # seconds between two upkeeps of the log
UPSTREAM = "no answer from the model behind"


class Served:
    """A firewall with its model, ready to answer.

    Parameters
    ----------
    firewall
        Fitted, with its model.
    settings
        What is done with what it finds.
    remote
        Whether the model is another server: it is then never waited for in line, and left alone for a while after it failed repeatedly.
    again
        Loads firewall and model once more, for `reload`.
    log
        Where every verdict is kept; None: nowhere.

    Raises
    ------
    CamelopardError
        If the firewall came without its model.
    """

    def __init__(
        self,
        firewall: Firewall,
        settings: Settings,
        *,
        remote: bool = False,
        again: Callable[[], Firewall] | None = None,
        log: VerdictLog | None = None,
    ) -> None:
        if firewall.model_ is None:
            raise CamelopardError("a gateway needs a firewall with its model. Load it with Firewall.load(path, model=model).")
        self.name, self.settings, self.remote, self.log, self._again = firewall.model_.name, settings, remote, log, again
        self._take(firewall)
        self.counts, self.breaker = Counts(), Breaker()
        self._pool = ThreadPoolExecutor(2 if not remote else settings.most_at_once, thread_name_prefix="camelopard")
        self._each: float = 0.0  # seconds per row, a moving mean
        self._waiting = 0
        self._tasks: set[asyncio.Task[None]] = set()
        self.keep_days: int | None = None  # days of the log that are kept; None: all

    def _take(self, firewall: Firewall) -> None:
        version = ""
        if self.log is not None:
            from camelopard.store.log_replay import version_of

            version = version_of(firewall)
        self.firewall, self.version = firewall, version

    @property
    def model(self) -> Model:
        """Return the model itself."""
        assert self.firewall.model_ is not None
        return self.firewall.model_

    @property
    def classes(self) -> Sequence[Any]:
        """Return the model's classes as plain values; none of a regression."""
        return [plain(label) for label in self.model.classes]

    async def answer(self, asked: Asked) -> Outcome:
        """Return what is said of the rows.

        Raises
        ------
        Refused
            If there are too many rows (413), the model behind does not answer (502, or 503 while it is left alone), it takes too long (504), or the
            firewall itself fails and answers are not to be given without it (503).
        """
        if asked.n > self.settings.most_rows:
            raise Refused(413, f"the request has {asked.n:,} rows; at most {self.settings.most_rows:,} are judged at once.")
        name = f"{time.time_ns() // 1000:013x}{secrets.token_hex(4)}"  # in the order of time: a log finds it by its first letters
        if self.settings.mode == "mirror":
            return self._mirrored(asked, name)
        if self.remote and not self.breaker.closed():
            raise Refused(503, f"{UPSTREAM}; it is left alone for a moment.", retry_after=self.breaker.wait)
        start = time.perf_counter()
        verdicts = None if self.settings.mode == "off" else await self._judged(asked)
        if verdicts is None:
            return self._kept(Outcome(None, *await self._bare(asked), ["answer"] * asked.n, name), asked)
        self.counts.add(verdicts, time.perf_counter() - start)
        if self.remote:
            self._watch(verdicts)
        return self._kept(outcome(verdicts, self.settings, name), asked)

    def _kept(self, said: Outcome, asked: Asked) -> Outcome:
        """Note in the log what is said."""
        if self.log is not None:
            self.log.append(self.name, self.version, said.request, said.verdicts, asked.rows, said.done, dt.datetime.now(dt.UTC))
        return said

    async def _judged(self, asked: Asked) -> Verdicts | None:
        """Return the verdicts; None where the firewall failed and the model is to answer without it."""
        try:
            verdicts: Verdicts = await self._run(self.firewall.screen, asked)
            return verdicts
        except Refused:
            raise
        except Exception as error:  # the firewall never raises for bad rows: this is a defect, or memory
            self.counts.failed += 1
            if self.settings.failing == "closed":
                raise Refused(503, f"the firewall failed ({told(error)}), and this model gives no answer without it.") from error
            return None

    async def _run(self, work: Any, asked: Asked) -> Any:
        if not self.remote and asked.n <= INLINE_ROWS and asked.n * self._each < QUICK:
            found = self._timed(work, asked)
            await asyncio.sleep(0)  # let others have their turn
            return found
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(self.settings.timeout):
                return await loop.run_in_executor(self._pool, self._timed, work, asked)
        except TimeoutError:
            self.counts.late += 1
            raise Refused(504, f"there was no answer within {self.settings.timeout:g} seconds.") from None

    def _timed(self, work: Any, asked: Asked) -> Any:
        start = time.perf_counter()
        found = work(asked.rows)
        took = (time.perf_counter() - start) / max(asked.n, 1)
        self._each += MEMORY * (took - self._each)
        return found

    async def _bare(self, asked: Asked) -> tuple[list[Any], list[Any]]:
        """Return the model's own answers and shares, without the firewall."""
        self.counts.unjudged += asked.n
        try:
            found = await self._run(self.firewall.answer, asked)
        except Refused:
            raise
        except Exception as error:  # neither firewall nor model can deal with it
            raise Refused(503, f"firewall and model failed ({told(error)}).") from error
        answers = [plain(value) for value in found.value]
        return answers, [None] * len(answers) if found.proba is None else found.proba.tolist()

    def _watch(self, verdicts: Verdicts) -> None:
        """Note whether the server behind answered at all; raise Refused where it answered nothing."""
        failed = len(verdicts) > 0 and verdicts.prediction[0] is None and verdicts.reasons(0)[0].code == NO_MODEL
        self.breaker.note(not failed)
        if failed:
            self.counts.upstream += 1
            raise Refused(502, f"{UPSTREAM}: {verdicts.reasons(0)[0].message}")

    def _mirrored(self, asked: Asked, name: str) -> Outcome:
        """Judge later what is a copy; drop it where too much waits."""
        if self._waiting + asked.n > MIRRORED:
            self.counts.dropped += asked.n
            raise Refused(503, f"{self._waiting:,} mirrored rows wait to be judged; these were dropped.", retry_after=1)
        self._waiting += asked.n
        task = asyncio.get_running_loop().create_task(self._later(asked, name))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return Outcome(None, [None] * asked.n, [None] * asked.n, ["hold"] * asked.n, name)

    async def _later(self, asked: Asked, name: str) -> None:
        start = time.perf_counter()
        try:
            verdicts = await asyncio.get_running_loop().run_in_executor(self._pool, self.firewall.screen, asked.rows)
            self.counts.add(verdicts, time.perf_counter() - start)
            self._kept(Outcome(verdicts, [None] * asked.n, [None] * asked.n, ["hold"] * asked.n, name), asked)
        except Exception:  # nobody waits for it; it is counted
            self.counts.failed += 1
        finally:
            self._waiting -= asked.n

    async def reload(self) -> bool:
        """Load the firewall again and put it in the place of the old one, which finishes what it began; return False where that failed."""
        again = self._again
        if again is None:
            return False
        try:
            await asyncio.get_running_loop().run_in_executor(None, lambda: self._take(again()))
        except Exception:  # the file may be anything by now: the old firewall stays
            logger.exception("the firewall could not be loaded again; the old one stays in force")
            return False
        logger.warning("the firewall was loaded again")
        return True

    async def keep_up(self) -> None:
        """Merge the log's small files and drop what is too old, every few minutes, until cancelled."""
        while self.log is not None:
            await asyncio.sleep(UPKEEP)
            try:
                await asyncio.get_running_loop().run_in_executor(None, self.log.maintain, dt.datetime.now(dt.UTC), self.keep_days)
            except Exception:  # a disk may do anything; the next time may be better
                logger.exception("the log could not be kept up")

    async def close(self) -> None:
        """Wait for what is under way, and let the threads go."""
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=self.settings.timeout)
        self._pool.shutdown(wait=False, cancel_futures=True)
        if self.log is not None:
            await asyncio.get_running_loop().run_in_executor(None, self.log.close)
