"""`camelopard serve`: the firewall in front of a model, over HTTP."""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from camelopard.cli.options import Encoder

if TYPE_CHECKING:
    from rich.console import Console

    from camelopard.firewall.firewall import Firewall
    from camelopard.server.gateway import App, Gateway
    from camelopard.server.home import Home
    from camelopard.server.scoring.served import Served

KEY = "CAMELOPARD_LOG_KEY"  # environment variable with the key of hashed inputs
PLACE = "CAMELOPARD_SERVED"  # environment variable in which worker processes find what to serve


def serve(
    firewall: Annotated[Path, typer.Argument(help="A firewall that fit wrote.")],
    model: Annotated[str, typer.Option("--model", help="The model it was fitted to; the URL of a server for a model that is served already.")],
    host: Annotated[
        str, typer.Option("--host", help="Address to listen on. Others than this machine can reach it only if you name another one.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option("--port", help="Port to listen on.")] = 8080,
    name: Annotated[str | None, typer.Option("--name", help="What the model is called in paths; by default the firewall file's name.")] = None,
    mode: Annotated[
        str,
        typer.Option(
            "--mode",
            help="guard: do what the routes say; shadow: answer everything, say what would be done; mirror: judge a copy; off: the model alone.",
        ),
    ] = "guard",
    on_repair: Annotated[str, typer.Option("--on-repair", help="answer, repaired, hold or refuse.")] = "repaired",
    on_review: Annotated[str, typer.Option("--on-review", help="answer, repaired, hold or refuse.")] = "hold",
    on_block: Annotated[str, typer.Option("--on-block", help="answer, repaired, hold or refuse.")] = "refuse",
    failing: Annotated[str, typer.Option("--failing", help="When the firewall itself fails: open gives the model's answer, closed none.")] = "closed",
    timeout: Annotated[float, typer.Option("--timeout", help="Seconds for reading a request, and again for answering it.")] = 30.0,
    most_at_once: Annotated[int, typer.Option("--most-at-once", help="Requests in work at the same time; further ones are told to come back.")] = 64,
    log: Annotated[str | None, typer.Option("--log", help="Where every verdict is kept: a folder, or the URL of an object store.")] = None,
    log_inputs: Annotated[str, typer.Option("--log-inputs", help="What is kept of the rows: whole, hashed or none.")] = "whole",
    keep_days: Annotated[int | None, typer.Option("--keep-days", help="Days of the log that are kept; by default all.")] = None,
    hidden: Annotated[str, typer.Option("--hidden", help="Columns that are never kept, separated by commas.")] = "",
    hashed: Annotated[
        str,
        typer.Option("--hashed", help="Columns of which keyed hashes are kept, separated by commas. The key: CAMELOPARD_LOG_KEY."),
    ] = "",
    home: Annotated[
        Path | None, typer.Option("--home", help="A folder to remember in: models, versions, people, verdicts. With it come the pages and their API.")
    ] = None,
    facts: Annotated[str | None, typer.Option("--facts", help="Keep models, versions and people in this database (a URL) instead.")] = None,
    called: Annotated[str, typer.Option("--called", help="Names by which people reach this server, separated by commas, beside localhost.")] = "",
    tokens: Annotated[
        bool, typer.Option("--tokens", help="Models are asked with a token (scope: ask models), which people make on the pages. Needs --home.")
    ] = False,
    private_metrics: Annotated[bool, typer.Option("--private-metrics", help="With --tokens: /metrics needs one, too (scope: see models).")] = False,
    proxy: Annotated[
        str,
        typer.Option("--proxy", help="Addresses or networks of proxies in front, separated by commas: what they say of the client is believed."),
    ] = "",
    traces: Annotated[
        bool, typer.Option("--traces", help="Send a span per request to OpenTelemetry; OTEL_EXPORTER_OTLP_ENDPOINT and the like say where.")
    ] = False,
    workers: Annotated[int, typer.Option("--workers", help="Processes that share the port.")] = 1,
    classes: Annotated[str | None, typer.Option("--classes", help="Class names in the model's order, separated by commas.")] = None,
    encoder: Encoder = None,
    trust: Annotated[bool, typer.Option("--trust", help="Load a pickle, which runs code.")] = False,
) -> None:
    """Serve the model behind its firewall: Open Inference Protocol, MLflow's invocations, plain JSON."""
    from camelopard.cli.telling import console
    from camelopard.core.errors import CamelopardError, require

    if tokens and home is None:
        raise CamelopardError("--tokens needs --home DIR: that is where people and their tokens are kept.")
    if private_metrics and not tokens:
        raise CamelopardError("--private-metrics needs --tokens: without them nobody could read the metrics.")
    require("msgspec", extra="serve")
    from camelopard.server.run import proxies_of, run
    from camelopard.server.scoring.settings import Settings

    proxies = proxies_of(proxy)
    settings = Settings(mode, "answer", on_repair, on_review, on_block, failing, timeout, most_at_once=most_at_once)  # type: ignore[arg-type]  # checked by it
    os.environ[PLACE] = json.dumps(
        {
            "firewall": str(firewall),
            "model": model,
            "name": name,
            "settings": settings.to_json(),
            "trust": trust,
            "classes": classes,
            "encoder": encoder,
            "log": log,
            "keep_days": keep_days,
            "inputs": log_inputs,
            "hidden": _listed(hidden),
            "hashed": _listed(hashed),
            "home": None if home is None else str(home),
            "facts": facts,
            "tokens": tokens,
            "traces": traces,
            "private_metrics": private_metrics,
            "workers": workers,
            "called": [host, *_listed(called)],
        }
    )
    made = application()
    called, at = made.first, f"http://{host}:{port}"
    said = console()
    if home is not None:
        _settle(made, said, at)
    said.print(f"{called} is served at {at} ({mode}). Try it:", markup=False)
    shown = " -H 'Authorization: Bearer camelopard_…'" if tokens else ""
    said.print(f"  curl -s {at}/predict{shown} -d '[{{…}}]'        {at}/openapi.json        {at}/metrics", markup=False)
    run(made if workers == 1 else "camelopard.cli.serve:application", host=host, port=port, workers=workers, patience=timeout, proxies=proxies)


def application() -> Gateway:
    """Return the gateway that the environment describes; each worker process makes its own."""
    from camelopard.server.lines import to_standard_error
    from camelopard.server.run import without_pauses

    to_standard_error()
    made = _gateway(json.loads(os.environ[PLACE]))
    without_pauses()
    return made


def _gateway(plan: Mapping[str, Any]) -> Gateway:
    from camelopard.cli.loading import firewall_of
    from camelopard.server.gateway import Gateway
    from camelopard.server.scoring.places import check_processes
    from camelopard.server.scoring.served import Served
    from camelopard.server.scoring.settings import Settings

    path, word = Path(plan["firewall"]), plan["model"]

    models: dict[str, Served] = {}
    name = plan["name"] or path.stem
    kept = None
    home = None if plan["home"] is None else _home(plan, models)
    log = plan["log"] if home is None else home.verdicts
    if log:
        from camelopard.store.log import VerdictLog

        kept = VerdictLog(log, inputs=plan["inputs"], hidden=plan["hidden"], hashed=plan["hashed"], key=_key(plan))

    def loaded() -> Firewall:
        fitted = firewall_of(path, word, trust=plan["trust"], classes=plan["classes"], encoder=plan["encoder"])
        check_processes(fitted.policy, plan["workers"])
        if home is None:
            return fitted
        from camelopard.server.management.enrolment import firewall_to_serve

        return firewall_to_serve(home, name, fitted, home.clock())

    remote = word.startswith(("http://", "https://"))
    settings = Settings.from_json(plan["settings"])
    served = models[name] = Served(loaded(), settings, remote=remote, again=loaded, log=kept, processes=plan["workers"])
    served.keep_days = plan["keep_days"]
    if kept is not None:
        warn_of_strangers([*plan["hidden"], *plan["hashed"]], served.force.schema.names)
    tracing = None
    if plan["traces"]:
        from camelopard.server.tracing import Tracing

        tracing = Tracing()
    if home is None:
        return Gateway(models, tracing=tracing)
    from camelopard.server.management.gauging import Watch

    def face() -> App:
        from camelopard.server.web.app import managed

        return managed(home, plan["called"], tokens=plan["tokens"])

    if not plan["tokens"]:
        return Gateway(models, face, Watch(home), tracing=tracing)
    from camelopard.server.admission import Admission

    return Gateway(models, face, Watch(home), Admission(home, metrics=plan["private_metrics"]), tracing)


def warn_of_strangers(columns: Iterable[str], names: Sequence[str]) -> None:
    """Log which columns that are to be kept from the log the model does not have: a name misspelt would keep nothing from it."""
    known = {name.strip().casefold() for name in names}
    for column in columns:
        if column.casefold() not in known:
            logging.getLogger("camelopard.server").warning(
                "%r, which the log is not to hold, is no column of the model. It is kept from the log where clients send it; if it is misspelt, "
                "the column that is meant is not.",
                column,
            )


def _key(plan: Mapping[str, Any]) -> bytes | None:
    """Return the key of hashes; None where nothing is hashed.

    Raises
    ------
    CamelopardError
        If something is to be hashed and the environment holds no key, or one that is too short or too long.
    """
    from camelopard.core.errors import CamelopardError
    from camelopard.store.log_privacy import LONGEST_KEY, SHORTEST_KEY

    asked = "--hashed" if plan["hashed"] else "--log-inputs hashed" if plan["inputs"] == "hashed" else None
    if asked is None:
        return None
    key = os.environ.get(KEY, "").encode()
    if not SHORTEST_KEY <= len(key) <= LONGEST_KEY:
        what = f"this one has {len(key)}" if key else "there is none"
        raise CamelopardError(
            f"{asked} needs a secret key of {SHORTEST_KEY} to {LONGEST_KEY} bytes in the environment variable {KEY}; {what}. "
            "Make one with python -c 'import secrets; print(secrets.token_hex(32))', and keep it."
        )
    return key


def _listed(text: str) -> list[str]:
    """Return the names in a text in which commas part them."""
    return [one.strip() for one in text.split(",") if one.strip()]


def _home(plan: Mapping[str, Any], models: Mapping[str, Served]) -> Home:
    """Return the gateway's memory; each process opens it for itself."""
    from camelopard.server.home import Home

    return Home.open(plan["home"], plan["facts"], plan["log"], models)


def _settle(made: Gateway, said: Console, at: str) -> None:
    """Say how to sign in where nobody has yet, and which version is in force."""
    from camelopard.server.home import utc
    from camelopard.store import inventory, people

    plan = json.loads(os.environ[PLACE])
    with _home(plan, {}) as home:
        for name in made.models:
            said.print(f"Version {inventory.get(home.database, name).version} of {name} is in force.", markup=False)
        word = people.first_admin(home.database, utc())
        how = "" if word is None else f". Sign in as admin with the one-time password {word.reveal()}"
        said.print(f"Its pages are at {at}{how}", markup=False)
