"""Runs a gateway under uvicorn: one process, or several that share a port."""

from __future__ import annotations

from typing import Any

from camelopard.core.errors import CamelopardError, require

BACKLOG = 2048  # connections that may wait
IDLE = 30  # seconds after an answer, after which a connection without a further request is closed


def run(app: Any, *, host: str, port: int, workers: int = 1, patience: float = 30.0) -> None:
    """Serve until told to stop; requests under way are answered first, as long as `patience` seconds.

    Parameters
    ----------
    app
        A gateway; for several workers the name of a function that makes one, as "module:function".

    Raises
    ------
    CamelopardError
        If the packages for it are not installed, or the port is not to be had.
    """
    for package in ("uvicorn", "msgspec"):
        require(package, extra="serve")
    if not 0 < port < 65536 or workers < 1:
        raise CamelopardError(f"port {port}, {workers} workers: expected a port from 1 to 65535, and at least one worker.")
    import uvicorn

    try:
        uvicorn.run(
            app,
            factory=isinstance(app, str),
            host=host,
            port=port,
            workers=workers,
            log_config=None,
            log_level="warning",
            access_log=False,
            server_header=False,
            backlog=BACKLOG,
            timeout_keep_alive=IDLE,
            timeout_graceful_shutdown=int(patience) + 1,
        )
    except SystemExit as error:
        if error.code:
            raise CamelopardError(f"the gateway could not listen on {host}:{port}. Is the port taken? Choose another one: --port.") from None
