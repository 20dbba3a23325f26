"""What holds for every damage to images, whatever the image: form, type, seed, input; and what each family does to pictures."""

from __future__ import annotations

import re
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.datasets import load_digits

from camelopard.core.arrays import Array
from camelopard.core.batch import Batch
from camelopard.core.schema import Column, Schema
from camelopard.stress.damage import ColumnDamage
from camelopard.stress.damages import catalogue
from camelopard.stress.damages._images import Image, is_image, value_range
from camelopard.testing.damages import check_damage

DAMAGES = {kind: d for kind, d in catalogue().items() if isinstance(d, ColumnDamage) and d.on == ("image",)}
SCHEMA = Schema({"image": Column("image", "image", n=2)})
FAMILIES = {
    "noise": ("gaussian-noise", "shot-noise", "impulse-noise", "stuck-lines"),
    "blur": ("defocus-blur", "glass-blur", "motion-blur", "zoom-blur"),
    "weather": ("snow", "frost", "fog"),
    "digital": ("elastic-transform", "pixelate", "jpeg-compression", "small-copy", "moire", "few-levels"),
    "light": ("grey-shift", "dim-light", "brightness", "contrast", "harsh-contrast", "gamma", "colour-cast", "faded-colours", "uneven-light"),
    "geometry": ("rotation", "off-centre", "crop", "horizontal-flip", "vertical-flip"),
    "occlusion": ("occlusion", "border", "watermark", "ruler"),
    "mixture": ("blend", "patch-of-another"),
    "format": (
        *("wrong-size", "wrong-aspect", "one-channel", "added-channel", "channel-order", "channels-first", "value-scale", "value-type"),
        *("scaled-twice", "ignored-rotation", "linear-light", "encoded-twice", "ycbcr-as-rgb", "flattened-alpha", "blank-image"),
        *("truncated-file", "corrupt-file", "empty-file", "error-page", "half-loaded"),
    ),
}
OTHER_SHAPE = {"wrong-size", "wrong-aspect", "one-channel", "added-channel", "channels-first", "ignored-rotation"}
OTHER_TYPE = {"value-scale", "value-type"}
FILES = {"truncated-file", "corrupt-file", "empty-file", "error-page"}
MOVES_ALPHA = {"rotation", "off-centre", "crop", "horizontal-flip", "vertical-flip", "flattened-alpha", "scaled-twice"}
SHAPES: tuple[tuple[int, ...], ...] = ((24, 20), (24, 20, 1), (24, 20, 3), (24, 20, 4), (8, 8), (8, 8, 3), (1, 1), (1, 1, 3), (2, 9, 2), (5, 4, 7))


def cells(*images: object) -> Array:
    column = np.empty(len(images), dtype=object)
    for i, image in enumerate(images):
        column[i] = image
    return column


def damaged(kind: str, *images: object, severity: int = 3, seed: int = 0) -> Array:
    batch = Batch({"image": cells(*images)}, np.arange(len(images)))
    after = DAMAGES[kind].apply(batch, "image", severity, np.random.default_rng(seed), SCHEMA)
    assert len(after) == len(images)
    return after.columns["image"]


def picture(shape: tuple[int, ...], dtype: Any, top: float, seed: int = 0) -> Image:
    """Return a picture of a ramp, bars and some grain, reaching from 0 to `top`."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[0 : shape[0], 0 : shape[1]]
    bars = np.sin(20 * x / shape[1] + seed) > 0
    light = 0.1 + 0.5 * (y + 1) / shape[0] + 0.3 * bars + rng.uniform(0, 0.05, shape[:2])
    tints = np.linspace(1.0, 0.7, shape[2]) if len(shape) == 3 else 1.0
    image = np.clip(light[..., None] * tints if len(shape) == 3 else light, 0, 1) * top
    if len(shape) == 3 and shape[2] in (2, 4):
        image[..., -1] = top * np.linspace(0.2, 1.0, shape[1])
    return np.asarray(np.rint(image) if np.dtype(dtype).kind in "iu" else image, dtype=dtype)


def test_the_families_are_what_leave_one_family_out_needs() -> None:
    assert {kind: d.family for kind, d in DAMAGES.items()} == {kind: family for family, kinds in FAMILIES.items() for kind in kinds}


def test_only_mixtures_change_the_truth() -> None:
    assert {kind for kind, d in DAMAGES.items() if not d.keeps_label} == set(FAMILIES["mixture"])


@pytest.mark.parametrize("kind", DAMAGES)
def test_every_damage_keeps_the_contract_of_damages(kind: str) -> None:
    images = [picture((20, 16, 4), np.uint8, 255, seed) for seed in range(4)]
    batch = Batch({"image": cells(*images, None, b"no picture")}, np.arange(6))
    check_damage(DAMAGES[kind], batch, SCHEMA)


@pytest.mark.parametrize(("dtype", "top"), [(np.uint8, 255), (np.float64, 1.0), (np.float32, 255.0), (np.float64, 16.0), (np.uint16, 65535)])
@pytest.mark.parametrize("kind", DAMAGES)
def test_every_shape_comes_back_in_its_type_range_and_form_and_the_input_is_untouched(kind: str, dtype: Any, top: float) -> None:
    for shape in SHAPES:
        images = [picture(shape, dtype, top, seed) for seed in (0, 1)]
        kept = [image.copy() for image in images]
        for severity in (1, 5):
            for before, original, after in zip(images, kept, damaged(kind, *images, severity=severity), strict=True):
                assert before.tobytes() == original.tobytes()
                assert after is not before or np.array_equal(after, original)
                if kind in FILES:
                    assert type(after) is bytes
                    continue
                assert is_image(after)
                assert kind in OTHER_TYPE or after.dtype == before.dtype
                assert kind in OTHER_SHAPE or after.shape == before.shape
                assert np.isfinite(after.astype(float)).all()
                assert kind in OTHER_TYPE or (float(after.min()) >= 0 and float(after.max()) <= 1.0001 * top)
                if len(shape) == 3 and shape[2] in (2, 4) and kind not in MOVES_ALPHA | OTHER_SHAPE | OTHER_TYPE:
                    assert np.array_equal(after[..., -1], original[..., -1])


@pytest.mark.parametrize("kind", DAMAGES)
def test_cells_that_are_no_images_stay_and_nothing_raises_on_odd_ones(kind: str) -> None:
    odd: list[object] = [None, "text", 3, np.zeros(5), np.zeros((0, 4)), np.array("x"), np.zeros((2, 2), dtype=complex), [[1, 2]]]
    after = damaged(kind, *odd)
    assert all(a is b for a, b in zip(after, odd, strict=True))
    strange = [np.full((4, 4), np.nan), np.full((4, 4), np.inf), np.zeros((4, 4, 3)), np.ones((4, 4), dtype=bool), np.full((4, 4), -7)]
    for severity in (1, 5):
        assert len(damaged(kind, *strange, np.full((4, 4), 1e308), severity=severity)) == 6
    assert len(damaged(kind)) == 0
    kinds = [np.ma.masked_less(np.eye(4), 0.5), np.eye(4, dtype=">u2"), np.eye(4, dtype=np.float16), np.eye(8)[::2, ::-2]]
    for image in (*kinds, np.broadcast_to(np.uint8(7), (4, 4, 3))):
        assert len(damaged(kind, image, image)) == 2


@pytest.mark.parametrize("kind", DAMAGES)
def test_the_same_seed_gives_the_same_cells(kind: str) -> None:
    images = [picture((12, 10, 3), np.uint8, 255, seed) for seed in (0, 1)]
    for a, b in zip(damaged(kind, *images, seed=5), damaged(kind, *images, seed=5), strict=True):
        assert a == b if isinstance(a, bytes) else np.array_equal(a, b)


@pytest.mark.parametrize("side", [28, 200])
@pytest.mark.parametrize("kind", [k for k, d in DAMAGES.items() if d.graded and k not in OTHER_SHAPE | FILES])
def test_severity_five_changes_more_than_severity_one(kind: str, side: int) -> None:
    images = [picture((side, side, 3), np.float64, 1.0, seed) for seed in range(3)]
    unlike = covered if kind in ("fog", "frost") else moved
    weak, strong = (
        np.mean([unlike(a, b) for seed in range(3) for a, b in zip(damaged(kind, *images, severity=s, seed=seed), images, strict=True)])
        for s in (1, 5)
    )
    assert strong > 1.2 * weak > 0


def moved(after: Image, before: Image) -> float:
    return float(np.abs(after - before).mean())


def covered(after: Image, before: Image) -> float:
    """How little the new picture says about the old one: clouds and ice make it brighter and darker at once."""
    return float(1 - np.corrcoef(after.ravel(), before.ravel())[0, 1])


@pytest.mark.parametrize("kind", [k for f in ("noise", "blur", "weather", "digital") for k in FAMILIES[f] if k != "few-levels"])
def test_digits_of_eight_by_eight_are_not_annihilated(kind: str) -> None:
    digits = list(load_digits().images[:40])
    after = damaged(kind, *digits, severity=5)
    likeness = [np.corrcoef(a.ravel(), b.ravel())[0, 1] for a, b in zip(after, digits, strict=True)]
    assert np.mean(likeness) > 0.45


def test_the_range_is_the_types_or_the_batchs() -> None:
    assert value_range(cells(np.zeros((2, 2), dtype=np.uint8)), np.dtype(np.uint8)) == (0, 255)
    assert value_range(cells(np.zeros((2, 2), dtype=np.uint16)), np.dtype(np.uint16)) == (0, 65535)
    floats = np.dtype(float)
    for top, expected in ((0.3, 1.0), (1.001, 1.0), (16.0, 16.0), (240.0, 255.0), (3000.0, 4095.0)):
        assert value_range(cells(np.array([[0.0, top]]), np.zeros((2, 2))), floats) == (0.0, expected)
    assert value_range(cells(np.array([[-0.9, 1.0]])), floats) == (-1.0, 1.0)
    assert value_range(cells(np.array([[-2.1, 2.6]])), floats) == (-2.1, 2.6)
    assert value_range(cells(np.array([[0.0, np.nan, 250.0]])), floats) == (0.0, 255.0)
    assert value_range(cells(np.array([[0, 200]])), np.dtype(np.int64)) == (0.0, 255.0)


def test_uint8_and_float_images_are_damaged_alike() -> None:
    bytes_, floats = picture((30, 30, 3), np.uint8, 255), picture((30, 30, 3), np.uint8, 255) / 255.0
    for kind in ("grey-shift", "contrast", "defocus-blur", "fog", "rotation", "jpeg-compression", "gaussian-noise", "watermark"):
        a, b = damaged(kind, bytes_)[0], damaged(kind, floats)[0]
        assert np.abs(a / 255.0 - b).max() < 0.51 / 255 + 1e-6, kind


def test_pixels_that_are_left_alone_keep_their_very_values() -> None:
    image = np.random.default_rng(0).random((30, 30))
    for kind in ("occlusion", "border", "watermark", "ruler", "stuck-lines", "impulse-noise", "half-loaded", "patch-of-another"):
        after = damaged(kind, image, image[::-1] * 0.5, severity=1)[0]
        assert 0.5 < (after == image).mean() < 1.0, kind


def test_the_changed_light_bulb_is_two_grey_levels() -> None:
    image = picture((9, 9, 3), np.uint8, 200)
    assert np.array_equal(damaged("grey-shift", image, severity=1)[0], image + 2)
    digit = load_digits().images[0]
    inside = digit < 15
    assert damaged("grey-shift", digit, severity=1)[0][inside] - digit[inside] == pytest.approx(16 * 2 / 255, abs=1e-6)


def test_files_are_true_png_before_they_are_broken() -> None:
    image = picture((6, 5, 3), np.uint8, 255)
    from camelopard.stress.damages.image_file import png

    file = png(image, (0.0, 255.0))
    at = file.index(b"IDAT")
    size = int.from_bytes(file[at - 4 : at], "big")
    lines = np.frombuffer(zlib.decompress(file[at + 4 : at + 4 + size]), dtype=np.uint8).reshape(6, 16)
    assert not lines[:, 0].any()
    assert np.array_equal(lines[:, 1:].reshape(6, 5, 3), image)
    cut, struck = damaged("truncated-file", image, severity=1)[0], damaged("corrupt-file", image, severity=1)[0]
    assert file.startswith(cut)
    assert 0 < len(cut) < len(file)
    assert sum(a != b for a, b in zip(file, struck, strict=True)) == 1
    assert damaged("empty-file", image)[0] == b""
    assert damaged("error-page", image)[0].startswith(b"<!DOCTYPE html>")


def test_bytes_cells_are_cut_and_struck_too_and_otherwise_left_alone() -> None:
    file = bytes(range(200))
    assert damaged("truncated-file", file, severity=5)[0] == file[:10]
    assert sum(a != b for a, b in zip(file, damaged("corrupt-file", file, severity=3)[0], strict=True)) == 16
    assert damaged("corrupt-file", b"", severity=5)[0] == b""
    assert damaged("truncated-file", b"x", severity=1)[0] == b""
    assert damaged("fog", file)[0] is file


def test_forms_are_the_wrong_ones() -> None:
    image = picture((6, 4, 3), np.uint8, 255)
    assert damaged("one-channel", image)[0].shape == (6, 4)
    assert damaged("added-channel", image)[0].shape == (6, 4, 4)
    assert (damaged("added-channel", image)[0][..., 3] == 255).all()
    assert damaged("added-channel", image[..., 0])[0].shape == (6, 4, 3)
    assert np.array_equal(damaged("channel-order", image)[0], image[..., ::-1])
    assert damaged("channels-first", image)[0].shape == (3, 6, 4)
    assert damaged("channels-first", image[..., 0])[0].shape == (1, 6, 4)
    scaled = damaged("value-scale", image)[0]
    assert scaled.dtype == np.float32
    assert scaled == pytest.approx(image / 255, abs=1e-6)
    assert damaged("value-scale", image / 255)[0] == pytest.approx(image, abs=1e-4)
    assert damaged("value-type", image)[0].dtype == np.float32
    assert damaged("value-type", image / 255)[0].dtype == np.uint8
    assert damaged("value-type", image / 255)[0].max() <= 1
    assert damaged("scaled-twice", image)[0].max() <= 1
    turned = {damaged("ignored-rotation", image, seed=seed)[0].tobytes() for seed in range(20)}
    assert turned == {np.rot90(image, k).tobytes() for k in (1, 2, 3)}


def test_sizes_are_other_ones_even_of_a_single_pixel() -> None:
    for side in (1, 2, 8, 40):
        for severity in (1, 5):
            for seed in range(6):
                image = picture((side, side), np.uint8, 255)
                assert damaged("wrong-size", image, severity=severity, seed=seed)[0].shape != (side, side)
                assert damaged("wrong-aspect", image, severity=severity, seed=seed)[0].shape != (side, side)


def test_colours_and_alpha_are_misread_as_they_are_in_practice() -> None:
    red = np.zeros((3, 3, 3), dtype=np.uint8)
    red[..., 0] = 255
    assert damaged("ycbcr-as-rgb", red)[0][0, 0].tolist() == [76, 84, 255]
    middle = np.full((3, 3), 0.5)
    assert damaged("linear-light", middle)[0][0, 0] == pytest.approx(0.2140, abs=1e-4)
    assert damaged("encoded-twice", damaged("linear-light", middle)[0])[0] == pytest.approx(middle, abs=1e-4)
    glass = np.full((2, 2, 4), [200, 100, 0, 51], dtype=np.uint8)
    laid = {tuple(damaged("flattened-alpha", glass, seed=seed)[0][0, 0].tolist()) for seed in range(12)}
    assert laid == {(40, 20, 0, 255), (244, 224, 204, 255)}
    blanks = {damaged("blank-image", red[..., 0] // 2, seed=seed)[0].mean() for seed in range(12)}
    assert blanks == {0.0, 127.0, 255.0}


def test_mirrored_twice_is_the_picture_and_rotation_turns_by_its_angle() -> None:
    image = picture((7, 5, 3), np.uint8, 255)
    for kind in ("horizontal-flip", "vertical-flip"):
        assert np.array_equal(damaged(kind, damaged(kind, image)[0])[0], image)
    line = np.zeros((61, 61))
    line[30, 30:] = 1.0
    y, x = np.nonzero(damaged("rotation", line, severity=5)[0] > 0.3)
    far = np.argmax(np.hypot(y - 30, x - 30))
    assert abs(y[far] - 30) == pytest.approx(abs(x[far] - 30), abs=2)


def test_moving_and_cropping_keep_what_stays_in_view() -> None:
    image = picture((50, 50), np.uint8, 255)
    moved = damaged("off-centre", image, severity=3)[0]
    places = [(dy, dx) for dy in (-6, 6) for dx in (-6, 6)]
    assert any(np.array_equal(np.roll(image, p, (0, 1))[6:-6, 6:-6], moved[6:-6, 6:-6]) for p in places)
    assert damaged("crop", np.full((50, 50), 77, dtype=np.uint8), severity=5)[0].tolist() == np.full((50, 50), 77).tolist()


def test_a_mixture_holds_the_other_picture() -> None:
    dark, light = np.zeros((10, 10)), np.ones((6, 6, 3))
    assert damaged("blend", dark, light, severity=2)[0] == pytest.approx(np.full((10, 10), 0.2), abs=1e-6)
    assert damaged("blend", dark, light, severity=2)[1] == pytest.approx(np.full((6, 6, 3), 0.8), abs=1e-6)
    assert damaged("patch-of-another", dark, light, severity=5)[0].mean() == pytest.approx(0.36, abs=0.01)
    assert damaged("blend", dark)[0] is dark


def test_grey_pictures_have_no_colours_to_lose() -> None:
    image = picture((8, 8), np.uint8, 255)
    for kind in ("faded-colours", "colour-cast", "channel-order", "ycbcr-as-rgb", "one-channel", "flattened-alpha"):
        assert np.array_equal(damaged(kind, image)[0], image), kind


def test_the_table_of_the_docs_names_every_damage_and_its_family() -> None:
    text = (Path(__file__).resolve().parents[3] / "docs" / "image-damages.md").read_text(encoding="utf-8")
    rows = dict(re.findall(r"^\| ([a-z-]+) \| ([a-z]+) \|.*\|.*\|.*\|$", text, re.M))
    assert rows.pop("kind") == "family"
    assert rows == {kind: d.family for kind, d in DAMAGES.items()}
    for line in text.splitlines():
        if (kind := line.split(" | ")[0].removeprefix("| ")) in DAMAGES:
            assert DAMAGES[kind].graded != ("| the same | the same |" in line), kind
