"""A line to one model server: connections that are kept, tries that are limited, and an end to everything.

The one idea: whatever the server does, a call ends: with its answer, or with an error that says whose fault it is.
"""

from __future__ import annotations

import random
import re
import socket
import ssl
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection
from urllib.parse import urljoin, urlsplit

from camelopard.core.errors import BudgetSpent, CamelopardError, ModelError, told

AGAIN = (429, 502, 503, 504)  # statuses after which the same request may be answered
BUSY = (429, 503)  # those that speak of the server, never of the rows
MOVED = (301, 302, 303, 307, 308)
FINAL, LAST = 200, 599  # statuses of replies: those before only say that one will come
REDIRECTS = 3
LONGEST_WAIT = 30.0  # seconds of back-off between two tries
CHUNK = 65536


class Refused(CamelopardError):
    """What the server said about these rows instead of answering them."""


class NoReply(ModelError):
    """The server is down, busy or out of reach. `busy`: it said so itself; `reply`: what it said last, where it said anything."""

    def __init__(self, message: str, busy: bool = False, reply: Reply | None = None) -> None:
        super().__init__(message)
        self.busy, self.reply = busy, reply


class QueriesSpent(ModelError, BudgetSpent):
    """The rows that may be sent to a server are used up."""


class _CutOff(ConnectionError):
    """The answer ended before its end."""


class _TooLong(Exception):
    """The answer is longer than is read."""


@dataclass(frozen=True)
class Calls:
    """How a model server is called.

    Parameters
    ----------
    rows_per_request
        Rows sent at once at most.
    workers
        Requests under way at the same time.
    timeout
        Seconds for one try, from connecting to the last byte of the answer.
    retries
        Tries after the first, on connection errors, 429, 502, 503 and 504.
    patience
        Seconds for all tries of one request and the waits between them. A `Retry-After` beyond it ends the call.
    backoff
        Seconds of the first wait at most; the limit doubles with each try, and each wait is drawn evenly from 0 to it (Brooker 2015).
    rows_per_second
        At most that many rows are sent per second, tries included; None: no limit.
    budget
        Rows that may be sent at all, each counted once however often it is tried; None: no limit.
    max_bytes
        The longest answer that is read.
    seed
        Of the waits.
    sleep, clock
        How to wait, and what tells the seconds.
    """

    rows_per_request: int = 256
    workers: int = 4
    timeout: float = 30.0
    retries: int = 4
    patience: float = 120.0
    backoff: float = 0.25
    rows_per_second: float | None = None
    budget: int | None = None
    max_bytes: int = 64 * 2**20
    seed: int = 0
    sleep: Callable[[float], None] = time.sleep
    clock: Callable[[], float] = time.monotonic

    def __post_init__(self) -> None:
        least = {"rows_per_request": 1, "workers": 1, "retries": 0, "backoff": 0.0, "max_bytes": 1}
        for name, low in least.items():
            if getattr(self, name) < low:
                raise ModelError(f"{name}={getattr(self, name)}; expected {low:g} or more.")
        for name in ("timeout", "patience", "rows_per_second"):
            value = getattr(self, name)
            if value is not None and not value > 0:
                raise ModelError(f"{name}={value}; expected a number above 0.")
        if self.budget is not None and self.budget < 0:
            raise ModelError(f"budget={self.budget}; expected a number of rows, 0 or more, or None for no limit.")


@dataclass(frozen=True)
class Reply:
    """What came back: the status with its words, the headers in lower case, and the body."""

    status: int
    words: str
    headers: Mapping[str, str]
    body: bytes


class Line:
    """Talks to the server of one URL, and to no other.

    Raises
    ------
    ModelError
        If the URL is none of a server, or a header cannot be sent.
    """

    def __init__(self, url: str, headers: Mapping[str, str], calls: Calls) -> None:
        self.origin, self._secure, self._host, self._port = _address(url)
        for name, value in headers.items():
            if not re.fullmatch(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+", name) or re.search(r"[^\t\x20-\x7e]", value):
                raise ModelError(f"the header {name!r} cannot be sent; expected a plain name and a value of one line of ASCII.")
        self._headers = {"Content-Type": "application/json", "Accept": "application/json", **headers}
        self._calls = calls
        self._idle: list[HTTPConnection] = []
        self._lock = threading.Lock()
        self._random = random.Random(calls.seed)
        self._free = calls.clock()  # when the next row may be sent
        self._sent = 0

    def afford(self, rows: int) -> None:
        """Raise QueriesSpent where that many rows more would go beyond the budget."""
        if self._calls.budget is not None and self._sent + rows > self._calls.budget:
            raise QueriesSpent(f"the budget of {self._calls.budget:,} rows for {self.origin} is spent: {self._sent:,} sent, {rows:,} more wanted.")

    def send(
        self,
        method: str,
        path: str,
        body: bytes | None = None,
        rows: int = 0,
        retries: int | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Reply:
        """Return the server's reply, tried again where that may help. A reply may be an error of the server. `headers` take precedence.

        Raises
        ------
        NoReply
            If all tries fail.
        ModelError
            If the reply is too long, leads elsewhere, or the server cannot prove who it is.
        """
        calls = self._calls
        with self._lock:
            self._sent += rows
        start = calls.clock()
        tries = 1 + (calls.retries if retries is None else retries)
        for attempt in range(tries):
            self._pace(rows)
            asked: float | None = None
            busy, reply = False, None
            try:
                reply = self._follow(method, path, body, {**self._headers, **(headers or {})})
                if reply.status not in AGAIN:
                    return reply
                busy, why, asked = reply.status in BUSY, f"{reply.status} {reply.words}", _retry_after(reply.headers)
            except ssl.SSLCertVerificationError as error:
                raise ModelError(f"{self.origin} cannot prove who it is ({error.verify_message}). Nothing was sent to it.") from error
            except _TooLong:
                raise ModelError(f"{self.origin} answers with more than {calls.max_bytes:,} bytes. Send fewer rows, or raise max_bytes.") from None
            except (OSError, HTTPException) as error:
                why = told(error)
            wait = max(asked or 0.0, self._jitter(attempt))
            passed = calls.clock() - start
            if attempt + 1 >= tries or passed + wait > calls.patience:
                raise NoReply(self._gone(attempt + 1, passed, why, asked), busy, reply)
            calls.sleep(wait)
        raise AssertionError("unreachable")

    def close(self) -> None:
        """Close the connections that are kept."""
        with self._lock:
            idle, self._idle = self._idle, []
        for connection in idle:
            connection.close()

    def _gone(self, tries: int, seconds: float, why: str, asked: float | None) -> str:
        waits = f" It asks to wait {asked:.0f} s." if asked else ""
        times = "1 try" if tries == 1 else f"{tries} tries in {seconds:.1f} s"
        return f"{self.origin} gave no answer in {times} ({why}).{waits} The server is down, busy or out of reach: this says nothing about the rows."

    def _jitter(self, attempt: int) -> float:
        with self._lock:
            return self._random.uniform(0.0, min(LONGEST_WAIT, self._calls.backoff * 2.0**attempt))

    def _pace(self, rows: int) -> None:
        """Wait until these rows may be sent."""
        if self._calls.rows_per_second is None or not rows:
            return
        with self._lock:
            now = self._calls.clock()
            turn = max(now, self._free)
            self._free = turn + rows / self._calls.rows_per_second
        if turn > now:
            self._calls.sleep(turn - now)

    def _follow(self, method: str, path: str, body: bytes | None, headers: Mapping[str, str]) -> Reply:
        """Return the reply, following redirects within this server."""
        for _ in range(REDIRECTS + 1):
            reply = self._once(method, path, body, headers)
            if reply.status not in MOVED:
                return reply
            target = urljoin(self.origin + path, reply.headers.get("location", ""))
            if "location" not in reply.headers or not target.startswith(self.origin + "/"):
                raise ModelError(f"{self.origin} leads elsewhere, to {target[:200]!r}. That is not followed: wrap that address if you trust it.")
            if method != "GET" and reply.status in (301, 302, 303):
                raise ModelError(f"{self.origin}{path} has moved to {target[:200]!r}. Wrap that address.")
            path = target[len(self.origin) :]
        raise ModelError(f"{self.origin} leads from address to address, more than {REDIRECTS} times.")

    def _once(self, method: str, path: str, body: bytes | None, headers: Mapping[str, str]) -> Reply:
        """Return the reply of one try. A kept connection that the server has closed meanwhile is replaced without counting as a try."""
        with self._lock:
            kept = self._idle.pop() if self._idle else None
        if kept is not None:
            try:
                return self._exchange(kept, method, path, body, headers)
            except _CutOff:
                raise
            except (ConnectionError, HTTPException):
                kept.close()
        return self._exchange(self._connection(), method, path, body, headers)

    def _connection(self) -> HTTPConnection:
        if self._secure:
            return HTTPSConnection(self._host, self._port, timeout=self._calls.timeout, context=ssl.create_default_context())
        return HTTPConnection(self._host, self._port, timeout=self._calls.timeout)

    def _exchange(self, connection: HTTPConnection, method: str, path: str, body: bytes | None, headers: Mapping[str, str]) -> Reply:
        """Send and receive over one connection. A timer ends it as a whole: a server may drip a byte at a time for ever."""
        late = threading.Event()

        def stop() -> None:
            late.set()
            sock = connection.sock
            if sock is not None:
                try:
                    sock.shutdown(socket.SHUT_RDWR)
                except OSError:
                    return  # it ended by itself just now

        timer = threading.Timer(self._calls.timeout, stop)
        timer.daemon = True
        try:
            timer.start()
            connection.request(method, path, body, dict(headers))
            response = connection.getresponse()
            if not FINAL <= response.status <= LAST:
                raise HTTPException(f"the status {response.status} ends no request")
            data = self._read(response)
            if late.is_set():
                raise TimeoutError
        except BaseException as error:
            connection.close()
            if late.is_set() or isinstance(error, TimeoutError):
                raise TimeoutError(f"no full answer within {self._calls.timeout:g} s") from error
            raise
        finally:
            timer.cancel()
        said = {name.lower(): value for name, value in response.getheaders()}
        if response.will_close or not response.isclosed():
            connection.close()
        else:
            with self._lock:
                self._idle.append(connection)
        return Reply(response.status, response.reason or "", said, data)

    def _read(self, response: HTTPResponse) -> bytes:
        parts, length = [], 0
        while chunk := response.read(CHUNK):
            parts.append(chunk)
            length += len(chunk)
            if length > self._calls.max_bytes:
                raise _TooLong
        if response.length:  # bytes promised and not sent
            raise _CutOff(f"the answer was cut off after {length:,} bytes")
        return b"".join(parts)


def _address(url: str) -> tuple[str, bool, str, int]:
    """Return the origin of a URL, whether it is secure, its host and its port."""
    try:
        found = urlsplit(url)
        port = found.port
    except ValueError as error:
        raise ModelError(f"{url!r} is no URL ({error}). Expected http://host:port/path.") from error
    if found.scheme not in ("http", "https") or not found.hostname or re.search(r"[^\x21-\x7e]", url):
        raise ModelError(f"{url!r} is no URL of a server. Expected http://host:port/path or https://host/path, without spaces, in ASCII.")
    if found.username is not None or found.password is not None:
        raise ModelError("a URL with a password in it ends up in reports. Send it as a header: http_model(…, headers={'Authorization': …}).")
    if found.fragment:
        raise ModelError(f"{url!r} names a part of a page ('#'). Leave that out.")
    return f"{found.scheme}://{found.netloc}", found.scheme == "https", found.hostname, port or (443 if found.scheme == "https" else 80)


def _retry_after(headers: Mapping[str, str]) -> float | None:
    """Return the seconds that a server asks to wait; a date is held against the server's own clock.

    >>> _retry_after({"retry-after": "3"}), _retry_after({"retry-after": "soon"}), _retry_after({})
    (3.0, None, None)
    """
    word = headers.get("retry-after", "").strip()
    if re.fullmatch(r"\d{1,9}", word):
        return float(word)
    try:
        seconds = (parsedate_to_datetime(word) - parsedate_to_datetime(headers["date"])).total_seconds()
    except (KeyError, TypeError, ValueError):
        return None
    return max(0.0, seconds)
