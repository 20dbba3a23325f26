"""How small a change to a picture suffices to move the answer? Known attacks, asked in step: one call of the model for all pictures.

What counts is the picture as it is stored: a change is rounded to the levels of its data type before the model is asked, so that nothing is found
that could not be saved.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

import numpy as np

from camelopard.core.arrays import Array, Bools, Floats, Ints
from camelopard.core.batch import Batch
from camelopard.core.errors import BudgetSpent, CamelopardError, InputError, UnknownName
from camelopard.core.protocols import Session
from camelopard.core.records import Prediction
from camelopard.core.schema import Schema
from camelopard.stress.damages._images import Colours, Image, Range, colour_channels, is_image, ranges, recoloured, unit
from camelopard.stress.damages.image_mixture import like
from camelopard.stress.image_attack_result import ImageAttackResult, Way
from camelopard.stress.image_ways import BY_EPSILON, BY_GRADIENT, WAYS, Ask, Reply, Search, Slope, Task
from camelopard.stress.truth import Truth

EPSILON = 0.05  # of the range, as Andriushchenko et al. (2020) use for photographs
CALL = 1024  # pictures asked at once
OTHERS = 20  # pictures with another answer that are looked at
STARTS = 3  # pictures with another answer from which the walk along the boundary may start
HELD = 256_000_000  # bytes of pictures as colours: so many pictures are attacked at most
COPIES = 32  # of its colours that the search of a picture holds for a moment
LARGEST = 8_000_000  # numbers of a picture that is attacked: all copies of one are a gigabyte
Gradient: TypeAlias = Callable[[Image, Sequence[object]], Image]


def image_attack(
    session: Session,
    batch: Batch,
    schema: Schema,
    truth: Truth,
    rng: np.random.Generator,
    *,
    rows: int = 60,
    queries_per_row: int = 150,
    ways: Sequence[str] | None = None,
    gradient: Gradient | None = None,
    epsilon: float = EPSILON,
) -> ImageAttackResult:
    """Attack up to `rows` pictures drawn at random, each in every way, and return the smallest change found per picture.

    No picture costs more than `queries_per_row` model rows, its own included; a gradient counts as one. The ways share them: what one leaves, the
    next ones have. Where the session's budget ends first, what was found by then is returned. Alpha stays as it is. Cells that are no arrays (encoded
    files, missing ones) are not attacked, nor are pictures of more than eight million numbers; of several columns of images the first is.

    Parameters
    ----------
    ways
        Of "fgsm" and "pgd" (these need `gradient`), "square", "one-pixel" and "boundary"; None: all that are possible.
    gradient
        (pictures (n, h, w) or (n, h, w, c) as floats in their own range of values, the n answers to move away from) -> the gradient of the loss, of
        the same shape.
    epsilon
        How far "fgsm", "pgd" and "square" may change a value, as a share of its range; at least one level of a whole number.

    Raises
    ------
    InputError
        If there is no column of images, or `gradient` gives another shape than asked for.
    UnknownName, CamelopardError
        If a way is not known, or needs a gradient and none is given; if a number makes no sense.
    BudgetSpent
        If not even the pictures themselves can be asked.
    """
    names = _checked_ways(ways, gradient)
    if queries_per_row < 1:
        raise CamelopardError(f"queries_per_row={queries_per_row}: expected at least 1, the picture itself.")
    if not 0 < epsilon <= 1:
        raise CamelopardError(f"epsilon={epsilon}: expected a share of the range of values, above 0 and at most 1, such as {EPSILON}.")
    columns = [column.name for column in schema.of_kind("image")]
    if not columns:
        kinds = ", ".join(f"{c.name} ({c.kind})" for c in schema.columns.values())
        raise InputError(f"no column of images to attack; the columns are {kinds}. For tables there is camelopard.stress.attack.attack.")
    name = columns[0]
    drawn = np.sort(rng.permutation(len(batch))[: _bounded(rows, batch.columns[name])])
    before = session.predict(batch.take(drawn))
    able = (is_image(cell) and cell.size <= LARGEST for cell in batch.columns[name][drawn])
    fit = ~before.failed & np.fromiter(able, dtype=bool, count=len(drawn))
    chosen = drawn[fit]
    attack = _Attack(session, batch.take(chosen), name, before.take(np.flatnonzero(fit)), truth, rng, queries_per_row, epsilon, gradient)
    found = {}
    for k, way in enumerate(names):
        found[way] = attack.tried(way, len(names) - k)
    return ImageAttackResult.of(chosen, attack.original, name, attack.before, found, attack.spent, len(drawn), attack.complete)


def _bounded(rows: int, values: Array) -> int:
    """Return how many rows are attacked: `rows`, or as many as fit into HELD bytes as colours."""
    largest = max((4 * cell.size for cell in values if is_image(cell) and cell.size <= LARGEST), default=1)
    return min(rows, HELD // largest)


def _checked_ways(ways: Sequence[str] | None, gradient: Gradient | None) -> tuple[str, ...]:
    if isinstance(ways, str):
        raise CamelopardError(f'ways={ways!r}: expected a list of names, such as ["{ways}"].')
    for way in ways or ():
        if way not in WAYS:
            raise UnknownName.among(way, WAYS, "way of attacking pictures")
        if way in BY_GRADIENT and gradient is None:
            raise CamelopardError(f"{way!r} follows the gradient of the model, and none is given. Give gradient=…, or leave it out of ways.")
    if ways is None:
        return tuple(way for way in WAYS if gradient is not None or way not in BY_GRADIENT)
    return tuple(dict.fromkeys(ways))


@dataclass
class _Picture:
    """One picture during one way: what its search wants to know next, and the best change so far."""

    place: int
    limit: int
    image: Image
    rng: np.random.Generator
    search: Search | None = None
    wanted: Ask | Slope | None = None
    best: Image | None = None
    moved: bool = False
    size: float = np.inf  # of the best change; of one that did not suffice: its margin
    answer: Prediction | None = None
    spent: int = 0


@dataclass
class _Attack:
    """Runs the searches of all pictures in step."""

    session: Session
    original: Batch
    name: str
    before: Prediction
    truth: Truth
    rng: np.random.Generator
    per_row: int
    epsilon: float
    gradient: Gradient | None
    complete: bool = True
    spent: Ints = field(init=False)
    images: list[Image] = field(init=False)
    spans: list[Range] = field(init=False)
    colours: list[Colours] = field(init=False)

    def __post_init__(self) -> None:
        values = self.original.columns[self.name]
        known = ranges(values)
        self.images = [np.asarray(image) for image in values]
        self.spans = [known[image.dtype] for image in self.images]
        self.colours = [
            unit(_stored(image)[:, :, : colour_channels(_stored(image))], span) for image, span in zip(self.images, self.spans, strict=True)
        ]
        self.spent = np.ones(len(self.images), dtype=np.int64)

    def tried(self, way: str, ways_left: int) -> Way:
        """Run one way on every picture, each with its share of the queries that are left to it."""
        seeds = self.rng.spawn(len(self.images))
        pictures = [_Picture(i, int(self.per_row - self.spent[i]) // ways_left, self.images[i], seed) for i, seed in enumerate(seeds)]
        at_once = max(1, HELD // (COPIES * max((colours.nbytes for colours in self.colours), default=1)))
        for start in range(0, len(pictures), at_once):
            if self.complete:
                try:
                    self._run(pictures, slice(start, start + at_once), way)
                except BudgetSpent:
                    self.complete = False
            for p in pictures[start : start + at_once]:
                p.search, p.wanted = None, None  # with all that it remembers
        self.spent += np.array([p.spent for p in pictures], dtype=np.int64)
        return self._found(way, pictures)

    def _search(self, p: _Picture, way: str) -> Search:
        i, starts = p.place, self._starts(p.place) if way == "boundary" else ()
        level = 0.0 if p.image.dtype.kind == "f" else 1.0 / (self.spans[i][1] - self.spans[i][0])
        epsilon = max(level, np.floor(self.epsilon / level + 1e-9) * level) if level else self.epsilon
        return WAYS[way](Task(self.colours[i], epsilon, level, p.limit, p.rng, starts))

    def _run(self, pictures: Sequence[_Picture], these: slice, way: str) -> None:
        """Run the searches of some of the pictures, in step."""
        largest = way in BY_EPSILON
        for p in pictures[these]:
            p.search = self._search(p, way)
            p.wanted = next(p.search, None) if p.limit > 0 else None
        while any(p.wanted is not None for p in pictures):
            self._ask_slopes(pictures)
            at, candidates, counts = [], [], []
            for i, p in enumerate(pictures):
                if isinstance(p.wanted, Ask):
                    some = [self._image(i, c) for c in p.wanted.candidates[: p.limit - p.spent]]
                    at.append(i)
                    candidates += some
                    counts.append(len(some))
            owners = np.repeat(np.array(at, dtype=np.int64), counts)
            replies = self._asked(pictures, owners, candidates, largest)
            begin = 0
            for i, count in zip(at, counts, strict=True):
                self._send(pictures[i], replies[begin : begin + count])
                begin += count

    def _send(self, p: _Picture, answer: list[Reply] | Colours) -> None:
        """Tell a search what it asked for, unless its budget is spent: then it ends."""
        assert p.search is not None
        if p.spent >= p.limit:
            p.search.close()
            p.wanted = None
            return
        try:
            p.wanted = p.search.send(answer)
        except StopIteration:
            p.wanted = None

    def _asked(self, pictures: Sequence[_Picture], owners: Ints, candidates: list[Image], largest: bool) -> list[Reply]:
        replies: list[Reply] = []
        for begin in range(0, len(owners), CALL):
            rows, images = owners[begin : begin + CALL], candidates[begin : begin + CALL]
            cells = np.empty(len(images), dtype=object)
            for k, image in enumerate(images):
                cells[k] = image
            after = self.session.predict(self.original.take(rows).with_columns({self.name: cells}).renumbered())
            before = self.before.take(rows)
            moved, margin = self.truth.fooled(before, after), _margin(before, after, self.truth)
            for k, i in enumerate(rows.tolist()):
                p = pictures[i]
                p.spent += 1
                replies.append(Reply(bool(moved[k]), float(min(margin[k], 0.0) if moved[k] else margin[k])))
                self._remember(p, images[k], replies[-1], after.take(slice(k, k + 1)), self._size(i, images[k], largest))
        return replies

    def _remember(self, p: _Picture, image: Image, reply: Reply, answer: Prediction, size: float) -> None:
        measure = size if reply.moved else reply.margin
        if (reply.moved and not p.moved) or (reply.moved == p.moved and measure < p.size):
            p.best, p.moved, p.size, p.answer = image, reply.moved, measure, answer

    def _ask_slopes(self, pictures: Sequence[_Picture]) -> None:
        """Answer the searches that want a gradient, those of one shape and type together."""
        groups: dict[tuple[object, ...], list[int]] = {}
        for i, p in enumerate(pictures):
            if isinstance(p.wanted, Slope):
                groups.setdefault((self.images[i].shape, self.images[i].dtype), []).append(i)
        for rows in groups.values():
            assert self.gradient is not None
            floats = [self._floats(i, w.at) for i in rows if isinstance(w := pictures[i].wanted, Slope)]
            given = np.stack(floats)
            slopes = np.asarray(self.gradient(given, [self.before.value[i] for i in rows]))
            if slopes.shape != given.shape:
                raise InputError(f"gradient gave an array of shape {slopes.shape} for pictures of shape {given.shape}; expected the same shape.")
            for i, slope in zip(rows, np.nan_to_num(slopes), strict=True):
                pictures[i].spent += 1
                self._send(pictures[i], np.asarray(_stored(slope)[:, :, : self.colours[i].shape[2]], dtype=np.float32))

    def _image(self, i: int, colours: Colours) -> Image:
        return recoloured(self.images[i], self.spans[i], lambda _: colours)

    def _floats(self, i: int, colours: Colours) -> Image:
        """Return a picture as floats in its own range, not rounded to its levels."""
        image = self.images[i]
        return recoloured(image.astype(np.float32 if image.dtype.itemsize < 8 else np.float64), self.spans[i], lambda _: colours)

    def _size(self, i: int, image: Image, largest: bool) -> float:
        change = self._change(i, image)
        return float(np.abs(change).max() if largest else np.sqrt((change**2).sum()))

    def _change(self, i: int, image: Image) -> Floats:
        low, high = self.spans[i]
        return np.asarray((_stored(image).astype(np.float64) - _stored(self.images[i]).astype(np.float64)) / (high - low))

    def _starts(self, i: int) -> list[Colours]:
        """Return the nearest pictures that get another answer, as colours of the same shape."""
        other = self.truth.flipped(self.before.take(np.full(len(self.images), i)), self.before)
        alike = [like(self.images[j], self.spans[j], self.colours[i]) for j in np.flatnonzero(other)[:OTHERS]]
        return sorted(alike, key=lambda c: float(np.linalg.norm(c - self.colours[i])))[:STARTS]

    def _found(self, way: str, pictures: Sequence[_Picture]) -> Way:
        n = len(pictures)
        cells = np.empty(n, dtype=object)
        largest, rms, pixels = np.full(n, np.inf), np.full(n, np.inf), np.full(n, np.inf)
        for i, p in enumerate(pictures):
            cells[i] = self.images[i] if p.best is None else p.best
            if p.moved:
                change = self._change(i, cells[i])
                largest[i], rms[i] = np.abs(change).max(), np.sqrt((change**2).mean())
                pixels[i] = (change != 0).any(axis=2).sum()
        moved: Bools = np.array([p.moved for p in pictures], dtype=bool)
        answers = [self.before.take(slice(i, i + 1)) if p.answer is None else p.answer for i, p in enumerate(pictures)]
        after = Prediction.joined(answers) if answers else self.before
        spent = np.array([p.spent for p in pictures], dtype=np.int64)
        return Way(way, self.original.with_columns({self.name: cells}), moved, largest, rms, pixels, after, spent)


def _stored(image: Image) -> Image:
    return image if image.ndim == 3 else image[:, :, None]


def _margin(before: Prediction, after: Prediction, truth: Truth) -> Floats:
    """Return how far each answer is from moving, shape (m,): the lead of the old class, or what is left of the tolerance; 0 where that is unknown."""
    if truth.task == "regression":
        away = np.abs(after.value.astype(np.float64) - before.value.astype(np.float64))
        return np.nan_to_num(1.0 - away / max(truth.tolerance, 1e-12), nan=0.0, neginf=-1e12)
    old, new = before.shares, after.shares
    if old.shape != new.shape or old.shape[1] < 2:
        return np.zeros(len(after))
    at, own = np.arange(len(new)), old.argmax(axis=1)
    others = new.copy()
    others[at, own] = -np.inf
    return np.asarray(new[at, own] - others.max(axis=1))
