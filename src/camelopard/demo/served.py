"""The story behind a gateway: the income model with its firewall, its pages, a day of traffic that went by, and traffic that goes on."""

from __future__ import annotations

import datetime as dt
import json
import threading
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from camelopard.core.batch import plain
from camelopard.core.protocols import Progress, silent
from camelopard.demo.data import Adult, adult, income_model
from camelopard.demo.day import Row
from camelopard.firewall.firewall import Firewall
from camelopard.models.wrap import wrap
from camelopard.server.gateway import App, Gateway
from camelopard.server.home import Home
from camelopard.server.management.enrolment import enrol
from camelopard.server.scoring.judge import request_id
from camelopard.server.scoring.outcome import outcome
from camelopard.server.scoring.served import Served
from camelopard.server.scoring.settings import Settings
from camelopard.store import inventory, people
from camelopard.store.log import VerdictLog
from camelopard.store.roles import Actor

NAME = "income"
ROWS = 2_400  # of the day
BY_HOUR = (1, 1, 1, 1, 1, 2, 4, 7, 10, 12, 12, 11, 10, 11, 12, 12, 11, 9, 7, 5, 4, 3, 2, 1)  # how busy each hour of the day is
MOST_AT_ONCE = 12  # rows of a request
AMISS = 0.04  # of the rows
INCIDENT = (14, 16, 0.4)  # the hours in which one client sends minutes instead of hours, and its share of the requests
PAUSE = 1.5  # seconds between two requests of the traffic that goes on


@dataclass(frozen=True)
class Call:
    """A request of the day: when it came, and its rows."""

    at: dt.datetime
    rows: list[Row]


@dataclass(frozen=True)
class Stage:
    """What was set up: the gateway, its memory, and the password of the first admin; None where there was one before."""

    gateway: Gateway
    home: Home
    word: str | None
    clean: list[Row]


def staged(place: Path, console: Any, progress: Progress = silent, budget: int | str | None = None, rows: int = ROWS) -> Stage:
    """Train the model, fit its firewall, and let a day of traffic go by; all that is remembered lies in the folder `place`."""
    console.print("[bold]1.[/] An income model is trained on 16,280 people of the 1994 census (Adult, UCI, CC BY 4.0).")
    data = adult()
    model = wrap(income_model(data), name=NAME)
    console.print("[bold]2.[/] Camelopard stresses it on 16,281 others, finds what fools it, and trains its firewall.")
    firewall = Firewall(alpha=0.01, budget=budget, seed=0).fit(model, data.held, data.held_labels, reference=data.train, progress=progress)
    console.print(f"[bold]3.[/] A day of traffic goes by: {rows:,} people, some of them with something amiss.")
    models: dict[str, Served] = {}
    home = Home.open(place, served=models)
    log = VerdictLog(str(home.verdicts))
    served = models[NAME] = Served(firewall, Settings(), log=log)
    _introduced(home, firewall)
    now = home.clock()
    for call in day(data, now - dt.timedelta(days=1), rows, np.random.default_rng(0)):
        verdicts, name = firewall.screen(call.rows), request_id(int(call.at.timestamp() * 1e6))
        said = outcome(verdicts, served.settings, name)
        log.append(NAME, served.force.content, name, verdicts, call.rows, said.done, call.at)
    log.flush()
    word = people.first_admin(home.database, now)
    return Stage(_gateway(home, models), home, None if word is None else word.reveal(), _plain_rows(data.test, range(200)))


def day(data: Adult, start: dt.datetime, rows: int, rng: np.random.Generator) -> Iterator[Call]:
    """Yield the requests of a day, in order: busier by day than by night, with mishaps here and there, and an incident in the afternoon."""
    weights = np.array([BY_HOUR[(start + dt.timedelta(hours=k)).hour] for k in range(24)], dtype=np.float64)
    hours = np.sort(rng.choice(24, size=rows, p=weights / weights.sum()) + rng.random(rows))
    chosen = _plain_rows(data.test, rng.permutation(len(data.test))[:rows])
    begin = 0
    while begin < rows:
        end = min(begin + int(rng.integers(1, MOST_AT_ONCE + 1)), rows)
        at = start + dt.timedelta(hours=float(hours[begin]))
        incident = INCIDENT[0] <= at.hour < INCIDENT[1] and rng.random() < INCIDENT[2]
        yield Call(at, [_in_minutes(row) if incident else amiss(row, rng) for row in chosen[begin:end]])
        begin = end


def amiss(row: Row, rng: np.random.Generator) -> Row:
    """Return the row as it comes: mostly as it is, sometimes with a mishap."""
    return row if rng.random() >= AMISS else _MISHAPS[int(rng.integers(len(_MISHAPS)))](row)


def _in_minutes(row: Row) -> Row:
    return {**row, "hours_per_week": row["hours_per_week"] * 60}


_MISHAPS: tuple[Callable[[Row], Row], ...] = (
    lambda row: {**row, "age": 2021 - row["age"]},  # given as a birth year
    lambda row: {**row, "age": "thirty-six"},
    lambda row: {**row, "capital_gain": row["capital_gain"] * 100},  # in cents
    lambda row: {**row, "education_num": None, "marital_status": None, "age": None},
    lambda row: {**row, "marital_status": "Domestic-partnership", "relationship": "Partner"},
    lambda row: {**row, "age": row["hours_per_week"], "hours_per_week": row["age"]},
    lambda row: {**row, "fnlwgt": row["fnlwgt"] * 10},  # odd, and harmless: the model ignores it
    _in_minutes,
)


def going_on(stage: Stage, address: str, seed: int) -> threading.Event:
    """Send rows to the gateway from now on, one request after the other, in a thread; return what ends it."""
    end, rng = threading.Event(), np.random.default_rng(seed)

    def send() -> None:
        while not end.wait(PAUSE):
            rows = [amiss(stage.clean[int(rng.integers(len(stage.clean)))], rng) for _ in range(int(rng.integers(1, 4)))]
            asked = urllib.request.Request(f"{address}/predict", json.dumps(rows).encode(), {"Content-Type": "application/json"})
            with suppress(OSError), urllib.request.urlopen(asked, timeout=10) as answer:  # a row that is held or refused is an answer, too
                answer.read()

    threading.Thread(target=send, name="camelopard-demo", daemon=True).start()
    return end


def _introduced(home: Home, firewall: Firewall) -> None:
    """Put the model into the inventory, with what a person would say of it."""
    enrol(home, NAME, firewall, home.clock())
    with home.database.change(Actor.itself(), home.clock()) as change:
        purpose = "Says whether somebody earns more than 50,000 dollars a year, from the census of 1994."
        inventory.edit(change, NAME, owner="the demo", purpose=purpose, exposure=3, consequence=4)


def _gateway(home: Home, models: Mapping[str, Served]) -> Gateway:
    from camelopard.server.management.gauging import Watch

    def face() -> App:
        from camelopard.server.web.app import managed

        return managed(home, ["localhost"])

    return Gateway(models, face, Watch(home))


def _plain_rows(table: Any, which: Sequence[int] | range | Any) -> list[Row]:
    found = table.iloc[list(which)].to_dict("records")
    return [{name: plain(value) for name, value in row.items()} for row in found]
