from __future__ import annotations

import datetime as dt
import errno
import logging
import signal
import subprocess
import sys
import time
from collections import deque
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("deltalake", reason="the log of verdicts needs deltalake: pip install 'camelopard[serve]'")

from camelopard.core.batch import Batch
from camelopard.core.errors import CamelopardError
from camelopard.core.records import Reason, Repair
from camelopard.firewall.verdicts import Verdicts
from camelopard.store.log import Health, VerdictLog
from camelopard.store.log_columns import Parcel
from camelopard.store.log_notes import Note
from camelopard.store.log_privacy import Privacy
from camelopard.store.log_reading import read
from camelopard.store.log_table import add as add_rows
from camelopard.store.log_table import opened, shown
from camelopard.store.log_writer import Writer

NOW = dt.datetime(2026, 3, 1, 12, 0, tzinfo=dt.UTC)
SECRET = "4111-1111-1111-1111"


def verdicts(routes: Sequence[str], reasons: Callable[[int], list[Reason]] | None = None) -> Verdicts:
    n = len(routes)
    said = reasons or (lambda i: [Reason("out-of-range", "age", 1985, "", 1.0, "age is 1985; expected a whole number between 17 and 90")])
    answers = np.array(["yes", "no"] * n, dtype=object)[:n]
    return Verdicts(
        np.arange(n),
        answers,
        np.tile([0.25, 0.75], (n, 1)),
        np.linspace(0, 0.9, n),
        np.full(n, 0.9),
        np.full(n, 0.5),
        np.array(routes, dtype=object),
        said,
        lambda i: Repair({"age": 36}, "no", np.array([0.6, 0.4])),
    )


def add(log: VerdictLog, request: str = "r", n: int = 1, now: dt.datetime = NOW) -> None:
    log.append("income", "f1", request, verdicts(["pass"] * n), [{"age": 36}] * n, ["answer"] * n, now)


def test_every_column_of_a_verdict_comes_back(tmp_path: Path) -> None:
    with VerdictLog(tmp_path) as log:
        log.append("income", "f1", "r1", verdicts(["pass", "review"]), [{"age": 36}, {"age": 1985}], ["answer", "hold"], NOW)
        assert log.flush()
        assert log.health() == Health(None, None, waiting=0, lost=0, written=2)
    fine, odd = read(tmp_path)
    assert (fine.id, fine.time, fine.model, fine.firewall, fine.kept, fine.cells) == ("r1-0", NOW, "income", "f1", "whole", {"age": 36})
    assert (fine.prediction, fine.probabilities, fine.risk, fine.confidence, fine.oddity, fine.novelty) == ("yes", (0.25, 0.75), 0.0, 0.9, 0.5, None)
    assert (fine.route, fine.done, fine.doubt, fine.reasons, fine.repair) == ("pass", "answer", None, (), None)
    assert (odd.route, odd.done, odd.doubt, odd.risk) == ("review", "hold", "data", 0.9)
    assert [(r.code, r.field, r.message, r.contribution) for r in odd.reasons] == [
        ("out-of-range", "age", "age is 1985; expected a whole number between 17 and 90", 1.0)
    ]
    assert odd.repair == {"changes": {"age": 36}, "prediction": "no", "probabilities": [0.6, 0.4]}


def test_rows_that_passed_are_not_put_into_words(tmp_path: Path) -> None:
    asked = []

    def reasons(i: int) -> list[Reason]:
        asked.append(i)
        return []

    with VerdictLog(tmp_path) as log:
        log.append("income", "f1", "r", verdicts(["pass", "block", "pass"], reasons), None, ["answer"] * 3, NOW)
    assert asked == [1]


def test_a_large_request_keeps_the_order_of_its_rows(tmp_path: Path) -> None:
    n = 1500
    batch = Batch({"age": np.arange(n) * 1.0, "name": np.array([f"n{i}" for i in range(n)], dtype=object)}, np.arange(n))
    routes = ["pass"] * n
    routes[1234] = "block"
    with VerdictLog(tmp_path) as log:
        log.append("income", "f1", "r", verdicts(routes, lambda i: [Reason("odd", f"row {i}", None, "", 1.0, "")]), batch, ["answer"] * n, NOW)
    found = read(tmp_path, limit=2000)
    assert [row.row for row in found] == list(range(n))
    assert (found[1234].cells, found[1234].route, found[1234].reasons[0].field) == ({"age": 1234.0, "name": "n1234"}, "block", "row 1234")


def test_verdicts_without_answers_rows_or_a_firewall_are_kept_as_what_they_are(tmp_path: Path) -> None:
    none, route = np.array([None], dtype=object), np.array(["pass"], dtype=object)
    nan = np.full(1, np.nan)
    bare = Verdicts(np.zeros(1), none, None, nan, nan, nan, route, lambda i: [], lambda i: None)
    with VerdictLog(tmp_path) as log:
        log.append("income", "f1", "a", bare, None, ["answer"], NOW)
        log.append("income", "f1", "b", None, [{"age": 36}], ["answer"], NOW)
        log.append("income", "f1", "c", verdicts(["pass"]), [{"age": 1}, {"age": 2}], ["answer"], NOW)
        log.append("income", "f1", "d", verdicts(["pass"]), object(), ["answer"], NOW)
    rows = {row.request: row for row in read(tmp_path)}
    assert (rows["a"].prediction, rows["a"].probabilities, rows["a"].risk, rows["a"].kept) == (None, None, None, "none")
    assert (rows["b"].route, rows["b"].prediction, rows["b"].cells) == ("unjudged", None, {"age": 36})
    assert [rows[name].kept for name in "cd"] == ["none", "none"]


def test_verdicts_whose_words_fail_are_kept_and_broken_ones_are_counted(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    def fails(i: int) -> list[Reason]:
        raise ValueError(SECRET)

    short = verdicts(["pass"] * 2)
    with caplog.at_level(logging.CRITICAL), VerdictLog(tmp_path) as log:
        log.append("income", "f1", "a", verdicts(["block"], fails), [{"age": 1}], ["refuse"], NOW)
        log.append("income", "f1", "b", short, None, ["answer"] * 5, NOW)
        log.append("income", "f1", "b", verdicts(["pass"] * 9), None, ["answer"] * 4, NOW)
        log.append("income", "f1", "b", "no verdicts", None, ["answer"], NOW)  # type: ignore[arg-type]
        add(log, "c")
        log.flush()
        health = log.health()
    assert (health.written, health.lost) == (2, 10)
    assert "could not be made rows" in str(health.problem)
    assert read(tmp_path, request="a")[0].reasons[0].code == "untold"


def test_numbers_of_odd_models_come_back_with_their_types(tmp_path: Path) -> None:
    answers = np.array([1, 1.0, True, "1", float("inf"), 10**30, np.int64(7)], dtype=object)
    n = len(answers)
    zero, route = np.zeros(n), np.array(["pass"] * n, dtype=object)
    said = Verdicts(np.arange(n), answers, None, zero, zero, zero, route, lambda i: [], lambda i: None)
    with VerdictLog(tmp_path) as log:
        log.append("m", "f", "r", said, None, ["answer"] * n, NOW)
    assert repr([row.prediction for row in read(tmp_path)]) == repr([1, 1.0, True, "1", float("inf"), 10**30, 7])


def test_requests_are_let_go_one_after_the_other_with_breaths_between_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    writer = Writer(str(tmp_path), Privacy("whole", (), (), None), {}, 1 << 30)
    parcels: deque[Parcel | Note] = deque(Parcel("income", "f1", f"r{i}", verdicts(["pass"]), [{"age": i}], ["answer"], 0) for i in range(40))
    left: list[int] = []
    monkeypatch.setattr(time, "sleep", lambda seconds: left.append(len(parcels)))
    assert writer.take(parcels) is None and writer.rows == 40
    assert len(left) == 3 and left == sorted(left, reverse=True) and left[-1] == 0 < left[0] < 40


def test_hidden_and_hashed_columns_never_touch_the_disk(tmp_path: Path) -> None:
    def reasons(i: int) -> list[Reason]:
        return [
            Reason("unseen-value", "card", SECRET, "", 0.5, f"card is '{SECRET}'"),
            Reason("order", "age", 1, "", 0.3, f"card is '{SECRET}' and age is 1"),
            Reason("no-answer", None, None, "", 0.2, f"the model gave no answer: could not convert {SECRET!r}"),
            Reason("odd", "age", 1, "", 0.0, "age is 1"),
        ]

    for name, options in (
        ("hidden", {"hidden": ("card",)}),
        ("hashed", {"hashed": ("card",), "key": SECRET.encode() * 2}),
        ("rows", {"inputs": "hashed", "key": SECRET.encode() * 2}),
        ("none", {"inputs": "none"}),
    ):
        said = verdicts(["review"], reasons)
        object.__setattr__(said, "repair_of", lambda i: Repair({"card": SECRET, "age": 2}, "no", None))
        with VerdictLog(tmp_path / name, **options) as log:
            log.append("m", "f", "r", said, [{"Card": SECRET, "card": SECRET, "age": 1}], ["hold"], NOW)
            log.append("m", "f", "r", said, Batch.of([{"card": SECRET, "age": 1}]), ["hold"], NOW)
        files = [path for path in (tmp_path / name).rglob("*") if path.is_file()]
        assert len(files) >= 3
        assert not any(SECRET.encode() in path.read_bytes() for path in files)  # as bytes, and unpacked:
        table = opened(tmp_path / name).to_pyarrow_table().to_pylist()
        assert SECRET not in repr(table)
        assert [reason["code"] for reason in table[0]["reasons"]] == ["unseen-value", "order", "no-answer", "odd"]
    row = read(tmp_path / "hidden")[0]
    assert (row.kept, row.cells, row.reasons[3].message) == ("partly", {"age": 1}, "age is 1")


def test_rows_are_on_the_disk_within_the_second_without_being_asked_for(tmp_path: Path) -> None:
    with VerdictLog(tmp_path, flush_seconds=0.2) as log:
        log.flush()
        add(log)
        end = time.monotonic() + 5
        while not log.health().written and time.monotonic() < end:
            time.sleep(0.02)
        assert len(read(tmp_path)) == 1


CHILD = """
import datetime as dt, sys, time
import numpy as np
from camelopard.firewall.verdicts import Verdicts
from camelopard.store.log import VerdictLog
log = VerdictLog(sys.argv[1], flush_seconds=0.3)
log.flush()
zero = np.zeros(1)
said = Verdicts(zero, zero, None, zero, zero, zero, np.array(["pass"], dtype=object), lambda i: [], lambda i: None)
for k in range(100_000):
    log.append("m", "f", f"r{k:06}", said, [{"k": k}], ["answer"], dt.datetime.now(dt.UTC))
    print(k, log.health().written, flush=True)
    time.sleep(0.002)
"""


def test_a_killed_process_loses_nothing_that_was_called_written_and_the_table_is_whole(tmp_path: Path) -> None:
    child = subprocess.Popen([sys.executable, "-c", CHILD, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    assert child.stdout is not None
    lines = []
    for line in child.stdout:
        lines.append(line)
        if int(line.split()[1]) > 100:
            break
    child.send_signal(signal.SIGKILL)
    lines += child.stdout.readlines()
    child.wait()
    written = max(int(line.split()[1]) for line in lines if line.endswith("\n"))
    kept = {row.cells["k"] for row in read(tmp_path, limit=10_000)}
    assert kept == set(range(len(kept)))
    assert written <= len(kept) <= len(lines)
    with VerdictLog(tmp_path) as log:  # and the next process goes on
        add(log, "later")
    assert len(read(tmp_path, limit=10_000)) == len(kept) + 1


def test_a_full_disk_never_stops_an_answer_and_what_waited_is_written_once_there_is_room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    full = [True]

    def adding(*given: Any) -> None:
        if full[0]:
            raise OSError(errno.ENOSPC, "No space left on device")
        add_rows(*given)

    monkeypatch.setattr("camelopard.store.log_writer.add", adding)
    moment = dt.datetime(2026, 3, 1, 13, tzinfo=dt.UTC)
    with VerdictLog(tmp_path, flush_seconds=0.05, most_waiting=10, clock=lambda: moment) as log:
        add(log, "a", 6)
        assert not log.flush()
        add(log, "b", 4)
        add(log, "c", 1)  # one too many
        log.flush()
        health = log.health()
        assert (health.fine, health.since, health.waiting, health.lost, health.written) == (False, moment, 10, 1, 0)
        assert "the disk is full" in str(health.problem)
        assert "Answers are not affected" in str(health.problem)
        full[0] = False
        assert log.flush()
        add(log, "d", 1)
        assert log.flush()
        assert log.health() == Health(None, None, waiting=0, lost=1, written=11)
    assert sorted({row.request for row in read(tmp_path)}) == ["a", "b", "d"]


def test_an_error_after_the_commit_does_not_write_rows_twice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    failing = [True]

    def adding(*given: Any) -> None:
        add_rows(*given)
        if failing[0]:
            failing[0] = False
            raise OSError("the answer of the object store was lost")

    monkeypatch.setattr("camelopard.store.log_writer.add", adding)
    with VerdictLog(tmp_path) as log:
        add(log, "a", 3)
        assert not log.flush()
        assert log.flush()
        assert log.health().written == 3
    assert len(read(tmp_path)) == 3


LIMITED = """
import resource, sys
import numpy as np
from camelopard.firewall.verdicts import Verdicts
from camelopard.store.log import VerdictLog
import datetime as dt
log = VerdictLog(sys.argv[1])
log.flush()
resource.setrlimit(resource.RLIMIT_FSIZE, (2000, resource.RLIM_INFINITY))
n = 50
zero = np.zeros(n)
said = Verdicts(zero, zero, None, zero, zero, zero, np.array(["pass"] * n, dtype=object), lambda i: [], lambda i: None)
log.append("m", "f", "r", said, [{"text": "%x" % (7 ** (500 + i))} for i in range(n)], ["answer"] * n, dt.datetime.now(dt.UTC))
print(log.flush(), log.health().waiting, log.health().problem)
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
print(log.flush(), log.health().written)
"""


def test_files_that_may_not_grow_are_a_full_disk(tmp_path: Path) -> None:
    done = subprocess.run([sys.executable, "-c", LIMITED, str(tmp_path)], capture_output=True, text=True, check=True)
    failed, recovered = done.stdout.splitlines()
    assert failed.startswith("False 50 verdicts cannot be written")
    assert "the disk is full" in failed
    assert recovered == "True 50"
    assert len(read(tmp_path)) == 50


def test_a_place_that_cannot_be_written_is_told_and_costs_nothing_but_rows(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "file").write_text("")
    with VerdictLog(tmp_path / "file" / "log") as log:
        add(log, n=3)
        assert not log.flush()
        health = log.health()
        assert (health.fine, health.waiting) == (False, 3)
        assert str(tmp_path / "file" / "log") in str(health.problem)
        assert log.close() == Health(health.problem, health.since, waiting=0, lost=3, written=0)
    assert [record.levelname for record in caplog.records] == ["ERROR"]


def test_what_waits_is_bounded_in_bytes_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*given: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("camelopard.store.log_writer.add", full)
    with VerdictLog(tmp_path, most_bytes=120_000) as log:
        for k in range(20):
            log.append("m", "f", f"r{k}", verdicts(["pass"]), [{"text": "x" * 50_000}], ["answer"], NOW)
            log.flush()
        assert log.health().waiting == 2
        assert log.health().lost == 18


def test_after_the_end_rows_are_counted_as_lost(tmp_path: Path) -> None:
    log = VerdictLog(tmp_path)
    add(log, "a")
    assert log.close() == Health(None, None, waiting=0, lost=0, written=1)
    add(log, "b", 2)
    assert log.close().lost == 2


def test_several_processes_write_to_the_same_table(tmp_path: Path) -> None:
    code = CHILD.replace("range(100_000)", "range(5)").replace("    time.sleep(0.002)", "    log.flush()") + "\nprint(log.close())"
    children = [subprocess.Popen([sys.executable, "-c", code, str(tmp_path)], stdout=subprocess.PIPE, text=True) for _ in range(2)]
    ends = [child.communicate()[0].splitlines()[-1] for child in children]
    assert all("problem=None" in end and "written=5" in end for end in ends), ends
    assert len(read(tmp_path)) == 10


def test_wrong_settings_are_told_at_once(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for place, options, words in (
        (tmp_path / "file", {}, "this is a file"),
        ("", {}, "Give a folder"),
        (tmp_path, {"flush_seconds": 0}, "seconds above 0"),
        (tmp_path, {"most_waiting": 1.5}, "a whole number from 1"),
        (tmp_path, {"inputs": "all"}, "no way to keep inputs named 'all'"),
    ):
        with pytest.raises(CamelopardError, match=words):
            VerdictLog(place, **options)


def test_passwords_in_an_address_are_not_shown() -> None:
    assert shown("s3://key:secret@bucket/log?token=1") == "s3://bucket/log"
