"""How long a page of the inventory takes with very many models: off an index, by words, by a filter and another order; as a page of the gateway; and
checking the audit log.

`python -m bench.inventory` on SQLite in a temporary folder, `python -m bench.inventory postgresql://…` on an empty database; `--quick`: fewer models.
"""

from __future__ import annotations

import datetime as dt
import json
import random
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, get_args

from sqlalchemy import insert, text

from bench.machine import RESULTS, median, where
from camelopard.store import audit, listing
from camelopard.store.database import Database
from camelopard.store.inventory import STATES
from camelopard.store.listing import Sort
from camelopard.store.roles import Actor
from camelopard.store.tables import models

NOW = dt.datetime(2026, 3, 1, tzinfo=dt.UTC)
THEMES = ("credit", "fraud", "churn", "price", "demand", "vision", "text", "spam", "triage", "income", "route", "image", "claims", "energy")
TURNS = 7
QUESTIONS: dict[str, dict[str, Any]] = {
    "all": {},
    "in one state": {"state": "shadow"},
    "of one tier": {"tier": "critical"},
    "of one owner": {"owner": "team-7"},
    "by a word that is in many": {"words": "fraud"},
    "by words that are in few": {"words": "fraud 777"},
    "by words that are in none": {"words": "nothing such"},
}


def fill(database: Database, n: int) -> None:
    """Put models in at once: through the front door it would take hours."""
    rng = random.Random(0)
    rows = []
    for i in range(n):
        name, owner = f"{rng.choice(THEMES)}-{rng.choice(THEMES)}-{i}", f"team-{rng.randrange(500)}"
        purpose = f"Decides who is offered what, when, and at which price, in region {rng.randrange(1000)} of our stores."
        exposure, consequence = rng.randint(1, 5), rng.randint(1, 5)
        row = {"name": name, "owner": owner, "purpose": purpose, "exposure": exposure, "consequence": consequence, "stake": exposure * consequence}
        row |= {"state": rng.choices(STATES, [5, 1, 4, 3])[0], "words": f"{name} {owner} {purpose}".lower(), "made_at": NOW}
        row |= {"changed_at": NOW + dt.timedelta(seconds=rng.randrange(10**7)), "traffic": rng.randrange(10**6), "not_passed": rng.random()}
        rows.append(row | {"accuracy": rng.choice((-1.0, rng.random())), "questions": rng.randrange(9)})
    with database._writing() as connection:
        connection.execute(insert(models), rows)
    with database._writing() as connection:
        connection.execute(text("ANALYZE"))


def took(work: Callable[[], Any]) -> tuple[float, float]:
    """Return the milliseconds that it takes and those that the processor works here, medians of some turns. On SQLite the latter is all the work."""
    times, work_times = [], []
    for _ in range(TURNS):
        start, cpu = time.perf_counter(), time.process_time()
        work()
        times.append(1e3 * (time.perf_counter() - start))
        work_times.append(1e3 * (time.process_time() - cpu))
    return float(median(times)), float(median(work_times))


def run(database: Database, n: int, entries: int) -> dict[str, dict[str, float]]:
    fill(database, n)
    print(f"{n:,} models, pages of 50, ms (of the processor): the quickest order, the slowest, and the slowest of second pages")
    for what, which in QUESTIONS.items():
        first: list[tuple[float, float]] = []
        second: list[tuple[float, float]] = []
        for sort in get_args(Sort):
            for down in (False, True):
                ask = partial(listing.page, database, sort=sort, descending=down, **which)
                first.append(took(ask))
                after = ask().next
                if after:
                    second.append(took(partial(ask, after=after)))
        print(f"  {what:28}{_shown(min(first))}{_shown(max(first))}{_shown(max(second, default=(0.0, 0.0)))}")
    print(f"  {'how many by words':28}{_shown(took(partial(listing.count, database, words='fraud')))}")
    shown = pages(database)
    with database.change(Actor.itself(), NOW) as change:
        for i in range(entries):
            change.apply(action="model changed", on=("model", f"model {i}"), details={"owner": ["ann", "ben"]}, needs="change models")
    start = time.perf_counter()
    found = audit.verify(database)
    print(f"{found} Checked at {entries / (time.perf_counter() - start):,.0f} entries/s")
    return shown


def pages(database: Database) -> dict[str, dict[str, float]]:
    """Return and say how long the page of the inventory takes on the server, as a browser asks for it, and how large it is, with its style and without."""
    from starlette.testclient import TestClient

    from camelopard.server.home import Home
    from camelopard.server.web.app import managed
    from camelopard.server.web.visitor import COOKIE
    from camelopard.store import people, sessions
    from camelopard.store.secret import Secret

    own = Secret("a sentence that I keep")
    with database.change(Actor.itself(), NOW) as change:
        word = people.add(change, "vera", ["viewer"])
    session = sessions.sign_in(database, "vera", word, "", NOW)
    session = sessions.change_password(database, session, word, own, "", NOW)
    home = Home(database, Path(), None, clock=lambda: NOW)
    client = TestClient(managed(home, ["testserver"]), cookies={COOKIE: session.secret.reveal()})
    style = sum(int(client.get(f"/static/{name}").headers["content-length"]) for name in ("report.css", "pages.css"))
    print("  the page of it, on the server, ms (of the processor); compressed, kB; with its style, kB")
    found: dict[str, dict[str, float]] = {}
    for path in ("/models", "/models?sort=traffic&descending=true", "/models?words=fraud", "/models?words=fraud&tier=critical&sort=accuracy"):
        said = client.get(path)
        assert said.status_code == 200, said.text
        size = int(said.headers["content-length"])
        times = took(partial(client.get, path))
        found[path] = {"ms": times[0], "cpu_ms": times[1], "kb": (size + style) / 1e3}
        print(f"    {path:54}{_shown(times)}{size / 1e3:8.1f}{(size + style) / 1e3:8.1f}")
    return found


def _shown(times: tuple[float, float]) -> str:
    return f"{times[0]:8.1f} ({times[1]:.1f})".ljust(18)


def main() -> None:
    places = [word for word in sys.argv[1:] if not word.startswith("--")]
    n, entries = (5_000, 1_000) if "--quick" in sys.argv else (100_000, 20_000)
    print(where())
    with tempfile.TemporaryDirectory() as folder, Database.open(places[0] if places else f"{folder}/facts.db") as database:
        found = run(database, n, entries)
    if "--quick" not in sys.argv and not places:
        (RESULTS / "inventory.json").write_text(json.dumps({"where": where(), "models": n, "pages": found}, indent=1) + "\n")


if __name__ == "__main__":
    main()
