"""Requests that go to the server behind as they came, and its replies as they are: what clients get in shadow, and while the firewall is off."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from camelopard.core.errors import CamelopardError
from camelopard.core.protocols import Model
from camelopard.models.binary_tensors import HEADER
from camelopard.server.exchange import JSON, Response

if TYPE_CHECKING:
    from camelopard.models.http_line import Reply
    from camelopard.models.http_model import HttpAdapter

SPOKEN = {"infer": "v2", "invocations": "mlflow"}  # what a server must speak to understand a request as it came
ON = {"content-type": "Content-Type", "accept": "Accept", HEADER: HEADER}  # headers of a client that the server sees
BACK = (HEADER, "content-encoding", "retry-after")  # headers of the server that a client sees, besides the media type
GOOD = 300  # statuses below are answers
OURS = ((b"x-content-type-options", b"nosniff"), (b"content-security-policy", b"sandbox"))  # a server's page is not one of the gateway's
_SOUND = re.compile(rb"[\t\x20-\x7e]*")


@dataclass(frozen=True)
class Letter:
    """A request as it came.

    how
        "infer", "invocations" or "predict".
    """

    how: str
    body: bytes
    headers: Mapping[bytes, bytes]

    def on(self) -> dict[str, str]:
        """Return the headers that go with it: those that say what the body is. Who asks is the gateway's business, and stays here."""
        found = {said: self.headers.get(name.encode()) for name, said in ON.items()}
        return {name: value.decode("ascii") for name, value in found.items() if value is not None and _SOUND.fullmatch(value)}


def behind(model: Model, how: str) -> HttpAdapter | None:
    """Return the way to the server that has the model, where it understands such requests as they are; None otherwise."""
    found: HttpAdapter | None = getattr(model, "behind", None)
    return found if found is not None and found.protocol == SPOKEN.get(how) else None


@dataclass(frozen=True)
class Sent:
    """What came of a request that was passed on.

    reply
        The server's, also that of one which cannot answer now; None where there is none.
    healthy
        Whether the server answers, whatever it makes of these rows.
    why
        Why there is no reply, or no good one.
    """

    reply: Reply | None
    healthy: bool
    why: str = ""


def sent(send: Callable[[], Reply]) -> Sent:
    """Return what came of sending."""
    from camelopard.models.http_line import NoReply

    try:
        return Sent(send(), True)
    except NoReply as error:
        return Sent(error.reply, False, str(error))
    except CamelopardError as error:  # about these rows, or about what the server would send for them
        return Sent(None, True, str(error))


def response(reply: Reply, headers: Iterable[tuple[bytes, bytes]] = ()) -> Response:
    """Return a server's reply byte for byte, with headers of the gateway's own."""
    kept = [(name.encode(), value) for name in BACK if (value := _sound(reply.headers.get(name))) is not None]
    return Response(reply.status, reply.body, [*kept, *OURS, *headers], _sound(reply.headers.get("content-type")) or JSON)


def _sound(value: str | None) -> bytes | None:
    """Return the value of a header; None where it is none that may be sent on."""
    coded = None if value is None else value.encode("latin-1", "replace")
    return coded if coded is not None and _SOUND.fullmatch(coded) else None
