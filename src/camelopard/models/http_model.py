"""Models behind HTTP: servers of the Open Inference Protocol (v2), of MLflow, or of any JSON.

The one idea: an error about rows is the answer of these rows, an error of the server is nobody's answer. A row that was answered is not sent again
because another one was refused.
"""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Hashable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Literal
from urllib.parse import quote, urlsplit

import numpy as np

from camelopard.core.errors import ModelError, UnknownName
from camelopard.core.records import Task
from camelopard.models.answers import Raw, Reader
from camelopard.models.binary_tensors import HEADER
from camelopard.models.http_line import Calls, Line, NoReply, Refused, Reply
from camelopard.models.http_protocols import ANSWERS, TEMPLATE, Inference, Language, Mlflow, Template, ports_of
from camelopard.models.native import Eats
from camelopard.models.outputs import Outputs, Settling
from camelopard.models.ports import Port

Speech = Literal["v2", "mlflow", "json"]
SPEECHES = ("v2", "mlflow", "json")
ROWS_AT_FAULT = (400, 413, 422, 500)  # statuses that are an answer about the rows that were sent
ALONE = 8  # single rows refused by a server that never answered, after which it is not about the rows
SHOWN = 160  # characters kept of what a server says
_V2 = re.compile(r"(?P<base>.*/v2/models/(?P<name>[^/]+)(?:/versions/[^/]+)?)(?:/infer)?/?")
_OPEN = object()


@dataclass(frozen=True, eq=False)
class HttpModel:
    """The address of a model with what there is to know about asking it. Made by `http_model`, which explains the fields; `wrap` takes it."""

    url: str = field(repr=False)  # it may hold a key, too
    protocol: Speech
    name: str
    classes: tuple[Any, ...] | None = None
    task: Task | None = None
    outputs: Outputs | None = None
    output: str | None = None
    inputs: tuple[Port, ...] | None = None
    template: object = field(default_factory=lambda: dict(TEMPLATE))
    answers: str = ANSWERS
    missing: str = ""
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)  # they may hold a key
    calls: Calls = field(default_factory=Calls)


def http_model(
    url: str,
    *,
    protocol: Speech | None = None,
    classes: Sequence[Any] | None = None,
    task: Task | None = None,
    outputs: Outputs | None = None,
    output: str | None = None,
    inputs: object = None,
    template: object = None,
    answers: str = ANSWERS,
    missing: str = "",
    headers: Mapping[str, str] | None = None,
    calls: Calls | None = None,
) -> HttpModel:
    """Return a model behind a URL with how it is to be asked, for `wrap`. A URL that needs none of this goes into `wrap` as it is.

    Nothing is sent yet; `wrap` asks a v2 server whether it is ready and what its model takes.

    Parameters
    ----------
    url
        http://host:port/v2/models/NAME for the Open Inference Protocol, http://host:port/invocations for MLflow, anything else for JSON.
    protocol
        "v2", "mlflow" or "json"; default: told by the URL.
    classes, task, outputs
        As in `wrap` and `torch_model`. A server names its classes nowhere: pass them in the order of its probabilities.
    output
        The tensor that answers (v2); default: the one with "proba" in its name, otherwise the first that is not a label.
    inputs
        What the model takes, where a v2 server does not say so: rows like those it is asked about, or a datatype of the protocol by column,
        e.g. {"age": "FP64", "sex": "BYTES"}. Each column goes as a tensor of its name. Default: what the server says; where it says nothing, one
        matrix of numbers.
    template
        The body of a request (json): any data with the text "{rows}" where the rows go as a list of objects, "{values}" for a list of lists (and
        "{columns}" for their names), or "{row}" for one row per request. Default: {"instances": "{rows}"}.
    answers
        The path to the answers in the reply (json, mlflow): names and positions parted by dots, "*" for each item, e.g. "results.*.label".
    missing
        What stands for a missing text where a v2 server takes texts.
    headers
        Sent with each request, e.g. {"Authorization": "Bearer …"}. They never show in reports.
    calls
        How the server is called: rows per request, requests at once, tries, patience, limits. See `Calls`.

    Raises
    ------
    ModelError, UnknownName
        If the URL or an option cannot be used.

    >>> http_model("http://localhost:8080/v2/models/income").name
    'income'
    """
    calls = calls or Calls()
    Line(url, headers or {}, calls)
    Settling(outputs, task, classes)
    path = urlsplit(url).path
    found = _V2.fullmatch(path)
    if protocol is not None and protocol not in SPEECHES:
        raise UnknownName.among(protocol, SPEECHES, "protocol")
    if protocol is None and template is None and found is None and not path.rstrip("/").endswith("/invocations"):
        raise ModelError(
            f"{url!r} does not say how to speak to it. Expected …/v2/models/NAME (Open Inference Protocol) or …/invocations (MLflow); for any other "
            "JSON say http_model(url, protocol='json', template={'instances': '{rows}'}, answers='predictions')."
        )
    speech: Speech = protocol or ("json" if template is not None else "v2" if found is not None else "mlflow")
    if speech == "v2" and found is None:
        raise ModelError(f"{url!r} names no model. Expected http://host:port/v2/models/NAME, or …/NAME/versions/VERSION.")
    if speech == "json":
        Template.of(TEMPLATE if template is None else template, answers, None)
    if speech != "v2" and inputs is not None:
        raise ModelError(f"inputs= is for servers of the Open Inference Protocol (v2), and this one is spoken to in {speech}. Leave it out.")
    name = found["name"] if found is not None else urlsplit(url).netloc
    kept = None if classes is None else tuple(classes)
    body = dict(TEMPLATE) if template is None else template
    taken = None if inputs is None else ports_of(inputs)
    return HttpModel(url, speech, name, kept, task, outputs, output, taken, body, answers, missing, dict(headers or {}), calls)


class HttpAdapter:
    """Asks a server in several requests at once, and remembers what was answered as long as rows of the same batch are asked again."""

    def __init__(self, model: HttpModel, line: Line, path: str, language: Language, settling: Settling, classes: Sequence[Any] | None) -> None:
        self.eats: Eats = language.eats
        self._model, self._line, self._path, self._language, self._settling = model, line, path, language, settling
        self._classes, self._shown = classes, line.origin + path.partition("?")[0]
        self._memory: dict[Hashable, Any] = {}
        self._refusals: dict[tuple[Hashable, ...], Refused] = {}
        self._canary: bytes | None = None  # one row that was answered
        self._alone: set[Hashable] = set()  # single rows of this batch that were refused
        self._given = threading.local()  # what was answered already to the rows that this thread asks next

    @property
    def protocol(self) -> Speech:
        """Return how the server is spoken to."""
        return self._model.protocol

    def forward(self, body: bytes, headers: Mapping[str, str], rows: int) -> Reply:
        """Return the server's reply to a request of so many rows that is sent as it is, and once; whatever it says is its reply.

        Raises
        ------
        NoReply
            If there is none, or one of a server that is busy, which is then its `reply`.
        Refused
            If there is none to these rows, though the server answers others.
        ModelError
            If the reply is too long, leads elsewhere, or the server cannot prove who it is; QueriesSpent where the budget does not allow it.
        """
        self._line.afford(rows)
        try:
            return self._line.send("POST", self._path, body, rows, retries=0, headers=headers)
        except NoReply as error:
            if error.reply is None and self._alive():
                raise Refused(f"no answer to these rows, though the server answers others ({str(error)[:SHOWN]})") from error
            raise

    def described(self) -> Reply:
        """Return what the server says of its model (v2). Raises as `forward`."""
        path, mark, query = self._path.partition("?")
        return self._line.send("GET", path.removesuffix("/infer") + mark + query, retries=0)

    @contextmanager
    def given(self, reply: Reply, rows: int) -> Iterator[None]:
        """Take a reply to so many rows for the answers to them, if this thread asks for them next, instead of sending them once more.

        A reply that does not surely hold the answers, such as one of other outputs, is no help: the rows are sent.
        """
        self._given.said = self._read(reply, rows)
        try:
            yield
        finally:
            self._given.said = None

    def _read(self, reply: Reply, rows: int) -> list[Any] | None:
        try:
            body = _accepted(reply, "POST", self._shown)
            if isinstance(self._language, Inference):
                return self._language.held(body, reply.headers.get(HEADER), rows)
            return self._language.answers(body, rows)
        except (Refused, ModelError, ValueError, TypeError, LookupError, AttributeError, RecursionError):  # the server may reply anything
            return None

    def ask(self, table: Any) -> Raw:
        known, self._given.said = getattr(self._given, "said", None), None
        if known is not None and len(known) == len(table):
            return self._raw(known)
        memory, refusals, keys = self._remembered(table)
        said = {i: memory[key] for i, key in enumerate(keys) if memory.get(key, _OPEN) is not _OPEN}
        rows = [i for i in range(len(table)) if i not in said]
        size = min(self._model.calls.rows_per_request, self._language.most or len(rows) or 1)
        chunks = [rows[start : start + size] for start in range(0, len(rows), size)]
        self._line.afford(len(rows))
        outcomes = self._all(table, chunks, {tuple(chunk): refusals.get(tuple(keys[i] for i in chunk)) for chunk in chunks} if keys else {})
        for chunk, outcome in zip(chunks, outcomes, strict=True):
            if isinstance(outcome, list):
                said.update(zip(chunk, outcome, strict=True))
        refused = next((outcome for outcome in outcomes if isinstance(outcome, Refused)), None)
        if refused is None and not keys:
            return self._raw([said[i] for i in range(len(table))])
        keys = keys or _keys(table)
        memory.update({key: said.get(i, _OPEN) for i, key in enumerate(keys)})
        refusals.update({tuple(keys[i] for i in c): outcome for c, outcome in zip(chunks, outcomes, strict=True) if isinstance(outcome, Refused)})
        self._memory, self._refusals = memory, refusals
        if refused is not None:
            self._doubt(keys, refused)
            raise refused
        return self._raw([said[i] for i in range(len(table))])

    def _remembered(self, table: Any) -> tuple[dict[Hashable, Any], dict[tuple[Hashable, ...], Refused], list[Hashable]]:
        """Return what is known of the batch that these rows are part of, and their keys; nothing, and no keys, where they begin a new batch."""
        memory, refusals = self._memory, self._refusals
        keys = _keys(table) if memory else []
        if any(key in memory for key in keys):
            return memory, refusals, keys
        self._memory, self._refusals, self._alone = {}, {}, set()
        return {}, {}, []

    def _all(self, table: Any, chunks: list[list[int]], known: Mapping[tuple[int, ...], Refused | None]) -> list[list[Any] | Refused | None]:
        """Return the answers to each chunk, what was said instead, or None where it was not sent because another one was refused."""
        over = threading.Event()

        def one(chunk: list[int]) -> list[Any] | Refused | None:
            if over.is_set():
                return None
            try:
                return known.get(tuple(chunk)) or self._chunk(_taken(table, chunk), len(chunk))
            except Refused as refused:
                over.set()
                return refused
            except BaseException:
                over.set()
                raise

        workers = min(self._model.calls.workers, len(chunks))
        if workers < 2:
            return [one(chunk) for chunk in chunks]
        with ThreadPoolExecutor(workers) as pool:
            return list(pool.map(one, chunks))

    def _chunk(self, rows: Any, n: int) -> list[Any]:
        """Return the answers to some rows in one request."""
        try:
            body = self._language.body(rows)
        except (TypeError, ValueError, OverflowError, RecursionError) as error:
            raise Refused(f"cannot be sent: {str(error)[:SHOWN]}") from error
        try:
            reply = self._line.send("POST", self._path, body, n)
        except NoReply as error:
            if not error.busy and self._alive():
                raise Refused(f"no answer to these rows, though the server answers others ({str(error)[:SHOWN]})") from error
            raise
        found = self._language.answers(_accepted(reply, "POST", self._shown), n)
        if self._canary is None:
            self._canary = body if n == 1 else self._language.body(_taken(rows, [0]))
        return found

    def _alive(self) -> bool:
        """Return whether the server still answers a row that it has answered before."""
        if self._canary is None:
            return False
        try:
            return self._line.send("POST", self._path, self._canary, retries=0).status < 300
        except NoReply:
            return False

    def _doubt(self, keys: list[Hashable], refused: Refused) -> None:
        """Raise ModelError where a server that has never answered refuses different rows of one batch, each by itself."""
        self._alone.update(keys if len(keys) == 1 else ())
        if self._canary is None and len(self._alone) >= ALONE:
            raise ModelError(
                f"{self._shown} has refused every request so far, {ALONE} of them with a single row: {refused}. This is not about the rows: "
                f"{self._language.doubt}"
            )

    def _raw(self, said: list[Any]) -> Raw:
        """Return the answers with what they mean."""
        kinds = {type(answer) for answer in said}
        if kinds == {dict}:
            said = _from_dicts(said, self._classes)
            kinds = {type(answer) for answer in said}
        if kinds == {list} and len({len(answer) for answer in said}) == 1 and all(_number(v) for answer in said for v in answer):
            return self._settling.raw(np.array(said, dtype=np.float64))
        if self._model.outputs is not None and all(_number(v) for v in said):
            return self._settling.raw(np.array(said, dtype=np.float64))
        return Raw(said)


def of_http(obj: Any, task: Task | None, classes: Sequence[Any] | None, features: tuple[str, ...] | None) -> tuple[HttpAdapter, Reader]:
    """Return how to ask a URL or what `http_model` made of one, and what its answers mean. A v2 server is asked what its model takes.

    Raises
    ------
    ModelError
        If a v2 server cannot be reached, is not ready, or knows no such model.
    """
    model = obj if isinstance(obj, HttpModel) else http_model(str(obj))
    task, classes = task or model.task, classes if classes is not None else model.classes
    line = Line(model.url, model.headers, model.calls)
    parts = urlsplit(model.url)
    query = f"?{parts.query}" if parts.query else ""
    path = quote(parts.path, safe="/%:@!$&'()*+,;=~-._") or "/"
    language: Language
    if model.protocol == "v2":
        found = _V2.fullmatch(path)
        assert found is not None
        base = found["base"]
        _accepted(line.send("GET", f"{base}/ready{query}"), "GET", f"{line.origin}{base}/ready")
        described = _accepted(line.send("GET", f"{base}{query}"), "GET", f"{line.origin}{base}")
        try:
            metadata = json.loads(described)
        except (ValueError, RecursionError) as error:
            raise ModelError(f"{line.origin}{base} describes its model in no JSON. Is this a server of the Open Inference Protocol (v2)?") from error
        language = Inference.of(metadata, model.output, model.missing, features, model.inputs)
        path = f"{base}/infer"
    elif model.protocol == "mlflow":
        language = Mlflow(model.answers, Eats(features, ("rows", "texts", "images")))
    else:
        language = Template.of(model.template, model.answers, features)
    settling = Settling(model.outputs, task, classes)
    reader = Reader(settling.task, None, classes)
    return HttpAdapter(model, line, path + query, language, settling, classes), reader


def _accepted(reply: Reply, method: str, url: str) -> bytes:
    """Return the body of a good reply.

    Raises
    ------
    Refused
        If the server objects to the rows that were sent.
    ModelError
        If it objects to anything else.
    """
    if reply.status < 300:
        if reply.headers.get("content-encoding", "identity") != "identity":
            raise ModelError(f"{url} answers compressed ({reply.headers['content-encoding'][:40]}), though nobody asked for it.")
        return reply.body
    told = f"{reply.status} {reply.words}".strip()
    said = _said(reply.body)
    if method == "POST" and reply.status in ROWS_AT_FAULT:
        raise Refused(f"{told}: {said}" if said else told)
    why = f" It says: {said}." if said else ""
    if reply.status in (401, 403):
        raise ModelError(f"{url} wants to know who asks ({told}).{why} Pass http_model(…, headers={{'Authorization': …}}).")
    hint = "the model is not loaded" if url.endswith("/ready") else "Is it the right address and protocol?"
    raise ModelError(f"{url} answers {told} to {method}.{why} {hint[0].upper()}{hint[1:]}{'' if hint.endswith('?') else '.'}")


def _said(body: bytes) -> str:
    """Return what a server says about an error, in one short line: the message of JSON where there is one."""
    text = body[:4096].decode("utf-8", "replace")
    try:
        data = json.loads(body) if len(body) < 65536 else None
    except (ValueError, RecursionError):
        data = None
    if isinstance(data, dict):
        text = next((str(data[key]) for key in ("error", "message", "detail", "error_message", "title") if data.get(key)), text)
    return re.sub(r"[^\x20-\x7e\xa0-\ud7ff\ue000-\uffff]+", " ", re.sub(r"<[^>]*>", " ", text)).strip()[:SHOWN]


def _from_dicts(said: list[dict[str, Any]], classes: Sequence[Any] | None) -> list[Any]:
    """Return objects as answers: a label with its score as it is, the one value of one column, or a probability per class."""
    names = list(said[0])
    if any(list(answer) != names for answer in said):
        return list(said)
    if {"label", "score"} <= set(names):
        return list(said)
    if len(names) == 1:
        return [answer[names[0]] for answer in said]
    if classes is None or {str(c) for c in classes} != set(names):
        raise ModelError(
            f"the server answers with the columns {', '.join(names[:10])}. If they are the probabilities of classes, pass classes=[…] with these "
            "names; otherwise pass answers='…' with the path to one of them, e.g. answers='predictions.*.label'."
        )
    return [[answer[str(c)] for c in classes] for answer in said]


def _number(value: Any) -> bool:
    return value is None or (isinstance(value, (int, float)) and not isinstance(value, bool))


def _taken(table: Any, rows: list[int]) -> Any:
    return table[rows] if isinstance(table, np.ndarray) else [table[i] for i in rows]


def _keys(table: Any) -> list[Hashable]:
    """Return what tells each row from others: its bytes, or how it is written."""
    if isinstance(table, np.ndarray) and table.dtype != object:
        return [(table.dtype.str, table.shape[1:], row.tobytes()) for row in table]
    return [repr(row) for row in (table.tolist() if isinstance(table, np.ndarray) else table)]
