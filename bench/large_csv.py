"""A CSV larger than memory: screens 5 million rows in chunks and reports the largest memory held. `--write FILE` makes the file first."""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path

from bench.machine import peak_mb, timed
from camelopard.demo.data import adult, income_model
from camelopard.firewall.firewall import Firewall
from camelopard.modality.files import open_table
from camelopard.models.wrap import wrap

ROWS = 5_000_000


def main() -> None:
    rows = int(sys.argv[1]) if len(sys.argv) > 1 else ROWS
    data = adult()
    model = wrap(income_model(data), name="income")
    firewall = Firewall(seed=0, budget=40_000).fit(model, data.held, data.held_labels, reference=data.train)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "large.csv"
        block = data.test.to_csv(index=False)
        head, body = block.split("\n", 1)
        times = rows // len(data.test)
        with path.open("w") as stream:
            stream.write(head + "\n")
            for _ in range(times):
                stream.write(body)
        del data
        before = peak_mb()
        counts: dict[str, int] = {}

        def screen() -> None:
            for chunk in open_table(path, schema=firewall.schema):
                for route in firewall.screen(chunk.batch, problems=chunk.problems).route:
                    counts[route] = counts.get(route, 0) + 1

        _, wall, used = timed(screen)
        print(
            json.dumps(
                {
                    "rows": sum(counts.values()),
                    "routes": counts,
                    "peak_mb": peak_mb(),
                    "peak_before_mb": before,
                    "wall": wall,
                    "cpu": used,
                    "file_mb": path.stat().st_size / 1e6,
                }
            )
        )


if __name__ == "__main__":
    main()
