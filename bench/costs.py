"""What a text, a picture's features and the common corruptions cost, and what `import camelopard` loads: each in a process with one thread.

`python -m bench.costs` writes the table in the README.
"""

from __future__ import annotations

import json
import os
from typing import Any

from bench.machine import RESULTS, in_process, into_readme, median, where
from bench.space import ALONE, ROWS, SEARCH, TOGETHER, WIDTH

START, END = "<!-- costs: written by `python -m bench.costs` -->", "<!-- end of costs -->"
ROUNDS = 3


def measured() -> dict[str, Any]:
    """Return what each takes: features and texts in the median of some processes, since the machine is not alike for long."""
    os.environ |= dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
    spaces, texts = ([in_process(module) for _ in range(ROUNDS)] for module in ("bench.space", "bench.vectors"))
    features = {name: [median([run[name][k] for run in spaces]) for k in (0, 1)] for name in (ALONE, TOGETHER, SEARCH)}
    text = {name: median([run["texts"][name] for run in texts]) for name in texts[0]["texts"]}
    return {"features": features, "text": text, "corruptions": in_process("bench.corruptions"), "import": in_process("bench.imports")}


def markdown(found: dict[str, Any], machine: str) -> str:
    """Return the table."""
    features, text, spent = found["features"], found["text"], found["corruptions"]
    dearest = max(spent, key=lambda kind: float(spent[kind]))
    (best, middle), batch, search = features[ALONE], features[TOGETHER][1], features[SEARCH][1]
    return "\n".join(
        [
            f"**What do texts and pictures cost?** (`python -m bench.costs`, {machine}; one thread; features and texts in the median of {ROUNDS} processes.)",
            "",
            "| what | at most | measured |",
            "|---|---|---|",
            f"| all evidence in a model's feature space, {WIDTH} wide, 10 classes, {ROWS:,} rows in the bank, one row alone | 0.4 ms | {middle:.3f} ms "
            f"({best:.3f} at best; a plain search for the nearest row alone {search:.1f}) |",
            f"| the same, 16 rows in one call | 0.4 ms | {batch:.3f} ms a row |",
            f"| what a text of at most 50 words measures, one at a time | 0.2 ms | {text['one at a time']:.3f} ms (in a batch {text['batch']:.3f}) |",
            f"| the 15 common corruptions at five severities, on one picture of 427 × 640 RGB | 20 s | {sum(spent.values()):.1f} s "
            f"(the dearest, {dearest}: {spent[dearest]:.1f}) |",
            f"| `import camelopard` | no torch, no onnxruntime, no Pillow | {found['import']['cpu_seconds']:.3f} CPU-s; heavy packages loaded: "
            f"{found['import']['heavy']} |",
        ]
    )


def main() -> None:
    found = measured()
    text = markdown(found, where())
    (RESULTS / "costs.json").write_text(json.dumps({"where": where(), **found}, indent=1, sort_keys=True) + "\n")
    print(text)
    into_readme(START, END, text)


if __name__ == "__main__":
    main()
