"""Ways to attack one picture: searches that ask about changed pictures, and hear whether the answer moved and how near it came.

Each is a generator, so that the searches of many pictures go in step and their questions are asked together: it yields `Ask` (candidates) or `Slope`
(where it wants the gradient), and is sent the replies. It never counts: whoever runs it stops it when the budget of its picture is spent.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from camelopard.core.arrays import Floats
from camelopard.stress.damages._images import Colours

BISECTIONS = 6
STEPS = 20  # of projected gradient descent
SHARED = 6  # questions per step that the budget is to last for: two a step, three descents
STRIDE = 2.5  # all its steps together go so many radii far
SQUARE = 0.3  # share of the picture that the first square covers
HALVED = (0.001, 0.005, 0.02, 0.05, 0.1, 0.2, 0.4, 0.6, 0.8)  # shares of the budget at which squares get half the area
MUTATION = 0.5  # of differential evolution
FEWEST, MOST, ROUNDS = 5, 100, 8  # points of its population, and rounds that it is to last
PROBES = 12  # directions tried at first to find the way off a boundary
REACH = 0.05  # how far these go, in distances from the original


@dataclass(frozen=True)
class Ask:
    """What does the model say to these? Answered by a reply for each."""

    candidates: Sequence[Colours]


@dataclass(frozen=True)
class Slope:
    """In which direction does the loss grow here? Answered by an array of the same shape."""

    at: Colours


@dataclass(frozen=True)
class Reply:
    """Whether the answer moved, and how far it is from moving: the lead of the old class over the best other one, 0 or less where it moved."""

    moved: bool
    margin: float


@dataclass(frozen=True)
class Task:
    """One picture under attack.

    colours
        What it looks like, between 0 and 1, shape (h, w, c).
    epsilon
        How far a value may be changed by the ways that change all of them, 0–1.
    level
        The smallest step that its data type can hold, 0–1.
    limit
        How many questions there will be at most.
    starts
        Pictures of the same shape that get another answer, the nearest first.
    """

    colours: Colours
    epsilon: float
    level: float
    limit: int
    rng: np.random.Generator
    starts: Sequence[Colours] = ()


Search: TypeAlias = Generator[Ask | Slope, list[Reply] | Colours, None]
Asking: TypeAlias = Generator[Ask | Slope, list[Reply] | Colours, list[Reply]]


def fgsm(task: Task) -> Search:
    """One step along the sign of the gradient (Goodfellow, Shlens & Szegedy 2015); a step that suffices is bisected."""
    sign = np.sign((yield from _slope(task.colours)))
    far = _within(task, task.colours + task.epsilon * sign)
    if (yield from _ask(far))[0].moved:
        yield from _shrink(task, far)


def pgd(task: Task) -> Search:
    """Steps along the sign of the gradient, from a random start within a radius and never beyond it (Madry et al. 2018).

    The radius is epsilon at first; where that suffices, it is bisected.
    """
    low, high = 0.0, task.epsilon
    radius = high
    for _ in range(BISECTIONS):
        found = yield from _descended(task, radius)
        if found is not None:
            high = min(radius, float(np.abs(found - task.colours).max()))
        elif radius == task.epsilon:
            return
        else:
            low = radius
        radius = (low + high) / 2


def square(task: Task) -> Search:
    """Random squares in which every channel goes to one end of epsilon; what lowers the margin stays (Andriushchenko et al. 2020)."""
    height, width, count = task.colours.shape
    rng, epsilon = task.rng, np.float32(task.epsilon)
    at = _within(task, task.colours + epsilon * rng.choice((-1.0, 1.0), (1, width, count)))
    best = (yield from _ask(at))[0]
    asked = 1
    while not best.moved:
        share = SQUARE / 2 ** sum(asked > part * task.limit for part in HALVED)
        side = int(np.clip(round(np.sqrt(share * height * width)), 1, min(height, width)))
        top, left = rng.integers(0, height - side + 1), rng.integers(0, width - side + 1)
        where = (slice(top, top + side), slice(left, left + side))
        new = at.copy()
        new[where] = np.clip(task.colours[where] + epsilon * rng.choice((-1.0, 1.0), (1, 1, count)), 0, 1)
        reply = (yield from _ask(new))[0]
        asked += 1
        if reply.moved or reply.margin < best.margin:
            at, best = new, reply
    yield from _shrink(task, at)


def one_pixel(task: Task) -> Search:
    """One pixel in one colour, found by differential evolution (Su, Vargas & Sakurai 2019)."""
    height, width, count = task.colours.shape
    size = int(np.clip(task.limit // ROUNDS, FEWEST, MOST))
    ends = np.array([height, width, *[1.0] * count])
    points = task.rng.random((size, 2 + count)) * ends
    points[:, 2:] = np.clip(task.rng.normal(0.5, 0.5, (size, count)), 0, 1)
    replies = yield from _ask(*(_with_pixel(task.colours, p) for p in points))
    scores = [reply.margin for reply in replies]
    while not any(reply.moved for reply in replies):
        a, b, c = (task.rng.integers(0, size, size) for _ in range(3))
        children = points[a] + MUTATION * (points[b] - points[c])
        outside = (children < 0) | (children > ends)
        children[outside] = (task.rng.random(children.shape) * ends)[outside]
        replies = yield from _ask(*(_with_pixel(task.colours, p) for p in children))
        for i, reply in enumerate(replies):
            if reply.margin < scores[i]:
                points[i], scores[i] = children[i], reply.margin


def boundary(task: Task) -> Search:
    """From a picture with another answer to the boundary, and along it, nearer; labels suffice (Chen, Jordan & Wainwright 2020)."""
    rng, shape = task.rng, task.colours.shape
    starts = [*task.starts, *(rng.random(shape, dtype=np.float32) for _ in range(2))]
    replies = yield from _ask(*starts)
    at = next((start for start, reply in zip(starts, replies, strict=True) if reply.moved), None)
    if at is None:
        return
    at = yield from _bisected(task, at, BISECTIONS + 2)
    turn = 0
    while True:
        turn += 1
        away = float(np.linalg.norm(at - task.colours))
        probes = round(PROBES * np.sqrt(turn))
        noise = rng.standard_normal((probes, *shape), dtype=np.float32)
        noise /= np.sqrt((noise**2).sum(axis=(1, 2, 3), keepdims=True))
        radius = max(REACH * away, task.level * np.sqrt(task.colours.size))
        replies = yield from _ask(*(np.clip(at + radius * u, 0, 1) for u in noise))
        moved = np.array([1.0 if reply.moved else -1.0 for reply in replies])
        weights = moved - moved.mean() if abs(moved.mean()) < 1 else moved
        off = np.tensordot(weights, noise, axes=1)
        off /= max(float(np.linalg.norm(off)), 1e-12)
        step = away / np.sqrt(turn)
        for _ in range(BISECTIONS):
            further = np.clip(at + step * off, 0, 1).astype(np.float32)
            if (yield from _ask(further))[0].moved:
                nearer = yield from _bisected(task, further, BISECTIONS)
                at = nearer if np.linalg.norm(nearer - task.colours) < away else at
                break
            step /= 2


WAYS: dict[str, Callable[[Task], Search]] = {"fgsm": fgsm, "pgd": pgd, "square": square, "one-pixel": one_pixel, "boundary": boundary}
BY_GRADIENT = ("fgsm", "pgd")
BY_EPSILON = ("fgsm", "pgd", "square")


def _ask(*candidates: Colours) -> Asking:
    replies = yield Ask(candidates)
    assert isinstance(replies, list)
    return replies


def _slope(at: Colours) -> Generator[Ask | Slope, list[Reply] | Colours, Colours]:
    slope = yield Slope(at)
    assert isinstance(slope, np.ndarray)
    return slope


def _descended(task: Task, radius: float) -> Generator[Ask | Slope, list[Reply] | Colours, Colours | None]:
    """Return the first picture on the way up the loss that moves the answer, None where there is none within the radius."""
    steps = int(np.clip(task.limit // SHARED, 1, STEPS))
    at = _within(task, task.colours + radius * task.rng.uniform(-1, 1, task.colours.shape), radius)
    for _ in range(steps):
        sign = np.sign((yield from _slope(at)))
        at = _within(task, at + STRIDE * radius / steps * sign, radius)
        if (yield from _ask(at))[0].moved:
            return at
    return None


def _shrink(task: Task, found: Colours) -> Search:
    yield from _bisected(task, found, BISECTIONS)


def _bisected(task: Task, found: Colours, times: int) -> Generator[Ask | Slope, list[Reply] | Colours, Colours]:
    """Return the point nearest to the original, on the way from a picture that moves the answer, that still does."""
    low, high = 0.0, 1.0
    best = found
    for _ in range(times):
        middle = (low + high) / 2
        at = np.asarray(task.colours + np.float32(middle) * (found - task.colours), dtype=np.float32)
        if (yield from _ask(at))[0].moved:
            high, best = middle, at
        else:
            low = middle
    return best


def _within(task: Task, colours: Floats | Colours, radius: float | None = None) -> Colours:
    reach = task.epsilon if radius is None else radius
    near = np.clip(colours, task.colours - reach, task.colours + reach)
    return np.asarray(np.clip(near, 0.0, 1.0), dtype=np.float32)


def _with_pixel(colours: Colours, point: Floats) -> Colours:
    out = colours.copy()
    height, width = colours.shape[:2]
    out[min(int(point[0]), height - 1), min(int(point[1]), width - 1)] = point[2:]
    return out
