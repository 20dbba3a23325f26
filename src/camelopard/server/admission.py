"""Who may ask models: programs that show a token. What it is good for is kept in mind for a few seconds, so that most requests ask no database."""

from __future__ import annotations

import asyncio
import hashlib
import logging
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from camelopard.core.errors import CamelopardError
from camelopard.server.exchange import Refused
from camelopard.store.errors import NotAllowed
from camelopard.store.roles import Actor, Permission
from camelopard.store.secret import Secret

if TYPE_CHECKING:
    from camelopard.server.home import Home

logger = logging.getLogger("camelopard.server")

KEPT = 5.0  # seconds after which the database is asked again: as long as a revoked token may still be good
MOST = 10_000  # tokens kept in mind
AT_ONCE = 64  # tokens that are being looked up; further ones are told to come back
HEADER = b"authorization"
LONGEST = 200  # bytes of the header
NO_TOKEN = "this is asked with a token: Authorization: Bearer camelopard_… People make their own on the page /me."
BAD_TOKEN = "this token is good for nothing: it is revoked, past its time, or none of this server's. Make a new one."


class Admission:
    """Lets programs in by their tokens.

    Parameters
    ----------
    home
        Whose tokens they are.
    metrics
        Whether the counts for Prometheus need a token, too.
    clock
        Seconds that only grow.
    """

    def __init__(self, home: Home, *, metrics: bool = False, clock: Callable[[], float] = time.monotonic) -> None:
        self.home, self.metrics, self._clock = home, metrics, clock
        self._known: dict[bytes, tuple[Actor, float]] = {}
        self._asked: dict[bytes, asyncio.Task[Actor | None]] = {}
        self._pool = ThreadPoolExecutor(2, thread_name_prefix="camelopard-tokens")

    async def must(self, headers: Mapping[bytes, bytes], permission: Permission) -> None:
        """Let a request in.

        Raises
        ------
        Refused
            401 without a good token, 403 with one that is not for it, 503 where it cannot be told.
        """
        shown = headers.get(HEADER, b"")
        if not shown:
            raise Refused(401, NO_TOKEN)
        key = hashlib.sha256(shown).digest()
        known = self._known.get(key)
        actor = known[0] if known is not None and self._clock() < known[1] else await self._looked_up(key, shown)
        if actor is None:
            raise Refused(401, BAD_TOKEN)
        try:
            actor.must(permission)
        except NotAllowed as error:
            raise Refused(403, str(error)) from None

    async def _looked_up(self, key: bytes, shown: bytes) -> Actor | None:
        """Return who that is; many requests with the same token wait for one look."""
        kind, _, token = shown.partition(b" ")
        if kind.lower() != b"bearer" or len(shown) > LONGEST:
            return None
        task = self._asked.get(key)
        if task is None:
            if len(self._asked) >= AT_ONCE:
                raise Refused(503, "too many tokens are being looked up; come back in a moment.", retry_after=1)
            task = self._asked[key] = asyncio.create_task(self._found(key, Secret(token.strip().decode("latin-1"))))
            task.add_done_callback(lambda _: self._asked.pop(key, None))
        return await asyncio.shield(task)

    async def _found(self, key: bytes, token: Secret) -> Actor | None:
        until = self._clock() + KEPT
        try:
            actor = await asyncio.get_running_loop().run_in_executor(self._pool, self._read, token)
        except CamelopardError as error:
            logger.exception("tokens cannot be looked up")
            raise Refused(503, "tokens cannot be looked up just now; come back in a moment.", retry_after=1) from error
        self._known.pop(key, None)
        if actor is not None:
            if len(self._known) >= MOST:
                self._known.clear()
            self._known[key] = actor, until
        return actor

    def _read(self, token: Secret) -> Actor | None:
        from camelopard.store import tokens

        return tokens.actor(self.home.database, token, self.home.clock())
