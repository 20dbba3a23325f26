"""One model behind its firewall: rows are screened in line where that is quick, in a thread where it is not."""

from __future__ import annotations

import asyncio
import datetime as dt
import logging
import math
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from camelopard.core.errors import CamelopardError
from camelopard.firewall.firewall import Firewall
from camelopard.server.exchange import Refused, Response
from camelopard.server.run import let_go
from camelopard.server.scoring import relay
from camelopard.server.scoring.breaker import Breaker
from camelopard.server.scoring.crowd import Crowd, kind_of
from camelopard.server.scoring.judge import UPSTREAM, Force, Judge, request_id
from camelopard.server.scoring.outcome import Outcome
from camelopard.server.scoring.places import check_processes
from camelopard.server.scoring.relay import Letter, Sent
from camelopard.server.scoring.rows import Asked, predictions
from camelopard.server.scoring.settings import Settings

if TYPE_CHECKING:
    from camelopard.models.http_line import Reply
    from camelopard.models.http_model import HttpAdapter
    from camelopard.store.log import VerdictLog

logger = logging.getLogger("camelopard.server")

QUICK = 0.01  # seconds that a request may keep all others waiting
MEMORY = 0.1  # share of the newest duration in the mean of them
THREADS = 2  # that ask a model of this process
INLINE_BYTES = 1 << 16  # of a request that is answered in line
MIRRORED = 64 << 20  # bytes of requests that may wait to be judged
UPKEEP = 300.0  # seconds between two upkeeps of the log
T = TypeVar("T")

Parse = Callable[[Force], Asked]


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
    processes
        That serve the model together.

    Raises
    ------
    CamelopardError
        If the firewall came without its model, or cannot be served (see `check`).
    """

    def __init__(
        self,
        firewall: Firewall,
        settings: Settings,
        *,
        remote: bool = False,
        again: Callable[[], Firewall] | None = None,
        log: VerdictLog | None = None,
        processes: int = 1,
    ) -> None:
        if firewall.model_ is None:
            raise CamelopardError("a gateway needs a firewall with its model. Load it with Firewall.load(path, model=model).")
        self.judge = Judge(firewall.model_.name, settings, remote=remote, log=log)
        self.settings, self.remote, self.counts, self.breaker = settings, remote, self.judge.counts, Breaker()
        self._again, self._processes = again, processes
        self.take(firewall)
        self._threads = settings.most_at_once if remote else THREADS
        self._pool = ThreadPoolExecutor(self._threads, thread_name_prefix="camelopard")
        self._each = math.inf  # seconds that a small request takes, a moving mean; not known before the first
        self._waiting = 0  # bytes of mirrored requests
        self._at_work: set[object] = set()  # what the threads do
        self._given_up: set[object] = set()  # and of that, what nobody waits for any more
        self._tasks: set[asyncio.Task[None]] = set()
        self.keep_days: int | None = None  # days of the log that are kept; None: all

    def take(self, firewall: Firewall) -> None:
        """Put a firewall, with its model, in the place of the one in force. No request is dropped: what is under way ends as it began.

        May be called in any thread.

        Raises
        ------
        CamelopardError
            If it cannot be served (see `check`).
        """
        self.check(firewall)
        version = ""
        if self.log is not None:
            from camelopard.store.log_replay import version_of

            version = version_of(firewall)
        force = Force(firewall, version)
        self._in_force = force, Crowd(firewall.screen, partial(self.judge.told_of, force))
        let_go()

    def check(self, firewall: Firewall) -> None:
        """Raise CamelopardError where a firewall's policy limits the reviews of a day, and several processes serve the model."""
        check_processes(firewall.policy, self._processes)

    def begin(self) -> None:
        """Look up what the first requests would have to wait for."""
        self.judge.places.begin(self.force.firewall.policy, dt.datetime.now(dt.UTC))

    @property
    def name(self) -> str:
        """Return what the model is called."""
        return self.judge.name

    @property
    def log(self) -> VerdictLog | None:
        """Return where every verdict is kept; None: nowhere."""
        return self.judge.log

    @property
    def force(self) -> Force:
        """Return the firewall in force."""
        return self._in_force[0]

    def behind(self, force: Force, how: str) -> HttpAdapter | None:
        """Return the way to the server behind, where requests of this form go there as they are, and its replies back as they are."""
        return relay.behind(force.model, how) if self.remote and self.settings.mode in ("shadow", "off") else None

    async def described(self, behind: HttpAdapter) -> Response:
        """Return what the server behind says of its model.

        Raises
        ------
        Refused
            If it does not answer (502), or not in time (504).
        """
        return relay.response(self._reply(await self._run(partial(relay.sent, behind.described), INLINE_BYTES + 1)))

    async def respond(self, parse: Parse, letter: Letter) -> Response:
        """Return the answer to a request, which `parse` reads.

        Raises
        ------
        Refused
            If it cannot be read, the model behind does not answer (502, or 503 while it is left alone), it takes too long (504), or the firewall
            itself fails and answers are not to be given without it (503).
        """
        size = len(letter.body)
        if self.settings.mode == "mirror":
            return await self._mirrored(parse, size)
        if not self.remote:
            return await (self._in_line(parse) if self._is_quick(size) else self._run(partial(self._answer, self.force, parse), size))
        force = self.force
        if (behind := self.behind(force, letter.how)) is not None:
            return await self._relayed(force, behind, parse, letter)
        if not self.breaker.closed():
            raise Refused(503, f"{UPSTREAM}; it is left alone for a moment.", retry_after=self.breaker.wait)
        fine = False
        try:
            found = await self._run(partial(self._answer, force, parse), size)
            fine = True
            return found
        except Refused as error:
            fine = error.status < 500
            raise
        finally:
            self.breaker.note(fine)

    def _is_quick(self, size: int) -> bool:
        return size <= INLINE_BYTES and self._each < QUICK

    async def _in_line(self, parse: Parse) -> Response:
        """Answer in the thread of all requests, which have their turn when the server looks for what has come; single rows together."""
        (force, crowd), start = self._in_force, time.perf_counter()
        asked = parse(force)
        kind = kind_of(asked, force.schema) if self.settings.mode != "off" and crowd.gathers() else None
        if kind is not None:
            own = time.perf_counter() - start
            judged, start = await crowd.judged(asked.rows, kind), time.perf_counter()
            if judged is not None:
                found = self.judge.spoken(force, asked, *judged)
                self._note(own + judged[1] + time.perf_counter() - start)
                return found
        found = self.judge.answered(force, asked)
        self._note(time.perf_counter() - start)
        return found

    async def _run(self, work: Callable[[], T], size: int, seconds: float | None = None) -> T:
        """Do a request's work in a thread, within so many seconds; None: those of the settings."""
        job, start = object(), time.perf_counter()
        try:
            async with asyncio.timeout(self.settings.timeout if seconds is None else seconds):
                found = await asyncio.get_running_loop().run_in_executor(self._pool, self._noted, job, work)
        except TimeoutError:
            self.counts.late += 1
            self._given_up.add(job)
            if job not in self._at_work:  # it has just ended, or never began
                self._given_up.discard(job)
            raise Refused(504, f"there was no answer within {self.settings.timeout:g} seconds.") from None
        if size <= INLINE_BYTES:
            self._note(time.perf_counter() - start)
        return found

    @property
    def ready(self) -> bool:
        """Return whether there is a thread left to answer: not if each of them is stuck in a model that was given up long ago."""
        return len(self._given_up) < self._threads

    def _noted(self, job: object, work: Callable[[], T]) -> T:
        self._at_work.add(job)
        try:
            return work()
        finally:
            self._at_work.discard(job)
            self._given_up.discard(job)

    def _note(self, took: float) -> None:
        self._each = took if self._each == math.inf else self._each + MEMORY * (took - self._each)

    def _answer(self, force: Force, parse: Parse) -> Response:
        """Read, judge, answer and log a request; may run in a thread."""
        return self.judge.answered(force, parse(force))

    async def _relayed(self, force: Force, behind: HttpAdapter, parse: Parse, letter: Letter) -> Response:
        """Send a request on as it came and its reply back as it is; what the firewall says of the rows stands in the headers and in the log.

        Headers wait for the verdict as long as clients wait for an answer, and no longer.
        """
        if not self.breaker.closed():
            raise Refused(503, f"{UPSTREAM}; it is left alone for a moment.", retry_after=self.breaker.wait)
        size, start, healthy = len(letter.body), time.perf_counter(), False
        try:
            asked, sent = await self._run(partial(_forwarded, force, behind, parse, letter), size)
            healthy = sent.healthy
        finally:
            self.breaker.note(healthy)
        reply, name = self._reply(sent), request_id(time.time_ns() // 1000)
        if not asked.n or self.settings.mode == "off" or reply.status >= relay.GOOD:
            return relay.response(reply, self.judge.unjudged(force, asked, name).headers())
        spent = time.perf_counter() - start
        try:
            said = await self._run(partial(self.judge.overheard, force, asked, behind, reply, name, spent), size, self.settings.timeout - spent)
        except Refused:  # it is judged later
            said = Outcome(None, [], [], [], name)
        return relay.response(reply, said.headers())

    def _reply(self, sent: Sent) -> Reply:
        if sent.why:
            self.counts.upstream += 1
            logger.warning("%s: %s", UPSTREAM, sent.why)
        if sent.reply is None:
            raise Refused(502, f"{UPSTREAM}.")
        return sent.reply

    async def _mirrored(self, parse: Parse, size: int) -> Response:
        """Judge later what is a copy; drop it where too much waits."""
        if self._waiting and self._waiting + size > MIRRORED:
            self.counts.dropped += 1
            raise Refused(503, f"{self._waiting:,} bytes of mirrored requests wait to be judged; this one was dropped.", retry_after=1)
        self._waiting += size
        task = asyncio.get_running_loop().create_task(self._later(parse, size))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return Response.of({"accepted": True}, 202)

    async def _later(self, parse: Parse, size: int) -> None:
        try:
            await asyncio.get_running_loop().run_in_executor(self._pool, self._seen, self.force, parse)
        except Exception:  # nobody waits for it; it is counted
            self.counts.failed += 1
        finally:
            self._waiting -= size

    def _seen(self, force: Force, parse: Parse) -> None:
        self.judge.seen(force, parse(force))

    async def reload(self) -> bool:
        """Load the firewall again and put it in the place of the old one, which finishes what it began; return False where that failed."""
        again = self._again
        if again is None:
            return False
        try:
            await asyncio.get_running_loop().run_in_executor(None, lambda: self.take(again()))
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


def _forwarded(force: Force, behind: HttpAdapter, parse: Parse, letter: Letter) -> tuple[Asked, Sent]:
    """Return the rows of a request, none where it cannot be read, and what came of passing it on."""
    try:
        asked = parse(force)
    except Refused as error:  # the server behind may read what the gateway does not
        logger.info("a request is passed on unjudged: %s", error)
        asked = Asked([], 0, predictions)
    return asked, relay.sent(lambda: behind.forward(letter.body, letter.on(), max(1, asked.n)))
