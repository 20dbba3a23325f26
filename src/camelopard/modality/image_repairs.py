"""What a damaged picture may have been: first brought into the form of clean pictures, then whatever makes it look more like them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from camelopard.core.arrays import Array, Floats
from camelopard.modality.image_form import Usual, source_range
from camelopard.modality.image_numbers import NAMES, SIDE, SPECK, Plane, grey, median, numbers, reduced, thumbnail
from camelopard.modality.image_thumbnails import Thumbnails

MOST = 6
NEARER = 0.9  # times the distance to clean pictures, below which a repair is worth while
OUTSIDE = 1e-3  # of the value range
TURNS = (("turned by 90° to the left", 1), ("turned by 180°", 2), ("turned by 90° to the right", 3))
FINEST = 8  # pixels read for each that is made, along a side

Limits = Mapping[str, Sequence[float]]
Repair = tuple[str, Array]


def repairs(pixels: Array, usual: Usual, thumbnails: Thumbnails, limits: Limits) -> list[Repair]:
    """Return up to MOST different pictures, each with what was undone. `limits`: the 0.5 %, 50 % and 99.5 % points of the numbers of clean ones."""

    def far(small: Plane) -> float:
        return thumbnails.distance(thumbnails.standard(small.reshape(1, -1))[0])

    def distance(candidate: Array) -> float:
        return far(thumbnail(grey(reduced(candidate, usual.low, usual.high))))

    found: list[Repair] = []
    names, formed = [], pixels
    for name, step in (("channels", _channels), ("value range", _range)):
        changed = step(formed, usual)
        if not _same(changed, formed):
            names.append(name)
            formed = changed
    base = _sized(formed, usual)
    if not _same(base, formed):
        names.append("size")
    if names:
        found.append((f"{' and '.join(names)} of clean pictures", base))
        if len(names) > 1 and not _same(base, formed):
            found.append((f"{' and '.join(names[:-1])} of clean pictures", formed))
    planes = reduced(base, usual.low, usual.high)
    now, light = far(thumbnail(grey(planes))), None
    if max(formed.shape[:2]) > SIDE:  # a large picture is turned whole only where that is worth while
        light = grey(planes if base is formed else reduced(formed, usual.low, usual.high))
    content = []
    for name, quarter in TURNS:
        d = distance(_turned(formed, quarter, usual)) if light is None else far(thumbnail(np.ascontiguousarray(np.rot90(light, quarter))))
        if d < NEARER * now:
            content.append((d, name, _turned(formed, quarter, usual)))
    measured = dict(zip(NAMES, numbers(base, usual.low, usual.high, planes)[0], strict=True))
    if any(_outside(measured[name], limits[name]) for name in ("brightness", "contrast")):
        inverse = usual.cast(usual.low + usual.high - base.astype(np.float64))
        if (d := distance(inverse)) < NEARER * now:
            content.append((d, "dark and bright exchanged", inverse))
        lit = _lit(base, usual, measured, limits)
        content.append((d if (d := distance(lit)) < NEARER * now else now, "brightness and contrast of clean pictures", lit))
    if any(_outside(measured[name], limits[name]) for name in ("darkest value", "brightest value")):
        content.append((now, "brightness stretched to that of clean pictures", _stretched(base, usual, measured, limits)))
    if base.ndim == 3 and base.shape[2] >= 3 and _off(-1, measured, limits) < NEARER * _off(1, measured, limits):
        content.append((NEARER * now, "red and blue exchanged", base[:, :, [2, 1, 0, *range(3, base.shape[2])]]))
    if measured["noise"] > limits["noise"][2]:
        content.append((now, "noise removed", denoised(base)))
    if measured["specks"] > limits["specks"][2]:
        content.append((now, "specks removed", denoised(base, SPECK * (usual.high - usual.low))))
    content.sort(key=lambda repair: (repair[0], repair[1]))
    found.extend((name, candidate) for _, name, candidate in content)
    return [repair for repair in found if not _same(repair[1], pixels)][:MOST]


def denoised(pixels: Array, beyond: float = 0.0) -> Array:
    """Return the median of the 3 × 3 pixels around each that differs from it by more than `beyond`, channel by channel; all others as they are.

    >>> denoised(np.array([[0, 0, 0], [0, 9, 0], [0, 0, 0]], dtype=np.uint8)).tolist()
    [[0, 0, 0], [0, 0, 0], [0, 0, 0]]
    """
    flat = pixels[:, :, None] if pixels.ndim == 2 else pixels
    planes = []
    for k in range(flat.shape[2]):
        plane = flat[:, :, k].astype(np.float64)  # exact up to 2**53
        middle = median(np.pad(plane, 1, mode="edge"))
        planes.append(np.where(np.abs(plane - middle) > beyond, middle, plane))
    return np.stack(planes, axis=2).astype(pixels.dtype).reshape(pixels.shape)


def resized(pixels: Array, height: int, width: int) -> Floats:
    """Return a picture in another size: means of the pixels that each new one covers, or between neighbours where it grows.

    >>> resized(np.array([[0.0, 2.0], [4.0, 6.0]]), 1, 1).tolist()
    [[3.0]]
    """
    rows, columns = _read(pixels.shape[0], height), _read(pixels.shape[1], width)
    part = pixels[np.ix_(rows, columns)].astype(np.float64)
    across = np.tensordot(_weights(len(rows), height), part, axes=(1, 0))
    found: Floats = np.moveaxis(np.tensordot(_weights(len(columns), width), across, axes=(1, 1)), 0, 1)
    return found


def _channels(pixels: Array, usual: Usual) -> Array:
    """Return a picture with the channels of clean ones: grey from colours or colours from grey, transparency dropped or full."""
    wanted = usual.channels
    have = 0 if pixels.ndim == 2 else pixels.shape[2]
    if wanted < 0 or have == wanted:
        return pixels
    flat = pixels[:, :, None] if have == 0 else pixels
    full = np.iinfo(flat.dtype).max if flat.dtype.kind in "iu" else source_range(flat)
    opaque = np.full((*flat.shape[:2], 1), full, dtype=flat.dtype)
    colours = flat[:, :, :3] if flat.shape[2] >= 3 else flat[:, :, :1]
    if wanted >= 3 and colours.shape[2] == 1:
        colours = np.repeat(colours, 3, axis=2)
    elif wanted < 3 and colours.shape[2] == 3:
        mean = colours.astype(np.float64).mean(axis=2, keepdims=True)
        colours = (np.rint(mean) if flat.dtype.kind in "iu" else mean).astype(flat.dtype)
    if wanted in (2, 4):
        colours = np.concatenate([colours, flat[:, :, -1:] if flat.shape[2] in (2, 4) else opaque], axis=2)
    return colours[:, :, 0] if wanted == 0 else colours


def _range(pixels: Array, usual: Usual) -> Array:
    """Return a picture in the data type and the value range of clean ones, by the usual range (0–1, 0–255, 0–65,535) that each of them lies in."""
    leeway = OUTSIDE * (usual.high - usual.low)
    inside = float(pixels.min()) >= usual.low - leeway and float(pixels.max()) <= usual.high + leeway
    same = pixels.dtype.name == usual.dtype
    source = source_range(pixels)
    if inside and (source == usual.range or (same and pixels.dtype.kind != "f")):
        return pixels if same else usual.cast(pixels.astype(np.float64))
    if source > 0 and (source != usual.range or float(pixels.min()) >= 0):
        return usual.ranged(pixels, source)
    return usual.cast(pixels.astype(np.float64))


def _sized(pixels: Array, usual: Usual) -> Array:
    """Return a picture in the size of clean ones, if they have one."""
    if usual.size[0] < 1 or usual.size[1] < 1 or pixels.shape[:2] == usual.size:
        return pixels
    return usual.cast(resized(pixels, *usual.size))


def _turned(pixels: Array, quarter: int, usual: Usual) -> Array:
    return np.ascontiguousarray(_sized(np.rot90(pixels, quarter), usual))


def _lit(pixels: Array, usual: Usual, measured: Mapping[str, float], limits: Limits) -> Array:
    """Return a picture with the brightness and contrast of a middling clean one."""
    stretch = limits["contrast"][1] / max(measured["contrast"], 0.01)
    return _moved(pixels, usual, stretch, limits["brightness"][1] - stretch * measured["brightness"])


def _stretched(pixels: Array, usual: Usual, measured: Mapping[str, float], limits: Limits) -> Array:
    """Return a picture whose darkest and brightest values are those of a middling clean one."""
    low, high = limits["darkest value"][1], limits["brightest value"][1]
    stretch = (high - low) / max(measured["brightest value"] - measured["darkest value"], 0.01)
    return _moved(pixels, usual, stretch, low - stretch * measured["darkest value"])


def _moved(pixels: Array, usual: Usual, stretch: float, shift: float) -> Array:
    """Return a picture with its scaled values stretched, then shifted; transparency untouched."""
    spread = usual.high - usual.low
    with np.errstate(over="ignore"):
        moved = usual.cast(((pixels.astype(np.float64) - usual.low) / spread * stretch + shift) * spread + usual.low)
    if pixels.ndim == 3 and pixels.shape[2] in (2, 4):
        moved[:, :, -1] = pixels[:, :, -1]
    return moved


def _outside(value: float, limits: Sequence[float]) -> bool:
    return not limits[0] <= value <= limits[2]


def _off(sign: int, measured: Mapping[str, float], limits: Limits) -> float:
    """Return how far the colours are from those of clean pictures, as they are (1) or with red and blue exchanged (−1)."""
    pair = ("redness", "blueness") if sign > 0 else ("blueness", "redness")
    return sum(abs(measured[a] - limits[b][1]) / (limits[b][2] - limits[b][0] + 0.01) for a, b in zip(pair, ("redness", "blueness"), strict=True))


def _same(a: Array, b: Array) -> bool:
    return a is b or (a.shape == b.shape and a.dtype == b.dtype and bool(np.array_equal(a, b)))


def _read(n: int, wanted: int) -> Array:
    """Return the places along a side that are read: all, or FINEST evenly spread for each that is made."""
    return np.arange(n) if n <= FINEST * wanted else (np.arange(FINEST * wanted) * n) // (FINEST * wanted)


def _weights(n: int, wanted: int) -> Floats:
    """Return how much each of n pixels counts in each of the wanted ones, shape (wanted, n): what it covers, or how near it is if a side grows."""
    places = np.arange(n)
    if wanted > n:
        centres = np.clip((np.arange(wanted) + 0.5) * n / wanted - 0.5, 0, n - 1)
        near: Floats = np.maximum(0.0, 1.0 - np.abs(centres[:, None] - places))
        return near
    ends = np.arange(wanted + 1) * n / wanted
    covered: Floats = np.minimum(places + 1, ends[1:, None]) - np.maximum(places, ends[:-1, None])
    return np.maximum(covered, 0.0) * wanted / n
