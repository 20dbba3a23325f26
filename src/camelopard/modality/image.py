"""What a picture is: some thirty numbers that move when it is damaged, what is wrong with it, how it may have been, and where it lies among others.

Brightness is measured against the values of clean pictures: 0–1, 0–255 or whatever they hold. The rest of it is in thumbnails of 8 × 8.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from camelopard.core.arrays import Array, Floats, Objects, objects
from camelopard.core.batch import Batch
from camelopard.core.errors import CamelopardError, InputError
from camelopard.modality import image_numbers
from camelopard.modality.image_files import checked, unpacked
from camelopard.modality.image_form import Usual
from camelopard.modality.image_numbers import GRID, grey, numbers, reduced, thumbnail
from camelopard.modality.image_repairs import repairs, resized
from camelopard.modality.image_specks import without_specks
from camelopard.modality.image_squeezing import squeezed
from camelopard.modality.image_thumbnails import Thumbnails
from camelopard.modality.states import array_of, spread_over

NAMES = (*image_numbers.NAMES, "distance to the mean", "distance to the nearest")
MOST_LEARNED, MOST_MEASURED = 2_000, 500  # pictures that thumbnails, and the usual range of the numbers, are learned from
TAILS = (0.005, 0.5, 0.995)


class ImageVectors:
    """Pictures as numbers, learned from clean pictures. A cell is an array (h, w) or (h, w, 1 to 4 channels), or the bytes of a file.

    Attributes
    ----------
    names
        What each number is.
    usual
        Data type, value range and size of the clean pictures.
    limits
        The values below which 0.5 %, half and 99.5 % of the clean pictures lie in each number, shape (3, len(names)).

    >>> rng = np.random.default_rng(0)
    >>> vectors = ImageVectors.learn(objects([rng.integers(0, 256, (8, 8), dtype=np.uint8) for _ in range(40)]))
    >>> dim = dict(zip(vectors.names, vectors.measure(objects([np.full((8, 8), 51, dtype=np.uint8)]))[0].round(2).tolist()))
    >>> dim["brightness"], dim["contrast"]
    (0.2, 0.0)
    """

    kind = "image"
    names = NAMES
    apart: tuple[str, ...] = ()

    def __init__(self, usual: Usual, thumbnails: Thumbnails, limits: Floats) -> None:
        self.usual, self.thumbnails, self.limits = usual, thumbnails, limits

    @classmethod
    def learn(cls, images: Array) -> ImageVectors:
        """Learn from clean pictures, an object array of arrays, bytes and None, shape (n,). The same pictures in the same order give the same bytes.

        Raises
        ------
        InputError
            If there is no picture among them.
        """
        there = [cell for cell in images if cell is not None]
        clean, why = [], "all are missing"
        for i in spread_over(len(there), MOST_LEARNED):
            try:
                clean.append(unpacked(there[i]) if isinstance(there[i], bytes) else checked(there[i]))
            except CamelopardError as error:
                why = str(error)
        if not clean:
            raise InputError(f"there is no picture among the {len(images)} cells to learn from: {why}")
        usual = Usual.of(clean)
        clean = [usual.fitted(pixels) for pixels in clean]
        small = np.array([thumbnail(grey(reduced(pixels, usual.low, usual.high))) for pixels in clean]).reshape(-1, GRID * GRID)
        vectors = cls(usual, Thumbnails.learn(small), np.zeros((3, len(NAMES))))
        found = vectors.measure(objects(clean[i] for i in spread_over(len(clean), MOST_MEASURED)), own=True)
        vectors.limits = np.quantile(found, TAILS, axis=0)
        return vectors

    def read(self, cell: object) -> Array:
        """Return the pixels of a cell: an array as it is; a file unpacked, in the data type and value range of the clean pictures.

        Raises
        ------
        InputError
            If it is missing, no picture, damaged, animated, or has more than 64 million pixels. What a file claims is read before it is unpacked.
        CamelopardError
            If it is a file and Pillow is not installed.
        """
        if cell is None:
            raise InputError("a missing picture.")
        return self.usual.fitted(unpacked(cell)) if isinstance(cell, bytes) else checked(cell)

    def opened(self, images: Array) -> tuple[Objects, list[str | None]]:
        """Return the pixels of each cell, None where it cannot be read, and why it cannot: every file is unpacked once."""
        cells: list[Array | None] = []
        reasons: list[str | None] = []
        for cell in images:
            try:
                cells.append(self.read(cell))
                reasons.append(None)
            except CamelopardError as error:
                cells.append(None)
                reasons.append("missing" if cell is None else str(error))
        return objects(cells), reasons

    def problems(self, images: Array) -> list[str | None]:
        """Return why each cell cannot be judged: "missing", or what `read` says of it; else None."""
        return self.opened(images)[1]

    def measure(self, images: Array, *, own: bool = False) -> Floats:
        """Return the numbers of each picture, shape (n, len(names)), NaN for a cell that is none.

        A picture gets the same bytes alone and in any batch. One with more than 256 pixels a side is measured on a smaller copy; noise, specks
        and sharpness in its middle.

        Parameters
        ----------
        own
            The pictures are those that were learned from: none of them is its own nearest.
        """
        found = np.full((len(images), len(NAMES)), np.nan)
        rows, small = [], []
        for i, cell in enumerate(images):
            pixels = self._pixels(cell)
            if pixels is not None:
                found[i, :-2], plane = numbers(pixels, self.usual.low, self.usual.high)
                rows.append(i)
                small.append(plane.ravel())
        if rows:
            found[rows, -2:] = self.thumbnails.distances(self.thumbnails.standard(np.array(small)), own)
        return found

    def embed(self, images: Array) -> Floats:
        """Return thumbnails of 8 × 8 against the mean and the spread of clean ones, shape (n, 64); zeros for what is no picture."""
        found = np.zeros((len(images), GRID * GRID))
        for i, cell in enumerate(images):
            pixels = self._pixels(cell)
            if pixels is not None:
                found[i] = self.thumbnails.standard(self._small(pixels).reshape(1, -1))[0]
        return found

    def marks(self, image: object) -> Floats:
        """Return how unlike the nearest clean pictures each part of one is, in standard deviations, shape (8, 8); zeros if it is none."""
        pixels = self._pixels(image)
        if pixels is None:
            return np.zeros((GRID, GRID))
        return self.thumbnails.unlike(self.thumbnails.standard(self._small(pixels).reshape(1, -1))[0]).reshape(GRID, GRID)

    def repairs(self, image: object) -> list[tuple[str, Array]]:
        """Return up to six pictures that this one may have been, each with what was undone: its form first, then what makes it likest to clean ones.

        >>> vectors = ImageVectors.learn(objects([np.arange(64, dtype=np.uint8).reshape(8, 8)] * 9))
        >>> [name for name, pixels in vectors.repairs(np.arange(64).reshape(8, 8) / 255.0)]
        ['value range of clean pictures']
        """
        pixels = self._pixels(image)
        return [] if pixels is None else repairs(pixels, self.usual, self.thumbnails, dict(zip(NAMES, self.limits.T.tolist(), strict=True)))

    def mended(self, image: object, most: int) -> list[Array]:
        """Return up to `most` pictures, each without one of the pixels that stand most alone, the tallest first (see `image_specks`)."""
        pixels = self._pixels(image)
        return [] if pixels is None else without_specks(pixels, self.usual.low, self.usual.high, most)

    def squeezed(self, image: object) -> object:
        """Return a picture with less in it (see `image_squeezing`); a file and what is no picture as they are."""
        pixels = self._pixels(image) if isinstance(image, np.ndarray) else None
        return image if pixels is None else squeezed(pixels, self.usual.low, self.usual.high)

    def examples(self, n: int) -> Array:
        """Return n made-up pictures: the mean of clean ones from afar, lighter and darker, in their form; no picture of anyone's data, shape (n,)."""
        height, width = self.usual.size if min(self.usual.size) > 0 else (4 * GRID, 4 * GRID)
        mean = resized(self.thumbnails.mean.reshape(GRID, GRID), height, width)
        shades = [self.usual.low + (self.usual.high - self.usual.low) * mean * (0.5 + (i % 11) / 10) for i in range(n)]
        return objects(self.usual.cast(_stacked(shade, max(self.usual.channels, 0))) for shade in shades)

    def state(self) -> dict[str, Any]:
        """Return what was learned, as plain data and arrays."""
        return {"usual": self.usual.state(), "thumbnails": self.thumbnails.state(), "limits": self.limits}

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> ImageVectors:
        """Rebuild from `state()`.

        Raises
        ------
        ValueError
            If it is not what `state()` returned: it may come from a file that somebody changed.
        """
        if not isinstance(state, Mapping) or not all(isinstance(state.get(part), Mapping) for part in ("usual", "thumbnails")):
            raise ValueError("expected what was learned from pictures: what is usual, thumbnails and limits")
        limits = array_of(state, "limits", "f", (3, len(NAMES))).astype(np.float64)
        return cls(Usual.from_state(state["usual"]), Thumbnails.from_state(state["thumbnails"]), limits)

    def _pixels(self, cell: object) -> Array | None:
        try:
            return self.read(cell)
        except CamelopardError:
            return None

    def _small(self, pixels: Array) -> NDArray[np.float32]:
        return thumbnail(grey(reduced(pixels, self.usual.low, self.usual.high)))


def opened(batch: Batch, like: Batch | None = None) -> Batch:
    """Return pictures given as files as the arrays that they hold, in the form of those that came as arrays, among them or in `like`."""
    if batch.form.kind != "images":
        return batch
    (name,) = batch.names
    return batch.with_columns({name: unfiled(batch.columns[name], like.columns[name] if like is not None and like.names == batch.names else None)})


def unfiled(images: Array, like: Array | None = None) -> Array:
    """Return cells with every file unpacked, in the form that most arrays among `like` have, or else those among themselves; of neither: as they are.

    What cannot be unpacked stays a file. For pictures to learn from: `ImageVectors.read` unpacks those that come later.

    >>> unfiled(objects([np.zeros((2, 2)), None, b"no picture"])).tolist()[1:]
    [None, b'no picture']
    """
    cells = images.tolist()
    if bytes not in set(map(type, cells)):
        return images
    usual = next((Usual.of(arrays) for among in (like, images) if among is not None and (arrays := _sound(among))), None)
    found = images.copy()
    for i, cell in enumerate(cells):
        if isinstance(cell, bytes):
            try:
                found[i] = unpacked(cell) if usual is None else usual.fitted(unpacked(cell))
            except CamelopardError:
                continue
    return found


def _sound(images: Array) -> list[Array]:
    """Return the arrays among cells that are pictures; of many, some."""
    found = []
    for i in spread_over(len(images), MOST_LEARNED):
        if isinstance(images[i], np.ndarray):
            try:
                found.append(checked(images[i]))
            except CamelopardError:
                continue
    return found


def _stacked(light: Floats, channels: int) -> Floats:
    """Return a plane as a picture with that many channels; 0 for none of their own."""
    return light if channels == 0 else np.repeat(light[:, :, None], channels, axis=2)
