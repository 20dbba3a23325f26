"""Pictures as numbers: golden values, what moves under which damage, silence on clean ones, hostile files, repairs, marks and states."""

from __future__ import annotations

import copy
import io
import struct
import sys
import zlib
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from camelopard.core.arrays import Array, Objects, objects
from camelopard.core.codec import read, write
from camelopard.core.errors import CamelopardError, InputError
from camelopard.modality.image import NAMES, ImageVectors
from camelopard.modality.image_files import unpacked
from camelopard.modality.image_numbers import median, reduced, thumbnail
from camelopard.modality.image_repairs import denoised, resized


def scenes(n: int, seed: int = 0, side: int = 32, channels: int = 0) -> Objects:
    """Pictures with a bright sky above dark ground, and a round thing on it, lit from above."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[0:side, 0:side] / side
    found = []
    for _ in range(n):
        horizon, cx, size = rng.uniform(0.4, 0.6), rng.uniform(0.3, 0.7), rng.uniform(0.15, 0.25)
        light = np.where(y < horizon, 0.9 - 0.3 * y, 0.25 + 0.1 * np.sin(40 * x * y))
        light = np.where((x - cx) ** 2 + (y - horizon) ** 2 < size**2, 0.5 + rng.uniform(-0.1, 0.1), light) + rng.normal(0, 0.01, light.shape)
        planes = light if channels == 0 else np.stack([light * tint for tint in (0.7, 0.8, 1.0, 1.0)[:channels]], axis=2)
        found.append(np.clip(planes * 255, 0, 255).astype(np.uint8))
    return objects(found)


@pytest.fixture(scope="module")
def vectors() -> ImageVectors:
    return ImageVectors.learn(scenes(200))


@pytest.fixture(scope="module")
def colours() -> ImageVectors:
    return ImageVectors.learn(scenes(100, channels=3))


def numbers(vectors: ImageVectors, pixels: Array) -> dict[str, float]:
    return dict(zip(NAMES, vectors.measure(objects([pixels]))[0].tolist(), strict=True))


def test_the_numbers_of_a_plain_picture_are_these(vectors: ImageVectors) -> None:
    half = np.zeros((16, 32), dtype=np.uint8)
    half[:8] = 51
    found = numbers(vectors, half)
    assert found["height"] == pytest.approx(np.log1p(16))
    assert found["width"] == pytest.approx(np.log1p(32))
    assert found["channels"] == 1
    assert (found["darkest value"], found["brightest value"]) == pytest.approx((0.0, 0.2))
    assert (found["brightness"], found["contrast"]) == pytest.approx((0.1, 0.1))
    assert found["share at the dark end"] == 0.5
    assert found["commonest value"] == 0.5
    assert found["lit from above"] == pytest.approx(0.2)
    assert found["up-down asymmetry"] == pytest.approx(0.2 / 0.11)
    assert found["left-right asymmetry"] == 0
    assert found["edges"] == pytest.approx(1 / 15 / 2)


def test_the_same_picture_in_another_form_has_the_same_light(colours: ImageVectors) -> None:
    picture = scenes(1, seed=3, channels=3)[0]
    for form in (
        picture.astype(np.int64),
        picture.astype(np.float64),
        np.asfortranarray(picture),
        np.dstack([picture, np.full(picture.shape[:2], 255)]),
    ):
        found, expected = numbers(colours, form), numbers(colours, picture)
        assert [found[n] for n in NAMES if n != "channels"] == pytest.approx([expected[n] for n in NAMES if n != "channels"], abs=1e-4)


def noisy(p: Array) -> Array:
    return np.clip(p + np.random.default_rng(0).normal(0, 20, p.shape), 0, 255).astype(np.uint8)


def salted(p: Array) -> Array:
    return np.where(np.random.default_rng(0).random(p.shape) < 0.03, 255, p).astype(np.uint8)


def blurred(p: Array) -> Array:
    return resized(resized(p, 10, 10), *p.shape[:2]).astype(np.uint8)


@pytest.mark.parametrize(
    ("name", "damage", "up"),
    [
        ("noise", noisy, True),
        ("specks", salted, True),
        ("fine detail", blurred, False),
        ("sharpness", blurred, False),
        ("brightness", lambda p: p // 2, False),
        ("brightest value", lambda p: (p * 0.9).astype(np.uint8), False),
        ("darkest value", lambda p: np.maximum(p, 90), True),
        ("contrast", lambda p: p // 3 + 90, False),
        ("share at the bright end", lambda p: np.where(p > 190, 255, p).astype(np.uint8), True),
        ("lit from above", lambda p: p[::-1], False),
        ("direction", np.rot90, True),
        ("height", lambda p: p[:20], False),
        ("blocks of eight", lambda p: np.kron(p[::8, ::8], np.ones((8, 8), dtype=np.uint8)), True),
        ("commonest value", lambda p: np.where(np.arange(32) < 16, 120, p).astype(np.uint8), True),
        ("distance to the nearest", lambda p: 255 - p, True),
        ("distance to the mean", lambda p: 255 - p, True),
        ("channels", lambda p: np.repeat(p[:, :, None], 3, axis=2), True),
        ("border variation", lambda p: np.full_like(p, 77), False),
        ("entropy", lambda p: p // 64 * 64 + 3, False),
    ],
)
def test_a_damage_moves_its_number_beyond_clean_pictures(vectors: ImageVectors, name: str, damage: Any, up: bool) -> None:
    k = NAMES.index(name)
    moved = vectors.measure(objects([damage(p) for p in scenes(20, seed=4)]))[:, k]
    assert (moved > vectors.limits[2, k]).all() if up else (moved < vectors.limits[0, k]).all()


@pytest.mark.parametrize(("name", "up"), [("redness", True), ("blueness", False)])
def test_exchanged_channels_move_the_colours(colours: ImageVectors, name: str, up: bool) -> None:
    k = NAMES.index(name)
    moved = colours.measure(objects([p[:, :, ::-1] for p in scenes(20, seed=4, channels=3)]))[:, k]
    assert (moved > colours.limits[2, k]).all() if up else (moved < colours.limits[0, k]).all()


def test_new_clean_pictures_stay_inside_the_limits_as_often_as_they_say(vectors: ImageVectors) -> None:
    new = vectors.measure(scenes(300, seed=5))
    outside = (new < vectors.limits[0] - 1e-9) | (new > vectors.limits[2] + 1e-9)
    assert outside.mean() < 0.02
    assert outside.mean(axis=0).max() < 0.05


def test_measured_as_its_own_a_picture_learned_from_is_as_near_as_a_new_one(vectors: ImageVectors) -> None:
    own, new = (vectors.measure(scenes(200, seed=s), own=s == 0)[:, -1] for s in (0, 6))
    assert abs(own.mean() - new.mean()) < 4 * np.hypot(own.std(), new.std()) / np.sqrt(200)
    assert vectors.measure(scenes(200))[:, -1].max() < own.min()


def test_a_picture_gets_the_same_bytes_alone_in_any_batch_and_after_saving(colours: ImageVectors, tmp_path: Any) -> None:
    rng = np.random.default_rng(0)
    shapes = ((1, 1), (1, 1, 3), (2, 9), (28, 28, 1), (300, 7, 4), (40, 600, 3), (33, 31, 2))
    cells = objects([*scenes(20, seed=7, channels=3), *(rng.random(s) for s in shapes), None, "x", np.zeros((0, 3)), b""])
    together, placed = colours.measure(cells), colours.embed(cells)
    write(tmp_path / "kept", "test", colours.state())
    again = ImageVectors.from_state(read(tmp_path / "kept", "test"))
    assert again.measure(cells).tobytes() == together.tobytes()
    for i in range(len(cells)):
        assert colours.measure(cells[i : i + 1]).tobytes() == together[i : i + 1].tobytes()
        assert colours.embed(cells[i : i + 1]).tobytes() == placed[i : i + 1].tobytes()
    views = objects([p[::-1][::-1] if isinstance(p, np.ndarray) else p for p in cells])
    assert colours.measure(views).tobytes() == together.tobytes()
    assert ImageVectors.learn(scenes(100, channels=3)).measure(cells).tobytes() == together.tobytes()


def test_what_is_no_picture_has_a_reason_and_no_numbers(vectors: ImageVectors) -> None:
    cells = objects(
        [
            None,
            "a.png",
            np.zeros(5),
            np.zeros((2, 2, 7)),
            np.zeros((0, 4)),
            np.array([["a"]]),
            np.array([[np.nan, 1.0]]),
            b"",
            np.zeros((4, 4), dtype=complex),
        ]
    )
    said = [
        "missing",
        "not str",
        "not 1: shape (5,)",
        "not 7",
        "without pixels",
        "not of <U1",
        "1 of 2 numbers are not finite",
        "0 bytes",
        "complex128",
    ]
    problems = vectors.problems(cells)
    for problem, part in zip(problems, said, strict=True):
        assert problem is not None
        assert part in problem
    assert np.isnan(vectors.measure(cells)).all()
    assert not vectors.embed(cells).any()
    assert all(vectors.repairs(cell) == [] and not vectors.marks(cell).any() for cell in cells)
    huge = np.broadcast_to(np.uint8(0), (10_000, 10_000))
    assert "more than 64,000,000" in str(vectors.problems(objects([huge]))[0])
    assert vectors.problems(objects([np.zeros((2, 2), dtype=bool)])) == [None]


def test_learning_from_no_picture_says_so() -> None:
    with pytest.raises(InputError, match="no picture among the 2 cells to learn from: an empty file"):
        ImageVectors.learn(objects([None, b""]))


@pytest.mark.parametrize(
    ("name", "damage"),
    [
        ("value range of clean pictures", lambda p: p / 255.0),
        ("value range of clean pictures", lambda p: p.astype(np.float32)),
        ("value range of clean pictures", lambda p: p.astype(np.uint16) * 257),
        ("channels of clean pictures", lambda p: np.dstack([p, np.full(p.shape[:2], 255, dtype=np.uint8)])),
        ("channels and value range of clean pictures", lambda p: np.dstack([p, np.full(p.shape[:2], 255)]) / 255),
        ("size of clean pictures", lambda p: np.kron(p, np.ones((2, 2, 1), dtype=np.uint8))),
        ("red and blue exchanged", lambda p: p[:, :, ::-1]),
        ("turned by 180°", lambda p: np.rot90(p, 2)),
        ("turned by 90° to the right", np.rot90),
        ("turned by 90° to the left", lambda p: np.rot90(p, 3)),
        ("dark and bright exchanged", lambda p: 255 - p),
    ],
)
def test_the_first_repair_is_the_undamaged_picture(colours: ImageVectors, name: str, damage: Any) -> None:
    for picture in scenes(5, seed=8, channels=3):
        found, pixels = colours.repairs(damage(picture))[0]
        assert found == name
        assert pixels.dtype == np.uint8
        assert np.abs(pixels.astype(float) - picture).max() <= 1


@pytest.mark.parametrize(
    ("name", "damage"), [("specks removed", salted), ("brightness stretched to that of clean pictures", lambda p: (p * 0.5).astype(np.uint8))]
)
def test_a_repair_brings_a_picture_nearer_to_what_it_was(vectors: ImageVectors, name: str, damage: Any) -> None:
    for picture in scenes(5, seed=9):
        damaged = damage(picture)
        repaired = dict(vectors.repairs(damaged))[name]
        assert np.abs(repaired.astype(float) - picture).mean() < 0.6 * np.abs(damaged.astype(float) - picture).mean()


def test_noise_is_smoothed_and_specks_leave_the_rest_untouched(vectors: ImageVectors) -> None:
    picture = scenes(1, seed=9)[0]
    repaired = dict(vectors.repairs(noisy(picture)))["noise removed"]
    assert np.abs(repaired.astype(float) - picture).mean() < 0.8 * np.abs(noisy(picture).astype(float) - picture).mean()
    specks = dict(vectors.repairs(salted(picture)))["specks removed"]
    assert (specks == picture)[salted(picture) == picture].mean() > 0.99


def test_a_picture_of_colours_becomes_grey_and_a_clean_one_is_left_alone(vectors: ImageVectors) -> None:
    grey = scenes(1, seed=8)[0]
    name, pixels = vectors.repairs(np.repeat(grey[:, :, None], 3, axis=2))[0]
    assert name == "channels of clean pictures"
    assert pixels.tolist() == grey.tolist()
    offered = [len(vectors.repairs(p)) for p in scenes(60, seed=10)]
    assert np.mean(np.array(offered) > 0) < 0.2


def test_marks_point_at_the_part_that_changed(vectors: ImageVectors) -> None:
    for picture in scenes(5, seed=11):
        occluded = picture.copy()
        occluded[:8, 24:] = 0
        marks = vectors.marks(occluded)
        assert marks.shape == (8, 8)
        assert marks[:2, 6:].min() > 2 * np.delete(marks.ravel(), [6, 7, 14, 15]).max()


def test_examples_are_pictures_in_the_form_of_clean_ones(colours: ImageVectors) -> None:
    made = colours.examples(3)
    assert colours.problems(made) == [None] * 3
    assert {(p.shape, p.dtype.name) for p in made} == {((32, 32, 3), "uint8")}


def test_pictures_of_other_sizes_and_large_ones_are_bounded_work(vectors: ImageVectors) -> None:
    large = np.kron(scenes(1)[0], np.ones((100, 100), dtype=np.uint8))
    found, small = numbers(vectors, large), numbers(vectors, scenes(1)[0])
    assert found["brightness"] == pytest.approx(small["brightness"], abs=0.01)
    assert found["distance to the nearest"] == pytest.approx(small["distance to the nearest"], abs=0.7)
    assert vectors.repairs(large)[0][1].shape == (32, 32)
    thin = np.broadcast_to(np.uint8(9), (1, 30_000_000))
    assert numbers(vectors, thin)["brightness"] == pytest.approx(9 / 255)


def test_small_parts() -> None:
    assert denoised(np.arange(12, dtype=np.float32).reshape(3, 4)).dtype == np.float32
    rng = np.random.default_rng(0)
    plane = rng.random((9, 7)).astype(np.float32)
    around = np.stack([plane[i : i + 7, j : j + 5] for i in range(3) for j in range(3)])
    assert median(plane).tolist() == np.median(around, axis=0).tolist()
    assert thumbnail(np.full((3, 50), 0.25, dtype=np.float32)).tolist() == [[0.25] * 8] * 8
    assert resized(np.full((5, 9), 3), 11, 2) == pytest.approx(np.full((11, 2), 3.0))
    assert resized(np.arange(8)[:, None] * np.ones((1, 8)), 4, 4)[:, 0] == pytest.approx([0.5, 2.5, 4.5, 6.5])


PIXELS = hnp.arrays(
    dtype=st.sampled_from([np.uint8, np.bool_, np.int16, np.uint64, np.float16, np.float32, np.float64]),
    shape=hnp.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=12),
)


@given(PIXELS, st.booleans())
def test_any_array_gets_a_verdict(pixels: Array, grey: bool) -> None:
    vectors = GREY if grey else COLOURED
    row = vectors.measure(objects([pixels]))
    problem = vectors.problems(objects([pixels]))[0]
    assert np.isnan(row).all() == (problem is not None)
    assert np.isfinite(row).all() == (problem is None)
    before = pixels.tobytes()
    repairs = vectors.repairs(pixels)
    assert len(repairs) <= 6
    assert all(vectors.problems(objects([repaired])) == [None] for _, repaired in repairs)
    assert np.isfinite(vectors.marks(pixels)).all()
    assert pixels.tobytes() == before


@given(
    st.lists(
        hnp.arrays(dtype=st.sampled_from([np.uint8, np.float64, np.int32]), shape=hnp.array_shapes(min_dims=2, max_dims=3, max_side=5)),
        min_size=1,
        max_size=4,
    )
)
def test_whatever_pictures_can_be_learned_from(pictures: list[Array]) -> None:
    try:
        vectors = ImageVectors.learn(objects(pictures))
    except InputError:
        return
    assert np.isfinite(vectors.limits).all()
    again = ImageVectors.from_state(vectors.state())
    assert again.measure(objects(pictures)).tobytes() == vectors.measure(objects(pictures)).tobytes()
    assert len(vectors.repairs(pictures[0])) <= 6
    assert vectors.problems(vectors.examples(2)) == [None, None]


@given(st.binary(max_size=80))
def test_any_bytes_get_a_verdict(file: bytes) -> None:
    cell = objects([file])
    assert (GREY.problems(cell)[0] is None) == np.isfinite(GREY.measure(cell)).all()


GREY, COLOURED = ImageVectors.learn(scenes(20)), ImageVectors.learn(objects([p / 255.0 for p in scenes(20, channels=3)]))

BROKEN: list[tuple[str, Any]] = [
    ("usual", 3),
    ("limits", np.zeros(4)),
    ("usual.dtype", "object"),
    ("usual.low", float("nan")),
    ("usual.high", 0.0),
    ("usual.high", "x"),
    ("usual.size", [10**9, 3]),
    ("usual.size", [2]),
    ("usual.channels", 9),
    ("thumbnails.rows", np.zeros((3, 5), dtype=np.int8)),
    ("thumbnails.rows", np.full((3, 64), 1000)),
    ("thumbnails.spread", np.zeros(64)),
    ("thumbnails.mean", np.zeros(64, dtype=object)),
]


@pytest.mark.parametrize("case", range(len(BROKEN)))
def test_a_state_that_somebody_changed_is_refused(vectors: ImageVectors, case: int) -> None:
    name, value = BROKEN[case]
    state: dict[str, Any] = copy.deepcopy(vectors.state())
    *folders, last = name.split(".")
    place = state[folders[0]] if folders else state
    place[last] = value
    with pytest.raises(ValueError):
        ImageVectors.from_state(state)


def encoded(pixels: Array, form: str, **options: Any) -> bytes:
    image = pytest.importorskip("PIL.Image")
    stream = io.BytesIO()
    image.fromarray(pixels).save(stream, form, **options)
    return stream.getvalue()


def png_that_claims(width: int, height: int) -> bytes:
    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    parts = ((b"IHDR", head), (b"IDAT", zlib.compress(b"\0" * 100)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(struct.pack(">I", len(d)) + n + d + struct.pack(">I", zlib.crc32(n + d)) for n, d in parts)


def test_files_are_read_as_the_pictures_they_hold(vectors: ImageVectors) -> None:
    picture = scenes(1, seed=12)[0]
    assert unpacked(encoded(picture, "PNG")).tolist() == picture.tolist()
    assert vectors.problems(objects([encoded(picture, "JPEG")])) == [None]
    assert numbers(vectors, encoded(picture, "BMP")) == numbers(vectors, picture)  # type: ignore[arg-type]
    deep = picture.astype(np.uint16) * 257
    assert vectors.read(encoded(deep, "PNG")).tolist() == picture.tolist()
    floats = ImageVectors.learn(objects([p / 255.0 for p in scenes(20)]))
    assert floats.read(encoded(picture, "PNG")).tolist() == (picture / 255.0).tolist()


def test_palettes_and_inks_become_colours_and_pictures_stand_upright() -> None:
    image = pytest.importorskip("PIL.Image")
    picture = scenes(1, channels=3)[0]
    for mode, form in (("P", "PNG"), ("CMYK", "JPEG"), ("1", "PNG"), ("LA", "PNG"), ("YCbCr", "JPEG")):
        stream = io.BytesIO()
        image.fromarray(picture).convert(mode).save(stream, form)
        assert unpacked(stream.getvalue()).shape[2:] == {"1": (), "LA": (2,)}.get(mode, (3,))
    exif = image.Exif()
    exif[0x0112] = 6
    turned = unpacked(encoded(picture[:20], "PNG", exif=exif))
    assert turned.tolist() == np.rot90(picture[:20], 3).tolist()


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: png_that_claims(60_000, 60_000), "claims"),
        (lambda: png_that_claims(9_000, 9_000), "claims 9,000 × 9,000 pixels"),
        (lambda: encoded(scenes(1)[0], "PNG")[:200], "damaged or cut-off"),
        (lambda: encoded(scenes(1)[0], "JPEG")[:300], "damaged or cut-off"),
        (lambda: b"GIF89a", "known format|damaged"),
        (lambda: b"hello world", "known format"),
        (lambda: two_frames(), "2 pictures in one file"),
    ],
)
def test_hostile_files_are_refused_with_a_reason(make: Any, said: str, vectors: ImageVectors) -> None:
    pytest.importorskip("PIL")
    file = make()
    with pytest.raises(InputError, match=said):
        vectors.read(file)
    assert vectors.problems(objects([file]))[0] is not None


def two_frames() -> bytes:
    image = pytest.importorskip("PIL.Image")
    stream = io.BytesIO()
    first, second = (image.fromarray(p) for p in scenes(2))
    first.save(stream, "GIF", save_all=True, append_images=[second])
    return stream.getvalue()


def test_without_pillow_a_file_says_what_to_install(vectors: ImageVectors, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "PIL", None)
    monkeypatch.setitem(sys.modules, "PIL.Image", None)
    with pytest.raises(CamelopardError, match=r"camelopard\[images\]"):
        vectors.read(b"\x89PNG")
    assert "not installed" in str(vectors.problems(objects([b"\x89PNG"]))[0])


def test_a_large_picture_is_turned_back_as_a_small_one_is() -> None:
    rng = np.random.default_rng(0)
    slope = np.linspace(40, 200, 300)[:, None] + np.zeros(270)
    clean = objects([(slope + rng.normal(0, 6, slope.shape)).clip(0, 255).astype(np.uint8) for _ in range(30)])
    vectors = ImageVectors.learn(clean)
    for quarter, name in ((1, "turned by 90° to the right"), (2, "turned by 180°"), (3, "turned by 90° to the left")):
        (first, pixels), *_ = [found for found in vectors.repairs(np.rot90(clean[0], quarter)) if found[0].startswith("turned")]
        assert first == name
        assert pixels.shape == (300, 270)
        assert np.abs(pixels.astype(float) - clean[0]).mean() < 8
    assert not any(name.startswith("turned") for name, _ in vectors.repairs(clean[0]))


def test_a_smaller_copy_is_the_mean_of_what_it_covers() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (600, 512, 3), dtype=np.uint8)
    found = reduced(pixels, 0, 255)
    assert found.shape == (200, 170, 3) and found.dtype == np.float32
    np.testing.assert_allclose(found[7, 11], pixels[21:24, 33:36].reshape(9, 3).mean(axis=0) / 255, atol=1e-6)
