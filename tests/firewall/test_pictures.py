"""A firewall for pictures, whole: any cell and any form gets a verdict within bounds, and a picture is judged the same wherever it stands."""

from __future__ import annotations

import io
import json
import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import camelopard as cp
from camelopard.core import codec
from camelopard.core.arrays import Array
from camelopard.core.errors import ArtifactError, CamelopardError
from camelopard.firewall.contract import Contract
from camelopard.firewall.firewall import Firewall

Image = pytest.importorskip("PIL.Image")


def halves(n: int, seed: int) -> tuple[Array, Array]:
    """Noise of 8 × 8 with a lighter half, above or below."""
    rng = np.random.default_rng(seed)
    top, light = rng.random(n) < 0.5, np.repeat([90.0, 0.0], 4)
    pictures = rng.normal(60, 12, (n, 8, 8)) + np.where(top[:, None], light, light[::-1])[:, :, None]
    return pictures.clip(0, 255).astype(np.uint8), np.where(top, "top", "bottom").astype(object)


def answer(pictures: Array) -> Array:
    middle = (pictures.shape[1] + 1) // 2
    above, below = (part.reshape(len(pictures), -1).mean(axis=1, dtype=np.float64) for part in (pictures[:, :middle], pictures[:, -middle:]))
    p = 1 / (1 + np.exp(-np.clip((above - below) / 20, -50, 50)))
    return np.column_stack([1 - p, p])


MODEL = cp.wrap(answer, name="halves", task="classification", classes=["bottom", "top"])


@pytest.fixture(scope="module")
def firewall() -> Firewall:
    pictures, labels = halves(260, 1)
    return cp.Firewall(alpha=0.1, budget=8_000).fit(MODEL, pictures, labels, reference=halves(300, 0)[0])


def figures(verdicts: cp.Verdicts, i: int) -> tuple[bytes, bytes, bytes, str]:
    return verdicts.risk[i].tobytes(), verdicts.confidence[i].tobytes(), verdicts.oddity[i].tobytes(), verdicts.route[i]


def file(pixels: Array, form: str = "PNG", mode: str | None = None, more: tuple[Array, ...] = ()) -> bytes:
    held, picture = io.BytesIO(), Image.fromarray(pixels)
    further = {"save_all": True, "append_images": [Image.fromarray(other) for other in more]} if more else {}
    (picture if mode is None else picture.convert(mode)).save(held, form, **further)
    return held.getvalue()


def bomb(width: int, height: int) -> bytes:
    """A PNG of a hundred bytes whose head claims any size."""

    def part(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + part(b"IHDR", head) + part(b"IDAT", zlib.compress(b"\0" * 1000)) + part(b"IEND", b"")


ONE, OTHER = halves(2, 5)[0]
BAD_NUMBER = np.eye(8, dtype=bool)
NO_PICTURES: list[Any] = [
    None, float("nan"), 5, "a.png", Path("a.png"), {}, [], [[1, 2], [3, 4]], b"", b"no file", bomb(60_000, 60_000), object,
    np.zeros((0, 8), dtype=np.uint8), np.zeros((8, 8, 0)), np.zeros(8), np.array(3.0), np.zeros((1, 8, 8, 1)), ONE.astype(complex),
    ONE.astype(object), np.array([["a"] * 8] * 8), np.zeros((8, 8), dtype="M8[us]"), np.zeros((8, 8), dtype=[("a", "i4")]),
    np.ma.masked_array(ONE, mask=ONE > 100), np.broadcast_to(np.uint8(9), (20_000, 20_000)), np.broadcast_to(np.float64(9), (20_000, 20_000)),
    np.broadcast_to(np.uint8(9), (8, 8, 10**9)), Image.open(io.BytesIO(bomb(9_000, 9_000))), Image.open(io.BytesIO(bomb(200, 200))),
]  # fmt: skip
PICTURES: list[Any] = [
    ONE, ONE[:1, :1], ONE.astype(np.float16), ONE.astype(">f8"), ONE.astype(np.longdouble), ONE > 100, ONE.astype(np.int64) - 300,
    ONE.view(np.recarray),    np.ma.masked_array(ONE), np.where(BAD_NUMBER, np.nan, ONE), np.where(BAD_NUMBER, np.inf, ONE), np.full((8, 8), 1.7e308),
    ONE.astype(np.uint64) + 2**63, np.repeat(ONE[:, :, None], 5, axis=2), np.repeat(ONE[:, :, None], 3, axis=2), ONE[:, :, None], ONE[::-1, ::-1],
    np.broadcast_to(np.uint8(99), (8, 8)), ONE.repeat(30, axis=0).repeat(30, axis=1), ONE[:3, :5], Image.fromarray(ONE),
    Image.fromarray(ONE).convert("CMYK"), Image.fromarray(ONE).convert("P"), Image.fromarray(ONE).convert("1"),
]  # fmt: skip


def test_any_cell_among_pictures_is_judged_the_same_alone_among_others_and_in_any_order(firewall: Firewall) -> None:
    cells = [*NO_PICTURES, *PICTURES]
    together = firewall.screen(cells)
    json.dumps(together.to_dicts(), default=str)
    assert repr(together[0])
    order = np.random.default_rng(0).permutation(len(cells))
    shuffled = firewall.screen([cells[k] for k in order])
    for place, k in enumerate(order.tolist()):
        assert figures(shuffled, place) == figures(together, k), k
        assert figures(firewall.screen([cells[k]]), 0) == figures(together, k), k
    for k in range(len(NO_PICTURES)):
        assert together.route[k] == "block", k
        assert together.reasons(k)


def test_what_is_too_large_is_refused_by_its_shape_and_never_copied(firewall: Firewall) -> None:
    import tracemalloc

    huge = np.broadcast_to(np.float64(9), (20_000, 20_000))
    tracemalloc.start()
    verdicts = firewall.screen([huge, ONE])
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 50e6
    assert "20000 × 20000" in verdicts.reasons(0)[0].message
    assert figures(verdicts, 1) == figures(firewall.screen(ONE), 0)
    assert firewall.screen(np.broadcast_to(np.uint8(9), (2, 20_000, 20_000))).route.tolist() == ["block", "block"]


def test_pictures_come_in_many_forms(firewall: Firewall) -> None:
    pictures = halves(3, 6)[0]
    named = [{"image": picture} for picture in pictures]
    forms: list[Any] = [list(pictures), tuple(pictures), pictures[..., None][..., 0], pd.Series(list(pictures)), named, pd.DataFrame(named)]
    forms += [[named[0], pictures[1], Image.fromarray(pictures[2])], [Image.fromarray(picture) for picture in pictures]]
    expected = firewall.screen(pictures)
    for form in forms:
        found = firewall.screen(form)
        assert [figures(found, i) for i in range(3)] == [figures(expected, i) for i in range(3)], type(form)
    for single in (pictures[0], named[0], Image.fromarray(pictures[0]), pd.DataFrame(named).iloc[0]):
        assert figures(firewall.screen(single), 0) == figures(expected, 0), type(single)


def test_what_holds_no_pictures_is_blocked_and_says_so(firewall: Firewall) -> None:
    alone: list[Any] = [None, 5, "a.png", object, (p for p in ONE), np.array(1), Path("a.png")]
    for single in alone:
        verdicts = firewall.screen(single)
        assert verdicts.route.tolist() == ["block"]
        assert "no list of pictures" in verdicts.reasons(0)[0].message
    without: list[Any] = [["a", "b"], [("a", "b")] * 2, [{"a": 1}] * 2, [None] * 2]
    for odd in (*without, np.zeros(2), np.zeros((2, 2, 2, 2, 2)), pd.DataFrame({"a": [1, 2]})):
        assert firewall.screen(odd).route.tolist() == ["block"] * 2, odd
    assert not len(firewall.screen([]))
    assert not len(firewall.screen(np.zeros((0, 8, 8))))


def test_saved_and_loaded_pictures_are_judged_the_same_and_broken_files_refused(firewall: Firewall, tmp_path: Path) -> None:
    path, broken = tmp_path / "a.firewall", tmp_path / "b.firewall"
    firewall.save(path)
    expected, loaded = firewall.screen(PICTURES), Firewall.load(path, model=MODEL)
    found = loaded.screen(PICTURES)
    assert [figures(found, i) for i in range(len(PICTURES))] == [figures(expected, i) for i in range(len(PICTURES))]
    whole, rng = path.read_bytes(), np.random.default_rng(1)
    for k in range(20):
        raw = bytearray(whole[: rng.integers(1, len(whole))] if k % 2 else whole)
        raw[rng.integers(0, len(raw))] ^= 1 << int(rng.integers(0, 8))
        broken.write_bytes(bytes(raw))
        try:
            again = Firewall.load(broken, model=MODEL)
        except ArtifactError:
            continue
        again.save(broken)
        assert broken.read_bytes() == whole
    for where, what in (("usual", {"dtype": "O"}), ("usual", {"low": 5.0, "high": 5.0}), ("thumbnails", {"spread": np.zeros(64)})):
        state = codec.read(path, "firewall")
        state["panel"]["views"][0]["learned"][where].update(what)
        codec.write(broken, "firewall", state)
        with pytest.raises(ArtifactError):
            Firewall.load(broken, model=MODEL)


def test_clean_pictures_pass_but_for_alpha_and_chance(firewall: Firewall) -> None:
    left = int((firewall.screen(halves(500, 11)[0]).route != "pass").sum())
    assert left <= 500 * (0.1 + 3 * np.sqrt(0.1 * 0.9 / 90))  # the threshold itself rests on some 90 rows


def test_pictures_upside_down_are_no_riskier_but_blank_and_noisy_ones_are(firewall: Firewall) -> None:
    pictures = halves(40, 12)[0]
    noise = np.random.default_rng(0).integers(0, 256, pictures.shape).astype(np.uint8)
    clean, turned, blank, noisy = (np.median(firewall.screen(p).risk) for p in (pictures, pictures[:, ::-1], np.full_like(pictures, 100), noise))
    assert abs(clean - turned) < 0.05
    assert blank > clean
    assert noisy > clean


def test_colour_pictures_a_regression_and_no_model(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    colours = rng.integers(0, 256, (160, 6, 6, 3)).astype(np.uint8)
    model = cp.wrap(lambda p: p.reshape(len(p), -1).mean(axis=1), name="light", task="regression")
    firewall = cp.Firewall(alpha=0.1, budget=2_500).fit(model, colours, colours.reshape(160, -1).mean(axis=1))
    assert firewall.screen(colours[:2]).prediction.tolist() == pytest.approx(model.predict(colours[:2]).value.tolist())
    alone = cp.Firewall(alpha=0.1).fit(None, colours)
    verdicts = alone.screen([colours[0], np.zeros((6, 6, 3), dtype=np.uint8), None])
    assert verdicts.route.tolist()[1:] == ["review", "block"]
    assert np.isnan(verdicts.risk[0])


def test_a_network_fitted_on_rows_of_numbers_is_screened_as_pictures() -> None:
    from sklearn.linear_model import LogisticRegression

    pictures, labels = halves(300, 3)
    linear = cp.wrap(LogisticRegression(max_iter=200).fit(pictures.reshape(300, -1), labels), name="rows")
    firewall = cp.Firewall(alpha=0.1, budget=2_500).fit(linear, halves(200, 4)[0])
    verdicts = firewall.screen([ONE, ONE[:4], None])
    assert verdicts.prediction[0] == MODEL.predict([ONE]).value[0]
    assert verdicts.route.tolist()[1:] == ["block", "block"]


def test_contract_rules_about_pictures_are_muted_kept_and_checked(firewall: Firewall) -> None:
    text = firewall.contract.to_toml()
    contract = Contract.from_toml(text)
    assert [(a.code, dict(a.limits)) for a in contract] == [(a.code, dict(a.limits)) for a in firewall.contract]
    codes = {"type", "size", "channels", "range", "brightness"}
    assert codes <= {a.code for a in contract}
    strange = np.zeros((3, 3, 3), dtype=np.float32) - 500
    assert codes <= {reason.code for reason in firewall.screen([strange]).reasons(0)}
    own = firewall.with_policy(firewall.policy)
    own.contract.mute("size", "channels")
    assert not {"size", "channels"} & {reason.code for reason in own.screen([strange]).reasons(0)}
    own = firewall.with_policy(firewall.policy)
    own.contract = Contract.from_toml(text.replace('"channels" = [1]', '"channels" = [3]'))
    assert own.screen([ONE]).route.tolist() == ["review"]
    assert any("1 channel" in reason.message for reason in firewall.screen([strange]).reasons(0))


def test_all_that_a_firewall_offers_works_on_pictures(firewall: Firewall, tmp_path: Path) -> None:
    pictures, labels = halves(150, 21)
    traffic = pictures.copy()
    traffic[::3] = 255 - traffic[::3]
    assert str(firewall.evaluate(pictures, labels, budget=3_000))
    estimate = firewall.estimate(traffic)
    assert estimate.low <= estimate.value <= estimate.high
    assert str(firewall.backtest(pictures, labels, rows=50))
    assert firewall.recalibrated(traffic).describe()["traffic"]
    assert 0 < firewall.accept(0.2).coverage <= 1
    guarded = firewall.guard(block="answer")
    assert guarded.predict(pictures[:5]).tolist() == firewall.screen(pictures[:5]).prediction.tolist()
    costly = firewall.with_policy(cp.Policy(costs=cp.Costs(wrong=10.0, review=1.0, block=2.0)))
    assert set(costly.screen(traffic).route.tolist()) <= {"pass", "repair", "review", "block"}
    firewall.save_report(tmp_path / "report.json")
    assert "brightness" in (tmp_path / "report.json").read_text(encoding="utf-8")
    assert "halves" in firewall.summary()
    verdicts = firewall.screen([*traffic[:3], "no picture"])
    assert len(verdicts.to_pandas()) == len(verdicts.to_polars()) == 4
    assert max(map(len, verdicts.table()["repair"])) < 400


def test_a_picture_that_cannot_be_answered_is_refused_by_the_guard(firewall: Firewall) -> None:
    with pytest.raises(CamelopardError):
        firewall.guard().predict([ONE, None])
