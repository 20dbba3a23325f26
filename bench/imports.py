"""CPU seconds of `import camelopard`, median of 15 fresh processes, and what it loads."""

from __future__ import annotations

import json
import subprocess
import sys

from bench.machine import median

PROBE = (
    "import time, sys; t = time.process_time(); import camelopard; used = time.process_time() - t; "
    "print(used, [m for m in ('pandas', 'scipy', 'sklearn', 'torch', 'onnxruntime', 'PIL', 'matplotlib', 'lightgbm') if m in sys.modules])"
)


def main() -> None:
    runs = [subprocess.run([sys.executable, "-c", PROBE], capture_output=True, text=True, check=True).stdout.split(maxsplit=1) for _ in range(15)]
    print(json.dumps({"cpu_seconds": median([float(r[0]) for r in runs]), "heavy": runs[0][1].strip()}))


if __name__ == "__main__":
    main()
