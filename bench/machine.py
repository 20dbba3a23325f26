"""What every figure is measured with: CPU seconds, peak memory, and a line that says on what machine and when."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import os
import platform
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "bench" / "results"


def into_readme(start: str, end: str, text: str, path: Path = ROOT / "README.md") -> None:
    """Write figures between two marks of the README, or of another page."""
    before, rest = path.read_text().split(start, 1)
    path.write_text(f"{before}{start}\n{text}\n{end}{rest.split(end, 1)[1]}")


def state_of_code() -> str:
    """Return a name for the code that figures come from: those of other code are not taken up again."""
    found = hashlib.sha256()
    for path in sorted([*(ROOT / "src").rglob("*.py"), *(ROOT / "bench").rglob("*.py")]):
        found.update(path.read_bytes())
    return found.hexdigest()[:12]


def cpu() -> float:
    """Return CPU seconds of this process, all threads."""
    return time.process_time()


def peak_mb() -> float:
    """Return the largest memory this process ever held, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def median(values: list[float]) -> float:
    """Return the median."""
    return sorted(values)[len(values) // 2]


def timed(work: Callable[[], Any]) -> tuple[Any, float, float]:
    """Return (result, wall seconds, CPU seconds)."""
    wall, used = time.perf_counter(), cpu()
    result = work()
    return result, time.perf_counter() - wall, cpu() - used


def in_process(module: str, *arguments: str) -> dict[str, Any]:
    """Run `python -m module` in a process of its own and return the JSON of its last line."""
    done = subprocess.run([sys.executable, "-m", module, *arguments], cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{module} failed:\n{done.stdout[-2000:]}\n{done.stderr[-4000:]}")
    found: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    return found


def where() -> str:
    """Return a line about the machine and the date."""
    name = next((line.split(":")[1].strip() for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")), "unknown")
    return f"{dt.date.today().isoformat()}, {os.cpu_count()} cores ({name}), Python {platform.python_version()}"
