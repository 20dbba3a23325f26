"""Runs a gateway under uvicorn: one process, or several that share a port."""

from __future__ import annotations

import gc
import ipaddress
import sys
from collections.abc import Sequence
from typing import Any

from camelopard.core.errors import CamelopardError, require

BACKLOG = 2048  # connections that may wait
SWITCH = 0.0005  # seconds that a thread (the log's, a page's) may keep requests from being answered; Python's own 0.005 is ten answers long
SELDOM = 1000  # searches for garbage among what is young, before all there is is searched: that takes as long as a hundred answers
IDLE = 30  # seconds after an answer, after which a connection without a further request is closed


def without_pauses() -> None:
    """Let the threads of this process, which is a server's own, take turns more often, and what is there by now never be searched for garbage."""
    sys.setswitchinterval(SWITCH)
    gc.freeze()
    gc.set_threshold(*gc.get_threshold()[:2], SELDOM)


def let_go() -> None:
    """Search all there is for garbage, where `without_pauses` keeps it from being searched: what was served before is not there for ever."""
    if gc.get_freeze_count():
        gc.unfreeze()
        gc.collect()
        gc.freeze()


def run(app: Any, *, host: str, port: int, workers: int = 1, patience: float = 30.0, proxies: Sequence[str] = ()) -> None:
    """Serve until told to stop; requests under way are answered first, as long as `patience` seconds.

    Parameters
    ----------
    app
        A gateway; for several workers the name of a function that makes one, as "module:function".
    proxies
        Addresses and networks of proxies in front: who a request comes from, and whether over TLS, is what they say in X-Forwarded-For and
        X-Forwarded-Proto. From anybody else these say nothing.

    Raises
    ------
    CamelopardError
        If the packages for it are not installed, or the port is not to be had.
    """
    for package in ("uvicorn", "httptools", "msgspec"):
        require(package, extra="serve")
    if not 0 < port < 65536 or workers < 1:
        raise CamelopardError(f"port {port}, {workers} workers: expected a port from 1 to 65535, and at least one worker.")
    import uvicorn

    without_pauses()
    from camelopard.server.wire import BoundedProtocol

    try:
        uvicorn.run(
            app,
            factory=isinstance(app, str),
            host=host,
            port=port,
            workers=workers,
            http=BoundedProtocol,
            ws="none",
            log_config=None,
            log_level="warning",
            access_log=False,
            server_header=False,
            backlog=BACKLOG,
            proxy_headers=bool(proxies),
            forwarded_allow_ips=list(proxies),
            timeout_keep_alive=IDLE,
            timeout_graceful_shutdown=int(patience) + 1,
        )
    except SystemExit as error:
        if error.code:
            raise CamelopardError(f"the gateway could not listen on {host}:{port}. Is the port taken? Choose another one: --port.") from None


def proxies_of(text: str) -> list[str]:
    """Return the addresses and networks of proxies.

    Raises
    ------
    CamelopardError
        If one is none: a proxy that is misspelt would silently not be believed, and one that is everybody would let everybody be anybody.

    >>> proxies_of("127.0.0.1, 10.0.0.0/8")
    ['127.0.0.1', '10.0.0.0/8']
    """
    found = [one.strip() for one in text.split(",") if one.strip()]
    for one in found:
        try:
            network = ipaddress.ip_network(one)
        except ValueError:
            raise CamelopardError(f"--proxy {one}: expected an address or a network, such as 127.0.0.1 or 10.0.0.0/8.") from None
        if network.prefixlen == 0:
            raise CamelopardError(f"--proxy {one}: that is everybody. Name the proxies alone, or anybody may say that they are somebody else.")
    return found
