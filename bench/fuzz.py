"""Fuzzes what strangers may send: rows, texts and pictures to a firewall, and firewall files. Guided by coverage; needs `pip install atheris`, which nothing else here does.

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


def texts() -> cp.Firewall:
    rng = np.random.default_rng(0)
    words = ["a", "warm", "dull", "film", "with", "fine", "grim", "end", "and", "no", "plot"]
    clean = [" ".join(rng.choice(words, 9)) for _ in range(300)]
    model = cp.wrap(lambda rows: np.array([float(t.count("warm") - t.count("dull")) for t in rows]), name="mood", task="regression")
    return cp.Firewall(alpha=0.1, budget=6_000).fit(model, clean)


def pictures() -> cp.Firewall:
    rng = np.random.default_rng(0)
    model = cp.wrap(lambda rows: rows.reshape(len(rows), -1).mean(axis=1), name="light", task="regression")
    return cp.Firewall(alpha=0.1, budget=6_000).fit(model, rng.integers(0, 256, (300, 6, 6)).astype(np.uint8))


with atheris.instrument_imports(include=["camelopard"]):  # most of it is imported when it is first used
    FIREWALL, MODEL = world()
    TEXTS, PICTURES = texts(), pictures()
FOLDER = Path(tempfile.mkdtemp())
KEPT: dict[str, tuple[object, bytes]] = {}  # by name of the firewall: its model, and its file
for name, firewall in (("rows", FIREWALL), ("texts", TEXTS), ("pictures", PICTURES)):
    firewall.save(FOLDER / "whole.firewall")
    KEPT[name] = (firewall.model_, (FOLDER / "whole.firewall").read_bytes())


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


def pixels(data: atheris.FuzzedDataProvider) -> object:
    dtype = np.dtype(("u1", "i2", "f2", "f4", "f8", "?", "u8", "O", "c8")[data.ConsumeIntInRange(0, 8)])
    shape = tuple(data.ConsumeIntInRange(0, 7) for _ in range(data.ConsumeIntInRange(0, 4)))
    if dtype.kind == "O":
        found = np.empty(shape, dtype=object)
        found.fill(cell(data))
        return found
    size = int(np.prod(shape))
    raw = data.ConsumeBytes(size * dtype.itemsize)
    found = np.resize(np.frombuffer(raw[: len(raw) // dtype.itemsize * dtype.itemsize] or bytes(dtype.itemsize), dtype=dtype), size).reshape(shape)
    return np.broadcast_to(found, (400, *shape)) if not data.ConsumeIntInRange(0, 20) else found


def media(data: atheris.FuzzedDataProvider, firewall: cp.Firewall) -> object:
    if not data.ConsumeIntInRange(0, 4):
        return cell(data)
    if firewall is TEXTS:
        return data.ConsumeUnicode(40) * data.ConsumeIntInRange(0, 30) if data.ConsumeBool() else data.ConsumeUnicodeNoSurrogates(40)
    head = (b"", b"\x89PNG\r\n\x1a\n", b"GIF89a", b"\xff\xd8\xff", b"BM", b"P5 6 6 255\n")[data.ConsumeIntInRange(0, 5)]
    return head + data.ConsumeBytes(60) if not data.ConsumeIntInRange(0, 3) else pixels(data)


def screened(data: atheris.FuzzedDataProvider) -> None:
    firewall = (FIREWALL, TEXTS, PICTURES)[data.ConsumeIntInRange(0, 2)]
    rows = [row(data) if firewall is FIREWALL else media(data, firewall) for _ in range(data.ConsumeIntInRange(1, 5))]
    if firewall is not FIREWALL and not data.ConsumeIntInRange(0, 9):
        form = media(data, firewall)
        firewall.screen([{name: form} for name in firewall.schema.names] if data.ConsumeBool() else form)
    verdicts = firewall.screen(rows)
    assert len(verdicts) == len(rows)
    i = data.ConsumeIntInRange(0, len(rows) - 1)
    alone = firewall.screen([rows[i]])
    for name in ("risk", "confidence", "oddity"):
        together = getattr(verdicts, name)[i : i + 1]
        assert getattr(alone, name).tobytes() == together.tobytes(), (name, rows, i)
        assert ((together >= 0) & (together <= 1)).all(), (name, rows, i)
    assert alone.route[0] == verdicts.route[i]
    verdicts.to_dicts()


def loaded(data: atheris.FuzzedDataProvider) -> None:
    model, whole = KEPT[("rows", "texts", "pictures")[data.ConsumeIntInRange(0, 2)]]
    raw = bytearray(whole)
    for _ in range(data.ConsumeIntInRange(1, 4)):
        raw[data.ConsumeIntInRange(0, len(raw) - 1)] = data.ConsumeIntInRange(0, 255)
    broken = bytes(raw[: data.ConsumeIntInRange(0, len(raw))]) if data.ConsumeBool() else bytes(raw)
    path = FOLDER / "broken.firewall"
    path.write_bytes(broken)
    try:
        firewall = cp.Firewall.load(path, model=model)
    except ArtifactError:
        return
    firewall.save(path)  # dates and rights of parts, which say nothing, may differ; what is kept may not
    assert path.read_bytes() == whole, "a broken file was loaded"


def once(raw: bytes) -> None:
    data = atheris.FuzzedDataProvider(raw)
    (screened if data.ConsumeIntInRange(0, 4) else loaded)(data)


if __name__ == "__main__":
    seconds = int(sys.argv[1]) if len(sys.argv) > 1 else 600
    os.chdir(FOLDER)  # where inputs that break something are kept
    atheris.Setup([sys.argv[0], f"-max_total_time={seconds}", "-max_len=512", "-len_control=0"], once)
    atheris.Fuzz()
