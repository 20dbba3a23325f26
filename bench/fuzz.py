"""Fuzzes what strangers may send: rows to a firewall, and firewall files. Guided by coverage; needs `pip install atheris`, which nothing else here does.

`python -m bench.fuzz 600` runs for ten minutes and ends with what broke, or with how much was tried.
"""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

import atheris  # type: ignore[import-not-found]

with atheris.instrument_imports(include=["camelopard"]):
    import numpy as np
    import pandas as pd

    import camelopard as cp
    from camelopard.core.errors import ArtifactError

NAMES = ("dose", "age", "place", "new")
ODD = (
    None,
    True,
    False,
    float("nan"),
    float("inf"),
    -0.0,
    10**400,
    [],
    {},
    [1],
    "",
    " ",
    "1e5",
    "1.234,5",
    "Gomel",
    "gomel",
    "2020-01-01",
    b"x",
    object(),
    np.float32(1),
)


def world() -> tuple[cp.Firewall, object]:
    rng = np.random.default_rng(0)
    n = 900
    X = pd.DataFrame(
        {
            "dose": rng.gamma(4.0, 2.0, n).round(2),
            "age": rng.integers(18, 90, n),
            "place": rng.choice(["Gomel", "Minsk", "Brest"], n),
            "new": rng.random(n) < 0.5,
        }
    )

    def answer(table: pd.DataFrame) -> object:
        return np.where(table["dose"].astype(float) + (table["place"] == "Minsk") * 2.0 > 9.0, "sick", "well")

    model = cp.wrap(answer, name="rule", task="classification", classes=["sick", "well"])
    return cp.Firewall(alpha=0.05, budget=8_000).fit(model, X, answer(X)), model


with atheris.instrument_imports(include=["camelopard"]):  # most of it is imported when it is first used
    FIREWALL, MODEL = world()
FOLDER = Path(tempfile.mkdtemp())
FIREWALL.save(FOLDER / "whole.firewall")
WHOLE = (FOLDER / "whole.firewall").read_bytes()


def cell(data: atheris.FuzzedDataProvider) -> object:
    kind = data.ConsumeIntInRange(0, 7)
    if kind == 0:
        return data.ConsumeInt(8)
    if kind == 1:
        return data.ConsumeFloat()
    if kind == 2:
        return data.ConsumeUnicode(12)
    if kind == 3:
        return data.ConsumeFloatInRange(0.0, 90.0)
    if kind == 4:
        return data.ConsumeBytes(6)
    return ODD[data.ConsumeIntInRange(0, len(ODD) - 1)]


def row(data: atheris.FuzzedDataProvider) -> dict[object, object]:
    found: dict[object, object] = {name: cell(data) for name in NAMES if data.ConsumeIntInRange(0, 9)}
    if not data.ConsumeIntInRange(0, 9):
        found[data.ConsumeUnicode(6)] = cell(data)
    return found


def screened(data: atheris.FuzzedDataProvider) -> None:
    rows = [row(data) for _ in range(data.ConsumeIntInRange(1, 5))]
    verdicts = FIREWALL.screen(rows)
    assert len(verdicts) == len(rows)
    i = data.ConsumeIntInRange(0, len(rows) - 1)
    alone = FIREWALL.screen(rows[i])
    for name in ("risk", "confidence", "oddity"):
        together = getattr(verdicts, name)[i : i + 1]
        assert getattr(alone, name).tobytes() == together.tobytes(), (name, rows, i)
        assert ((together >= 0) & (together <= 1)).all(), (name, rows, i)
    assert alone.route[0] == verdicts.route[i]
    verdicts.to_dicts()


def loaded(data: atheris.FuzzedDataProvider) -> None:
    raw = bytearray(WHOLE)
    for _ in range(data.ConsumeIntInRange(1, 4)):
        raw[data.ConsumeIntInRange(0, len(raw) - 1)] = data.ConsumeIntInRange(0, 255)
    broken = bytes(raw[: data.ConsumeIntInRange(0, len(raw))]) if data.ConsumeBool() else bytes(raw)
    path = FOLDER / "broken.firewall"
    path.write_bytes(broken)
    try:
        firewall = cp.Firewall.load(path, model=MODEL)
    except ArtifactError:
        return
    firewall.save(path)  # dates and rights of parts, which say nothing, may differ; what is kept may not
    assert path.read_bytes() == WHOLE, "a broken file was loaded"


def once(raw: bytes) -> None:
    data = atheris.FuzzedDataProvider(raw)
    (screened if data.ConsumeIntInRange(0, 4) else loaded)(data)


if __name__ == "__main__":
    seconds = int(sys.argv[1]) if len(sys.argv) > 1 else 600
    os.chdir(FOLDER)  # where inputs that break something are kept
    atheris.Setup([sys.argv[0], f"-max_total_time={seconds}", "-max_len=512", "-len_control=0"], once)
    atheris.Fuzz()
