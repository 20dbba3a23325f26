"""The last linear layer of a classifier: what turns a feature vector into logits."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from camelopard.core.arrays import Floats
from camelopard.core.errors import InputError
from camelopard.evidence.space_rows import LARGEST, on_grid

FAR = 1e4  # times the largest entry of a clean vector


@dataclass(frozen=True)
class Layer:
    """`weights`: shape (k, d), `biases`: shape (k,), `alpha`: what a unit of a vector's size counts in NCI."""

    weights: Floats
    biases: Floats
    alpha: float


def checked(last: tuple[Floats, Floats], d: int, classes: int) -> tuple[Floats, Floats]:
    """Return weights and biases of one row per class, rounded so that products are exact; `classes` is 0 where that is not known.

    A single row of weights for two classes counts half for the second and half against the first: the same probabilities.

    >>> [part.tolist() for part in checked((np.array([[2.0, 4.0]]), np.array([1.0])), 2, 2)]
    [[[-1.0, -2.0], [1.0, 2.0]], [-0.5, 0.5]]

    Raises
    ------
    InputError
        If shapes do not fit, or a number is not finite or too large.
    """
    try:
        weights, biases = (np.asarray(part, dtype=np.float64) for part in last)
    except (TypeError, ValueError) as error:
        raise InputError(
            "last holds no numbers; expected the weights, shape (k, d), and the biases, shape (k,), of the last linear layer."
        ) from error
    k = classes or weights.shape[0] if weights.ndim == 2 else classes
    halved = weights.shape == (1, d) and biases.shape == (1,) and classes in (0, 2)
    if not halved and (weights.shape != (k, d) or biases.shape != (k,) or not k):
        rows = classes or "k"
        raise InputError(
            f"last has weights of shape {weights.shape} and biases of shape {biases.shape}; expected ({rows}, {d}) and ({rows},): a row of weights "
            f"and a bias for each class. Weights of shape ({d}, {rows}) are transposed."
        )
    if not (np.abs(weights).max(initial=0.0) <= LARGEST and np.abs(biases).max(initial=0.0) <= LARGEST):
        raise InputError(f"last holds a NaN, an infinity, or a number beyond {LARGEST:g}; expected the weights and biases of a trained layer.")
    if halved:
        weights, biases = np.vstack([-weights, weights]) / 2, np.concatenate([-biases, biases]) / 2
    return on_grid(weights), biases


def gaps(weights: Floats, c: int) -> Floats:
    """Return the distances between the weights of a class and of each, shape (k,); the largest where they are the same.

    >>> gaps(np.array([[0.0, 0.0], [3.0, 4.0], [0.0, 0.0]]), 0).tolist()
    [5.0, 5.0, 5.0]
    """
    found = np.sqrt(((weights - weights[c]) ** 2).sum(axis=1))
    largest = float(found.max()) or 1.0
    return np.where(found > 1e-9 * largest, found, largest)


def without_bias(weights: Floats, biases: Floats, x: Floats, centre: Floats) -> Floats:
    """Return the origin of ViM, shape (d,): −W⁺b, from which vectors need no bias; the mean of clean vectors where that is far from all of them."""
    origin: Floats = -np.linalg.pinv(weights) @ biases
    return origin if np.abs(origin).max() <= FAR * np.abs(x).max() else centre


def size_share(centred: Floats, x: Floats, own: Floats) -> float:
    """Return NCI's α from clean rows: such that proximity and size spread alike; the paper tunes it on rows that are not clean.

    `centred`: h − mean, `x`: h, `own`: the weights of each row's answer; all of shape (n, d).
    """
    from_mean = np.sqrt((centred**2).sum(axis=1))
    proximity = np.einsum("ij,ij->i", centred, own) / np.maximum(from_mean, 1e-12 * (float(from_mean.max(initial=0.0)) or 1.0))
    spread = float(np.abs(x).sum(axis=1).std())
    return float(proximity.std()) / spread if spread > 0 else 0.0


def usual_logit(logits: Floats | None) -> float:
    """Return the mean highest logit of clean rows, by which ViM scales the residual; of its size where that is not positive; 1 without logits."""
    if logits is None:
        return 1.0
    highest = logits.max(axis=1)
    mean = float(highest.mean())
    return mean if mean > 0 else float(np.abs(highest).mean()) or 1.0
