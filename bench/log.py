"""The log of verdicts: rows per CPU-second, what appending costs the caller, what a killed process loses, and pages over ten million verdicts.

Of the pages both what reading the log takes, and the whole answer of the server to a browser.

`python -m bench.log` makes ten million rows in a temporary folder (about two gigabytes); `--quick` leaves that out.
"""

from __future__ import annotations

import datetime as dt
import json
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from bench.machine import RESULTS, ROOT, into_readme, median, where
from camelopard.core.records import Reason, Repair
from camelopard.demo.data import adult
from camelopard.firewall.verdicts import Verdicts
from camelopard.store.log import VerdictLog
from camelopard.store.log_columns import Parcel, groups, micros, table
from camelopard.store.log_privacy import Privacy
from camelopard.store.log_reading import counts, page, read, row
from camelopard.store.log_table import add, made
from camelopard.store.log_upkeep import maintain

ROWS = 60_000
STOPPED = 0.03  # share of rows that do not pass, and are put into words
TURNS = 5
MANY, PORTION, DAYS = 10_000_000, 250_000, 30
NOW = dt.datetime(2026, 3, 1, 12, 0, tzinfo=dt.UTC)
REASONS = [
    Reason("out-of-range", "age", 1985, "", 0.7, "age is 1985; expected a whole number between 17 and 90, never missing"),
    Reason("unlikely", "education_num", 3, "", 0.3, "education_num = 3 does not fit the rest of the row"),
]
RARE = [Reason("wrong-type", "age", "x", "", 1.0, "age is 'x'; expected a whole number between 17 and 90, never missing")]
SELDOM = 1_000  # rows, of which one has the rare reason if it is stopped at all
START, END = "<!-- written by `python -m bench.log` -->", "<!-- end of figures -->"
RATES = {
    "adult_100_together": "rows of 14 columns kept whole, 3 of 100 put into words, 100 a request",
    "adult_no_inputs": "nothing of the inputs kept",
    "adult_hashed": "one hash a row",
    "adult_one_by_one": "kept whole, one row a request",
    "30_numbers": "rows of 30 random numbers, kept whole",
}
LOOKS = {
    "page": "the newest hundred, and counts by hour of the last day",
    "newest_100_blocked": "the newest hundred that were blocked",
    "counts_by_hour_of_all": "counts by hour of all thirty days, once they were counted",
    "one_by_its_id": "one by its id",
}
PAGES = {
    "traffic": "the [page](gateway.md#looking-at-traffic) with the newest fifty and the chart of the last day",
    "traffic_of_a_rare_reason": "for a reason that one row in 30,000 has",
    "traffic_of_thirty_days": "for the last thirty days",
    "verdict": "one verdict of two weeks ago",
}


def verdicts(n: int, seed: int) -> Verdicts:
    rng = np.random.default_rng(seed)
    risk = rng.random(n)
    route = np.where(risk < STOPPED, rng.choice(["review", "repair", "block"], n), "pass").astype(object)
    answers = rng.choice([">50K", "<=50K"], n).astype(object)
    shares = np.column_stack([risk, 1 - risk])
    repair = Repair({"age": 36}, ">50K", np.array([0.4, 0.6]))

    def reasons(i: int) -> list[Reason]:
        return RARE if i % SELDOM == 7 else REASONS

    return Verdicts(np.arange(n), answers, shares, risk, 1 - risk, rng.random(n), route, reasons, lambda i: repair)


def people() -> list[dict[str, Any]]:
    """Return rows of Adult as they come in a body of JSON: 14 columns, numbers and texts."""
    data = adult().test.astype(object)
    rows = data.where(data.notna(), None).to_dict("records")
    plain: list[dict[str, Any]] = json.loads(json.dumps(rows, default=float))
    return (plain * (ROWS // len(plain) + 1))[:ROWS]


def numbers() -> list[dict[str, Any]]:
    """Return rows of 30 numbers without pattern: the worst that there is to pack."""
    cells = np.random.default_rng(0).normal(size=(ROWS, 30)).tolist()
    names = [f"number_{k}" for k in range(30)]
    return [dict(zip(names, row, strict=True)) for row in cells]


def rate(rows: list[dict[str, Any]], together: int, **options: Any) -> float:
    """Return rows per second of CPU, all threads of the process together, appending and writing."""
    starts = range(0, len(rows), together)
    said = [verdicts(min(together, len(rows) - start), start) for start in starts]
    with tempfile.TemporaryDirectory() as folder, VerdictLog(folder, most_waiting=10 * ROWS, **options) as log:
        log.append("income", "c0ffee", "first", verdicts(1, 0), rows[:1], ["answer"], NOW)
        log.flush()  # libraries are loaded, the table is there
        begin = time.process_time()
        for start, judged in zip(starts, said, strict=True):
            part = rows[start : start + together]
            log.append("income", "c0ffee" * 10, f"{start:016x}", judged, part, ["answer"] * len(part), NOW)
        log.flush(60.0)
        used = time.process_time() - begin
        assert log.health().written == len(rows) + 1, log.health()
    return len(rows) / used


def calling(rows: list[dict[str, Any]]) -> dict[str, float]:
    """Return what one append costs the caller, in microseconds, while the log is being written."""
    took = []
    one = verdicts(1, 0)
    with tempfile.TemporaryDirectory() as folder, VerdictLog(folder) as log:
        log.flush()
        for k in range(6_000):
            begin = time.perf_counter()
            log.append("income", "c0ffee", f"{k:016x}", one, [rows[k]], ["answer"], NOW)
            took.append((time.perf_counter() - begin) * 1e6)
            time.sleep(0.0003)
    took.sort()
    return {"p50_us": round(took[len(took) // 2], 1), "p99_us": round(took[int(0.99 * len(took))], 1), "largest_us": round(took[-1], 1)}


CHILD = """
import datetime as dt, sys, time
from bench.log import verdicts
from camelopard.store.log import VerdictLog
log, said = VerdictLog(sys.argv[1]), verdicts(1, 0)
log.flush()
for k in range(1_000_000):
    log.append("m", "f", f"r{k}", said, [{"k": k}], ["answer"], dt.datetime.now(dt.UTC))
    print(k, time.time(), flush=True)
    time.sleep(0.001)
"""


def killed(seconds: float) -> float:
    """Return how old the oldest row was that a process lost which was killed after so many seconds of traffic."""
    with tempfile.TemporaryDirectory() as folder:
        child = subprocess.Popen([sys.executable, "-c", CHILD, folder], stdout=subprocess.PIPE, text=True)
        assert child.stdout is not None
        lines = [child.stdout.readline()]
        time.sleep(seconds)
        child.send_signal(signal.SIGKILL)
        end = time.time()
        lines += child.stdout.readlines()
        child.wait()
        kept = set()
        last = None
        while page := read(folder, limit=10_000, before=last):
            kept |= {row.cells["k"] for row in page}
            last = page[-1].place
    told = {int(k): float(at) for k, at in (line.split() for line in lines if line.endswith("\n"))}
    return max((end - at for k, at in told.items() if k not in kept), default=0.0)


def portions() -> Iterator[pa.Table]:
    """Yield ten million rows of the log, spread over thirty days, in portions of one time after the other."""
    rows = people()
    n = min(PORTION, len(rows))
    parcel = Parcel("income", "c0ffee" * 10, "r", verdicts(n, 1), rows[:n], ["answer"] * n, micros(NOW))
    part = pa.concat_tables([table(group, Privacy()) for group in groups([parcel])])
    part = pa.concat_tables([part] * (PORTION // n + 1)).slice(0, PORTION).combine_chunks()
    end, step = micros(NOW), DAYS * 86_400_000_000 // MANY
    for k in range(MANY // PORTION):
        time_ = end - (MANY - k * PORTION - np.arange(PORTION, dtype=np.int64)) * step
        drawn = (np.arange(k * PORTION, (k + 1) * PORTION, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15) >> np.uint64(32)).tolist()
        request = pa.array([f"{at:013x}{some:08x}" for at, some in zip(time_.tolist(), drawn, strict=True)])  # as the gateway names them
        new = {
            "time": pa.array(time_, pa.timestamp("us", "UTC")),
            "day": pa.array((time_ // 86_400_000_000).astype(np.int32), pa.date32()),
            "request": request,
            "row": pa.array(np.zeros(PORTION, dtype=np.int32)),
        }
        yield pa.Table.from_arrays([new.get(name, part[name]) for name in part.column_names], schema=part.schema)


def timed(work: Callable[[], Any]) -> float:
    times = []
    for _ in range(TURNS):
        begin = time.perf_counter()
        work()
        times.append((time.perf_counter() - begin) * 1e3)
    return round(median(times), 1)


def pages() -> dict[str, Any]:
    """Return how long pages over ten million verdicts take, in milliseconds."""
    day, hour, month = dt.timedelta(days=1), dt.timedelta(hours=1), dt.timedelta(days=DAYS)
    with tempfile.TemporaryDirectory() as folder:
        lake = made(folder)
        for k, portion in enumerate(portions()):
            add(lake, portion, "bench", k, 0)
        begin = time.perf_counter()
        maintain(folder, NOW)
        upkeep = time.perf_counter() - begin
        middle = NOW - 15 * day
        last, middling = read(folder, limit=100)[-1].place, read(folder, limit=1, until=middle)[0]
        found = {
            "page_ms": timed(lambda: (read(folder, limit=100), counts(folder, "hour", since=NOW - day))),
            "newest_100_ms": timed(lambda: read(folder, limit=100)),
            "next_100_ms": timed(lambda: read(folder, limit=100, before=last)),
            "newest_100_blocked_ms": timed(lambda: read(folder, limit=100, route="block")),
            "hundred_in_the_middle_ms": timed(lambda: read(folder, limit=100, since=middle, until=middle + hour, model="income")),
            "one_by_its_id_ms": timed(lambda: row(folder, middling.id)),
            "the_one_before_ms": timed(lambda: read(folder, limit=1, after=middling.place, cells=False)),
            "50_of_a_frequent_reason_ms": timed(lambda: page(folder, limit=50, reason=REASONS[0].code)),
            "50_of_a_rare_reason_ms": timed(lambda: page(folder, limit=50, reason=RARE[0].code)),
            "no_such_model_ms": timed(lambda: read(folder, limit=100, model="nobody")),
            "counts_by_minute_of_an_hour_ms": timed(lambda: counts(folder, "minute", since=NOW - hour)),
            "counts_by_hour_of_a_day_ms": timed(lambda: counts(folder, "hour", since=NOW - day)),
            "counts_by_hour_of_all_ms": timed(lambda: counts(folder, "hour", since=NOW - month)),
            **served(folder, middling.id),
        }
        rows = sum(sum(count.rows.values()) for count in counts(folder, "day"))
        size = sum(path.stat().st_size for path in Path(folder).glob("day=*/*.zstd.parquet"))
    return {"rows": rows, "bytes_per_row": round(size / rows), "upkeep_seconds": round(upkeep, 1), **found}


def served(place: str, id: str) -> dict[str, Any]:
    """Return how long the server takes for its pages over a log, in milliseconds: the first time, and the median of some."""
    from starlette.testclient import TestClient

    from camelopard.server.home import Home
    from camelopard.server.web.app import managed
    from camelopard.server.web.visitor import COOKIE
    from camelopard.store import inventory, people, sessions
    from camelopard.store.roles import Actor
    from camelopard.store.secret import Secret

    with tempfile.TemporaryDirectory() as folder, Home.open(folder, verdicts=place) as home:
        home.clock = lambda: NOW
        with home.database.change(Actor.itself(), NOW) as change:
            inventory.add(change, "income", owner="bench", purpose="", exposure=3, consequence=3)
            word = people.add(change, "ann", ["labeller"])
        session = sessions.sign_in(home.database, "ann", word, "127.0.0.1", NOW)
        own = Secret("a sentence that I keep")
        session = sessions.change_password(home.database, session, word, own, "127.0.0.1", NOW)
        client = TestClient(managed(home, ["testserver"]), cookies={COOKIE: session.secret.reveal()})
        found: dict[str, Any] = {}
        for name, path in (
            ("traffic", "/traffic"),
            ("traffic_of_a_model", "/models/income/traffic"),
            ("traffic_blocked", "/traffic?route=block&time=day"),
            ("traffic_of_a_reason", "/traffic?reason=unlikely"),
            ("traffic_of_a_rare_reason", "/traffic?reason=wrong-type"),
            ("traffic_of_thirty_days", "/traffic?time=month"),
            ("verdict", f"/traffic/{id}"),
            ("api", "/api/traffic"),
        ):
            begin = time.perf_counter()
            said = client.get(path)
            assert said.status_code == 200, said.text
            found[f"{name}_page_first_ms"] = round((time.perf_counter() - begin) * 1e3, 1)
            found[f"{name}_page_ms"] = timed(lambda path=path: client.get(path))
        return found


def markdown(found: dict[str, Any]) -> str:
    """Return the figures as a table."""
    ten, append, lost = found["ten_million"], found["append"], found["lost_by_kill_seconds"]
    told = {
        f"{what}, rows per CPU-second": f"{one['median']:,} ({one['best']:,})"
        for key, what in RATES.items()
        for one in [found["rows_per_cpu_second"][key]]
    }
    told["what `append` costs its caller"] = f"{append['p50_us']:.0f} µs, {append['p99_us']:.0f} µs in one of a hundred calls"
    told["oldest row that a killed process lost"] = f"{min(lost):.1f} to {max(lost):.1f} s"
    told |= {f"ten million verdicts in thirty days: {what}": f"{ten[f'{key}_ms']:.0f} ms" for key, what in LOOKS.items()}
    for key, what in PAGES.items():
        told[f"the same: {what}, as the server answers it"] = f"{ten[f'{key}_page_ms']:.0f} ms ({ten[f'{key}_page_first_ms']:.0f} ms the first time)"
    lines = [f"`python -m bench.log` ({found['machine']}; medians, the best of five turns in brackets):", "", "| | |", "|---|---|"]
    return "\n".join([*lines, *(f"| {what} | {figure} |" for what, figure in told.items())])


def main() -> None:
    rows, cells = people(), numbers()
    key = bytes(32)
    ways: dict[str, Callable[[], float]] = {
        "adult_10000_together": lambda: rate(rows, 10_000),
        "adult_100_together": lambda: rate(rows, 100),
        "adult_one_by_one": lambda: rate(rows, 1),
        "adult_hashed": lambda: rate(rows, 10_000, inputs="hashed", key=key),
        "adult_one_column_hidden": lambda: rate(rows, 10_000, hidden=("native_country",)),
        "adult_no_inputs": lambda: rate(rows, 10_000, inputs="none"),
        "30_numbers": lambda: rate(cells, 10_000),
    }
    rate(rows, 1000)  # warms up
    rates = {name: [way() for _ in range(TURNS)] for name, way in ways.items()}
    found = {name: {"median": round(median(rate)), "best": round(max(rate))} for name, rate in rates.items()}
    result = {
        "machine": where(),
        "rows_per_cpu_second": found,
        "append": calling(rows),
        "lost_by_kill_seconds": [round(killed(1.5 + s / 3), 2) for s in range(3)],
    }
    if "--quick" not in sys.argv:
        result["ten_million"] = pages()
        (RESULTS / "log.json").write_text(json.dumps(result, indent=1) + "\n")
        into_readme(START, END, markdown(result), ROOT / "docs" / "verdict-log.md")
    print(json.dumps(result))


if __name__ == "__main__":
    main()
