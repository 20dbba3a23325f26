"""What one row costs, and many, screened for an instant model, and boosting; with the compiled kernel and without, in turns, in one process.

And what it is to have the firewall there: its file, the time to load it, and what is imported to load it and screen a row in a new process.

Beside it in the same turns, what others take for one row: the checks of a schema that pandera infers, and scikit-learn's isolation forest.
`python -m bench.one_row` fits on Adult first (a minute) and writes the table in docs/speed.md; `python -m bench.one_row FIREWALL` loads a firewall
that was fitted there, and only prints.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from bench.fooled.judges import inferred_schema
from bench.machine import RESULTS, ROOT, into_readme, median, where
from camelopard.core import kernel
from camelopard.core.batch import Batch
from camelopard.core.records import Prediction
from camelopard.demo.data import Adult, adult, income_model
from camelopard.firewall.boosting import boosted
from camelopard.firewall.firewall import Firewall
from camelopard.models.wrap import wrap

TURNS = 9
FEW = 40  # rows that the others are given in a turn
START, END = "<!-- one row: written by `python -m bench.one_row` -->", "<!-- end of one row -->"
CLASSES = ("<=50K", ">50K")


ANSWER = Prediction(np.array([CLASSES[0]], dtype=object), np.array([[0.8, 0.2]]), None, np.array([None], dtype=object), CLASSES)


ALONE = """
import json, sys
import numpy as np
from camelopard.core.records import Prediction
from camelopard.firewall.firewall import Firewall

class Instant:
    name, task, classes = "instant", "classification", ("<=50K", ">50K")
    def session(self, budget=None, *, thrifty=False):
        return self
    def predict(self, X):
        n = len(X)
        return Prediction(np.full(n, "<=50K", dtype=object), np.tile([0.8, 0.2], (n, 1)), None, np.full(n, None, dtype=object), self.classes)

firewall = Firewall.load(sys.argv[1])
firewall.model_ = Instant()
firewall.screen(json.loads(sys.argv[2]))
print(json.dumps([name for name in ("pandas", "scipy", "sklearn", "lightgbm", "torch") if name in sys.modules]))
"""


class Instant:
    """A model that says the same about every row, in no time: what is measured is the firewall alone."""

    name, task, classes, asked = "instant", "classification", CLASSES, 0

    def session(self, budget: int | None = None, *, thrifty: bool = False) -> Instant:
        return self

    def predict(self, X: Batch) -> Prediction:
        return replace(ANSWER) if len(X) == 1 else ANSWER.take(np.zeros(len(X), dtype=np.int64))


def in_turns(work: Callable[[], Any], both: dict[str, ModuleType | None], turns: int = TURNS) -> dict[str, list[Any]]:
    """Return what the work returns, with the kernel and without, again and again in turns, so that a busy machine is busy for both."""
    found: dict[str, list[Any]] = {name: [] for name in both}
    before = kernel.compiled
    try:
        for _ in range(turns):
            for name, compiled in both.items():
                kernel.compiled = compiled  # type: ignore[assignment]
                found[name].append(work())
    finally:
        kernel.compiled = before
    return found


def fitted(data: Adult) -> Firewall:
    if len(sys.argv) > 1:
        return Firewall.load(sys.argv[1])
    return Firewall(alpha=0.01, seed=0).fit(wrap(income_model(data), name="income"), data.held, data.held_labels, reference=data.train)


def used(work: Callable[[], Any]) -> float:
    start = time.process_time()
    work()
    return time.process_time() - start


def filed(firewall: Firewall, row: dict[str, Any]) -> dict[str, Any]:
    """Return the size of a firewall's file, what it takes to load it, and which heavy packages loading it and screening a row import."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "income.firewall"
        firewall.save(path)
        loading = median([timed(lambda: Firewall.load(path)) for _ in range(TURNS)])
        probe = [sys.executable, "-c", ALONE, str(path), json.dumps(row)]
        imported = json.loads(subprocess.run(probe, capture_output=True, text=True, check=True, cwd=ROOT).stdout)
        return {"megabytes": round(path.stat().st_size / 1e6, 2), "loading_ms": round(loading * 1e3, 1), "imported": imported}


def timed(work: Callable[[], Any]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def others(data: Adult) -> dict[str, Callable[[], list[float]]]:
    """Return what others take for one row, in microseconds; their rows are in the form that suits them before the clock starts."""
    import pandas as pd
    import pandera.pandas as pa
    from sklearn.ensemble import IsolationForest

    train, schema = data.train, inferred_schema(data.train)
    frames = [data.test.iloc[[i]] for i in range(FEW)]
    codes = pd.concat([train, data.test.head(FEW)]).apply(lambda column: column if column.dtype.kind in "if" else pd.factorize(column)[0])
    numbers = codes.fillna(-1).to_numpy(dtype=np.float64)
    forest = IsolationForest(random_state=0).fit(numbers[: len(train)])

    def checked(frame: Any) -> None:
        with suppress(pa.errors.SchemaErrors):
            schema.validate(frame, lazy=True)

    def timed_alone(work: Callable[[Any], Any], given: list[Any]) -> list[float]:
        times = []
        for one in given:
            start = time.perf_counter()
            work(one)
            times.append((time.perf_counter() - start) * 1e6)
        return times

    alone = [numbers[len(train) + i : len(train) + i + 1] for i in range(FEW)]
    return {
        "pandera, inferred schema": lambda: timed_alone(checked, frames),
        "isolation forest, on ready numbers": lambda: timed_alone(forest.score_samples, alone),
    }


def table() -> tuple[Any, ...]:
    """Return 12,000 rows of 40 columns, as boosting gets them: numbers, small counts, and columns that are mostly zero."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(12_000, 40))
    x[:, 20:30] = rng.integers(0, 4, size=(12_000, 10))
    x[:, 30:] = np.where(rng.random((12_000, 10)) < 0.9, 0.0, x[:, 30:])
    event = rng.random(12_000) < 1 / (1 + np.exp(1 - x[:, 0] * x[:, 1] - x[:, 20]))
    return x, event, np.ones(12_000), np.arange(40) % 8 == 0


def main() -> None:
    compiled = kernel.found(None)
    if compiled is None:
        print("There is no compiled kernel here: what is measured is NumPy alone.", file=sys.stderr)
    both = {"numpy": None} if compiled is None else {"kernel": compiled, "numpy": None}
    data = adult()
    firewall = fitted(data)
    rows = [{k: (None if v != v else v) for k, v in row.items()} for row in data.test.head(300).to_dict("records")]
    on_disk = filed(firewall, rows[0])
    firewall.model_ = Instant()  # type: ignore[assignment]

    def singles() -> list[float]:
        times = []
        for row in rows:
            start = time.perf_counter()
            firewall.screen(row)
            times.append((time.perf_counter() - start) * 1e6)
        return times

    single: dict[str, list[list[float]]] = {name: [] for name in both}
    beside: dict[str, list[list[float]]] = {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        rivals = others(data)
        for _ in range(TURNS):
            for name, turn in in_turns(singles, both, 1).items():
                single[name] += turn
            for name, work in rivals.items():
                beside.setdefault(name, []).append(work())
    many = in_turns(lambda: used(lambda: firewall.screen(data.test)), both)
    x, event, weight, rising = table()
    boosting = in_turns(lambda: used(lambda: boosted(x, event, weight, rising, np.random.default_rng(0), trees=64, depth=6)), both, 5)
    found = {
        name: {
            "one_row_us": round(median([median(turn) for turn in single[name]]), 1),
            "one_row_p99_us": round(median([sorted(turn)[int(0.99 * len(turn))] for turn in single[name]]), 1),
            "rows_per_cpu_second": round(len(data.test) / median(many[name])),
            "boosting_seconds": round(median(boosting[name]), 3),
        }
        for name in both
    } | {name: {"one_row_us": round(median([median(turn) for turn in turns]), 1)} for name, turns in beside.items()}
    print(json.dumps({"machine": where(), "file": on_disk, **found}))
    if len(sys.argv) == 1:
        (RESULTS / "one_row.json").write_text(json.dumps({"where": where(), "file": on_disk, **found}, indent=1, sort_keys=True) + "\n")
        into_readme(START, END, markdown(found, on_disk), ROOT / "docs" / "speed.md")


def markdown(found: dict[str, dict[str, float]], on_disk: dict[str, Any]) -> str:
    """Return the table of the page."""
    lines = [f"Measured by `python -m bench.one_row` ({where()}), on rows of 14 columns; what the model takes is not counted.", ""]
    lines += ["| | one row, median | 99 of 100 rows within | rows per CPU-second in a batch | boosting, 64 trees |", "|---|---|---|---|---|"]
    for name, figures in found.items():
        name = {"kernel": "camelopard", "numpy": "camelopard without the kernel"}.get(name, name)
        if "boosting_seconds" not in figures:
            lines.append(f"| {name} | {figures['one_row_us']:,.0f} µs | | | |")
            continue
        many, boosting = f"{figures['rows_per_cpu_second']:,}", f"{figures['boosting_seconds']:.2f} CPU-s"
        lines.append(f"| {name} | {figures['one_row_us']:,.0f} µs | {figures['one_row_p99_us']:,.0f} µs | {many} | {boosting} |")
    lines += [
        "",
        f"The firewall's file has {on_disk['megabytes']:.1f} MB and is loaded in {on_disk['loading_ms']:.0f} ms. Of pandas, SciPy, scikit-learn, LightGBM and PyTorch, "
        f"loading it and screening a row imports {', '.join(on_disk['imported']) or 'none'}.",
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    main()
