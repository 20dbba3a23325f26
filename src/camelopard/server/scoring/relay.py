"""Requests that go to the server behind as they came, and its replies as they are: what clients get in shadow, and while the firewall is off."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from camelopard.core.protocols import Model
from camelopard.models.binary_tensors import HEADER
from camelopard.server.exchange import JSON, Response

if TYPE_CHECKING:
    from camelopard.models.http_line import Reply
    from camelopard.models.http_model import HttpAdapter

SPOKEN = {"infer": "v2", "invocations": "mlflow"}  # what a server must speak to understand a request as it came
ON = {"content-type": "Content-Type", "accept": "Accept", HEADER: HEADER}  # headers of a client that the server sees
BACK = (HEADER, "content-encoding", "retry-after")  # headers of the server that a client sees, besides the media type
BUSY = (429, 502, 503, 504)  # statuses of a server that cannot answer now, whatever the rows
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


def response(reply: Reply, headers: Iterable[tuple[bytes, bytes]] = ()) -> Response:
    """Return a server's reply byte for byte, with headers of the gateway's own."""
    kept = [(name.encode(), value) for name in BACK if (value := _sound(reply.headers.get(name))) is not None]
    return Response(reply.status, reply.body, [*kept, *headers], _sound(reply.headers.get("content-type")) or JSON)


def _sound(value: str | None) -> bytes | None:
    """Return the value of a header; None where it is none that may be sent on."""
    coded = None if value is None else value.encode("latin-1", "replace")
    return coded if coded is not None and _SOUND.fullmatch(coded) else None
